from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.income import WAGE_FIELDS, gaps
from tests.factories import WAGE

yen = st.integers(min_value=0, max_value=9_999_999)


def test_a_line_with_every_answer_has_no_gaps() -> None:
    assert gaps(WAGE) == {}


@pytest.mark.parametrize("field", WAGE_FIELDS)
@pytest.mark.parametrize("nothing", [None, ""])
def test_each_answer_that_is_missing_is_named(field: str, nothing: str | None) -> None:
    assert gaps({**WAGE, field: nothing}) == {field: "missing"}


def test_an_empty_line_names_every_field_in_the_order_they_are_asked() -> None:
    assert list(gaps({})) == list(WAGE_FIELDS)


def test_nothing_is_an_answer() -> None:
    assert gaps({**WAGE, **dict.fromkeys(WAGE_FIELDS[1:], 0)}) == {}


@given(gross=yen, insurance=yen, tax=yen)
def test_just_deductions_larger_than_the_pay_are_asked_again(gross: int, insurance: int, tax: int) -> None:
    line = {**WAGE, "gross_yen": gross, "social_insurance_yen": insurance, "income_tax_yen": tax}
    assert gaps(line) == ({"social_insurance_yen": "more_than_gross"} if insurance + tax > gross else {})


def test_what_is_missing_is_asked_before_what_does_not_fit() -> None:
    assert gaps({**WAGE, "gross_yen": None, "social_insurance_yen": 90_000}) == {"gross_yen": "missing"}
    assert gaps({**WAGE, "income_tax_yen": None, "social_insurance_yen": 90_000}) == {"income_tax_yen": "missing"}


def test_the_way_to_work_may_cost_more_than_the_pay() -> None:
    assert gaps({**WAGE, "gross_yen": 1_000, "social_insurance_yen": 0, "commuting_yen": 2_000}) == {}
