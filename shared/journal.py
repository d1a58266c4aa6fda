"""Writing the office's journal, and checking that nobody has touched it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from shared import clock, series
from shared.model import Actor, LogEntry, NumberSeries

_FIRST = "0" * 64


def record(
    session: Session, office_id: UUID, by: Actor, event: str, subject_id: UUID | None = None, **facts: Any
) -> LogEntry:
    """Append one entry. The number series holds other writers back until this transaction ends.

    :param event: ``noun.past_participle``.
    :param facts: ids, states, counts; never a name or an amount.
    """
    seq = series.take(session, office_id, "journal", 0)
    entry = _entry(office_id, seq, by, event, subject_id, facts, _before(session, office_id, seq))
    session.add(entry)
    session.flush()
    return entry


def hold(session: Session, office_id: UUID) -> int:
    """Hold every other writer of the journal back until this transaction ends; return how many entries there are."""
    return series.take(session, office_id, "journal", 0, count=0) - 1


def record_all(
    session: Session, office_id: UUID, by: Actor, event: str, entries: Sequence[tuple[UUID, Mapping[str, Any]]]
) -> None:
    """``record`` for many subjects at once, each with its facts: one statement, however many there are."""
    if not entries:
        return
    seq = series.take(session, office_id, "journal", 0, count=len(entries))
    before = _before(session, office_id, seq)
    rows = []
    for at, (subject_id, facts) in enumerate(entries, start=seq):
        entry = _entry(office_id, at, by, event, subject_id, facts, before)
        rows.append({column.key: getattr(entry, column.key) for column in LogEntry.__mapper__.columns})
        before = entry.hash
    session.execute(insert(LogEntry), rows)


def _before(session: Session, office_id: UUID, seq: int) -> str:
    hash_before = select(LogEntry.hash).where(LogEntry.office_id == office_id, LogEntry.seq == seq - 1)
    return session.scalar(hash_before) or _FIRST


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
    entry.hash = _hash(entry)
    return entry


def first_broken(session: Session, office_id: UUID) -> int | None:
    """The number of the first entry that is missing or does not fit the one before it; None if the chain is whole."""
    before, expected = _FIRST, 1
    entries = select(LogEntry).where(LogEntry.office_id == office_id).order_by(LogEntry.seq)
    with closing(session.scalars(entries.execution_options(yield_per=500))) as chain:
        for entry in chain:
            if entry.seq != expected or entry.before != before or entry.hash != _hash(entry):
                return expected
            before, expected = entry.hash, expected + 1
    given = select(NumberSeries.next_serial).where(
        NumberSeries.office_id == office_id, NumberSeries.series == "journal", NumberSeries.year == 0
    )
    return None if (session.scalar(given) or 1) == expected else expected  # the newest may have been cut off


def _hash(entry: LogEntry) -> str:
    said = [
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
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
