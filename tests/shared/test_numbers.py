from __future__ import annotations

import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.numbers import (
    ALPHABET,
    CODE_LENGTH,
    code_hash,
    document_number,
    grouped,
    is_submission_number,
    new_code,
    new_token,
    read_code,
    submission_number,
)

NOVEMBER = date(2026, 11, 19)
offices = st.text(alphabet=string.ascii_uppercase, min_size=2, max_size=4)
days = st.dates(min_value=date(2020, 4, 1), max_value=date(2099, 3, 31))
serials = st.integers(min_value=1, max_value=9_999_999)
codes = st.text(alphabet=ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)


@given(office=offices, day=days, serial=serials)
def test_a_number_that_we_give_is_one(office: str, day: date, serial: int) -> None:
    number = submission_number(office, day, serial)
    assert is_submission_number(number)
    assert number.startswith(office)
    assert number.split("-")[1] == f"{serial:05}"


@given(office=offices, day=days, serial=serials, data=st.data())
def test_any_single_wrong_figure_is_found(office: str, day: date, serial: int, data: st.DataObject) -> None:
    number = submission_number(office, day, serial)
    place = data.draw(st.sampled_from([at for at, sign in enumerate(number) if sign.isdigit()]))
    wrong = data.draw(st.sampled_from(sorted(set(string.digits) - {number[place]})))
    assert not is_submission_number(number[:place] + wrong + number[place + 1 :])


def test_nine_of_ten_wrong_letters_and_swapped_neighbours_are_found() -> None:
    wrong, missed = 0, 0
    for serial in range(20_000, 20_040):
        number = submission_number("HB", NOVEMBER, serial)
        letters = [other + number[1:] for other in string.ascii_uppercase if other != "H"]
        letters += [number[0] + other + number[2:] for other in string.ascii_uppercase if other != "B"]
        pairs = [at for at in range(len(number) - 1) if number[at] != number[at + 1] and number[at : at + 2].isdigit()]
        swapped = [number[:at] + number[at + 1] + number[at] + number[at + 2 :] for at in pairs]
        wrong += len(letters) + len(swapped)
        missed += sum(map(is_submission_number, letters + swapped))
    assert wrong > 2000
    assert missed / wrong < 0.1


@pytest.mark.parametrize(
    "text",
    ["", "HB8-20417", "hb8-20417-1", "HB8-20417-1 ", "HB8-2041-1", "H8-20417-1", "HB8-20417-1\n", "ＨＢ8-20417-1"],
)
def test_what_has_not_the_form_of_a_number_is_none(text: str) -> None:
    assert not is_submission_number(text)


def test_full_width_figures_do_not_make_a_number_as_it_is_stored() -> None:
    number = submission_number("HB", NOVEMBER, 20417)
    wide = number.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert is_submission_number(number)
    assert not is_submission_number(wide)


@pytest.mark.parametrize(
    ("day", "begins"),
    [(date(2026, 3, 31), "HB7-"), (date(2026, 4, 1), "HB8-"), (date(2027, 1, 1), "HB8-"), (date(2019, 5, 1), "HB31-")],
)
def test_a_number_names_the_fiscal_year_and_not_the_calendars(day: date, begins: str) -> None:
    assert submission_number("HB", day, 1).startswith(begins)


def test_a_document_number_is_written_as_the_office_writes_it() -> None:
    assert document_number("ひ福生第", NOVEMBER, 3121) == "ひ福生第 令8-03121 号"


def typed_differently(code: str) -> list[str]:
    wide = str.maketrans({sign: chr(ord(sign) + 0xFEE0) for sign in ALPHABET})
    return [
        code,
        grouped(code),
        code.lower(),
        grouped(code).lower(),
        code.translate(wide),
        code.translate(wide).lower(),
        grouped(code).replace("-", "ー"),
        grouped(code).replace("-", "−"),
        grouped(code).replace("-", " "),
        grouped(code).replace("-", "　"),
        f" {code[:5]} {code[5:]}\n",
        "・".join(code),
    ]


@given(code=codes)
def test_a_code_is_read_in_any_case_width_and_grouping(code: str) -> None:
    assert {read_code(typed) for typed in typed_differently(code)} == {code}


@given(code=codes)
def test_a_printed_code_stands_in_three_groups_of_four(code: str) -> None:
    assert [len(group) for group in grouped(code).split("-")] == [4, 4, 4]
    assert grouped(code).replace("-", "") == code


@pytest.mark.parametrize("typed", ["", "ABCD", "A" * 11, "A" * 13, "O" * 12, "0" * 12, "AAAAAAAAAAA1", "あ" * 12])
def test_what_cannot_be_a_code_is_not_even_looked_up(typed: str) -> None:
    assert read_code(typed) is None


@given(text=st.text(max_size=100))
def test_whatever_is_typed_is_a_code_or_none(text: str) -> None:
    code = read_code(text)
    assert code is None or (len(code) == CODE_LENGTH and set(code) <= set(ALPHABET))


def test_a_code_has_no_sign_that_looks_like_another() -> None:
    assert set("01OIL") & set(ALPHABET) == set()
    assert len(set(ALPHABET)) == 31


def test_no_two_codes_or_tokens_are_alike_and_only_hashes_are_kept() -> None:
    made = {new_code() for _ in range(200)} | {new_token() for _ in range(200)}
    assert len(made) == 400
    assert {len(code_hash(secret)) for secret in made} == {64}
    assert len({code_hash(secret) for secret in made}) == 400
