"""The sweep, over an office on one desk (SQLite, a folder) and one on servers (PostgreSQL, S3)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update

from shared import bulk, clock, drafts, intake, receipts
from shared.model import (
    BulkAct,
    FileState,
    Job,
    Receipt,
    Role,
    SafeCopy,
    State,
    StoredFile,
    SweepRun,
    Task,
    Upload,
    UploadPart,
    UploadState,
)
from shared.session import engine_for, reading_sessions, sessions
from shared.sign_in import Recipient
from tests import factories
from tests.s3 import settings as s3_settings
from tests.uploads.conftest import QueueServer, pdf
from uploads import jobs
from uploads import sweep as sweeping
from uploads.relay import queue_at, relay_once, sender
from uploads.signing import Seals
from uploads.storage import FolderStorage, NotStored, S3Storage
from uploads.sweep import Finding, House, Report, sweep

BUCKET = "madoguchi-sweep"
PREFIXES = ("original", "copy", "safe", "thumb", "receipt", "partial")
DAY = timedelta(days=1)


@dataclass
class Office:
    """An office in which all is well: one file with its safe copy, a certificate, an upload half-way."""

    house: House
    who: Recipient
    submission_id: UUID
    file_id: UUID
    receipt_id: UUID
    upload_id: UUID
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    swept: int = 0

    def sweep(self, *, after: timedelta = timedelta(hours=1), **options: Any) -> tuple[Report, list[tuple[str, bool]]]:
        """Sweep later; what was said is kind and thing, and whether it was mended."""
        said: list[tuple[str, bool]] = []

        def say(finding: Finding, mended: bool) -> None:
            said.append((f"{finding.kind} {finding.what}", mended))

        self.swept += 1
        with clock.at(self.now + after + timedelta(milliseconds=self.swept)):
            return sweep(self.house, say, **options), said

    def found(self, **options: Any) -> list[str]:
        return [words for words, _ in self.sweep(**options)[1]]

    def put(self, key: str, content: bytes) -> str:
        self.house.scratch.mkdir(exist_ok=True)
        source = self.house.scratch / "coming"
        source.write_bytes(content)
        self.house.storage.put(key, source, "application/pdf")
        return key

    def change(self, key: str, content: bytes) -> None:
        """Let other bytes lie there, as a bad disk would."""
        self.house.storage.delete(key)
        self.put(key, content)

    def read(self, key: str) -> bytes:
        with self.house.storage.open(key) as stream:
            return stream.read()

    def row(self, table: type[Any], row_id: UUID) -> Any:
        with self.house.looking() as session:
            return session.get_one(table, (self.who.office_id, row_id))

    def task(self, subject_id: UUID) -> Task:
        with self.house.looking() as session:
            return session.scalars(select(Task).where(Task.subject_id == subject_id)).one()

    def tell(self, table: type[Any], **values: Any) -> None:
        with self.house.writing.begin() as session:
            session.execute(update(table).values(**values))

    def keys(self) -> dict[str, str]:
        """What the rows name: prefix to key."""
        with self.house.looking() as session:
            file = session.scalars(select(StoredFile)).one()
            page = session.scalars(select(SafeCopy)).one()
            receipt = session.scalars(select(Receipt)).one()
            part = session.scalars(select(UploadPart)).one()
            keys = (file.key, file.copy_key, page.key, page.thumb_key, receipt.pdf_key, part.key)
        return {key.partition("/")[0]: key for key in keys if key}

    def runs(self) -> list[SweepRun]:
        with self.house.looking() as session:
            return list(session.scalars(select(SweepRun).order_by(SweepRun.at)))


@pytest.fixture(params=["desk", "servers"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    storage: FolderStorage | S3Storage
    if request.param == "desk":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "office.db")
        engine = engine_for(f"sqlite:///{tmp_path / 'office.db'}")
        storage = FolderStorage(tmp_path / "files")
        storage.prepare()
    else:
        make = request.getfixturevalue("make_postgresql")
        engine = engine_for(make(request.getfixturevalue("migrated_postgresql")))
        storage = S3Storage.at(s3_settings(tmp_path, f"s3://{BUCKET}", request.getfixturevalue("s3_endpoint")), BUCKET)
        storage.client.create_bucket(Bucket=BUCKET)
        storage.prepare()
    yield House(
        reading_sessions(engine), sessions(engine), storage, tmp_path / "incoming", queue_at("redis://127.0.0.1:1")
    )
    if isinstance(storage, S3Storage):
        for one in storage.listed(""):
            storage.delete(one.key)
        storage.client.delete_bucket(Bucket=BUCKET)
    engine.dispose()


@pytest.fixture
def office(house: House) -> Office:
    with house.writing.begin() as session:
        who = factories.recipient(session)
        report = factories.draft(session, who)
        content = pdf()
        file = factories.file(session, who, report, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        intake.send(session, who, report.id, attempt=uuid4())
        closed = factories.submission(session, State.ACCEPTED)
        clerk = factories.staff(session, Role.CLERK)
        receipt = receipts.issue(session, clerk, closed.id, seen=closed.revision, attempt=uuid4(), demo=True)
        upload = Upload(
            office_id=who.office_id,
            submission_id=report.id,
            attempt=uuid4(),
            name="給与明細.pdf",
            size=10,
            kept=4,
            state=UploadState.OPEN,
            expires_at=clock.now() + 2 * DAY,
        )
        session.add(upload)
        session.flush()
    office = Office(house, who, report.id, file.id, receipt.id, upload.id)
    office.put(file.key, content)
    drawn = {prefix: office.put(f"{prefix}/{uuid4()}", prefix.encode()) for prefix in PREFIXES[1:]}
    with house.writing.begin() as session:
        row = session.get_one(StoredFile, (who.office_id, file.id))
        factories.make_safe(session, row)
        row.copy_key, row.copy_size, row.copy_sha256 = drawn["copy"], 4, hashlib.sha256(b"copy").hexdigest()
        page = session.scalars(select(SafeCopy)).one()
        page.key, page.thumb_key, page.size = drawn["safe"], drawn["thumb"], 4
        page.sha256 = hashlib.sha256(b"safe").hexdigest()
        certificate = session.get_one(Receipt, (who.office_id, receipt.id))
        certificate.pdf_key, certificate.pdf_sha256 = drawn["receipt"], hashlib.sha256(b"receipt").hexdigest()
        session.add(UploadPart(office_id=who.office_id, upload_id=upload.id, start=0, size=7, key=drawn["partial"]))
        session.execute(update(Task).values(done_at=clock.now()))
    return office


def test_where_all_is_well_it_finds_nothing_and_remembers_that_it_looked(office: Office) -> None:
    report, said = office.sweep()
    assert (report.found, report.mended, said) == ({}, 0, [])
    assert [(run.found, run.mended) for run in office.runs()] == [({}, 0)]


def test_a_row_without_bytes_is_found_whatever_it_names(office: Office) -> None:
    keys = office.keys()
    assert set(keys) == set(PREFIXES)
    for key in keys.values():
        office.house.storage.delete(key)
    file, receipt, upload = office.file_id, office.receipt_id, office.upload_id
    assert office.found() == [
        f"row_without_bytes stored_file {file} {keys['original']}",
        f"row_without_bytes stored_file {file} {keys['copy']}",
        f"row_without_bytes safe_copy {file} {keys['safe']}",
        f"row_without_bytes safe_copy {file} {keys['thumb']}",
        f"row_without_bytes receipt {receipt} {keys['receipt']}",
        f"row_without_bytes upload_part {upload} {keys['partial']}",
    ]
    assert office.runs()[-1].found == {"row_without_bytes": 6}


def test_a_file_that_is_too_short_or_too_long_is_found(office: Office) -> None:
    key = office.keys()["safe"]
    for content in (b"", b"saf", b"safes"):
        office.change(key, content)
        for quick in (False, True):
            assert office.found(quick=quick) == [f"wrong_size safe_copy {office.file_id} {key}"]


def test_a_wrong_hash_is_found_unless_the_bytes_are_not_read(office: Office) -> None:
    keys = office.keys()
    hashed = ("copy", "safe", "receipt")
    for prefix in hashed:
        office.change(keys[prefix], prefix.upper().encode())
    office.change(keys["original"], bytes(len(pdf())))
    found = office.found()
    assert {words.split()[0] for words in found} == {"wrong_hash"}
    assert {words.split()[-1] for words in found} == {keys[prefix] for prefix in ("original", *hashed)}
    assert office.found(quick=True) == []


def test_bytes_without_a_row_are_set_aside_and_not_lost(office: Office) -> None:
    keys = [office.put(f"{prefix}/{uuid4()}", b"nobody's") for prefix in PREFIXES]
    assert office.found() == [f"bytes_without_row {key}" for key in keys]
    report, said = office.sweep(fix=True)
    assert (report.mended, said) == (6, [(f"bytes_without_row {key}", True) for key in keys])
    assert {office.read(f"aside/{key}") for key in keys} == {b"nobody's"}
    assert office.found(fix=True) == []
    assert [(run.found, run.mended) for run in office.runs()] == [
        ({"bytes_without_row": 6}, 0),
        ({"bytes_without_row": 6}, 6),
        ({}, 0),
    ]


def test_what_is_younger_than_a_quarter_of_an_hour_is_never_touched(office: Office) -> None:
    key = office.put(f"original/{uuid4()}", b"its row is about to come")
    assert office.found(after=timedelta(minutes=14), fix=True) == []
    assert office.found(after=timedelta(minutes=14), young=timedelta(minutes=5)) == [f"bytes_without_row {key}"]
    assert office.read(key) == b"its row is about to come"


def test_it_looks_at_every_row_and_every_file_page_by_page(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "_PAGE", 2)
    strays = {office.put(f"thumb/{uuid4()}", b"x") for _ in range(5)}
    with office.house.writing.begin() as session:
        pages = [
            SafeCopy(
                office_id=office.who.office_id,
                file_id=office.file_id,
                page=number,
                key=f"safe/{uuid4()}",
                thumb_key=f"thumb/{uuid4()}",
                width=1,
                height=1,
                size=1,
                sha256="a" * 64,
            )
            for number in range(2, 7)
        ]
        session.add_all(pages)
    gone = {key for page in pages for key in (page.key, page.thumb_key)}
    assert {words.split()[-1] for words in office.found()} == strays | gone


def test_a_lost_safe_copy_is_drawn_again_from_the_original(office: Office) -> None:
    before = office.keys()
    office.change(before["safe"], b"damaged")
    _, said = office.sweep(fix=True)
    assert said == [(f"wrong_size safe_copy {office.file_id} {before['safe']}", True)]
    assert office.row(StoredFile, office.file_id).state is FileState.CHECKED
    assert office.task(office.file_id).done_at is None
    assert office.read(f"aside/{before['safe']}") == b"damaged"
    bench = jobs.Bench(office.house.writing, office.house.storage, office.house.scratch)
    jobs.do(bench, office.who.office_id, office.task(office.file_id).id)
    assert office.row(StoredFile, office.file_id).state is FileState.SAFE
    after = office.keys()
    assert not set(before.values()) & {after["safe"], after["thumb"], after["copy"]}
    assert office.found(fix=True) == []


def test_a_safe_copy_stays_as_it_is_while_the_original_is_not_whole(office: Office) -> None:
    keys = office.keys()
    office.change(keys["copy"], b"COPY")
    office.change(keys["original"], b"damaged")
    _, said = office.sweep(fix=True)
    assert [(words.split()[0], words.split()[-1], mended) for words, mended in said] == [
        ("wrong_size", keys["original"], False),
        ("wrong_hash", keys["copy"], False),
    ]
    assert office.row(StoredFile, office.file_id).state is FileState.SAFE
    assert office.read(f"aside/{keys['original']}") == b"damaged"
    assert office.read(keys["copy"]) == b"COPY"
    # Until somebody brings it back from a backup it is said each time.
    assert office.found(fix=True)[0] == f"row_without_bytes stored_file {office.file_id} {keys['original']}"
    office.put(keys["original"], pdf())
    assert office.sweep(fix=True)[0].mended == 1
    assert office.row(StoredFile, office.file_id).state is FileState.CHECKED


def test_a_damaged_certificate_is_printed_again_from_its_frozen_content(office: Office, seals: Seals) -> None:
    key = office.keys()["receipt"]
    office.change(key, b"RECEIPT")
    assert office.sweep(fix=True)[1] == [(f"wrong_hash receipt {office.receipt_id} {key}", True)]
    bench = jobs.Bench(office.house.writing, office.house.storage, office.house.scratch, seals=seals)
    jobs.do(bench, office.who.office_id, office.task(office.receipt_id).id)
    receipt = office.row(Receipt, office.receipt_id)
    assert receipt.pdf_key != key
    assert hashlib.sha256(office.read(receipt.pdf_key)).hexdigest() == receipt.pdf_sha256
    assert office.found(fix=True) == []


def test_an_upload_whose_part_is_lost_begins_again(office: Office) -> None:
    office.house.storage.delete(office.keys()["partial"])
    assert office.sweep(fix=True)[0].mended == 1
    upload = office.row(Upload, office.upload_id)
    assert (upload.state, upload.kept) == (UploadState.OPEN, 0)
    assert office.found() == []


def test_a_stale_upload_ends_and_its_parts_go(office: Office) -> None:
    key = office.keys()["partial"]
    assert office.found(after=DAY) == []
    assert office.found(after=3 * DAY) == [f"stale_upload upload {office.upload_id}"]
    assert office.sweep(after=3 * DAY, fix=True)[0].mended == 1
    upload = office.row(Upload, office.upload_id)
    assert (upload.state, upload.ended_because) == (UploadState.ENDED, "expired")
    with pytest.raises(NotStored):
        office.house.storage.size(key)
    assert office.found(after=3 * DAY) == []


def test_what_killed_processes_left_on_our_disk_is_removed(office: Office) -> None:
    scratch = office.house.scratch
    (scratch / "job-1").mkdir()
    (scratch / "job-1" / "original").write_bytes(b"x")
    (scratch / "1.part").write_bytes(b"x")
    assert office.found(after=timedelta(minutes=9)) == []
    assert office.found() == ["half_written job-1"]
    assert sorted(office.found(after=DAY + timedelta(hours=1), fix=True)) == [
        "half_written 1.part",
        "half_written job-1",
    ]
    assert list(scratch.iterdir()) == []


def test_what_a_killed_writer_left_in_the_storage_is_removed(office: Office) -> None:
    storage = office.house.storage
    if isinstance(storage, S3Storage):
        storage.client.create_multipart_upload(Bucket=BUCKET, Key=f"original/{uuid4()}")
    else:
        assert isinstance(storage, FolderStorage)
        (storage.root / f"original/.{uuid4()}.new").write_bytes(b"half")
    assert office.found() == []
    later = DAY + timedelta(hours=1)
    assert office.found(after=later, fix=True) == ["half_written in the storage"]
    assert office.found(after=later) == []


def test_what_two_people_had_destroyed_is_neither_missing_nor_kept(office: Office) -> None:
    keys = office.keys()
    office.tell(StoredFile, original_destroyed_at=office.now, thumbs_destroyed_at=office.now)
    office.house.storage.delete(keys["original"])
    assert office.found() == [f"not_destroyed {keys['thumb']}"]
    assert office.found(after=timedelta(minutes=10)) == []  # the worker may be at it
    assert office.sweep(fix=True)[0].mended == 1
    assert office.found() == []
    with pytest.raises(NotStored):
        office.house.storage.size(f"aside/{keys['thumb']}")


def test_a_lost_task_is_sent_again_at_once(office: Office, queue_server: QueueServer) -> None:
    queue_server.start()
    queue = queue_at(queue_server.url)
    office.house = replace(office.house, queue=queue)
    engine = office.house.writing.kw["bind"]
    task = office.task(office.file_id)
    with clock.at(office.now + timedelta(hours=1)):
        office.tell(Task, done_at=None, send_after=clock.now())
        assert relay_once(engine, sender(queue)) == 2
    assert office.found() == []
    queue.connection.flushall()
    report, said = office.sweep(fix=True)
    assert report.queue_asked
    assert (f"task_lost task {task.id}", True) in said
    assert len(said) == 2
    with clock.at(office.now + timedelta(hours=1, seconds=1)):
        assert relay_once(engine, sender(queue)) == 2
    assert office.found() == []


def test_a_task_that_waits_or_is_held_is_not_lost(office: Office, queue_server: QueueServer) -> None:
    queue_server.start()
    office.house = replace(office.house, queue=queue_at(queue_server.url))
    later = office.now + timedelta(hours=1)
    for values in (
        {"send_after": later - timedelta(minutes=1)},  # about to be sent
        {"send_after": later + timedelta(minutes=1), "failed_because": "RoomClosed"},  # failed, and pauses
        {"send_after": office.now, "held_until": later + timedelta(seconds=20)},
    ):
        office.tell(Task, **{"done_at": None, "failed_because": None, "held_until": None, **values})
        assert office.found() == []
    office.tell(Task, held_until=later - timedelta(seconds=1))  # its worker died, and no relay runs
    assert len(office.found()) == 2


def test_without_a_queue_server_the_rest_is_swept(office: Office) -> None:
    key = office.put(f"original/{uuid4()}", b"x")
    report, said = office.sweep()
    assert not report.queue_asked
    assert said == [(f"bytes_without_row {key}", False)]


def test_a_task_given_up_with_its_work_undone_is_tried_again(office: Office) -> None:
    office.tell(Task, done_at=None, gave_up_at=office.now, tries=5)
    assert office.found() == []  # both have been done, or settled with the person
    office.tell(Receipt, pdf_key=None, pdf_sha256=None)
    task = office.task(office.receipt_id)
    assert [words for words in office.found() if words.startswith("task_")] == [f"task_given_up task {task.id}"]
    office.sweep(fix=True)
    task = office.task(office.receipt_id)
    assert (task.gave_up_at, task.tries) == (None, 0)


def test_many_at_once_given_up_half_way_are_gone_on_with(office: Office) -> None:
    with office.house.writing.begin() as session:
        worker = factories.staff(session)
        row = factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))
        chosen = bulk.choose(session, worker, BulkAct.ACCEPT, [row.id], matched=1, attempt=uuid4())
        bulk.start(session, worker, chosen.id)
        session.flush()
        promised = session.scalars(select(Task).where(Task.subject_id == chosen.id)).one()
        promised.gave_up_at = office.now
        bulk_id, task_id = chosen.id, promised.id
    assert [words for words in office.found() if words.startswith("task_")] == [f"task_given_up task {task_id}"]
    office.sweep(fix=True)
    task = office.task(bulk_id)
    assert (task.gave_up_at, task.tries) == (None, 0)


def test_a_row_that_comes_while_it_looks_is_seen(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the listing and the question who knows the bytes, the office goes on."""
    content, key = b"x" * 10, f"original/{uuid4()}"
    office.put(key, content)
    listed = type(office.house.storage).listed

    def slow(self: Any, prefix: str) -> Iterator[Any]:
        yield from listed(self, prefix)
        if prefix == "original/":
            with office.house.writing.begin() as session:
                report = factories.draft(session, factories.recipient(session))
                file = drafts.attach(
                    session,
                    factories.recipient_of(session, report),
                    report.id,
                    factories.arrived_file(key=key, size=10, sha256=hashlib.sha256(content).hexdigest()),
                    limit=20,
                )
                session.execute(delete(Task).where(Task.subject_id == file.id))

    monkeypatch.setattr(type(office.house.storage), "listed", slow)
    assert office.found(fix=True) == []
    assert office.read(key) == content


def test_a_row_that_goes_while_it_looks_is_not_missed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload became whole: its parts go, row and bytes."""
    key = office.keys()["partial"]
    size = type(office.house.storage).size

    def quick(self: Any, asked: str) -> int:
        if asked == key:
            with office.house.writing.begin() as session:
                session.execute(delete(UploadPart))
            self.delete(key)
        return size(self, asked)

    monkeypatch.setattr(type(office.house.storage), "size", quick)
    assert office.found(fix=True) == []


def test_a_job_that_is_owed_for_a_file_is_not_disturbed(office: Office) -> None:
    """A file that is being looked at has no copies yet: nothing of it is missing."""
    with office.house.writing.begin() as session:
        session.execute(delete(SafeCopy))
        session.execute(update(StoredFile).values(state=FileState.CHECKED, pages=None))
        session.execute(update(Task).where(Task.job == Job.MAKE_SAFE_COPY).values(done_at=None, send_after=office.now))
    assert {words.split()[0] for words in office.found()} == {"bytes_without_row"}
    assert office.row(StoredFile, office.file_id).state is FileState.CHECKED
