"""What a person can do with what she has sent: look at every version, send another, take it back."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import review
from shared.errors import ChangedMeanwhile
from shared.model import Claim, LogEntry, State, Submission
from tests import factories
from tests.portal.phone import Somebody

Make = sessionmaker[Session]
At = Callable[[State], UUID]


@pytest.fixture
def at(hanako: Somebody, make_session: Make) -> At:
    """A report of hers that stands somewhere."""

    def bring(state: State) -> UUID:
        with make_session.begin() as session:
            return factories.submission(session, state, hanako.who).id

    return bring


def standing(make_session: Make, submission_id: UUID) -> Submission:
    with make_session() as session:
        return session.scalars(select(Submission).where(Submission.id == submission_id)).one()


@pytest.mark.parametrize("state", [State.WAITING, State.IN_REVIEW, State.ON_HOLD])
def test_what_was_sent_can_be_changed_and_the_first_arrival_stands(
    hanako: Somebody, make_session: Make, at: At, state: State
) -> None:
    sent = at(state)
    before = standing(make_session, sent)
    phone = hanako.phone
    phone.open(f"/sent/{sent}")
    place = phone.press(f"/sent/{sent}/change").place
    assert place == f"/forms/{sent}/check"
    assert standing(make_session, sent).state is state, "until the new version is sent, nothing has changed"
    phone.open(f"/forms/{sent}/jobs/0/gross?then=check")
    assert phone.press(gross_yen="90,000").place == place
    phone.follow()
    assert phone.press().place == f"/sent/{sent}"
    page = phone.follow()
    assert "90,000円" in page.text
    assert "第2版" in page.text
    after = standing(make_session, sent)
    assert (after.state, after.version_no) == (State.WAITING, 2)
    assert (after.number, after.arrived_at, after.look_by) == (before.number, before.arrived_at, before.look_by)
    assert "85,400円" in phone.open(f"/sent/{sent}/versions/1").text
    with make_session() as session:
        assert session.scalars(select(Claim)).all() == []


def test_whoever_had_it_open_learns_that_the_person_was_quicker(hanako: Somebody, make_session: Make, at: At) -> None:
    sent = at(State.IN_REVIEW)
    seen = standing(make_session, sent).revision
    hanako.phone.open(f"/sent/{sent}")
    hanako.phone.press(f"/sent/{sent}/change")
    hanako.phone.follow()
    hanako.phone.press()
    with make_session() as session:
        worker = factories.caseworker_of(session, session.scalars(select(Submission)).one())
        with pytest.raises(ChangedMeanwhile) as told:
            review.accept(session, worker, sent, seen=seen, attempt=uuid4())
    assert told.value.who == hanako.who.name


@pytest.mark.parametrize("state", [State.ACCEPTED, State.RECEIPTED, State.WITHDRAWN])
def test_what_is_decided_is_not_changed_and_the_page_says_what_to_do(
    hanako: Somebody, make_session: Make, at: At, state: State
) -> None:
    sent = at(state)
    page = hanako.phone.open(f"/sent/{sent}")
    assert "なおす・たす" not in page.text
    assert "とりさげる" not in page.text
    assert hanako.phone.post(f"/sent/{sent}/change", {"csrf_token": token(hanako)}).place == f"/sent/{sent}"
    assert "電話で教えてください" in hanako.phone.follow().text
    assert standing(make_session, sent).version_no == 1


def token(one: Somebody) -> str:
    return next(form.fields["csrf_token"] for form in one.phone.page.forms if "csrf_token" in form.fields)


@pytest.mark.parametrize("state", [State.ARRIVED, State.WAITING, State.IN_REVIEW, State.ON_HOLD, State.RETURNED])
def test_what_was_sent_can_be_taken_back_until_it_is_accepted(
    hanako: Somebody, make_session: Make, at: At, state: State
) -> None:
    sent = at(state)
    before = standing(make_session, sent)
    hanako.phone.open(f"/sent/{sent}/withdraw")
    assert "届いた記録は残ります" in hanako.phone.page.text
    twin = hanako.phone.twin()
    assert hanako.phone.press().place == f"/sent/{sent}"
    assert twin.press().place == f"/sent/{sent}", "the second tap gets the same answer"
    assert "とりさげました" in hanako.phone.follow().text
    after = standing(make_session, sent)
    assert (after.state, after.number, after.arrived_at) == (State.WITHDRAWN, before.number, before.arrived_at)
    with make_session() as session:
        assert session.scalars(select(Claim)).all() == []
        assert len(session.scalars(select(LogEntry).where(LogEntry.event == "submission.withdrawn")).all()) == 1


def test_an_accepted_report_is_not_taken_back_and_the_page_says_what_to_do(
    hanako: Somebody, make_session: Make, at: At
) -> None:
    sent = at(State.WAITING)
    hanako.phone.open(f"/sent/{sent}/withdraw")
    with make_session.begin() as session:
        row = session.scalars(select(Submission)).one()
        worker = factories.caseworker_of(session, row)
        review.claim(session, worker, sent)
        review.accept(session, worker, sent, seen=row.revision, attempt=uuid4())
    assert hanako.phone.press().place == f"/sent/{sent}"
    assert "電話で教えてください" in hanako.phone.follow().text
    assert standing(make_session, sent).state is State.ACCEPTED


def test_the_same_month_can_be_reported_again_after_taking_it_back(
    hanako: Somebody, make_session: Make, at: At
) -> None:
    sent = at(State.WAITING)
    hanako.phone.open(f"/sent/{sent}/withdraw")
    hanako.phone.press()
    hanako.phone.open("/forms/income_report/new?month=2026-10")
    place = hanako.phone.press().place
    assert place.endswith("/worked")
    assert str(sent) not in place


def test_somebody_elses_is_not_there(hanako: Somebody, jiro: Somebody, make_session: Make, at: At) -> None:
    sent = at(State.WAITING)
    jiro.phone.open("/home")
    for place in ("change", "withdraw"):
        assert jiro.phone.post(f"/sent/{sent}/{place}", {"csrf_token": token(jiro)}).status == 404
    assert jiro.phone.open(f"/sent/{sent}/withdraw").status == 404
    assert jiro.phone.open(f"/sent/{sent}/versions/1").status == 404
    assert hanako.phone.open(f"/sent/{sent}/versions/2").status == 404
    assert standing(make_session, sent).state is State.WAITING
