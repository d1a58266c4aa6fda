"""The clerk's lists: what can be issued, what was issued, what is on its way to its person, what was voided."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from shared import clock, delivery
from shared.delivery import Mark
from shared.model import (
    LAST_SENT,
    DeliveryWay,
    DutyKind,
    Household,
    Member,
    Receipt,
    ReceiptState,
    ReceiptVoid,
    StaffMember,
    State,
    Step,
    Submission,
    SubmissionVersion,
    VersionFile,
    VoidState,
    Way,
)
from shared.queue import LONGEST, is_sought
from shared.sign_in import Staff

PAGE: Final = 50
Place = tuple[datetime, UUID]
"""Where a page ends: the moment and the id of its last line."""


class Tab(StrEnum):
    """The four lists."""

    READY = "ready"
    ISSUED = "issued"
    ON_WAY = "on_way"  # issued, and has not come to its person yet
    VOIDED = "voided"


@dataclass(frozen=True)
class Wanted:
    """Which lines. ``day`` narrows what was issued; None is today, or any day where something is sought."""

    tab: Tab = Tab.READY
    kind: DutyKind | None = None
    accepted_by: UUID | None = None
    district: str = ""
    way: Way | None = None
    sought: str = ""  # a 文書番号, a 受付番号, a case number, a part of a name or of how it is read
    day: date | None = None

    @property
    def narrowed(self) -> bool:
        return self != Wanted(self.tab, day=self.day)


@dataclass(frozen=True)
class ReadyRow:
    """One line of what can be issued."""

    id: UUID
    number: str
    member: str
    case_no: str
    kind: DutyKind
    month: date
    version_no: int
    files: int
    accepted_by: str
    accepted_at: datetime
    way: Way
    again: bool  # one of its certificates was voided
    place: Place


@dataclass(frozen=True)
class IssuedRow:
    """One certificate."""

    id: UUID
    submission_id: UUID
    number: str
    document_no: str
    member: str
    case_no: str
    kind: DutyKind
    month: date
    issued_by: str
    issued_at: datetime
    ready: bool  # the PDF is drawn
    way: Way
    marks: list[Mark]
    state: ReceiptState
    voided_at: datetime | None
    voided_by: str
    void_reason: str
    to_be_voided: bool  # somebody has proposed it
    replaces: str  # the number of the one it stands for
    replaced_by: str  # the number of the one that stands for it
    place: Place


def wanted(given: Mapping[str, str]) -> Wanted:
    """What the words of an address or a form ask for; a word that nobody knows is the usual choice."""
    return Wanted(
        tab=Tab(given["tab"]) if given.get("tab") in set(Tab) else Tab.READY,
        kind=DutyKind(given["kind"]) if given.get("kind") in set(DutyKind) else None,
        accepted_by=_id(given.get("accepted_by", "")),
        district=given.get("district", "")[:LONGEST],
        way=Way(given["way"]) if given.get("way") in set(Way) else None,
        sought=given.get("q", "").strip()[:LONGEST],
        day=_day(given.get("day", "")),
    )


def words(wanted: Wanted) -> dict[str, Any]:
    """The same choice as words, without those that say the usual."""
    chosen = {
        "tab": wanted.tab.value if wanted.tab is not Tab.READY else "",
        "kind": wanted.kind.value if wanted.kind else "",
        "accepted_by": str(wanted.accepted_by or ""),
        "district": wanted.district,
        "way": wanted.way.value if wanted.way else "",
        "q": wanted.sought,
        "day": wanted.day.isoformat() if wanted.day else "",
    }
    return {name: value for name, value in chosen.items() if value}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2200 else None


# ---- what can be issued ----


def ready(
    session: Session, who: Staff, wanted: Wanted = Wanted(), *, behind: Place | None = None, most: int = PAGE
) -> list[ReadyRow]:
    """Accepted submissions that are owed a certificate, the oldest arrival first; each as it was last accepted.

    :param behind: only what stands behind this place: the last line of the page before.
    """
    files = (
        select(func.count())
        .where(VersionFile.office_id == SubmissionVersion.office_id, VersionFile.version_id == SubmissionVersion.id)
        .correlate(SubmissionVersion)
        .scalar_subquery()
    )
    query = _ready(
        select(
            Submission,
            Member.name,
            Household.case_no,
            StaffMember.name,
            Step.at,
            files,
            delivery.way_of(),
            _was_voided(),
        ),
        who,
        wanted,
    )
    if behind is not None:
        query = query.where(tuple_(Submission.arrived_at, Submission.id) > tuple_(*behind))
    found = session.execute(query.order_by(Submission.arrived_at, Submission.id).limit(most))
    return [
        ReadyRow(
            id=submission.id,
            number=submission.number or "",
            member=member,
            case_no=case_no,
            kind=submission.kind,
            month=submission.month,
            version_no=submission.version_no,
            files=count,
            accepted_by=staff,
            accepted_at=at,
            way=Way(way),
            again=again,
            place=(submission.arrived_at, submission.id),
        )
        for submission, member, case_no, staff, at, count, way, again in found
    ]


def ids(session: Session, who: Staff, wanted: Wanted, most: int) -> list[UUID]:
    """The first ``most`` of all that can be issued and is wanted, in the order of the list."""
    query = _ready(select(Submission.id), who, wanted).order_by(Submission.arrived_at, Submission.id)
    return list(session.scalars(query.limit(most)))


def counts(session: Session, who: Staff, wanted: Wanted) -> dict[Tab, int]:
    """How many lines stand under each tab, whichever is open."""
    found = {Tab.READY: session.scalar(_ready(select(func.count()), who, wanted)) or 0}
    for tab in (Tab.ISSUED, Tab.ON_WAY, Tab.VOIDED):
        found[tab] = session.scalar(_issued(select(func.count()), who, replace(wanted, tab=tab))) or 0
    return found


def accepting(session: Session, who: Staff) -> list[tuple[UUID, str]]:
    """Who has accepted something that can be issued."""
    query = _ready(select(StaffMember.id, StaffMember.name), who, Wanted())
    return [(row.id, row.name) for row in session.execute(query.distinct().order_by(StaffMember.name, StaffMember.id))]


def _ready(query: Any, who: Staff, wanted: Wanted) -> Any:
    again = aliased(Step)  # what was taken back and decided anew was accepted more than once
    last = (
        select(again.id)
        .where(
            again.office_id == Submission.office_id,
            again.submission_id == Submission.id,
            again.became == State.ACCEPTED,
            again.was != State.RECEIPTED,  # who voids a certificate has accepted nothing
        )
        .order_by(again.id.desc())
        .limit(1)
        .correlate(Submission)
        .scalar_subquery()
    )
    accepted = and_(Step.office_id == Submission.office_id, Step.id == last)
    query = (
        _people(query.select_from(Submission))
        .join(Step, accepted)
        .join(StaffMember, and_(StaffMember.office_id == Step.office_id, StaffMember.id == Step.actor_id))
        .join(SubmissionVersion, LAST_SENT)
        .where(Submission.office_id == who.office_id, Submission.state == State.ACCEPTED)
    )
    if wanted.accepted_by is not None:
        query = query.where(Step.actor_id == wanted.accepted_by)
    if wanted.sought:
        query = query.where(is_sought(wanted.sought))
    return _narrowed(query, wanted)


# ---- what was issued ----


def issued(
    session: Session, who: Staff, wanted: Wanted, *, behind: Place | None = None, most: int = PAGE
) -> list[IssuedRow]:
    """Certificates under one of the other tabs, the newest first; those on their way the oldest first."""
    at = Receipt.voided_at if wanted.tab is Tab.VOIDED else Receipt.issued_at
    place = tuple_(at, Receipt.id)
    query = _issued(_columns(), who, wanted)
    if wanted.tab is Tab.ON_WAY:
        query = query.order_by(at, Receipt.id)
        query = query.where(place > tuple_(*behind)) if behind else query
    else:
        query = query.order_by(at.desc(), Receipt.id.desc())
        query = query.where(place < tuple_(*behind)) if behind else query
    return _rows(session, who, session.execute(query.limit(most)).all(), wanted.tab)


def one(session: Session, who: Staff, receipt_id: UUID) -> IssuedRow | None:
    """One certificate of the office, whatever has become of it."""
    query = _certificates(_columns(), who).where(Receipt.id == receipt_id)
    return next(iter(_rows(session, who, session.execute(query).all(), Tab.ISSUED)), None)


def _columns() -> Any:
    issuer, voider, earlier, later = aliased(StaffMember), aliased(StaffMember), aliased(Receipt), aliased(Receipt)
    office = Receipt.office_id
    wish = exists().where(
        ReceiptVoid.office_id == office, ReceiptVoid.receipt_id == Receipt.id, ReceiptVoid.state == VoidState.PROPOSED
    )

    def of(column: Any, *which: ColumnElement[bool]) -> Any:
        return select(column).where(*which).correlate(Receipt).scalar_subquery()

    return select(
        Receipt,
        Submission,
        Member.name,
        Household.case_no,
        delivery.way_of(),
        of(issuer.name, issuer.office_id == office, issuer.id == Receipt.issued_by),
        of(voider.name, voider.office_id == office, voider.id == Receipt.voided_by),
        of(earlier.document_no, earlier.office_id == office, earlier.id == Receipt.replaces_id),
        of(func.max(later.document_no), later.office_id == office, later.replaces_id == Receipt.id),
        wish.correlate(Receipt),
    )


def _rows(session: Session, who: Staff, found: Any, tab: Tab) -> list[IssuedRow]:
    marks = delivery.marks(session, who.office_id, [row[0].id for row in found])
    return [
        IssuedRow(
            id=receipt.id,
            submission_id=submission.id,
            number=submission.number or "",
            document_no=receipt.document_no,
            member=member,
            case_no=case_no,
            kind=submission.kind,
            month=submission.month,
            issued_by=issuer,
            issued_at=receipt.issued_at,
            ready=receipt.pdf_key is not None,
            way=Way(way),
            marks=marks.get(receipt.id, []),
            state=receipt.state,
            voided_at=receipt.voided_at,
            voided_by=voider or "",
            void_reason=receipt.void_reason or "",
            to_be_voided=wish,
            replaces=replaces or "",
            replaced_by=replaced_by or "",
            place=((receipt.voided_at if tab is Tab.VOIDED else receipt.issued_at), receipt.id),
        )
        for receipt, submission, member, case_no, way, issuer, voider, replaces, replaced_by, wish in found
    ]


def _certificates(query: Any, who: Staff) -> Any:
    its = and_(Submission.office_id == Receipt.office_id, Submission.id == Receipt.submission_id)
    return _people(query.select_from(Receipt).join(Submission, its)).where(Receipt.office_id == who.office_id)


def _issued(query: Any, who: Staff, wanted: Wanted) -> Any:
    query = _certificates(query, who)
    match wanted.tab:
        case Tab.ON_WAY:
            query = query.where(Receipt.state == ReceiptState.ISSUED, ~delivery.has_arrived())
        case Tab.VOIDED:
            query = query.where(Receipt.state == ReceiptState.VOIDED)
        case _:
            if wanted.day or not wanted.sought:
                day = wanted.day or clock.today()
                since, until = clock.start_of(day), clock.start_of(day + timedelta(days=1))
                query = query.where(Receipt.issued_at >= since, Receipt.issued_at < until)
    if wanted.accepted_by is not None:
        accepted = exists().where(
            Step.office_id == Submission.office_id,
            Step.submission_id == Submission.id,
            Step.became == State.ACCEPTED,
            Step.was != State.RECEIPTED,
            Step.actor_id == wanted.accepted_by,
        )
        query = query.where(accepted.correlate(Submission))
    if wanted.sought:
        query = query.where(or_(is_sought(wanted.sought), _is_number(wanted.sought)))
    return _narrowed(query, wanted)


def _is_number(sought: str) -> ColumnElement[bool]:
    """A part of a 文書番号, however wide and with whatever spaces it was typed."""
    text = "".join(unicodedata.normalize("NFKC", sought).split())
    plain: ColumnElement[bool] = func.replace(Receipt.document_no, " ", "").contains(text, autoescape=True)
    return plain


def _people(query: Any) -> Any:
    return (
        query.join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .outerjoin(DeliveryWay, delivery.its_way())
    )


def _narrowed(query: Any, wanted: Wanted) -> Any:
    if wanted.kind is not None:
        query = query.where(Submission.kind == wanted.kind)
    if wanted.district:
        query = query.where(Household.district == wanted.district)
    if wanted.way is not None:
        query = query.where(delivery.way_of() == wanted.way.value)
    return query


def _was_voided() -> ColumnElement[bool]:
    return (
        exists()
        .where(Receipt.office_id == Submission.office_id, Receipt.submission_id == Submission.id)
        .correlate(Submission)
    )
