"""The caseworkers' and clerks' lists: what waits, for whom, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared import clock
from shared.model import (
    AbsentPaper,
    Claim,
    DutyKind,
    Household,
    Member,
    Role,
    StaffMember,
    State,
    Step,
    Submission,
    SubmissionVersion,
    VersionFile,
    WhyAbsent,
)
from shared.sign_in import Staff

OPEN = (State.WAITING, State.IN_REVIEW, State.ON_HOLD)
_LAST_SENT = and_(
    SubmissionVersion.office_id == Submission.office_id,
    SubmissionVersion.submission_id == Submission.id,
    SubmissionVersion.no == Submission.version_no,
)


class Scope(StrEnum):
    """Whose households."""

    MINE = "mine"
    ALL = "all"


@dataclass(frozen=True)
class QueueRow:
    """One line of the caseworker's queue."""

    id: UUID
    number: str
    member: str
    urgent: bool  # an answer that somebody must see first
    case_no: str
    members: int  # of the household
    kind: DutyKind
    month: date
    state: State
    version_no: int
    arrived_at: datetime
    look_by: date
    files: int
    absent: WhyAbsent | None  # why a paper is not with it
    caseworker: str
    holder: str | None  # who has it under a lease that still runs
    holder_is_me: bool


@dataclass(frozen=True)
class ReceiptRow:
    """One line of the clerk's list of submissions ready for a certificate."""

    id: UUID
    number: str
    member: str
    kind: DutyKind
    month: date
    version_no: int
    files: int
    accepted_by: str
    accepted_at: datetime


def waiting(session: Session, who: Staff, scope: Scope = Scope.MINE) -> list[QueueRow]:
    """Everything that needs a look, corrections that came back first, then the longest waiting."""
    holder = select(StaffMember.name, StaffMember.id, StaffMember.office_id).subquery()
    sizes = (
        select(Member.office_id, Member.household_id, func.count().label("members"))
        .where(Member.office_id == who.office_id)
        .group_by(Member.office_id, Member.household_id)
        .subquery()
    )
    files = (
        select(VersionFile.office_id, VersionFile.version_id, func.count().label("files"))
        .where(VersionFile.office_id == who.office_id)
        .group_by(VersionFile.office_id, VersionFile.version_id)
        .subquery()
    )
    found = session.execute(
        select(
            Submission,
            Member.name,
            Household.case_no,
            StaffMember.name,
            sizes.c.members,
            files.c.files,
            AbsentPaper.why,
            Claim,
            holder.c.name,
        )
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .join(
            StaffMember,
            and_(StaffMember.office_id == Household.office_id, StaffMember.id == Household.caseworker_id),
        )
        .join(sizes, sizes.c.household_id == Household.id)
        .join(SubmissionVersion, _LAST_SENT)
        .outerjoin(files, files.c.version_id == SubmissionVersion.id)
        .outerjoin(
            AbsentPaper,
            and_(AbsentPaper.office_id == SubmissionVersion.office_id, AbsentPaper.version_id == SubmissionVersion.id),
        )
        .outerjoin(
            Claim,
            and_(
                Claim.office_id == Submission.office_id,
                Claim.submission_id == Submission.id,
                Claim.until > clock.now(),
            ),
        )
        .outerjoin(holder, and_(holder.c.office_id == Claim.office_id, holder.c.id == Claim.staff_id))
        .where(Submission.office_id == who.office_id, Submission.state.in_(OPEN), visible(who, scope))
        .order_by(*_by_need())
    ).all()
    return [
        QueueRow(
            id=submission.id,
            number=submission.number or "",
            member=member,
            urgent=submission.urgent,
            case_no=case_no,
            members=members,
            kind=submission.kind,
            month=submission.month,
            state=submission.state,
            version_no=submission.version_no,
            arrived_at=submission.arrived_at,
            look_by=submission.look_by,
            files=count or 0,
            absent=why,
            caseworker=caseworker,
            holder=holder_name,
            holder_is_me=bool(claim and claim.staff_id == who.staff_id),
        )
        for submission, member, case_no, caseworker, members, count, why, claim, holder_name in found
    ]


def next_for(session: Session, who: Staff) -> UUID | None:
    """The best submission of one's own households that nobody else has, locked for this transaction.

    Rows another session is just taking are passed over, so two people never wait for one another here.
    """
    return session.scalar(
        select(Submission.id)
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .outerjoin(Claim, and_(Claim.office_id == Submission.office_id, Claim.submission_id == Submission.id))
        .where(
            Submission.office_id == who.office_id,
            or_(
                Submission.state == State.WAITING,
                and_(
                    Submission.state == State.IN_REVIEW, or_(Claim.until <= clock.now(), Claim.staff_id == who.staff_id)
                ),
            ),
            visible(who, Scope.MINE),
        )
        .order_by(*_by_need())
        .limit(1)
        .with_for_update(of=Submission, skip_locked=True)
    )


def visible(who: Staff, scope: Scope) -> ColumnElement[bool]:
    """The same rule as ``rules.access.may_open``, as a condition."""
    match who.role:
        case Role.SUPERVISOR:
            return Household.office_id == who.office_id
        case Role.CASEWORKER:
            own = Household.caseworker_id == who.staff_id
            return own if scope is Scope.MINE else or_(own, Household.protected.is_(False))
        case Role.CLERK | Role.ADMINISTRATOR:
            return Household.id.is_(None)


def _by_need() -> tuple[ColumnElement[int], InstrumentedAttribute[datetime | None]]:
    return case((Submission.urgent, 0), (Submission.version_no > 1, 1), else_=2), Submission.arrived_at


def ready_for_receipt(session: Session, who: Staff) -> list[ReceiptRow]:
    """Accepted submissions a clerk owes a certificate, oldest arrival first."""
    accepted = and_(
        Step.office_id == Submission.office_id, Step.submission_id == Submission.id, Step.became == State.ACCEPTED
    )
    found = session.execute(
        select(Submission, Member.name, StaffMember.name, Step.at, func.count(VersionFile.file_id))
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(Step, accepted)
        .join(StaffMember, and_(StaffMember.office_id == Step.office_id, StaffMember.id == Step.actor_id))
        .join(SubmissionVersion, _LAST_SENT)
        .outerjoin(
            VersionFile,
            and_(VersionFile.office_id == SubmissionVersion.office_id, VersionFile.version_id == SubmissionVersion.id),
        )
        .where(Submission.office_id == who.office_id, Submission.state == State.ACCEPTED)
        .group_by(Submission.office_id, Submission.id, Member.name, StaffMember.name, Step.at)
        .order_by(Submission.arrived_at)
    ).all()
    return [
        ReceiptRow(
            id=submission.id,
            number=submission.number or "",
            member=member,
            kind=submission.kind,
            month=submission.month,
            version_no=submission.version_no,
            files=files,
            accepted_by=staff,
            accepted_at=at,
        )
        for submission, member, staff, at, files in found
    ]
