"""Does what the rows say lie where they say it, and does anything lie about that no row knows?

The sweep runs beside a working office. What is younger than a quarter of an hour it leaves alone: bytes come before
their row. Whatever looks wrong is looked at once more before it is said. Mending never loses a byte of anybody's paper:
what nobody knows is set aside, and only what was drawn by us is drawn again.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from redis.exceptions import RedisError
from rq import Queue
from rq.registry import StartedJobRegistry
from sqlalchemy import ColumnElement, Select, and_, delete, exists, literal, null, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, sessionmaker

from config.log import log
from shared import clock, journal
from shared.model import (
    MACHINE,
    BatchState,
    Bulk,
    BulkState,
    ClosingSignature,
    DayClosing,
    Disposal,
    DisposalState,
    FileState,
    Job,
    Likeness,
    OfficeStamp,
    Receipt,
    ReceiptBatch,
    ReceiptBundle,
    SafeCopy,
    StampState,
    StoredFile,
    Submission,
    SweepRun,
    Task,
    Upload,
    UploadPart,
    UploadState,
)
from uploads.jobs import forget, left_over
from uploads.storage import NotStored, Storage

YOUNG: Final = timedelta(minutes=15)
HALF_WRITTEN_LIFE: Final = timedelta(days=1)
_PAGE: Final = 500
_LOOK_AGAIN: Final = 1.0  # seconds until a task that seems lost is looked for once more


class Kind(StrEnum):
    """What can be wrong."""

    ROW_WITHOUT_BYTES = "row_without_bytes"
    BYTES_WITHOUT_ROW = "bytes_without_row"
    WRONG_SIZE = "wrong_size"
    WRONG_HASH = "wrong_hash"
    STALE_UPLOAD = "stale_upload"  # a file that was begun, and has not come to its end in its time
    HALF_WRITTEN = "half_written"  # a process was killed over it
    NOT_DESTROYED = "not_destroyed"  # two people had it destroyed, and it is still there
    TASK_LOST = "task_lost"  # owed, and the queue server knows nothing of it
    TASK_GIVEN_UP = "task_given_up"  # and what it was to do is still not done


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: its kind, and the key or the row. Never a name."""

    kind: Kind
    what: str
    mend: Callable[[], bool] | None = field(default=None, compare=False)  # returns whether all is well afterwards


@dataclass(frozen=True)
class Report:
    """What one sweep found."""

    found: Counter[Kind]
    mended: int
    queue_asked: bool  # False: the queue server could not be reached, so lost tasks were not looked for


@dataclass(frozen=True)
class House:
    """What is swept."""

    looking: sessionmaker[Session]
    writing: sessionmaker[Session]
    storage: Storage
    scratch: Path
    queue: Queue


def sweep(
    house: House,
    say: Callable[[Finding, bool], None],
    *,
    fix: bool = False,
    quick: bool = False,
    young: timedelta = YOUNG,
) -> Report:
    """Look at everything, and remember that it was done. ``say`` gets each finding and whether it was mended.

    :param quick: do not read the bytes, so that a wrong hash is not found.
    :param young: what is younger is left alone.
    :raises StorageError: when the storage is away, or strangers may read it.
    :raises SQLAlchemyError: when the database is away.
    """
    house.storage.check()
    found: Counter[Kind] = Counter()
    mended = 0
    round_ = _Round(house, quick, clock.now() - young)
    for finding in round_.findings():
        well = bool(fix and finding.mend and finding.mend())
        found[finding.kind] += 1
        mended += well
        say(finding, well)
    counts = {kind.value: count for kind, count in found.items()}
    with house.writing.begin() as session:
        session.add(SweepRun(at=clock.now(), found=counts, mended=mended))
    log("sweep.found", level="warning" if found else "info", **counts, mended=mended, queue_asked=round_.queue_asked)
    return Report(found, mended, round_.queue_asked)


_NOTHING: Final = null()


@dataclass(frozen=True)
class _Place:
    """A column that names bytes, and what its row says about them."""

    prefix: str
    table: str
    order: tuple[InstrumentedAttribute[Any], ...]  # the primary key
    subject: InstrumentedAttribute[UUID]  # whose bytes they are: a file, a receipt, an upload
    key: InstrumentedAttribute[Any]
    size: ColumnElement[Any] | InstrumentedAttribute[Any] = _NOTHING
    sha256: ColumnElement[Any] | InstrumentedAttribute[Any] = _NOTHING
    gone_at: ColumnElement[Any] | InstrumentedAttribute[Any] = _NOTHING

    def rows(self, *columns: Any) -> Select[Any]:
        found = select(*columns).select_from(self.key.class_)
        if self.key.class_ is SafeCopy:
            its_file = and_(StoredFile.office_id == SafeCopy.office_id, StoredFile.id == SafeCopy.file_id)
            found = found.join(StoredFile, its_file)
        return found.where(self.key.is_not(None))


_FILE: Final = (StoredFile.office_id, StoredFile.id)
_PAGE_OF_FILE: Final = (SafeCopy.office_id, SafeCopy.id)
_COPIES_GONE: Final = StoredFile.copies_destroyed_at
ORIGINAL: Final = _Place(
    *("original/", "stored_file", _FILE, StoredFile.id, StoredFile.key),
    *(StoredFile.size, StoredFile.sha256, StoredFile.original_destroyed_at),
)
COPY: Final = _Place(
    *("copy/", "stored_file", _FILE, StoredFile.id, StoredFile.copy_key),
    *(StoredFile.copy_size, StoredFile.copy_sha256, _COPIES_GONE),
)
SAFE: Final = _Place(
    *("safe/", "safe_copy", _PAGE_OF_FILE, SafeCopy.file_id, SafeCopy.key),
    *(SafeCopy.size, SafeCopy.sha256, _COPIES_GONE),
)
THUMB: Final = _Place(
    *("thumb/", "safe_copy", _PAGE_OF_FILE, SafeCopy.file_id, SafeCopy.thumb_key),
    gone_at=StoredFile.thumbs_destroyed_at,
)
RECEIPT: Final = _Place(
    *("receipt/", "receipt", (Receipt.office_id, Receipt.id), Receipt.id, Receipt.pdf_key),
    sha256=Receipt.pdf_sha256,
)
PARTIAL: Final = _Place(
    *("partial/", "upload_part", (UploadPart.office_id, UploadPart.upload_id, UploadPart.start)),
    *(UploadPart.upload_id, UploadPart.key, UploadPart.size),
)
_BUNDLE: Final = (ReceiptBundle.office_id, ReceiptBundle.id)
PRINT: Final = _Place(
    *("print/", "receipt_bundle", _BUNDLE, ReceiptBundle.id, ReceiptBundle.print_key),
    *(ReceiptBundle.print_size, ReceiptBundle.print_sha256, ReceiptBundle.gone_at),
)
ZIP: Final = _Place(
    *("zip/", "receipt_bundle", _BUNDLE, ReceiptBundle.id, ReceiptBundle.zip_key),
    *(ReceiptBundle.zip_size, ReceiptBundle.zip_sha256, ReceiptBundle.gone_at),
)
_STAMP: Final = (OfficeStamp.office_id, OfficeStamp.id)
STAMP: Final = _Place(
    *("stamp/", "office_stamp", _STAMP, OfficeStamp.id, OfficeStamp.key),
    *(OfficeStamp.size, OfficeStamp.sha256),
)
STAMP_SENT: Final = _Place(
    *("stamp-sent/", "office_stamp", _STAMP, OfficeStamp.id, OfficeStamp.sent_key),
    *(OfficeStamp.sent_size, OfficeStamp.sent_sha256),
)
PLACES: Final = (ORIGINAL, COPY, SAFE, THUMB, RECEIPT, PARTIAL, PRINT, ZIP, STAMP, STAMP_SENT)


class _Round:
    """One look at everything. ``old``: what is younger than that is left alone."""

    def __init__(self, house: House, quick: bool, old: datetime) -> None:
        self.house, self.quick, self.old = house, quick, old
        self.storage = house.storage
        self.queue_asked = True

    def findings(self) -> Iterator[Finding]:
        yield from self._stale_uploads()  # first: the bytes of their parts are then nobody's fault
        for place in PLACES:
            yield from self._rows(place)
        for place in PLACES:
            yield from self._bytes(place)
        yield from self._half_written()
        yield from self._lost_tasks()
        yield from self._given_up()

    # rows, and what lies there

    def _rows(self, place: _Place) -> Iterator[Finding]:
        asked = (*place.order, place.subject, place.key, place.size, place.sha256)
        rows = place.rows(*asked).where(place.gone_at.is_(None))
        for row in self._paged(rows, place.order):
            office_id, (subject, key, size, sha256) = row[0], row[-4:]
            if self._fault(key, size, sha256) is None:
                continue
            with self.house.looking() as session:  # it may have been destroyed or drawn anew just now
                still = session.execute(rows.where(place.key == key)).first()
            if still and (kind := self._fault(key, size, sha256)):
                what = f"{place.table} {subject} {key}"
                yield Finding(kind, what, partial(self._mend, place, office_id, subject, key))

    def _paged(self, rows: Select[*tuple[Any, ...]], order: Sequence[InstrumentedAttribute[Any]]) -> Iterator[Any]:
        """Row by row in the order of the primary key, with never more than a page in memory."""
        begin = tuple_(*order)
        page = rows.order_by(*order).limit(_PAGE)
        after: Select[*tuple[Any, ...]] = page
        while True:
            with self.house.looking() as session:
                found = session.execute(after).all()
            yield from found
            if len(found) < _PAGE:
                return
            last = tuple_(*(literal(value, column.type) for value, column in zip(found[-1], order, strict=False)))
            after = page.where(begin > last)

    def _fault(self, key: str, size: int | None, sha256: str | None) -> Kind | None:
        try:
            if self.quick or sha256 is None:
                real, digest = self.storage.size(key), sha256
            else:
                with self.storage.open(key) as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]  # it is one
                    real = stream.seek(0, 2)
        except NotStored:
            return Kind.ROW_WITHOUT_BYTES
        if size is not None and real != size:
            return Kind.WRONG_SIZE
        return None if digest == sha256 else Kind.WRONG_HASH

    def _mend(self, place: _Place, office_id: UUID, subject: UUID, key: str) -> bool:
        if place in (STAMP, STAMP_SENT):  # nobody but the office has it; certificates that name it say so when drawn
            self._aside(key)
            return False
        if place in (PRINT, ZIP):
            return self._gather_again(office_id, subject)
        if place is ORIGINAL:  # nobody but the person or a backup has it: what is left of it is kept, out of the way
            self._aside(key)
            return False
        if place is RECEIPT:
            return self._print_again(office_id, subject, key)
        if place is PARTIAL:
            return self._end_parts(office_id, subject)
        return self._draw_again(office_id, subject)

    def _draw_again(self, office_id: UUID, file_id: UUID) -> bool:
        """Let the worker make the safe copy of a file anew, if its original is whole."""
        with self.house.looking() as session:
            file = session.get_one(StoredFile, (office_id, file_id))
        if file.original_destroyed_at or self._fault(file.key, file.size, file.sha256):
            return False
        with self.house.writing.begin() as session:
            session.get_one(Submission, (office_id, file.submission_id), with_for_update=True)  # as everybody locks
            file = session.get_one(StoredFile, (office_id, file_id), with_for_update=True, populate_existing=True)
            if file.state is not FileState.SAFE:
                return False
            its_pages = and_(SafeCopy.office_id == office_id, SafeCopy.file_id == file_id)
            pages = session.execute(select(SafeCopy.key, SafeCopy.thumb_key).where(its_pages)).all()
            drawn = [key for page in pages for key in page] + [key for key in (file.copy_key,) if key]
            session.execute(delete(SafeCopy).where(its_pages))
            session.execute(delete(Likeness).where(Likeness.office_id == office_id, Likeness.file_id == file_id))
            file.copy_key = file.copy_size = file.copy_sha256 = file.pages = None
            file.move(FileState.CHECKED)
            _owe_again(session, office_id, Job.MAKE_SAFE_COPY, file_id)
            facts = {"submission": file.submission_id}
            journal.record(session, office_id, MACHINE, "file.copy_lost", file_id, **facts)
        for key in drawn:
            self._aside(key)
        return True

    def _print_again(self, office_id: UUID, receipt_id: UUID, key: str) -> bool:
        """Let the worker draw a certificate anew: what it says is frozen in its row."""
        with self.house.writing.begin() as session:
            receipt = session.get_one(Receipt, (office_id, receipt_id), with_for_update=True)
            if receipt.pdf_key != key:
                return False
            receipt.pdf_key = receipt.pdf_sha256 = None
            _owe_again(session, office_id, Job.DRAW_RECEIPT, receipt_id)
        self._aside(key)
        return True

    def _gather_again(self, office_id: UUID, bundle_id: UUID) -> bool:
        """Let the worker gather a bundle anew."""
        with self.house.writing.begin() as session:
            row = session.get_one(ReceiptBundle, (office_id, bundle_id), with_for_update=True)
            keys = [key for key in (row.print_key, row.zip_key) if key]
            row.print_key = row.print_size = row.print_sha256 = None
            row.zip_key = row.zip_size = row.zip_sha256 = row.made_at = None
            _owe_again(session, office_id, Job.GATHER_RECEIPTS, bundle_id)
        for key in keys:
            self._aside(key)
        return True

    def _aside(self, key: str) -> None:
        with suppress(NotStored):
            self.storage.set_aside(key)

    # bytes, and who knows them

    def _bytes(self, place: _Place) -> Iterator[Finding]:
        for some in _pages(one.key for one in self.storage.listed(place.prefix) if one.modified < self.old):
            with self.house.looking() as session:  # after the listing: a row comes after its bytes
                rows = session.execute(place.rows(place.key, place.gone_at).where(place.key.in_(some))).all()
            known = {key: gone_at for key, gone_at in rows}  # noqa: C416  (rows of two columns)
            for key in some:
                gone_at = known.get(key)
                if key not in known and self._is_there(key):
                    yield Finding(Kind.BYTES_WITHOUT_ROW, key, partial(_done, self.storage.set_aside, key))
                elif gone_at and gone_at < self.old and self._is_there(key):
                    yield Finding(Kind.NOT_DESTROYED, key, partial(_done, self.storage.delete, key))

    def _is_there(self, key: str) -> bool:
        try:
            self.storage.size(key)
        except NotStored:
            return False
        return True

    def _half_written(self) -> Iterator[Finding]:
        for drop in self.storage.unfinished(clock.now() - HALF_WRITTEN_LIFE):
            yield Finding(Kind.HALF_WRITTEN, "in the storage", partial(_done, drop))
        for path in left_over(self.house.scratch, clock.now().timestamp()):
            yield Finding(Kind.HALF_WRITTEN, path.name, partial(_done, forget, path))

    # uploads

    def _stale_uploads(self) -> Iterator[Finding]:
        parts = select(UploadPart.key).where(
            UploadPart.office_id == Upload.office_id, UploadPart.upload_id == Upload.id
        )
        stale = select(Upload.office_id, Upload.id).where(
            Upload.expires_at < self.old, or_(Upload.state == UploadState.OPEN, parts.exists())
        )
        for office_id, upload_id in self._paged(stale, (Upload.office_id, Upload.id)):
            yield Finding(Kind.STALE_UPLOAD, f"upload {upload_id}", partial(self._end_parts, office_id, upload_id))

    def _end_parts(self, office_id: UUID, upload_id: UUID) -> bool:
        """Forget what has come of an upload. The phone may begin again, unless its time is over."""
        with self.house.writing.begin() as session:
            upload = session.get_one(Upload, (office_id, upload_id), with_for_update=True)
            parts = and_(UploadPart.office_id == office_id, UploadPart.upload_id == upload_id)
            keys = session.scalars(select(UploadPart.key).where(parts)).all()
            session.execute(delete(UploadPart).where(parts))
            if upload.state is UploadState.OPEN:
                upload.kept = 0
                if upload.expires_at < clock.now():
                    upload.move(UploadState.ENDED, because="expired")
        for key in keys:
            self.storage.delete(key)
        return True

    # tasks

    def _lost_tasks(self) -> Iterator[Finding]:
        """Owed tasks that nobody has in hand: late, or sent and not in the queue.

        One that failed waits on purpose until it is sent again.
        """
        now = clock.now()
        owed = select(Task.office_id, Task.id, Task.send_after).where(
            *(Task.done_at.is_(None), Task.gave_up_at.is_(None)),
            or_(Task.held_until.is_(None), Task.held_until < now),
            or_(Task.send_after < self.old, and_(Task.send_after > now, Task.failed_because.is_(None))),
        )
        try:
            with self.house.looking() as session:
                seems_lost = bool(session.execute(owed.limit(1)).first())
            if not seems_lost:
                self.house.queue.connection.ping()
                return
            waiting = self._waiting()
            first = {row.id: row.send_after for row in self._paged(owed, (Task.office_id, Task.id))}
            lost = {task_id: at for task_id, at in first.items() if task_id not in waiting}
            if lost:  # a worker may just have taken it out of the queue, and not have said so yet
                time.sleep(_LOOK_AGAIN)
                waiting = self._waiting()
        except (RedisError, OSError):
            self.queue_asked = False
            return
        for office_id, task_id, send_after in self._paged(owed, (Task.office_id, Task.id)):
            if lost.get(task_id) == send_after and task_id not in waiting:
                yield Finding(Kind.TASK_LOST, f"task {task_id}", partial(self._send_now, office_id, task_id))

    def _waiting(self) -> set[UUID]:
        """The tasks that the queue server has, waiting or with a worker."""
        queue = self.house.queue
        begun = StartedJobRegistry(queue=queue)
        return {UUID(job_id) for job_id in (*queue.get_job_ids(), *begun.get_job_ids(cleanup=False))}

    def _send_now(self, office_id: UUID, task_id: UUID) -> bool:
        with self.house.writing.begin() as session:
            task = session.get_one(Task, (office_id, task_id), with_for_update=True)
            if task.done_at is None and task.gave_up_at is None:
                task.send_after = clock.now()
        return True

    def _given_up(self) -> Iterator[Finding]:
        undone = (
            select(StoredFile.id).where(
                *(Task.job == Job.MAKE_SAFE_COPY, StoredFile.office_id == Task.office_id),
                StoredFile.id == Task.subject_id,
                StoredFile.state.in_((FileState.RECEIVED, FileState.CHECKED)),
            ),
            select(Receipt.id).where(
                *(Task.job == Job.DRAW_RECEIPT, Receipt.office_id == Task.office_id),
                *(Receipt.id == Task.subject_id, Receipt.pdf_key.is_(None)),
            ),
            select(DayClosing.id).where(
                *(Task.job == Job.SIGN_CLOSING, DayClosing.office_id == Task.office_id),
                DayClosing.id == Task.subject_id,
                ~exists().where(
                    ClosingSignature.office_id == DayClosing.office_id, ClosingSignature.closing_id == DayClosing.id
                ),
            ),
            select(Disposal.id).where(
                *(Task.job == Job.DESTROY, Disposal.office_id == Task.office_id),
                *(Disposal.id == Task.subject_id, Disposal.state == DisposalState.APPROVED),
            ),
            select(Bulk.id).where(
                *(Bulk.office_id == Task.office_id, Bulk.id == Task.subject_id),
                or_(
                    and_(Task.job == Job.BULK, Bulk.state == BulkState.RUNNING),
                    and_(Task.job == Job.UNDO_BULK, Bulk.state == BulkState.UNDOING),
                ),
            ),
            select(ReceiptBatch.id).where(
                *(Task.job == Job.ISSUE_BATCH, ReceiptBatch.office_id == Task.office_id),
                *(ReceiptBatch.id == Task.subject_id, ReceiptBatch.state == BatchState.RUNNING),
            ),
            select(ReceiptBundle.id).where(
                *(Task.job == Job.GATHER_RECEIPTS, ReceiptBundle.office_id == Task.office_id),
                *(ReceiptBundle.id == Task.subject_id, ReceiptBundle.made_at.is_(None)),
            ),
            select(OfficeStamp.id).where(
                *(Task.job == Job.DRAW_STAMP, OfficeStamp.office_id == Task.office_id),
                *(OfficeStamp.id == Task.subject_id, OfficeStamp.state == StampState.SENT),
            ),
        )
        given_up = select(Task.office_id, Task.id, Task.job, Task.subject_id).where(
            Task.gave_up_at.is_not(None), or_(*(one.exists() for one in undone))
        )
        for office_id, task_id, job, subject in self._paged(given_up, (Task.office_id, Task.id)):
            yield Finding(Kind.TASK_GIVEN_UP, f"task {task_id}", partial(self._try_again, office_id, job, subject))

    def _try_again(self, office_id: UUID, job: Job, subject: UUID) -> bool:
        with self.house.writing.begin() as session:
            _owe_again(session, office_id, job, subject)
        return True


def _owe_again(session: Session, office_id: UUID, job: Job, subject_id: UUID) -> None:
    task = session.scalars(
        select(Task)
        .where(Task.office_id == office_id, Task.job == job, Task.subject_id == subject_id)
        .with_for_update()
    ).one()
    task.done_at = task.gave_up_at = task.held_until = task.failed_because = None
    task.tries, task.send_after = 0, clock.now()


def _done(deed: Callable[..., object], *given: object) -> bool:
    deed(*given)
    return True


def _pages(items: Iterable[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for item in items:
        page.append(item)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
