"""職員だけのメモ: what colleagues write for one another about a submission. The person never sees it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import handing, journal, told
from shared.errors import NotANote
from shared.model import Actor, Note, StaffMember, Submission
from shared.review import open_for
from shared.rules import my_number
from shared.rules.mentions import mentioned
from shared.sign_in import Staff

LONGEST: Final = 2_000  # characters


@dataclass(frozen=True)
class NoteRow:
    """One note."""

    id: UUID
    who: str
    at: datetime
    text: str


def write(
    session: Session, who: Staff, submission_id: UUID, text: str, *, to: Collection[UUID] = (), attempt: UUID
) -> Note:
    """Keep a note, and tell whom it names. A second tap finds the first one's note.

    :param to: colleagues it is for, beside those whom its text names with an @.
    :raises NotThere: for a submission she may not open.
    :raises NotANote: for nothing, too much, a My Number, or somebody who may not be told; ``code`` says which.
    """
    about = open_for(session, who, submission_id, lock=True)  # two taps at once stand in a row here
    earlier = session.scalar(select(Note).where(Note.office_id == who.office_id, Note.attempt == attempt))
    if earlier:
        return earlier
    text = _checked(text)
    named = _named(session, who, about, text, to)
    note = Note(
        office_id=who.office_id,
        submission_id=about.id,
        household_id=about.household_id,
        staff_id=who.staff_id,
        text=text,
        attempt=attempt,
    )
    session.add(note)
    session.flush()
    for one in named:
        told.mention(session, who, one, note)
    journal.record(
        session, who.office_id, Actor.staff(who.staff_id), "note.written", note.id, submission=about.id, told=len(named)
    )
    return note


def of(session: Session, submission: Submission) -> list[NoteRow]:
    """The notes about a submission, the oldest first."""
    rows = session.execute(
        select(Note, StaffMember.name)
        .join(StaffMember, (StaffMember.office_id == Note.office_id) & (StaffMember.id == Note.staff_id))
        .where(Note.office_id == submission.office_id, Note.submission_id == submission.id)
        .order_by(Note.id)
    )
    return [NoteRow(row.id, name, row.created_at, row.text) for row, name in rows]


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise NotANote("missing")
    if len(text) > LONGEST:
        raise NotANote("too_long")
    if my_number.is_in(text):
        raise NotANote("my_number")
    return text


def _named(session: Session, who: Staff, about: Submission, text: str, to: Collection[UUID]) -> list[UUID]:
    """Whom a note is for: only colleagues who may open the household."""
    rows = session.execute(
        select(StaffMember.id, StaffMember.name).where(StaffMember.office_id == who.office_id, StaffMember.active)
    )
    names = {row.id: row.name for row in rows}
    found = mentioned(text, names)
    if found.nobody:
        raise NotANote("nobody", found.nobody)
    if found.several:
        raise NotANote("several", found.several)
    may = {key for key, _name in handing.colleagues(session, who, about)}
    wanted = [key for key in dict.fromkeys([*to, *found.ids]) if key != who.staff_id]
    for one in wanted:
        if one not in may:
            raise NotANote("may_not_open", names.get(one, ""))
    return wanted
