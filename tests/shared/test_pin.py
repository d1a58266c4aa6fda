from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.pin import LONGEST, SHORTEST, WeakPin, good_pin, read_pin


@pytest.mark.parametrize(
    "typed", ["258046", "１３５２９８", " 258046 ", "さくら咲く春", "a1b2c3", "correct horse", "9" * 5 + "8"]
)
def test_a_secret_a_person_can_remember_is_good_enough(typed: str) -> None:
    assert good_pin(typed) == read_pin(typed)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "missing"),
        ("　", "missing"),
        ("1", "too_short"),
        ("25804", "too_short"),
        (" 25804 ", "too_short"),
        ("2" * 64 + "58", "too_long"),
        ("111111", "too_simple"),
        ("１１１１１１", "too_simple"),
        ("123456", "too_simple"),
        ("987654", "too_simple"),
        ("abcdef", "too_simple"),
        ("ａｂｃｄｅｆ", "too_simple"),
    ],
)
def test_a_weak_secret_says_why(typed: str, code: str) -> None:
    with pytest.raises(WeakPin) as weak:
        good_pin(typed)
    assert weak.value.code == code


@given(pin=st.text(alphabet="0123456789abcXYZ", min_size=SHORTEST, max_size=LONGEST))
def test_the_same_secret_comes_from_a_full_width_keyboard(pin: str) -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in pin)
    assert read_pin(f"　{wide} ") == pin


@given(typed=st.text(max_size=80))
def test_a_good_secret_stays_itself_when_it_is_read_again(typed: str) -> None:
    try:
        pin = good_pin(typed)
    except WeakPin as weak:
        assert weak.code in {"missing", "too_short", "too_long", "too_simple"}
    else:
        assert SHORTEST <= len(pin) <= LONGEST
        assert read_pin(pin) == good_pin(pin) == pin
