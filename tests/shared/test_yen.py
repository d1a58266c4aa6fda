from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.yen import MOST_YEN, NotAnAmount, days, yen

amounts = st.integers(min_value=0, max_value=MOST_YEN)
FULL_WIDTH = str.maketrans("0123456789,", "０１２３４５６７８９，")


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("85000", 85_000),
        ("85,000", 85_000),
        ("８５，０００円", 85_000),
        ("￥85,000", 85_000),
        ("¥85,000", 85_000),
        ("\\85,000", 85_000),
        (" 85 000 円 ", 85_000),
        ("85、000円", 85_000),
        ("85000円也", 85_000),
        ("85,000.00", 85_000),
        ("85000.0", 85_000),
        ("8万5千", 85_000),
        ("８万５千円", 85_000),
        ("8万5000", 85_000),
        ("8万5000円", 85_000),
        ("12万", 120_000),
        ("千", 1_000),
        ("3千", 3_000),
        ("3千50", 3_050),
        ("①⑤000", 15_000),
        ("0", 0),
        ("０円", 0),
        ("000", 0),
        ("00085000", 85_000),
        ("0000000000000085000", 85_000),
        ("9999999", MOST_YEN),
        ("999万9千999", MOST_YEN),
    ],
)
def test_an_amount_is_understood_as_people_write_it(typed: str, amount: int) -> None:
    assert yen(typed) == amount


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "missing"),
        (" 　", "missing"),
        ("円", "missing"),
        ("-500", "negative"),
        ("−500円", "negative"),
        ("△500", "negative"),
        ("▲500", "negative"),
        ("ー500", "not_a_number"),
        ("-0", "negative"),
        ("850.5", "fraction"),
        ("0.5", "fraction"),
        ("85.000", "fraction"),
        ("1,234.56", "fraction"),
        ("1万2", "not_a_number"),
        ("8.5万", "not_a_number"),
        ("万", "not_a_number"),
        ("千万", "not_a_number"),
        ("10億", "not_a_number"),
        ("12千", "not_a_number"),
        ("八万五千", "not_a_number"),
        ("85000 yen", "not_a_number"),
        ("+85000", "not_a_number"),
        ("1e5", "not_a_number"),
        ("0x10", "not_a_number"),
        ("85000\x00", "not_a_number"),
        ("٨٥٠٠٠", "not_a_number"),
        ("約85000", "not_a_number"),
        ("10000000", "too_much"),
        ("1000万", "too_much"),
        ("9" * 5000, "too_much"),
        ("9" * 5000 + "万", "too_much"),
        ("9" * 5000 + ".0", "too_much"),
    ],
)
def test_what_is_no_amount_says_why(typed: str, code: str) -> None:
    with pytest.raises(NotAnAmount) as wrong:
        yen(typed)
    assert wrong.value.code == code


@given(amount=amounts, width=st.booleans(), commas=st.booleans(), before=st.sampled_from(["", "¥", "￥", " "]))
@pytest.mark.parametrize("after", ["", "円", "円也", " 円"])
def test_whichever_way_an_amount_is_written_it_is_read_back(
    amount: int, width: bool, commas: bool, before: str, after: str
) -> None:
    text = f"{amount:,}" if commas else f"{amount}"
    assert yen(before + (text.translate(FULL_WIDTH) if width else text) + after) == amount


@given(amount=amounts)
def test_units_say_the_same_as_figures(amount: int) -> None:
    man, rest = divmod(amount, 10_000)
    sen, ones = divmod(rest, 1_000)
    with_both = f"{man}万" * bool(man) + f"{sen}千" * bool(sen) + f"{ones:03}" * bool(ones)
    assert yen(with_both or "0") == amount
    assert yen(f"{man}万{rest:04}") == amount


@given(text=st.text(max_size=60))
def test_whatever_is_typed_is_an_amount_in_bounds_or_a_reason(text: str) -> None:
    for read, most in ((yen, MOST_YEN), (days, 31)):
        try:
            assert 0 <= read(text) <= most
        except NotAnAmount as wrong:
            assert wrong.code in {"missing", "not_a_number", "fraction", "negative", "too_much"}


@pytest.mark.parametrize(
    ("typed", "count"),
    [("18", 18), ("１８日", 18), ("18日間", 18), (" 18 日", 18), ("0", 0), ("31", 31), ("00018", 18), ("007", 7)],
)
def test_a_number_of_days_is_understood_as_people_write_it(typed: str, count: int) -> None:
    assert days(typed) == count


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "missing"),
        ("日", "missing"),
        ("-1", "negative"),
        ("32", "too_much"),
        ("9" * 5000, "too_much"),
        ("18.5", "not_a_number"),
        ("十八", "not_a_number"),
        ("18.0", "not_a_number"),
        ("週3日", "not_a_number"),
    ],
)
def test_what_is_no_number_of_days_says_why(typed: str, code: str) -> None:
    with pytest.raises(NotAnAmount) as wrong:
        days(typed)
    assert wrong.value.code == code
