"""Who looked at what of which household, when, from where and why: for an audit, and for whoever asks about herself.

It reads the journal and nothing else, so it says what cannot be edited. Looking here is an entry itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, select, union_all
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import NotThere
from shared.model import (
    Actor,
    ActorKind,
    Household,
    HouseholdLook,
    LogEntry,
    Member,
    Message,
    OriginalFetch,
    Receipt,
    Role,
    StaffMember,
    StoredFile,
    Submission,
)
from shared.rules.access import may_name
from shared.sign_in import Staff

PAGE: Final = 50
LOOKS: Final = (
    "household.viewed",
    "submission.viewed",
    "submission.loaded_ahead",
    "file.viewed",
    "receipt.viewed",
    "original.fetched",
)
LISTS: Final = (
    "owed.downloaded",
    "assignment.downloaded",
    "ledger.viewed",
    "ledger.printed",
    "ledger.downloaded",
    "looks.viewed",
    "looks.printed",
    "looks.downloaded",
    "bundle.downloaded",
)
"""Lists of many households that were opened or taken out: they belong to no single one."""


class Kind(StrEnum):
    """Which entries."""

    LOOKS = "looks"  # staff looked at papers of one household
    LISTS = "lists"
    ALL = "all"  # everything that was done, also by the persons themselves and by the machine


@dataclass(frozen=True)
class Wanted:
    """Which entries: those of a stretch of days, both included, and perhaps of one household or one colleague."""

    first: date
    last: date
    kind: Kind = Kind.LOOKS
    household_id: UUID | None = None
    staff_id: UUID | None = None


@dataclass(frozen=True)
class Home:
    """The household an entry is about, as far as whoever asks may know it."""

    id: UUID
    case_no: str
    head: str


@dataclass(frozen=True)
class Look:
    """One entry of the journal, in words."""

    seq: int
    at: datetime
    by: ActorKind
    who: str  # of staff; empty for others
    role: Role | None
    event: str
    home: Home | None
    number: str  # 受付番号 or 文書番号 of what it is about
    from_address: str
    why: str  # what was written as the reason, where one was asked for


def open_for(who: Staff) -> None:
    """Supervisors and administrators only.

    :raises NotThere: for every other role.
    """
    if who.role not in (Role.SUPERVISOR, Role.ADMINISTRATOR):
        raise NotThere


def household_of(session: Session, who: Staff, typed: str) -> UUID | None:
    """The household with this case number, however wide it was typed."""
    case_no = unicodedata.normalize("NFKC", typed).strip()
    return session.scalar(
        select(Household.id).where(Household.office_id == who.office_id, Household.case_no == case_no)
    )


def colleagues(session: Session, who: Staff) -> list[tuple[UUID, str]]:
    """Everybody who works or has worked in the office, by name."""
    rows = session.execute(
        select(StaffMember.id, StaffMember.name)
        .where(StaffMember.office_id == who.office_id)
        .order_by(StaffMember.active.desc(), StaffMember.name, StaffMember.id)
    )
    return [(key, name) for key, name in rows]


def looks(session: Session, who: Staff, wanted: Wanted, *, behind: int | None = None, most: int = PAGE) -> list[Look]:
    """The entries, the newest first. However many they are, it takes a handful of queries.

    :param behind: only what is older than this entry: the last line of the page before.
    :raises NotThere: for whoever is neither supervisor nor administrator.
    """
    open_for(who)
    query = select(LogEntry).where(_wanted(session, who, wanted)).order_by(LogEntry.seq.desc()).limit(most)
    if behind is not None:
        query = query.where(LogEntry.seq < behind)
    entries = session.scalars(query).all()
    about = _about(session, who, entries)
    people = _people(session, who.office_id, entries)
    reasons = _reasons(session, who.office_id, entries)
    return [_look(entry, about, people, reasons) for entry in entries]


def count(session: Session, who: Staff, wanted: Wanted) -> int:
    """How many entries there are, on all pages."""
    open_for(who)
    return session.scalars(select(func.count(LogEntry.id)).where(_wanted(session, who, wanted))).one()


def record(session: Session, who: Staff, how: str, wanted: Wanted, from_address: str) -> None:
    """Write down that somebody looked here.

    :param how: viewed, printed, or downloaded.
    """
    facts: dict[str, Any] = {"first": wanted.first.isoformat(), "last": wanted.last.isoformat(), "kind": wanted.kind}
    facts["from_address"] = from_address
    if wanted.staff_id is not None:
        facts["staff"] = wanted.staff_id
    journal.record(session, who.office_id, Actor.staff(who.staff_id), f"looks.{how}", wanted.household_id, **facts)


def _wanted(session: Session, who: Staff, wanted: Wanted) -> ColumnElement[bool]:
    end = clock.start_of(wanted.last + timedelta(days=1))
    conditions: list[ColumnElement[bool]] = [
        LogEntry.office_id == who.office_id,
        LogEntry.at >= clock.start_of(wanted.first),
        LogEntry.at < end,
    ]
    match wanted.kind:
        case Kind.LOOKS:
            conditions.append(LogEntry.event.in_(LOOKS))
        case Kind.LISTS:
            conditions.append(LogEntry.event.in_(LISTS))
        case Kind.ALL:
            pass
    if wanted.staff_id is not None:
        conditions += [LogEntry.actor_kind == ActorKind.STAFF, LogEntry.actor_id == wanted.staff_id]
    if wanted.household_id is not None:
        ids = list(session.scalars(_everything_of(who.office_id, wanted.household_id)))
        conditions.append(LogEntry.subject_id.in_([wanted.household_id, *ids]))
    return and_(*conditions)


def _everything_of(office_id: UUID, household_id: UUID) -> Any:
    """The ids of what a household has sent, got and was written: an entry is about one of them."""
    sent = and_(Submission.office_id == office_id, Submission.household_id == household_id)
    members = select(Member.id).where(Member.office_id == office_id, Member.household_id == household_id)
    of_it = [
        members,
        select(Submission.id).where(sent, Submission.member_id.in_(members)),
        select(StoredFile.id).join(Submission, _submission_of(StoredFile)).where(sent),
        select(Receipt.id).join(Submission, _submission_of(Receipt)).where(sent),
        select(Message.id).where(Message.office_id == office_id, Message.household_id == household_id),
    ]
    return union_all(*of_it)


def _submission_of(table: Any) -> ColumnElement[bool]:
    return and_(Submission.office_id == table.office_id, Submission.id == table.submission_id)


def _about(session: Session, who: Staff, entries: Sequence[LogEntry]) -> dict[UUID, tuple[Home, str]]:
    """What each subject is: its household, and its number."""
    ids = {entry.subject_id for entry in entries if entry.subject_id is not None}
    found: dict[UUID, tuple[UUID, str]] = {}
    for query in _kinds_of_subject(who.office_id, ids):
        found.update({key: (home, number or "") for key, home, number in session.execute(query)})
    homes = _homes(session, who, {home for home, _number in found.values()} | ids)
    found.update({key: (key, "") for key in ids & homes.keys()})
    return {key: (homes[home], number) for key, (home, number) in found.items()}


def _kinds_of_subject(office_id: UUID, ids: Iterable[UUID]) -> list[Any]:
    some = list(ids)
    return [
        select(Submission.id, Submission.household_id, Submission.number).where(
            Submission.office_id == office_id, Submission.id.in_(some)
        ),
        select(StoredFile.id, Submission.household_id, Submission.number)
        .join(Submission, _submission_of(StoredFile))
        .where(StoredFile.office_id == office_id, StoredFile.id.in_(some)),
        select(Receipt.id, Submission.household_id, Receipt.document_no)
        .join(Submission, _submission_of(Receipt))
        .where(Receipt.office_id == office_id, Receipt.id.in_(some)),
        select(Member.id, Member.household_id, literal("")).where(Member.office_id == office_id, Member.id.in_(some)),
        select(Message.id, Message.household_id, literal("")).where(
            Message.office_id == office_id, Message.id.in_(some)
        ),
    ]


def _homes(session: Session, who: Staff, ids: Iterable[UUID]) -> dict[UUID, Home]:
    head = and_(Member.office_id == Household.office_id, Member.household_id == Household.id, Member.is_head)
    rows = session.execute(
        select(Household.id, Household.case_no, Household.protected, Member.name)
        .outerjoin(Member, head)
        .where(Household.office_id == who.office_id, Household.id.in_(list(ids)))
    )
    return {
        key: Home(key, case_no, (name or "") if may_name(who.role, protected=protected) else "")
        for key, case_no, protected, name in rows
    }


def _people(session: Session, office_id: UUID, entries: Sequence[LogEntry]) -> dict[UUID, tuple[str, Role]]:
    ids = {entry.actor_id for entry in entries if entry.actor_kind is ActorKind.STAFF and entry.actor_id}
    rows = session.execute(
        select(StaffMember.id, StaffMember.name, StaffMember.role).where(
            StaffMember.office_id == office_id, StaffMember.id.in_(ids)
        )
    )
    return {key: (name, role) for key, name, role in rows}


def _reasons(session: Session, office_id: UUID, entries: Sequence[LogEntry]) -> dict[str, str]:
    """What was written as a reason, by the id of the row that an entry names."""
    ids = [UUID(key) for entry in entries if (key := _why(entry))]
    found: dict[str, str] = {}
    for table in (HouseholdLook, OriginalFetch):
        rows = session.execute(select(table.id, table.reason).where(table.office_id == office_id, table.id.in_(ids)))
        found.update({str(key): reason for key, reason in rows})
    return found


def _why(entry: LogEntry) -> str | None:
    """The row that holds the reason. Entries of earlier releases name it after its table."""
    if entry.event not in LOOKS:
        return None
    why: str | None = entry.facts.get("why") or entry.facts.get("look") or entry.facts.get("fetch")
    return why


def _look(
    entry: LogEntry,
    about: dict[UUID, tuple[Home, str]],
    people: dict[UUID, tuple[str, Role]],
    reasons: dict[str, str],
) -> Look:
    home, number = about.get(entry.subject_id, (None, "")) if entry.subject_id else (None, "")
    name, role = people.get(entry.actor_id, ("", None)) if entry.actor_id else ("", None)
    return Look(
        seq=entry.seq,
        at=entry.at,
        by=entry.actor_kind,
        who=name,
        role=role,
        event=entry.event,
        home=home,
        number=number,
        from_address=str(entry.facts.get("from_address") or ""),
        why=reasons.get(_why(entry) or "", ""),
    )
