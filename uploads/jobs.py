"""What the worker does. Each job loads one row, does one thing, and may be run twice.

Bytes are read, drawn and stored outside of any transaction; the rows are written in one short transaction at the
end, which also marks the task done. A run that finds its work done by another drops what it made.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session, sessionmaker

from config.log import log
from config.settings import MEBIBYTE, Settings
from shared import clock, intake
from shared.model import FileState, Job, Receipt, SafeCopy, StoredFile, Submission, Task
from shared.session import engine_for, sessions
from uploads.checks import Kind
from uploads.locked_room import Refused, SafeCopies, make_safe_copies
from uploads.receipt_pdf import draw_receipt
from uploads.storage import NotStored, Storage, storage_from

ROOM: Final = 200 * MEBIBYTE  # free bytes of the scratch disk below which a crash is put down to us
JOB_LIFE: Final = 600  # seconds after which a job's folder is left over: none may run that long
UPLOAD_LIFE: Final = 24 * 3600  # the same for a part of a form: a slow phone sends for hours


@dataclass(frozen=True)
class Bench:
    """What a job works with."""

    sessions: sessionmaker[Session]
    storage: Storage
    scratch: Path  # on the storage's disk where there is one, so that a finished file is moved, not copied


def bench_from(settings: Settings) -> Bench:
    """The bench of one process."""
    return Bench(sessions(engine_for(settings.database_url)), storage_from(settings), settings.incoming)


@cache
def _bench() -> Bench:
    return bench_from(Settings.from_environ())


def run(office_id: str, task_id: str) -> None:
    """The queue's entry: strings only, so that JSON carries them."""
    do(_bench(), UUID(office_id), UUID(task_id))


def do(bench: Bench, office_id: UUID, task_id: UUID) -> None:
    """Do one task if it is still owed."""
    with bench.sessions.begin() as session:
        task = session.get(Task, (office_id, task_id))
        if task is None or task.done_at or task.gave_up_at:
            return
        job, subject_id = task.job, task.subject_id
    match job:
        case Job.MAKE_SAFE_COPY:
            make_safe_copy(bench, office_id, subject_id)
        case Job.DRAW_RECEIPT:
            print_receipt(bench, office_id, subject_id)
    with bench.sessions.begin() as session:
        task = session.get_one(Task, (office_id, task_id), with_for_update=True)
        if task.done_at is None and task.gave_up_at is None:
            task.done_at = clock.now()
    log("task.done", task=task_id, job=job.value)


def make_safe_copy(bench: Bench, office_id: UUID, file_id: UUID) -> None:
    """Let the locked room draw a file's pages, keep them, and settle the file and its submission."""
    with bench.sessions.begin() as session:
        file = session.get_one(StoredFile, (office_id, file_id))
        if file.state not in (FileState.RECEIVED, FileState.CHECKED):
            return
        key, kind = file.key, Kind(file.kind)
    bench.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=bench.scratch, prefix="job-") as folder:
        copies = _drawn(bench, key, kind, Path(folder))
        rows = [] if isinstance(copies, Refused) else _kept(bench, office_id, file_id, copies)
    if not _settled(bench, office_id, file_id, copies, rows):
        for row in rows:  # another run was quicker: ours are nobody's
            bench.storage.delete(row.key)
            bench.storage.delete(row.thumb_key)


def _drawn(bench: Bench, key: str, kind: Kind, folder: Path) -> SafeCopies | Refused:
    source, into = folder / "original", folder / "pages"
    into.mkdir()
    try:
        with bench.storage.open(key) as original, source.open("wb") as copy:
            shutil.copyfileobj(original, copy)
    except NotStored:
        return Refused("unreadable")
    made = make_safe_copies(source, kind, into)
    if made == Refused("crashed") and (free := shutil.disk_usage(folder).free) < ROOM:
        # Our fault and not the sender's: the task fails, and the relay tries again later.
        raise OSError(errno.ENOSPC, f"only {free} bytes are free where pages are drawn")
    return made


def _kept(bench: Bench, office_id: UUID, file_id: UUID, copies: SafeCopies) -> list[SafeCopy]:
    rows = []
    for number, page in enumerate(copies.pages, start=1):
        row = SafeCopy(
            office_id=office_id,
            file_id=file_id,
            page=number,
            key=f"safe/{uuid4()}",
            thumb_key=f"thumb/{uuid4()}",
            width=page.width,
            height=page.height,
            size=page.size,
            sha256=page.sha256,
        )
        bench.storage.put(row.key, page.picture, "image/jpeg")
        bench.storage.put(row.thumb_key, page.thumb, "image/jpeg")
        rows.append(row)
    return rows


def _settled(bench: Bench, office_id: UUID, file_id: UUID, copies: SafeCopies | Refused, rows: list[SafeCopy]) -> bool:
    with bench.sessions.begin() as session:
        # The submission first, as everybody locks: sending and settling must not miss one another.
        submission_id = session.get_one(StoredFile, (office_id, file_id)).submission_id
        submission = session.get_one(Submission, (office_id, submission_id), with_for_update=True)
        file = session.get_one(StoredFile, (office_id, file_id), with_for_update=True, populate_existing=True)
        if file.state not in (FileState.RECEIVED, FileState.CHECKED):
            return False
        if isinstance(copies, Refused):
            file.move(FileState.REFUSED, because=copies.reason)
        else:
            if file.state is FileState.RECEIVED:
                file.move(FileState.CHECKED)
            file.pages = len(rows)
            file.move(FileState.SAFE)
            session.add_all(rows)
        session.flush()
        intake.settle(session, submission)
        log("file.checked", file=file_id, state=file.state.value, reason=file.refused_because)
    return True


def print_receipt(bench: Bench, office_id: UUID, receipt_id: UUID) -> None:
    """Draw a certificate from its frozen content and keep the PDF with its hash."""
    with bench.sessions.begin() as session:
        receipt = session.get_one(Receipt, (office_id, receipt_id))
        if receipt.pdf_key:
            return
        content = receipt.content
    pdf = draw_receipt(content)
    key = f"receipt/{uuid4()}"
    bench.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=bench.scratch, prefix="job-") as folder:
        path = Path(folder) / "receipt.pdf"
        path.write_bytes(pdf)
        bench.storage.put(key, path, "application/pdf")
    with bench.sessions.begin() as session:
        receipt = session.get_one(Receipt, (office_id, receipt_id), with_for_update=True)
        if receipt.pdf_key is None:
            receipt.pdf_key, receipt.pdf_sha256 = key, hashlib.sha256(pdf).hexdigest()
            log("receipt.drawn", receipt=receipt_id)
            return
    bench.storage.delete(key)


def sweep(scratch: Path) -> None:
    """Remove what a process that was killed has left behind: it holds what people sent."""
    for left in [*scratch.glob("job-*"), *scratch.glob("*.part")]:
        with suppress(OSError):  # its owner lives and was quicker; or the next round has more luck
            life = UPLOAD_LIFE if left.suffix == ".part" else JOB_LIFE
            if time.time() - left.stat().st_mtime > life:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def give_up(session: Session, task: Task) -> None:
    """End a task that failed too often. A file that nobody could look at asks for another copy, kindly."""
    task.gave_up_at = clock.now()
    log("task.failed", level="error", task=task.id, job=task.job.value, tries=task.tries)
    if task.job is not Job.MAKE_SAFE_COPY:
        return
    key = (task.office_id, task.subject_id)
    submission_id = session.get_one(StoredFile, key).submission_id
    submission = session.get_one(Submission, (task.office_id, submission_id), with_for_update=True)
    file = session.get_one(StoredFile, key, with_for_update=True, populate_existing=True)  # a late run may be done
    if file.state in (FileState.RECEIVED, FileState.CHECKED):
        file.move(FileState.REFUSED, because="crashed")
        session.flush()
        intake.settle(session, submission)
