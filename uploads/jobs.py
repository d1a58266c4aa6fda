"""What the worker does. Each job loads one row, does one thing, and may be run twice.

A task is held while it is done: the hold is renewed as long as its worker lives, and a hold that has lapsed means that
the worker is dead and another may have it. The clocks of the machines must agree within seconds.

Bytes are read, drawn and stored outside of any transaction; the rows are written in one short transaction at the
end. A run that finds its work done by another drops what it made; what a killed one had stored lies under ``safe/``,
``thumb/``, ``copy/`` or ``receipt/`` without a row, where the sweep finds it.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session, sessionmaker

from config import points
from config.log import log
from config.settings import MEBIBYTE, Settings
from shared import checks, clock, intake, journal, likeness
from shared.model import MACHINE, FileState, Job, SafeCopy, StoredFile, Submission, Task
from shared.session import engine_for, sessions
from uploads import bulk, locked_room
from uploads.checks import Kind
from uploads.destroying import destroy
from uploads.locked_room import Refused, RoomClosed, RoomIncomplete, SafeCopies, SafePage, make_safe_copies
from uploads.scan import Found, ScannerUnreachable, scan
from uploads.seal_keys import SealMissing, TimeStampMissing
from uploads.storage import NotStored, Storage, StorageError, StorageUnavailable, storage_from

if TYPE_CHECKING:
    from uploads.signing import Seals

ROOM: Final = 200 * MEBIBYTE  # free bytes of the scratch disk below which a crash is put down to us
JOB_SECONDS: Final = 300  # until a job is broken off: a hold alone would be renewed for ever
JOB_LIFE: Final = 600  # seconds after which a job's folder is left over: none may run that long
UPLOAD_LIFE: Final = 24 * 3600  # the same for a part of a form: a slow phone sends for hours

HOLD: Final = timedelta(seconds=30)  # after that a worker which was not heard of is dead
BEAT: Final = 10  # seconds between two renewals
MOST_TRIES: Final = 5  # a quarter of an hour in all
OUTAGE_PAUSE: Final = timedelta(seconds=60)

_DATABASE_AWAY: Final = (OperationalError, InterfaceError, NoConnection)
_OURS: Final = (
    StorageUnavailable,
    ScannerUnreachable,
    RoomIncomplete,
    SealMissing,
    TimeStampMissing,
    *_DATABASE_AWAY,
)
_MACHINE_FULL: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN}
)
_PLACE_DIGITS: Final = 5  # of a part of a page: a fortieth of a pixel
_RELEASE_TRIES: Final = 10  # with a pause of three seconds: a database that starts anew is back by then


class RoomAway(Exception):
    """Nobody gets into the locked room, whatever the file."""


@dataclass(frozen=True)
class Bench:
    """What a job works with."""

    sessions: sessionmaker[Session]
    storage: Storage
    scratch: Path  # on the storage's disk where there is one, so that a finished file is moved, not copied
    clamd: str | None = None  # None: files are not scanned
    room_required: bool = False
    seals: Seals | None = None  # None: no certificate is made
    portal_url: str | None = None


def bench_from(settings: Settings) -> Bench:
    """The bench of one process."""
    from uploads.signing import seals_from

    return Bench(
        sessions(engine_for(settings.database_url)),
        storage_from(settings),
        settings.incoming,
        settings.clamd,
        settings.room_required,
        seals_from(settings),
        settings.portal_url,
    )


@cache
def _bench() -> Bench:
    return bench_from(Settings.from_environ())


def run(office_id: str, task_id: str) -> None:
    """The queue's entry: strings only, so that JSON carries them."""
    do(_bench(), UUID(office_id), UUID(task_id))


def do(bench: Bench, office_id: UUID, task_id: UUID) -> None:
    """Do one task if it is still owed and nobody else is at it.

    Raises nothing that is the task's: a failure is written into its row, and it is tried again after a pause. An outage
    of ours is no try; it is tried again every minute for as long as that lasts.
    """
    hold = Hold(bench, office_id, task_id)
    held = hold.take()
    if held is None:
        return
    job, subject_id = held
    try:
        with hold.kept():
            points.passed("task.held")
            _run(bench, job, office_id, subject_id)
    except Exception as error:  # noqa: BLE001  (whatever it is belongs into the row, and ends no worker)
        hold.failed(error)
    else:
        hold.done()
        log("task.done", task=task_id, job=job.value)


def _run(bench: Bench, job: Job, office_id: UUID, subject_id: UUID) -> None:
    match job:
        case Job.MAKE_SAFE_COPY:
            make_safe_copy(bench, office_id, subject_id)
        case Job.DRAW_RECEIPT:
            from uploads.printing import print_receipt  # who only sends tasks need not know how to sign

            print_receipt(bench, office_id, subject_id)
        case Job.DESTROY:
            destroy(bench, office_id, subject_id)
        case Job.BULK:
            bulk.carry_out(bench, office_id, subject_id)
        case Job.UNDO_BULK:
            bulk.take_back(bench, office_id, subject_id)


def pause_after(tries: int) -> timedelta:
    """How long to wait after the ``tries``-th try has failed: 10 s, 40 s, 160 s, 640 s."""
    return timedelta(seconds=10 << (2 * (tries - 1)))


@dataclass
class Hold:
    """One worker's hold of one task. The moment it ends is its mark: who finds another there has lost the task."""

    bench: Bench
    office_id: UUID
    task_id: UUID
    until: datetime | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def take(self) -> tuple[Job, UUID] | None:
        """Begin a try: what to do to which subject. None if it is not owed, or another worker is at it."""
        with self.bench.sessions.begin() as session:
            task = session.get(Task, (self.office_id, self.task_id), with_for_update=True)
            now = clock.now()
            if task is None or task.done_at or task.gave_up_at or task.tries >= MOST_TRIES:
                return None
            if task.held_until and task.held_until > now:
                return None
            task.tries += 1  # counted here: a file that kills its workers comes to an end, too
            task.held_until, task.send_after = now + HOLD, now
            self.until = task.held_until
            return task.job, task.subject_id

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew the hold inside the block, for as long as this process lives."""
        beating = threading.Thread(target=self._beat, name="hold", daemon=True)
        beating.start()
        try:
            yield
        finally:
            self._over.set()
            beating.join()

    def renew(self) -> bool:
        """Say that we live. Returns whether the task is still ours."""
        until = clock.now() + HOLD
        with self.bench.sessions.begin() as session:
            if not self._ours(session, held_until=until):
                return False
        self.until = until
        return True

    def done(self) -> None:
        """The work is done, whoever holds the task now."""
        with self.bench.sessions.begin() as session:
            task = session.get_one(Task, (self.office_id, self.task_id), with_for_update=True)
            if task.done_at is None and task.gave_up_at is None:
                task.done_at, task.held_until, task.failed_because = clock.now(), None, None

    def failed(self, error: Exception) -> None:
        """Let go, to be tried again. The row names the kind of error, and the log the place it came from."""
        ours = is_ours(error)
        because = type(error).__name__
        for _ in range(_RELEASE_TRIES):
            try:
                tries = self._let_go(because, counts=not ours)
            except _DATABASE_AWAY as away:
                log("database.unreachable", level="warning", error=type(away).__name__)
                time.sleep(3)
            else:
                break
        else:
            return  # the hold lapses by itself
        (*_, place) = traceback.extract_tb(error.__traceback__) or [None]
        log(
            "task.put_off" if ours else "task.failed",
            level="warning",
            task=self.task_id,
            because=because,
            tries=tries,
            place=f"{Path(place.filename).name}:{place.lineno}" if place else "",
        )

    def _let_go(self, because: str, *, counts: bool) -> int:
        with self.bench.sessions.begin() as session:
            task = session.get_one(Task, (self.office_id, self.task_id), with_for_update=True)
            if task.held_until == self.until:
                task.held_until, task.failed_because = None, because
                if counts:
                    task.send_after = clock.now() + (
                        pause_after(task.tries) if task.tries < MOST_TRIES else timedelta()
                    )
                else:
                    task.tries -= 1
                    task.send_after = clock.now() + OUTAGE_PAUSE
            return task.tries

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            try:
                if not self.renew():
                    return
            except _DATABASE_AWAY as away:  # it may be back by the next beat
                log("database.unreachable", level="warning", error=type(away).__name__)

    def _ours(self, session: Session, **change: datetime) -> bool:
        mine = update(Task).where(
            Task.office_id == self.office_id, Task.id == self.task_id, Task.held_until == self.until
        )
        return session.execute(mine.values(**change).returning(Task.id)).one_or_none() is not None


def is_ours(error: Exception) -> bool:
    """Whether an outage of ours made a job fail, so that it is no fault of what it was about."""
    return isinstance(error, (*_OURS, RoomAway)) or (isinstance(error, OSError) and error.errno in _MACHINE_FULL)


@dataclass(frozen=True)
class _Original:
    """What a row says about the bytes a person sent."""

    file_id: UUID
    key: str
    kind: Kind
    size: int
    sha256: str


@dataclass(frozen=True)
class _Kept:
    """Safe copies in the storage, and the rows that will say so."""

    pages: list[SafeCopy]
    copy_key: str
    copy_size: int
    copy_sha256: str


def make_safe_copy(bench: Bench, office_id: UUID, file_id: UUID) -> None:
    """Have a file scanned and its pages drawn in the locked room, keep them, and settle file and submission."""
    with bench.sessions.begin() as session:
        file = session.get_one(StoredFile, (office_id, file_id))
        if file.state not in (FileState.RECEIVED, FileState.CHECKED):
            return
        original = _Original(file.id, file.key, Kind(file.kind), file.size, file.sha256)
    stored: list[str] = []
    try:
        with _folder(bench) as folder:
            found = _looked_at(bench, original, folder)
            made = _stored(bench, office_id, file_id, found, stored) if isinstance(found, SafeCopies) else found
    except Exception:
        _drop(bench, stored)
        raise
    points.passed("copies.stored")
    # From here on a failure may be one of the answer only, with the rows written: what is nobody's is the sweep's.
    if not _settled(bench, office_id, file_id, made):  # another run was quicker: ours are nobody's
        _drop(bench, stored)
    points.passed("copies.settled")


@contextmanager
def _folder(bench: Bench) -> Iterator[Path]:
    bench.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=bench.scratch, prefix="job-") as folder:
        yield Path(folder)


def _looked_at(bench: Bench, original: _Original, folder: Path) -> SafeCopies | Refused | Found:
    source, into = folder / "original", folder / "pages"
    into.mkdir()
    if damage := _fetched(bench.storage, original, source):
        log("file.lost", level="error", file=original.file_id, because=damage)
        return Refused("lost")
    if bench.clamd and (found := scan(bench.clamd, source)):
        return found
    try:
        made = make_safe_copies(source, original.kind, into, required=bench.room_required)
    except RoomClosed:
        _need_room()
        raise  # others get in: it is this file that ends the keeper
    if made == Refused("crashed") and (free := shutil.disk_usage(folder).free) < ROOM:
        raise OSError(errno.ENOSPC, f"only {free} bytes are free where pages are drawn")
    return made


def _need_room() -> None:
    try:
        locked_room.layers()
    except RoomClosed as closed:
        raise RoomAway from closed


def _fetched(storage: Storage, original: _Original, into: Path) -> str | None:
    """Copy the bytes and compare them with their row. Returns what is wrong: then nobody may open them."""
    digest, size = hashlib.sha256(), 0
    try:
        with storage.open(original.key) as stream, into.open("wb") as copy:
            while piece := stream.read(MEBIBYTE):
                digest.update(piece)
                size += len(piece)
                copy.write(piece)
    except NotStored:
        return "missing"
    if size != original.size:
        return "size"
    return None if digest.hexdigest() == original.sha256 else "sha256"


def _stored(bench: Bench, office_id: UUID, file_id: UUID, copies: SafeCopies, stored: list[str]) -> _Kept:
    """Store everything that was made; ``stored`` gets each key before its bytes are there."""

    def keep(kind: str, path: Path, media_type: str) -> str:
        stored.append(f"{kind}/{uuid4()}")
        bench.storage.put(stored[-1], path, media_type)
        return stored[-1]

    pages = [
        SafeCopy(
            office_id=office_id,
            file_id=file_id,
            page=number,
            key=keep("safe", page.picture, "image/jpeg"),
            thumb_key=keep("thumb", page.thumb, "image/jpeg"),
            width=page.width,
            height=page.height,
            size=page.size,
            sha256=page.sha256,
            text=page.text or None,
            lines=_places(page),
            look=page.look or None,
        )
        for number, page in enumerate(copies.pages, start=1)
    ]
    pdf = copies.pdf.read_bytes()
    sha256 = hashlib.sha256(pdf).hexdigest()
    return _Kept(pages, keep("copy", copies.pdf, "application/pdf"), len(pdf), sha256)


def _places(page: SafePage) -> list[list[str | float]] | None:
    """Where the text of a page stands, as ``SafeCopy.lines`` keeps it."""
    wide, high = page.width, page.height
    return [
        [
            line.text,
            *(
                round(part, _PLACE_DIGITS)
                for part in (
                    line.left / wide,
                    line.top / high,
                    (line.right - line.left) / wide,
                    (line.bottom - line.top) / high,
                )
            ),
        ]
        for line in page.lines
    ] or None


def _drop(bench: Bench, keys: list[str]) -> None:
    for key in keys:
        with suppress(StorageError):  # then it is the sweep's
            bench.storage.delete(key)


def _settled(bench: Bench, office_id: UUID, file_id: UUID, made: _Kept | Refused | Found) -> bool:
    with bench.sessions.begin() as session:
        # The submission first, as everybody locks: sending and settling must not miss one another.
        submission_id = session.get_one(StoredFile, (office_id, file_id)).submission_id
        submission = session.get_one(Submission, (office_id, submission_id), with_for_update=True)
        file = session.get_one(StoredFile, (office_id, file_id), with_for_update=True, populate_existing=True)
        if file.state not in (FileState.RECEIVED, FileState.CHECKED):
            return False
        alike: set[UUID] = set()
        if isinstance(made, _Kept):
            alike = _safe(session, file, made)
        else:
            file.move(FileState.REFUSED, because=made.reason)
            session.flush()
        checks.look_at_files(session, office_id, {submission_id, *alike})
        _checked(session, file)
        if not isinstance(made, _Kept):
            _tell(session, file, made)
        intake.settle(session, submission)
        log("file.checked", file=file_id, state=file.state.value, reason=file.refused_because)
    return True


def _safe(session: Session, file: StoredFile, made: _Kept) -> set[UUID]:
    """:returns: the submissions whose later files turn out to be like this one."""
    if file.state is FileState.RECEIVED:
        file.move(FileState.CHECKED)
    file.pages = len(made.pages)
    file.copy_key, file.copy_size, file.copy_sha256 = made.copy_key, made.copy_size, made.copy_sha256
    file.move(FileState.SAFE)
    session.add_all(made.pages)
    session.flush()
    return likeness.note_alike(session, file, made.pages)


def _checked(session: Session, file: StoredFile) -> None:
    """What a file turned out to be, as an entry of the journal."""
    facts = {"submission": file.submission_id, "state": file.state.value, "sha256": file.sha256}
    why = {"reason": file.refused_because} if file.refused_because else {}
    journal.record(session, file.office_id, MACHINE, "file.checked", file.id, **facts, **why)


def _tell(session: Session, file: StoredFile, made: Refused | Found) -> None:
    """What the administrator must know. The original stays where it is."""
    if isinstance(made, Found):
        log("file.infected", level="warning", file=file.id, signature=made.signature, reason=made.reason)
        if made.reason == "infected":
            journal.record(session, file.office_id, MACHINE, "file.infected", file.id, signature=made.signature)
    elif made.reason == "lost":
        journal.record(session, file.office_id, MACHINE, "file.lost", file.id)


def left_over(scratch: Path, now: float) -> Iterator[Path]:
    """What killed processes have left in the scratch folder by ``now`` (seconds since the epoch)."""
    for life, pattern in ((JOB_LIFE, "job-*"), (UPLOAD_LIFE, "*.part")):
        for path in scratch.glob(pattern):
            with suppress(FileNotFoundError):  # its owner lives and was quicker
                if now - path.stat().st_mtime > life:
                    yield path


def forget(path: Path) -> None:
    """Remove a file or a folder that was left over."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def sweep(scratch: Path) -> None:
    """Remove what a process that was killed has left behind: it holds what people sent."""
    with suppress(OSError):  # the next round has more luck
        for path in left_over(scratch, time.time()):
            with suppress(OSError):
                forget(path)


def give_up(session: Session, task: Task) -> None:
    """End a task that failed too often. A file that nobody could look at asks for another copy, kindly.

    A task without an error in its row has killed its workers.
    """
    task.gave_up_at, task.held_until = clock.now(), None
    log("task.failed", level="error", task=task.id, job=task.job.value, tries=task.tries)
    if task.job is Job.MAKE_SAFE_COPY:
        _refuse(session, task)
    facts = {"job": task.job.value, "tries": task.tries, "because": task.failed_because}
    journal.record(session, task.office_id, MACHINE, "task.given_up", task.subject_id, **facts)


def _refuse(session: Session, task: Task) -> None:
    key = (task.office_id, task.subject_id)
    submission_id = session.get_one(StoredFile, key).submission_id
    submission = session.get_one(Submission, (task.office_id, submission_id), with_for_update=True)
    file = session.get_one(StoredFile, key, with_for_update=True, populate_existing=True)  # a late run may be done
    if file.state in (FileState.RECEIVED, FileState.CHECKED):
        file.move(FileState.REFUSED, because="crashed")
        session.flush()
        checks.look_at_files(session, task.office_id, {submission_id})
        _checked(session, file)
        intake.settle(session, submission)
