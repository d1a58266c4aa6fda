"""The second look at some of what was accepted: the lot, what is done with it, and whom it reaches."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import clock, review, second_look
from shared.errors import NotThere, RuleStands
from shared.model import Finding, LogEntry, Role, SecondLook, State, Step, Submission
from shared.rules.second_look import is_drawn
from shared.second_look import LONGEST
from shared.sign_in import Staff
from tests import factories

TODAY = date(2026, 11, 19)


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """Thursday, 19 November 2026."""
    return evening


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR, name="仮山 百合")


def accepted(session: Session, by: Staff | None = None) -> tuple[Submission, Staff, UUID]:
    row, attempt = factories.submission(session), uuid4()
    by = by or factories.caseworker_of(session, row)
    review.claim(session, by, row.id)
    review.accept(session, by, row.id, seen=row.revision, attempt=attempt)
    return row, by, attempt


def drawn(session: Session, chief: Staff, *, percent: int = 100) -> tuple[UUID, Staff]:
    second_look.set_rule(session, chief.office_id, percent, TODAY)
    row, by, _attempt = accepted(session)
    found = [one for one in second_look.waiting(session, chief, most=100) if one.submission_id == row.id]
    return found[0].id, by


def test_so_many_of_a_hundred_are_drawn_and_none_by_a_rule_of_nought() -> None:
    ids = [UUID(int=at) for at in range(4000)]
    shares = {percent: sum(is_drawn("s", one, 1, percent=percent) for one in ids) for percent in (0, 5, 50, 100)}
    assert (shares[0], shares[100]) == (0, 4000)
    assert 140 < shares[5] < 260
    assert 1850 < shares[50] < 2150


@given(st.uuids(), st.integers(1, 9), st.integers(0, 100), st.text(min_size=1))
def test_a_lot_comes_out_the_same_and_a_larger_share_takes_nothing_out(
    key: UUID, version: int, percent: int, secret: str
) -> None:
    once = is_drawn(secret, key, version, percent=percent)
    assert is_drawn(secret, key, version, percent=percent) is once
    assert is_drawn(secret, key, version, percent=min(100, percent + 1)) >= once


def test_the_lot_hangs_on_the_secret_and_the_version() -> None:
    ids = [UUID(int=at) for at in range(200)]
    one, other, version = (
        [is_drawn(secret, key, no, percent=50) for key in ids] for secret, no in (("a", 1), ("b", 1), ("a", 2))
    )
    assert one != other != version != one


def test_accepting_draws_in_the_same_transaction_and_a_second_tap_draws_nothing(session: Session, chief: Staff) -> None:
    second_look.set_rule(session, chief.office_id, 100, TODAY)
    row, by, attempt = accepted(session)
    review.accept(session, by, row.id, seen=row.revision, attempt=attempt)
    (look,) = session.scalars(select(SecondLook))
    assert (look.submission_id, look.version_no, look.decided_by) == (row.id, 1, by.staff_id)
    assert row.state is State.ACCEPTED


def test_without_a_rule_before_its_day_or_of_a_supervisors_own_nothing_is_drawn(session: Session, chief: Staff) -> None:
    accepted(session)
    second_look.set_rule(session, chief.office_id, 100, TODAY + timedelta(days=1))
    accepted(session)
    second_look.set_rule(session, chief.office_id, 100, TODAY)
    accepted(session, chief)
    assert session.scalar(select(func.count()).select_from(SecondLook)) == 0


def test_what_was_taken_back_drops_out_and_is_drawn_again_with_the_same_lot(session: Session, chief: Staff) -> None:
    second_look.set_rule(session, chief.office_id, 100, TODAY)
    row, by, attempt = accepted(session)
    (look,) = second_look.waiting(session, chief)
    review.undo(session, by, row.id, attempt=attempt)
    assert second_look.waiting(session, chief) == []
    assert second_look.count(session, chief) == 0
    with pytest.raises(NotThere):
        second_look.open_for(session, chief, look.id)
    with pytest.raises(NotThere):
        second_look.look(session, chief, look.id, Finding.FINE, "", attempt=uuid4())
    review.accept(session, by, row.id, seen=row.revision, attempt=uuid4())
    (again,) = second_look.waiting(session, chief)
    assert again.id != look.id
    assert session.scalar(select(func.count()).select_from(SecondLook)) == 2


def test_a_look_is_taken_once_and_changes_nothing_for_the_person(session: Session, chief: Staff) -> None:
    key, _by = drawn(session, chief)
    submission = session.scalars(select(Submission)).one()
    steps = session.scalar(select(func.count()).select_from(Step))
    revision, attempt = submission.revision, uuid4()
    row, again = (second_look.look(session, chief, key, Finding.FINE, " ", attempt=attempt) for _tap in range(2))
    assert row is again
    other = factories.staff(session, Role.SUPERVISOR, name="別山 二")
    late = second_look.look(session, other, key, Finding.TALK, "話したい", attempt=uuid4())
    assert (late.finding, late.note, late.attempt) == (Finding.FINE, "", attempt)
    assert row.looked_by == chief.staff_id
    assert submission.revision == revision
    assert session.scalar(select(func.count()).select_from(Step)) == steps
    entries = session.scalars(select(LogEntry).where(LogEntry.event == "second_look.done").order_by(LogEntry.seq)).all()
    assert [entry.facts for entry in entries] == [{"submission": str(submission.id), "version": 1, "finding": "fine"}]
    assert second_look.waiting(session, chief) == []


@pytest.mark.parametrize("note", ["", "  ", "あ" * (LONGEST + 1), "番号は 1234-5678-9018"])
def test_what_to_talk_about_must_be_said_and_hold_no_my_number(session: Session, chief: Staff, note: str) -> None:
    key, _by = drawn(session, chief)
    with pytest.raises(ValueError, match="talk about"):
        second_look.look(session, chief, key, Finding.TALK, note, attempt=uuid4())
    assert second_look.count(session, chief) == 1


def test_only_whoever_had_decided_reads_it_and_puts_it_away_once(session: Session, chief: Staff) -> None:
    key, by = drawn(session, chief)
    fine, _other = drawn(session, chief)
    second_look.look(session, chief, fine, Finding.FINE, "よく見ています", attempt=uuid4())
    second_look.look(session, chief, key, Finding.TALK, "金額を一緒に見たい", attempt=uuid4())
    assert [(one.id, one.note, one.looked_by) for one in second_look.to_talk_about(session, by)] == [
        (key, "金額を一緒に見たい", "仮山 百合")
    ]
    for somebody in (chief, factories.staff(session)):
        assert second_look.to_talk_about(session, somebody) == []
        with pytest.raises(NotThere):
            second_look.put_away(session, somebody, key)
    for _tap in range(2):
        second_look.put_away(session, by, key)
    assert second_look.to_talk_about(session, by) == []
    assert session.scalar(select(func.count()).where(LogEntry.event == "second_look.read")) == 1


def test_the_oldest_comes_first_and_pages_follow_each_other(session: Session, chief: Staff) -> None:
    second_look.set_rule(session, chief.office_id, 100, TODAY)
    with clock.at(clock.now() + timedelta(minutes=1)):
        later = accepted(session)[0]
    earlier = [accepted(session)[0] for _each in range(2)]
    first = second_look.waiting(session, chief, most=2)
    assert [one.submission_id for one in first] == [row.id for row in earlier]
    (last,) = second_look.waiting(session, chief, behind=first[-1].place)
    assert last.submission_id == later.id


def test_looks_are_a_supervisors_and_one_offices(session: Session, chief: Staff) -> None:
    key, by = drawn(session, chief)
    elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    assert second_look.waiting(session, elsewhere) == []
    for who in (elsewhere, by, factories.staff(session, Role.CLERK)):
        with pytest.raises(NotThere):
            second_look.open_for(session, who, key)
        with pytest.raises(NotThere):
            second_look.look(session, who, key, Finding.FINE, "", attempt=uuid4())


def test_a_rule_is_dated_and_what_has_begun_stands(session: Session, chief: Staff) -> None:
    first = second_look.set_rule(session, chief.office_id, 5, TODAY, set_by=chief.staff_id)
    assert second_look.set_rule(session, chief.office_id, 5, TODAY) is first
    with pytest.raises(RuleStands):
        second_look.set_rule(session, chief.office_id, 6, TODAY)
    later = TODAY + timedelta(days=9)
    second_look.set_rule(session, chief.office_id, 10, later)
    second_look.set_rule(session, chief.office_id, 20, later)
    found = [(row.percent, row.from_day, row.set_by, row.counts) for row in second_look.rules(session, chief)]
    assert found == [(20, later, "", False), (5, TODAY, "仮山 百合", True)]
    for percent, day in ((-1, TODAY), (101, TODAY), (5, TODAY - timedelta(days=1))):
        with pytest.raises(ValueError, match="share of a hundred"):
            second_look.set_rule(session, chief.office_id, percent, day)
    facts = session.scalars(select(LogEntry.facts).where(LogEntry.event == "second_look.rule_set")).all()
    assert first.secret not in str(facts)
