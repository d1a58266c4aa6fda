"""定型文: what an office says often to a person, ready to be filled in."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import journal
from shared.errors import NotKept, NotThere
from shared.model import Actor, FixedText, Household, Member, StaffMember, WelfareOffice, new_id
from shared.retention import take_turn
from shared.review import open_for
from shared.rules import fixed_texts as rules
from shared.rules import forms, my_number
from shared.rules.access import only_for_supervisors
from shared.rules.wareki import short_date
from shared.sign_in import Staff

MOST: Final = 50  # texts of one office
LONGEST_TITLE: Final = 40  # characters
LONGEST: Final = 1_000


@dataclass(frozen=True)
class TextRow:
    """One text, as it is kept."""

    id: UUID
    title: str
    text: str
    active: bool


@dataclass(frozen=True)
class NewText:
    """What a supervisor wants to be kept."""

    title: str
    text: str
    active: bool = True


def begin(session: Session, office_id: UUID) -> None:
    """Give a new office the usual texts of ``tables/fixed_texts.csv``. An office that has any keeps what it has."""
    if session.scalar(select(FixedText.id).where(FixedText.office_id == office_id).limit(1)):
        return
    with (Path(__file__).parent / "tables" / "fixed_texts.csv").open(encoding="utf-8", newline="") as table:
        for at, row in enumerate(csv.DictReader(table), start=1):
            session.add(FixedText(office_id=office_id, position=at, active=True, attempt=new_id(), **row))
    session.flush()


def of(session: Session, who: Staff, *, offered: bool = True) -> list[TextRow]:
    """The office's texts in its order: those that are offered, or all."""
    query = select(FixedText).where(FixedText.office_id == who.office_id).order_by(FixedText.position, FixedText.id)
    if offered:
        query = query.where(FixedText.active)
    return [TextRow(row.id, row.title, row.text, row.active) for row in session.scalars(query)]


def filled(session: Session, who: Staff, text_id: UUID, submission_id: UUID) -> str:
    """A text with what is known of a submission; the rest stays to be filled in by hand.

    :raises NotThere: for a text that is not offered, or a submission she may not open.
    """
    about = open_for(session, who, submission_id)
    row = session.get(FixedText, (who.office_id, text_id))
    if row is None or not row.active:
        raise NotThere
    office = session.get_one(WelfareOffice, who.office_id)
    home = session.get_one(Household, (who.office_id, about.household_id))
    facts = {
        "氏名": session.get_one(Member, (who.office_id, about.member_id)).name,
        "月": f"{about.month.month}月" if forms.is_monthly(about.kind) else None,
        "期限": short_date(about.answer_by) if about.answer_by else None,
        "担当": session.get_one(StaffMember, (who.office_id, home.caseworker_id)).name,
        "電話": office.phone,
    }
    return rules.fill(row.text, facts)


def add(session: Session, who: Staff, wanted: NewText, *, attempt: UUID) -> UUID:
    """Keep a new text behind the others. A second tap finds the first one's.

    :raises NotThere: for whoever is no supervisor.
    :raises NotKept: for one too many.
    :raises ValueError: for what cannot be kept.
    """
    _turn(session, who)
    earlier = session.scalar(
        select(FixedText.id).where(FixedText.office_id == who.office_id, FixedText.attempt == attempt)
    )
    if earlier:
        return earlier
    _check(wanted)
    count, last = session.execute(
        select(func.count(), func.coalesce(func.max(FixedText.position), 0)).where(FixedText.office_id == who.office_id)
    ).one()
    if count >= MOST:
        raise NotKept("too_many")
    row = FixedText(office_id=who.office_id, position=last + 1, attempt=attempt)
    row.title, row.text, row.active = wanted.title, wanted.text, wanted.active
    session.add(row)
    session.flush()
    _note(session, who, "fixed_text.added", row.id)
    return row.id


def change(session: Session, who: Staff, text_id: UUID, wanted: NewText) -> None:
    """Word a text anew, or switch it off or on. What was sent with it stays as it was sent.

    :raises NotThere: for whoever is no supervisor, or a text the office does not have.
    :raises ValueError: for what cannot be kept.
    """
    _turn(session, who)
    row = _row(session, who, text_id)
    _check(wanted)
    if (row.title, row.text, row.active) == (wanted.title, wanted.text, wanted.active):
        return
    row.title, row.text, row.active = wanted.title, wanted.text, wanted.active
    session.flush()
    _note(session, who, "fixed_text.changed", row.id, active=row.active)


def put_before(session: Session, who: Staff, text_id: UUID, other_id: UUID) -> None:
    """Let a text stand directly before another one. Twice is once.

    :raises NotThere: for whoever is no supervisor, or a text the office does not have.
    """
    _turn(session, who)
    row, other = _row(session, who, text_id), _row(session, who, other_id)
    if row is other:
        return
    rows = list(
        session.scalars(
            select(FixedText).where(FixedText.office_id == who.office_id).order_by(FixedText.position, FixedText.id)
        )
    )
    rows.remove(row)
    rows.insert(rows.index(other), row)
    for at, one in enumerate(rows, start=1):
        one.position = at
    session.flush()
    _note(session, who, "fixed_text.moved", row.id)


def _turn(session: Session, who: Staff) -> None:
    only_for_supervisors(who.role)
    take_turn(session, who.office_id)


def _row(session: Session, who: Staff, text_id: UUID) -> FixedText:
    row = session.get(FixedText, (who.office_id, text_id), populate_existing=True)
    if row is None:
        raise NotThere
    return row


def _check(wanted: NewText) -> None:
    both = (wanted.title, LONGEST_TITLE), (wanted.text, LONGEST)
    if any(said != said.strip() or not 1 <= len(said) <= most or my_number.is_in(said) for said, most in both):
        raise ValueError("a text has a title and words, neither too long, and no number that nobody may keep")


def _note(session: Session, who: Staff, event: str, text_id: UUID, **facts: bool) -> None:
    journal.record(session, who.office_id, Actor.staff(who.staff_id), event, text_id, **facts)
