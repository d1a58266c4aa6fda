"""受付簿: every arrival of an office's day, in the order of its number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, false, func, select, tuple_
from sqlalchemy.orm import Session

from shared import clock, office_days
from shared.model import (
    LAST_SENT,
    DayClosing,
    DutyKind,
    Household,
    LogEntry,
    Member,
    Receipt,
    StaffMember,
    State,
    Step,
    StoredFile,
    Submission,
    SubmissionVersion,
    VersionFile,
    WelfareOffice,
)
from shared.rules import ledger as rules
from shared.rules.access import may_name
from shared.rules.ledger import Book, Closed, Stretch
from shared.sign_in import Staff

PAGE: Final = 50
ARRIVED: Final = "submission.arrived"
_EXPLAINED: Final = 20  # missing numbers that are looked for; a page says how many more there are

Place = tuple[int, str]
"""Where a page ends: the length of its last number, and the number."""


@dataclass(frozen=True)
class Certificate:
    """One 受領証 of an arrival, voided ones included."""

    document_no: str
    issued_at: datetime
    voided_at: datetime | None
    void_reason: str


@dataclass(frozen=True)
class Line:
    """One arrival, as it stands now."""

    submission_id: UUID
    number: str
    arrived_at: datetime
    case_no: str
    member: str  # who sent it; empty where this list does not say it
    kind: DutyKind
    month: date
    version_no: int
    files: int  # of the version that was sent last
    pages: int
    state: State
    accepted_by: str
    accepted_at: datetime | None
    certificates: tuple[Certificate, ...]

    @property
    def place(self) -> Place:
        """Where the list goes on behind this line."""
        return len(self.number), self.number


@dataclass(frozen=True)
class Missing:
    """A number that is not in this ledger. ``day``: the one it is in; None: nobody has it."""

    number: str
    day: date | None


@dataclass(frozen=True)
class Summary:
    """What stands above a day's lines."""

    count: int
    withdrawn: int
    late: int  # came on an earlier day, after its closing
    runs: tuple[rules.Run, ...]
    missing: tuple[Missing, ...]  # the first of them, explained


def book(session: Session, office_id: UUID) -> Book:
    """The office's closings and its calendar."""
    found = session.execute(
        select(DayClosing.day, DayClosing.after_seq, DayClosing.until_seq)
        .where(DayClosing.office_id == office_id)
        .order_by(DayClosing.day)
    )
    return Book([Closed(*row) for row in found], office_days.of(session, office_id))


def office_name(session: Session, who: Staff) -> str:
    """What stands over a list that is printed."""
    return session.get_one(WelfareOffice, who.office_id).name


def lines(
    session: Session, who: Staff, stretch: Stretch, *, behind: Place | None = None, most: int | None = PAGE
) -> list[Line]:
    """The arrivals of a day. However many they are, it takes four queries.

    :param behind: only what stands behind this place: the last line of the page before.
    :param most: None: all of it.
    """
    order = func.length(Submission.number), Submission.number
    query = (
        select(Submission, Household.case_no, Household.protected, Member.name)
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .where(of_day(who.office_id, stretch))
        .order_by(*order)
        .limit(most)
    )
    if behind is not None:
        query = query.where(tuple_(*order) > tuple_(*behind))
    found = session.execute(query).all()
    ids = [row[0].id for row in found]
    papers, accepted = _papers(session, who.office_id, ids), _accepted(session, who.office_id, ids)
    certificates = _certificates(session, who.office_id, ids)
    return [
        Line(
            submission_id=row.id,
            number=row.number or "",
            arrived_at=row.arrived_at or row.created_at,  # whatever has a number has arrived
            case_no=case_no,
            member=name if may_name(who.role, protected=protected) else "",
            kind=row.kind,
            month=row.month,
            version_no=row.version_no,
            files=papers.get(row.id, (0, 0))[0],
            pages=papers.get(row.id, (0, 0))[1],
            state=row.state,
            accepted_by=accepted.get(row.id, ("", None))[0] if _is_accepted(row.state) else "",
            accepted_at=accepted.get(row.id, ("", None))[1] if _is_accepted(row.state) else None,
            certificates=tuple(certificates.get(row.id, ())),
        )
        for row, case_no, protected, name in found
    ]


def summary(session: Session, who: Staff, books: Book, stretch: Stretch) -> Summary:
    """How many there are, from which number to which, and where the numbers are that are not here."""
    order = func.length(Submission.number), Submission.number
    query = select(Submission.number, Submission.state, Submission.arrived_at).order_by(*order)
    found = session.execute(query.where(of_day(who.office_id, stretch))).all()
    runs = rules.runs([row.number for row in found])
    missing = [number for run in runs for number in run.missing][:_EXPLAINED]
    elsewhere = _elsewhere(session, who.office_id, books, missing)
    return Summary(
        count=len(found),
        withdrawn=sum(row.state is State.WITHDRAWN for row in found),
        late=sum(clock.day_of(row.arrived_at) < stretch.day for row in found),
        runs=tuple(runs),
        missing=tuple(Missing(number, elsewhere.get(number)) for number in missing),
    )


def count(session: Session, office_id: UUID, stretch: Stretch) -> int:
    """How many arrivals belong to a day."""
    return session.scalars(select(func.count(Submission.id)).where(of_day(office_id, stretch))).one()


def of_day(office_id: UUID, stretch: Stretch) -> ColumnElement[bool]:
    """The submissions that belong to a day."""
    if stretch.goes_to is not None:
        return false()
    if stretch.closed:
        ids = written(office_id, ARRIVED, stretch.after_seq, stretch.until_seq or 0)
        return and_(Submission.office_id == office_id, Submission.id.in_(ids))
    conditions = [Submission.office_id == office_id, Submission.arrived_at < _end(stretch)]
    if stretch.since is not None:
        conditions.append(Submission.arrived_at >= clock.start_of(stretch.since))
    if stretch.after_seq or stretch.until_seq is not None:
        mine = and_(LogEntry.office_id == Submission.office_id, LogEntry.subject_id == Submission.id, _first())
        mine = and_(mine, LogEntry.seq > stretch.after_seq)
        if stretch.until_seq is not None:
            mine = and_(mine, LogEntry.seq <= stretch.until_seq)
        conditions.append(exists().where(mine))
    return and_(*conditions)


def written(office_id: UUID, event: str, after: int, until: int) -> Select[Any]:
    """What the journal says ``event`` of, in the order in which it happened, between two of its entries."""
    of_it = _first() if event == ARRIVED else LogEntry.event == event
    between = and_(LogEntry.office_id == office_id, LogEntry.seq > after, LogEntry.seq <= until)
    return select(LogEntry.subject_id).where(between, of_it)


def _first() -> ColumnElement[bool]:
    """The entry of an arrival; a later version of the same paper is none. CASE, so that no other fact is read."""
    return case((LogEntry.event == ARRIVED, LogEntry.facts["version"].as_integer()), else_=0) == 1


def _end(stretch: Stretch) -> datetime:
    return clock.start_of((stretch.until or stretch.day) + timedelta(days=1))


def _is_accepted(state: State) -> bool:
    return state in (State.ACCEPTED, State.RECEIPTED)


def _papers(session: Session, office_id: UUID, ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    sent = and_(VersionFile.office_id == SubmissionVersion.office_id, VersionFile.version_id == SubmissionVersion.id)
    found = session.execute(
        select(Submission.id, func.count(StoredFile.id), func.coalesce(func.sum(StoredFile.pages), 0))
        .join(SubmissionVersion, LAST_SENT)
        .join(VersionFile, sent)
        .join(StoredFile, and_(StoredFile.office_id == VersionFile.office_id, StoredFile.id == VersionFile.file_id))
        .where(Submission.office_id == office_id, Submission.id.in_(ids))
        .group_by(Submission.id)
    )
    return {key: (files, int(pages or 0)) for key, files, pages in found}


def _accepted(session: Session, office_id: UUID, ids: list[UUID]) -> dict[UUID, tuple[str, datetime]]:
    """The last one counts: what was taken back is accepted anew."""
    found = session.execute(
        select(Step.submission_id, StaffMember.name, Step.at)
        .join(StaffMember, and_(StaffMember.office_id == Step.office_id, StaffMember.id == Step.actor_id))
        .where(Step.office_id == office_id, Step.submission_id.in_(ids), Step.became == State.ACCEPTED)
        .order_by(Step.at, Step.id)
    )
    return {key: (name, at) for key, name, at in found}


def _certificates(session: Session, office_id: UUID, ids: list[UUID]) -> dict[UUID, list[Certificate]]:
    found: dict[UUID, list[Certificate]] = {}
    columns = Receipt.document_no, Receipt.issued_at, Receipt.voided_at, Receipt.void_reason
    for key, number, issued_at, voided_at, reason in session.execute(
        select(Receipt.submission_id, *columns)
        .where(Receipt.office_id == office_id, Receipt.submission_id.in_(ids))
        .order_by(Receipt.issued_at, Receipt.id)
    ):
        found.setdefault(key, []).append(Certificate(number, issued_at, voided_at, reason or ""))
    return found


def _elsewhere(session: Session, office_id: UUID, books: Book, numbers: Iterable[str]) -> dict[str, date]:
    entry = and_(LogEntry.office_id == Submission.office_id, LogEntry.subject_id == Submission.id, _first())
    found: Any = session.execute(
        select(Submission.number, Submission.arrived_at, LogEntry.seq)
        .join(LogEntry, entry)
        .where(Submission.office_id == office_id, Submission.number.in_(list(numbers)))
    )
    return {number: books.day_of(clock.day_of(at), seq) for number, at, seq in found}
