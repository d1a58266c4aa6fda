"""Putting aside until a day, and taking back what was decided just now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, drafts, intake, journal, queue, receipts, review, slips
from shared.errors import ChangedMeanwhile, NotThere, TakenByAnother, TooLateToUndo
from shared.model import Claim, Correction, LogEntry, Reason, Role, State, Step, Submission
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")
FRIDAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session, name="例野 太郎")


@pytest.fixture
def taken(session: Session, worker: Staff) -> Submission:
    row = factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))
    review.claim(session, worker, row.id)
    return row


def hold(session: Session, who: Staff, row: Submission, **given: Any) -> Submission:
    usual = {"until": FRIDAY, "reason": "勤め先に電話", "seen": row.revision, "attempt": uuid4()}
    return review.hold(session, who, row.id, **{**usual, **given})


def send_back(session: Session, who: Staff, row: Submission, attempt: UUID) -> Submission:
    values = {"jobs-0-gross_yen": (Reason.DIFFERS, "85,400円")}
    asked = review.AskAgain(seen=row.revision, attempt=attempt, values=values)
    return review.send_back(session, who, row.id, asked)


def steps(session: Session, row: Submission) -> list[Step]:
    return list(session.scalars(select(Step).where(Step.submission_id == row.id).order_by(Step.id)))


def lease(session: Session, row: Submission) -> Claim | None:
    return session.get(Claim, (row.office_id, row.id))


def last_entry(session: Session) -> tuple[str, dict[str, Any]]:
    entry = session.scalars(select(LogEntry).order_by(LogEntry.seq.desc())).first()
    assert entry
    return entry.event, factories.facts(entry)


def test_what_is_put_aside_says_until_when_and_why_and_is_in_nobodys_hands(
    session: Session, worker: Staff, taken: Submission
) -> None:
    attempt, seen = uuid4(), taken.revision
    for _tap in range(2):
        assert hold(session, worker, taken, attempt=attempt, seen=seen).state is State.ON_HOLD
    assert lease(session, taken) is None
    last = steps(session, taken)[-1]
    assert [step.became for step in steps(session, taken)].count(State.ON_HOLD) == 1
    assert (last.note, last.until, last.actor_id) == ("勤め先に電話", FRIDAY, worker.staff_id)
    assert last_entry(session) == ("submission.held", {"version": 1, "until": "2026-11-20"})
    assert queue.next_for(session, worker) is None


@pytest.mark.parametrize("given", [{"reason": "  "}, {"until": date(2026, 11, 19)}, {"until": date(2020, 1, 1)}])
def test_nothing_is_put_aside_without_a_reason_or_until_a_day_that_has_come(
    session: Session, worker: Staff, taken: Submission, given: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="put aside"):
        hold(session, worker, taken, **given)
    assert taken.state is State.IN_REVIEW


def test_only_who_has_it_puts_it_aside_as_her_screen_showed_it(
    session: Session, worker: Staff, taken: Submission
) -> None:
    colleague = factories.staff(session)
    for who, seen in ((colleague, taken.revision), (worker, taken.revision - 1)):
        with pytest.raises(ChangedMeanwhile):
            hold(session, who, taken, seen=seen)
    elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "HX").id)
    for who in (elsewhere, factories.staff(session, Role.CLERK)):
        for act in (hold, lambda s, w, r: review.resume(s, w, r.id)):
            with pytest.raises(NotThere):
                act(session, who, taken)
        with pytest.raises(NotThere):
            review.undo(session, who, taken.id, attempt=uuid4())


def test_on_its_day_it_comes_back_by_itself_and_once(session: Session, worker: Staff, taken: Submission) -> None:
    hold(session, worker, taken)
    assert review.bring_back(session) == 0
    with clock.at(datetime.fromisoformat("2026-11-20T00:01:00+09:00")):
        assert [review.bring_back(session), review.bring_back(session)] == [1, 0]
    assert (taken.state, steps(session, taken)[-1].note) == (State.WAITING, "day_came")
    assert queue.next_for(session, worker) == taken.id


def test_put_aside_again_it_waits_for_the_later_day(session: Session, worker: Staff, taken: Submission) -> None:
    hold(session, worker, taken)
    review.resume(session, worker, taken.id)
    hold(session, worker, taken, until=date(2026, 11, 27))
    with clock.at(EVENING + timedelta(days=1)):
        assert review.bring_back(session) == 0
    with clock.at(EVENING + timedelta(days=8)):
        assert review.bring_back(session) == 1


def test_before_its_day_it_is_taken_up_by_whoever_is_quicker(
    session: Session, worker: Staff, taken: Submission
) -> None:
    colleague = factories.staff(session, name="手本 春子")
    hold(session, worker, taken)
    for _tap in range(2):
        assert review.resume(session, colleague, taken.id).staff_id == colleague.staff_id
    assert taken.state is State.IN_REVIEW
    with pytest.raises(TakenByAnother):
        review.resume(session, worker, taken.id)


def test_a_new_version_of_the_person_brings_it_back_at_once(session: Session, worker: Staff, taken: Submission) -> None:
    hold(session, worker, taken)
    who = factories.recipient_of(session, taken)
    drafts.change(session, who, taken.id)
    factories.write(session, who, taken.id, {"gross_yen": 90_000})
    intake.send(session, who, taken.id, attempt=uuid4())
    assert taken.state is State.WAITING
    with clock.at(EVENING + timedelta(days=2)):
        assert review.bring_back(session) == 0


Decide = Callable[[Session, Staff, Submission, UUID], object]
DECISIONS: dict[str, Decide] = {
    "accept": lambda s, who, row, attempt: review.accept(s, who, row.id, seen=row.revision, attempt=attempt),
    "send back": send_back,
    "hold": lambda s, who, row, attempt: hold(s, who, row, attempt=attempt),
    "release": lambda s, who, row, attempt: review.release(s, who, row.id, attempt=attempt),
}
EACH = pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS.keys())


@EACH
def test_what_was_decided_just_now_is_taken_back_once_and_the_history_keeps_both(
    session: Session, worker: Staff, taken: Submission, decide: Decide
) -> None:
    before, attempt = len(steps(session, taken)), uuid4()
    decide(session, worker, taken, attempt)
    decided = taken.state
    with clock.at(EVENING + review.UNDO_WITHIN):
        for _tap in range(2):
            assert review.undo(session, worker, taken.id, attempt=attempt).state is State.IN_REVIEW
        held = lease(session, taken)
        assert held
        assert (held.staff_id, held.until) == (worker.staff_id, clock.now() + review.LEASE)
    assert [(step.was, step.became) for step in steps(session, taken)[before:]] == [
        (State.IN_REVIEW, decided),
        (decided, State.IN_REVIEW),
    ]
    assert last_entry(session) == ("decision.undone", {"version": 1})
    assert journal.first_broken(session, taken.office_id) is None
    assert taken.answer_by is None


@EACH
def test_too_late_a_colleague_or_another_attempt_takes_nothing_back(
    session: Session, worker: Staff, taken: Submission, decide: Decide
) -> None:
    attempt = uuid4()
    decide(session, worker, taken, attempt)
    decided = taken.state
    with pytest.raises(TooLateToUndo):
        review.undo(session, factories.staff(session), taken.id, attempt=attempt)
    with pytest.raises(TooLateToUndo):
        review.undo(session, worker, taken.id, attempt=uuid4())
    with clock.at(EVENING + review.UNDO_WITHIN + timedelta(seconds=1)), pytest.raises(TooLateToUndo):
        review.undo(session, worker, taken.id, attempt=attempt)
    assert taken.state is decided


def test_what_is_no_decision_is_not_taken_back(session: Session, worker: Staff, taken: Submission) -> None:
    with pytest.raises(TooLateToUndo):
        review.undo(session, worker, taken.id, attempt=uuid4())
    taking = steps(session, taken)[-1]
    taking.attempt = uuid4()
    with pytest.raises(TooLateToUndo):
        review.undo(session, worker, taken.id, attempt=taking.attempt)


def test_an_acceptance_whose_certificate_is_issued_stands(session: Session, worker: Staff, taken: Submission) -> None:
    attempt = uuid4()
    DECISIONS["accept"](session, worker, taken, attempt)
    clerk = factories.staff(session, Role.CLERK)
    receipts.issue(session, clerk, taken.id, seen=taken.revision, attempt=uuid4(), demo=True)
    with pytest.raises(TooLateToUndo):
        review.undo(session, worker, taken.id, attempt=attempt)
    assert taken.state is State.RECEIPTED


def test_what_a_colleague_has_taken_from_the_list_stays_hers(
    session: Session, worker: Staff, taken: Submission
) -> None:
    attempt, colleague = uuid4(), factories.staff(session)
    review.release(session, worker, taken.id, attempt=attempt)
    review.claim(session, colleague, taken.id)
    with pytest.raises(TooLateToUndo):
        review.undo(session, worker, taken.id, attempt=attempt)


def test_a_correction_that_was_taken_back_is_asked_of_nobody_and_can_be_asked_anew(
    session: Session, worker: Staff, taken: Submission
) -> None:
    attempt = uuid4()
    send_back(session, worker, taken, attempt)
    assert slips.slip(session, taken).correction
    review.undo(session, worker, taken.id, attempt=attempt)
    assert slips.slip(session, taken).correction is None
    send_back(session, worker, taken, uuid4())
    assert slips.slip(session, taken).correction
    stamps = session.scalars(select(Correction.taken_back_at).order_by(Correction.id)).all()
    assert stamps == [EVENING, None], "both are on record"


def test_a_correction_she_has_begun_to_answer_stands(session: Session, worker: Staff, taken: Submission) -> None:
    attempt = uuid4()
    send_back(session, worker, taken, attempt)
    factories.write(session, factories.recipient_of(session, taken), taken.id, {"gross_yen": 90_000})
    with pytest.raises(TooLateToUndo):
        review.undo(session, worker, taken.id, attempt=attempt)
    assert slips.slip(session, taken).correction


def test_the_form_of_a_decision_that_was_taken_back_decides_nothing_more(
    session: Session, worker: Staff, taken: Submission
) -> None:
    attempt = uuid4()
    DECISIONS["accept"](session, worker, taken, attempt)
    review.undo(session, worker, taken.id, attempt=attempt)
    with pytest.raises(ChangedMeanwhile):
        DECISIONS["accept"](session, worker, taken, attempt)
    assert taken.state is State.IN_REVIEW


def test_giving_back_twice_is_once_and_after_it_was_taken_back_nothing(
    session: Session, worker: Staff, taken: Submission
) -> None:
    attempt = uuid4()
    review.release(session, worker, taken.id, attempt=attempt)
    review.claim(session, worker, taken.id)
    review.release(session, worker, taken.id, attempt=attempt)
    assert taken.state is State.IN_REVIEW, "the form of before gives nothing back that was taken anew"
    attempt = uuid4()
    review.release(session, worker, taken.id, attempt=attempt)
    review.undo(session, worker, taken.id, attempt=attempt)
    with pytest.raises(ChangedMeanwhile):
        review.release(session, worker, taken.id, attempt=attempt)
    assert taken.state is State.IN_REVIEW


def test_accepted_taken_back_and_accepted_again_a_clerk_owes_one_certificate(
    session: Session, worker: Staff, taken: Submission
) -> None:
    attempt = uuid4()
    DECISIONS["accept"](session, worker, taken, attempt)
    review.undo(session, worker, taken.id, attempt=attempt)
    with clock.at(EVENING + timedelta(minutes=1)):
        DECISIONS["accept"](session, worker, taken, uuid4())
    rows = queue.ready_for_receipt(session, factories.staff(session, Role.CLERK))
    assert [(row.id, row.accepted_at) for row in rows] == [(taken.id, EVENING + timedelta(minutes=1))]
