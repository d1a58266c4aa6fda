"""公印・署名: the pictures an office draws on its certificates, each from a day on.

A certificate keeps the key of the picture it was issued with, so that another picture changes no paper of before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import NotThere
from shared.model import MACHINE, Actor, Job, OfficeStamp, StaffMember, StampKind, StampState
from shared.outbox import promise
from shared.session import in_turn
from shared.sign_in import Staff


@dataclass(frozen=True)
class SentPicture:
    """Bytes of a picture that lie in the storage, as they came."""

    key: str
    kind: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StampRow:
    """One picture as the administrator's page lists it."""

    id: UUID
    kind: StampKind
    state: StampState
    from_day: date
    set_by: str
    sent_at: datetime
    refused_because: str | None
    counts: bool  # today


def send(
    session: Session, who: Staff, kind: StampKind, from_day: date, picture: SentPicture, *, attempt: UUID
) -> OfficeStamp:
    """Take a picture that counts from a day on, once it was drawn anew. A second tap finds the first.

    :raises ValueError: for a day in the past: what was issued then is not changed.
    """
    if from_day < clock.today():
        raise ValueError("a picture counts from today on, or later")
    in_turn(session, StaffMember, who.office_id, who.staff_id)
    twin = session.scalar(
        select(OfficeStamp).where(OfficeStamp.office_id == who.office_id, OfficeStamp.attempt == attempt)
    )
    if twin:
        return twin
    row = OfficeStamp(
        office_id=who.office_id,
        kind=kind,
        state=StampState.SENT,
        from_day=from_day,
        set_by=who.staff_id,
        attempt=attempt,
        sent_kind=picture.kind,
        sent_size=picture.size,
        sent_sha256=picture.sha256,
        sent_key=picture.key,
    )
    session.add(row)
    session.flush()
    promise(session, who.office_id, Job.DRAW_STAMP, row.id)
    facts = {"kind": kind.value, "from_day": from_day.isoformat(), "sha256": picture.sha256}
    journal.record(session, who.office_id, Actor.staff(who.staff_id), "stamp.sent", row.id, **facts)
    return row


def drawn(session: Session, office_id: UUID, stamp_id: UUID, key: str, size: int, sha256: str) -> str | None:
    """The worker has drawn it anew. Returns the key of what came, which nobody needs; None if another was quicker."""
    row = session.get_one(OfficeStamp, (office_id, stamp_id), with_for_update=True, populate_existing=True)
    if row.state is not StampState.SENT:
        return None
    sent, row.sent_key = row.sent_key, None
    row.key, row.size, row.sha256 = key, size, sha256
    row.move(StampState.DRAWN)
    session.flush()
    journal.record(session, office_id, MACHINE, "stamp.drawn", row.id, sha256=sha256)
    return sent


def refused(session: Session, office_id: UUID, stamp_id: UUID, because: str) -> str | None:
    """It cannot be drawn. Returns the key of what came; None if another run was quicker."""
    row = session.get_one(OfficeStamp, (office_id, stamp_id), with_for_update=True, populate_existing=True)
    if row.state is not StampState.SENT:
        return None
    sent, row.sent_key = row.sent_key, None
    row.move(StampState.REFUSED, because)
    session.flush()
    journal.record(session, office_id, MACHINE, "stamp.refused", row.id, because=because)
    return sent


def counting(session: Session, office_id: UUID, day: date) -> dict[StampKind, OfficeStamp]:
    """The pictures that count on a day: of each kind the newest that has begun."""
    rows = session.scalars(
        select(OfficeStamp)
        .where(OfficeStamp.office_id == office_id, OfficeStamp.state == StampState.DRAWN, OfficeStamp.from_day <= day)
        .order_by(OfficeStamp.from_day, OfficeStamp.id)
    )
    return {row.kind: row for row in rows}


def keys(session: Session, office_id: UUID) -> dict[str, str]:
    """What a certificate issued today keeps of them: the storage keys by the name of the kind."""
    return {
        kind.value: row.key for kind, row in counting(session, office_id, clock.today()).items() if row.key is not None
    }


def one(session: Session, office_id: UUID, stamp_id: UUID) -> OfficeStamp:
    """A picture that was drawn.

    :raises NotThere: for another office's, and before it is drawn.
    """
    row = session.get(OfficeStamp, (office_id, stamp_id))
    if row is None or row.key is None:
        raise NotThere
    return row


def rows(session: Session, who: Staff) -> list[StampRow]:
    """Every picture of the office, the newest first."""
    count = {row.id for row in counting(session, who.office_id, clock.today()).values()}
    found = session.execute(
        select(OfficeStamp, StaffMember.name)
        .join(StaffMember, and_(StaffMember.office_id == OfficeStamp.office_id, StaffMember.id == OfficeStamp.set_by))
        .where(OfficeStamp.office_id == who.office_id)
        .order_by(OfficeStamp.from_day.desc(), OfficeStamp.id.desc())
    )
    return [
        StampRow(row.id, row.kind, row.state, row.from_day, name, row.created_at, row.refused_because, row.id in count)
        for row, name in found
    ]
