"""届け方: what became of a certificate after it was issued, and how each person gets hers.

Each kind is kept once with its first and last moment. Every act of staff is an entry of the journal, and of the
person's the first of each kind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import NotThere
from shared.model import (
    Actor,
    Delivered,
    Delivery,
    DeliveryWay,
    Member,
    Message,
    Receipt,
    ReceiptState,
    Submission,
    Way,
)
from shared.sign_in import Recipient, Staff

BY_STAFF: Final = (Delivered.PRINTED, Delivered.POSTED, Delivered.HANDED)
ARRIVED: Final = {  # by the way it goes: what says that it has come to her
    Way.SCREEN: (Delivered.SEEN, Delivered.DOWNLOADED, Delivered.POSTED, Delivered.HANDED),
    Way.POST: (Delivered.POSTED, Delivered.DOWNLOADED, Delivered.HANDED),
    Way.COUNTER: (Delivered.HANDED, Delivered.DOWNLOADED, Delivered.POSTED),
}
AGAIN: Final = "受領証をもう一度お知らせします。「受領証」の画面から、見たり、保存したりできます。"


@dataclass(frozen=True)
class Mark:
    """One kind of what has happened with a certificate."""

    kind: Delivered
    first_at: datetime
    last_at: datetime
    times: int


def seen(session: Session, who: Recipient, receipt_id: UUID) -> None:
    """The person has her certificate before her eyes. Only the first time writes anything.

    :raises NotThere: for a certificate that is not hers.
    """
    _hers(session, who, receipt_id)
    if session.get(Delivery, (who.office_id, receipt_id, Delivered.SEEN)) is None:
        _mark(session, who.office_id, [receipt_id], Delivered.SEEN, Actor.recipient(who.account_id))


def downloaded(session: Session, who: Recipient, receipt_id: UUID) -> None:
    """The person has taken the file.

    :raises NotThere: for a certificate that is not hers.
    """
    _hers(session, who, receipt_id)
    _mark(session, who.office_id, [receipt_id], Delivered.DOWNLOADED, Actor.recipient(who.account_id))


def done(session: Session, who: Staff, receipt_ids: Collection[UUID], kind: Delivered) -> int:
    """A clerk has printed, posted or handed them over. Returns how many of them stand in her office.

    :raises ValueError: for what only the person can do.
    """
    if kind not in BY_STAFF:
        raise ValueError(f"{kind} is not said by staff")
    ids = [receipt.id for receipt, _submission in _standing(session, who, receipt_ids)]
    _mark(session, who.office_id, ids, kind, Actor.staff(who.staff_id))
    return len(ids)


def resend(session: Session, who: Staff, receipt_ids: Collection[UUID], *, attempt: UUID) -> int:
    """Tell each person again that her certificate is there, by a message. A second tap tells nobody twice."""
    found = _standing(session, who, receipt_ids)
    told = []
    for receipt, submission in found:
        once = uuid5(attempt, str(receipt.id))
        if session.scalar(select(Message.id).where(Message.office_id == who.office_id, Message.attempt == once)):
            continue
        session.add(
            Message(
                office_id=who.office_id,
                household_id=submission.household_id,
                member_id=submission.member_id,
                staff_id=who.staff_id,
                submission_id=submission.id,
                text=AGAIN,
                attempt=once,
                sent_at=clock.now(),
            )
        )
        told.append(receipt.id)
    session.flush()
    _mark(session, who.office_id, told, Delivered.RESENT, Actor.staff(who.staff_id))
    return len(found)


def marks(session: Session, office_id: UUID, receipt_ids: Collection[UUID]) -> dict[UUID, list[Mark]]:
    """What has happened with each of them, the first first."""
    found: dict[UUID, list[Mark]] = {}
    rows = session.scalars(
        select(Delivery)
        .where(Delivery.office_id == office_id, Delivery.receipt_id.in_(receipt_ids))
        .order_by(Delivery.first_at)
    )
    for row in rows:
        found.setdefault(row.receipt_id, []).append(Mark(row.kind, row.first_at, row.last_at, row.times))
    return found


def set_way(session: Session, who: Staff, member_id: UUID, way: Way) -> None:
    """From now on she gets her certificates like this; those that are on their way, too.

    :raises NotThere: for nobody of this office.
    """
    member = session.get(Member, (who.office_id, member_id), with_for_update={"key_share": True})
    if member is None:
        raise NotThere
    row = session.get(DeliveryWay, (who.office_id, member_id))
    if (row.way if row else Way.SCREEN) is way:
        return
    if row is None:
        row = DeliveryWay(office_id=who.office_id, member_id=member_id)
        session.add(row)
    row.way, row.set_by, row.set_at = way, who.staff_id, clock.now()
    session.flush()
    journal.record(session, who.office_id, Actor.staff(who.staff_id), "delivery.way_set", member_id, way=way.value)


def way_of() -> ColumnElement[Way]:
    """The way of a row with ``DeliveryWay`` joined from outside."""
    return func.coalesce(DeliveryWay.way, Way.SCREEN.value)


def its_way() -> ColumnElement[bool]:
    """How ``DeliveryWay`` is joined to a submission."""
    return and_(DeliveryWay.office_id == Submission.office_id, DeliveryWay.member_id == Submission.member_id)


def has_arrived() -> ColumnElement[bool]:
    """Whether a certificate (with ``DeliveryWay`` joined) has come to its person."""
    arrived: ColumnElement[bool] = _has(*ARRIVED[Way.SCREEN]) & (way_of() == Way.SCREEN.value)
    for way in (Way.POST, Way.COUNTER):
        arrived = arrived | (_has(*ARRIVED[way]) & (way_of() == way.value))
    return arrived


def _has(*kinds: Delivered) -> ColumnElement[bool]:
    return (
        exists()
        .where(Delivery.office_id == Receipt.office_id, Delivery.receipt_id == Receipt.id, Delivery.kind.in_(kinds))
        .correlate(Receipt)
    )


def _hers(session: Session, who: Recipient, receipt_id: UUID) -> None:
    hers = (
        select(Receipt.id)
        .join(Submission, and_(Submission.office_id == Receipt.office_id, Submission.id == Receipt.submission_id))
        .where(Receipt.office_id == who.office_id, Receipt.id == receipt_id, Submission.member_id == who.member_id)
    )
    if session.scalar(hers.with_for_update(of=Receipt, key_share=True)) is None:
        raise NotThere


def _standing(session: Session, who: Staff, receipt_ids: Collection[UUID]) -> list[tuple[Receipt, Submission]]:
    found = session.execute(
        select(Receipt, Submission)
        .join(Submission, and_(Submission.office_id == Receipt.office_id, Submission.id == Receipt.submission_id))
        .where(Receipt.office_id == who.office_id, Receipt.id.in_(receipt_ids), Receipt.state == ReceiptState.ISSUED)
        .order_by(Receipt.id)
        .with_for_update(of=Receipt, key_share=True)  # two hands at once stand in a row here
    )
    return [(receipt, submission) for receipt, submission in found]


def _mark(session: Session, office_id: UUID, receipt_ids: Sequence[UUID], kind: Delivered, by: Actor) -> None:
    now = clock.now()
    if by.id is None:
        raise ValueError("somebody delivers a certificate")
    known = {
        row.receipt_id: row
        for row in session.scalars(
            select(Delivery).where(
                Delivery.office_id == office_id, Delivery.receipt_id.in_(receipt_ids), Delivery.kind == kind
            )
        )
    }
    for receipt_id in receipt_ids:
        if row := known.get(receipt_id):
            row.last_at, row.times = now, row.times + 1
            continue
        session.add(
            Delivery(
                office_id=office_id,
                receipt_id=receipt_id,
                kind=kind,
                first_at=now,
                by_kind=by.kind,
                by_id=by.id,
                last_at=now,
                times=1,
            )
        )
    session.flush()
    for receipt_id in receipt_ids if kind in (*BY_STAFF, Delivered.RESENT) else set(receipt_ids) - known.keys():
        journal.record(session, office_id, by, f"receipt.{kind.value}", receipt_id)
