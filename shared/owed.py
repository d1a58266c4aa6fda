"""提出待ち: who owes the office what, since when, and whether anything has been begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, case, exists, func, select, tuple_
from sqlalchemy.orm import Session

from shared import cover, duties, office_days
from shared.model import Duty, DutyKind, Household, Member, StaffMember, State, Submission
from shared.queue import Scope, visible
from shared.sign_in import Staff

PAGE: Final = 50

Place = tuple[date, UUID]
"""Where a page ends: the due day and the id of its last line."""


@dataclass(frozen=True)
class Wanted:
    """Which lines."""

    scope: Scope = Scope.MINE
    kind: DutyKind | None = None
    overdue: bool = False
    district: str = ""


@dataclass(frozen=True)
class OwedRow:
    """One line: one paper of one household that has not come."""

    id: UUID
    household_id: UUID
    case_no: str
    member: str  # who sends it
    about: tuple[str, ...]  # whom it is about, where that is not just who sends it
    kind: DutyKind
    month: date
    due_on: date
    late: int  # open days since the due day
    begun: bool
    last_sent_at: datetime | None  # anything she has sent
    caseworker: str
    covers: bool  # she who looks stands in for that caseworker today

    @property
    def place(self) -> Place:
        """Where the list goes on behind this line."""
        return self.due_on, self.id


@dataclass(frozen=True)
class Load:
    """What the households of one caseworker owe."""

    caseworker: str
    owed: int
    overdue: int


def owed(
    session: Session, who: Staff, wanted: Wanted, today: date, *, behind: Place | None = None, most: int | None = PAGE
) -> list[OwedRow]:
    """What has not come, the longest due first. Who has left owes nothing more.

    :param behind: only what stands behind this place: the last line of the page before.
    :param most: None: all of it.
    """
    hers = and_(Submission.office_id == Duty.office_id, Submission.member_id == Duty.member_id)
    of_it = and_(Submission.kind == Duty.kind, duties.is_of_its_month())
    draft = exists().where(hers, of_it, Submission.state == State.DRAFT)
    last_sent = select(func.max(Submission.arrived_at)).where(hers)
    query = (
        _owed(
            select(
                Duty,
                Household.case_no,
                Member.name,
                StaffMember.name,
                cover.covers(who),
                draft,
                last_sent.scalar_subquery(),
            ),
            who,
            wanted,
            today,
        )
        .order_by(Duty.due_on, Duty.id)
        .limit(most)
    )
    if behind is not None:
        query = query.where(tuple_(Duty.due_on, Duty.id) > tuple_(*behind))
    found = session.execute(query).all()
    reasons = duties.reasons_of(session, who.office_id, [row[0].id for row in found])
    days = office_days.of(session, who.office_id)
    late = {day: days.late(day, today) for day in {row[0].due_on for row in found}}
    return [
        OwedRow(
            id=duty.id,
            household_id=duty.household_id,
            case_no=case_no,
            member=member,
            about=duties.others(reasons.get(duty.id, ()), duty.member_id),
            kind=duty.kind,
            month=duty.month,
            due_on=duty.due_on,
            late=late[duty.due_on],
            begun=begun,
            last_sent_at=last_sent_at,
            caseworker=caseworker,
            covers=covers,
        )
        for duty, case_no, member, caseworker, covers, begun, last_sent_at in found
    ]


def count(session: Session, who: Staff, wanted: Wanted, today: date) -> int:
    """How many lines there are, on all pages."""
    found: int = session.scalars(_owed(select(func.count(Duty.id)), who, wanted, today)).one()
    return found


def loads(session: Session, who: Staff, today: date) -> list[Load]:
    """What is owed to each caseworker, the most overdue first."""
    overdue = func.sum(case((Duty.due_on < today, 1), else_=0))
    found = session.execute(
        _owed(select(StaffMember.name, func.count(Duty.id), overdue), who, Wanted(Scope.ALL), today)
        .group_by(StaffMember.office_id, StaffMember.id, StaffMember.name)
        .order_by(overdue.desc(), func.count(Duty.id).desc(), StaffMember.name)
    )
    return [Load(name, count, int(late)) for name, count, late in found]


def _owed(query: Any, who: Staff, wanted: Wanted, today: date) -> Any:
    query = (
        query.select_from(Duty)
        .join(Member, and_(Member.office_id == Duty.office_id, Member.id == Duty.member_id))
        .join(Household, and_(Household.office_id == Duty.office_id, Household.id == Duty.household_id))
        .join(
            StaffMember, and_(StaffMember.office_id == Household.office_id, StaffMember.id == Household.caseworker_id)
        )
        .where(
            Duty.office_id == who.office_id,
            duties.unanswered(today),
            duties.stays(today),
            visible(who, wanted.scope),
        )
    )
    if wanted.kind is not None:
        query = query.where(Duty.kind == wanted.kind)
    if wanted.overdue:
        query = query.where(Duty.due_on < today)
    if wanted.district:
        query = query.where(Household.district == wanted.district)
    return query
