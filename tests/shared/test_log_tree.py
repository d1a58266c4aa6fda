from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, event, func, insert, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from shared import journal, log_tree
from shared.errors import LogBroken
from shared.model import MACHINE, LogEntry, LogNode
from shared.rules.merkle import EMPTY, Tree
from tests import factories
from tests.shared.test_journal import without_the_trigger, write


@pytest.fixture
def office_id(session: Session) -> UUID:
    return factories.office(session).id


def root_of(entries: list[LogEntry]) -> str:
    tree = Tree()
    for entry in entries:
        tree.add(log_tree.leaf_of(entry.hash))
    return tree.root().hex()


def test_a_head_is_the_hash_over_every_entry_so_far(session: Session, office_id: UUID) -> None:
    assert log_tree.head(session, office_id) == log_tree.Head(0, EMPTY.hex())
    entries: list[LogEntry] = []
    for count in (1, 2, 4, 1):
        entries += write(session, office_id, count)
        assert log_tree.head(session, office_id) == log_tree.Head(len(entries), root_of(entries))
    for size in range(1, 9):
        assert log_tree.head(session, office_id, size).root == root_of(entries[:size])


def test_the_tree_grows_in_stretches_and_twice_is_once(session: Session, office_id: UUID) -> None:
    entries = write(session, office_id, 11)
    assert [log_tree.grow(session, office_id, most=4) for _ in range(4)] == [4, 4, 3, 0]
    assert log_tree.head(session, office_id).root == root_of(entries)
    assert session.scalar(select(func.count()).select_from(LogNode)) == 11 + 5 + 2 + 1


def test_two_who_let_it_grow_at_once_write_the_same_rows(make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        office_id = factories.office(session).id
        entries = write(session, office_id, 7)
    with make_session() as session:
        nodes = log_tree.grow(session, office_id)
        rows = session.execute(select(LogNode.__table__)).mappings().all()
        session.rollback()
    assert nodes == 7
    with make_session.begin() as session:
        session.execute(insert(LogNode), [dict(row) for row in rows[:1]])  # the other one was quicker
    with make_session.begin() as session:
        log_tree.grow(session, office_id)
        assert log_tree.head(session, office_id).root == root_of(entries)


@pytest.mark.parametrize("size", [1, 2, 7, 13])
def test_every_entry_has_a_proof_that_travels_as_json(session: Session, office_id: UUID, size: int) -> None:
    write(session, office_id, 13)
    for seq in range(1, size + 1):
        proof = log_tree.proof_of(session, office_id, seq, size)
        again = log_tree.Inclusion(**json.loads(json.dumps(asdict(proof))))
        assert again == proof
        assert again.holds()
        assert again.root == log_tree.head(session, office_id, size).root
        assert json.loads(again.said)[1] == seq
        assert not replace(again, said=again.said + " ").holds()
        assert not replace(again, root="0" * 64).holds()
        assert not replace(again, seq=seq + 1).holds()


def test_there_is_no_proof_of_what_is_not_in_the_tree(session: Session, office_id: UUID) -> None:
    write(session, office_id, 3)
    for seq, size in ((0, 3), (4, 3), (1, 0)):
        with pytest.raises(ValueError, match="not in that tree"):
            log_tree.proof_of(session, office_id, seq, size)
    with pytest.raises(LogBroken):
        log_tree.proof_of(session, office_id, 1, 4)


def test_any_two_heads_are_proven_to_belong_together(session: Session, office_id: UUID) -> None:
    write(session, office_id, 9)
    for first in range(1, 10):
        for second in range(first, 10):
            proof = log_tree.consistency(session, office_id, first, second)
            assert proof.holds()
            assert not replace(proof, first=log_tree.Head(first, "0" * 64)).holds()
    with pytest.raises(ValueError, match="the first tree"):
        log_tree.consistency(session, office_id, 0, 3)


def test_a_proof_reads_few_rows_however_long_the_journal_is(session: Session, office_id: UUID) -> None:
    journal.record_all(session, office_id, MACHINE, "household.reassigned", [(uuid4(), {})] * 3000)
    log_tree.grow(session, office_id)
    session.expire_all()
    asked: list[int] = []
    connection = session.connection()

    plans: list[tuple[str, Any]] = []

    def hear(*given: Any) -> None:
        asked.append(len(given[3]))
        if given[2].startswith("SELECT log_node.level"):
            plans.append((given[2], given[3]))

    event.listen(connection, "before_cursor_execute", hear)
    proof = log_tree.proof_of(session, office_id, 1234, 2999)
    assert proof.holds()
    assert len(proof.path) <= 12
    assert 5 < len(asked) < 12
    assert sum(asked) < 200, "a question names the places of the nodes it reads; there are 6000"
    if connection.dialect.name == "sqlite":
        for statement, given in plans:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
            reads = [line for line in plan if "log_node" in line]
            assert reads
            assert all("level=? AND position=?" in line for line in reads), plan


def test_each_office_has_a_tree_of_its_own(session: Session, office_id: UUID) -> None:
    other = factories.office(session, "HX").id
    ours = write(session, office_id, 3)
    theirs = write(session, other, 5)
    assert log_tree.head(session, other).root == root_of(theirs)
    assert log_tree.head(session, office_id).root == root_of(ours)
    assert log_tree.proof_of(session, other, 2, 5).office == "HX"


@pytest.mark.parametrize("change", [{"event": "x.done"}, {"before": "0" * 64}, {"hash": "a" * 64}])
def test_the_tree_stops_before_an_entry_that_does_not_fit(
    session: Session, office_id: UUID, change: dict[str, str]
) -> None:
    write(session, office_id, 5)
    without_the_trigger(session)
    third = (LogEntry.office_id == office_id) & (LogEntry.seq == 3)
    session.execute(update(LogEntry).where(third).values(**change).execution_options(synchronize_session=False))
    assert log_tree.grow(session, office_id) == 2
    with pytest.raises(LogBroken) as broken:
        log_tree.head(session, office_id)
    assert broken.value.seq == 3


def test_a_node_that_is_gone_is_named_by_the_first_entry_below_it(session: Session, office_id: UUID) -> None:
    write(session, office_id, 9)
    log_tree.grow(session, office_id)
    drop_triggers(session, "log_node")
    session.execute(delete(LogNode).where(LogNode.level == 2, LogNode.position == 1))
    with pytest.raises(LogBroken) as broken:
        log_tree.proof_of(session, office_id, 1, 9)
    assert broken.value.seq == 5


@pytest.mark.parametrize("act", ["UPDATE {} SET office_id = office_id", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["log_node", "tree_head", "log_entry"])
def test_the_database_changes_nothing_of_it(session: Session, office_id: UUID, act: str, table: str) -> None:
    write(session, office_id, 2)
    log_tree.grow(session, office_id)
    factories.tree_head(session)
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(text(act.format(table)))


def test_the_journal_is_as_quick_as_before(session: Session, office_id: UUID) -> None:
    """Nothing of the tree is on the way of an entry."""
    write(session, office_id, 2)
    asked: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *given: asked.append(given[2]))
    journal.record(session, office_id, MACHINE, "letter.sent")
    assert len(asked) == 3, asked
    assert not [one for one in asked if "log_node" in one]


def drop_triggers(session: Session, table: str) -> None:
    if session.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER {table}_no_{act}"))
    else:
        session.execute(text(f"DROP TRIGGER {table}_append_only ON {table}"))
