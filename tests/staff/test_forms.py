"""Declared forms at the desk: first in the queue if somebody must look first, read, asked for again, accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from html import unescape
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from shared import drafts, filled, intake, receipts, review, slips
from shared.model import DutyKind, FormSetting, Household, Reason, Role, State, Submission
from shared.rules.forms import FORMS
from shared.rules.forms import form as forms
from shared.rules.forms.check_in import CHECK_IN
from shared.rules.forms.form import Ask
from shared.rules.forms.income_report import THREE_MONTHS
from shared.sign_in import Recipient, Staff
from tests import factories
from tests.shared.fill import fill
from tests.staff.conftest import Desk

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
CALM = {
    question.key: question.options[0].key
    for screen in CHECK_IN.screens
    for question in screen.questions
    if question.ask is Ask.CHOICE
}


def check_in(session: Session, who: Recipient, **answers: str) -> Submission:
    """A check-in that has arrived."""
    row = filled.start(session, who, DutyKind.STATUS_CHECK_IN, factories.OCTOBER)
    for screen in CHECK_IN.screens:
        given = {**CALM, **answers}
        filled.write(
            session, who, row.id, screen.key, {q.key: given[q.key] for q in screen.questions if q.key in given}
        )
    intake.send(session, who, row.id, attempt=uuid4())
    return row


@pytest.fixture
def hanako(make_session: Make, worker: Staff) -> Recipient:
    with make_session.begin() as session:
        return factories.recipient(session, factories.household(session, worker))


@pytest.fixture
def desk(enter: Enter, worker: Staff) -> Desk:
    return enter(worker)


def test_a_danger_answer_stands_first_and_says_why(
    desk: Desk, hanako: Recipient, worker: Staff, make_session: Make
) -> None:
    with make_session.begin() as session:
        home = session.get_one(Household, (hanako.office_id, hanako.household_id))
        jiro = factories.recipient(session, home, name="別野　次郎", is_head=False)
        factories.submission(session, State.WAITING, hanako)
        urgent = check_in(session, jiro, meals="none").id
    page = desk.open("/")
    assert page.html.index("別野　次郎") < page.html.index("見本　花子")
    assert "すぐに見てほしい答え" in page.html
    assert "今月のようす　10月分" in page.html
    page = desk.open(f"/review/{urgent}")
    assert "すぐに見てほしい" in page.html

    assert "食べられない日があります" in page.html


def test_every_answer_is_read_at_the_desk_and_stands_on_the_receipt(
    desk: Desk, hanako: Recipient, make_session: Make
) -> None:
    with make_session.begin() as session:
        row = check_in(session, hanako, call="yes")
        slip = slips.slip(session, row)
    html = desk.open(f"/review/{row.id}").html
    printed = {row[0]: row[1] for row in receipts.declared(slip)}
    for screen in CHECK_IN.screens:
        for question in screen.questions:
            if question.key in CALM:
                assert question.short in html
                assert question.short in printed
    assert printed["電話の希望"] == "電話してほしいです"


def test_an_answer_asked_for_again_comes_back_as_the_next_version_and_shows_the_difference(
    desk: Desk, hanako: Recipient, worker: Staff, make_session: Make
) -> None:
    with make_session.begin() as session:
        row = check_in(session, hanako)
        review.claim(session, worker, row.id)
    page = desk.open(f"/review/{row.id}/return")
    assert "体の調子" in page.html
    typed = {"value-health": "y", "value-health-reason": "other", "value-health-detail": "先週のお話と ちがうようです"}
    assert desk.send(page, f"/review/{row.id}/return", **typed).status == 303
    with make_session.begin() as session:
        again = session.get_one(Submission, (hanako.office_id, row.id))
        assert again.state is State.RETURNED
        filled.write(session, hanako, row.id, "health", {"health": "worse"})
        intake.send(session, hanako, row.id, attempt=uuid4())
        first, second = drafts.sent_versions(session, again)
        texts = [
            {one.id: one.answer for one in slips.slip(session, again, version).said}["health"]
            for version in (first, second)
        ]
    assert texts == ["better", "worse"]
    html = desk.open(f"/review/{row.id}").html
    assert "なおした" in html
    assert "すこし悪いです" in html
    assert "よくなりました" in html


def test_what_a_form_does_not_have_cannot_be_asked_for(hanako: Recipient, worker: Staff, make_session: Make) -> None:
    with make_session.begin() as session:
        row = check_in(session, hanako)
        review.claim(session, worker, row.id)
        asked = review.AskAgain(seen=row.revision, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.DIFFERS, "")})
        with pytest.raises(ValueError, match="not in this version"):
            review.send_back(session, worker, row.id, asked)


def test_a_form_is_accepted_and_gets_its_receipt(
    desk: Desk, enter: Enter, hanako: Recipient, worker: Staff, make_session: Make
) -> None:
    with make_session.begin() as session:
        row = check_in(session, hanako)
        review.claim(session, worker, row.id)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
        clerk = factories.staff(session, Role.CLERK)
    desk = enter(clerk)
    assert "今月のようす　10月分" in desk.open("/receipts").html
    page = desk.open(f"/receipts/{row.id}")
    assert "今月のようす　令和8年10月分" in page.html
    assert "電話の希望" in page.html


@pytest.mark.parametrize("kind", FORMS)
def test_every_field_of_every_form_is_read_at_the_desk(
    desk: Desk, hanako: Recipient, make_session: Make, kind: DutyKind
) -> None:
    form = FORMS[kind]
    with make_session.begin() as session:
        home = session.get_one(Household, (hanako.office_id, hanako.household_id))
        factories.recipient(session, home, name="別野　次郎", is_head=False)
        session.add(
            FormSetting(
                office_id=hanako.office_id,
                kind=DutyKind.INCOME_REPORT,
                from_day=date(2026, 1, 1),
                left_out={"asked": list(THREE_MONTHS)},
            )
        )
        session.flush()
        row = filled.start(session, hanako, kind, factories.OCTOBER)
        answers = next(fill(form, str(hanako.member_id)))
        filled.write_whole(session, hanako, row.id, answers)
        if form.files_needed:
            factories.make_safe(session, factories.file(session, hanako, row))
        intake.send(session, hanako, row.id, attempt=uuid4())
    html = unescape(desk.open(f"/review/{row.id}").html)
    places = [(place, answer) for place, answer in forms.places(form, answers) if answer not in (None, [])]
    assert len(places) >= len(form.screens) / 2
    for place, answer in places:
        assert forms.name(place.question, factories.OCTOBER) in html, place.id
        assert forms.text_of(place.question, answer, hanako.name) in html, place.id
