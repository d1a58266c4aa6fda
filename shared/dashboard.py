"""係の状況: the supervisor's figures, counted by the database in sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from shared import clock, duties, office_days
from shared.errors import NotThere
from shared.model import (
    Correction,
    CorrectionItem,
    Duty,
    DutyKind,
    Household,
    Member,
    Reason,
    Role,
    StaffMember,
    State,
    Step,
    Submission,
)
from shared.queue import OPEN
from shared.rules import figures
from shared.rules.months import add_months
from shared.rules.office_days import OfficeDays
from shared.sign_in import Staff

DAYS: Final = 14  # of arrivals
LOOKED: Final = timedelta(days=28)  # back: first looks
ASKED: Final = timedelta(days=90)  # back: reasons for corrections
CHECK_INS: Final = 6  # months


@dataclass(frozen=True)
class Load:
    """What waits for one caseworker. ``late``: longer than the office promised."""

    caseworker: str
    waiting: int
    late: int


@dataclass(frozen=True)
class Asked:
    """How often one reason was given for one form."""

    kind: DutyKind
    reason: Reason
    count: int


@dataclass(frozen=True)
class Owed:
    """What has not come of one kind."""

    kind: DutyKind
    owed: int
    overdue: int


@dataclass(frozen=True)
class CheckIns:
    """How many of one month's check-ins have been answered."""

    month: date
    asked: int
    answered: int


@dataclass(frozen=True)
class Figures:
    """Everything on the page."""

    ages: list[figures.Age]  # what waits, by open days since it came
    loads: list[Load]
    arrivals: list[tuple[date, int]]  # the oldest day first
    first_looks: list[int]  # how many were first looked at after 0, 1, 2 … open days; the last: or more
    median_look: int | None  # open days
    asked: list[Asked]  # the most often given first
    owed: list[Owed]
    check_ins: list[CheckIns]  # the oldest month first

    @property
    def waiting(self) -> int:
        return sum(load.waiting for load in self.loads)

    @property
    def late(self) -> int:
        return sum(load.late for load in self.loads)

    @property
    def overdue(self) -> int:
        return sum(row.overdue for row in self.owed)


def of(session: Session, who: Staff, now: datetime) -> Figures:
    """The office as it stands now.

    :raises NotThere: for whoever is no supervisor.
    """
    if who.role is not Role.SUPERVISOR:
        raise NotThere
    today = _day(now)
    days = office_days.of(session, who.office_id)
    looks = _first_looks(session, who.office_id, now - LOOKED, days)
    return Figures(
        ages=_ages(session, who.office_id, today, days),
        loads=_loads(session, who.office_id, today),
        arrivals=_arrivals(session, who.office_id, today),
        first_looks=figures.in_steps(looks),
        median_look=figures.median(looks),
        asked=_asked(session, who.office_id, now - ASKED),
        owed=_owed(session, who.office_id, today),
        check_ins=_check_ins(session, who.office_id, today),
    )


def _ages(session: Session, office_id: UUID, today: date, days: OfficeDays) -> list[figures.Age]:
    """What waits is never much: its rows are read by their own index, and the calendar counts their days."""
    rows = session.execute(
        select(Submission.arrived_at, func.coalesce(Submission.look_by < today, False)).where(
            Submission.office_id == office_id, Submission.state.in_(OPEN)
        )
    )
    since = cache(days.late)
    return figures.by_age((since(_day(at), today), bool(is_late)) for at, is_late in rows if at)


def _loads(session: Session, office_id: UUID, today: date) -> list[Load]:
    """Of every caseworker with something that waits, the most first."""
    late = func.sum(case((Submission.look_by < today, 1), else_=0))
    rows = session.execute(
        select(StaffMember.name, func.count(Submission.id), late)
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .join(
            StaffMember, and_(StaffMember.office_id == Household.office_id, StaffMember.id == Household.caseworker_id)
        )
        .where(Submission.office_id == office_id, Submission.state.in_(OPEN))
        .group_by(StaffMember.office_id, StaffMember.id, StaffMember.name)
        .order_by(func.count(Submission.id).desc(), StaffMember.name)
    )
    return [Load(name, waiting, int(late)) for name, waiting, late in rows]


def _arrivals(session: Session, office_id: UUID, today: date) -> list[tuple[date, int]]:
    """One count a day in one pass; a day is the office's, and no database is asked for its time zone."""
    wanted = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    counts = [func.sum(case((_on(day), 1), else_=0)) for day in wanted]
    row = session.execute(
        select(*counts).where(Submission.office_id == office_id, Submission.arrived_at >= _start(wanted[0]))
    ).one()
    return [(day, int(count or 0)) for day, count in zip(wanted, row, strict=True)]


def _first_looks(session: Session, office_id: UUID, since: datetime, days: OfficeDays) -> list[int]:
    """Open days from the arrival to the first time somebody took it, of everything that came since."""
    rows = session.execute(
        select(Submission.arrived_at, func.min(Step.at))
        .join(Step, and_(Step.office_id == Submission.office_id, Step.submission_id == Submission.id))
        .where(Submission.office_id == office_id, Submission.arrived_at >= since, Step.became == State.IN_REVIEW)
        .group_by(Submission.office_id, Submission.id, Submission.arrived_at)
    )
    between = cache(days.late)
    return [between(_day(came), _day(seen)) for came, seen in rows if came]


def _asked(session: Session, office_id: UUID, since: datetime) -> list[Asked]:
    rows = session.execute(
        select(Submission.kind, CorrectionItem.reason, func.count(CorrectionItem.id))
        .join(
            Correction,
            and_(Correction.office_id == CorrectionItem.office_id, Correction.id == CorrectionItem.correction_id),
        )
        .join(Submission, and_(Submission.office_id == Correction.office_id, Submission.id == Correction.submission_id))
        .where(Correction.office_id == office_id, Correction.asked_at >= since, Correction.taken_back_at.is_(None))
        .group_by(Submission.kind, CorrectionItem.reason)
        .order_by(func.count(CorrectionItem.id).desc(), Submission.kind, CorrectionItem.reason)
    )
    return [Asked(*row) for row in rows]


def _owed(session: Session, office_id: UUID, today: date) -> list[Owed]:
    """As 提出待ち counts it."""
    overdue = func.sum(case((Duty.due_on < today, 1), else_=0))
    rows = session.execute(
        select(Duty.kind, func.count(Duty.id), overdue)
        .join(Member, and_(Member.office_id == Duty.office_id, Member.id == Duty.member_id))
        .where(Duty.office_id == office_id, duties.unanswered(today), duties.stays(today))
        .group_by(Duty.kind)
        .order_by(overdue.desc(), func.count(Duty.id).desc(), Duty.kind)
    )
    return [Owed(kind, count, int(late)) for kind, count, late in rows]


def _check_ins(session: Session, office_id: UUID, today: date) -> list[CheckIns]:
    """Of the months whose day is over. Who has left since was asked, and counts only where she answered."""
    open_ones = case((duties.unanswered(today), 1), else_=0)
    this = today.replace(day=1)
    stays = duties.stays(today)
    rows = session.execute(
        select(Duty.month, func.count(Duty.id), func.sum(open_ones))
        .join(Member, and_(Member.office_id == Duty.office_id, Member.id == Duty.member_id))
        .where(
            Duty.office_id == office_id,
            Duty.kind == DutyKind.STATUS_CHECK_IN,
            Duty.month >= add_months(this, -CHECK_INS),
            Duty.due_on >= add_months(this, -CHECK_INS),  # by the index of due days
            Duty.due_on < today,
            stays | ~duties.unanswered(today),
        )
        .group_by(Duty.month)
        .order_by(Duty.month)
    )
    return [CheckIns(month, asked, asked - int(left)) for month, asked, left in rows]


def by_reason(asked: list[Asked]) -> Mapping[Reason, int]:
    """The same over all forms, the most often given first."""
    sums: dict[Reason, int] = {}
    for one in asked:
        sums[one.reason] = sums.get(one.reason, 0) + one.count
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _on(day: date) -> ColumnElement[bool]:
    return and_(Submission.arrived_at >= _start(day), Submission.arrived_at < _start(day + timedelta(days=1)))


def _day(moment: datetime) -> date:
    return moment.astimezone(clock.TOKYO).date()


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), clock.TOKYO)
