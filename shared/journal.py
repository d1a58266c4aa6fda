"""Writing the office's journal, and checking that nobody has touched it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from shared import clock, series
from shared.model import Actor, LogEntry, NumberSeries, Step

FIRST: Final = "0" * 64  # what stands before the first entry
_PAGE = 500


def record(
    session: Session, office_id: UUID, by: Actor, event: str, subject_id: UUID | None = None, **facts: Any
) -> UUID:
    """Append one entry, and return its id. The number series holds other writers back until this transaction ends.

    :param event: ``noun.past_participle``.
    :param facts: ids, states, counts; never a name or an amount.
    """
    return _append(session, office_id, event, [(by, subject_id, facts)])[0]


def hold(session: Session, office_id: UUID) -> int:
    """Hold every other writer of the journal back until this transaction ends; return how many entries there are."""
    return series.take(session, office_id, "journal", 0, count=0) - 1


def record_step(session: Session, step: Step, event: str, subject_id: UUID | None = None, **facts: Any) -> UUID:
    """``record`` for a step of a submission, by whoever took it: the entry can be compared with the step's row.

    :param subject_id: what it is about, if it is not the submission.
    """
    by = Actor(step.actor_kind, step.actor_id)
    subject = subject_id or step.submission_id
    return record(session, step.office_id, by, event, subject, **facts, **step_facts(step))


def record_step_of_each(
    session: Session, office_id: UUID, event: str, taken: Sequence[tuple[Step, UUID, Mapping[str, Any]]]
) -> list[UUID]:
    """``record_step`` for many submissions of one office, each with its subject and its facts: one statement.

    :returns: the ids of the entries, in the same order.
    """
    return _append(
        session,
        office_id,
        event,
        [
            (Actor(step.actor_kind, step.actor_id), subject, {**facts, **step_facts(step)})
            for step, subject, facts in taken
        ],
    )


def step_facts(step: Step) -> dict[str, Any]:
    """What an entry says of a step, so that nobody can change or forget the one without the other."""
    return {
        "step": step.id,
        "was": step.was.value,
        "became": step.became.value,
        "at": _moment(step.at),
    }


def record_all(
    session: Session, office_id: UUID, by: Actor, event: str, entries: Sequence[tuple[UUID, Mapping[str, Any]]]
) -> None:
    """``record`` for many subjects at once, each with its facts: one statement, however many there are."""
    _append(session, office_id, event, [(by, subject_id, facts) for subject_id, facts in entries])


def _append(
    session: Session, office_id: UUID, event: str, entries: Sequence[tuple[Actor, UUID | None, Mapping[str, Any]]]
) -> list[UUID]:
    if not entries:
        return []
    seq = series.take(session, office_id, "journal", 0, count=len(entries))
    before = hash_at(session, office_id, seq - 1)
    rows = []
    for at, (by, subject_id, facts) in enumerate(entries, start=seq):
        entry = _entry(office_id, at, by, event, subject_id, facts, before)
        rows.append({column.key: getattr(entry, column.key) for column in LogEntry.__mapper__.columns})
        before = entry.hash
    session.execute(insert(LogEntry), rows)
    return [row["id"] for row in rows]


def _entry(
    office_id: UUID, seq: int, by: Actor, event: str, subject_id: UUID | None, facts: Mapping[str, Any], before: str
) -> LogEntry:
    entry = LogEntry(
        office_id=office_id,
        seq=seq,
        at=clock.now(),
        actor_kind=by.kind,
        actor_id=by.id,
        event=event,
        subject_id=subject_id,
        facts={name: str(value) if isinstance(value, UUID) else value for name, value in facts.items()},
        before=before,
        hash="",
    )
    entry.hash = hash_of(said(entry))
    return entry


def entries(session: Session, office_id: UUID, *, after: int = 0, most: int | None = None) -> Iterator[Any]:
    """The entries from ``after`` on, by their numbers, as rows; never more than a page of them in memory."""
    chain = select(LogEntry.__table__).where(LogEntry.office_id == office_id, LogEntry.seq > after)
    with closing(session.execute(chain.order_by(LogEntry.seq).limit(most).execution_options(yield_per=_PAGE))) as rows:
        yield from rows


def follows(entry: Any, seq: int, before: str) -> bool:
    """Whether an entry has this number, hangs on the hash of the one before it, and is what its own hash says."""
    return bool(entry.seq == seq and entry.before == before and entry.hash == hash_of(said(entry)))


def length(session: Session, office_id: UUID) -> int:
    """How many entries were ever written: the series knows, whatever became of the rows."""
    following = session.scalar(
        select(NumberSeries.next_serial).where(
            NumberSeries.office_id == office_id, NumberSeries.series == "journal", NumberSeries.year == 0
        )
    )
    return (following or 1) - 1


def first_broken(session: Session, office_id: UUID, *, after: int = 0) -> int | None:
    """The number of the first entry that is missing or does not fit the one before it; None if the chain is whole.

    :param after: up to here somebody has looked before.
    """
    before, expected = hash_at(session, office_id, after), after + 1
    for entry in entries(session, office_id, after=after):
        if not follows(entry, expected, before):
            return expected
        before, expected = entry.hash, expected + 1
    return None if length(session, office_id) == expected - 1 else expected  # the newest may have been cut off


def hash_at(session: Session, office_id: UUID, seq: int) -> str:
    """The hash of entry ``seq``; what stands before the first one for 0, and for one that is gone."""
    hash_there = select(LogEntry.hash).where(LogEntry.office_id == office_id, LogEntry.seq == seq)
    return session.scalar(hash_there) or FIRST


def said(entry: Any) -> str:
    """What the hash of an entry is over, as text."""
    facts = [
        str(entry.office_id),
        entry.seq,
        _moment(entry.at),
        entry.actor_kind.value,
        str(entry.actor_id),
        entry.event,
        str(entry.subject_id),
        entry.facts,
        entry.before,
    ]
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


def hash_of(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
