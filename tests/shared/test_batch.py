"""Certificates in batches: what is chosen, who must agree, what is issued and what is not, and under which numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from shared import batch, batch_lists, clock, receipt_rules, receipts
from shared.errors import NotThere, RuleStands, SamePerson
from shared.model import (
    Actor,
    BatchItemState,
    BatchState,
    Job,
    LogEntry,
    NotIssued,
    Receipt,
    ReceiptBatch,
    ReceiptBundle,
    Role,
    StaffMember,
    State,
    Submission,
    Task,
)
from shared.rules.numbers import short_number
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def clerk(session: Session) -> Staff:
    return factories.staff(session, Role.CLERK, name="品見 薫")


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR, name="控田 百合")


def accepted(session: Session, count: int) -> list[UUID]:
    return [factories.submission(session, State.ACCEPTED).id for _ in range(count)]


def chosen(session: Session, clerk: Staff, ids: list[UUID]) -> UUID:
    return batch.choose(session, clerk, ids, matched=len(ids), attempt=uuid4(), demo=True).id


def work(session: Session, office_id: UUID, batch_id: UUID) -> None:
    """What the worker does."""
    batch.issue_some(session, office_id, batch_id, batch.waiting(session, office_id, batch_id))
    batch.finish(session, office_id, batch_id)


def events(session: Session) -> list[str]:
    return list(
        session.scalars(select(LogEntry.event).where(LogEntry.event.startswith("batch.")).order_by(LogEntry.seq))
    )


def numbers(session: Session) -> list[str]:
    return [short_number(no) for no in session.scalars(select(Receipt.document_no).order_by(Receipt.document_no))]


def two_people(session: Session, clerk: Staff) -> None:
    receipt_rules.set_rule(session, clerk.office_id, clock.today(), two_people=True)


def test_a_choice_is_frozen_in_its_order_and_shows_the_numbers_it_would_get(session: Session, clerk: Staff) -> None:
    ids = accepted(session, 3)
    waiting = factories.submission(session).id
    row = chosen(session, clerk, [ids[2], waiting, ids[0], ids[1]])
    lines = batch_lists.items(session, clerk, row)
    assert [line.submission_id for line in lines] == [ids[2], ids[0], ids[1]]
    assert [short_number(line.planned) for line in lines] == ["令8-00001", "令8-00002", "令8-00003"]
    shown = batch_lists.show(session, clerk, row)
    assert (shown.state, shown.left, shown.by_me) == (BatchState.CHOSEN, 3, True)
    assert [short_number(no) for no in shown.planned] == ["令8-00001", "令8-00003"]
    assert numbers(session) == []


def test_what_is_left_out_takes_no_number_and_may_be_taken_in_again(session: Session, clerk: Staff) -> None:
    ids = accepted(session, 4)
    row = chosen(session, clerk, ids)
    lines = batch_lists.items(session, clerk, row)
    assert batch.exclude(session, clerk, row, [lines[1].id, lines[2].id], "住所を確認中") == 2
    assert batch.include(session, clerk, row, [lines[2].id]) == 1
    lines = batch_lists.items(session, clerk, row)
    assert [short_number(line.planned) if line.planned else line.reason for line in lines] == [
        "令8-00001",
        "住所を確認中",
        "令8-00002",
        "令8-00003",
    ]
    second = batch_lists.items(session, clerk, row, begin=2)
    assert short_number(second[0].planned) == "令8-00002", "a later page goes on counting"
    with pytest.raises(ValueError, match="cannot be kept"):
        batch.exclude(session, clerk, row, [lines[0].id], "個人番号は 123456789018 です")
    batch.start(session, clerk, row)
    work(session, clerk.office_id, row)
    assert numbers(session) == ["令8-00001", "令8-00002", "令8-00003"]
    assert session.get_one(Submission, (clerk.office_id, ids[1])).state is State.ACCEPTED


def test_a_second_tap_finds_the_first_choice_and_a_new_one_takes_its_place(session: Session, clerk: Staff) -> None:
    ids, attempt = accepted(session, 2), uuid4()
    first = batch.choose(session, clerk, ids, matched=2, attempt=attempt, demo=True)
    assert batch.choose(session, clerk, ids, matched=2, attempt=attempt, demo=True).id == first.id
    second = chosen(session, clerk, ids[:1])
    assert list(session.scalars(select(ReceiptBatch.id))) == [second]
    assert batch.drop(session, clerk, second)
    assert batch.drop(session, clerk, second), "twice is once"
    assert list(session.scalars(select(ReceiptBatch.id))) == []


def test_a_clerk_alone_starts_it_and_the_worker_issues_and_gathers(session: Session, clerk: Staff) -> None:
    ids = accepted(session, 3)
    row = chosen(session, clerk, ids)
    for _tap in range(2):
        assert batch.start(session, clerk, row).state is BatchState.RUNNING
    assert not batch.drop(session, clerk, row)
    assert batch.exclude(session, clerk, row, batch.waiting(session, clerk.office_id, row)) == 0, "too late"
    assert session.scalars(select(Task).where(Task.job == Job.ISSUE_BATCH)).one().subject_id == row
    work(session, clerk.office_id, row)
    work(session, clerk.office_id, row)
    shown = batch_lists.show(session, clerk, row)
    assert (shown.state, shown.counts[BatchItemState.ISSUED], shown.done_at) == (BatchState.ISSUED, 3, EVENING)
    assert numbers(session) == ["令8-00001", "令8-00002", "令8-00003"]
    lines = batch_lists.items(session, clerk, row)
    assert [short_number(line.document_no) for line in lines] == numbers(session)
    assert events(session) == ["batch.started", "batch.issued"]
    assert session.scalars(select(ReceiptBundle)).one().batch_id == row
    issued = session.scalars(select(Receipt.issued_by)).all()
    assert set(issued) == {clerk.staff_id}


def test_where_the_office_wants_two_people_the_second_one_starts_it(
    session: Session, clerk: Staff, chief: Staff
) -> None:
    two_people(session, clerk)
    row = chosen(session, clerk, accepted(session, 2))
    with pytest.raises(NotThere):
        batch_lists.show(session, chief, row)
    with pytest.raises(NotThere):
        batch.approve(session, chief, row)
    assert batch.start(session, clerk, row).state is BatchState.PROPOSED
    work(session, clerk.office_id, row)
    assert numbers(session) == [], "nothing is issued before somebody else has agreed"
    with pytest.raises(SamePerson):
        batch.approve(session, clerk, row)
    for _tap in range(2):
        assert batch.approve(session, chief, row).state is BatchState.RUNNING
    work(session, clerk.office_id, row)
    assert numbers(session) == ["令8-00001", "令8-00002"]
    shown = batch_lists.show(session, chief, row)
    assert (shown.by, shown.decided_by) == ("品見 薫", "控田 百合")
    assert events(session) == ["batch.proposed", "batch.approved", "batch.issued"]


def test_the_second_person_may_refuse_and_says_why(session: Session, clerk: Staff, chief: Staff) -> None:
    two_people(session, clerk)
    row = chosen(session, clerk, accepted(session, 1))
    batch.start(session, clerk, row)
    for said in ("", " ", "あ" * 301, "個人番号は 123456789018 です"):
        with pytest.raises(ValueError, match="says why"):
            batch.refuse(session, chief, row, said)
    with pytest.raises(SamePerson):
        batch.refuse(session, clerk, row, "わたしです")
    refused = batch.refuse(session, chief, row, "宛名を確認してください")
    assert (refused.state, refused.reason) == (BatchState.REFUSED, "宛名を確認してください")
    assert batch.approve(session, chief, row).state is BatchState.REFUSED
    work(session, clerk.office_id, row)
    assert numbers(session) == []


def test_the_clerk_may_take_it_back_before_anybody_has_agreed(session: Session, clerk: Staff, chief: Staff) -> None:
    two_people(session, clerk)
    row = chosen(session, clerk, accepted(session, 1))
    batch.start(session, clerk, row)
    assert batch.take_back(session, clerk, row)
    with pytest.raises(NotThere):
        batch.approve(session, chief, row)
    batch.start(session, clerk, row)
    batch.approve(session, chief, row)
    assert not batch.take_back(session, clerk, row)


def test_what_has_changed_meanwhile_is_refused_with_its_reason_and_takes_no_number(
    session: Session, clerk: Staff
) -> None:
    ids = accepted(session, 5)
    row = chosen(session, clerk, ids)
    batch.start(session, clerk, row)
    rows = [session.get_one(Submission, (clerk.office_id, one)) for one in ids]
    receipts.issue(session, clerk, ids[1], seen=rows[1].revision, attempt=uuid4(), demo=True)
    rows[2].move(State.IN_REVIEW, Actor.staff(factories.caseworker_of(session, rows[2]).staff_id))
    session.flush()
    for state in (State.IN_REVIEW, State.ACCEPTED):
        rows[3].move(state, Actor.staff(factories.caseworker_of(session, rows[3]).staff_id))
        session.flush()
    work(session, clerk.office_id, row)
    lines = batch_lists.items(session, clerk, row)
    assert [line.why for line in lines] == [None, NotIssued.ISSUED, NotIssued.TAKEN_BACK, NotIssued.CHANGED, None]
    assert numbers(session) == ["令8-00001", "令8-00002", "令8-00003"]
    assert batch_lists.progress(session, clerk, row).done == 5


def test_forty_take_as_many_questions_as_two(session: Session, clerk: Staff) -> None:
    connection = session.connection()

    def asked(count: int) -> int:
        row = chosen(session, clerk, accepted(session, count))
        batch.start(session, clerk, row)
        items, said = batch.waiting(session, clerk.office_id, row), []
        session.expunge_all()

        def hear(*given: Any) -> None:
            said.append(given[2])

        event.listen(connection, "before_cursor_execute", hear)
        batch.issue_some(session, clerk.office_id, row, items)
        event.remove(connection, "before_cursor_execute", hear)
        return len(said)

    each = 1  # whether nobody was quicker is asked of the database for each submission in its own statement
    assert asked(40) - 40 * each == asked(2) - 2 * each
    assert numbers(session) == [f"令8-{serial:05}" for serial in range(1, 43)]


def test_of_a_clerk_who_has_left_nothing_is_issued(session: Session, clerk: Staff) -> None:
    row = chosen(session, clerk, accepted(session, 1))
    batch.start(session, clerk, row)
    session.get_one(StaffMember, (clerk.office_id, clerk.staff_id)).active = False
    session.flush()
    work(session, clerk.office_id, row)
    assert [line.why for line in batch_lists.items(session, clerk, row)] == [NotIssued.NOT_THERE]
    assert list(session.scalars(select(ReceiptBundle))) == [], "there is nothing to gather"


def test_nothing_left_cannot_be_started(session: Session, clerk: Staff) -> None:
    row = chosen(session, clerk, accepted(session, 1))
    batch.exclude(session, clerk, row, batch.waiting(session, clerk.office_id, row))
    with pytest.raises(ValueError, match="none is left"):
        batch.start(session, clerk, row)


def test_other_clerks_change_nothing_and_other_offices_see_nothing(session: Session, clerk: Staff) -> None:
    row = chosen(session, clerk, accepted(session, 1))
    colleague = factories.staff(session, Role.CLERK)
    stranger = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    for who in (colleague, stranger):
        for act in (batch.start, batch.take_back):
            with pytest.raises(NotThere):
                act(session, who, row)
        with pytest.raises(NotThere):
            batch_lists.show(session, who, row)
        assert batch.drop(session, who, row), "nothing of theirs has happened"
    batch.start(session, clerk, row)
    assert batch_lists.show(session, colleague, row).by_me is False
    for look in (batch_lists.show, batch_lists.progress):
        with pytest.raises(NotThere):
            look(session, stranger, row)
    with pytest.raises(NotThere):
        batch.approve(session, stranger, row)


def test_a_full_list_says_how_many_were_wanted(session: Session, clerk: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST", 2)
    row = batch.choose(session, clerk, accepted(session, 3), matched=3, attempt=uuid4(), demo=True)
    shown = batch_lists.show(session, clerk, row.id)
    assert (shown.matched, shown.left) == (3, 2)


def test_one_that_was_given_up_may_go_on(session: Session, clerk: Staff) -> None:
    row = chosen(session, clerk, accepted(session, 2))
    batch.start(session, clerk, row)
    batch.issue_some(session, clerk.office_id, row, batch.waiting(session, clerk.office_id, row)[:1])
    task = session.scalars(select(Task).where(Task.job == Job.ISSUE_BATCH)).one()
    task.gave_up_at, task.tries = clock.now(), 5
    session.flush()
    assert batch_lists.show(session, clerk, row).stuck
    batch.go_on(session, clerk, row)
    assert (task.gave_up_at, task.tries) == (None, 0)
    work(session, clerk.office_id, row)
    assert numbers(session) == ["令8-00001", "令8-00002"]


def test_the_rule_counts_from_its_day_and_is_not_changed_afterwards(session: Session, clerk: Staff) -> None:
    today, office = clock.today(), clerk.office_id
    assert not receipt_rules.wants_two(session, office, today)
    tomorrow = receipt_rules.set_rule(session, office, today + timedelta(days=1), two_people=True)
    assert not receipt_rules.wants_two(session, office, today)
    assert receipt_rules.wants_two(session, office, today + timedelta(days=1))
    again = receipt_rules.set_rule(session, office, today + timedelta(days=1), two_people=False)
    assert again.id == tomorrow.id, "one that has not begun may be put right"
    receipt_rules.set_rule(session, office, today, two_people=True, set_by=clerk.staff_id)
    receipt_rules.set_rule(session, office, today, two_people=True)
    with pytest.raises(RuleStands):
        receipt_rules.set_rule(session, office, today, two_people=False)
    with pytest.raises(ValueError, match="today or later"):
        receipt_rules.set_rule(session, office, today - timedelta(days=1), two_people=True)


def test_the_list_of_batches_shows_ones_own_choice_what_waits_and_what_ended_today(
    session: Session, clerk: Staff, chief: Staff
) -> None:
    ids = accepted(session, 3)
    done = chosen(session, clerk, ids[:2])
    batch.start(session, clerk, done)
    work(session, clerk.office_id, done)
    mine = chosen(session, clerk, ids[2:])
    since = clock.start_of(clock.today())
    found = {row.id: count for row, _by, count in batch_lists.lists(session, clerk, since=since)}
    assert found == {done: 2, mine: 1}
    assert [row.id for row, *_ in batch_lists.lists(session, chief, since=since)] == [done]
    later = EVENING + timedelta(seconds=1)
    assert [row.id for row, *_ in batch_lists.lists(session, chief, since=later)] == []
