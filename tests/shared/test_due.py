from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import DutyKind, Situation
from shared.rules.due import Due, Person, Rule, due, school_ends
from shared.rules.months import add_months
from shared.rules.office_days import CalendarRule, OfficeDays

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
    Person,
    st.sampled_from([HOME, OTHER_HOME]),
    st.uuids(),
    st.just(False),
    st.sampled_from(Situation),
    st.none(),
    came_on=st.none() | months,
    left_on=st.none() | months,
    has_account=st.booleans(),
)
a_head = a_person.map(lambda person: replace(person, is_head=True))
people_of_two_homes = st.tuples(a_head, st.lists(a_person, max_size=5)).map(lambda found: [found[0], *found[1]])
office_days = st.builds(
    OfficeDays,
    st.frozensets(st.dates(date(2024, 1, 1), date(2029, 12, 31)), max_size=20),
    st.lists(st.builds(CalendarRule, months, st.booleans(), st.none()), max_size=3).map(tuple),
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


def test_a_rule_for_every_head_of_one_household_beats_the_offices_for_who_works() -> None:
    seldom = replace(MONTHLY, situation=None, every_months=3, household_id=HOME)
    year = [add_months(APRIL, at) for at in range(12)]
    assert [month.month for month in year if kinds([MONTHLY, seldom], WORKER, month)] == [4, 7, 10, 1]


def test_the_head_sends_one_paper_for_everybody_who_has_no_account_of_her_own() -> None:
    early = replace(MONTHLY, situation=Situation.OTHER, due_day=5)
    husband = replace(WORKER, has_account=True)
    (one,) = due([MONTHLY, early], [husband, WIFE], APRIL)
    assert (one.member_id, [member_id for member_id, _ in one.about]) == (
        husband.member_id,
        [husband.member_id, WIFE.member_id],
    )
    assert one.due_on == date(2026, 5, 7), "the earlier of the two days, after the holidays"
    assert [rule for _, rule in one.about] == [MONTHLY, early]
    two = list(due([MONTHLY, early], [husband, replace(WIFE, has_account=True)], APRIL))
    assert [(one.member_id, [member_id for member_id, _ in one.about]) for one in two] == [
        (husband.member_id, [husband.member_id]),
        (WIFE.member_id, [WIFE.member_id]),
    ]


def test_a_head_who_is_not_asked_still_sends_for_who_is() -> None:
    son = replace(WIFE, situation=Situation.WORKING)
    (one,) = due([MONTHLY], [replace(WORKER, situation=Situation.OTHER), son], APRIL)
    assert (one.member_id, [member_id for member_id, _ in one.about]) == (WORKER.member_id, [son.member_id])


def test_who_came_later_or_has_left_owes_nothing_for_a_month() -> None:
    year = [add_months(APRIL, at) for at in range(-2, 10)]
    rules = [replace(MONTHLY, from_month=date(2025, 4, 1))]
    there = replace(WORKER, came_on=date(2026, 5, 31), left_on=date(2026, 7, 1))
    assert [month.month for month in year if kinds(rules, there, month)] == [5, 6, 7]
    gone, wife = replace(WORKER, left_on=date(2026, 3, 31)), replace(WIFE, situation=Situation.WORKING)
    (one,) = due(rules, [gone, wife], APRIL)
    assert one.member_id == wife.member_id, "nobody who has left is asked to send for others"


@given(arrived=st.dates(date(2024, 1, 1), date(2028, 12, 31)), first_month=st.integers(1, 12))
def test_a_new_household_is_asked_for_the_yearly_thing_within_twelve_months(arrived: date, first_month: int) -> None:
    rule = replace(ASSETS, first_month=first_month, from_month=date(2020, 1, 1))
    person = replace(WORKER, came_on=arrived)
    first = next(month for at in range(24) if kinds([rule], person, month := add_months(arrived, at)))
    assert first < add_months(arrived, 12)


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


@given(rules=st.lists(a_rule, max_size=12), people=people_of_two_homes, month=months, days=office_days)
def test_each_kind_is_due_once_a_sender_about_each_person_once_on_an_open_day_after_the_month(
    rules: list[Rule], people: list[Person], month: date, days: OfficeDays
) -> None:
    found = list(due(rules, people, month, days))
    assert len({(one.household_id, one.member_id, one.kind) for one in found}) == len(found)
    about = [(member_id, one.kind) for one in found for member_id, _ in one.about]
    assert len(set(about)) == len(about)
    there = {person.member_id: person for person in people if person.is_there(month)}
    heads = {person.household_id: person for person in people if person.is_head}
    for one in found:
        assert one.due_on >= add_months(month, 1)
        assert days.is_open(one.due_on)
        assert one.about
        for member_id, _ in one.about:
            person, head = there[member_id], heads.get(one.household_id)
            assert person.household_id == one.household_id
            assert one.member_id in {member_id, head.member_id if head else member_id}
            assert not person.has_account or one.member_id == member_id


@given(rules=st.lists(a_rule, max_size=12), later=a_rule, people=people_of_two_homes, month=months)
def test_a_rule_of_a_later_month_never_rewrites_an_earlier_one(
    rules: list[Rule], later: Rule, people: list[Person], month: date
) -> None:
    later = replace(later, from_month=add_months(month, 1))
    before: list[Due] = list(due(rules, people, month))
    assert list(due([*rules, later], people, month)) == before


@given(rule=a_rule, person=a_person, start=months)
def test_a_yearly_thing_is_due_once_in_any_twelve_months(rule: Rule, person: Person, start: date) -> None:
    rule = replace(rule, every_months=12, from_month=date(2020, 1, 1), household_id=None, situation=person.situation)
    person = replace(person, came_on=None, left_on=None)
    assert sum(len(kinds([rule], person, add_months(start, at))) for at in range(12)) == 1
