from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import DutyKind, Situation
from shared.rules.due import Due, Person, Rule, due, school_ends
from shared.rules.months import add_months, is_open_day

APRIL = date(2026, 4, 1)
HOME, OTHER_HOME = UUID(int=1), UUID(int=2)
MONTHLY = Rule(DutyKind.INCOME_REPORT, Situation.WORKING, 1, 1, 10, APRIL)
YEARLY = Rule(DutyKind.INCOME_REPORT, Situation.OTHER, 12, 3, 10, APRIL)
ASSETS = Rule(DutyKind.ASSET_REPORT, None, 12, 3, 10, APRIL)
WORKER = Person(HOME, UUID(int=11), True, Situation.WORKING)
WIFE = Person(HOME, UUID(int=12), False, Situation.OTHER)

months = st.builds(add_months, st.just(date(2024, 1, 1)), st.integers(0, 60))
a_rule = st.builds(
    Rule,
    st.sampled_from(DutyKind),
    st.sampled_from([*Situation, None]),
    st.integers(0, 12),
    st.integers(1, 12),
    st.integers(1, 28),
    months,
    st.sampled_from([None, HOME]),
)
a_person = st.builds(
    Person, st.sampled_from([HOME, OTHER_HOME]), st.uuids(), st.booleans(), st.sampled_from(Situation), st.none()
)


def kinds(rules: list[Rule], person: Person, month: date) -> list[DutyKind]:
    return [one.kind for one in due(rules, [person], month)]


def test_who_works_reports_monthly_and_who_does_not_once_a_year() -> None:
    year = [add_months(APRIL, at) for at in range(12)]
    rules = [MONTHLY, YEARLY]
    assert [month for month in year if kinds(rules, WORKER, month)] == year
    assert [month for month in year if kinds(rules, WIFE, month)] == [date(2027, 3, 1)]


def test_what_the_head_owes_alone_no_other_member_owes() -> None:
    march = date(2027, 3, 1)
    assert kinds([ASSETS], WORKER, march) == [DutyKind.ASSET_REPORT]
    assert kinds([ASSETS], WIFE, march) == []


def test_a_rule_of_the_household_beats_the_offices() -> None:
    never = replace(MONTHLY, every_months=0, household_id=HOME)
    assert kinds([MONTHLY, never], WORKER, APRIL) == []
    assert kinds([MONTHLY, never], replace(WORKER, household_id=OTHER_HOME), APRIL) == [DutyKind.INCOME_REPORT]


def test_a_newer_rule_holds_from_its_month_on() -> None:
    off = replace(MONTHLY, every_months=0, from_month=date(2026, 8, 1))
    assert [bool(kinds([off, MONTHLY], WORKER, date(2026, at, 1))) for at in (6, 7, 8, 9)] == [True, True, False, False]


def test_nothing_is_due_for_a_month_before_any_rule() -> None:
    assert kinds([MONTHLY], WORKER, date(2026, 3, 1)) == []


@pytest.mark.parametrize(
    ("born_on", "last"),
    [
        (date(2011, 4, 1), date(2026, 3, 31)),
        (date(2011, 4, 2), date(2027, 3, 31)),
        (date(2011, 12, 31), date(2027, 3, 31)),
        (date(2012, 1, 1), date(2027, 3, 31)),
        (date(2012, 2, 29), date(2027, 3, 31)),
    ],
)
def test_a_child_reports_no_income_until_school_is_over(born_on: date, last: date) -> None:
    assert school_ends(born_on) == last
    child = replace(WORKER, born_on=born_on)
    assert kinds([MONTHLY, replace(MONTHLY, from_month=date(2020, 4, 1))], child, last.replace(day=1)) == []
    after = add_months(last.replace(day=1), 1)
    assert kinds([replace(MONTHLY, from_month=date(2020, 4, 1))], child, after) == [DutyKind.INCOME_REPORT]


@given(rules=st.lists(a_rule, max_size=12), people=st.lists(a_person, max_size=6), month=months)
def test_each_kind_is_due_once_a_person_on_an_open_day_after_the_month(
    rules: list[Rule], people: list[Person], month: date
) -> None:
    found = list(due(rules, people, month))
    assert len({(one.member_id, one.kind) for one in found}) == len(found)
    for one in found:
        assert one.due_on >= add_months(month, 1)
        assert is_open_day(one.due_on)


@given(rules=st.lists(a_rule, max_size=12), later=a_rule, people=st.lists(a_person, max_size=6), month=months)
def test_a_rule_of_a_later_month_never_rewrites_an_earlier_one(
    rules: list[Rule], later: Rule, people: list[Person], month: date
) -> None:
    later = replace(later, from_month=add_months(month, 1))
    before: list[Due] = list(due(rules, people, month))
    assert list(due([*rules, later], people, month)) == before


@given(rule=a_rule, person=a_person, start=months)
def test_a_yearly_thing_is_due_once_in_any_twelve_months(rule: Rule, person: Person, start: date) -> None:
    rule = replace(rule, every_months=12, from_month=date(2020, 1, 1), household_id=None, situation=person.situation)
    assert sum(len(kinds([rule], person, add_months(start, at))) for at in range(12)) == 1
