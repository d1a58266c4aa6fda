"""The worker issues what a clerk has chosen, gathers it for the printer, and draws the office's stamp."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pikepdf
import pytest
from PIL import Image
from sqlalchemy import select

from config import points
from shared import batch, bundle, clock, receipts, stamp
from shared.model import (
    BatchState,
    Job,
    OfficeStamp,
    Receipt,
    ReceiptBatch,
    ReceiptBundle,
    Role,
    StampKind,
    StampState,
    State,
    Task,
)
from shared.rules.numbers import short_number
from shared.sign_in import Staff
from tests import factories
from tests.uploads.conftest import Desk, pdf
from uploads import jobs
from uploads.batch import issue
from uploads.bundle import gather
from uploads.printing import print_receipt
from uploads.worker import forget_bundles

COUNT = 4


class Killed(BaseException):
    """What a kill is to a program: nothing catches it."""


@pytest.fixture(autouse=True)
def points_free() -> Iterator[None]:
    yield
    points.waiting = points._nobody


@pytest.fixture
def clerk(desk: Desk) -> Staff:
    with desk.bench.sessions.begin() as session:
        return factories.staff(session, Role.CLERK)


def started(desk: Desk, clerk: Staff, *names: str) -> UUID:
    with desk.bench.sessions.begin() as session:
        people = [factories.recipient(session, name=name) for name in names or ("見本　花子",) * COUNT]
        rows = [factories.submission(session, State.ACCEPTED, who) for who in people]
        row = batch.choose(session, clerk, [one.id for one in rows], matched=len(rows), attempt=uuid4(), demo=True)
        batch.start(session, clerk, row.id)
        return row.id


def numbers(desk: Desk) -> list[str]:
    with desk.bench.sessions() as session:
        return [short_number(no) for no in session.scalars(select(Receipt.document_no).order_by(Receipt.issued_at))]


def promised(desk: Desk, job: Job) -> Task:
    with desk.bench.sessions() as session:
        return session.scalars(select(Task).where(Task.job == job).order_by(Task.created_at.desc())).first()  # type: ignore[return-value]


def do(desk: Desk, job: Job) -> None:
    task = promised(desk, job)
    jobs.do(desk.bench, task.office_id, task.id)
    assert desk.task(task).done_at is not None, desk.task(task).failed_because


def made(desk: Desk) -> ReceiptBundle:
    with desk.bench.sessions() as session:
        return session.scalars(select(ReceiptBundle).order_by(ReceiptBundle.created_at.desc())).first()  # type: ignore[return-value]


def read(desk: Desk, key: str | None) -> bytes:
    with desk.bench.storage.open(key or "") as stream:
        return stream.read()


def test_a_batch_becomes_certificates_one_file_to_print_and_one_zip(desk: Desk, clerk: Staff) -> None:
    started(desk, clerk, "見本　花子", "=cmd|' /C calc'!A0", "架空　一郎")
    do(desk, Job.ISSUE_BATCH)
    do(desk, Job.GATHER_RECEIPTS)
    row = made(desk)
    with desk.bench.sessions() as session:
        issued = session.scalars(select(Receipt).order_by(Receipt.issued_at)).all()
        names = [f"{short_number(one.document_no)}_{one.content['number']}.pdf" for one in issued]
    archive = zipfile.ZipFile(io.BytesIO(read(desk, row.zip_key)))
    assert archive.namelist() == ["index.csv", *names]
    year = factories.document_no(1).removeprefix("令").partition("-")[0]
    assert names[0].startswith(f"令{year}-00001_HB{year}-")
    for receipt, name in zip(issued, names, strict=True):
        assert archive.read(name) == read(desk, receipt.pdf_key), "each is the signed one, byte for byte"
    index = archive.read("index.csv")
    assert index.startswith(b"\xef\xbb\xbf")
    head, *lines = csv.reader(io.StringIO(index.decode("utf-8-sig"), newline=""))
    assert tuple(head) == bundle.HEAD
    assert [line[0] for line in lines] == [receipt.document_no for receipt in issued]
    assert lines[1][2] == "'=cmd|' /C calc'!A0", "no cell is a formula"
    assert [line[6] for line in lines] == [receipt.pdf_sha256 for receipt in issued]
    assert {line[7] for line in lines} == {"発行"}
    assert [line[8] for line in lines] == names
    printed = read(desk, row.print_key)
    with pikepdf.open(io.BytesIO(printed)) as paper, paper.open_metadata() as said:
        assert len(paper.pages) == 3
        assert said["dc:title"] == "受領証　印刷用の写し　3件"
    assert hashlib.sha256(printed).hexdigest() == row.print_sha256
    assert (len(printed), len(read(desk, row.zip_key))) == (row.print_size, row.zip_size)


@pytest.mark.parametrize("point", ["batch.some_written", "batch.some_issued"])
@pytest.mark.parametrize(("size", "at"), [(1, 1), (1, 2), (1, 3), (1, 4), (3, 1), (3, 2)])
def test_a_worker_killed_in_the_middle_loses_and_doubles_no_number(
    desk: Desk, clerk: Staff, monkeypatch: pytest.MonkeyPatch, point: str, size: int, at: int
) -> None:
    monkeypatch.setattr("uploads.batch.AT_ONCE", size)
    row, passed = started(desk, clerk), 0

    def kill(here: str) -> None:
        nonlocal passed
        passed += here == point
        if passed == at:
            raise Killed

    points.waiting = kill
    with pytest.raises(Killed):
        issue(desk.bench, clerk.office_id, row)
    points.waiting = points._nobody
    steps = at - (point == "batch.some_written")  # killed before its commit, nothing of it has happened
    done = min(COUNT, steps * size)
    assert numbers(desk) == [factories.document_no(serial) for serial in range(1, done + 1)]
    for _again in range(2):
        issue(desk.bench, clerk.office_id, row)
    assert numbers(desk) == [factories.document_no(serial) for serial in range(1, COUNT + 1)]
    with desk.bench.sessions() as session:
        assert session.scalars(select(ReceiptBatch.state)).one() is BatchState.ISSUED
        assert len(session.scalars(select(ReceiptBundle)).all()) == 1


def test_one_that_waits_for_a_second_person_is_left_alone(desk: Desk, clerk: Staff) -> None:
    with desk.bench.sessions.begin() as session:
        row = factories.submission(session, State.ACCEPTED)
        chosen = batch.choose(session, clerk, [row.id], matched=1, attempt=uuid4(), demo=True).id
    issue(desk.bench, clerk.office_id, chosen)
    assert numbers(desk) == []


def test_what_is_gathered_twice_is_kept_once_and_a_killed_one_leaves_only_orphans(desk: Desk, clerk: Staff) -> None:
    started(desk, clerk)
    do(desk, Job.ISSUE_BATCH)
    row = made(desk)

    def kill(point: str) -> None:
        if point == "bundle.stored":
            raise Killed

    points.waiting = kill
    with pytest.raises(Killed):
        gather(desk.bench, clerk.office_id, row.id, print_receipt)
    points.waiting = points._nobody
    assert made(desk).made_at is None
    for _again in range(2):
        gather(desk.bench, clerk.office_id, row.id, print_receipt)
    row = made(desk)
    kept = {key for key in desk.stored() if key.startswith(("print/", "zip/"))}
    assert {row.print_key, row.zip_key} < kept
    assert len(kept) == 4, "what the killed one has stored is the sweep's"
    assert desk.scratch() == []


def test_the_files_of_a_day_hold_what_was_issued_until_then_and_leave_a_voided_one_out_of_the_print(
    desk: Desk, clerk: Staff
) -> None:
    started(desk, clerk)
    do(desk, Job.ISSUE_BATCH)
    with desk.bench.sessions.begin() as session:
        first = session.scalars(select(Receipt).order_by(Receipt.issued_at)).first()
        assert first
        receipts.void(session, clerk, first.id, "誤記")
        row = bundle.ask(session, clerk, day=clock.today())
        assert bundle.ask(session, clerk, day=clock.today()).id == row.id, "one that is under way is the answer"
    do(desk, Job.GATHER_RECEIPTS)
    row = made(desk)
    with pikepdf.open(io.BytesIO(read(desk, row.print_key))) as paper:
        assert len(paper.pages) == COUNT - 1
    archive = zipfile.ZipFile(io.BytesIO(read(desk, row.zip_key)))
    assert len(archive.namelist()) == 1 + COUNT
    states = [line[7] for line in csv.reader(io.StringIO(archive.read("index.csv").decode("utf-8-sig")))]
    assert states == ["状態", "取消し", "発行", "発行", "発行"]
    with desk.bench.sessions.begin() as session:
        assert bundle.ask(session, clerk, day=clock.today()).id == row.id, "nothing has changed since"
        second = session.scalars(select(Receipt).order_by(Receipt.issued_at.desc())).first()
        assert second
        receipts.void(session, clerk, second.id, "誤記")
        assert bundle.ask(session, clerk, day=clock.today()).id != row.id


def test_after_some_days_the_files_are_gone(desk: Desk, clerk: Staff) -> None:
    started(desk, clerk)
    do(desk, Job.ISSUE_BATCH)
    do(desk, Job.GATHER_RECEIPTS)
    forget_bundles(desk.bench.sessions, desk.bench.storage)
    assert made(desk).gone_at is None
    with clock.at(clock.now() + bundle.KEPT + timedelta(minutes=1)):
        forget_bundles(desk.bench.sessions, desk.bench.storage)
    assert made(desk).gone_at is not None
    assert [key for key in desk.stored() if key.startswith(("print/", "zip/"))] == []


# ---- the office's stamp ----


def picture(form: str, size: tuple[int, int] = (300, 300), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, form)
    return out.getvalue()


def send(desk: Desk, content: bytes, kind: str) -> OfficeStamp:
    with desk.bench.sessions.begin() as session:
        who = factories.staff(session, Role.ADMINISTRATOR)
        sent = stamp.SentPicture(f"stamp-sent/{uuid4()}", kind, len(content), hashlib.sha256(content).hexdigest())
        row = stamp.send(session, who, StampKind.STAMP, clock.today(), sent, attempt=uuid4())
    desk.put(sent.key, content)
    return row


def stood(desk: Desk, row: OfficeStamp) -> OfficeStamp:
    with desk.bench.sessions() as session:
        return session.get_one(OfficeStamp, (row.office_id, row.id))


@pytest.mark.parametrize(
    ("content", "kind", "size"),
    [
        (picture("PNG", mode="RGBA"), "png", (300, 300)),
        (picture("JPEG", (3000, 1500)), "jpeg", (1200, 600)),
    ],
)
def test_a_stamp_is_drawn_anew_and_what_came_is_deleted(
    desk: Desk, content: bytes, kind: str, size: tuple[int, int]
) -> None:
    row = send(desk, content, kind)
    do(desk, Job.DRAW_STAMP)
    drawn = stood(desk, row)
    assert (drawn.state, drawn.sent_key) == (StampState.DRAWN, None)
    ours = read(desk, drawn.key)
    assert hashlib.sha256(ours).hexdigest() == drawn.sha256
    with Image.open(io.BytesIO(ours)) as image:
        assert (image.format, image.size) == ("PNG", size)
    assert desk.stored() == [drawn.key]
    with desk.bench.sessions() as session:
        assert stamp.keys(session, row.office_id) == {"stamp": drawn.key}


@pytest.mark.parametrize(
    ("content", "kind", "because"),
    [
        (b"\x89PNG\r\n\x1a\n nothing more", "png", "unreadable"),
        (picture("PNG", (20, 20)), "png", "too_small"),
        (pdf(), "png", "unreadable"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_reason(desk: Desk, content: bytes, kind: str, because: str) -> None:
    row = send(desk, content, kind)
    do(desk, Job.DRAW_STAMP)
    refused = stood(desk, row)
    assert (refused.state, refused.refused_because, refused.key) == (StampState.REFUSED, because, None)
    assert desk.stored() == []
    with desk.bench.sessions() as session:
        assert stamp.keys(session, row.office_id) == {}


def test_a_certificate_keeps_the_picture_it_was_issued_with(desk: Desk, clerk: Staff) -> None:
    keys = []
    for colour in ("red", "green"):
        out = io.BytesIO()
        Image.new("RGB", (300, 300), colour).save(out, "PNG")
        row = send(desk, out.getvalue(), "png")
        do(desk, Job.DRAW_STAMP)
        keys.append(stood(desk, row).key)
        with desk.bench.sessions.begin() as session:
            submission = factories.submission(session, State.ACCEPTED)
            receipts.issue(session, clerk, submission.id, seen=submission.revision, attempt=uuid4(), demo=True)
    with desk.bench.sessions() as session:
        issued = session.scalars(select(Receipt).order_by(Receipt.issued_at)).all()
        assert [receipt.content["stamp"] for receipt in issued] == keys
        assert "signature" not in issued[0].content
