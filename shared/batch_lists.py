"""Batches of certificates for show: how one stands, its lines with their planned numbers, and which wait or run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from shared import clock, receipt_rules, upkeep
from shared.batch import count_states, task_of
from shared.errors import NotThere
from shared.model import (
    BatchItemState,
    BatchState,
    DutyKind,
    Member,
    NotIssued,
    NumberSeries,
    Receipt,
    ReceiptBatch,
    ReceiptBatchItem,
    StaffMember,
    Submission,
    WelfareOffice,
    WorkerSighting,
)
from shared.rules.numbers import document_number
from shared.rules.wareki import fiscal_year
from shared.sign_in import Staff

PAGE: Final = 50


@dataclass(frozen=True)
class ItemRow:
    """One of them."""

    id: UUID
    position: int
    submission_id: UUID
    number: str
    member: str
    kind: DutyKind
    month: date
    version_no: int
    state: BatchItemState
    why: NotIssued | None
    reason: str
    planned: str  # the number it would get now; empty where it gets none
    document_no: str  # the number it has got
    receipt_id: UUID | None


@dataclass(frozen=True)
class BatchRow:
    """How it stands."""

    id: UUID
    state: BatchState
    by: str
    by_me: bool
    at: datetime
    matched: int
    decided_by: str
    decided_at: datetime | None
    reason: str
    done_at: datetime | None
    counts: dict[BatchItemState, int]
    wants_two: bool  # a second person must agree, as things stand today
    planned: tuple[str, str]  # the numbers from and to, if it was issued now; empty where none is left
    stuck: bool  # the worker gave up; somebody may let it go on
    worker_away: bool

    @property
    def left(self) -> int:
        """How many get a certificate, or still will."""
        return self.counts[BatchItemState.WAITING]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Progress:
    """How far it is: ``done`` of ``of``."""

    state: BatchState
    done: int
    of: int


def show(session: Session, who: Staff, batch_id: UUID) -> BatchRow:
    """How one stands. A choice that was not sent on is shown to its clerk alone.

    :raises NotThere: for any other.
    """
    row = _visible(session, who, batch_id)
    names = _names(session, who.office_id, row)
    counts = count_states(session, row)
    task = session.scalar(task_of(row))
    left = counts[BatchItemState.WAITING]
    first = next_serial(session, who.office_id)
    office = session.get_one(WelfareOffice, who.office_id)
    return BatchRow(
        id=row.id,
        state=row.state,
        by=names[row.staff_id],
        by_me=row.staff_id == who.staff_id,
        at=row.created_at,
        matched=row.matched,
        decided_by=names[row.decided_by] if row.decided_by else "",
        decided_at=row.decided_at,
        reason=row.reason,
        done_at=row.done_at,
        counts=counts,
        wants_two=receipt_rules.wants_two(session, who.office_id, clock.today()),
        planned=(_number(office, first), _number(office, first + left - 1)) if left else ("", ""),
        stuck=task is not None and task.gave_up_at is not None,
        worker_away=not session.scalar(select(exists().where(WorkerSighting.seen_at > clock.now() - upkeep.AWAY))),
    )


def items(
    session: Session,
    who: Staff,
    batch_id: UUID,
    *,
    states: Collection[BatchItemState] = tuple(BatchItemState),
    begin: int = 0,
    most: int = PAGE,
) -> list[ItemRow]:
    """The lines from position ``begin`` on, each with the number it has or would get now.

    :raises NotThere: as ``show``.
    """
    row = _visible(session, who, batch_id)
    of_it = and_(ReceiptBatchItem.office_id == who.office_id, ReceiptBatchItem.batch_id == batch_id)
    before = session.scalar(
        select(func.count()).where(
            of_it, ReceiptBatchItem.state == BatchItemState.WAITING, ReceiptBatchItem.position < begin
        )
    )
    found = session.execute(
        select(ReceiptBatchItem, Submission, Member.name, Receipt.document_no)
        .join(
            Submission,
            and_(Submission.office_id == ReceiptBatchItem.office_id, Submission.id == ReceiptBatchItem.submission_id),
        )
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .outerjoin(
            Receipt, and_(Receipt.office_id == ReceiptBatchItem.office_id, Receipt.id == ReceiptBatchItem.receipt_id)
        )
        .where(of_it, ReceiptBatchItem.position >= begin, ReceiptBatchItem.state.in_(states))
        .order_by(ReceiptBatchItem.position)
        .limit(most)
    )
    plans = row.state in (BatchState.CHOSEN, BatchState.PROPOSED)
    serial = next_serial(session, who.office_id) + (before or 0)
    office = session.get_one(WelfareOffice, who.office_id)
    rows = []
    for item, submission, member, document_no in found:
        takes = item.state is BatchItemState.WAITING
        rows.append(
            ItemRow(
                id=item.id,
                position=item.position,
                submission_id=submission.id,
                number=submission.number or "",
                member=member,
                kind=submission.kind,
                month=submission.month,
                version_no=submission.version_no,
                state=item.state,
                why=item.why,
                reason=item.reason,
                planned=_number(office, serial) if takes and plans else "",
                document_no=document_no or "",
                receipt_id=item.receipt_id,
            )
        )
        serial += takes
    return rows


def progress(session: Session, who: Staff, batch_id: UUID) -> Progress:
    """How far it is, for a page that asks every second.

    :raises NotThere: as ``show``.
    """
    row = _visible(session, who, batch_id)
    counts = count_states(session, row)
    of = sum(counts.values()) - counts[BatchItemState.EXCLUDED]
    return Progress(row.state, of - counts[BatchItemState.WAITING], of)


def lists(session: Session, who: Staff, *, since: datetime) -> list[tuple[ReceiptBatch, str, int]]:
    """Batches that wait or run, or ended since a moment, each with its clerk's name and how many; the newest first."""
    count = (
        select(func.count())
        .where(
            ReceiptBatchItem.office_id == ReceiptBatch.office_id,
            ReceiptBatchItem.batch_id == ReceiptBatch.id,
            ReceiptBatchItem.state.in_((BatchItemState.WAITING, BatchItemState.ISSUED)),
        )
        .correlate(ReceiptBatch)
        .scalar_subquery()
    )
    found = session.execute(
        select(ReceiptBatch, StaffMember.name, count)
        .join(
            StaffMember, and_(StaffMember.office_id == ReceiptBatch.office_id, StaffMember.id == ReceiptBatch.staff_id)
        )
        .where(
            ReceiptBatch.office_id == who.office_id,
            ReceiptBatch.state.in_((BatchState.PROPOSED, BatchState.RUNNING))
            | ((ReceiptBatch.state == BatchState.CHOSEN) & (ReceiptBatch.staff_id == who.staff_id))
            | (
                ReceiptBatch.state.in_((BatchState.ISSUED, BatchState.REFUSED))
                & (func.coalesce(ReceiptBatch.done_at, ReceiptBatch.decided_at) >= since)
            ),
        )
        .order_by(ReceiptBatch.created_at.desc())
    )
    return [(row, name, many) for row, name, many in found]


def next_serial(session: Session, office_id: UUID) -> int:
    """The serial that the next certificate would get if it was issued now."""
    year = fiscal_year(clock.today())
    series = (NumberSeries.office_id == office_id, NumberSeries.series == "receipt", NumberSeries.year == year)
    return session.scalar(select(NumberSeries.next_serial).where(*series)) or 1


def next_number(session: Session, office_id: UUID) -> str:
    """That serial as a 文書番号."""
    return _number(session.get_one(WelfareOffice, office_id), next_serial(session, office_id))


def _number(office: WelfareOffice, serial: int) -> str:
    return document_number(office.document_prefix, clock.today(), serial)


def _names(session: Session, office_id: UUID, row: ReceiptBatch) -> dict[UUID, str]:
    people = [one for one in (row.staff_id, row.decided_by) if one]
    found = session.execute(
        select(StaffMember.id, StaffMember.name).where(StaffMember.office_id == office_id, StaffMember.id.in_(people))
    )
    return dict(found.all())


def _visible(session: Session, who: Staff, batch_id: UUID) -> ReceiptBatch:
    row = session.get(ReceiptBatch, (who.office_id, batch_id))
    if row is None or (row.state is BatchState.CHOSEN and row.staff_id != who.staff_id):
        raise NotThere
    return row
