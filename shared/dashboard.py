"""係の状況: the supervisor's figures, counted by the database in sets; ``dashboard_list`` shows the same sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from shared import clock, duties, office_days
from shared.model import (
    Correction,
    CorrectionItem,
    Duty,
    DutyKind,
    Finding,
    Household,
    Member,
    SecondLook,
    StaffMember,
    State,
    Step,
    Submission,
)
from shared.queue import OPEN
from shared.rules import figures, need
from shared.rules.access import only_for_supervisors
from shared.rules.months import add_months
from shared.rules.need import Days
from shared.rules.office_days import OfficeDays
from shared.sign_in import Staff

DAYS: Final = 14  # of arrivals
LOOKED: Final = timedelta(days=28)  # back: first looks
ASKED: Final = timedelta(days=90)  # back: reasons for corrections, second looks
CHECK_INS: Final = 6  # months


@dataclass(frozen=True)
class Load:
    """What waits for one caseworker. ``late``: under 期限超過."""

    caseworker_id: UUID
    caseworker: str
    waiting: int
    late: int


@dataclass(frozen=True)
class Asked:
    """How often one reason was given for one form. ``reason``: a code of ``shared.reasons``."""

    kind: DutyKind
    reason: str
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
class SecondLooks:
    """How many acceptances were drawn for a second look, were looked at, and were fine."""

    drawn: int
    looked: int
    fine: int


@dataclass(frozen=True)
class Waits:
    """One thing that waits. ``days``: open days since it came."""

    id: UUID
    at: datetime
    days: int
    late: bool


@dataclass(frozen=True)
class FirstLook:
    """One thing that somebody has looked at. ``days``: open days from its arrival until then."""

    id: UUID
    at: datetime
    days: int


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
    second_looks: SecondLooks

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
    only_for_supervisors(who.role)
    today = clock.day_of(now)
    days = office_days.of(session, who.office_id)
    looks = [look.days for look in first_looks(session, who.office_id, now, days)]
    waits = what_waits(session, who.office_id, today, days)
    return Figures(
        ages=figures.by_age((one.days, one.late) for one in waits),
        loads=_loads(session, who.office_id, need.days(today, days)),
        arrivals=_arrivals(session, who.office_id, today),
        first_looks=figures.in_steps(looks),
        median_look=figures.median(looks),
        asked=_asked(session, who.office_id, now),
        owed=_owed(session, who.office_id, today),
        check_ins=_check_ins(session, who.office_id, today),
        second_looks=_second_looks(session, who.office_id, now),
    )


# ---- the sets: a figure counts one, and its list shows the same ----


def what_waits(session: Session, office_id: UUID, today: date, days: OfficeDays) -> list[Waits]:
    """Everything that waits, the longest waiting first.

    It is never much: its rows are read by their own index, and the calendar counts their days.
    """
    rows = session.execute(
        select(Submission.id, Submission.arrived_at, is_late(need.days(today, days)))
        .where(Submission.office_id == office_id, Submission.state.in_(OPEN))
        .order_by(Submission.arrived_at, Submission.id)
    )
    since = cache(days.late)
    return [Waits(key, at, since(clock.day_of(at), today), bool(late)) for key, at, late in rows if at]


def first_looks(session: Session, office_id: UUID, now: datetime, days: OfficeDays) -> list[FirstLook]:
    """Of everything that came in the last four weeks and was looked at: the longest here first."""
    rows = session.execute(
        select(Submission.id, Submission.arrived_at, func.min(Step.at))
        .join(Step, and_(Step.office_id == Submission.office_id, Step.submission_id == Submission.id))
        .where(Submission.office_id == office_id, Submission.arrived_at >= now - LOOKED, Step.became == State.IN_REVIEW)
        .group_by(Submission.office_id, Submission.id, Submission.arrived_at)
        .order_by(Submission.arrived_at, Submission.id)
    )
    between = cache(days.late)
    return [FirstLook(key, came, between(clock.day_of(came), clock.day_of(seen))) for key, came, seen in rows if came]


def is_late(now: Days) -> ColumnElement[bool]:
    """Of what waits: a promised day is over, and nobody has put it aside. As the tab 期限超過 has it."""
    return and_(Submission.state != State.ON_HOLD, func.coalesce(Submission.look_by < now.open, False))


def arrived_on(day: date) -> ColumnElement[bool]:
    """Of a submission: it came on this day of the office's."""
    return and_(
        Submission.arrived_at >= clock.start_of(day), Submission.arrived_at < clock.start_of(day + timedelta(days=1))
    )


def asked_lately(query: Any, office_id: UUID, now: datetime) -> Any:
    """``query`` over what was asked for again and stands."""
    return (
        query.select_from(CorrectionItem)
        .join(
            Correction,
            and_(Correction.office_id == CorrectionItem.office_id, Correction.id == CorrectionItem.correction_id),
        )
        .join(Submission, and_(Submission.office_id == Correction.office_id, Submission.id == Correction.submission_id))
        .where(
            Correction.office_id == office_id, Correction.asked_at >= now - ASKED, Correction.taken_back_at.is_(None)
        )
    )


def check_ins_due(query: Any, office_id: UUID, today: date) -> Any:
    """``query`` over the check-ins whose day is over. Who has left since counts only where she had answered."""
    since = add_months(today.replace(day=1), -CHECK_INS)
    return (
        query.select_from(Duty)
        .join(Member, and_(Member.office_id == Duty.office_id, Member.id == Duty.member_id))
        .where(
            Duty.office_id == office_id,
            Duty.kind == DutyKind.STATUS_CHECK_IN,
            Duty.month >= since,
            Duty.due_on >= since,  # by the index of due days
            Duty.due_on < today,
            duties.stays(today) | ~duties.unanswered(today),
        )
    )


def drawn_lately(query: Any, office_id: UUID, now: datetime) -> Any:
    """``query`` over the second looks that were drawn and stand."""
    return query.select_from(SecondLook).where(
        SecondLook.office_id == office_id, SecondLook.created_at >= now - ASKED, SecondLook.dropped_at.is_(None)
    )


# ---- counting ----


def _loads(session: Session, office_id: UUID, now: Days) -> list[Load]:
    """Of every caseworker with something that waits, the most first."""
    rows = session.execute(
        select(StaffMember.id, StaffMember.name, func.count(Submission.id), _how_many(is_late(now)))
        .select_from(Submission)
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .join(
            StaffMember, and_(StaffMember.office_id == Household.office_id, StaffMember.id == Household.caseworker_id)
        )
        .where(Submission.office_id == office_id, Submission.state.in_(OPEN))
        .group_by(StaffMember.office_id, StaffMember.id, StaffMember.name)
        .order_by(func.count(Submission.id).desc(), StaffMember.name)
    )
    return [Load(key, name, waiting, int(late)) for key, name, waiting, late in rows]


def _arrivals(session: Session, office_id: UUID, today: date) -> list[tuple[date, int]]:
    """One count a day in one pass; a day is the office's, and no database is asked for its time zone."""
    wanted = days_shown(today)
    counts = [_how_many(arrived_on(day)) for day in wanted]
    row = session.execute(
        select(*counts).where(Submission.office_id == office_id, Submission.arrived_at >= clock.start_of(wanted[0]))
    ).one()
    return [(day, int(count or 0)) for day, count in zip(wanted, row, strict=True)]


def _asked(session: Session, office_id: UUID, now: datetime) -> list[Asked]:
    count = func.count(CorrectionItem.id)
    rows = session.execute(
        asked_lately(select(Submission.kind, CorrectionItem.reason, count), office_id, now)
        .group_by(Submission.kind, CorrectionItem.reason)
        .order_by(count.desc(), Submission.kind, CorrectionItem.reason)
    )
    return [Asked(*row) for row in rows]


def _owed(session: Session, office_id: UUID, today: date) -> list[Owed]:
    """As 提出待ち counts it."""
    overdue = _how_many(Duty.due_on < today)
    rows = session.execute(
        select(Duty.kind, func.count(Duty.id), overdue)
        .join(Member, and_(Member.office_id == Duty.office_id, Member.id == Duty.member_id))
        .where(Duty.office_id == office_id, duties.unanswered(today), duties.stays(today))
        .group_by(Duty.kind)
        .order_by(overdue.desc(), func.count(Duty.id).desc(), Duty.kind)
    )
    return [Owed(kind, count, int(late)) for kind, count, late in rows]


def _check_ins(session: Session, office_id: UUID, today: date) -> list[CheckIns]:
    answered = _how_many(~duties.unanswered(today))
    rows = session.execute(
        check_ins_due(select(Duty.month, func.count(Duty.id), answered), office_id, today)
        .group_by(Duty.month)
        .order_by(Duty.month)
    )
    return [CheckIns(month, asked, int(come)) for month, asked, come in rows]


def _second_looks(session: Session, office_id: UUID, now: datetime) -> SecondLooks:
    counts = func.count(SecondLook.id), func.count(SecondLook.finding), _how_many(SecondLook.finding == Finding.FINE)
    drawn, looked, fine = session.execute(drawn_lately(select(*counts), office_id, now)).one()
    return SecondLooks(drawn, looked, int(fine or 0))


def by_reason(asked: Iterable[Asked]) -> Mapping[str, int]:
    """The same over all forms, the most often given first."""
    sums: dict[str, int] = {}
    for one in asked:
        sums[one.reason] = sums.get(one.reason, 0) + one.count
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def days_shown(today: date) -> list[date]:
    """The days of the chart of arrivals, the oldest first."""
    return [today - timedelta(days=back) for back in reversed(range(DAYS))]


def _how_many(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((which, 1), else_=0))
