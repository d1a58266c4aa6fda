"""Declared forms: begun, filled in screen by screen, looked at once more, sent; with the check-in as the example."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, filled, intake, receipts, slips
from shared.model import MACHINE, CorrectionItem, DutyKind, FilledForm, Reason, State, Submission
from shared.rules.forms.check_in import CHECK_IN
from shared.rules.forms.form import Ask
from tests import factories
from tests.portal.phone import Phone, Somebody
from tests.shared.test_own_forms import AIRCON

Make = sessionmaker[Session]


def kept(make_session: Make) -> dict[str, object]:
    with make_session() as session:
        return session.scalars(select(FilledForm).order_by(FilledForm.id.desc())).first().answers  # type: ignore[union-attr]


def submission(make_session: Make) -> Submission:
    with make_session() as session:
        return session.scalars(select(Submission)).one()


def first_options() -> dict[str, str]:
    """The first option of every choice of the check-in."""
    return {
        question.key: question.options[0].key
        for screen in CHECK_IN.screens
        for question in screen.questions
        if question.ask is Ask.CHOICE
    }


def on(phone: Phone, **typed: str) -> str:
    """Press the button and go where it leads."""
    place = phone.press(**typed).place
    phone.follow()
    return place


def begin(one: Somebody) -> UUID:
    one.phone.open("/forms/status_check_in/new")
    place = on(one.phone)
    assert place.endswith("/health")
    return UUID(place.split("/")[2])


def test_a_check_in_from_the_first_question_to_the_slip(hanako: Somebody, make_session: Make) -> None:
    phone = hanako.phone
    phone.open("/forms/status_check_in/new")
    assert "2分くらい" in phone.page.text
    assert "119" in phone.page.text, "that it is no emergency call stands before it is begun"
    place = on(phone)
    answers = first_options()
    for screen in CHECK_IN.screens:
        assert place.endswith(f"/{screen.key}")
        place = on(phone, **{q.key: answers[q.key] for q in screen.questions if q.key in answers})
    assert place.endswith("/check")
    place = on(phone)
    assert place.startswith("/sent/")
    assert "届きました" in phone.page.text
    assert "体の調子" in phone.page.text
    row = submission(make_session)
    assert row.state is State.WAITING
    assert not row.urgent
    assert kept(make_session) == answers


def test_an_answer_is_kept_at_each_step_and_nothing_is_chosen_beforehand(hanako: Somebody, make_session: Make) -> None:
    begin(hanako)
    assert hanako.phone.page.html.count("checked") == 0
    hanako.phone.press(health="same")
    assert kept(make_session) == {"health": "same"}


def test_no_answer_is_asked_for_kindly_and_stores_nothing(hanako: Somebody, make_session: Make) -> None:
    begin(hanako)
    page = hanako.phone.press()
    assert page.status == 422
    assert "1つ えらんでください" in page.text
    assert kept(make_session) == {}


@pytest.mark.parametrize("bad", ["dead", "", "x" * 5_000, "<script>", "\x00"])
def test_an_answer_nobody_offered_is_not_taken(hanako: Somebody, make_session: Make, bad: str) -> None:
    begin(hanako)
    assert hanako.phone.press(health=bad).status == 422
    assert kept(make_session) == {}


def test_a_danger_answer_shows_help_at_once_and_marks_what_is_sent(hanako: Somebody, make_session: Make) -> None:
    draft = begin(hanako)
    assert on(hanako.phone, health="bad").endswith("/health/help")
    assert 'href="tel:119"' in hanako.phone.page.html
    assert 'href="tel:0120279338"' in hanako.phone.page.html
    for screen in CHECK_IN.screens[1:]:
        hanako.phone.open(f"/forms/{draft}/{screen.key}")
        answers = first_options()
        on(hanako.phone, **{q.key: answers[q.key] for q in screen.questions if q.key in answers})
    on(hanako.phone)
    assert submission(make_session).urgent


def test_the_last_look_names_what_is_missing_and_sends_nothing(hanako: Somebody, make_session: Make) -> None:
    draft = begin(hanako)
    hanako.phone.press(health="same")
    hanako.phone.open(f"/forms/{draft}/check")
    page = hanako.phone.press()
    assert page.status == 422
    assert "なおしてください" in page.text
    assert submission(make_session).state is State.DRAFT


def test_somebody_elses_form_is_not_there(hanako: Somebody, jiro: Somebody) -> None:
    draft = begin(hanako)
    for place in ("health", "check", "files", "health/help", "nothing"):
        assert jiro.phone.open(f"/forms/{draft}/{place}").status == 404


def test_an_address_of_one_form_leads_into_no_other(hanako: Somebody, begun: UUID, make_session: Make) -> None:
    draft = begin(hanako)
    assert hanako.phone.open(f"/forms/{begun}/health").status == 404
    assert hanako.phone.open(f"/forms/{draft}/jobs/0/gross").status == 404
    for place in ("jobs/0/health", "jobs/1/gross", "jobs/0/estimate", "worked/0", "worked/0/gross"):
        assert hanako.phone.open(f"/forms/{begun}/{place}").status == 404, place


def test_as_last_time_is_one_tap_and_shows_everything_before_it_is_sent(
    hanako: Somebody, make_session: Make, meet: Callable[..., Somebody]
) -> None:
    test_a_check_in_from_the_first_question_to_the_slip(hanako, make_session)
    page = hanako.phone.open("/forms/status_check_in/new")
    assert "前と同じ答え" in page.text
    assert on(hanako.phone, as_before="1").endswith("/check")
    assert kept(make_session) == first_options()
    other = meet("よその　人")
    assert "前と同じ答え" not in other.phone.open("/forms/status_check_in/new").text


def test_the_answer_of_last_time_stands_below_each_question_and_one_tap_gives_it_again(
    hanako: Somebody, make_session: Make
) -> None:
    test_a_check_in_from_the_first_question_to_the_slip(hanako, make_session)
    hanako.phone.open("/forms/status_check_in/new?month=2026-09")
    draft = UUID(on(hanako.phone).split("/")[2])
    assert "前（11月）と同じよくなりました" in hanako.phone.page.text
    assert on(hanako.phone, as_before="1") == f"/forms/{draft}/meals"
    assert kept(make_session) == {"health": "better"}
    hanako.phone.open(f"/forms/{draft}/tell")
    assert "と同じ" not in hanako.phone.page.text, "nothing was told the last time"
    hanako.phone.open(f"/forms/{draft}/health")
    assert hanako.phone.press(as_before="1", health="bad").place.endswith("/meals"), "the button says which is meant"


def test_what_was_never_answered_cannot_be_the_same_as_before(hanako: Somebody, make_session: Make) -> None:
    begin(hanako)
    assert "と同じ" not in hanako.phone.page.text
    assert hanako.phone.press(as_before="1").status == 422
    assert kept(make_session) == {}


def test_an_office_asks_its_own_question_in_its_own_words(
    hanako: Somebody, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    wishes = {"leave_out": ["health"], "words": {"meals": {"label": "<b>ごはん</b> 100%は？"}}, "add": [AIRCON]}
    with make_session.begin() as session:
        filled.set_form(session, hanako.who.office_id, DutyKind.STATUS_CHECK_IN, tomorrow, wishes)
    then = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: then)
    hanako.phone.open("/forms/status_check_in/new")
    place = on(hanako.phone)
    assert place.endswith("/meals"), "the first question that is asked"
    assert "<b>ごはん</b> 100％は？" in hanako.phone.page.text
    draft = place.split("/")[2]
    hanako.phone.open(f"/forms/{draft}/own_aircon")
    assert on(hanako.phone, own_aircon="no").endswith("/help")
    assert kept(make_session) == {"own_aircon": "no"}


def test_an_answer_asked_for_again_is_mended_from_the_request_itself(hanako: Somebody, make_session: Make) -> None:
    test_a_check_in_from_the_first_question_to_the_slip(hanako, make_session)
    with make_session.begin() as session:
        row = session.scalars(select(Submission)).one()
        items = [CorrectionItem(value="health", reason=Reason.OTHER, detail="先週のお話")]
        row.move(State.IN_REVIEW, MACHINE)
        intake.ask_again(session, row, drafts.sent_version(session, row), items, by=MACHINE)
    page = hanako.phone.open(f"/correct/{row.id}")
    assert "体の調子" in page.text
    assert "よくなりました" in page.text
    link = next(link for link in page.links if "/health?then=correct" in link)
    hanako.phone.open(link.partition("#")[0])
    assert on(hanako.phone, health="worse") == f"/correct/{row.id}"
    assert "（なおしました）" in hanako.phone.page.text
    hanako.phone.open(f"/forms/{row.id}/check")
    assert on(hanako.phone) == f"/sent/{row.id}"
    assert submission(make_session).version_no == 2
    assert kept(make_session)["health"] == "worse"


def test_rare_characters_of_a_name_are_kept_and_its_kana_is_converted(hanako: Somebody, make_session: Make) -> None:
    name = "髙﨑 𠮷 葛\U000e0100城"
    with make_session.begin() as session:
        row = filled.start(session, hanako.who, DutyKind.CHANGE_NOTICE, factories.OCTOBER)
        filled.write(session, hanako.who, row.id, "what", {"what": "birth"})
        filled.write(session, hanako.who, row.id, "since", {"since": "2026-11-03"})
    phone = hanako.phone
    phone.open(f"/forms/{row.id}/newcomer")
    on(phone, newcomer_name=name, newcomer_kana="ﾀｶｻｷ　ﾖｼ", newcomer_born="令和８年11/3", newcomer_kin="子")
    assert kept(make_session)["newcomer_name"] == name
    assert kept(make_session)["newcomer_kana"] == "たかさき よし"
    phone.open(f"/forms/{row.id}/check")
    on(phone)
    assert name in phone.page.text
    assert "令和8年11月3日(火)" in phone.page.text
    with make_session() as session:
        printed = receipts.declared(slips.slip(session, session.scalars(select(Submission)).one()))
    assert ["ふえた人の名前", name] in printed
