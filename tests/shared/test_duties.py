from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import clock, drafts, duties, intake
from shared.model import MACHINE, Duty, State
from shared.sign_in import Recipient
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def who(session: Session) -> Recipient:
    return factories.recipient(session)


def open_duty(session: Session, who: Recipient, month: date) -> Duty:
    return duties.open_duty(session, factories.office(session), who.household_id, who.member_id, month)


def to_do(session: Session, who: Recipient) -> list[tuple[date, date, bool, int]]:
    return [(row.month, row.due_on, row.late, row.answered) for row in duties.to_do(session, who, clock.today())]


def test_opening_a_duty_twice_is_once(session: Session, who: Recipient) -> None:
    assert open_duty(session, who, OCTOBER) is open_duty(session, who, OCTOBER)
    assert session.scalar(select(func.count()).select_from(Duty)) == 1


def test_what_is_due_stands_with_the_earliest_first_and_says_if_it_is_late(session: Session, who: Recipient) -> None:
    for month in (OCTOBER, SEPTEMBER):
        open_duty(session, who, month)
    assert to_do(session, who) == [
        (SEPTEMBER, date(2026, 10, 28), True, 0),
        (OCTOBER, date(2026, 11, 30), False, 0),  # the 28th is a Saturday
    ]


def test_on_its_day_nothing_is_late(session: Session, who: Recipient) -> None:
    open_duty(session, who, OCTOBER)
    assert [row.late for row in duties.to_do(session, who, date(2026, 11, 30))] == [False]
    assert [row.late for row in duties.to_do(session, who, date(2026, 12, 1))] == [True]


def test_what_was_begun_says_how_far_it_is(session: Session, who: Recipient) -> None:
    open_duty(session, who, OCTOBER)
    row = drafts.start_report(session, who, OCTOBER)
    drafts.write(session, who, row.id, {"employer": "株式会社みほん清掃", "work_days": 0})
    (line,) = duties.to_do(session, who, clock.today())
    assert (line.draft_id, line.answered, line.asked) == (row.id, 2, 6)


def test_a_report_nobody_asked_for_stands_there_too_while_it_is_written(session: Session, who: Recipient) -> None:
    row = factories.draft(session, who, SEPTEMBER)
    assert to_do(session, who) == [(SEPTEMBER, date(2026, 10, 28), True, 6)]
    intake.send(session, who, row.id, attempt=uuid4())
    assert to_do(session, who) == []


@pytest.mark.parametrize("state", list(State))
def test_just_what_was_sent_and_stands_is_done(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    who = factories.recipient_of(session, row)
    open_duty(session, who, OCTOBER)
    due = state in (State.DRAFT, State.WITHDRAWN, State.VOIDED)
    assert [line.month for line in duties.to_do(session, who, clock.today())] == ([OCTOBER] if due else [])


def test_a_second_report_of_a_month_is_to_do_until_it_is_sent(session: Session, who: Recipient) -> None:
    open_duty(session, who, OCTOBER)
    intake.send(session, who, factories.draft(session, who).id, attempt=uuid4())
    second = drafts.start_report(session, who, OCTOBER)
    assert [line.draft_id for line in duties.to_do(session, who, clock.today())] == [second.id]


def test_one_report_taken_back_does_not_hide_that_another_was_sent(session: Session, who: Recipient) -> None:
    open_duty(session, who, OCTOBER)
    for taken_back in (True, False):
        row = intake.send(session, who, factories.draft(session, who).id, attempt=uuid4())
        if taken_back:
            row.move(State.WITHDRAWN, MACHINE)
            session.flush()
            assert to_do(session, who) != []
    assert to_do(session, who) == []


def test_a_neighbours_duties_are_not_mine(session: Session, who: Recipient) -> None:
    neighbour = factories.recipient(session, factories.household(session))
    open_duty(session, neighbour, OCTOBER)
    factories.draft(session, neighbour, SEPTEMBER)
    assert to_do(session, who) == []
