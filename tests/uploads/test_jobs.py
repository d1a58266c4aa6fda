"""Jobs with everything real: database, folder, locked room, papers. Each does its work once, however often it runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared import clock, slips
from shared.model import ActorKind, CorrectionItem, FileState, Reason, SafeCopy, State, Step, StoredFile, Task
from tests import factories
from tests.uploads.conftest import Desk, locked_pdf, pdf, photo, two_pages
from uploads import jobs
from uploads.jobs import JOB_LIFE, UPLOAD_LIFE, do, sweep
from uploads.storage import StorageUnavailable

JPEG = b"\xff\xd8\xff"


def work_on(desk: Desk, task: Task) -> None:
    do(desk.bench, task.office_id, task.id)


def pages(session: Session, task: Task) -> list[SafeCopy]:
    return slips.pages_of(session, task.office_id, task.subject_id)


@pytest.fixture
def broken_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A locked room whose child dies at once, as after a hit by a file made to hurt."""
    child = tmp_path / "child.py"
    child.write_text("raise SystemExit(1)")
    monkeypatch.setattr("uploads.locked_room._CHILD", child)
    return monkeypatch


@pytest.mark.parametrize(("paper", "kind", "count"), [(pdf, "pdf", 1), (two_pages, "pdf", 2), (photo, "jpeg", 1)])
def test_a_file_becomes_safe_pages_and_its_submission_waits(
    desk: Desk, paper: Callable[[], bytes], kind: str, count: int
) -> None:
    task = desk.sent(paper(), kind)
    assert desk.submission(task).state is State.ARRIVED
    work_on(desk, task)
    file = desk.file(task)
    assert (file.state, file.pages, file.refused_because) == (FileState.SAFE, count, None)
    assert desk.submission(task).state is State.WAITING
    assert desk.task(task).done_at is not None
    with desk.bench.sessions() as session:
        made = pages(session, task)
        step = session.scalars(select(Step).order_by(Step.id.desc())).first()
    assert [page.page for page in made] == list(range(1, count + 1))
    for page in made:
        with desk.bench.storage.open(page.key) as picture, desk.bench.storage.open(page.thumb_key) as thumb:
            drawn = picture.read()
            assert thumb.read().startswith(JPEG)
        assert drawn.startswith(JPEG)
        assert (len(drawn), hashlib.sha256(drawn).hexdigest()) == (page.size, page.sha256)
        assert b"GPS" not in drawn and b"Exif" not in drawn
    assert step is not None
    assert (step.became, step.actor_kind) == (State.WAITING, ActorKind.MACHINE)
    assert desk.scratch() == []


def test_the_original_stays_as_it_came(desk: Desk) -> None:
    task = desk.sent(photo(), "jpeg")
    work_on(desk, task)
    with desk.bench.storage.open(desk.file(task).key) as original:
        assert original.read() == photo()


def test_run_twice_it_is_done_once(desk: Desk) -> None:
    task = desk.sent(pdf())
    work_on(desk, task)
    done_at, stored = desk.task(task).done_at, desk.stored()
    assert len(stored) == 3
    work_on(desk, task)
    jobs.make_safe_copy(desk.bench, task.office_id, task.subject_id)
    assert (desk.task(task).done_at, desk.stored()) == (done_at, stored)
    with desk.bench.sessions() as session:
        assert len(pages(session, task)) == 1
        assert len(session.scalars(select(Step)).all()) == 2


def test_two_at_once_are_one_and_leave_nothing_behind(desk: Desk) -> None:
    task = desk.sent(pdf())
    start = threading.Barrier(2)

    def one() -> None:
        start.wait(10)
        work_on(desk, task)

    with ThreadPoolExecutor(2) as hands:
        for hand in [hands.submit(one) for _ in range(2)]:
            hand.result()
    with desk.bench.sessions() as session:
        (page,) = pages(session, task)
        assert len(session.scalars(select(Step)).all()) == 2
    assert desk.stored() == sorted([desk.file(task).key, page.key, page.thumb_key])
    assert desk.scratch() == []


def test_two_files_of_one_submission_at_once_let_it_wait_once(desk: Desk) -> None:
    who, submission_id = desk.draft()
    owed = [desk.attach(who, submission_id, pdf()) for _ in range(2)]
    desk.send(who, submission_id)
    with ThreadPoolExecutor(2) as hands:
        list(hands.map(lambda task: work_on(desk, task), owed))
    assert desk.submission(owed[0]).state is State.WAITING
    with desk.bench.sessions() as session:
        assert len(session.scalars(select(Step)).all()) == 2


def test_a_file_of_a_draft_becomes_safe_and_the_draft_stays_one(desk: Desk) -> None:
    who, submission_id = desk.draft()
    task = desk.attach(who, submission_id, pdf())
    work_on(desk, task)
    assert (desk.file(task).state, desk.submission(task).state) == (FileState.SAFE, State.DRAFT)
    desk.send(who, submission_id)
    assert desk.submission(task).state is State.WAITING


@pytest.mark.parametrize(
    ("paper", "kind", "reason"),
    [
        (locked_pdf, "pdf", "locked"),
        (lambda: pdf()[:2000], "pdf", "unreadable"),
        (lambda: photo()[:400], "jpeg", "unreadable"),
    ],
    ids=["locked", "half a PDF", "half a photo"],
)
def test_what_cannot_be_opened_is_asked_for_again_by_the_machine(
    desk: Desk, paper: Callable[[], bytes], kind: str, reason: str
) -> None:
    task = desk.sent(paper(), kind)
    work_on(desk, task)
    file, submission = desk.file(task), desk.submission(task)
    assert (file.state, file.refused_because, file.pages) == (FileState.REFUSED, reason, None)
    assert (submission.state, submission.number is None, submission.answer_by is None) == (State.RETURNED, False, False)
    with desk.bench.sessions() as session:
        (item,) = session.scalars(select(CorrectionItem))
        assert (item.file_id, item.reason) == (file.id, Reason.UNREADABLE)
    assert (desk.task(task).done_at is None, desk.stored(), desk.scratch()) == (False, [file.key], [])


def test_bytes_that_are_gone_are_asked_for_again_and_no_crash(desk: Desk) -> None:
    task = desk.sent(pdf())
    desk.bench.storage.delete(desk.file(task).key)
    work_on(desk, task)
    assert (desk.file(task).state, desk.file(task).refused_because) == (FileState.REFUSED, "unreadable")
    assert desk.submission(task).state is State.RETURNED


def test_a_storage_that_fails_is_our_fault_and_the_work_stays_owed(desk: Desk) -> None:
    task = desk.sent(pdf())
    original = desk.files / desk.file(task).key
    aside = original.rename(original.with_name("aside"))
    original.symlink_to(original)  # whoever opens it goes round in circles
    with pytest.raises(StorageUnavailable):
        work_on(desk, task)
    assert (desk.file(task).state, desk.task(task).done_at) == (FileState.RECEIVED, None)
    original.unlink()
    aside.rename(original)
    work_on(desk, task)
    assert desk.file(task).state is FileState.SAFE


def test_a_crash_in_the_locked_room_costs_the_file(desk: Desk, broken_room: pytest.MonkeyPatch) -> None:
    task = desk.sent(pdf())
    work_on(desk, task)
    assert (desk.file(task).state, desk.file(task).refused_because) == (FileState.REFUSED, "crashed")
    assert desk.submission(task).state is State.RETURNED


def test_a_crash_on_a_disk_that_is_almost_full_is_our_fault_and_tried_again(
    desk: Desk, broken_room: pytest.MonkeyPatch
) -> None:
    task = desk.sent(pdf())
    free = shutil.disk_usage(desk.files).free
    with broken_room.context() as full:
        full.setattr(jobs, "ROOM", 2 * free)
        with pytest.raises(OSError, match="bytes are free"):
            work_on(desk, task)
    assert (desk.file(task).state, desk.task(task).done_at, desk.scratch()) == (FileState.RECEIVED, None, [])
    assert desk.submission(task).state is State.ARRIVED
    broken_room.undo()
    work_on(desk, task)
    assert desk.submission(task).state is State.WAITING


def test_a_disk_that_is_almost_full_blames_nobody_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ROOM", 2 * shutil.disk_usage(desk.files.parent).free)
    locked, good = desk.sent(locked_pdf()), desk.sent(pdf())
    for task in (locked, good):
        work_on(desk, task)
    assert (desk.file(locked).refused_because, desk.file(good).state) == ("locked", FileState.SAFE)


def test_a_certificate_is_drawn_once_and_its_hash_is_right(desk: Desk) -> None:
    task = desk.issued()
    assert desk.receipt(task).pdf_key is None
    for _ in range(2):
        work_on(desk, task)
        jobs.print_receipt(desk.bench, task.office_id, task.subject_id)
    receipt = desk.receipt(task)
    assert receipt.pdf_key
    with desk.bench.storage.open(receipt.pdf_key) as stored:
        paper = stored.read()
    assert paper.startswith(b"%PDF-")
    assert hashlib.sha256(paper).hexdigest() == receipt.pdf_sha256
    assert (desk.stored(), desk.scratch()) == ([receipt.pdf_key], [])
    assert desk.task(task).done_at is not None


def test_a_certificate_drawn_twice_at_once_is_kept_once(desk: Desk) -> None:
    task = desk.issued()
    start = threading.Barrier(2)

    def one() -> None:
        start.wait(10)
        work_on(desk, task)

    with ThreadPoolExecutor(2) as hands:
        for hand in [hands.submit(one) for _ in range(2)]:
            hand.result()
    assert desk.stored() == [desk.receipt(task).pdf_key]


def test_a_task_that_nobody_owes_any_more_does_nothing(desk: Desk) -> None:
    task = desk.sent(pdf())
    do(desk.bench, task.office_id, factories.unknown_id())
    with desk.bench.sessions.begin() as session:
        session.execute(update(Task).values(gave_up_at=clock.now()))
    work_on(desk, task)
    assert (desk.file(task).state, desk.task(task).done_at) == (FileState.RECEIVED, None)
    assert len(desk.stored()) == 1


def test_who_comes_after_the_task_was_given_up_changes_nothing(desk: Desk) -> None:
    task = desk.sent(pdf())
    with desk.bench.sessions.begin() as session:
        jobs.give_up(session, session.get_one(Task, (task.office_id, task.id)))
    assert desk.file(task).refused_because == "crashed"
    jobs.make_safe_copy(desk.bench, task.office_id, task.subject_id)  # a run that was under way all the time
    assert (desk.file(task).state, len(desk.stored())) == (FileState.REFUSED, 1)


def test_giving_up_waits_for_who_is_just_finishing_and_leaves_her_work(desk: Desk) -> None:
    task = desk.sent(pdf())
    asked = threading.Event()

    def give_up() -> None:
        with desk.bench.sessions.begin() as session:
            row = session.get_one(Task, (task.office_id, task.id))
            asked.set()
            jobs.give_up(session, row)

    with ThreadPoolExecutor(1) as relay:
        with desk.bench.sessions.begin() as session:
            submission = desk.submission(task)
            session.refresh(session.merge(submission), with_for_update=True)
            factories.make_safe(session, session.get_one(StoredFile, (task.office_id, task.subject_id)))
            giving_up = relay.submit(give_up)
            asked.wait(10)
            time.sleep(0.3)  # now it stands at the lock
        giving_up.result()
    assert desk.file(task).state is FileState.SAFE
    assert desk.task(task).gave_up_at is not None


def test_giving_up_a_certificate_leaves_it_issued_and_not_drawn(desk: Desk) -> None:
    task = desk.issued()
    with desk.bench.sessions.begin() as session:
        jobs.give_up(session, session.get_one(Task, (task.office_id, task.id)))
    assert (desk.receipt(task).pdf_key, desk.task(task).gave_up_at is None) == (None, False)


def test_what_a_killed_process_left_is_swept_and_what_is_at_work_is_not(tmp_path: Path) -> None:
    def left(name: str, age: timedelta) -> None:
        path = tmp_path / name
        if path.suffix == ".part":
            path.write_bytes(b"payslip")
        else:
            path.mkdir()
            (path / "original").write_bytes(b"payslip")
        moment = time.time() - age.total_seconds()
        os.utime(path, (moment, moment))

    second = timedelta(seconds=1)
    for name, age in {
        "job-old": timedelta(seconds=JOB_LIFE) + second,
        "job-new": timedelta(seconds=JOB_LIFE) - 60 * second,
        "old.part": timedelta(seconds=UPLOAD_LIFE) + second,
        "slow.part": timedelta(seconds=UPLOAD_LIFE) - 60 * second,
        "something else": timedelta(days=99),
    }.items():
        left(name, age)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job-new", "slow.part", "something else"]
    sweep(tmp_path / "nowhere")
