"""あなたあて: what colleagues tell a member of staff, until she has read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import Session

from shared import clock
from shared.errors import NotThere
from shared.model import DutyKind, Household, Member, Note, StaffMember, StaffNotice, Submission, Told
from shared.queue import Scope, visible
from shared.sign_in import Staff

MOST: Final = 100


@dataclass(frozen=True)
class ToldRow:
    """One thing she is told, with what it is about."""

    id: UUID
    what: Told
    who: str
    at: datetime
    text: str
    submission_id: UUID
    member: str
    kind: DutyKind
    month: date
    read: bool


def tell(session: Session, by: Staff, to: UUID, what: Told, about: UUID, *, text: str = "") -> None:
    """Let a colleague know. Nobody is told of what she does herself."""
    if to != by.staff_id:
        session.add(
            StaffNotice(
                office_id=by.office_id, staff_id=to, by_id=by.staff_id, submission_id=about, what=what, text=text
            )
        )
        session.flush()


def mention(session: Session, by: Staff, to: UUID, note: Note) -> None:
    """Let a colleague know that a note names her."""
    session.add(
        StaffNotice(
            office_id=by.office_id,
            staff_id=to,
            by_id=by.staff_id,
            submission_id=note.submission_id,
            what=Told.MENTION,
            note_id=note.id,
            text="",
        )
    )
    session.flush()


def untell(session: Session, to: UUID, what: Told, submission: Submission) -> None:
    """Take back what she has not read yet."""
    session.execute(
        delete(StaffNotice).where(
            StaffNotice.office_id == submission.office_id,
            StaffNotice.staff_id == to,
            StaffNotice.submission_id == submission.id,
            StaffNotice.what == what,
            StaffNotice.read_at.is_(None),
        )
    )


def count(session: Session, who: Staff) -> int:
    """How many she has not read: the number in the menu."""
    return session.scalar(_hers(select(func.count()), who).where(StaffNotice.read_at.is_(None))) or 0


def rows(session: Session, who: Staff, *, unread: bool = False, most: int = MOST) -> list[ToldRow]:
    """What she is told: the unread first, each part the newest first."""
    columns = (StaffNotice, StaffMember.name, Note.text, Submission.kind, Submission.month, Member.name)
    query = (
        _hers(select(*columns), who)
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(StaffMember, and_(StaffMember.office_id == StaffNotice.office_id, StaffMember.id == StaffNotice.by_id))
        .outerjoin(Note, and_(Note.office_id == StaffNotice.office_id, Note.id == StaffNotice.note_id))
        .order_by(StaffNotice.read_at.is_not(None), StaffNotice.id.desc())
        .limit(most)
    )
    if unread:
        query = query.where(StaffNotice.read_at.is_(None))
    return [
        ToldRow(
            id=row.id,
            what=row.what,
            who=name,
            at=row.created_at,
            text=row.text or text or "",
            submission_id=row.submission_id,
            member=member,
            kind=kind,
            month=month,
            read=row.read_at is not None,
        )
        for row, name, text, kind, month, member in session.execute(query)
    ]


def read(session: Session, who: Staff, notice_id: UUID) -> StaffNotice:
    """She opens one of them; the first time counts.

    :raises NotThere: for somebody else's, and for one about a household she may not open any more.
    """
    row: StaffNotice | None = session.scalar(_hers(select(StaffNotice), who).where(StaffNotice.id == notice_id))
    if row is None:
        raise NotThere
    if row.read_at is None:
        row.read_at = clock.now()
        session.flush()
    return row


def seen(session: Session, who: Staff, submission_id: UUID) -> None:
    """She looks at a submission: what she was told about it is read, but for notes, which she may not have come to."""
    session.execute(
        update(StaffNotice)
        .where(
            StaffNotice.office_id == who.office_id,
            StaffNotice.staff_id == who.staff_id,
            StaffNotice.read_at.is_(None),
            StaffNotice.submission_id == submission_id,
            StaffNotice.what != Told.MENTION,
        )
        .values(read_at=clock.now())
    )


def read_all(session: Session, who: Staff) -> None:
    """She has seen them all."""
    session.execute(
        update(StaffNotice)
        .where(
            StaffNotice.office_id == who.office_id,
            StaffNotice.staff_id == who.staff_id,
            StaffNotice.read_at.is_(None),
        )
        .values(read_at=clock.now())
    )


def _hers(query: Any, who: Staff) -> Any:
    """Over what she is told about households she may open."""
    return (
        query.select_from(StaffNotice)
        .join(
            Submission,
            and_(Submission.office_id == StaffNotice.office_id, Submission.id == StaffNotice.submission_id),
        )
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .where(StaffNotice.office_id == who.office_id, StaffNotice.staff_id == who.staff_id, visible(who, Scope.ALL))
    )
