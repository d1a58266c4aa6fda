"""The lists behind the figures of 係の状況: each has exactly what its figure counts, page by page."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, literal, null, select, tuple_
from sqlalchemy.orm import Session

from shared import clock, dashboard, duties, office_days
from shared.dashboard import FirstLook, Waits
from shared.model import (
    CorrectionItem,
    Duty,
    DutyKind,
    Finding,
    Household,
    Member,
    SecondLook,
    StaffMember,
    Submission,
)
from shared.rules.access import only_for_supervisors
from shared.rules.figures import LAST
from shared.sign_in import Staff

PAGE: Final = 50
Place = tuple[datetime, UUID]
"""Where a page ends: the moment it is ordered by, and the id of its last line."""


class Of(StrEnum):
    """Which figure."""

    AGE = "age"  # what waits since ``days`` open days
    ARRIVED = "arrived"  # what came on ``day``
    LOOKED = "looked"  # what was first looked at after ``days`` open days, or, without them, at all
    ASKED = "asked"  # what was asked for again for ``reason``, perhaps in papers of one ``kind``
    CHECK_IN = "check_in"  # the check-ins of ``month``
    SECOND = "second"  # what was drawn for a second look


class Found(StrEnum):
    """Which second looks."""

    LOOKED = "looked"
    FINE = "fine"


@dataclass(frozen=True)
class Wanted:
    """Which lines. What does not belong to the figure is not looked at."""

    of: Of
    days: int | None = None  # ``figures.LAST`` means: or more
    late: bool = False
    day: date | None = None
    reason: str = ""
    kind: DutyKind | None = None
    month: date | None = None
    answered: bool | None = None
    found: Found | None = None


@dataclass(frozen=True)
class Line:
    """One line: something that was sent, asked for again, drawn, or is due."""

    at: datetime  # it arrived, was asked for, was drawn; of a check-in: it became due to be sent
    id: UUID  # of that; with ``at`` the place where the list goes on
    submission_id: UUID | None  # None: a check-in, which its household's sheet shows
    household_id: UUID
    case_no: str
    member: str
    kind: DutyKind
    month: date
    caseworker: str
    state: str | None  # of what was sent
    days: int | None  # open days it waits, or waited for its first look
    late: bool
    detail: str  # what exactly was asked for
    reason: str  # the code of why
    answered: bool | None  # of a check-in
    due_on: date | None  # of a check-in
    finding: Finding | None  # of a second look

    @property
    def place(self) -> Place:
        return self.at, self.id


@dataclass(frozen=True)
class Page:
    """One page of a list, and how many lines it has in all. ``more``: others stand behind."""

    lines: list[Line]
    total: int
    more: bool


def page(session: Session, who: Staff, wanted: Wanted, now: datetime, *, behind: Place | None = None) -> Page:
    """The lines behind one figure, the oldest first.

    :param behind: only what stands behind this place: the last line of the page before.
    :raises NotThere: for whoever is no supervisor.
    """
    only_for_supervisors(who.role)
    if wanted.of in (Of.AGE, Of.LOOKED):
        return _by_days(session, who, wanted, now, behind)
    found = _set(who, wanted, now).subquery()
    total = session.scalar(select(func.count()).select_from(found)) or 0
    order = found.c.at, found.c.id
    query = _told(found).order_by(*order).limit(PAGE + 1)
    if behind is not None:
        query = query.where(tuple_(*order) > tuple_(*behind))
    lines = [_line(row) for row in session.execute(query)]
    return Page(lines[:PAGE], total, len(lines) > PAGE)


def _by_days(session: Session, who: Staff, wanted: Wanted, now: datetime, behind: Place | None) -> Page:
    """Open days are the calendar's to count and no database's: the figure has read the same few columns."""
    today, calendar = clock.day_of(now), office_days.of(session, who.office_id)
    all_of_it: Sequence[Waits | FirstLook]
    if wanted.of is Of.AGE:
        waits = dashboard.what_waits(session, who.office_id, today, calendar)
        all_of_it = [one for one in waits if one.late or not wanted.late]
    else:
        all_of_it = dashboard.first_looks(session, who.office_id, now, calendar)
    found = {one.id: one for one in all_of_it if wanted.days is None or min(one.days, LAST) == wanted.days}
    places = [(one.at, one.id) for one in found.values()]
    start = 0 if behind is None else bisect_right(places, behind)
    keys = [key for _at, key in places[start : start + PAGE]]
    rows = _told(_submissions(who).where(Submission.id.in_(keys)).subquery())
    lines = {line.id: line for line in (_line(row, found) for row in session.execute(rows))}
    return Page([lines[key] for key in keys], len(places), len(places) > start + PAGE)


def _set(who: Staff, wanted: Wanted, now: datetime) -> Any:
    """What the figure counts, as one statement."""
    match wanted.of:
        case Of.ARRIVED:
            day = wanted.day or clock.day_of(now)
            return _submissions(who).where(dashboard.arrived_on(day))
        case Of.ASKED:
            return _asked(who, wanted, now)
        case Of.CHECK_IN:
            return _check_ins(who, wanted, now)
        case Of.SECOND:
            return _second_looks(who, wanted, now)
    raise AssertionError(wanted.of)  # the others are counted by the calendar


_HERS: Final = (Submission.id.label("submission_id"), Submission.member_id, Submission.kind, Submission.month)


def _submissions(who: Staff) -> Any:
    at = Submission.arrived_at.label("at")
    return _columns(at, Submission.id, *_HERS, Submission.state).where(Submission.office_id == who.office_id)


def _asked(who: Staff, wanted: Wanted, now: datetime) -> Any:
    item = CorrectionItem
    query = _columns(
        item.created_at.label("at"), item.id, *_HERS, Submission.state, detail=item.detail, reason=item.reason
    )
    query = dashboard.asked_lately(query, who.office_id, now)
    if wanted.reason:
        query = query.where(item.reason == wanted.reason)
    return query if wanted.kind is None else query.where(Submission.kind == wanted.kind)


def _check_ins(who: Staff, wanted: Wanted, now: datetime) -> Any:
    today = clock.day_of(now)
    come = ~duties.unanswered(today)
    hers = literal(None, Duty.id.type).label("submission_id"), Duty.member_id, Duty.kind, Duty.month
    at = Duty.created_at.label("at")
    query = _columns(at, Duty.id, *hers, null(), answered=come, due_on=Duty.due_on)
    query = dashboard.check_ins_due(query, who.office_id, today)
    if wanted.month is not None:
        query = query.where(Duty.month == wanted.month)
    return query if wanted.answered is None else query.where(come if wanted.answered else ~come)


def _second_looks(who: Staff, wanted: Wanted, now: datetime) -> Any:
    at = SecondLook.created_at.label("at")
    query = _columns(at, SecondLook.id, *_HERS, Submission.state, finding=SecondLook.finding)
    query = dashboard.drawn_lately(query, who.office_id, now).join(
        Submission, and_(Submission.office_id == SecondLook.office_id, Submission.id == SecondLook.submission_id)
    )
    match wanted.found:
        case Found.LOOKED:
            return query.where(SecondLook.finding.is_not(None))
        case Found.FINE:
            return query.where(SecondLook.finding == Finding.FINE)
    return query


def _columns(
    at: Any,
    key: Any,
    submission_id: Any,
    member_id: Any,
    kind: Any,
    month: Any,
    state: Any,
    *,
    detail: Any = None,
    reason: Any = None,
    answered: Any = None,
    due_on: Any = None,
    finding: Any = None,
) -> Any:
    """One shape for every set, so that one statement names its people."""
    more = {"detail": detail, "reason": reason, "answered": answered, "due_on": due_on, "finding": finding}
    said = [(null() if column is None else column).label(name) for name, column in more.items()]
    office = member_id.class_.office_id.label("office_id")
    return select(at, key.label("id"), submission_id, member_id, kind, month, state.label("state"), office, *said)


def _told(found: Any) -> Any:
    return (
        select(found, Member.name, Member.household_id, Household.case_no, StaffMember.name.label("caseworker"))
        .select_from(found)
        .join(Member, and_(Member.office_id == found.c.office_id, Member.id == found.c.member_id))
        .join(Household, and_(Household.office_id == Member.office_id, Household.id == Member.household_id))
        .join(
            StaffMember, and_(StaffMember.office_id == Household.office_id, StaffMember.id == Household.caseworker_id)
        )
    )


def _line(row: Any, counted: dict[UUID, Any] | None = None) -> Line:
    one = (counted or {}).get(row.id)
    return Line(
        at=row.at,
        id=row.id,
        submission_id=row.submission_id,
        household_id=row.household_id,
        case_no=row.case_no,
        member=row.name,
        kind=row.kind,
        month=row.month,
        caseworker=row.caseworker,
        state=row.state,
        days=one.days if one else None,
        late=bool(one and getattr(one, "late", False)),
        detail=row.detail or "",
        reason=row.reason or "",
        answered=None if row.answered is None else bool(row.answered),
        due_on=row.due_on,
        finding=row.finding,
    )
