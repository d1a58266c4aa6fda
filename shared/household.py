"""世帯: one household on one page. Who is in it, what it owes and has sent, what passed between it and the office."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared import clock, cover, duties, journal
from shared.errors import NotThere
from shared.model import (
    LAST_SENT,
    NOT_STANDING,
    Actor,
    ActorKind,
    Duty,
    DutyKind,
    FilledForm,
    Household,
    HouseholdLook,
    Member,
    Message,
    Note,
    Receipt,
    ReceiptState,
    Situation,
    StaffMember,
    State,
    Step,
    Submission,
    SubmissionVersion,
)
from shared.queue import Scope, visible
from shared.rules.kana import hiragana
from shared.rules.months import add_months
from shared.sign_in import Staff

MOST: Final = 50  # households of one search
PAGE: Final = 30  # lines of the timeline
MONTHS: Final = 12
LATELY: Final = 3  # reports told of beside a paper
SHORTEST_REASON: Final = 5  # characters
LONGEST_REASON: Final = 500
ONE_LOOK: Final = timedelta(minutes=30)  # in which a protected household stays open for who has said why
_OPEN: Final = (State.ARRIVED, State.WAITING, State.IN_REVIEW, State.ON_HOLD, State.RETURNED)

Place = tuple[datetime, UUID]
"""Where a page of the timeline ends: when and the id of its last line."""


class Cell(StrEnum):
    """How it stands with one kind of paper for one month."""

    LATE = "late"
    ASKED_AGAIN = "asked_again"
    DUE = "due"
    SENT = "sent"  # the office has it and has not decided
    DONE = "done"


_WORST_FIRST: Final = tuple(Cell)


@dataclass(frozen=True)
class FoundRow:
    """A household in the search."""

    id: UUID
    case_no: str
    head: str
    kana: str
    people: int
    caseworker: str
    protected: bool
    mine: bool
    covers: bool  # she who looks stands in for that caseworker today
    district: str | None


@dataclass(frozen=True)
class MemberRow:
    """Somebody of the household."""

    name: str
    kana: str
    is_head: bool
    age: int | None
    situation: Situation
    left_on: date | None


@dataclass(frozen=True)
class OpenRow:
    """Something that is not decided yet."""

    id: UUID
    kind: DutyKind
    month: date
    state: State
    member: str
    look_by: date | None
    answer_by: date | None


@dataclass(frozen=True)
class DueRow:
    """Something that has not come."""

    kind: DutyKind
    month: date
    due_on: date
    member: str


@dataclass(frozen=True)
class LateRow:
    """Something the household has sent lately. ``gross_yen``: all wages of an income report, before deductions."""

    id: UUID
    kind: DutyKind
    month: date
    state: State
    member: str
    gross_yen: int | None


@dataclass(frozen=True)
class Strip:
    """What one should know of a household beside a paper of it that is in hand."""

    members: list[str]  # who lives in it now, the head first
    due: list[DueRow]  # the longest due first
    open: list[OpenRow]  # the others that are not decided, what was asked again among them
    lately: list[LateRow]  # the newest first


@dataclass(frozen=True)
class Sheet:
    """The household as it stands today."""

    id: UUID
    case_no: str
    protected: bool
    district: str | None
    caseworker: str
    members: list[MemberRow]
    due: list[DueRow]
    open: list[OpenRow]
    months: list[date]
    matrix: dict[DutyKind, list[Cell | None]]  # one cell a month
    heard_at: datetime | None  # the last thing that came from it
    written_at: datetime | None  # the last message to it


@dataclass(frozen=True)
class Event:
    """One line of the timeline: a step of a submission, a message of the office, a note, or a certificate."""

    id: UUID
    at: datetime
    who: str  # empty: the machine
    submission_id: UUID | None
    kind: DutyKind | None
    month: date | None
    step: Step | None = None
    text: str = ""  # of a message, or of a note
    is_note: bool = False  # for colleagues
    read: bool = False
    receipt_no: str = ""
    voided: bool = False

    @property
    def place(self) -> Place:
        """Where the timeline goes on behind this line."""
        return self.at, self.id


def found(session: Session, who: Staff, typed: str, district: str = "") -> list[FoundRow]:
    """Households by case number, name or kana, and by district, one's own first. At most ``MOST + 1``.

    With nothing looked for, one's own and those of colleagues one stands in for. A space in a name is nobody's fault,
    nor is the kana that a keyboard gives.
    """
    wanted = "".join(typed.split())
    head = and_(Member.office_id == Household.office_id, Member.household_id == Household.id, Member.is_head)
    sizes = select(func.count()).where(_in_household(Member)).correlate(Household).scalar_subquery()
    mine = Household.caseworker_id == who.staff_id
    query = (
        select(Household, Member.name, Member.kana, sizes, StaffMember.name, cover.covers(who))
        .join(
            StaffMember, and_(StaffMember.office_id == Household.office_id, StaffMember.id == Household.caseworker_id)
        )
        .outerjoin(Member, head)
        .where(Household.office_id == who.office_id, visible(who, Scope.ALL if wanted or district else Scope.MINE))
        .order_by(mine.desc(), Member.kana, Household.case_no)
        .limit(MOST + 1)
    )
    if district:
        query = query.where(Household.district == district)
    if wanted:
        somebody = select(Member.household_id).where(
            Member.office_id == who.office_id,
            or_(
                _without_spaces(Member.name).contains(wanted, autoescape=True),
                _without_spaces(Member.kana).contains(hiragana(wanted), autoescape=True),
            ),
        )
        by_number = Household.case_no.startswith(wanted, autoescape=True)
        query = query.where(or_(by_number, Household.id.in_(somebody)))
    return [
        FoundRow(
            id=home.id,
            case_no=home.case_no,
            head=name or "",
            kana=kana or "",
            people=people,
            caseworker=caseworker,
            protected=home.protected,
            mine=home.caseworker_id == who.staff_id,
            covers=covers,
            district=home.district,
        )
        for home, name, kana, people, caseworker, covers in session.execute(query)
    ]


def open_for(session: Session, who: Staff, household_id: UUID) -> Household:
    """A household this member of staff may see.

    :raises NotThere: for another office's, an unknown id, or a protected one of somebody else.
    """
    home = session.get(Household, (who.office_id, household_id))
    if home is None or not cover.may_open(session, who, home):
        raise NotThere
    return home


def say_why(session: Session, who: Staff, household_id: UUID, reason: str, *, attempt: UUID) -> HouseholdLook:
    """Write down why a protected household is opened. A second tap finds the first.

    :raises NotThere: for a household she may not open.
    :raises ValueError: for a reason too short to be one.
    """
    home = open_for(session, who, household_id)
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise ValueError("a protected household opens for a written reason only")
    session.refresh(home, with_for_update={"key_share": True})  # two taps at once stand in a row here
    twin = session.get(HouseholdLook, (who.office_id, attempt))
    if twin and (twin.household_id, twin.staff_id) == (home.id, who.staff_id):
        return twin
    given = {} if twin else {"id": attempt}
    row = HouseholdLook(office_id=who.office_id, household_id=home.id, staff_id=who.staff_id, reason=reason, **given)
    session.add(row)
    session.flush()
    return row


def look(session: Session, who: Staff, home: Household, *, from_address: str) -> bool:
    """Whether the sheet may open now; if so, the opening is in the journal. A protected one wants its reason first."""
    facts: dict[str, Any] = {"household": home.id, "from_address": from_address}
    if home.protected:
        said = session.scalars(
            select(HouseholdLook)
            .where(
                HouseholdLook.office_id == home.office_id,
                HouseholdLook.household_id == home.id,
                HouseholdLook.staff_id == who.staff_id,
                HouseholdLook.created_at > clock.now() - ONE_LOOK,
            )
            .order_by(HouseholdLook.created_at.desc())
            .limit(1)
        ).one_or_none()
        if said is None:
            return False
        facts["why"] = said.id
    journal.record(session, home.office_id, Actor.staff(who.staff_id), "household.viewed", home.id, **facts)
    return True


def looks(session: Session, home: Household, most: int = 10) -> list[tuple[str, datetime, str]]:
    """Who has opened a protected household, when and why, the newest first."""
    rows = session.execute(
        select(StaffMember.name, HouseholdLook.created_at, HouseholdLook.reason)
        .join(
            StaffMember,
            and_(StaffMember.office_id == HouseholdLook.office_id, StaffMember.id == HouseholdLook.staff_id),
        )
        .where(HouseholdLook.office_id == home.office_id, HouseholdLook.household_id == home.id)
        .order_by(HouseholdLook.created_at.desc(), HouseholdLook.id.desc())
        .limit(most)
    )
    return [(name, at, reason) for name, at, reason in rows]


def sheet(session: Session, home: Household, today: date) -> Sheet:
    """Everything about a household but its timeline."""
    members = _members(session, home)
    names = {member.id: member.name for member in members}
    sent = _sent(session, home, names)
    owed = _owed(session, home, today)
    first = add_months(today.replace(day=1), 1 - MONTHS)
    months = [add_months(first, count) for count in range(MONTHS)]
    standing = [(row.kind, row.month, cell) for row in sent if (cell := cell_of(row.state))]
    standing += [(row.kind, row.month, Cell.LATE if row.due_on < today else Cell.DUE) for row in owed]
    return Sheet(
        id=home.id,
        case_no=home.case_no,
        protected=home.protected,
        district=home.district,
        caseworker=session.get_one(StaffMember, (home.office_id, home.caseworker_id)).name,
        members=[_member(member, today) for member in members],
        due=[DueRow(row.kind, row.month, row.due_on, names[row.member_id]) for row in owed],
        open=[_open(row, names[row.member_id]) for row in sent if row.state in _OPEN],
        months=months,
        matrix=matrix(standing, months),
        heard_at=max((row.arrived_at for row in sent if row.arrived_at), default=None),
        written_at=session.scalar(select(func.max(Message.sent_at)).where(_of(Message, home, names))),
    )


def strip(session: Session, home: Household, today: date, *, in_hand: UUID) -> Strip:
    """A household in a few lines.

    :param in_hand: the submission one is looking at; it is not told of.
    """
    people = _members(session, home)
    names = {member.id: member.name for member in people}
    others = session.scalars(
        select(Submission)
        .where(_of(Submission, home, names), Submission.state.in_(_OPEN), Submission.id != in_hand)
        .order_by(Submission.arrived_at, Submission.id)
    )
    return Strip(
        members=[member.name for member in people if member.left_on is None or member.left_on >= today],
        due=[DueRow(row.kind, row.month, row.due_on, names[row.member_id]) for row in _owed(session, home, today)],
        open=[_open(row, names[row.member_id]) for row in others],
        lately=_lately(session, home, names, in_hand),
    )


def _lately(session: Session, home: Household, names: dict[UUID, str], in_hand: UUID) -> list[LateRow]:
    """The last reports that were sent and not taken back."""
    rows = session.execute(
        select(Submission, FilledForm.answers)
        .join(SubmissionVersion, LAST_SENT)
        .outerjoin(
            FilledForm,
            and_(FilledForm.office_id == SubmissionVersion.office_id, FilledForm.id == SubmissionVersion.id),
        )
        .where(
            _of(Submission, home, names),
            Submission.kind != DutyKind.MESSAGE,
            Submission.state.not_in(NOT_STANDING),
            Submission.id != in_hand,
        )
        .order_by(Submission.arrived_at.desc(), Submission.id)
        .limit(LATELY)
    )
    return [
        LateRow(row.id, row.kind, row.month, row.state, names[row.member_id], gross_of(row.kind, answers or {}))
        for row, answers in rows
    ]


def gross_of(kind: DutyKind, answers: Mapping[str, Any]) -> int | None:
    """All wages of an income report in yen, before deductions; None where none is declared."""
    if kind is not DutyKind.INCOME_REPORT:
        return None
    amounts = [job["gross_yen"] for job in answers.get("jobs", ()) if job.get("gross_yen") is not None]
    return sum(amounts) if amounts else None


def cell_of(state: State) -> Cell | None:
    """How a submission in ``state`` stands in the matrix; what was taken back does not."""
    match state:
        case State.ACCEPTED | State.RECEIPTED:
            return Cell.DONE
        case State.RETURNED:
            return Cell.ASKED_AGAIN
        case State.DRAFT | State.WITHDRAWN | State.VOIDED:
            return None
        case State.ARRIVED | State.WAITING | State.IN_REVIEW | State.ON_HOLD:
            return Cell.SENT


def matrix(standing: Iterable[tuple[DutyKind, date, Cell]], months: list[date]) -> dict[DutyKind, list[Cell | None]]:
    """Kinds by months. Where several stand in one place, the one that needs a hand is shown."""
    cells: dict[tuple[DutyKind, date], Cell] = {}
    for kind, month, cell in standing:
        there = cells.get((kind, month), cell)
        cells[kind, month] = min(there, cell, key=_WORST_FIRST.index)
    kinds = [kind for kind in DutyKind if any((kind, month) in cells for month in months)]
    return {kind: [cells.get((kind, month)) for month in months] for kind in kinds}


def timeline(session: Session, home: Household, *, behind: Place | None = None, most: int = PAGE) -> list[Event]:
    """What happened, the newest first: every step of what was sent, the office's messages, notes, the certificates.

    :param behind: only what is older than this place: the last line of the page before.
    """
    names = {member.id: member.name for member in _members(session, home)}
    events = [
        *_steps(session, home, names, behind, most),
        *_messages(session, home, names, behind, most),
        *_notes(session, home, behind, most),
        *_receipts(session, home, names, behind, most),
    ]
    return sorted(events, key=lambda event: event.place, reverse=True)[:most]


def _steps(session: Session, home: Household, names: dict[UUID, str], behind: Place | None, most: int) -> list[Event]:
    staff = and_(StaffMember.office_id == Step.office_id, StaffMember.id == Step.actor_id)
    query = (
        select(Step, Submission, StaffMember.name)
        .join(Submission, and_(Submission.office_id == Step.office_id, Submission.id == Step.submission_id))
        .outerjoin(StaffMember, and_(staff, Step.actor_kind == ActorKind.STAFF))
        .where(_of(Submission, home, names), Submission.state != State.DRAFT, Step.became != State.RECEIPTED)
    )
    return [
        Event(
            id=step.id,
            at=step.at,
            who=names[row.member_id] if step.actor_kind is ActorKind.RECIPIENT else name or "",
            submission_id=row.id,
            kind=row.kind,
            month=row.month,
            step=step,
        )
        for step, row, name in session.execute(_page(query, Step.at, Step.id, behind, most))
    ]


def _messages(
    session: Session, home: Household, names: dict[UUID, str], behind: Place | None, most: int
) -> list[Event]:
    about = and_(Submission.office_id == Message.office_id, Submission.id == Message.submission_id)
    query = (
        select(Message, StaffMember.name, Submission.kind, Submission.month)
        .join(StaffMember, and_(StaffMember.office_id == Message.office_id, StaffMember.id == Message.staff_id))
        .outerjoin(Submission, about)
        .where(_of(Message, home, names))
    )
    return [
        Event(
            id=row.id,
            at=row.sent_at,
            who=name,
            submission_id=row.submission_id,
            kind=kind,
            month=month,
            text=row.text,
            read=row.read_at is not None,
        )
        for row, name, kind, month in session.execute(_page(query, Message.sent_at, Message.id, behind, most))
    ]


def _notes(session: Session, home: Household, behind: Place | None, most: int) -> list[Event]:
    query = (
        select(Note, StaffMember.name, Submission.kind, Submission.month)
        .join(StaffMember, and_(StaffMember.office_id == Note.office_id, StaffMember.id == Note.staff_id))
        .join(Submission, and_(Submission.office_id == Note.office_id, Submission.id == Note.submission_id))
        .where(Note.office_id == home.office_id, Note.household_id == home.id)
    )
    return [
        Event(
            id=row.id,
            at=row.created_at,
            who=name,
            submission_id=row.submission_id,
            kind=kind,
            month=month,
            text=row.text,
            is_note=True,
        )
        for row, name, kind, month in session.execute(_page(query, Note.created_at, Note.id, behind, most))
    ]


def _receipts(
    session: Session, home: Household, names: dict[UUID, str], behind: Place | None, most: int
) -> list[Event]:
    query = (
        select(Receipt, StaffMember.name, Submission.kind, Submission.month)
        .join(Submission, and_(Submission.office_id == Receipt.office_id, Submission.id == Receipt.submission_id))
        .join(StaffMember, and_(StaffMember.office_id == Receipt.office_id, StaffMember.id == Receipt.issued_by))
        .where(_of(Submission, home, names))
    )
    return [
        Event(
            id=row.id,
            at=row.issued_at,
            who=name,
            submission_id=row.submission_id,
            kind=kind,
            month=month,
            receipt_no=row.document_no,
            voided=row.state is ReceiptState.VOIDED,
        )
        for row, name, kind, month in session.execute(_page(query, Receipt.issued_at, Receipt.id, behind, most))
    ]


def _page(
    query: Any,
    at: InstrumentedAttribute[datetime],
    key: InstrumentedAttribute[UUID],
    behind: Place | None,
    most: int,
) -> Any:
    if behind is not None:
        query = query.where(or_(at < behind[0], and_(at == behind[0], key < behind[1])))
    return query.order_by(at.desc(), key.desc()).limit(most)


def _of(table: type[Submission | Message], home: Household, members: Iterable[UUID]) -> ColumnElement[bool]:
    """Rows of a household, by its members: that is what they are indexed by."""
    return and_(table.office_id == home.office_id, table.member_id.in_(list(members)), table.household_id == home.id)


def _members(session: Session, home: Household) -> list[Member]:
    rows = session.scalars(
        select(Member)
        .where(Member.office_id == home.office_id, Member.household_id == home.id)
        .order_by(Member.is_head.desc(), Member.id)
    )
    return list(rows)


def _sent(session: Session, home: Household, names: dict[UUID, str]) -> list[Submission]:
    rows = session.scalars(
        select(Submission)
        .where(_of(Submission, home, names), Submission.state != State.DRAFT)
        .order_by(Submission.arrived_at, Submission.id)
    )
    return list(rows)


def _owed(session: Session, home: Household, today: date) -> list[Duty]:
    """As 提出待ち counts it: who has left owes nothing more."""
    stays = exists().where(
        Member.office_id == Duty.office_id,
        Member.id == Duty.member_id,
        duties.stays(today),
    )
    rows = session.scalars(
        select(Duty)
        .where(
            Duty.office_id == home.office_id,
            Duty.member_id.in_(
                select(Member.id).where(Member.office_id == home.office_id, Member.household_id == home.id)
            ),
            Duty.household_id == home.id,
            duties.unanswered(today),
            stays,
        )
        .order_by(Duty.due_on, Duty.id)
    )
    return list(rows)


def _member(row: Member, today: date) -> MemberRow:
    age = None if row.born_on is None else age_on(row.born_on, today)
    return MemberRow(row.name, row.kana, row.is_head, age, row.situation, row.left_on)


def age_on(born_on: date, day: date) -> int:
    """Full years."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def _open(row: Submission, member: str) -> OpenRow:
    return OpenRow(row.id, row.kind, row.month, row.state, member, row.look_by, row.answer_by)


def _in_household(table: type[Member]) -> ColumnElement[bool]:
    return and_(table.office_id == Household.office_id, table.household_id == Household.id)


def _without_spaces(column: InstrumentedAttribute[str]) -> Any:
    return func.replace(func.replace(column, "　", ""), " ", "")
