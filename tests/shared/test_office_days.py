"""An office's own calendar: as rules, and as the people who keep the office set it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, duties, intake, office_days, review
from shared.errors import RuleOfThePast
from shared.model import LogEntry, Reason, State
from shared.rules.months import add_months, is_open_day
from shared.rules.office_days import CalendarRule, OfficeDays
from tests import factories

USUAL = OfficeDays()
APRIL, DECEMBER, JANUARY = date(2026, 4, 1), date(2026, 12, 1), date(2027, 1, 1)
days = st.dates(min_value=date(2019, 5, 1), max_value=date(2045, 12, 31))
firsts = days.map(lambda day: day.replace(day=1))
some_office = st.builds(
    OfficeDays,
    st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=40),
    st.lists(st.builds(CalendarRule, firsts, st.booleans(), st.none() | st.integers(1, 28)), max_size=3).map(tuple),
)


@pytest.mark.parametrize(
    ("month", "due_day", "due"),
    [
        (date(2026, 9, 1), 28, date(2026, 10, 28)),
        (date(2026, 10, 1), 28, date(2026, 11, 30)),  # the 28th is a Saturday
        (date(2026, 11, 1), 28, date(2026, 12, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 4)),
        (date(2027, 1, 1), 31, date(2027, 3, 1)),  # February has no 31st; its 28th is a Sunday
    ],
)
def test_a_report_is_due_on_the_offices_day_of_the_next_month(month: date, due_day: int, due: date) -> None:
    assert USUAL.due_on(month, due_day) == due


@given(month=firsts, due_day=st.integers(min_value=1, max_value=28))
def test_a_due_day_is_open_and_after_its_month(month: date, due_day: int) -> None:
    due = USUAL.due_on(month, due_day)
    assert is_open_day(due)
    assert add_months(month, 1) <= due < add_months(month, 2) + timedelta(days=10)


@given(office=some_office, month=st.dates(date(2026, 1, 1), date(2027, 12, 1)), due_day=st.integers(1, 28))
def test_no_due_day_is_a_closed_one_or_lies_in_the_month_it_is_about(
    office: OfficeDays, month: date, due_day: int
) -> None:
    month = month.replace(day=1)
    due = office.due_on(month, due_day)
    assert office.is_open(due)
    assert due >= add_months(month, 1)


def test_a_day_the_office_has_closed_moves_what_is_due_and_every_count() -> None:
    closed = OfficeDays(frozenset({date(2026, 12, 10), date(2026, 12, 11)}))
    assert USUAL.due_on(date(2026, 11, 1), 10) == date(2026, 12, 10)
    assert closed.due_on(date(2026, 11, 1), 10) == date(2026, 12, 14), "Thursday and Friday closed, then a weekend"
    assert (USUAL.after(date(2026, 12, 9), 2), closed.after(date(2026, 12, 9), 2)) == (
        date(2026, 12, 11),
        date(2026, 12, 15),
    )
    assert (USUAL.late(date(2026, 12, 9), date(2026, 12, 14)), closed.late(date(2026, 12, 9), date(2026, 12, 14))) == (
        3,
        1,
    )


def test_on_its_day_nothing_is_late_and_the_turn_of_the_year_counts_for_nobody() -> None:
    assert USUAL.late(date(2026, 12, 28), date(2026, 12, 28)) == 0
    assert USUAL.late(date(2026, 12, 28), date(2026, 12, 27)) == 0
    assert USUAL.late(date(2026, 12, 28), date(2027, 1, 3)) == 0
    assert USUAL.late(date(2026, 12, 28), date(2027, 1, 4)) == 1


def test_an_office_may_let_a_due_day_move_back_from_a_month_on() -> None:
    office = OfficeDays(rules=(CalendarRule(date(2026, 10, 1), due_before=True, pay_day=None),))
    assert office.due_on(date(2026, 9, 1), 31) == date(2026, 11, 2), "the rule has not begun: the 31st is a Saturday"
    assert office.due_on(date(2026, 10, 1), 28) == date(2026, 11, 27), "the 28th is a Saturday"
    assert USUAL.due_on(date(2026, 10, 1), 28) == date(2026, 11, 30)
    assert office.due_on(DECEMBER, 3) == date(2027, 1, 4), "never back into the month it is about"


def test_the_payment_day_moves_before_a_closed_day_and_one_month_may_have_its_own() -> None:
    rules = (CalendarRule(APRIL, False, 5), CalendarRule(JANUARY, False, 4))
    office = OfficeDays(frozenset({date(2026, 12, 4)}), rules, {JANUARY: date(2026, 12, 25)})
    assert OfficeDays(rules=rules).paid_on(DECEMBER) == date(2026, 12, 4), "the 5th is a Saturday"
    assert office.paid_on(DECEMBER) == date(2026, 12, 3)
    assert office.paid_on(date(2026, 3, 1)) is None, "no rule yet"
    assert office.paid_on(date(2027, 2, 1)) == date(2027, 2, 4)
    seen = [office.next_payment(day) for day in (date(2026, 12, 3), date(2026, 12, 4), date(2026, 12, 26))]
    assert seen == [date(2026, 12, 3), date(2026, 12, 25), date(2027, 2, 4)]
    assert USUAL.next_payment(date(2026, 12, 3)) is None


# ---- set by the people who keep the office ----


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    evening = datetime.fromisoformat("2026-11-19T20:12:41+09:00")
    with clock.at(evening):
        yield evening


def test_what_was_set_is_read_and_another_offices_is_not(session: Session) -> None:
    ours, theirs = factories.office(session).id, factories.office(session, "XX").id
    office_days.close(session, ours, date(2026, 12, 4), "市制記念日")
    office_days.set_rule(session, ours, DECEMBER, pay_day=5)
    office_days.set_rule(session, ours, JANUARY, due_before=True)
    office_days.set_payment(session, ours, JANUARY, date(2026, 12, 28))
    assert office_days.of(session, ours) == OfficeDays(
        frozenset({date(2026, 12, 4)}),
        (CalendarRule(DECEMBER, False, 5), CalendarRule(JANUARY, True, 5)),
        {JANUARY: date(2026, 12, 28)},
    ), "what a later rule does not say stays as it was"
    assert office_days.of(session, theirs) == OfficeDays()
    office_days.reopen(session, ours, date(2026, 12, 4))
    office_days.reopen(session, ours, date(2026, 12, 4))
    assert office_days.of(session, ours).closed == frozenset()
    assert set(session.scalars(select(LogEntry.event))) == {
        "closed_day.set",
        "closed_day.taken_back",
        "calendar_rule.set",
        "payment_day.set",
    }


def test_what_is_over_is_not_set_any_more(session: Session) -> None:
    office_id, yesterday = factories.office(session).id, clock.today() - timedelta(days=1)
    with pytest.raises(RuleOfThePast):
        office_days.close(session, office_id, yesterday, "庁舎の点検")
    with pytest.raises(RuleOfThePast):
        office_days.reopen(session, office_id, yesterday)
    with pytest.raises(RuleOfThePast):
        office_days.set_payment(session, office_id, DECEMBER, yesterday)
    with pytest.raises(RuleOfThePast):
        office_days.set_rule(session, office_id, date(2026, 10, 1), pay_day=1)
    office_days.close(session, office_id, clock.today(), "台風")
    office_days.set_rule(session, office_id, date(2026, 11, 1), pay_day=1)


def test_every_promise_counts_the_offices_own_closed_days(session: Session) -> None:
    who = factories.recipient(session)
    friday = date(2026, 11, 20)
    office_days.close(session, who.office_id, friday, "庁舎の点検")
    row = intake.send(session, who, factories.draft(session, who).id, attempt=uuid4())
    assert row.look_by == date(2026, 11, 25), "after Friday's closing, a weekend and a holiday: Tuesday, Wednesday"
    worker = factories.caseworker_of(session, row)
    review.claim(session, worker, row.id)
    asked = review.AskAgain(seen=row.revision, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.DIFFERS, "")})
    review.send_back(session, worker, row.id, asked)
    assert (row.state, row.answer_by) == (State.RETURNED, date(2026, 11, 30))
    other = factories.recipient(session, factories.household(session, factories.staff(session)))
    office_days.close(session, who.office_id, date(2026, 11, 30), "庁舎の点検")
    duty = duties.open_duty(session, factories.office(session), other.household_id, other.member_id, factories.OCTOBER)
    assert duty.due_on == date(2026, 12, 1)
    assert is_open_day(date(2026, 11, 30))
