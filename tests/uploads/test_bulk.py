"""The worker does what somebody has decided about many things: each once, also after it was killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from config import points
from shared import bulk
from shared.model import Bulk, BulkAct, BulkState, Job, LogEntry, State, Step, Submission, Task
from shared.sign_in import Staff
from tests import factories
from tests.uploads.conftest import Desk
from uploads import jobs
from uploads.bulk import carry_out, take_back

COUNT = 4


class Killed(BaseException):
    """What a kill is to a program: nothing catches it."""


@pytest.fixture(autouse=True)
def points_free() -> Iterator[None]:
    yield
    points.waiting = points._nobody


@pytest.fixture
def worker(desk: Desk) -> Staff:
    with desk.bench.sessions.begin() as session:
        return factories.staff(session)


@pytest.fixture
def started(desk: Desk, worker: Staff) -> UUID:
    with desk.bench.sessions.begin() as session:
        homes = [factories.household(session, worker) for _ in range(COUNT)]
        rows = [factories.submission(session, who=factories.recipient(session, home)) for home in homes]
        ids = [row.id for row in rows]
        row = bulk.choose(session, worker, BulkAct.ACCEPT, ids, matched=COUNT, attempt=uuid4())
        bulk.start(session, worker, row.id)
        return row.id


def states(desk: Desk) -> list[State]:
    with desk.bench.sessions() as session:
        return list(session.scalars(select(Submission.state)))


def state(desk: Desk, bulk_id: UUID) -> BulkState:
    with desk.bench.sessions() as session:
        return session.scalars(select(Bulk.state).where(Bulk.id == bulk_id)).one()


def task(desk: Desk, job: Job) -> Task:
    with desk.bench.sessions() as session:
        return session.scalars(select(Task).where(Task.job == job)).one()


def test_the_promised_work_is_done_and_taken_back_by_its_tasks(desk: Desk, worker: Staff, started: UUID) -> None:
    promised = task(desk, Job.BULK)
    jobs.do(desk.bench, promised.office_id, promised.id)
    assert states(desk) == [State.ACCEPTED] * COUNT
    assert state(desk, started) is BulkState.DONE
    assert task(desk, Job.BULK).done_at is not None
    with desk.bench.sessions.begin() as session:
        bulk.undo(session, worker, started)
    promised = task(desk, Job.UNDO_BULK)
    jobs.do(desk.bench, promised.office_id, promised.id)
    assert states(desk) == [State.WAITING] * COUNT
    assert state(desk, started) is BulkState.UNDONE


@pytest.mark.parametrize("at", range(1, COUNT + 1))
def test_a_worker_killed_in_the_middle_is_followed_by_one_that_goes_on(
    desk: Desk, worker: Staff, started: UUID, at: int
) -> None:
    passed = 0

    def kill(point: str) -> None:
        nonlocal passed
        passed += point in ("bulk.one_done", "bulk.one_undone")
        if passed == at:
            raise Killed

    points.waiting = kill
    with pytest.raises(Killed):
        carry_out(desk.bench, worker.office_id, started)
    points.waiting = points._nobody
    assert sorted(states(desk)) == sorted([State.ACCEPTED] * at + [State.WAITING] * (COUNT - at))
    assert state(desk, started) is BulkState.RUNNING
    carry_out(desk.bench, worker.office_id, started)
    carry_out(desk.bench, worker.office_id, started)
    assert state(desk, started) is BulkState.DONE
    with desk.bench.sessions.begin() as session:
        assert session.scalar(select(func.count()).where(Step.became == State.ACCEPTED)) == COUNT
        bulk.undo(session, worker, started)
    passed, points.waiting = 0, kill
    with pytest.raises(Killed):
        take_back(desk.bench, worker.office_id, started)
    points.waiting = points._nobody
    take_back(desk.bench, worker.office_id, started)
    take_back(desk.bench, worker.office_id, started)
    assert states(desk) == [State.WAITING] * COUNT
    assert state(desk, started) is BulkState.UNDONE
    with desk.bench.sessions() as session:
        said = list(session.scalars(select(LogEntry.event).order_by(LogEntry.seq)))
    assert (said.count("bulk.done"), said.count("bulk.undone")) == (1, 1)


def test_what_nobody_has_started_is_left_alone(desk: Desk, worker: Staff) -> None:
    with desk.bench.sessions.begin() as session:
        home = factories.household(session, worker)
        row = factories.submission(session, who=factories.recipient(session, home))
        chosen = bulk.choose(session, worker, BulkAct.ACCEPT, [row.id], matched=1, attempt=uuid4()).id
    carry_out(desk.bench, worker.office_id, chosen)
    take_back(desk.bench, worker.office_id, chosen)
    assert states(desk) == [State.WAITING]
    assert state(desk, chosen) is BulkState.CHOSEN
