"""代わり: somebody looks after a colleague's households, too, from a day until a day; and what people are told of it.

What a cover opens ends with it: every question for a household asks who stands in today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from shared import clock, journal
from shared.errors import AlreadyCovered, NotThere
from shared.model import Actor, Cover, Household, HouseholdNews, News, Reassignment, Role, StaffMember
from shared.rules import access, cover
from shared.sign_in import Staff


@dataclass(frozen=True)
class NewCover:
    """What somebody wants. ``protected``: the protected households, too."""

    absent_id: UUID
    cover_id: UUID
    from_day: date
    until_day: date
    attempt: UUID
    protected: bool = False


@dataclass(frozen=True)
class CoverRow:
    """A cover of today or of days to come."""

    id: UUID
    absent: str
    cover: str
    from_day: date
    until_day: date
    protected: bool
    runs: bool  # today
    set_by: str
    may_end: bool


@dataclass(frozen=True)
class ToldRow:
    """One thing somebody is told. ``other``: who is absent, or who stands in; empty for households that moved."""

    id: UUID
    what: News
    at: datetime
    by: str
    other: str = ""
    from_day: date | None = None
    until_day: date | None = None
    protected: bool = False
    count: int = 0


def covers(who: Staff) -> ColumnElement[bool]:
    """Whether ``who`` stands in today for the caseworker of the ``Household`` that the query is about."""
    return exists().where(*_today(who), Cover.absent_id == Household.caseworker_id, _reaches()).correlate(Household)


def _today(who: Staff) -> tuple[ColumnElement[bool], ...]:
    today = clock.today()
    return (
        Cover.office_id == who.office_id,
        Cover.cover_id == who.staff_id,
        Cover.from_day <= today,
        Cover.until_day >= today,
        Cover.ended_at.is_(None),
    )


def _reaches() -> ColumnElement[bool]:
    return or_(Household.protected.is_(False), Cover.protected)


def may_open(session: Session, who: Staff, home: Household) -> bool:
    """``rules.access.may_open``, with the covers of today."""

    def opens(*, covers_protected: bool) -> bool:
        whose, shy = home.caseworker_id, home.protected
        return access.may_open(
            who.role, who.staff_id, caseworker_id=whose, protected=shy, covers_protected=covers_protected
        )

    if opens(covers_protected=False):
        return True
    stands_in = exists().where(*_today(who), Cover.absent_id == home.caseworker_id, Cover.protected)
    return opens(covers_protected=bool(session.scalar(select(stands_in))))


def begin(session: Session, who: Staff, wanted: NewCover) -> Cover:
    """Let somebody stand in, and tell those of the two who have not set it themselves. A second tap finds the first.

    :raises NotThere: for somebody who is no caseworker at work here, or if ``who`` may not set this.
    :raises AlreadyCovered: if the same colleague stands in on one of these days already.
    :raises ValueError: for one and the same person, for days that cannot be, or for protected households that are not
        hers to give.
    """
    if not cover.may_set(who.role, who.staff_id, absent_id=wanted.absent_id, cover_id=wanted.cover_id):
        raise NotThere
    absent = _caseworker(session, who, wanted.absent_id)  # locked: two who set at once stand in a row here
    _caseworker(session, who, wanted.cover_id, lock=False)
    twin = session.scalars(
        select(Cover).where(Cover.office_id == who.office_id, Cover.attempt == wanted.attempt)
    ).one_or_none()
    if twin:
        return twin
    if absent.id == wanted.cover_id or not cover.days_hold(wanted.from_day, wanted.until_day, clock.today()):
        raise ValueError("nobody stands in for herself, or on days that are over")
    if wanted.protected and not cover.may_open_protected(who.role):
        raise ValueError("protected households are opened to a cover by a supervisor only")
    if _stands_in(session, wanted, absent):
        raise AlreadyCovered
    row = Cover(
        office_id=who.office_id,
        absent_id=wanted.absent_id,
        cover_id=wanted.cover_id,
        from_day=wanted.from_day,
        until_day=wanted.until_day,
        protected=wanted.protected,
        attempt=wanted.attempt,
        set_by=who.staff_id,
    )
    session.add(row)
    session.flush()
    _tell(session, who, row, News.COVERED, News.COVERS)
    facts = {"absent": row.absent_id, "cover": row.cover_id, "protected": row.protected}
    days = {"from_day": row.from_day.isoformat(), "until_day": row.until_day.isoformat()}
    journal.record(session, who.office_id, Actor.staff(who.staff_id), "cover.begun", row.id, **facts, **days)
    return row


def _caseworker(session: Session, who: Staff, staff_id: UUID, *, lock: bool = True) -> StaffMember:
    how = {"key_share": True} if lock else None  # rows that point to her may be written meanwhile
    row = session.get(StaffMember, (who.office_id, staff_id), with_for_update=how)
    if row is None or row.role is not Role.CASEWORKER or not row.active:
        raise NotThere
    return row


def _stands_in(session: Session, wanted: NewCover, absent: StaffMember) -> bool:
    same = select(Cover.id).where(
        Cover.office_id == absent.office_id,
        Cover.absent_id == absent.id,
        Cover.cover_id == wanted.cover_id,
        Cover.from_day <= wanted.until_day,
        Cover.until_day >= wanted.from_day,
        Cover.ended_at.is_(None),
    )
    return session.scalar(same.limit(1)) is not None


def end(session: Session, who: Staff, cover_id: UUID) -> Cover:
    """End a cover before its last day, or take back one to come, and tell the others. Twice is once.

    :raises NotThere: for another office's, an unknown one, or one that is none of her business.
    """
    row = session.get(Cover, (who.office_id, cover_id), with_for_update=True)
    if row is None or not cover.may_set(who.role, who.staff_id, absent_id=row.absent_id, cover_id=row.cover_id):
        raise NotThere
    if row.ended_at is None and row.until_day >= clock.today():
        row.ended_at, row.ended_by = clock.now(), who.staff_id
        _tell(session, who, row, News.COVER_ENDED, News.COVER_ENDED)
        journal.record(session, who.office_id, Actor.staff(who.staff_id), "cover.ended", row.id)
    return row


def _tell(session: Session, who: Staff, row: Cover, absent: News, stands_in: News) -> None:
    for staff_id, what in ((row.absent_id, absent), (row.cover_id, stands_in)):
        if staff_id != who.staff_id:
            session.add(
                HouseholdNews(
                    office_id=row.office_id, staff_id=staff_id, what=what, by_id=who.staff_id, cover_id=row.id
                )
            )
    session.flush()


def standing(session: Session, who: Staff) -> list[CoverRow]:
    """Every cover of the office that runs or is to come, the next to end first."""
    absent, stands_in, setter = aliased(StaffMember), aliased(StaffMember), aliased(StaffMember)
    today = clock.today()
    found = session.execute(
        select(Cover, absent.name, stands_in.name, setter.name)
        .join(absent, and_(absent.office_id == Cover.office_id, absent.id == Cover.absent_id))
        .join(stands_in, and_(stands_in.office_id == Cover.office_id, stands_in.id == Cover.cover_id))
        .join(setter, and_(setter.office_id == Cover.office_id, setter.id == Cover.set_by))
        .where(Cover.office_id == who.office_id, Cover.until_day >= today, Cover.ended_at.is_(None))
        .order_by(Cover.from_day > today, Cover.until_day, Cover.id)
    )
    return [
        CoverRow(
            id=row.id,
            absent=absent_name,
            cover=cover_name,
            from_day=row.from_day,
            until_day=row.until_day,
            protected=row.protected,
            runs=row.from_day <= today,
            set_by=set_by,
            may_end=cover.may_set(who.role, who.staff_id, absent_id=row.absent_id, cover_id=row.cover_id),
        )
        for row, absent_name, cover_name, set_by in found
    ]


def news(session: Session, who: Staff) -> list[ToldRow]:
    """What somebody was told and has not put away, the newest first."""
    by, absent, stands_in = aliased(StaffMember), aliased(StaffMember), aliased(StaffMember)
    found = session.execute(
        select(HouseholdNews, by.name, Cover, absent.name, stands_in.name)
        .join(by, and_(by.office_id == HouseholdNews.office_id, by.id == HouseholdNews.by_id))
        .outerjoin(Cover, and_(Cover.office_id == HouseholdNews.office_id, Cover.id == HouseholdNews.cover_id))
        .outerjoin(absent, and_(absent.office_id == Cover.office_id, absent.id == Cover.absent_id))
        .outerjoin(stands_in, and_(stands_in.office_id == Cover.office_id, stands_in.id == Cover.cover_id))
        .where(
            HouseholdNews.office_id == who.office_id,
            HouseholdNews.staff_id == who.staff_id,
            HouseholdNews.seen_at.is_(None),
        )
        .order_by(HouseholdNews.created_at.desc(), HouseholdNews.id.desc())
    )
    return [_told(who, *row) for row in found]


def _told(who: Staff, row: HouseholdNews, by: str, about: Cover | None, absent: str, stands_in: str) -> ToldRow:
    if about is None:
        return ToldRow(row.id, row.what, row.created_at, by, count=row.count or 0)
    other = stands_in if about.absent_id == who.staff_id else absent
    return ToldRow(row.id, row.what, row.created_at, by, other, about.from_day, about.until_day, about.protected)


def tell_moved(session: Session, who: Staff, row: Reassignment, staff_id: UUID, what: News, count: int) -> None:
    """Tell a caseworker how many households have gone or come."""
    told = HouseholdNews(office_id=row.office_id, staff_id=staff_id, what=what, by_id=who.staff_id, count=count)
    told.reassignment_id = row.id
    session.add(told)


def put_away(session: Session, who: Staff, told_id: UUID) -> None:
    """She has read it. Twice is once.

    :raises NotThere: for somebody else's.
    """
    row = session.get(HouseholdNews, (who.office_id, told_id), with_for_update=True)
    if row is None or row.staff_id != who.staff_id:
        raise NotThere
    if row.seen_at is None:
        row.seen_at = clock.now()
        session.flush()
