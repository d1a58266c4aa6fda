from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.model import MACHINE, Actor, LogEntry, new_id
from tests import factories


@pytest.fixture
def office_id(session: Session) -> UUID:
    return factories.office(session).id


def write(session: Session, office_id: UUID, count: int = 5) -> list[LogEntry]:
    who = Actor.staff(uuid4())
    ids = [journal.record(session, office_id, who, "submission.viewed", uuid4(), version=at) for at in range(count)]
    return [session.get_one(LogEntry, (office_id, one)) for one in ids]


def without_the_trigger(session: Session) -> None:
    """What somebody with the keys to the database could do."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("DROP TRIGGER log_entry_no_update"))
        session.execute(text("DROP TRIGGER log_entry_no_delete"))
    else:
        session.execute(text("DROP TRIGGER log_entry_append_only ON log_entry"))


def test_each_entry_holds_the_hash_of_the_one_before(session: Session, office_id: UUID) -> None:
    entries = write(session, office_id)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.before for entry in entries] == ["0" * 64] + [entry.hash for entry in entries[:-1]]
    assert len({entry.hash for entry in entries}) == 5


def test_a_chain_nobody_touched_is_whole_also_when_it_is_read_anew(session: Session, office_id: UUID) -> None:
    assert journal.first_broken(session, office_id) is None
    journal.record(session, office_id, MACHINE, "letter.sent", facts_in="日本語", n=0, some=[1, "二", None], id=uuid4())
    write(session, office_id)
    session.expire_all()
    assert journal.first_broken(session, office_id) is None


def test_many_entries_written_at_once_are_links_of_the_same_chain(session: Session, office_id: UUID) -> None:
    write(session, office_id, 2)
    subjects = [uuid4() for _ in range(3)]
    journal.record_all(session, office_id, MACHINE, "household.reassigned", [(one, {"now": one}) for one in subjects])
    journal.record_all(session, office_id, MACHINE, "household.reassigned", [])
    write(session, office_id, 1)
    entries = session.scalars(select(LogEntry).order_by(LogEntry.seq)).all()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.subject_id for entry in entries[2:5]] == subjects
    assert entries[2].facts == {"now": str(subjects[0])}
    assert journal.first_broken(session, office_id) is None


def test_each_office_has_a_chain_of_its_own(session: Session, office_id: UUID) -> None:
    other = factories.office(session, "HX").id
    write(session, office_id, 2)
    assert [entry.seq for entry in write(session, other, 2)] == [1, 2]
    without_the_trigger(session)
    session.execute(update(LogEntry).where(LogEntry.office_id == other, LogEntry.seq == 1).values(event="x.done"))
    assert journal.first_broken(session, office_id) is None
    assert journal.first_broken(session, other) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"event": "submission.accepted"},
        {"actor_id": new_id()},
        {"actor_id": None},
        {"actor_kind": "machine"},
        {"subject_id": new_id()},
        {"at": clock.now()},
        {"facts": {"version": 9}},
        {"before": "0" * 64},
        {"hash": "a" * 64},
        {"seq": 99},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("seq", [2, 3])
def test_an_entry_that_was_changed_is_found(
    session: Session, office_id: UUID, change: dict[str, Any], seq: int
) -> None:
    write(session, office_id)
    without_the_trigger(session)
    entry = update(LogEntry).where(LogEntry.office_id == office_id, LogEntry.seq == seq)
    session.execute(entry.values(**change).execution_options(synchronize_session=False))
    session.expire_all()
    assert journal.first_broken(session, office_id) == seq


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_an_entry_that_was_taken_out_is_found_also_the_newest(session: Session, office_id: UUID, seq: int) -> None:
    write(session, office_id)
    without_the_trigger(session)
    session.execute(delete(LogEntry).where(LogEntry.office_id == office_id, LogEntry.seq == seq))
    assert journal.first_broken(session, office_id) == seq


def test_two_entries_that_changed_places_are_found(session: Session, office_id: UUID) -> None:
    write(session, office_id)
    without_the_trigger(session)
    for was, to in ((2, 99), (3, 2), (99, 3)):
        entry = update(LogEntry).where(LogEntry.office_id == office_id, LogEntry.seq == was)
        session.execute(entry.values(seq=to).execution_options(synchronize_session=False))
    session.expire_all()
    assert journal.first_broken(session, office_id) == 2


def test_the_journal_knows_ids_and_not_names(session: Session) -> None:
    factories.submission(session)
    said = repr(session.scalars(select(LogEntry.facts)).all())
    assert "見本" not in said
    assert "85400" not in said
