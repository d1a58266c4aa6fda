"""One file to print and one ZIP of many certificates: what belongs into them, and until when they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import NotThere
from shared.model import (
    Actor,
    Job,
    Member,
    Receipt,
    ReceiptBatchItem,
    ReceiptBundle,
    ReceiptState,
    Submission,
    Task,
)
from shared.outbox import promise
from shared.rules.cells import MARK, csv_line
from shared.rules.forms import name_of
from shared.rules.numbers import short_number
from shared.sign_in import Staff

KEPT: Final = timedelta(days=7)  # then they can be gathered anew
HEAD: Final = ("文書番号", "受付番号", "氏名", "書類", "月分", "発行日時", "SHA-256", "状態", "ファイル名")
STATES: Final = {ReceiptState.ISSUED: "発行", ReceiptState.VOIDED: "取消し"}


@dataclass(frozen=True)
class Paper:
    """One certificate of a bundle. ``pdf_key`` is None until it was drawn."""

    receipt_id: UUID
    pdf_key: str | None
    name: str  # of its file
    said: tuple[str, ...]  # its line of the index, as far as the PDF has nothing to do with it
    state: ReceiptState
    sha256: str | None
    issued_at: datetime


@dataclass(frozen=True)
class Made:
    """A file in the storage."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True)
class BundleRow:
    """How one stands, for a page."""

    id: UUID
    batch_id: UUID | None
    day: date | None
    asked_at: datetime
    made_at: datetime | None
    gone: bool
    stuck: bool
    print_size: int
    zip_size: int

    @property
    def ready(self) -> bool:
        return self.made_at is not None and not self.gone

    @property
    def under_way(self) -> bool:
        return self.made_at is None and not self.stuck


def begin(
    session: Session, office_id: UUID, asked_by: UUID, *, batch_id: UUID | None = None, day: date | None = None
) -> ReceiptBundle:
    """Promise the files of a batch, or of all that was issued on a day until now."""
    row = ReceiptBundle(office_id=office_id, batch_id=batch_id, day=day, asked_by=asked_by)
    session.add(row)
    session.flush()
    promise(session, office_id, Job.GATHER_RECEIPTS, row.id)
    return row


def ask(session: Session, who: Staff, *, batch_id: UUID | None = None, day: date | None = None) -> ReceiptBundle:
    """Have the files of a batch or a day gathered. One that is under way is the answer; so is one that lacks nothing.

    :raises NotThere: where nothing was issued.
    """
    newest = _newest(session, who.office_id, batch_id, day)
    if newest and newest.made_at is None and not _gave_up(session, newest):
        return newest
    last = session.scalar(
        select(func.max(Receipt.created_at)).select_from(Receipt).where(*_of(who.office_id, batch_id, day))
    )
    if last is None:
        raise NotThere
    if (
        newest
        and newest.made_at
        and newest.gone_at is None
        and last <= newest.created_at
        and not _voided_since(session, newest)
    ):
        return newest
    row = begin(session, who.office_id, who.staff_id, batch_id=batch_id, day=day)
    by = Actor.staff(who.staff_id)
    journal.record(session, who.office_id, by, "bundle.asked_for", row.id, of=str(batch_id or day))
    return row


def papers(session: Session, office_id: UUID, bundle_id: UUID) -> list[Paper]:
    """What belongs into it, in the order of the numbers."""
    row = session.get_one(ReceiptBundle, (office_id, bundle_id))
    found = session.execute(
        select(Receipt, Submission, Member.name)
        .join(Submission, and_(Submission.office_id == Receipt.office_id, Submission.id == Receipt.submission_id))
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .where(*_of(office_id, row.batch_id, row.day), Receipt.created_at <= row.created_at)
        .order_by(Receipt.issued_at, Receipt.id)
    )
    return [_paper(receipt, submission, member) for receipt, submission, member in found]


def _paper(receipt: Receipt, submission: Submission, member: str) -> Paper:
    number = submission.number or ""
    return Paper(
        receipt_id=receipt.id,
        pdf_key=receipt.pdf_key,
        name=f"{short_number(receipt.document_no)}_{number}.pdf",
        said=(
            receipt.document_no,
            number,
            member,
            str(name_of(submission.kind)),
            f"{submission.month:%Y-%m}",
            receipt.issued_at.astimezone(clock.TOKYO).isoformat(timespec="seconds"),
        ),
        state=receipt.state,
        sha256=receipt.pdf_sha256,
        issued_at=receipt.issued_at,
    )


def index(papers: Iterable[Paper]) -> bytes:
    """The list of a ZIP for a spreadsheet: UTF-8 with the mark by which it knows it, and no cell a formula."""
    lines = (csv_line([*paper.said, paper.sha256 or "", STATES[paper.state], paper.name]) for paper in papers)
    return "".join([MARK, csv_line(HEAD), *lines]).encode()


def is_made(session: Session, office_id: UUID, bundle_id: UUID) -> bool:
    """Whether there is nothing left to gather."""
    return session.get_one(ReceiptBundle, (office_id, bundle_id)).made_at is not None


def made(session: Session, office_id: UUID, bundle_id: UUID, to_print: Made, zipped: Made) -> bool:
    """Keep what was gathered. Returns False if another run was quicker."""
    row = session.get_one(ReceiptBundle, (office_id, bundle_id), with_for_update=True, populate_existing=True)
    if row.made_at is not None:
        return False
    row.print_key, row.print_size, row.print_sha256 = to_print.key, to_print.size, to_print.sha256
    row.zip_key, row.zip_size, row.zip_sha256 = zipped.key, zipped.size, zipped.sha256
    row.made_at = clock.now()
    session.flush()
    return True


def expired(session: Session, most: int) -> list[str]:
    """End what has been kept long enough, and return the keys of its bytes."""
    rows = session.scalars(
        select(ReceiptBundle)
        .where(ReceiptBundle.gone_at.is_(None), ReceiptBundle.made_at < clock.now() - KEPT)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.gone_at = clock.now()
    session.flush()
    return [key for row in rows for key in (row.print_key, row.zip_key) if key]


def take(session: Session, who: Staff, bundle_id: UUID, what: str, *, from_address: str) -> ReceiptBundle:
    """One that lies ready, to be handed out: that goes into the journal.

    :raises NotThere: for another office's, and for one that is not made, or gone.
    """
    row = session.get(ReceiptBundle, (who.office_id, bundle_id))
    if row is None or row.made_at is None or row.gone_at is not None:
        raise NotThere
    by = Actor.staff(who.staff_id)
    journal.record(session, who.office_id, by, "bundle.downloaded", row.id, what=what, from_address=from_address)
    return row


def newest(session: Session, who: Staff, *, batch_id: UUID | None = None, day: date | None = None) -> BundleRow | None:
    """The last one of a batch or a day."""
    row = _newest(session, who.office_id, batch_id, day)
    return _row(session, row) if row else None


def one(session: Session, who: Staff, bundle_id: UUID) -> BundleRow:
    """How one stands.

    :raises NotThere: for another office's.
    """
    row = session.get(ReceiptBundle, (who.office_id, bundle_id))
    if row is None:
        raise NotThere
    return _row(session, row)


def _row(session: Session, row: ReceiptBundle) -> BundleRow:
    return BundleRow(
        id=row.id,
        batch_id=row.batch_id,
        day=row.day,
        asked_at=row.created_at,
        made_at=row.made_at,
        gone=row.gone_at is not None,
        stuck=_gave_up(session, row),
        print_size=row.print_size or 0,
        zip_size=row.zip_size or 0,
    )


def _newest(session: Session, office_id: UUID, batch_id: UUID | None, day: date | None) -> ReceiptBundle | None:
    of = ReceiptBundle.batch_id == batch_id if batch_id else ReceiptBundle.day == day
    return session.scalar(
        select(ReceiptBundle)
        .where(ReceiptBundle.office_id == office_id, of)
        .order_by(ReceiptBundle.created_at.desc(), ReceiptBundle.id.desc())
        .limit(1)
    )


def _gave_up(session: Session, row: ReceiptBundle) -> bool:
    given_up = select(Task.id).where(
        Task.office_id == row.office_id,
        Task.job == Job.GATHER_RECEIPTS,
        Task.subject_id == row.id,
        Task.gave_up_at.is_not(None),
    )
    return session.scalar(given_up) is not None


def _voided_since(session: Session, row: ReceiptBundle) -> bool:
    voided = select(Receipt.id).where(*_of(row.office_id, row.batch_id, row.day), Receipt.voided_at > row.made_at)
    return session.scalar(voided.limit(1)) is not None


def _of(office_id: UUID, batch_id: UUID | None, day: date | None) -> tuple[ColumnElement[bool], ...]:
    """Which certificates belong to a batch, or to a day."""
    if batch_id is not None:
        issued = select(ReceiptBatchItem.receipt_id).where(
            ReceiptBatchItem.office_id == office_id, ReceiptBatchItem.batch_id == batch_id
        )
        return Receipt.office_id == office_id, Receipt.id.in_(issued)
    if day is None:
        raise ValueError("a bundle is of a batch or of a day")
    since, until = clock.start_of(day), clock.start_of(day + timedelta(days=1))
    return Receipt.office_id == office_id, Receipt.issued_at >= since, Receipt.issued_at < until
