"""Jobs with everything real: database, folder, locked room, papers. Each does its work once, however often it runs."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pikepdf
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from config.office import papers
from shared import clock, slips
from shared.model import (
    ActorKind,
    Check,
    CorrectionItem,
    FileState,
    How,
    Job,
    Likeness,
    LogEntry,
    Reason,
    Result,
    Rule,
    SafeCopy,
    State,
    Step,
    StoredFile,
    Task,
)
from tests import factories
from tests.clamd import SIGN, SIGNATURE, STREAM_LIMIT, Clamd
from tests.uploads.conftest import SLIP, Desk, locked_pdf, pdf, photo, two_pages
from uploads import jobs
from uploads.jobs import HOLD, JOB_LIFE, MOST_TRIES, OUTAGE_PAUSE, UPLOAD_LIFE, Hold, do, pause_after, sweep
from uploads.locked_room import Keeper, make_safe_copies
from uploads.printing import print_receipt
from uploads.relay import relay_once

JPEG = b"\xff\xd8\xff"


def work_on(desk: Desk, task: Task) -> None:
    do(desk.bench, task.office_id, task.id)


def pages(session: Session, task: Task) -> list[SafeCopy]:
    return slips.pages_of(session, task.office_id, task.subject_id)


def copies(desk: Desk, task: Task) -> list[str]:
    """Every key that belongs to a file: its original, its pages and thumbnails, its PDF."""
    file = desk.file(task)
    with desk.bench.sessions() as session:
        drawn = [key for page in pages(session, task) for key in (page.key, page.thumb_key)]
    return sorted([file.key, *drawn, *([file.copy_key] if file.copy_key else [])])


def entries(desk: Desk) -> list[tuple[str, UUID | None]]:
    """What the machine has written into the journal about files and tasks."""
    with desk.bench.sessions() as session:
        rows = session.scalars(select(LogEntry).order_by(LogEntry.seq))
        return [(row.event, row.subject_id) for row in rows if row.event.startswith(("file.", "task."))]


@pytest.fixture
def broken_room(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A locked room that has no time for anything: its child is killed at once, as one that hangs for a minute is."""
    monkeypatch.setattr(jobs, "make_safe_copies", partial(make_safe_copies, seconds=0))
    return monkeypatch


@pytest.fixture
def scanned(desk: Desk, clamd: Clamd) -> Desk:
    """The desk of an office that has its files scanned."""
    return replace(desk, bench=replace(desk.bench, clamd=clamd.unix))


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


def test_where_the_text_stands_is_kept_with_its_page_and_a_photo_has_none(desk: Desk) -> None:
    task = desk.sent(pdf())
    work_on(desk, task)
    with desk.bench.sessions() as session:
        (page,) = pages(session, task)
        lines = page.lines or []
        assert page.text
        assert any(f"{SLIP.gross_yen:,}" in text for text, *_box in lines)
        assert all(0 <= x < x + wide <= 1.0001 and 0 <= y < y + high <= 1.0001 for _text, x, y, wide, high in lines)
    shown = desk.sent(photo(), "jpeg")
    work_on(desk, shown)
    with desk.bench.sessions() as session:
        (page,) = pages(session, shown)
        assert page.lines is None
        assert session.scalar(select(SafeCopy.id).where(SafeCopy.id == page.id, SafeCopy.lines.is_(None)))


def test_a_check_that_could_not_tell_is_settled_with_the_file(desk: Desk) -> None:
    task = desk.sent(pdf())

    def result() -> Result | None:
        with desk.bench.sessions() as session:
            return session.scalar(select(Check.result).where(Check.rule == Rule.SAME_FILE))

    assert result() is Result.CANT_TELL
    work_on(desk, task)
    assert result() is Result.PASS


def test_the_original_stays_as_it_came(desk: Desk) -> None:
    task = desk.sent(photo(), "jpeg")
    work_on(desk, task)
    with desk.bench.storage.open(desk.file(task).key) as original:
        assert original.read() == photo()


def test_run_twice_it_is_done_once(desk: Desk) -> None:
    task = desk.sent(pdf())
    work_on(desk, task)
    done_at, stored = desk.task(task).done_at, desk.stored()
    assert stored == copies(desk, task)
    assert len(stored) == 4
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
        assert len(pages(session, task)) == 1
        assert len(session.scalars(select(Step)).all()) == 2
    assert (desk.stored(), desk.scratch(), desk.task(task).tries) == (copies(desk, task), [], 1)


def test_two_runs_of_one_job_at_once_keep_one_copy_and_drop_the_other(desk: Desk) -> None:
    task = desk.sent(pdf())
    start = threading.Barrier(2)

    def one() -> None:
        start.wait(10)
        jobs.make_safe_copy(desk.bench, task.office_id, task.subject_id)  # as after a hold that lapsed too early

    with ThreadPoolExecutor(2) as hands:
        for hand in [hands.submit(one) for _ in range(2)]:
            hand.result()
    with desk.bench.sessions() as session:
        assert len(session.scalars(select(Step)).all()) == 2
    assert (desk.stored(), desk.scratch()) == (copies(desk, task), [])


def test_the_pages_stand_in_one_pdf_and_what_they_say_and_look_like_is_known(desk: Desk) -> None:
    task = desk.sent(two_pages())
    work_on(desk, task)
    file = desk.file(task)
    assert file.copy_key
    with desk.bench.storage.open(file.copy_key) as stored:
        paper = stored.read()
    assert (file.copy_size, file.copy_sha256) == (len(paper), hashlib.sha256(paper).hexdigest())
    with pikepdf.open(io.BytesIO(paper)) as opened:
        assert len(opened.pages) == 2
    with desk.bench.sessions() as session:
        first, second = pages(session, task)
    assert "見本" in (first.text or "")
    assert first.look and second.look


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


def _lose(desk: Desk, key: str, damage: str) -> None:
    desk.bench.storage.delete(key)
    if damage == "short":
        desk.put(key, pdf()[:-1])
    elif damage == "changed":
        desk.put(key, pdf()[:-1] + b"!")


@pytest.mark.parametrize(("damage", "because"), [("gone", "missing"), ("short", "size"), ("changed", "sha256")])
def test_an_original_that_we_lost_is_never_opened_and_asked_for_again_with_an_apology(
    desk: Desk, damage: str, because: str
) -> None:
    task = desk.sent(pdf())
    _lose(desk, desk.file(task).key, damage)
    with capture_logs() as said:
        work_on(desk, task)
    assert [line["because"] for line in said if (line["event"], line["log_level"]) == ("file.lost", "error")] == [
        because
    ]
    assert (desk.file(task).state, desk.file(task).refused_because) == (FileState.REFUSED, "lost")
    assert (desk.submission(task).state, entries(desk)) == (
        State.RETURNED,
        [("file.checked", task.subject_id), ("file.lost", task.subject_id)],
    )


def test_a_storage_that_fails_is_our_fault_no_try_and_asked_again_every_minute(desk: Desk) -> None:
    task = desk.sent(pdf())
    away = desk.files.rename(desk.files.with_name("not mounted"))
    desk.files.mkdir()
    moment = clock.now() + timedelta(seconds=5)
    for minutes in range(2 * MOST_TRIES):
        with clock.at(moment + minutes * OUTAGE_PAUSE), capture_logs() as said:
            work_on(desk, task)
            row = desk.task(task)
        assert [(line["event"], line["because"]) for line in said] == [("task.put_off", "StorageUnavailable")]
        assert (row.tries, row.held_until, row.failed_because) == (0, None, "StorageUnavailable")
        assert row.send_after == moment + (minutes + 1) * OUTAGE_PAUSE
    assert desk.file(task).state is FileState.RECEIVED
    desk.files.rmdir()
    away.rename(desk.files)
    work_on(desk, task)
    assert (desk.file(task).state, desk.task(task).failed_because) == (FileState.SAFE, None)


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
        work_on(desk, task)
    assert (desk.file(task).state, desk.task(task).tries, desk.scratch()) == (FileState.RECEIVED, 0, [])
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
        print_receipt(desk.bench, task.office_id, task.subject_id)
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


def test_a_job_that_fails_is_tried_again_after_growing_pauses_and_then_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.sent(pdf())
    with desk.bench.sessions.begin() as session:
        session.execute(update(StoredFile).values(kind="a kind of tomorrow"))  # no worker of today can do it
    moment = clock.now() + timedelta(seconds=5)
    for tries in range(1, MOST_TRIES + 1):
        with clock.at(moment), capture_logs() as said:
            work_on(desk, task)
            row = desk.task(task)
        assert [(line["event"], line["because"]) for line in said] == [("task.failed", "ValueError")]
        assert said[0]["place"].startswith("enum.py:")
        assert (row.tries, row.held_until, row.failed_because) == (tries, None, "ValueError")
        pause = pause_after(tries) if tries < MOST_TRIES else timedelta()
        assert row.send_after == moment + pause
        moment += pause
    with clock.at(moment):
        work_on(desk, task)  # the queue may still hold one
        assert desk.task(task).tries == MOST_TRIES
        assert relay_once(desk.engine, lambda _office, _task: None) == 0
    assert (desk.task(task).gave_up_at, desk.file(task).refused_because) == (moment, "crashed")
    assert (desk.submission(task).state, entries(desk)) == (
        State.RETURNED,
        [("file.checked", task.subject_id), ("task.given_up", task.subject_id)],
    )


def test_a_task_that_another_holds_is_left_alone_until_the_hold_lapses(desk: Desk) -> None:
    task = desk.sent(pdf())
    moment = clock.now() + timedelta(seconds=5)
    dead = Hold(desk.bench, task.office_id, task.id)
    with clock.at(moment):
        assert dead.take() == (Job.MAKE_SAFE_COPY, task.subject_id)
    with clock.at(moment + HOLD - timedelta(seconds=1)):
        work_on(desk, task)
        assert (desk.file(task).state, desk.task(task).tries) == (FileState.RECEIVED, 1)
        assert dead.renew()
    with clock.at(moment + HOLD):
        work_on(desk, task)
        assert desk.file(task).state is FileState.RECEIVED
    with clock.at(moment + 2 * HOLD):
        work_on(desk, task)
    assert (desk.file(task).state, desk.task(task).tries, desk.task(task).held_until) == (FileState.SAFE, 2, None)


def test_a_worker_that_slept_too_long_does_not_take_back_what_another_holds(desk: Desk) -> None:
    task = desk.sent(pdf())
    moment = clock.now() + timedelta(seconds=5)
    slow, quick = (Hold(desk.bench, task.office_id, task.id) for _ in range(2))
    with clock.at(moment):
        slow.take()
    with clock.at(moment + HOLD):
        quick.take()
        assert not slow.renew()
        slow.failed(ValueError())
        assert (desk.task(task).held_until, desk.task(task).failed_because) == (moment + 2 * HOLD, None)
        assert quick.renew()


def test_a_hold_is_renewed_while_the_work_is_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BEAT", 0.02)
    task = desk.sent(pdf())
    hold = Hold(desk.bench, task.office_id, task.id)
    hold.take()
    first = desk.task(task).held_until
    assert first is not None
    with hold.kept():
        until = time.monotonic() + 30
        while (desk.task(task).held_until or first) <= first:
            assert time.monotonic() < until
            time.sleep(0.01)
    hold.done()
    assert (desk.task(task).held_until, desk.task(task).done_at is None) == (None, False)


def test_eight_hands_at_one_task_do_it_once_and_count_one_try(desk: Desk) -> None:
    task = desk.sent(pdf())
    start = threading.Barrier(8)

    def take() -> bool:
        start.wait(10)
        return Hold(desk.bench, task.office_id, task.id).take() is not None

    with ThreadPoolExecutor(8) as hands:
        taken = [hand.result() for hand in [hands.submit(take) for _ in range(8)]]
    assert (sum(taken), desk.task(task).tries) == (1, 1)


def test_copies_that_cannot_all_be_stored_leave_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    task = desk.sent(two_pages())
    (desk.files / "copy").write_text("where the folder of the PDFs should be")
    work_on(desk, task)
    (desk.files / "copy").unlink()
    assert desk.stored() == [desk.file(task).key]
    assert desk.file(task).state is FileState.RECEIVED


def test_an_infected_file_is_never_opened_and_the_original_stays(
    scanned: Desk, broken_room: pytest.MonkeyPatch
) -> None:
    task = scanned.sent(pdf() + SIGN)
    with capture_logs() as said:
        work_on(scanned, task)
    file = scanned.file(task)
    assert (file.state, file.refused_because) == (FileState.REFUSED, "infected")  # and not crashed in the broken room
    assert (scanned.submission(task).state, scanned.submission(task).arrived_at is None) == (State.RETURNED, False)
    assert (scanned.stored(), entries(scanned)) == ([file.key], [("file.checked", file.id), ("file.infected", file.id)])
    assert [(line["file"], line["signature"]) for line in said if line["event"] == "file.infected"] == [
        (file.id, SIGNATURE)
    ]


def test_what_the_scanner_calls_clean_becomes_safe(scanned: Desk) -> None:
    task = scanned.sent(pdf())
    work_on(scanned, task)
    assert scanned.file(task).state is FileState.SAFE


def test_a_file_that_the_scanner_does_not_answer_about_is_given_up_and_never_shown(scanned: Desk) -> None:
    task = scanned.sent(pdf() + bytes(4 * STREAM_LIMIT))
    work_on(scanned, task)
    row = scanned.task(task)
    assert (row.tries, row.failed_because, scanned.file(task).state) == (1, "ScannerFailed", FileState.RECEIVED)


def test_without_its_scanner_no_file_is_opened_and_none_is_blamed(desk: Desk, tmp_path: Path) -> None:
    task = desk.sent(pdf())
    do(replace(desk.bench, clamd=f"unix:{tmp_path}/nobody"), task.office_id, task.id)
    row = desk.task(task)
    assert (row.tries, row.failed_because, desk.file(task).state) == (0, "ScannerUnreachable", FileState.RECEIVED)


def test_the_same_paper_in_another_report_of_the_household_is_noticed_when_it_is_safe(desk: Desk) -> None:
    who, submission_id = desk.draft()
    first = desk.attach(who, submission_id, pdf())
    again = desk.attach(who, submission_id, pdf().replace(b"%%EOF", b"%%EOF "))
    other_month = desk.attach(who, submission_id, papers.payslip_pdf(replace(SLIP, month=date(2026, 9, 1))))
    for task in (again, first, other_month):  # in any order
        work_on(desk, task)
    with desk.bench.sessions() as session:
        found = session.scalars(select(Likeness)).all()
    assert [(like.file_id, like.earlier_id, like.how) for like in found] == [
        (again.subject_id, first.subject_id, How.ALIKE)
    ]


def test_an_approved_disposal_is_a_job_like_others(desk: Desk) -> None:
    task = desk.sent(pdf())
    with desk.bench.sessions.begin() as session:
        session.execute(update(Task).values(job=Job.DESTROY, subject_id=factories.unknown_id()))
    work_on(desk, task)
    assert (desk.task(task).tries, len(desk.stored())) == (1, 1)  # of a list that nobody knows nothing is destroyed


@pytest.fixture
def no_keeper(tmp_path: Path) -> Keeper:
    """A keeper that does not even start."""
    script = tmp_path / "keeper.py"
    script.write_text("raise SystemExit(1)")
    return Keeper(script)


def test_a_room_that_nobody_gets_into_blames_no_file(
    desk: Desk, no_keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.sent(pdf())
    monkeypatch.setattr("uploads.locked_room._KEEPER", no_keeper)
    monkeypatch.setattr(jobs, "make_safe_copies", partial(make_safe_copies, keeper=no_keeper))
    work_on(desk, task)
    assert (desk.task(task).tries, desk.task(task).failed_because) == (0, "RoomAway")


def test_a_file_that_alone_ends_the_keeper_of_the_room_is_given_up_one_day(
    desk: Desk, no_keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.sent(pdf())
    monkeypatch.setattr(jobs, "make_safe_copies", partial(make_safe_copies, keeper=no_keeper))
    work_on(desk, task)
    assert (desk.task(task).tries, desk.task(task).failed_because) == (1, "RoomClosed")


def test_where_the_whole_room_is_required_and_a_lock_is_missing_no_file_is_opened(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.sent(pdf())
    keeper = Keeper()
    keeper.layers()
    monkeypatch.setattr(keeper, "_layers", {"files": "none"})
    monkeypatch.setattr(jobs, "make_safe_copies", partial(make_safe_copies, keeper=keeper))
    do(replace(desk.bench, room_required=True), task.office_id, task.id)
    assert (desk.task(task).tries, desk.task(task).failed_because) == (0, "RoomIncomplete")
    work_on(desk, task)
    assert desk.file(task).state is FileState.SAFE
    keeper.close()


def test_a_database_that_goes_away_in_the_middle_is_an_outage() -> None:
    assert jobs.is_ours(OperationalError("", {}, Exception()))
    assert jobs.is_ours(OSError(errno.ENOSPC, "full"))
    assert not jobs.is_ours(FileNotFoundError(errno.ENOENT, "ours to mend"))
    assert not jobs.is_ours(ValueError())
