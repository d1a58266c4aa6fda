"""Where a page says a number, a day or a word: however it is written, and nowhere else."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.compare import boxes, day, holds, number, words

LINE = (0.1, 0.2, 0.5, 0.02)


@pytest.mark.parametrize("text", ["85,400", "８５，４００円", "￥85400-", "総支給額 85,400 円", "085400", "85,400.0"])
def test_a_number_is_found_in_every_width(text: str) -> None:
    assert holds(text, number(85_400))
    assert len(boxes([[text, *LINE]], number(85_400), aspect=1.4)) == 1


@pytest.mark.parametrize("text", ["185,400", "85,4000", "85.400", "1.85400", "8 5400", "85,40", "18 85,4001"])
def test_a_part_of_another_number_is_not_it(text: str) -> None:
    assert not holds(text, number(85_400))


def test_columns_beside_each_other_stay_two_numbers() -> None:
    assert holds("18 85,400", number(18))
    assert holds("18　85,400", number(85_400))
    assert not holds("18 85,400", number(1_885_400))


@pytest.mark.parametrize("text", ["85,400,3,200", "８５，４００，３，２００", "85,400,3"])
def test_a_comma_between_two_amounts_parts_them(text: str) -> None:
    assert holds(text, number(85_400))
    assert not holds(text, number(854_003))
    assert holds(text, number(3_200)) == text.endswith(("200", "２００"))


@pytest.mark.parametrize(
    "text",
    ["令和8年10月25日", "2026年10月25日", "10月25日", "2026/10/25", "R8.10.25", "令和 ８ 年 10 月 25 日", "10/25"],
)
def test_a_day_is_found_in_both_calendars(text: str) -> None:
    assert holds(text, day(date(2026, 10, 25)))


@pytest.mark.parametrize("text", ["令和7年10月25日", "2026年10月2日", "110月25日", "10/251", "3/10/25/1"])
def test_another_day_is_not_it(text: str) -> None:
    assert not holds(text, day(date(2026, 10, 25)))


def test_words_are_found_in_any_kana_and_spacing() -> None:
    assert holds("給 与　明細", words("給与明細") or number(0))
    assert holds("ｶﾌﾞｼｷ ガイシャ", words("かぶしきがいしゃ") or number(0))
    assert holds("(株)みほん", words("㈱ミホン") or number(0))
    assert words(" 　") is None
    assert words(",") is None


def test_a_box_is_the_part_of_its_line_that_the_signs_take() -> None:
    ((x, y, wide, high),) = boxes([["給与 85,400 円", *LINE]], number(85_400), aspect=1.4)
    # 給与 takes 4 of 14 halves, the space 1, the figures 6
    assert (x, y, wide, high) == pytest.approx((0.1 + 0.5 * 5 / 14, 0.2, 0.5 * 6 / 14, 0.02))


def test_a_line_written_downwards_is_marked_downwards() -> None:
    ((x, y, wide, high),) = boxes([["給与12", 0.5, 0.1, 0.02, 0.6]], number(12), aspect=1.4)
    assert (x, wide) == (0.5, 0.02)
    assert (y, high) == pytest.approx((0.1 + 0.6 * 4 / 6, 0.6 * 2 / 6))


@given(st.text(max_size=40), st.text(min_size=1, max_size=10), st.text(max_size=40))
def test_what_stands_in_a_line_is_marked_inside_of_its_box(before: str, sought: str, after: str) -> None:
    pattern = words(sought)
    if pattern is None:
        return
    for x, y, wide, high in boxes([[f"{before}{sought}{after}", *LINE]], pattern, aspect=1.4):
        assert 0.1 - 1e-9 <= x <= x + wide <= 0.6 + 1e-9
        assert 0.2 - 1e-9 <= y <= y + high <= 0.22 + 1e-9
        assert wide > 0 and high > 0
