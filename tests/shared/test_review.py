from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, drafts, intake, review, sign_in
from shared.errors import ChangedMeanwhile, NotThere, TakenByAnother
from shared.model import (
    MACHINE,
    Actor,
    ActorKind,
    Claim,
    Correction,
    CorrectionItem,
    LogEntry,
    Reason,
    Role,
    State,
    Step,
    Submission,
)
from shared.review import LEASE, AskAgain
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session, name="例野 太郎")


@pytest.fixture
def colleague(session: Session) -> Staff:
    return factories.staff(session, name="手本 春子")


@pytest.fixture
def row(session: Session, worker: Staff) -> Submission:
    """A report of one of the caseworker's own households, waiting."""
    return factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))


@pytest.fixture
def taken(session: Session, worker: Staff, row: Submission) -> Submission:
    review.claim(session, worker, row.id)
    return row


def history(session: Session, row: Submission) -> list[tuple[State, ActorKind, str]]:
    found = session.scalars(select(Step).where(Step.submission_id == row.id).order_by(Step.id))
    return [(step.became, step.actor_kind, step.note) for step in found]


def lease(session: Session, row: Submission) -> Claim | None:
    return session.get(Claim, (row.office_id, row.id))


def ask(row: Submission, **given: Any) -> AskAgain:
    values = {"jobs-0-gross_yen": (Reason.DIFFERS, "85,400円とあります")}
    return AskAgain(**{"seen": row.revision, "attempt": uuid4(), "values": values, **given})


def accept(session: Session, who: Staff, row: Submission, **given: Any) -> Submission:
    return review.accept(session, who, row.id, **{"seen": row.revision, "attempt": uuid4(), **given})


def test_who_takes_it_has_it_for_twenty_minutes(session: Session, worker: Staff, row: Submission) -> None:
    held = review.claim(session, worker, row.id)
    assert (held.staff_id, held.taken_at, held.until) == (worker.staff_id, EVENING, EVENING + LEASE)
    assert row.state is State.IN_REVIEW
    assert history(session, row)[-1] == (State.IN_REVIEW, ActorKind.STAFF, "")
    assert review.lease_runs(held, EVENING + LEASE - timedelta(seconds=1))
    assert not review.lease_runs(held, EVENING + LEASE)
    assert not review.lease_runs(None, EVENING)


def test_taking_it_again_makes_the_lease_longer_and_is_no_step(
    session: Session, worker: Staff, taken: Submission
) -> None:
    revision, before = taken.revision, history(session, taken)
    for minutes in (15, 300):  # also one's own lease that ran out
        with clock.at(EVENING + timedelta(minutes=minutes)):
            held = review.claim(session, worker, taken.id)
            assert (held.taken_at, held.until) == (EVENING, clock.now() + LEASE)
    assert (taken.revision, history(session, taken)) == (revision, before)


def test_a_colleague_hears_who_has_it_since_when_and_until_when(
    session: Session, colleague: Staff, taken: Submission
) -> None:
    with clock.at(EVENING + LEASE - timedelta(seconds=1)), pytest.raises(TakenByAnother) as refused:
        review.claim(session, colleague, taken.id)
    error = refused.value
    assert (error.submission_id, error.who) == (taken.id, "例野 太郎")
    assert (error.since, error.until) == (EVENING, EVENING + LEASE)
    assert taken.state is State.IN_REVIEW


def test_a_lease_that_ran_out_is_taken_over_and_the_history_says_so(
    session: Session, worker: Staff, colleague: Staff, taken: Submission
) -> None:
    seen = taken.revision
    with clock.at(EVENING + LEASE):
        held = review.claim(session, colleague, taken.id)
        assert (held.staff_id, held.taken_at) == (colleague.staff_id, clock.now())
    assert history(session, taken)[-2:] == [
        (State.WAITING, ActorKind.MACHINE, "lease_ran_out"),
        (State.IN_REVIEW, ActorKind.STAFF, ""),
    ]
    with pytest.raises(ChangedMeanwhile) as refused:
        accept(session, worker, taken, seen=seen)
    assert refused.value.who == "手本 春子"


def test_given_back_it_waits_again_for_anybody(
    session: Session, worker: Staff, colleague: Staff, taken: Submission
) -> None:
    for _ in range(2):
        review.release(session, worker, taken.id)
    assert (taken.state, lease(session, taken)) == (State.WAITING, None)
    assert history(session, taken)[-1] == (State.WAITING, ActorKind.STAFF, "released")
    assert review.claim(session, colleague, taken.id).staff_id == colleague.staff_id


def test_nobody_gives_back_what_a_colleague_has(session: Session, colleague: Staff, taken: Submission) -> None:
    review.release(session, colleague, taken.id)
    assert taken.state is State.IN_REVIEW
    assert lease(session, taken) is not None


@pytest.mark.parametrize(
    "state", [State.ARRIVED, State.RETURNED, State.ACCEPTED, State.RECEIPTED, State.WITHDRAWN, State.VOIDED]
)
def test_what_is_not_to_be_looked_at_cannot_be_taken(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    worker = factories.caseworker_of(session, row)
    with pytest.raises(ChangedMeanwhile) as refused:
        review.claim(session, worker, row.id)
    assert (refused.value.state, row.state, lease(session, row)) == (state.value, state, None)
    review.release(session, worker, row.id)
    assert row.state is state


def test_accepting_is_one_step_a_journal_entry_and_the_end_of_the_lease(
    session: Session, worker: Staff, taken: Submission
) -> None:
    accepted = accept(session, worker, taken)
    assert (accepted.state, lease(session, taken)) == (State.ACCEPTED, None)
    assert history(session, taken)[-1] == (State.ACCEPTED, ActorKind.STAFF, "")
    entry = session.scalars(select(LogEntry).order_by(LogEntry.seq.desc())).first()
    assert entry
    assert (entry.event, entry.actor_id) == ("submission.accepted", worker.staff_id)
    assert factories.facts(entry) == {"version": 1}


def test_a_second_tap_is_the_same_acceptance(session: Session, worker: Staff, taken: Submission) -> None:
    seen, attempt = taken.revision, uuid4()
    answers = [accept(session, worker, taken, seen=seen, attempt=attempt) for _ in range(3)]
    assert answers == [taken] * 3
    assert [became for became, _, _ in history(session, taken)].count(State.ACCEPTED) == 1


def test_a_second_tap_asks_again_only_once(session: Session, worker: Staff, taken: Submission) -> None:
    asked = ask(taken)
    for _ in range(2):
        assert review.send_back(session, worker, taken.id, asked).state is State.RETURNED
    assert len(session.scalars(select(Correction)).all()) == 1


DECISIONS: dict[str, Callable[[Session, Staff, Submission, int], object]] = {
    "accept": lambda session, who, row, seen: accept(session, who, row, seen=seen),
    "send back": lambda session, who, row, seen: review.send_back(session, who, row.id, ask(row, seen=seen)),
}


@pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS.keys())
def test_a_decision_about_what_has_changed_meanwhile_is_refused_with_a_name(
    session: Session, worker: Staff, taken: Submission, decide: Any
) -> None:
    before = history(session, taken)
    for seen in (taken.revision - 1, taken.revision + 1, 0):
        with pytest.raises(ChangedMeanwhile) as refused:
            decide(session, worker, taken, seen)
        error = refused.value
        assert (error.submission_id, error.state, error.who, error.at) == (taken.id, "in_review", "例野 太郎", EVENING)
    assert history(session, taken) == before


@pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS.keys())
def test_only_who_has_it_decides(
    session: Session, worker: Staff, colleague: Staff, taken: Submission, decide: Any
) -> None:
    with pytest.raises(ChangedMeanwhile):
        decide(session, colleague, taken, taken.revision)
    review.release(session, worker, taken.id)
    with pytest.raises(ChangedMeanwhile):
        decide(session, worker, taken, taken.revision)
    assert taken.state is State.WAITING


def test_a_change_by_the_person_or_the_machine_is_named_as_such(
    session: Session, worker: Staff, taken: Submission
) -> None:
    review.send_back(session, worker, taken.id, ask(taken))
    who = factories.recipient_of(session, taken)
    file = factories.file(session, who, taken)
    intake.send(session, who, taken.id, attempt=uuid4())
    assert review.changed_meanwhile(session, taken).who == "見本　花子"
    factories.make_safe(session, file)
    intake.settle(session, taken)
    changed = review.changed_meanwhile(session, taken)
    assert (changed.who, changed.state) == ("見本　花子", "waiting"), (
        "that its files were looked at is no news of its own"
    )
    taken.move(State.IN_REVIEW, Actor.staff(worker.staff_id))
    taken.move(State.WAITING, MACHINE, note="lease_ran_out")
    session.flush()
    assert review.changed_meanwhile(session, taken).who == ""


def test_what_is_asked_for_again_stands_in_its_items(session: Session, worker: Staff) -> None:
    who = factories.recipient(session, factories.household(session, worker))
    row = factories.draft(session, who)
    file = factories.file(session, who, row)
    factories.make_safe(session, file)
    intake.send(session, who, row.id, attempt=uuid4())
    review.claim(session, worker, row.id)
    review.send_back(
        session,
        worker,
        row.id,
        ask(row, files={file.id: (Reason.CUT_OFF, "右はし")}, values={"jobs-0-work_days": (Reason.OTHER, "")}),
    )
    items = session.scalars(select(CorrectionItem).order_by(CorrectionItem.id)).all()
    assert [(item.file_id, item.value, item.reason, item.detail) for item in items] == [
        (file.id, None, Reason.CUT_OFF, "右はし"),
        (None, "jobs-0-work_days", Reason.OTHER, ""),
    ]
    assert (row.state, lease(session, row), row.answer_by is None) == (State.RETURNED, None, False)
    assert row.arrived_at == EVENING


@pytest.mark.parametrize(
    "asked",
    [
        {"values": {}},
        {"files": {factories.unknown_id(): (Reason.DARK, "")}},
        {"values": {"state": (Reason.OTHER, "")}},
        {"values": {"jobs-0-gross_yen": (Reason.OTHER, ""), "": (Reason.OTHER, "")}},
    ],
    ids=["nothing", "a file of nobody", "a field of nobody", "one right and one wrong"],
)
def test_asking_for_nothing_or_for_what_is_not_there_is_refused(
    session: Session, worker: Staff, taken: Submission, asked: dict[str, Any]
) -> None:
    before = history(session, taken)
    with pytest.raises(ValueError, match="not in this version"):
        review.send_back(session, worker, taken.id, ask(taken, **asked))
    assert (taken.state, history(session, taken)) == (State.IN_REVIEW, before)
    assert session.scalars(select(Correction)).all() == []


def test_a_file_of_another_submission_cannot_be_asked_for(session: Session, worker: Staff, taken: Submission) -> None:
    other = factories.submission(session, State.ARRIVED)
    (file,) = drafts.files_of(session, drafts.sent_version(session, other))
    with pytest.raises(ValueError, match="not in this version"):
        review.send_back(session, worker, taken.id, ask(taken, files={file.id: (Reason.DARK, "")}))


def not_there(session: Session, who: Staff, submission_id: UUID) -> list[bool]:
    """Whether each command says NotThere."""
    asked = AskAgain(seen=1, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.OTHER, "")})
    answers = []
    for act in (
        lambda: review.open_for(session, who, submission_id),
        lambda: review.claim(session, who, submission_id),
        lambda: review.release(session, who, submission_id),
        lambda: review.accept(session, who, submission_id, seen=1, attempt=uuid4()),
        lambda: review.send_back(session, who, submission_id, asked),
    ):
        try:
            act()
        except NotThere as refused:
            answers.append(refused.args == ())
        else:
            answers.append(False)
    return answers


def test_another_offices_papers_are_not_there_even_for_a_supervisor(session: Session, row: Submission) -> None:
    office = factories.office(session, "HX")
    for role in Role:
        assert all(not_there(session, factories.staff(session, role, office_id=office.id), row.id))


def test_an_unknown_id_and_a_draft_are_not_there(session: Session, worker: Staff) -> None:
    who = factories.recipient(session, factories.household(session, worker))
    assert all(not_there(session, worker, factories.draft(session, who).id))
    assert all(not_there(session, worker, factories.unknown_id()))


def test_a_protected_household_opens_to_its_own_caseworker_and_the_supervisor_only(
    session: Session, worker: Staff, colleague: Staff
) -> None:
    home = factories.household(session, worker, protected=True)
    row = factories.submission(session, who=factories.recipient(session, home))
    assert all(not_there(session, colleague, row.id))
    assert review.open_for(session, worker, row.id) is row
    supervisor = factories.staff(session, Role.SUPERVISOR)
    assert review.claim(session, supervisor, row.id).staff_id == supervisor.staff_id


@pytest.mark.parametrize("role", [Role.CLERK, Role.ADMINISTRATOR])
def test_clerks_and_administrators_open_no_papers(session: Session, row: Submission, role: Role) -> None:
    assert all(not_there(session, factories.staff(session, role), row.id))


def test_colleagues_cover_for_one_another(session: Session, colleague: Staff, row: Submission) -> None:
    review.claim(session, colleague, row.id)
    assert accept(session, colleague, row).state is State.ACCEPTED


def test_a_person_who_came_in_twice_is_one_and_the_same_holder(
    session: Session, worker: Staff, taken: Submission
) -> None:
    token = factories.signed_in_token(session, worker)
    again = sign_in.staff_of(session, token)
    assert again is not None
    assert replace(again, sign_in_id=worker.sign_in_id) == worker
    assert accept(session, again, taken).state is State.ACCEPTED
