"""A 個人番号 is found however it is written, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from shared.rules import my_number

REAL = "621498320257"  # made up; its check digit is right


@pytest.mark.parametrize(
    "text",
    [
        REAL,
        "6214 9832 0257",
        "６２１４－９８３２－０２５７",
        "6214ー9832ー0257",
        "番号は6214-9832-0257です。",
        "電話 090-1234-5678\n6214　9832　0257",
    ],
)
def test_it_is_found_in_any_width_and_however_divided(text: str) -> None:
    assert my_number.is_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "621498320258",  # the check digit is wrong
        "090-1234-5678",
        "03-1234-5678 03-1234-5678",
        f"1{REAL}",
        f"{REAL}0",
        "令和8年11月22日 10時30分から 1,234円",
    ],
)
def test_a_telephone_a_day_an_amount_or_a_longer_number_is_none(text: str) -> None:
    assert not my_number.is_in(text)
