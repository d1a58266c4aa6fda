from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.calendar_day import NotADay, day_of
from shared.rules.wareki import japanese_date

TODAY = date(2026, 11, 22)
days = st.dates(min_value=date(1926, 12, 25), max_value=date(2028, 12, 31))
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@given(day=days)
def test_a_day_with_its_year_is_read_in_each_style(day: date) -> None:
    for text in (
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}.{day.month}.{day.day}".translate(FULL_WIDTH),
        japanese_date(day),
    ):
        assert day_of(text, today=TODAY) == day


@given(day=st.dates(min_value=date(2026, 6, 1), max_value=date(2027, 5, 1)))
def test_a_day_without_a_year_is_the_nearest_one(day: date) -> None:
    assert day_of(f"{day.month}/{day.day}", today=TODAY) == day
    assert day_of(f" {day.month} 月 {day.day} 日 ", today=TODAY) == day


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("R8.11.3", date(2026, 11, 3)),
        ("r8-11-3", date(2026, 11, 3)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("昭和33年4月8日", date(1958, 4, 8)),
        ("H1.1.8", date(1989, 1, 8)),
        ("11月3日（火）", date(2026, 11, 3)),
        ("2/29", date(2028, 2, 29)),
    ],
)
def test_a_day_as_people_write_it(typed: str, day: date) -> None:
    today = date(2027, 12, 1) if typed == "2/29" else TODAY
    assert day_of(typed, today=today) == day


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "missing"),
        ("　", "missing"),
        ("きょう", "not_a_day"),
        ("13/1", "not_a_day"),
        ("2026-02-30", "not_a_day"),
        ("11", "not_a_day"),
        ("0000-01-01", "not_a_day"),
        ("1800-01-01", "far_away"),
        ("2999-01-01", "far_away"),
    ],
)
def test_what_is_no_day_has_its_code(typed: str, code: str) -> None:
    with pytest.raises(NotADay) as wrong:
        day_of(typed, today=TODAY)
    assert wrong.value.code == code


@given(st.text(max_size=20))
def test_nothing_that_is_typed_is_an_error_of_ours(typed: str) -> None:
    try:
        day_of(typed, today=TODAY)
    except NotADay as wrong:
        assert wrong.code in ("missing", "not_a_day", "far_away")
