"""締め: a clerk closes the office's day. What has arrived until then is of that day; what comes later, of the next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared import clock, journal, ledger, log_tree
from shared.errors import NotClosable, NotThere, RuleStands
from shared.model import (
    Actor,
    ClosingKind,
    ClosingSignature,
    ClosingTime,
    DayClosing,
    DutyKind,
    Job,
    LogEntry,
    Receipt,
    Role,
    SecondLook,
    StaffMember,
    State,
    Submission,
    WelfareOffice,
)
from shared.outbox import promise
from shared.retention import take_turn
from shared.rules import forms
from shared.rules import ledger as rules
from shared.rules.ledger import Book
from shared.rules.months import add_months
from shared.rules.wareki import japanese_date, japanese_moment
from shared.sign_in import Staff

ISSUED: Final = "receipt.issued"
VOIDED: Final = "receipt.voided"
USUAL: Final = time(17, 15)  # where an office has said nothing
ON_THE_SHEET: Final = 10  # voids and missing numbers that one page has room for; it says how many more there are
WAY: Final = "窓口サイト"  # the only way in so far


@dataclass(frozen=True)
class Void:
    """A 受領証 that was voided on this day, whenever it was issued."""

    document_no: str
    at: datetime
    who: str
    reason: str


@dataclass(frozen=True)
class Counts:
    """What a day has come to."""

    kinds: Mapping[DutyKind, int]  # arrivals by kind, in the order of the forms
    numbers: tuple[str, ...]  # 受付番号, in their order
    withdrawn: int
    documents: tuple[str, ...]  # 文書番号, in their order
    voids: tuple[Void, ...]
    ready_left: int
    second_looks_left: int

    @property
    def missing(self) -> list[str]:
        """Numbers between the first and the last that are not among them."""
        return [number for run in rules.runs(self.numbers) for number in run.missing]


@dataclass(frozen=True)
class Desk:
    """How closing stands today: what the clerk's desk says."""

    today: date
    closes_at: time
    works: bool  # the office works today
    closed_at: datetime | None
    closed_by: str
    not_closed: list[date]  # open days before today


@dataclass(frozen=True)
class Sheet:
    """A closed day as its sheet says it."""

    id: UUID
    day: date
    closed_at: datetime
    closed_by: str
    content: Mapping[str, Any]
    digest: str
    signature: bytes | None


@dataclass(frozen=True)
class DayRow:
    """One day in the list of a month. ``id``: None while it is not closed."""

    id: UUID | None
    day: date
    closed_at: datetime | None = None
    closed_by: str = ""
    arrivals: int = 0
    number_from: str = ""
    number_to: str = ""
    receipts: int = 0
    document_from: str = ""
    document_to: str = ""
    voids: int = 0


@dataclass(frozen=True)
class TimeRow:
    """From a day on, when the day is usually closed."""

    from_day: date
    at: time
    set_by: str


# ---- when ----


def closes_at(session: Session, office_id: UUID, day: date) -> time:
    """When the office usually closes on ``day``."""
    found = session.scalar(
        select(ClosingTime.at)
        .where(ClosingTime.office_id == office_id, ClosingTime.from_day <= day)
        .order_by(ClosingTime.from_day.desc())
        .limit(1)
    )
    return found or USUAL


def times(session: Session, who: Staff) -> list[TimeRow]:
    """What was set, the newest first."""
    setter = and_(StaffMember.office_id == ClosingTime.office_id, StaffMember.id == ClosingTime.set_by)
    found = session.execute(
        select(ClosingTime.from_day, ClosingTime.at, StaffMember.name)
        .join(StaffMember, setter)
        .where(ClosingTime.office_id == who.office_id)
        .order_by(ClosingTime.from_day.desc())
    )
    return [TimeRow(*row) for row in found]


def set_time(session: Session, who: Staff, at: time, from_day: date) -> None:
    """Say when the day is usually closed, from a day on. The same again is the same; one to come may be put right.

    :raises NotThere: for whoever is no supervisor.
    :raises RuleStands: if another time holds since that day.
    :raises ValueError: for a day in the past.
    """
    if who.role is not Role.SUPERVISOR:
        raise NotThere
    if from_day < clock.today():
        raise ValueError("a time is set from today on, or later")
    take_turn(session, who.office_id)
    row = session.scalar(
        select(ClosingTime).where(ClosingTime.office_id == who.office_id, ClosingTime.from_day == from_day)
    )
    if row and row.at == at:
        return
    if row and from_day <= clock.today():
        raise RuleStands
    if row is None:
        row = ClosingTime(office_id=who.office_id, from_day=from_day, at=at, set_by=who.staff_id)
        session.add(row)
    row.at, row.set_by = at, who.staff_id
    session.flush()
    facts = {"at": at.isoformat("minutes"), "from_day": from_day.isoformat()}
    journal.record(session, who.office_id, Actor.staff(who.staff_id), "closing_time.set", row.id, **facts)


def desk(session: Session, who: Staff) -> Desk:
    """How closing stands today."""
    today, books = clock.today(), ledger.book(session, who.office_id)
    closed = _row(session, who.office_id, today)
    return Desk(
        today=today,
        closes_at=closes_at(session, who.office_id, today),
        works=books.calendar.is_open(today),
        closed_at=closed.closed_at if closed else None,
        closed_by=_name(session, closed) if closed else "",
        not_closed=books.not_closed(today),
    )


# ---- closing ----


def so_far(session: Session, who: Staff, day: date) -> Counts:
    """What the sheet would say if the day were closed now.

    :raises NotClosable: for a day that cannot be closed.
    """
    books = ledger.book(session, who.office_id)
    if not books.may_close(day, clock.today()):
        raise NotClosable
    size = session.scalar(select(func.max(LogEntry.seq)).where(LogEntry.office_id == who.office_id)) or 0
    return _counts(session, who.office_id, *_stretch(session, who.office_id, books, day, size))


def close(session: Session, who: Staff, day: date) -> DayClosing:
    """Close a day: today up to this moment, or one that is over up to its midnight. Twice is once.

    The journal is held before anything is counted. Whatever has written its entry is committed and counted here;
    whoever stamped an arrival and has not written its entry yet waits, and is of the next day.

    :raises NotThere: for whoever is no clerk.
    :raises NotClosable: for a day that has not come, or one before a day that is closed.
    """
    if who.role is not Role.CLERK:
        raise NotThere
    size = journal.hold(session, who.office_id)
    there = _row(session, who.office_id, day)
    if there is not None:
        return there
    books = ledger.book(session, who.office_id)
    if not books.may_close(day, clock.today()):
        raise NotClosable
    after, until = _stretch(session, who.office_id, books, day, size)
    counts = _counts(session, who.office_id, after, until)
    head = log_tree.head(session, who.office_id)
    now = clock.now()
    content = _content(session, who, day, now, counts)
    content |= {"log_until": until, "log_size": head.size, "root": head.root}
    row = DayClosing(
        office_id=who.office_id,
        day=day,
        closed_at=now,
        closed_by=who.staff_id,
        after_seq=after,
        until_seq=until,
        arrivals=len(counts.numbers),
        number_from=_first(counts.numbers),
        number_to=_last(counts.numbers),
        withdrawn=counts.withdrawn,
        receipts=len(counts.documents),
        document_from=_first(counts.documents),
        document_to=_last(counts.documents),
        voids=len(counts.voids),
        ready_left=counts.ready_left,
        second_looks_left=counts.second_looks_left,
        log_size=head.size,
        root=head.root,
        content=content,
        digest=hashlib.sha256(as_bytes(content)).hexdigest(),
    )
    session.add(row)
    session.flush()
    for kind, arrivals in counts.kinds.items():
        session.add(ClosingKind(office_id=row.office_id, closing_id=row.id, kind=kind, arrivals=arrivals))
    session.flush()
    promise(session, row.office_id, Job.SIGN_CLOSING, row.id)
    facts = {"day": day.isoformat(), "until": until, "arrivals": row.arrivals, "receipts": row.receipts}
    by = Actor.staff(who.staff_id)
    journal.record(session, row.office_id, by, "day.closed", row.id, **facts, content_sha256=row.digest)
    return row


def as_bytes(content: Mapping[str, Any]) -> bytes:
    """What is hashed and signed of a sheet: JSON with sorted names, no spaces, UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sign(session: Session, office_id: UUID, closing_id: UUID, cms: bytes) -> None:
    """Put the office's signature beside a sheet. Of two the first is kept."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = {"office_id": office_id, "closing_id": closing_id, "signed_at": clock.now(), "cms": cms}
    session.execute(insert(ClosingSignature).values(**made).on_conflict_do_nothing())


# ---- what was closed ----


def sheet(session: Session, who: Staff, day: date) -> Sheet:
    """The sheet of a closed day.

    :raises NotThere: for a day that is not closed.
    """
    row = _row(session, who.office_id, day)
    if row is None:
        raise NotThere
    signature = session.get(ClosingSignature, (row.office_id, row.id))
    return Sheet(
        id=row.id,
        day=row.day,
        closed_at=row.closed_at,
        closed_by=_name(session, row),
        content=row.content,
        digest=row.digest,
        signature=signature.cms if signature else None,
    )


def of_month(session: Session, who: Staff, month: date) -> list[DayRow]:
    """The closed days of a month, and its open days since the first closing that nobody has closed; newest first."""
    closer = and_(StaffMember.office_id == DayClosing.office_id, StaffMember.id == DayClosing.closed_by)
    found = session.execute(
        select(DayClosing, StaffMember.name)
        .join(StaffMember, closer)
        .where(
            DayClosing.office_id == who.office_id,
            DayClosing.day >= month,
            DayClosing.day < add_months(month, 1),
        )
    )
    rows = [
        DayRow(
            id=row.id,
            day=row.day,
            closed_at=row.closed_at,
            closed_by=name,
            arrivals=row.arrivals,
            number_from=row.number_from or "",
            number_to=row.number_to or "",
            receipts=row.receipts,
            document_from=row.document_from or "",
            document_to=row.document_to or "",
            voids=row.voids,
        )
        for row, name in found
    ]
    books = ledger.book(session, who.office_id)
    rows += [DayRow(None, day) for day in _left_out(books, month)]
    return sorted(rows, key=lambda row: row.day, reverse=True)


def _left_out(books: Book, month: date) -> list[date]:
    if not books.closings:
        return []
    closed = {one.day for one in books.closings}
    first = max(month, books.closings[0].day)
    last = min(add_months(month, 1), clock.today()) - timedelta(days=1)
    return [day for day in rules.days(first, last) if books.calendar.is_open(day) and day not in closed]


# ---- counting ----


def _stretch(session: Session, office_id: UUID, books: Book, day: date, size: int) -> tuple[int, int]:
    """The entries of the journal between which the day lies, as far as it has come."""
    after = books.last.until_seq if books.last else _written_before(session, office_id, day)
    if day == clock.today():
        return after, size
    return after, max(after, _written_before(session, office_id, day + timedelta(days=1)))


def _written_before(session: Session, office_id: UUID, day: date) -> int:
    """The last entry before a day began. It is sought from the newest on: a day is closed soon after it is over."""
    before = and_(LogEntry.office_id == office_id, LogEntry.at < clock.start_of(day))
    return session.scalar(select(LogEntry.seq).where(before).order_by(LogEntry.seq.desc()).limit(1)) or 0


def _counts(session: Session, office_id: UUID, after: int, until: int) -> Counts:
    arrived = session.execute(
        select(Submission.number, Submission.kind, Submission.state)
        .where(
            Submission.office_id == office_id,
            Submission.id.in_(ledger.written(office_id, ledger.ARRIVED, after, until)),
        )
        .order_by(func.length(Submission.number), Submission.number)
    ).all()
    issued = session.scalars(
        select(Receipt.document_no)
        .where(Receipt.office_id == office_id, Receipt.id.in_(ledger.written(office_id, ISSUED, after, until)))
        .order_by(func.length(Receipt.document_no), Receipt.document_no)
    )
    kinds = [row.kind for row in arrived]
    ready = select(func.count(Submission.id)).where(
        Submission.office_id == office_id, Submission.state == State.ACCEPTED
    )
    looks = select(func.count(SecondLook.id)).where(
        SecondLook.office_id == office_id, SecondLook.looked_at.is_(None), SecondLook.dropped_at.is_(None)
    )
    return Counts(
        kinds={kind: kinds.count(kind) for kind in DutyKind if kind in kinds},
        numbers=tuple(row.number for row in arrived),
        withdrawn=sum(row.state is State.WITHDRAWN for row in arrived),
        documents=tuple(issued),
        voids=_voids(session, office_id, after, until),
        ready_left=session.scalar(ready) or 0,
        second_looks_left=session.scalar(looks) or 0,
    )


def _voids(session: Session, office_id: UUID, after: int, until: int) -> tuple[Void, ...]:
    voider = and_(StaffMember.office_id == Receipt.office_id, StaffMember.id == Receipt.voided_by)
    found = session.execute(
        select(Receipt.document_no, Receipt.voided_at, StaffMember.name, Receipt.void_reason)
        .join(StaffMember, voider)
        .where(Receipt.office_id == office_id, Receipt.id.in_(ledger.written(office_id, VOIDED, after, until)))
        .order_by(Receipt.voided_at, Receipt.id)
    )
    return tuple(Void(number, at or clock.now(), who, reason or "") for number, at, who, reason in found)


def _content(session: Session, who: Staff, day: date, now: datetime, counts: Counts) -> dict[str, Any]:
    """Every word of the sheet. Japanese, because it is an official document; frozen, because it is a proof."""
    office, missing = session.get_one(WelfareOffice, who.office_id), counts.missing
    return {
        "office": office.name,
        "day": japanese_date(day),
        "closed_at": japanese_moment(now, seconds=True),
        "closed_by": who.name,
        "later": day != clock.day_of(now),  # closed on another day than its own
        "arrivals": len(counts.numbers),
        "numbers": [_first(counts.numbers), _last(counts.numbers)],
        "missing": missing[:ON_THE_SHEET],
        "missing_count": len(missing),
        "kinds": [[forms.name_of(kind), arrivals] for kind, arrivals in counts.kinds.items()],
        "ways": [[WAY, len(counts.numbers)]],
        "withdrawn": counts.withdrawn,
        "receipts": len(counts.documents),
        "documents": [_first(counts.documents), _last(counts.documents)],
        "voids": [
            [void.document_no, japanese_moment(void.at), void.who, void.reason] for void in counts.voids[:ON_THE_SHEET]
        ],
        "voids_count": len(counts.voids),
        "ready_left": counts.ready_left,
        "second_looks_left": counts.second_looks_left,
    }


def _first(numbers: tuple[str, ...]) -> str | None:
    return numbers[0] if numbers else None


def _last(numbers: tuple[str, ...]) -> str | None:
    return numbers[-1] if numbers else None


def _row(session: Session, office_id: UUID, day: date) -> DayClosing | None:
    return session.scalar(select(DayClosing).where(DayClosing.office_id == office_id, DayClosing.day == day))


def _name(session: Session, row: DayClosing) -> str:
    return session.get_one(StaffMember, (row.office_id, row.closed_by)).name
