from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from config.settings import Settings
from portal import create_app as create_portal
from shared import clock, sign_in
from shared.model import Role, SignIn, StaffMember, Tries
from shared.sign_in import Staff
from staff.access import own_path
from tests import factories
from tests.staff.conftest import Answer, Desk

PASSWORD = "架空の合言葉 123"
WRONG = "名前かパスワードがちがいます"


@pytest.fixture
def tarou(make_session: sessionmaker[Session]) -> Staff:
    with make_session.begin() as session:
        who = factories.staff(session, login="tarou")
        sign_in.set_password(session, session.get_one(StaffMember, (who.office_id, who.staff_id)), PASSWORD)
    return who


def come_in(desk: Desk, login: str = "tarou", password: str = PASSWORD, path: str = "/signin") -> Answer:
    return desk.send(desk.open(path), "/signin", login=login, password=password)


def test_name_and_password_lead_to_the_queue(stranger: Desk, tarou: Staff) -> None:
    assert come_in(stranger).place == "/"
    page = stranger.open("/")
    assert page.status == 200
    assert tarou.name in page.html


def test_a_wrong_password_and_an_unknown_name_get_the_same_words(stranger: Desk, tarou: Staff) -> None:
    wrong, unknown = come_in(stranger, password="ちがう"), come_in(stranger, login="daremo")
    assert wrong.status == unknown.status == 422
    assert WRONG in wrong.html
    assert WRONG in unknown.html
    assert 'value="tarou"' in wrong.html
    assert "ちがう" not in wrong.html.replace(WRONG, "")


def test_an_empty_form_is_answered_at_its_fields(stranger: Desk, tarou: Staff) -> None:
    page = come_in(stranger, login="", password="")
    assert page.status == 422
    assert "名前を入れてください" in page.html
    assert "パスワードを入れてください" in page.html


def test_after_five_wrong_tries_even_the_right_password_waits(stranger: Desk, tarou: Staff) -> None:
    for _try in range(4):
        assert WRONG in come_in(stranger, password="ちがう").html
    assert "まで待ってください" in come_in(stranger, password="ちがう").html
    page = come_in(stranger)
    assert page.status == 422
    assert "まで待ってください" in page.html
    with clock.at(clock.now() + timedelta(minutes=16)):
        assert come_in(stranger).place == "/"


def test_wrong_tries_are_counted_in_the_database(
    stranger: Desk, tarou: Staff, make_session: sessionmaker[Session]
) -> None:
    come_in(stranger, password="ちがう")
    with make_session() as session:
        assert session.scalars(select(Tries.failures)).one() == 1


def test_one_comes_back_to_the_page_one_wanted(stranger: Desk, tarou: Staff) -> None:
    wanted = stranger.open("/receipts?a=1")
    assert wanted.status == 303
    assert come_in(stranger, path=wanted.place).place == "/receipts?a=1"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "/\t/evil.example", "evil", ""],
)
def test_no_address_outside_the_app_is_followed(stranger: Desk, tarou: Staff, target: str) -> None:
    page = stranger.open("/signin")
    fields = {**page.form("/signin").fields, "login": "tarou", "password": PASSWORD, "next": target}
    assert stranger.post("/signin", fields).place == "/"


def test_an_own_path_keeps_its_question() -> None:
    assert own_path("/review/1?file=2") == "/review/1?file=2"


def test_the_cookie_of_before_is_dead_after_leaving(stranger: Desk, tarou: Staff, app: Flask) -> None:
    come_in(stranger)
    old = stranger.client.get_cookie("madoguchi_staff")
    assert old is not None
    assert stranger.press("/", "/signout").place == "/signin"
    thief = Desk(app.test_client())
    thief.client.set_cookie("madoguchi_staff", old.value)
    assert thief.open("/").place == "/signin"


def test_signing_in_changes_the_session(stranger: Desk, tarou: Staff) -> None:
    stranger.open("/signin")
    with stranger.client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    come_in(stranger)
    with stranger.client.session_transaction() as cookie:
        assert "planted" not in cookie


def test_signing_in_again_ends_the_session_of_before(
    stranger: Desk, tarou: Staff, make_session: sessionmaker[Session]
) -> None:
    first_form = stranger.open("/signin").form("/signin")
    for _tab in range(2):
        stranger.post("/signin", {**first_form.fields, "login": "tarou", "password": PASSWORD})
        first_form.fields["csrf_token"] = stranger.open("/").form("/signout").fields["csrf_token"]
    with make_session() as session:
        ended = session.scalars(select(SignIn.ended_at).order_by(SignIn.id)).all()
    assert [moment is None for moment in ended] == [False, True]


def test_a_cookie_of_the_portal_is_nobody_here(
    settings: Settings, stranger: Desk, make_session: sessionmaker[Session]
) -> None:
    portal = create_portal(settings)
    with make_session.begin() as session:
        token = factories.signed_in_token(session, factories.recipient(session))
    phone = portal.test_client()
    with phone.session_transaction() as cookie:
        cookie["_user_id"] = token
    carried = phone.get_cookie("madoguchi_portal")
    assert carried is not None
    stranger.client.set_cookie("madoguchi_portal", carried.value)
    assert stranger.open("/").place == "/signin"
    stranger.client.set_cookie("madoguchi_staff", carried.value)
    assert stranger.open("/").place == "/signin"
    portal.extensions["madoguchi"].engine.dispose()


def test_somebody_who_left_the_office_is_out_at_once(
    enter: Callable[[Staff], Desk], tarou: Staff, make_session: sessionmaker[Session]
) -> None:
    desk = enter(tarou)
    assert desk.open("/").status == 200
    with make_session.begin() as session:
        session.get_one(StaffMember, (tarou.office_id, tarou.staff_id)).active = False
    assert desk.open("/").place == "/signin"


def test_each_role_begins_at_its_own_work(enter: Callable[[Staff], Desk], make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        people = {role: factories.staff(session, role) for role in Role}
    assert "<h1>受信箱</h1>" in enter(people[Role.CASEWORKER]).open("/").html
    assert "<h1>受信箱</h1>" in enter(people[Role.SUPERVISOR]).open("/").html
    assert enter(people[Role.CLERK]).open("/").place == "/receipts"
    assert "届いた書類のなかみを見ません" in enter(people[Role.ADMINISTRATOR]).open("/").html
