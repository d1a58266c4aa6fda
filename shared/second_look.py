"""二度目の確認: a supervisor looks again at some of what was accepted. For the person who sent it nothing changes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from shared import clock, journal
from shared.errors import NotThere, RuleStands
from shared.model import (
    MACHINE,
    Actor,
    DutyKind,
    Finding,
    Household,
    Member,
    Role,
    SecondLook,
    SecondLookRule,
    StaffMember,
    Submission,
)
from shared.retention import take_turn
from shared.rules import my_number
from shared.rules.access import only_for_supervisors
from shared.rules.second_look import is_drawn
from shared.sign_in import Staff

PAGE: Final = 50
LONGEST: Final = 500  # characters of a note
SECRET_BYTES: Final = 32
Place = tuple[datetime, UUID]
"""Where a page ends: when its last line was drawn, and its id."""


@dataclass(frozen=True)
class RuleRow:
    """From a day on, so many of a hundred. ``set_by`` is empty for the terminal."""

    percent: int
    from_day: date
    set_by: str
    counts: bool  # today


@dataclass(frozen=True)
class LookRow:
    """One acceptance that was drawn."""

    id: UUID
    submission_id: UUID
    version_no: int
    number: str
    member: str
    case_no: str
    kind: DutyKind
    month: date
    decided_by: str
    drawn_at: datetime
    finding: Finding | None
    note: str
    looked_by: str | None
    looked_at: datetime | None

    @property
    def place(self) -> Place:
        """Where the list goes on behind this line."""
        return self.drawn_at, self.id


# ---- how many ----


def rule_for(session: Session, office_id: UUID, day: date) -> SecondLookRule | None:
    """The rule that counts on ``day``: the newest that has begun. Without one nothing is drawn."""
    return session.scalar(
        select(SecondLookRule)
        .where(SecondLookRule.office_id == office_id, SecondLookRule.from_day <= day)
        .order_by(SecondLookRule.from_day.desc())
        .limit(1)
    )


def rules(session: Session, who: Staff) -> list[RuleRow]:
    """Every rule of the office, the newest first."""
    counts = rule_for(session, who.office_id, clock.today())
    found = session.execute(
        select(SecondLookRule, StaffMember.name)
        .outerjoin(
            StaffMember,
            and_(StaffMember.office_id == SecondLookRule.office_id, StaffMember.id == SecondLookRule.set_by),
        )
        .where(SecondLookRule.office_id == who.office_id)
        .order_by(SecondLookRule.from_day.desc())
    )
    return [RuleRow(rule.percent, rule.from_day, name or "", rule is counts) for rule, name in found]


def set_rule(
    session: Session, office_id: UUID, percent: int, from_day: date, *, set_by: UUID | None = None
) -> SecondLookRule:
    """Look again at ``percent`` of a hundred acceptances from a day on. What was drawn before stays drawn.

    The same again is the same rule; one that has not begun may be put right.

    :raises RuleStands: if another one has begun on that day.
    :raises ValueError: for a day in the past, or no share of a hundred.
    """
    if from_day < clock.today() or not 0 <= percent <= 100:
        raise ValueError("a rule begins today or later, and is a share of a hundred")
    take_turn(session, office_id)
    rule = session.scalar(
        select(SecondLookRule).where(SecondLookRule.office_id == office_id, SecondLookRule.from_day == from_day)
    )
    if rule and rule.percent == percent:
        return rule
    if rule and from_day <= clock.today():
        raise RuleStands
    if rule is None:
        rule = SecondLookRule(office_id=office_id, from_day=from_day, secret=secrets.token_hex(SECRET_BYTES))
        session.add(rule)
    rule.percent, rule.set_by = percent, set_by
    session.flush()
    by = Actor.staff(set_by) if set_by else MACHINE
    facts = {"percent": percent, "from_day": from_day.isoformat()}
    journal.record(session, office_id, by, "second_look.rule_set", rule.id, **facts)
    return rule


# ---- drawing, in the transaction of the decision ----


def draw(session: Session, who: Staff, submission: Submission) -> SecondLook | None:
    """Perhaps ask for a second look at what ``who`` has just accepted; never at a supervisor's own decision."""
    rule = rule_for(session, who.office_id, clock.today())
    if rule is None or who.role is Role.SUPERVISOR:
        return None
    if not is_drawn(rule.secret, submission.id, submission.version_no, percent=rule.percent):
        return None
    row = SecondLook(
        office_id=who.office_id,
        submission_id=submission.id,
        version_no=submission.version_no,
        decided_by=who.staff_id,
        note="",
    )
    session.add(row)
    session.flush()
    return row


def drop(session: Session, submission: Submission) -> None:
    """Its acceptance was taken back: nobody looks at it again, and nobody is told of it."""
    for row in session.scalars(
        select(SecondLook).where(
            SecondLook.office_id == submission.office_id,
            SecondLook.submission_id == submission.id,
            SecondLook.dropped_at.is_(None),
            SecondLook.version_no == submission.version_no,
        )
    ):
        row.dropped_at = clock.now()
    session.flush()


# ---- looking ----


def waiting(session: Session, who: Staff, *, behind: Place | None = None, most: int = PAGE) -> list[LookRow]:
    """What is still to be looked at, the longest drawn first.

    :param behind: only what stands behind this place: the last line of the page before.
    :raises NotThere: for whoever is no supervisor.
    """
    query = _looks(who).where(*_to_look_at(who)).order_by(SecondLook.created_at, SecondLook.id).limit(most)
    if behind is not None:
        query = query.where(tuple_(SecondLook.created_at, SecondLook.id) > tuple_(*behind))
    return [_row(found) for found in session.execute(query)]


def count(session: Session, who: Staff) -> int:
    """How many are still to be looked at."""
    return session.scalar(select(func.count()).select_from(SecondLook).where(*_to_look_at(who))) or 0


def open_for(session: Session, who: Staff, look_id: UUID) -> LookRow:
    """One of them, looked at or not.

    :raises NotThere: for whoever is no supervisor, her own decision, or what was taken back.
    """
    found = session.execute(_looks(who).where(SecondLook.id == look_id, *_standing(who))).one_or_none()
    if found is None:
        raise NotThere
    return _row(found)


def look(session: Session, who: Staff, look_id: UUID, finding: Finding, note: str, *, attempt: UUID) -> SecondLook:
    """Say what a second look found. The first look counts: ``attempt`` of the row says whose it was.

    :raises NotThere: as ``open_for``.
    :raises ValueError: for nothing to talk about, a note that is too long, or one with a My Number.
    """
    only_for_supervisors(who.role)
    row = session.scalar(
        select(SecondLook).where(SecondLook.id == look_id, *_standing(who)).with_for_update(of=SecondLook)
    )
    if row is None:
        raise NotThere
    if row.looked_at is not None:
        return row
    note = note.strip()
    if (finding is Finding.TALK and not note) or len(note) > LONGEST or my_number.is_in(note):
        raise ValueError("nothing to talk about, or a note that cannot be kept")
    row.finding, row.note, row.attempt = finding, note, attempt
    row.looked_by, row.looked_at = who.staff_id, clock.now()
    session.flush()
    facts = {"submission": row.submission_id, "version": row.version_no, "finding": finding.value}
    journal.record(session, who.office_id, Actor.staff(who.staff_id), "second_look.done", row.id, **facts)
    return row


# ---- what comes of it ----


def to_talk_about(session: Session, who: Staff) -> list[LookRow]:
    """What a supervisor wants to talk about with ``who``, who had decided it and has not put it away; oldest first."""
    query = _rows(who).where(
        SecondLook.decided_by == who.staff_id,
        SecondLook.finding == Finding.TALK,
        SecondLook.read_at.is_(None),
        SecondLook.dropped_at.is_(None),
    )
    return [_row(found) for found in session.execute(query.order_by(SecondLook.looked_at, SecondLook.id))]


def put_away(session: Session, who: Staff, look_id: UUID) -> None:
    """She has read it. Twice is once.

    :raises NotThere: for what is not about a decision of hers.
    """
    row = session.scalar(
        select(SecondLook)
        .where(
            SecondLook.office_id == who.office_id,
            SecondLook.id == look_id,
            SecondLook.decided_by == who.staff_id,
            SecondLook.finding == Finding.TALK,
        )
        .with_for_update()
    )
    if row is None:
        raise NotThere
    if row.read_at is None:
        row.read_at = clock.now()
        session.flush()
        journal.record(session, who.office_id, Actor.staff(who.staff_id), "second_look.read", row.id)


def _standing(who: Staff) -> tuple[ColumnElement[bool], ...]:
    return (
        SecondLook.office_id == who.office_id,
        SecondLook.dropped_at.is_(None),
        SecondLook.decided_by != who.staff_id,
    )


def _to_look_at(who: Staff) -> tuple[ColumnElement[bool], ...]:
    return (*_standing(who), SecondLook.looked_at.is_(None))


def _looks(who: Staff) -> Any:
    only_for_supervisors(who.role)
    return _rows(who)


def _rows(who: Staff) -> Any:
    looker = aliased(StaffMember)
    return (
        select(SecondLook, Submission, Member.name, Household.case_no, StaffMember.name, looker.name)
        .join(Submission, and_(Submission.office_id == SecondLook.office_id, Submission.id == SecondLook.submission_id))
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .join(StaffMember, and_(StaffMember.office_id == SecondLook.office_id, StaffMember.id == SecondLook.decided_by))
        .outerjoin(looker, and_(looker.office_id == SecondLook.office_id, looker.id == SecondLook.looked_by))
        .where(SecondLook.office_id == who.office_id)
    )


def _row(found: Any) -> LookRow:
    look, submission, member, case_no, decided_by, looked_by = found
    return LookRow(
        id=look.id,
        submission_id=submission.id,
        version_no=look.version_no,
        number=submission.number or "",
        member=member,
        case_no=case_no,
        kind=submission.kind,
        month=submission.month,
        decided_by=decided_by,
        drawn_at=look.created_at,
        finding=look.finding,
        note=look.note,
        looked_by=looked_by,
        looked_at=look.looked_at,
    )
