"""The worker destroys what two people agreed on: the bytes go, the log stays, and being killed changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from config import points
from shared import clock, disposals, retention
from shared.model import (
    MACHINE,
    Disposal,
    DisposalItem,
    DisposalState,
    Household,
    Job,
    LogEntry,
    Role,
    State,
    StoredFile,
    Submission,
    Task,
)
from shared.sign_in import Staff
from tests import factories, s3
from tests.uploads.conftest import Desk, two_pages
from uploads import jobs
from uploads.destroying import destroy
from uploads.jobs import Bench
from uploads.storage import NotStored, S3Storage, StorageUnavailable


class Killed(BaseException):
    """What a kill is to a program: nothing catches it."""


@pytest.fixture
def points_free() -> Iterator[None]:
    yield
    points.waiting = points._nobody


@pytest.fixture
def bucket(s3_endpoint: str, tmp_path: Path) -> S3Storage:
    return S3Storage.at(s3.settings(tmp_path, f"s3://{s3.BUCKET}", s3_endpoint), s3.BUCKET)


@pytest.fixture
def keeper(desk: Desk) -> Staff:
    with desk.bench.sessions.begin() as session:
        who = factories.staff(session, Role.ADMINISTRATOR)
        retention.begin(session, who.office_id)
        return who


def closed(desk: Desk) -> UUID:
    """A report with a file of two pages, drawn by the worker and closed nine years ago."""
    with clock.at(clock.now() - timedelta(days=3300)):
        task = desk.sent(two_pages())
        jobs.do(desk.bench, task.office_id, task.id)
        with desk.bench.sessions.begin() as session:
            file = session.get_one(StoredFile, (task.office_id, task.subject_id))
            row = session.get_one(Submission, (file.office_id, file.submission_id))
            row.move(State.VOIDED, MACHINE)
            return file.id


def approved(desk: Desk, keeper: Staff) -> UUID:
    with desk.bench.sessions.begin() as session:
        disposal = retention.propose(session, keeper)
        assert disposal is not None
        chief = factories.staff(session, Role.SUPERVISOR)
        retention.approve(session, chief, disposal.id, seen=disposals.one(session, chief, disposal.id).size)
        return disposal.id


def ends(desk: Desk, disposal_id: UUID) -> set[str]:
    with desk.bench.sessions() as session:
        items = session.scalars(select(DisposalItem).where(DisposalItem.disposal_id == disposal_id)).all()
        return {item.spared_because or ("destroyed" if item.destroyed_at else "nothing") for item in items}


def state(desk: Desk, disposal_id: UUID) -> DisposalState:
    with desk.bench.sessions() as session:
        return session.scalars(select(Disposal.state).where(Disposal.id == disposal_id)).one()


def test_the_bytes_are_gone_and_the_log_stays(desk: Desk, keeper: Staff) -> None:
    file_id = closed(desk)
    assert len(desk.stored()) >= 5, "original, two pages, two thumbs, perhaps the PDF"
    disposal_id = approved(desk, keeper)
    for _twice in range(2):
        destroy(desk.bench, keeper.office_id, disposal_id)
    assert desk.stored() == []
    assert (state(desk, disposal_id), ends(desk, disposal_id)) == (DisposalState.DONE, {"destroyed"})
    with desk.bench.sessions() as session:
        file = session.get_one(StoredFile, (keeper.office_id, file_id))
        assert file.original_destroyed_at
        assert file.copies_destroyed_at
        assert file.thumbs_destroyed_at
        assert len(session.scalars(select(LogEntry).where(LogEntry.event == "disposal.done")).all()) == 1


def test_an_approval_is_carried_out_by_the_task_it_promised(desk: Desk, keeper: Staff) -> None:
    closed(desk)
    disposal_id = approved(desk, keeper)
    with desk.bench.sessions() as session:
        task = session.scalars(select(Task).where(Task.job == Job.DESTROY)).one()
    jobs.do(desk.bench, task.office_id, task.id)
    assert state(desk, disposal_id) is DisposalState.DONE
    assert desk.task(task).done_at


def test_a_hold_beats_the_approval_and_the_bytes_stay(desk: Desk, keeper: Staff) -> None:
    file_id = closed(desk)
    before = desk.stored()
    disposal_id = approved(desk, keeper)
    with desk.bench.sessions.begin() as session:
        file = session.get_one(StoredFile, (keeper.office_id, file_id))
        row = session.get_one(Submission, (file.office_id, file.submission_id))
        home = session.get_one(Household, (row.office_id, row.household_id))
        retention.place_hold(session, keeper, home.case_no, "審査請求のため、残す")
    destroy(desk.bench, keeper.office_id, disposal_id)
    assert desk.stored() == before
    assert ends(desk, disposal_id) == {"hold"}


@pytest.mark.parametrize("state_before", [DisposalState.PROPOSED, DisposalState.DROPPED])
def test_what_nobody_approved_is_not_touched(desk: Desk, keeper: Staff, state_before: DisposalState) -> None:
    closed(desk)
    before = desk.stored()
    with desk.bench.sessions.begin() as session:
        disposal = retention.propose(session, keeper)
        assert disposal is not None
        if state_before is DisposalState.DROPPED:
            retention.drop(session, keeper, disposal.id)
    destroy(desk.bench, keeper.office_id, disposal.id)
    assert desk.stored() == before
    assert state(desk, disposal.id) is state_before


@pytest.mark.parametrize("point", ["item.condemned", "item.deleted"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_worker_killed_between_two_steps_is_followed_by_one_that_finishes(
    desk: Desk, keeper: Staff, points_free: None, point: str, nth: int
) -> None:
    closed(desk)
    disposal_id = approved(desk, keeper)
    points.waiting = killer(point, nth)
    with pytest.raises(Killed):
        destroy(desk.bench, keeper.office_id, disposal_id)
    assert state(desk, disposal_id) is DisposalState.APPROVED
    points.waiting = points._nobody
    destroy(desk.bench, keeper.office_id, disposal_id)
    assert desk.stored() == []
    assert (state(desk, disposal_id), ends(desk, disposal_id)) == (DisposalState.DONE, {"destroyed"})


def killer(point: str, nth: int) -> Callable[[str], None]:
    passed = 0

    def kill(here: str) -> None:
        nonlocal passed
        passed += here == point
        if here == point and passed == nth:
            raise Killed

    return kill


def test_while_the_storage_is_away_the_log_says_nothing_was_destroyed(desk: Desk, keeper: Staff) -> None:
    closed(desk)
    disposal_id = approved(desk, keeper)
    away = desk.files.rename(desk.files.with_name("unmounted"))
    with pytest.raises(StorageUnavailable):
        destroy(desk.bench, keeper.office_id, disposal_id)
    assert ends(desk, disposal_id) == {"nothing"}
    away.rename(desk.files)
    destroy(desk.bench, keeper.office_id, disposal_id)
    assert desk.stored() == []
    assert ends(desk, disposal_id) == {"destroyed"}


def test_in_a_bucket_no_version_stays(desk: Desk, keeper: Staff, bucket: S3Storage) -> None:
    bench = Bench(desk.bench.sessions, bucket, desk.bench.scratch)
    on_s3 = Desk(desk.engine, bench, desk.files)
    file_id = closed(on_s3)
    disposal_id = approved(on_s3, keeper)
    with bench.sessions() as session:
        key = session.get_one(StoredFile, (keeper.office_id, file_id)).key
    assert bucket.size(key)
    destroy(bench, keeper.office_id, disposal_id)
    with pytest.raises(NotStored):
        bucket.size(key)
    answer = bucket.client.list_object_versions(Bucket=bucket.bucket, Prefix=key)
    assert (answer.get("Versions", []), answer.get("DeleteMarkers", [])) == ([], [])
