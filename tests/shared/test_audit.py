"""Somebody with the keys to the database changes the journal; the audit says what and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from shared import clock, intake, journal, log_tree, receipts, review
from shared.audit import Audit, Witness
from shared.model import (
    Actor,
    LogEntry,
    LogNode,
    NumberSeries,
    Receipt,
    Role,
    Step,
    StoredFile,
    TreeHead,
    WelfareOffice,
    new_id,
)
from shared.rules.merkle import Tree
from tests import factories
from tests.shared.test_log_tree import drop_triggers

Change = Callable[[Session], None]


@pytest.fixture
def office(session: Session) -> WelfareOffice:
    """Nine entries, the tree over seven of them; nobody guards the tables any more."""
    office = factories.office(session)
    for count in range(9):
        journal.record(session, office.id, Actor.staff(uuid4()), f"thing{count + 1}.done", uuid4(), n=count)
        if count == 6:
            log_tree.grow(session, office.id)
    for table in ("log_entry", "log_node", "tree_head"):
        drop_triggers(session, table)
    return office


def damage(
    session: Session, office: WelfareOffice, *posted: Witness, signed: bool | None = True
) -> list[tuple[str, str]]:
    session.flush()
    session.expire_all()
    return [(one.kind.value, one.where) for one in Audit(session, office, lambda _head: signed, posted).damage()]


def entry(seq: int) -> Any:
    return LogEntry.seq == seq


def put(session: Session, which: int, **values: Any) -> None:
    session.execute(update(LogEntry).where(entry(which)).values(**values).execution_options(synchronize_session=False))


def take_out(session: Session, seq: int) -> None:
    session.execute(delete(LogEntry).where(entry(seq)).execution_options(synchronize_session=False))


def renumber(session: Session, *moves: tuple[int, int]) -> None:
    for was, to in moves:
        put(session, was, seq=to)


def slip_in(session: Session, office: WelfareOffice, seq: int, before: str) -> None:
    """A row with a hash that is its own, and that hangs on the one before it."""
    row = LogEntry(
        office_id=office.id,
        seq=seq,
        at=clock.now(),
        actor_kind=Actor.staff(uuid4()).kind,
        actor_id=uuid4(),
        event="lie.told",
        subject_id=uuid4(),
        facts={},
        before=before,
        hash="",
    )
    row.hash = journal.hash_of(journal.said(row))
    session.add(row)
    session.flush()


def chain_again(session: Session, office: WelfareOffice, first: int) -> None:
    """What an attacker does who knows how the chain is made: every hash from ``first`` on is made anew."""
    before = journal.hash_at(session, office.id, first - 1)
    for row in list(journal.entries(session, office.id, after=first - 1)):
        put(session, row.seq, before=before)
        again = next(iter(journal.entries(session, office.id, after=row.seq - 1, most=1)))
        before = journal.hash_of(journal.said(again))
        put(session, row.seq, hash=before)


def tree_again(session: Session, office: WelfareOffice) -> None:
    """And the tree, too."""
    session.execute(delete(LogNode))
    log_tree.grow(session, office.id)


def head_now(session: Session, office: WelfareOffice) -> Witness:
    now = log_tree.head(session, office.id)
    return Witness(now.size, now.root, "the newspaper")


def test_a_journal_that_nobody_touched_is_whole(session: Session, office: WelfareOffice) -> None:
    factories.tree_head(session)
    audit = Audit(session, office, lambda _head: None)
    assert list(audit.damage()) == []
    assert (audit.entries, audit.heads, audit.unsigned, audit.older) == (9, 1, 1, 0)
    journal.record(session, office.id, Actor.staff(uuid4()), "thing.done")
    assert damage(session, office, head_now(session, office)) == []


@pytest.mark.parametrize("seq", [1, 5, 7, 8, 9])
@pytest.mark.parametrize(
    "change",
    [
        {"event": "x.done"},
        {"actor_id": new_id()},
        {"actor_kind": "machine"},
        {"subject_id": new_id()},
        {"at": clock.now()},
        {"facts": {"n": 99}},
        {"before": "1" * 64},
        {"hash": "a" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_changed_is_named(session: Session, office: WelfareOffice, seq: int, change: dict[str, Any]) -> None:
    put(session, seq, **change)
    (one,) = Audit(session, office, lambda _head: None).damage()
    assert (one.kind.value, one.seq) == ("changed", seq)
    assert one.event == change.get("event", f"thing{seq}.done")


@pytest.mark.parametrize("seq", [1, 5, 7, 8, 9])
def test_what_was_taken_out_is_named(session: Session, office: WelfareOffice, seq: int) -> None:
    take_out(session, seq)
    assert damage(session, office) == [("removed", str(seq))]


@pytest.mark.parametrize("seq", [1, 5, 9])
def test_what_was_taken_out_is_named_also_if_others_have_moved_up(
    session: Session, office: WelfareOffice, seq: int
) -> None:
    log_tree.grow(session, office.id)
    take_out(session, seq)
    renumber(session, *((at, at - 1) for at in range(seq + 1, 10)))
    moved = {1: [("moved", "1-8")], 5: [("moved", "5-8")], 9: []}[seq]
    assert damage(session, office) == [("removed", str(seq)), *moved]


@pytest.mark.parametrize(("one", "other"), [(2, 3), (1, 9), (4, 7)])
def test_what_has_changed_places_is_named(session: Session, office: WelfareOffice, one: int, other: int) -> None:
    log_tree.grow(session, office.id)
    renumber(session, (one, 99), (other, one), (99, other))
    told = {found.seq: found.what for found in Audit(session, office, lambda _head: None).damage()}
    assert told == {
        one: f"it was entry {other} when it was written",
        other: f"it was entry {one} when it was written",
    }


@pytest.mark.parametrize("raised", [True, False], ids=["counted", "not counted"])
def test_what_was_put_between_is_named(session: Session, office: WelfareOffice, raised: bool) -> None:
    log_tree.grow(session, office.id)
    renumber(session, *((at, at + 1) for at in range(9, 4, -1)))
    slip_in(session, office, 5, journal.hash_at(session, office.id, 4))
    if raised:
        session.execute(update(NumberSeries).values(next_serial=11))
    assert damage(session, office) == [("inserted", "5"), ("moved", "6-10")]


@pytest.mark.parametrize("seq", [0, -3, 10, 12])
def test_a_number_that_nobody_gave_is_named(session: Session, office: WelfareOffice, seq: int) -> None:
    slip_in(session, office, seq, journal.hash_at(session, office.id, 9))
    assert ("inserted", str(seq)) in damage(session, office)


def test_who_makes_every_later_hash_anew_is_betrayed_by_the_tree(session: Session, office: WelfareOffice) -> None:
    put(session, 4, event="x.done")
    chain_again(session, office, 4)
    assert journal.first_broken(session, office.id) is None, "the chain alone does not know"
    (one,) = Audit(session, office, lambda _head: None).damage()
    assert (one.kind.value, one.where, one.event) == ("rewritten", "4-7", "x.done")


@pytest.mark.parametrize("how", ["change", "remove", "insert"])
def test_who_makes_the_tree_anew_is_betrayed_by_the_signed_head(
    session: Session, office: WelfareOffice, how: str
) -> None:
    early = Witness(3, log_tree.head(session, office.id, 3).root, "an older newspaper")
    factories.tree_head(session)
    if how == "change":
        put(session, 5, event="x.done")
    elif how == "remove":
        take_out(session, 5)
        renumber(session, *((at, at - 1) for at in range(6, 10)))
        session.execute(update(NumberSeries).values(next_serial=9))
    else:
        renumber(session, *((at, at + 1) for at in range(9, 4, -1)))
        slip_in(session, office, 5, "0" * 64)
        session.execute(update(NumberSeries).values(next_serial=11))
    chain_again(session, office, 5)
    tree_again(session, office)
    cut = [("cut_off", "9")] if how == "remove" else []
    rewritten = [] if how == "remove" else [("rewritten", "4-9")]
    assert damage(session, office, early) == rewritten + cut


def test_who_makes_the_heads_anew_is_betrayed_by_the_signature(session: Session, office: WelfareOffice) -> None:
    factories.tree_head(session)
    assert damage(session, office, signed=False) == [("head_forged", "-")]
    session.execute(update(TreeHead).values(root="0" * 64))
    assert damage(session, office) == [("head_forged", "-")], "and its columns are not what was signed"


def test_who_takes_the_heads_out_is_betrayed_by_the_one_that_was_posted(
    session: Session, office: WelfareOffice
) -> None:
    posted = head_now(session, office)
    put(session, 9, event="x.done")
    chain_again(session, office, 9)
    tree_again(session, office)
    assert damage(session, office) == [], "nothing inside of the database says so any more"
    assert damage(session, office, posted) == [("rewritten", "1-9")]


def test_a_journal_that_was_cut_off_is_shorter_than_the_posted_head(session: Session, office: WelfareOffice) -> None:
    posted = head_now(session, office)
    for seq in (8, 9):
        take_out(session, seq)
    session.execute(update(NumberSeries).values(next_serial=8))
    tree_again(session, office)
    assert damage(session, office, posted) == [("cut_off", "8-9")]


def test_who_changes_the_tree_alone_is_told_from_who_changes_an_entry(session: Session, office: WelfareOffice) -> None:
    posted = head_now(session, office)
    session.execute(update(LogNode).where(LogNode.level == 0, LogNode.position == 2).values(hash=b"x" * 32))
    assert damage(session, office, posted) == [("tree_changed", "3"), ("tree_changed", "3-4")]


@pytest.mark.parametrize(("level", "where"), [(1, "3-4"), (2, "1-4"), (3, "1-8")])
def test_a_subtree_that_was_changed_or_taken_out_is_named(
    session: Session, office: WelfareOffice, level: int, where: str
) -> None:
    log_tree.grow(session, office.id)
    position = 1 if level == 1 else 0
    node = (LogNode.level == level) & (LogNode.position == position)
    session.execute(update(LogNode).where(node).values(hash=b"x" * 32))
    assert ("tree_changed", where) in damage(session, office)
    session.execute(delete(LogNode).where(node))
    assert ("tree_changed", where) in damage(session, office)


def test_another_offices_damage_is_its_own(session: Session, office: WelfareOffice) -> None:
    other = factories.office(session, "HX")
    journal.record(session, other.id, Actor.staff(uuid4()), "thing.done")
    session.execute(
        update(LogEntry)
        .where(LogEntry.office_id == other.id)
        .values(event="x.done")
        .execution_options(synchronize_session=False)
    )
    assert damage(session, office) == []
    assert damage(session, other) == [("changed", "1")]


def test_a_journal_that_was_rewritten_as_a_whole_says_so_shortly(session: Session, office: WelfareOffice) -> None:
    log_tree.grow(session, office.id)
    put(session, 1, event="x.done")
    chain_again(session, office, 1)
    assert damage(session, office) == [("rewritten", "1-9")]


# the rows that it speaks of


@pytest.fixture
def lived(session: Session) -> Receipt:
    """A report that was sent, accepted and certified."""
    worker, clerk = factories.staff(session), factories.staff(session, Role.CLERK)
    person = factories.recipient(session, factories.household(session, worker))
    row = factories.draft(session, person)
    factories.file(session, person, row)
    factories.make_safe(session, session.scalars(select(StoredFile)).one(), pages=1)
    intake.send(session, person, row.id, attempt=uuid4())
    review.claim(session, worker, row.id)
    review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    return receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)


def rows_damage(session: Session, lived: Receipt) -> list[tuple[str, str | None]]:
    session.flush()
    session.expire_all()
    office = session.get_one(WelfareOffice, lived.office_id)
    return [(one.kind.value, one.event) for one in Audit(session, office, lambda _head: None).damage()]


def test_every_step_of_a_life_is_an_entry(session: Session, lived: Receipt) -> None:
    assert rows_damage(session, lived) == []
    steps = session.scalar(select(func.count()).select_from(Step))
    said = [facts["step"] for facts in session.scalars(select(LogEntry.facts)) if "step" in facts]
    assert len(said) == len(set(said)) == steps == 5


@pytest.mark.parametrize(
    "change",
    [
        {"was": "draft"},
        {"became": "voided"},
        {"actor_id": new_id()},
        {"actor_kind": "machine"},
        {"at": clock.now()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_step_that_says_something_else_is_found(session: Session, lived: Receipt, change: dict[str, Any]) -> None:
    accepted = session.scalars(select(Step.id).where(Step.became == "accepted")).one()
    session.execute(update(Step).where(Step.id == accepted).values(**change))
    assert rows_damage(session, lived) == [("step_changed", "submission.accepted")]


def test_a_step_that_is_gone_or_was_made_up_is_found(session: Session, lived: Receipt) -> None:
    step = session.scalars(select(Step).where(Step.became == "accepted")).one()
    values = {column.key: getattr(step, column.key) for column in Step.__mapper__.columns}
    session.execute(insert(Step), [{**values, "id": new_id(), "attempt": None}])
    assert rows_damage(session, lived) == [("step_without_entry", None)]
    session.execute(delete(Step).where(Step.became == "accepted"))
    assert rows_damage(session, lived) == [("step_gone", "submission.accepted")]


def test_a_certificate_that_says_something_else_is_found(session: Session, lived: Receipt) -> None:
    session.execute(update(Receipt).values(content={**lived.content, "number": "HB-1"}))
    assert rows_damage(session, lived) == [("receipt_changed", "receipt.issued")]


def test_a_certificate_beside_the_journal_is_found(session: Session, lived: Receipt) -> None:
    arrived = session.scalars(select(LogEntry.id).where(LogEntry.event == "submission.arrived")).one()
    session.execute(update(Receipt).values(entry_id=arrived))
    assert rows_damage(session, lived) == [("receipt_without_entry", None)]
    session.execute(delete(Receipt))
    assert rows_damage(session, lived) == [("receipt_gone", "receipt.issued")]


def test_a_certificate_that_was_voided_beside_the_journal_is_found(session: Session, lived: Receipt) -> None:
    voided = {"state": "voided", "voided_at": clock.now(), "voided_by": lived.issued_by, "void_reason": "x"}
    session.execute(update(Receipt).values(**voided))
    assert rows_damage(session, lived) == [("receipt_without_entry", None)]


def test_a_file_whose_hash_was_changed_is_found(session: Session, lived: Receipt) -> None:
    session.execute(update(StoredFile).values(sha256="0" * 64))
    assert ("file_changed", "submission.arrived") in rows_damage(session, lived)


def test_steps_from_before_every_step_was_an_entry_are_counted_and_no_damage(session: Session, lived: Receipt) -> None:
    step = session.scalars(select(Step).where(Step.became == "accepted")).one()
    values = {column.key: getattr(step, column.key) for column in Step.__mapper__.columns}
    long_ago = step.at.replace(year=2020)
    session.execute(insert(Step), [{**values, "id": new_id(), "attempt": None, "at": long_ago}])
    audit = Audit(session, session.get_one(WelfareOffice, lived.office_id), lambda _head: None)
    assert list(audit.damage()) == []
    assert audit.older == 1


def test_the_root_of_a_head_is_what_anybody_can_reckon(session: Session, office: WelfareOffice) -> None:
    tree = Tree()
    for row in journal.entries(session, office.id):
        tree.add(log_tree.leaf_of(row.hash))
    assert head_now(session, office).root == tree.root().hex()
    assert session.scalar(text("SELECT count(*) FROM log_node")) == 9 + 4 + 2 + 1
