"""取消し: voiding a certificate, by one clerk or by two people where the office wants it.

Nothing is deleted: the row stays with who, when and why, and its number is never given again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from shared import clock, journal, receipts
from shared.errors import NotThere, SamePerson
from shared.model import (
    Actor,
    Member,
    Receipt,
    ReceiptState,
    ReceiptVoid,
    StaffMember,
    Submission,
    VoidState,
)
from shared.receipt_rules import wants_two
from shared.rules import my_number
from shared.sign_in import Staff

LONGEST: Final = 300  # characters of a reason


@dataclass(frozen=True)
class VoidRow:
    """One wish that waits for the second person."""

    id: UUID
    receipt_id: UUID
    document_no: str
    number: str
    member: str
    reason: str
    by: str
    by_me: bool
    at: datetime


def propose(session: Session, who: Staff, receipt_id: UUID, reason: str, *, attempt: UUID) -> ReceiptVoid:
    """Void a certificate; where the office wants two people, ask the second one. A second tap finds the first.

    A wish of a colleague that waits already is the answer, too: what counts is that somebody looks.

    :raises NotThere: for an unknown one, or another office's.
    :raises ValueError: without a reason, with one that is too long or has a My Number; or if it is voided already.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST or my_number.is_in(reason):
        raise ValueError("nothing is voided without a reason that can be kept")
    receipts.office_receipt(session, who, receipt_id)
    receipt = session.get_one(Receipt, (who.office_id, receipt_id), with_for_update=True, populate_existing=True)
    found = session.scalar(
        select(ReceiptVoid).where(
            ReceiptVoid.office_id == who.office_id,
            ReceiptVoid.receipt_id == receipt_id,
            (ReceiptVoid.attempt == attempt) | (ReceiptVoid.state == VoidState.PROPOSED),
        )
    )
    if found:
        return found
    if receipt.state is ReceiptState.VOIDED:
        raise ValueError("it is voided already")
    row = ReceiptVoid(
        office_id=who.office_id,
        receipt_id=receipt_id,
        attempt=attempt,
        state=VoidState.PROPOSED,
        reason=reason,
        proposed_by=who.staff_id,
        answer="",
    )
    session.add(row)
    session.flush()
    if wants_two(session, who.office_id, clock.today()):
        by = Actor.staff(who.staff_id)
        journal.record(session, who.office_id, by, "receipt.void_proposed", receipt_id, wish=row.id)
    else:
        row.move(VoidState.DONE)
        session.flush()
        receipts.void(session, who, receipt_id, reason)
    return row


def approve(session: Session, who: Staff, void_id: UUID) -> ReceiptVoid:
    """The second person agrees: now it is voided. Twice is once.

    :raises SamePerson: for whoever has proposed it.
    :raises NotThere: for another office's.
    """
    row = _second(session, who, void_id)
    if row.state is VoidState.PROPOSED:
        row.move(VoidState.DONE)
        row.decided_by, row.decided_at = who.staff_id, clock.now()
        session.flush()
        receipts.void(session, who, row.receipt_id, row.reason)
    return row


def refuse(session: Session, who: Staff, void_id: UUID, answer: str) -> ReceiptVoid:
    """The second person does not agree, and says why. Twice is once.

    :raises SamePerson: for whoever has proposed it.
    :raises NotThere: for another office's.
    :raises ValueError: without an answer that can be kept.
    """
    answer = answer.strip()
    if not answer or len(answer) > LONGEST or my_number.is_in(answer):
        raise ValueError("a refusal says why")
    row = _second(session, who, void_id)
    if row.state is VoidState.PROPOSED:
        row.move(VoidState.REFUSED)
        row.decided_by, row.decided_at, row.answer = who.staff_id, clock.now(), answer
        session.flush()
        by = Actor.staff(who.staff_id)
        journal.record(session, who.office_id, by, "receipt.void_refused", row.receipt_id, wish=row.id)
    return row


def waiting(session: Session, who: Staff) -> list[VoidRow]:
    """What waits for a second person, the oldest first."""
    return _rows(session, who, ReceiptVoid.state == VoidState.PROPOSED)


def of_receipt(session: Session, who: Staff, receipt_id: UUID) -> VoidRow | None:
    """The wish that waits about one certificate."""
    mine = and_(ReceiptVoid.state == VoidState.PROPOSED, ReceiptVoid.receipt_id == receipt_id)
    return next(iter(_rows(session, who, mine)), None)


def _rows(session: Session, who: Staff, which: ColumnElement[bool]) -> list[VoidRow]:
    found = session.execute(
        select(ReceiptVoid, Receipt.document_no, Submission.number, Member.name, StaffMember.name)
        .join(Receipt, and_(Receipt.office_id == ReceiptVoid.office_id, Receipt.id == ReceiptVoid.receipt_id))
        .join(Submission, and_(Submission.office_id == Receipt.office_id, Submission.id == Receipt.submission_id))
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(
            StaffMember, and_(StaffMember.office_id == ReceiptVoid.office_id, StaffMember.id == ReceiptVoid.proposed_by)
        )
        .where(ReceiptVoid.office_id == who.office_id, which)
        .order_by(ReceiptVoid.created_at)
    )
    return [
        VoidRow(
            id=row.id,
            receipt_id=row.receipt_id,
            document_no=document_no,
            number=number or "",
            member=member,
            reason=row.reason,
            by=by,
            by_me=row.proposed_by == who.staff_id,
            at=row.created_at,
        )
        for row, document_no, number, member, by in found
    ]


def _second(session: Session, who: Staff, void_id: UUID) -> ReceiptVoid:
    row = session.get(ReceiptVoid, (who.office_id, void_id), with_for_update=True, populate_existing=True)
    if row is None:
        raise NotThere
    if row.proposed_by == who.staff_id:
        raise SamePerson
    return row
