"""Losing the session in the middle, and forms that did not come from our own page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from shared import clock
from shared.model import FilledForm, ParkedForm, SignIn, Submission
from tests import factories
from tests.factories import OCTOBER
from tests.portal.phone import OURS, Phone, Somebody

Make = sessionmaker[Session]
PIN = "さくらの木 3本"
ELSEWHERE = {"Origin": "https://evil.example"}


def choose_pin(one: Somebody) -> None:
    one.phone.open("/pin/choose")
    assert one.phone.press(pin=PIN).place == "/home"


def end_sessions(make_session: Make) -> None:
    with make_session.begin() as session:
        session.execute(update(SignIn).values(ended_at=clock.now()))


def gross(make_session: Make) -> int | None:
    with make_session() as session:
        jobs = session.scalars(select(FilledForm)).one().answers.get("jobs", [{}])
        found: int | None = jobs[0].get("gross_yen")
        return found


def come_in_again(phone: Phone, code: str) -> str:
    """From the page the phone was sent to, with code and PIN; returns where it leads."""
    phone.follow()
    phone.press(code=code)
    phone.follow()
    return phone.press(pin=PIN).place


@pytest.mark.parametrize(("typed", "sentence"), [("81000", ""), ("8万くらい", "「8万くらい」と書いてあります")])
def test_what_was_typed_when_the_session_was_gone_stands_there_again(
    hanako: Somebody, begun: UUID, make_session: Make, count: Callable[..., int], typed: str, sentence: str
) -> None:
    choose_pin(hanako)
    path = hanako.path(begun, "gross")
    hanako.phone.open(path)
    end_sessions(make_session)
    assert hanako.phone.press(gross_yen=typed).place == "/"
    assert "書いたものは残っています" in hanako.phone.follow().text
    hanako.phone.press(code=hanako.code)
    hanako.phone.follow()
    assert hanako.phone.press(pin=PIN).place == path
    page = hanako.phone.follow()
    assert page.status == 200
    assert page.typed("gross_yen") == typed
    assert page.sentence_at("gross_yen") == "" or sentence in page.sentence_at("gross_yen")
    assert page.title.startswith("1か所") == bool(sentence), "a page that was only opened has no other mistakes"
    assert gross(make_session) is None, "nothing is kept before she presses again"
    assert hanako.phone.press().status == (422 if sentence else 303)
    assert gross(make_session) == (None if sentence else 81_000)
    assert count(ParkedForm) == 0, "given back once"
    assert hanako.phone.open(path).typed("gross_yen") == (typed if sentence else "81000")


def test_what_one_person_typed_is_never_shown_to_another(
    hanako: Somebody, jiro: Somebody, begun: UUID, make_session: Make
) -> None:
    choose_pin(jiro)
    hanako.phone.open(hanako.path(begun, "employer"))
    end_sessions(make_session)
    assert hanako.phone.press(employer="ひみつの会社").place == "/"
    assert come_in_again(hanako.phone, jiro.code) == hanako.path(begun, "employer")
    page = hanako.phone.follow()
    assert page.status == 404, "it is not his report"
    with make_session.begin() as session:
        his = factories.begun(session, jiro.who, OCTOBER).id
    for path in ("/home", "/forms/income_report/new", "/sent", jiro.path(his, "employer"), jiro.path(his, "check")):
        page = hanako.phone.open(path)
        assert page.status == 200
        assert "ひみつの会社" not in page.html


def test_typed_words_are_put_aside_for_an_hour_and_no_longer(
    hanako: Somebody, begun: UUID, make_session: Make, count: Callable[..., int], evening: datetime
) -> None:
    choose_pin(hanako)
    hanako.phone.open(hanako.path(begun, "gross"))
    end_sessions(make_session)
    hanako.phone.press(gross_yen="81000")
    with clock.at(evening + timedelta(minutes=61)):
        assert come_in_again(hanako.phone, hanako.code) == hanako.path(begun, "gross")
        assert hanako.phone.follow().typed("gross_yen") == ""
        hanako.phone.post("/forms/income_report/new", {"month": "2026-10"})
        end_sessions(make_session)
        hanako.phone.open(hanako.path(begun, "gross"))
        stranger = Phone(hanako.phone.app)
        stranger.post(hanako.path(begun, "gross"), {"gross_yen": "1"})
    assert count(ParkedForm) == 1, "the old one went when the new one came"


def test_nothing_is_put_aside_for_a_page_of_another_site(
    hanako: Somebody, begun: UUID, make_session: Make, count: Callable[..., int]
) -> None:
    end_sessions(make_session)
    for headers in (ELSEWHERE, {"Referer": "https://evil.example/localhost"}, {"Origin": "null"}, None):
        page = hanako.phone.post(hanako.path(begun, "gross"), {"gross_yen": "6660666"}, headers)
        assert page.place == "/"
    assert hanako.phone.post(hanako.path(begun, "gross"), {"gross_yen": "6" * 20_000}).place == "/"
    assert count(ParkedForm) == 0


def test_a_finished_report_survives_the_loss_of_the_session(hanako: Somebody, make_session: Make) -> None:
    choose_pin(hanako)
    with make_session.begin() as session:
        full = factories.draft(session, hanako.who).id
    path = hanako.path(full, "check")
    hanako.phone.open(path)
    end_sessions(make_session)
    assert hanako.phone.press().place == "/"
    assert come_in_again(hanako.phone, hanako.code) == path
    hanako.phone.follow()
    assert hanako.phone.press().place == f"/sent/{full}"


def test_a_form_without_its_token_is_asked_about_and_kept(hanako: Somebody, begun: UUID, make_session: Make) -> None:
    path = hanako.path(begun, "gross") + "?then=check"
    for token in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}, {"csrf_token": "\x00"}):
        page = hanako.phone.post(path, {**token, "gross_yen": '81000"><script>'})
        assert page.status == 400
        assert page.heading == "もう一度、押してください"
        assert "書いたものは消えていません" in page.text
        assert page.form(path).fields["gross_yen"] == '81000"><script>'
        assert len(page.all("script")) == 1
    assert gross(make_session) is None
    assert hanako.phone.press(path, gross_yen="81000").place == hanako.path(begun, "check")
    assert gross(make_session) == 81_000


def test_a_form_of_another_site_is_refused_and_its_words_are_not_offered(
    hanako: Somebody, begun: UUID, make_session: Make
) -> None:
    path = hanako.path(begun, "gross")
    for headers in (ELSEWHERE, {"Origin": "http://localhost.evil.example"}, {"Origin": "null"}, None):
        page = hanako.phone.post(path, {"gross_yen": "6660666"}, headers)
        assert page.status == 400
        assert "6660666" not in page.html
        assert [form.action for form in page.forms] == ["/leave"]
    assert gross(make_session) is None


def test_a_token_of_another_phone_is_no_token(
    hanako: Somebody, jiro: Somebody, begun: UUID, make_session: Make
) -> None:
    token = jiro.phone.open("/home").form("/leave").fields["csrf_token"]
    page = hanako.phone.post(hanako.path(begun, "gross"), {"csrf_token": token, "gross_yen": "6660666"})
    assert page.status == 400
    assert gross(make_session) is None


def test_sending_with_the_page_that_asks_again_is_sending_once(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        full = factories.draft(session, hanako.who).id
    path = hanako.path(full, "check")
    fields = hanako.phone.open(path).form().fields
    page = hanako.phone.post(path, {"attempt": fields["attempt"]})
    assert page.status == 400
    assert page.form(path).fields["attempt"] == fields["attempt"]
    assert hanako.phone.press(path).place == f"/sent/{full}"
    assert hanako.phone.post(path, fields).place == f"/sent/{full}"
    with make_session() as session:
        assert session.get_one(Submission, (hanako.who.office_id, full)).version_no == 1


def test_a_body_that_is_no_form_is_refused_in_words(hanako: Somebody, begun: UUID, make_session: Make) -> None:
    path = hanako.path(begun, "gross")
    token = hanako.phone.open(path).form().fields["csrf_token"]
    for body, content_type in (
        (b'{"gross_yen": 1}', "application/json"),
        (b"gross_yen=1", "text/plain"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"--x\r\n", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"gross_yen=" + b"1" * 600_000 + f"&csrf_token={token}".encode(), "application/x-www-form-urlencoded"),
    ):
        page = hanako.phone.post_body(path, body, content_type, OURS)
        assert page.status in (400, 413), content_type
        assert page.heading
    assert gross(make_session) is None
