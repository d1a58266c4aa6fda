"""The caseworkers' and clerks' lists: what waits, for whom, in which order.

The condition on the open states is written into the statement, so that the partial index answers it: what is closed
costs nothing, however much of it there is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, func, literal, or_, select, true, tuple_, union_all
from sqlalchemy.orm import Session

from shared import clock, cover, office_days
from shared.model import (
    LAST_SENT,
    AbsentPaper,
    ActorKind,
    Check,
    Claim,
    DutyKind,
    FileState,
    Household,
    Member,
    Message,
    Result,
    Role,
    StaffMember,
    State,
    Step,
    StoredFile,
    Submission,
    SubmissionVersion,
    VersionFile,
    WhyAbsent,
)
from shared.rules import need
from shared.rules.kana import hiragana
from shared.rules.need import Days, Need
from shared.sign_in import Staff

OPEN = (State.WAITING, State.IN_REVIEW, State.ON_HOLD)
PAGE: Final = 50
LONGEST: Final = 60  # characters of what is looked for
Place = tuple[int, datetime, UUID]
"""Where a page ends: rank, arrival and id of its last line."""

_IS_OPEN = Submission.state.in_(bindparam("open", OPEN, expanding=True, literal_execute=True))
_BY_STAFF = Step.actor_kind == ActorKind.STAFF
_DASHES: Final = re.compile("[-‐‑–—−ー]")


class Scope(StrEnum):
    """Whose households."""

    MINE = "mine"
    ALL = "all"


class Tab(StrEnum):
    """By when the look was promised. Nothing stands under two of them, and ``ALL`` has everything."""

    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"  # within seven days
    HELD = "held"
    ALL = "all"


class Checked(StrEnum):
    """What the checks of the version that was sent last say. What staff have overridden has nothing left to say."""

    FAIL = "fail"
    CANT_TELL = "cant_tell"
    PASS = "pass"  # noqa: S105  (no password): there are checks, and each is passed or overridden


@dataclass(frozen=True)
class Wanted:
    """Which lines."""

    scope: Scope = Scope.MINE
    tab: Tab = Tab.ALL
    kind: DutyKind | None = None
    household_id: UUID | None = None
    colleague_id: UUID | None = None  # whose households, in place of ``scope``
    check: Checked | None = None
    district: str = ""
    sought: str = ""  # a case number; or a part of a name, of how it is read, or of a 受付番号


@dataclass(frozen=True)
class QueueRow:
    """One line of the caseworker's queue."""

    id: UUID
    number: str
    member: str
    needs: tuple[Need, ...]  # why somebody should look, the most pressing first
    household_id: UUID
    case_no: str
    members: int  # of the household
    kind: DutyKind
    month: date
    state: State
    version_no: int
    arrived_at: datetime
    look_by: date
    late: int  # open days since then
    files: int
    absent: WhyAbsent | None  # why a paper is not with it
    danger_words: dict[str, list[str]]  # words somebody must see first, by the place where they stand
    fails: int  # checks that did not pass and are not overridden
    unclear: int  # checks that cannot tell, and are not overridden
    caseworker: str
    covers: bool  # she who looks stands in for that caseworker today
    holder: str | None  # who has it under a lease that still runs
    holder_is_me: bool
    held_since: datetime | None
    place: Place  # where the list goes on behind this line


@dataclass(frozen=True)
class HandsRow:
    """In whose hands one submission is. Without a ``holder`` in nobody's, or it is decided."""

    state: State
    holder: str | None
    holder_is_me: bool
    held_since: datetime | None


def waiting(
    session: Session, who: Staff, wanted: Wanted = Wanted(), *, behind: Place | None = None, most: int = PAGE
) -> list[QueueRow]:
    """What needs a look, the most pressing first; the longest waiting between equals.

    :param behind: only what stands behind this place: the last line of the page before.
    """
    calendar = office_days.of(session, who.office_id)
    now = need.days(clock.today(), calendar)
    order = _order(now)
    page = _open(select(Submission.id, order[0].label("rank")), who, wanted, now).order_by(*order).limit(most)
    if behind is not None:
        page = page.where(tuple_(*order) > tuple_(*behind))
    ranked = page.subquery()
    holder = select(StaffMember.name, StaffMember.id, StaffMember.office_id).subquery()
    sizes = select(func.count()).where(Member.office_id == Household.office_id, Member.household_id == Household.id)
    files = select(func.count()).where(
        VersionFile.office_id == SubmissionVersion.office_id, VersionFile.version_id == SubmissionVersion.id
    )
    found = session.execute(
        select(
            Submission,
            ranked.c.rank,
            Member.name,
            Household.case_no,
            StaffMember.name,
            cover.covers(who),
            sizes.correlate(Household).scalar_subquery(),
            files.correlate(SubmissionVersion).scalar_subquery(),
            AbsentPaper.why,
            Claim,
            holder.c.name,
            SubmissionVersion.danger_words,
            _checks(func.count(), Result.FAIL).scalar_subquery(),
            _checks(func.count(), Result.CANT_TELL).scalar_subquery(),
        )
        .join(ranked, and_(Submission.office_id == who.office_id, Submission.id == ranked.c.id))
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .join(
            StaffMember,
            and_(StaffMember.office_id == Household.office_id, StaffMember.id == Household.caseworker_id),
        )
        .join(SubmissionVersion, LAST_SENT)
        .outerjoin(
            AbsentPaper,
            and_(AbsentPaper.office_id == SubmissionVersion.office_id, AbsentPaper.version_id == SubmissionVersion.id),
        )
        .outerjoin(
            Claim,
            and_(
                Claim.office_id == Submission.office_id,
                Claim.submission_id == Submission.id,
                _runs(),
            ),
        )
        .outerjoin(holder, and_(holder.c.office_id == Claim.office_id, holder.c.id == Claim.staff_id))
        .order_by(ranked.c.rank, Submission.arrived_at, Submission.id)
    ).all()
    return [
        QueueRow(
            id=submission.id,
            number=submission.number or "",
            member=name,
            needs=need.reasons(rank),
            household_id=submission.household_id,
            case_no=case,
            members=size,
            kind=submission.kind,
            month=submission.month,
            state=submission.state,
            version_no=submission.version_no,
            arrived_at=submission.arrived_at,
            look_by=submission.look_by,
            late=calendar.late(submission.look_by, now.today),
            files=count,
            absent=why,
            danger_words=said or {},
            fails=fails,
            unclear=unclear,
            caseworker=caseworker,
            covers=covers,
            holder=by,
            holder_is_me=bool(claim and claim.staff_id == who.staff_id),
            held_since=claim.taken_at if claim else None,
            place=(rank, submission.arrived_at, submission.id),
        )
        for submission, rank, name, case, caseworker, covers, size, count, why, claim, by, said, fails, unclear in found
    ]


def counts(session: Session, who: Staff, wanted: Wanted) -> dict[Tab, int]:
    """How many lines stand under each tab, whichever is open."""
    now = need.days(clock.today(), office_days.of(session, who.office_id))
    under = [func.coalesce(func.sum(case((_under(tab, now), 1), else_=0)), 0) for tab in Tab]
    found = session.execute(_open(select(*under), who, replace(wanted, tab=Tab.ALL), now)).one()
    return {tab: int(count) for tab, count in zip(Tab, found, strict=True)}


def tally(session: Session, who: Staff, lists: Sequence[tuple[Wanted, datetime]]) -> list[tuple[int, int]]:
    """How many lines each list has, and how many of them came in after its moment; one query for all of them."""
    if not lists:
        return []
    now = need.days(clock.today(), office_days.of(session, who.office_id))
    parts = []
    for at, (wanted, since) in enumerate(lists):
        came = _step(Step.was == State.ARRIVED, Step.became == State.WAITING, Step.at > since)
        new = func.coalesce(func.sum(case((came, 1), else_=0)), 0)
        parts.append(_open(select(literal(at).label("at"), func.count(), new), who, wanted, now))
    found = session.execute(union_all(*parts).order_by("at")).all()
    return [(int(count), int(new)) for _at, count, new in found]


def above(
    session: Session,
    who: Staff,
    wanted: Wanted,
    shown: Collection[UUID],
    *,
    behind: Place | None = None,
    before: Place | None = None,
) -> int:
    """How many lines would stand among those her page shows, and do not: they have come since.

    :param behind: where her page begins, and ``before`` where it ends, if there are pages around it.
    """
    now = need.days(clock.today(), office_days.of(session, who.office_id))
    order = _order(now)
    query = _open(select(func.count()), who, wanted, now).where(Submission.id.not_in(shown))
    if behind is not None:
        query = query.where(tuple_(*order) > tuple_(*behind))
    if before is not None:
        query = query.where(tuple_(*order) < tuple_(*before))
    return session.scalar(query) or 0


def hands(session: Session, who: Staff, submissions: Collection[UUID]) -> dict[UUID, HandsRow]:
    """In whose hands each of them is now; one query. What she may not open is left out."""
    found = session.execute(
        select(Submission.id, Submission.state, StaffMember.name, Claim.staff_id, Claim.taken_at)
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .outerjoin(Claim, and_(Claim.office_id == Submission.office_id, Claim.submission_id == Submission.id, _runs()))
        .outerjoin(StaffMember, and_(StaffMember.office_id == Claim.office_id, StaffMember.id == Claim.staff_id))
        .where(Submission.office_id == who.office_id, Submission.id.in_(submissions), visible(who, Scope.ALL))
    )
    return {
        key: HandsRow(state, name, holder_id == who.staff_id, since) for key, state, name, holder_id, since in found
    }


def colleagues(session: Session, who: Staff) -> list[tuple[UUID, str]]:
    """Whose households one may look through: the caseworkers who work here now."""
    found = session.execute(
        select(StaffMember.id, StaffMember.name)
        .where(StaffMember.office_id == who.office_id, StaffMember.role == Role.CASEWORKER, StaffMember.active)
        .order_by(StaffMember.name, StaffMember.id)
    )
    return [(row.id, row.name) for row in found]


def ids(session: Session, who: Staff, wanted: Wanted, most: int) -> list[UUID]:
    """The first ``most`` of all lines that are wanted, in the order of the list."""
    now = need.days(clock.today(), office_days.of(session, who.office_id))
    query = _open(select(Submission.id), who, wanted, now)
    return list(session.scalars(query.order_by(_rank(now), Submission.arrived_at, Submission.id).limit(most)))


def districts(session: Session, who: Staff) -> list[str]:
    """The districts in which the office has households."""
    found = select(Household.district).where(Household.office_id == who.office_id, Household.district.is_not(None))
    return [name for name in session.scalars(found.distinct().order_by(Household.district)) if name]


def next_for(session: Session, who: Staff, wanted: Wanted = Wanted()) -> UUID | None:
    """The best submission that nobody else has, locked for this transaction: what came back to her before the rest.

    Only a danger stands before what a colleague has handed to her, and that before what she has asked for herself.
    Rows another session is just taking are passed over, so two people never wait for one another here.
    """
    best: UUID | None = session.scalar(_best(session, who, wanted).with_for_update(of=Submission, skip_locked=True))
    return best


def ahead_of(session: Session, who: Staff, wanted: Wanted = Wanted(), *, other_than: UUID | None = None) -> UUID | None:
    """What ``next_for`` would give just now. Nothing is taken; a moment later it may be another one.

    :param other_than: the one in hand, which is hers already.
    """
    query = _best(session, who, wanted)
    best: UUID | None = session.scalar(query.where(Submission.id != other_than) if other_than else query)
    return best


def _best(session: Session, who: Staff, wanted: Wanted) -> Any:
    now = need.days(clock.today(), office_days.of(session, who.office_id))
    hers = and_(_came_back(), _step(Step.became == State.RETURNED, Step.actor_id == who.staff_id, _BY_STAFF))
    handed = and_(Claim.staff_id == who.staff_id, Claim.handed_by.is_not(None))
    free = or_(
        Submission.state == State.WAITING,
        and_(Submission.state == State.IN_REVIEW, or_(Claim.until <= clock.now(), Claim.staff_id == who.staff_id)),
    )
    return (
        _open(select(Submission.id), who, wanted, now)
        .outerjoin(Claim, and_(Claim.office_id == Submission.office_id, Claim.submission_id == Submission.id))
        .where(free)
        .order_by(case((Submission.urgent, 0), (handed, 1), (hers, 2), else_=3), *_order(now))
        .limit(1)
    )


def _open(query: Any, who: Staff, wanted: Wanted, now: Days) -> Any:
    """``query`` over what waits and is wanted."""
    query = (
        query.select_from(Submission)
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(SubmissionVersion, LAST_SENT)
        .where(Submission.office_id == who.office_id, _IS_OPEN, _under(wanted.tab, now))
    )
    if wanted.colleague_id is None:
        in_her_hands = exists().where(
            Claim.office_id == Submission.office_id,
            Claim.submission_id == Submission.id,
            Claim.staff_id == who.staff_id,
        )
        mine = or_(visible(who, wanted.scope), in_her_hands.correlate(Submission))  # whoever's household it is
        query = query.where(visible(who, Scope.ALL), mine)
    else:
        query = query.where(visible(who, Scope.ALL), Household.caseworker_id == wanted.colleague_id)
    if wanted.kind is not None:
        query = query.where(Submission.kind == wanted.kind)
    if wanted.household_id is not None:
        query = query.where(Submission.household_id == wanted.household_id)
    if wanted.check is not None:
        query = query.where(_says(wanted.check))
    if wanted.district:
        query = query.where(Household.district == wanted.district)
    return query.where(is_sought(wanted.sought)) if wanted.sought.strip() else query


def _under(tab: Tab, now: Days) -> ColumnElement[bool]:
    held, look_by = Submission.state == State.ON_HOLD, Submission.look_by
    match tab:
        case Tab.OVERDUE:
            return and_(~held, look_by < now.open)
        case Tab.TODAY:
            return and_(~held, look_by.between(now.open, now.today))
        case Tab.SOON:
            return and_(~held, look_by > now.today, look_by <= now.soon)
        case Tab.HELD:
            return held
        case Tab.ALL:
            return true()


def _says(check: Checked) -> ColumnElement[bool]:
    found: ColumnElement[bool] = _checks(Check.id).exists()
    match check:
        case Checked.FAIL:
            found = _checks(Check.id, Result.FAIL).exists()
        case Checked.CANT_TELL:
            found = _checks(Check.id, Result.CANT_TELL).exists()
        case Checked.PASS:
            found = and_(found, ~_checks(Check.id, Result.FAIL, Result.CANT_TELL).exists())
    return found


def _checks(what: Any, *standing: Result) -> Any:
    """``what`` of the checks of the version that was sent last; with results, of those that nobody has overridden."""
    of_it = Check.office_id == SubmissionVersion.office_id, Check.version_id == SubmissionVersion.id
    query = select(what).where(*of_it).correlate(SubmissionVersion)
    return query.where(Check.result.in_(standing), Check.overridden_by.is_(None)) if standing else query


def is_sought(sought: str) -> ColumnElement[bool]:
    """Whose line it is, with household and member joined, or its number. Typed in any width, with spaces or without."""
    text = "".join(unicodedata.normalize("NFKC", sought[:LONGEST]).split())
    number = _DASHES.sub("", text.upper())
    read = func.replace(func.replace(Member.kana, "\u3000", ""), " ", "")
    name = func.replace(func.replace(Member.name, "\u3000", ""), " ", "")
    found = [Household.case_no == text, read.contains(hiragana(text), autoescape=True)]
    found.append(name.contains(text, autoescape=True))
    if number:
        found.append(func.replace(Submission.number, "-", "").contains(number, autoescape=True))
    return or_(*found)


def _rank(now: Days) -> ColumnElement[int]:
    """``rules.need.rank`` as an expression."""
    holds: dict[Need, ColumnElement[bool]] = {
        Need.DANGER: Submission.urgent.is_(True),
        Need.CALL: Submission.wants_call.is_(True),
        Need.CAME_BACK: _came_back(),
        Need.MESSAGE: and_(Submission.kind == DutyKind.MESSAGE, ~_answered()),
        Need.DUE_TODAY: Submission.look_by.between(now.open, now.today),
        Need.REFUSED: _refused(),
        Need.OVERDUE: Submission.look_by < now.open,
    }
    at: ColumnElement[int] = case((Submission.state == State.ON_HOLD, need.HELD + need.MOST), else_=need.MOST)
    for one, weight in need.WEIGHTS.items():
        at = at - case((holds[one], weight), else_=0)
    return at


def _order(now: Days) -> tuple[Any, ...]:
    """How the list is sorted, and what a ``Place`` is made of."""
    return _rank(now), Submission.arrived_at, Submission.id


def _runs() -> ColumnElement[bool]:
    """The lease still keeps others out."""
    return Claim.until > clock.now()


def _came_back() -> ColumnElement[bool]:
    """She has answered a correction. What she changed unasked has a second version, too, and one may be taken back."""
    return and_(Submission.version_no > 1, _step(Step.was == State.RETURNED, Step.became == State.ARRIVED))


def _step(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        exists()
        .where(Step.office_id == Submission.office_id, Step.submission_id == Submission.id, *which)
        .correlate(Submission)
    )


def _answered() -> ColumnElement[bool]:
    """The office has written to her since."""
    return (
        exists()
        .where(
            Message.office_id == Submission.office_id,
            Message.member_id == Submission.member_id,
            Message.sent_at > SubmissionVersion.sent_at,
        )
        .correlate(Submission, SubmissionVersion)
    )


def _refused() -> ColumnElement[bool]:
    """A file of it cannot be opened; for instance its safe copy was lost and cannot be drawn again."""
    return (
        exists()
        .where(
            VersionFile.office_id == SubmissionVersion.office_id,
            VersionFile.version_id == SubmissionVersion.id,
            StoredFile.office_id == VersionFile.office_id,
            StoredFile.id == VersionFile.file_id,
            StoredFile.state == FileState.REFUSED,
        )
        .correlate(SubmissionVersion)
    )


def visible(who: Staff, scope: Scope) -> ColumnElement[bool]:
    """The same rule as ``cover.may_open``, as a condition. Mine are those, too, whose caseworker I stand in for."""
    match who.role:
        case Role.SUPERVISOR:
            return Household.office_id == who.office_id
        case Role.CASEWORKER:
            own = or_(Household.caseworker_id == who.staff_id, cover.covers(who))
            return own if scope is Scope.MINE else or_(own, Household.protected.is_(False))
        case Role.CLERK | Role.ADMINISTRATOR:
            return Household.id.is_(None)
