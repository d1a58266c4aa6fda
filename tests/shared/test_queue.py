from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from shared import clock, intake, queue, review
from shared.model import Reason, Role, State, Submission
from shared.queue import Scope
from shared.review import LEASE, AskAgain
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session, name="例野 太郎")


def arrived(session: Session, worker: Staff, hours_ago: float = 0, *, protected: bool = False) -> Submission:
    home = factories.household(session, worker, protected=protected)
    with clock.at(EVENING - timedelta(hours=hours_ago)):
        return factories.submission(session, who=factories.recipient(session, home))


def come_back(session: Session, worker: Staff, row: Submission) -> None:
    """Ask again, and let the person answer at once."""
    review.claim(session, worker, row.id)
    values = {"jobs-0-gross_yen": (Reason.DIFFERS, "")}
    review.send_back(session, worker, row.id, AskAgain(seen=row.revision, attempt=uuid4(), values=values))
    who = factories.recipient_of(session, row)
    intake.send(session, who, row.id, attempt=uuid4())


def ids(session: Session, who: Staff, scope: Scope = Scope.ALL) -> list[UUID]:
    return [line.id for line in queue.waiting(session, who, scope)]


def test_corrections_that_came_back_stand_first_and_then_the_longest_waiting(session: Session, worker: Staff) -> None:
    young, old, corrected, corrected_old = (arrived(session, worker, hours) for hours in (1, 30, 2, 5))
    for row in (corrected, corrected_old):
        come_back(session, worker, row)
    assert ids(session, worker) == [corrected_old.id, corrected.id, old.id, young.id]


def test_a_line_says_what_a_caseworker_must_know(session: Session, worker: Staff) -> None:
    colleague = factories.staff(session, name="手本 春子")
    home = factories.household(session, worker, case_no="0042")
    who = factories.recipient(session, home)
    factories.recipient(session, home, name="見本　次郎", is_head=False)
    row = factories.draft(session, who)
    for _ in range(2):
        factories.make_safe(session, factories.file(session, who, row))
    intake.send(session, who, row.id, attempt=uuid4())
    review.claim(session, colleague, row.id)
    (line,) = queue.waiting(session, worker)
    assert (line.id, line.number, line.member, line.case_no) == (row.id, row.number, "見本　花子", "0042")
    assert (line.members, line.files, line.month, line.version_no) == (2, 2, factories.OCTOBER, 1)
    assert (line.state, line.arrived_at, line.look_by) == (State.IN_REVIEW, EVENING, date(2026, 11, 24))
    assert (line.caseworker, line.holder, line.holder_is_me) == ("例野 太郎", "手本 春子", False)
    (hers,) = queue.waiting(session, colleague, Scope.ALL)
    assert hers.holder_is_me


def test_a_report_without_files_counts_none(session: Session, worker: Staff) -> None:
    arrived(session, worker)
    assert [(line.files, line.members, line.holder) for line in queue.waiting(session, worker)] == [(0, 1, None)]


def test_whose_lease_ran_out_holds_nothing_any_more(session: Session, worker: Staff) -> None:
    row = arrived(session, worker)
    review.claim(session, worker, row.id)
    with clock.at(EVENING + LEASE):
        (line,) = queue.waiting(session, worker)
    assert (line.state, line.holder, line.holder_is_me) == (State.IN_REVIEW, None, False)


@pytest.mark.parametrize("state", list(State))
def test_just_what_needs_a_look_stands_in_the_queue(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    stands = state in (State.WAITING, State.IN_REVIEW, State.ON_HOLD)
    assert ids(session, factories.caseworker_of(session, row), Scope.MINE) == ([row.id] if stands else [])


def test_mine_are_those_of_my_households_and_all_leaves_out_only_the_protected(session: Session, worker: Staff) -> None:
    colleague, supervisor = factories.staff(session), factories.staff(session, Role.SUPERVISOR)
    own, others = arrived(session, worker, 4), arrived(session, colleague, 3)
    own_protected, others_protected = (arrived(session, who, 2, protected=True) for who in (worker, colleague))
    assert ids(session, worker, Scope.MINE) == [own.id, own_protected.id]
    assert ids(session, worker) == [own.id, others.id, own_protected.id]
    everything = [own.id, others.id, own_protected.id, others_protected.id]
    assert sorted(ids(session, supervisor)) == sorted(everything) == sorted(ids(session, supervisor, Scope.MINE))


@pytest.mark.parametrize("role", [Role.CLERK, Role.ADMINISTRATOR])
def test_clerks_and_administrators_have_no_such_list(session: Session, worker: Staff, role: Role) -> None:
    arrived(session, worker)
    somebody = factories.staff(session, role)
    assert ids(session, somebody) == ids(session, somebody, Scope.MINE) == []
    assert queue.next_for(session, somebody) is None


def test_another_offices_lists_are_another_offices(session: Session, worker: Staff) -> None:
    arrived(session, worker)
    office = factories.office(session, "HX")
    for role in Role:
        stranger = factories.staff(session, role, office_id=office.id)
        assert ids(session, stranger) == queue.ready_for_receipt(session, stranger) == []
        assert queue.next_for(session, stranger) is None


def test_next_is_the_first_of_ones_own_that_nobody_has(session: Session, worker: Staff) -> None:
    colleague, supervisor = factories.staff(session), factories.staff(session, Role.SUPERVISOR)
    arrived(session, colleague, 50)
    taken, first, second = (arrived(session, worker, hours) for hours in (9, 8, 7))
    review.claim(session, supervisor, taken.id)
    assert queue.next_for(session, worker) == first.id
    come_back(session, worker, second)
    assert queue.next_for(session, worker) == second.id


def test_next_is_also_what_one_has_already_or_whose_lease_ran_out(session: Session, worker: Staff) -> None:
    row = arrived(session, worker)
    review.claim(session, worker, row.id)
    assert queue.next_for(session, worker) == row.id
    review.release(session, worker, row.id)
    review.claim(session, factories.staff(session), row.id)
    assert queue.next_for(session, worker) is None
    with clock.at(EVENING + LEASE):
        assert queue.next_for(session, worker) == row.id


def test_next_is_nobody_when_the_queue_is_empty(session: Session, worker: Staff) -> None:
    assert queue.next_for(session, worker) is None
    assert queue.waiting(session, worker, Scope.ALL) == []


def test_the_clerk_sees_what_is_accepted_with_the_longest_waiting_first(session: Session, worker: Staff) -> None:
    clerk = factories.staff(session, Role.CLERK)
    rows = [arrived(session, worker, hours) for hours in (1, 30)]
    arrived(session, worker)
    come_back(session, worker, rows[0])
    for row in rows:
        review.claim(session, worker, row.id)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    lines = queue.ready_for_receipt(session, clerk)
    assert [(line.id, line.version_no, line.files) for line in lines] == [(rows[1].id, 1, 0), (rows[0].id, 2, 0)]
    first = lines[0]
    assert (first.number, first.member, first.month) == (rows[1].number, "見本　花子", factories.OCTOBER)
    assert (first.accepted_by, first.accepted_at) == ("例野 太郎", EVENING)


@pytest.mark.parametrize("state", list(State))
def test_just_what_is_accepted_waits_for_a_clerk(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    lines = queue.ready_for_receipt(session, factories.staff(session, Role.CLERK))
    assert [line.id for line in lines] == ([row.id] if state is State.ACCEPTED else [])


def test_the_clerk_sees_how_many_files_the_accepted_version_has(session: Session, worker: Staff) -> None:
    who = factories.recipient(session, factories.household(session, worker))
    row = factories.draft(session, who)
    for _ in range(3):
        factories.make_safe(session, factories.file(session, who, row))
    intake.send(session, who, row.id, attempt=uuid4())
    review.claim(session, worker, row.id)
    review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    assert [line.files for line in queue.ready_for_receipt(session, factories.staff(session, Role.CLERK))] == [3]
