"""「あとで 送ります」: it stays on her list with a way to send it, staff see it, and it ends when it is there."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import drafts, filled, intake, queue, review, slips
from shared.model import AbsentPaper, DutyKind, State, StoredFile, Submission, WhyAbsent
from tests import factories
from tests.portal.phone import Sent, Somebody

Make = sessionmaker[Session]


@pytest.fixture
def notice(hanako: Somebody, make_session: Make) -> UUID:
    """A notice of a change she has sent, whose paper comes later."""
    answers: dict[str, str | int | list[str] | None] = {"what": "rent", "rent_now": 38_000, "since": "2026-11-01"}
    with make_session.begin() as session:
        row = filled.start(session, hanako.who, DutyKind.CHANGE_NOTICE, factories.OCTOBER)
        for screen, key in (("what", "what"), ("rent", "rent_now"), ("since", "since")):
            filled.write(session, hanako.who, row.id, screen, {key: answers[key]})
        drafts.say_absent(session, hanako.who, row.id, WhyAbsent.LATER)
        intake.send(session, hanako.who, row.id, attempt=uuid4())
    return row.id


def slip_of(make_session: Make, submission_id: UUID) -> slips.Slip:
    with make_session() as session:
        return slips.slip(session, session.scalars(select(Submission).where(Submission.id == submission_id)).one())


def test_it_stands_on_her_list_and_the_paper_goes_with_the_next_version(
    hanako: Somebody, notice: UUID, make_session: Make
) -> None:
    phone = hanako.phone
    page = phone.open("/home")
    assert page.heading == "今月やること　1つ"
    assert "変わったことの届けの書類" in page.text
    assert phone.press(f"/absent/{notice}/bring").place == f"/forms/{notice}/files"
    phone.follow()
    assert phone.send(Sent("家賃.jpg")).status == 303
    with make_session.begin() as session:
        for file in session.scalars(select(StoredFile)):
            factories.make_safe(session, file)
    phone.open(f"/forms/{notice}/check")
    assert phone.press().place == f"/sent/{notice}"
    slip = slip_of(make_session, notice)
    assert (slip.version_no, slip.absent, slip.owed, len(slip.files)) == (2, None, False, 1)
    assert phone.open("/home").heading == "今月やることは、ありません"
    with make_session() as session:
        assert [row.why for row in session.scalars(select(AbsentPaper))] == [WhyAbsent.LATER], "the first version's own"


def test_staff_see_it_in_the_queue(hanako: Somebody, notice: UUID, make_session: Make) -> None:
    with make_session() as session:
        worker = factories.caseworker_of(session, session.scalars(select(Submission)).one())
        assert [row.absent for row in queue.waiting(session, worker)] == [WhyAbsent.LATER]


def test_once_it_is_decided_the_paper_goes_as_a_proof_and_the_reminder_ends_when_she_says_so(
    hanako: Somebody, notice: UUID, make_session: Make
) -> None:
    with make_session.begin() as session:
        row = session.scalars(select(Submission)).one()
        worker = factories.caseworker_of(session, row)
        review.claim(session, worker, row.id)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    phone = hanako.phone
    phone.open("/home")
    place = phone.press(f"/absent/{notice}/bring").place
    assert place.endswith("/paper")
    assert str(notice) not in place
    phone.open("/home")
    assert phone.press(f"/absent/{notice}/bring", done="1").place == "/home"
    page = phone.open("/home")
    assert "あとで出すもの」から、はずしました" in page.text
    assert f"/absent/{notice}/bring" not in page.html
    slip = slip_of(make_session, notice)
    assert slip.absent is WhyAbsent.LATER, "what was sent says what it said"
    assert slip.absent_done_at is not None


@pytest.mark.parametrize("why", [WhyAbsent.LOST, WhyAbsent.NEVER, WhyAbsent.NOT_MINE, None])
def test_only_what_was_promised_can_be_brought(hanako: Somebody, make_session: Make, why: WhyAbsent | None) -> None:
    with make_session.begin() as session:
        row = filled.start(session, hanako.who, DutyKind.MESSAGE, factories.OCTOBER)
        filled.write(session, hanako.who, row.id, "tell", {"tell": "こんにちは"})
        drafts.say_absent(session, hanako.who, row.id, why)
        intake.send(session, hanako.who, row.id, attempt=uuid4())
    page = hanako.phone.open("/home")
    assert "/bring" not in page.html
    token = page.form("/leave").fields["csrf_token"]
    for fields in ({}, {"done": "1"}):
        assert hanako.phone.post(f"/absent/{row.id}/bring", {"csrf_token": token, **fields}).status == 404


def test_what_is_somebody_elses_is_not_there_and_what_is_withdrawn_is_no_longer_owed(
    hanako: Somebody, jiro: Somebody, notice: UUID, make_session: Make
) -> None:
    token = jiro.phone.open("/home").form("/leave").fields["csrf_token"]
    assert jiro.phone.post(f"/absent/{notice}/bring", {"csrf_token": token, "done": "1"}).status == 404
    with make_session.begin() as session:
        intake.withdraw(session, hanako.who, notice, attempt=uuid4())
    assert "/bring" not in hanako.phone.open("/home").html
    assert slip_of(make_session, notice).state is State.WITHDRAWN
