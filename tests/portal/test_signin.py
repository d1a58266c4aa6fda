"""Coming in with the letter, the 暗証番号, and leaving so that nobody can follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from config.settings import Settings
from shared import clock
from shared.model import Credential, Invitation, ParkedForm, Role, SignIn
from shared.rules.numbers import code_hash, grouped
from tests import factories
from tests.portal.phone import Phone, Somebody

Make = sessionmaker[Session]
PIN = "さくらの木 3本"


@pytest.fixture
def letter(make_session: Make, evening: datetime) -> str:
    """The code of a letter nobody has used."""
    with make_session.begin() as session:
        return factories.letter(session, factories.recipient(session))


def choose(one: Somebody, pin: str = PIN) -> None:
    one.phone.open("/pin/choose")
    assert one.phone.press(pin=pin).place == "/home"


def test_the_code_of_the_letter_leads_to_what_is_due(phone: Phone, letter: str) -> None:
    phone.open("/")
    assert phone.press(code=letter).place == "/home"
    assert phone.follow().heading.startswith("今月やること")
    assert phone.open("/").place == "/home"


@pytest.mark.parametrize(
    "write",
    [
        str.lower,
        lambda code: grouped(code).replace("-", " "),
        lambda code: f"　{grouped(code).replace('-', 'ー')}　",
        lambda code: code.translate({sign: sign + 0xFEE0 for sign in range(0x21, 0x7F)}),
    ],
    ids=["lower case", "spaces", "long dashes", "full width"],
)
def test_the_code_may_be_typed_as_the_phone_likes(phone: Phone, letter: str, write: Callable[[str], str]) -> None:
    phone.open("/")
    assert phone.press(code=write(letter)).place == "/home"


def test_a_code_that_does_not_fit_is_answered_in_words(phone: Phone, letter: str) -> None:
    wrong = {
        "": "手紙の番号を書いてください。太いわくの中の12文字です。",
        "   ": "見つかりませんでした",
        "ABCD-EFGH-2345": "見つかりませんでした",
        letter[:-1]: "見つかりませんでした",
        letter * 2: "見つかりませんでした",
        "💐" * 300: "見つかりませんでした",
        "\x00": "手紙の番号を書いてください",
        "' OR 1=1 --": "見つかりませんでした",
    }
    for typed, sentence in wrong.items():
        phone.open("/")
        page = phone.press(code=typed)
        assert page.status == 422
        assert sentence in page.sentence_at("code"), typed
        assert page.typed("code") == typed.replace("\x00", "")
        assert page.title.startswith("1か所 なおしてください")
    assert phone.open("/home").place == "/"


def test_bytes_that_are_no_text_are_no_code(phone: Phone) -> None:
    phone.open("/")
    for typed in (b"\xed\xa0\x80", b"\xff\xfe", b"\x83\x4e"):
        assert phone.press(code=typed).status == 422


def test_a_code_is_used_up_where_no_pin_was_chosen(phone: Phone, hanako: Somebody) -> None:
    with clock.at(clock.now() + timedelta(minutes=31)):
        page = phone.come_in(hanako.code)
    assert page.status == 422
    assert "もう使われています" in page.sentence_at("code")


def test_a_letter_that_is_too_old_says_so(phone: Phone, letter: str, make_session: Make) -> None:
    with make_session.begin() as session:
        invitation = session.scalars(select(Invitation)).one()
        invitation.expires_at = clock.now() - timedelta(seconds=1)
    assert "期限がすぎました" in phone.come_in(letter).sentence_at("code")


def test_a_newer_letter_ends_the_one_before_it(phone: Phone, hanako: Somebody, make_session: Make) -> None:
    choose(hanako)
    with make_session.begin() as session:
        newer = factories.letter(session, hanako.who)
    assert "新しい手紙の番号があります" in phone.come_in(hanako.code).sentence_at("code")
    assert phone.come_in(newer).place == "/home"


def test_the_code_and_the_chosen_pin_open_again(phone: Phone, hanako: Somebody) -> None:
    assert "暗証番号を決めておきましょう" in hanako.phone.open("/home").text
    choose(hanako)
    page = hanako.phone.follow()
    assert "暗証番号を決めました" in page.text
    assert "暗証番号を決めておきましょう" not in page.text
    page = phone.come_in(hanako.code, "さくらの木 ３本")  # another keyboard, other widths
    assert page.place == "/home"
    assert "見本　花子さん" in phone.follow().text


def test_the_code_alone_opens_nothing_once_a_pin_is_chosen(phone: Phone, hanako: Somebody) -> None:
    choose(hanako)
    assert phone.come_in(hanako.code).place == "/pin"
    assert phone.open("/home").place == "/"


def test_a_wrong_pin_is_told_and_not_shown_again(phone: Phone, hanako: Somebody) -> None:
    choose(hanako)
    page = phone.come_in(hanako.code, "さくらの木 4本")
    assert page.status == 422
    assert "ちがうようです" in page.sentence_at("pin")
    assert page.typed("pin") == ""
    for typed in ("", "9" * 5000):
        assert phone.press(pin=typed).status == 422
    assert phone.press(pin=PIN).place == "/home"


def test_five_wrong_pins_in_a_row_mean_a_wait_for_this_account_only(
    app: Flask, phone: Phone, hanako: Somebody, jiro: Somebody, evening: datetime
) -> None:
    for one in (hanako, jiro):
        choose(one)
    for _ in range(4):
        assert "ちがうようです" in phone.come_in(hanako.code, "4444 4444").sentence_at("pin")
    assert "11月19日(木)20時27分まで待ってください" in phone.press(pin="4444 4444").sentence_at("pin")
    assert "待ってください" in phone.press(pin=PIN).sentence_at("pin"), "the right one must wait too"
    assert Phone(app).come_in(jiro.code, PIN).place == "/home"
    assert hanako.phone.open("/home").status == 200, "who is in stays in"
    with clock.at(evening + timedelta(minutes=15, seconds=1)):
        assert phone.press(pin=PIN).place == "/home"


def test_the_second_page_without_the_first_leads_to_the_first(phone: Phone) -> None:
    assert phone.open("/pin").place == "/"


WEAK = {
    "": "暗証番号を書いてください",
    "　 　": "暗証番号を書いてください",
    "12345": "文字より長く",
    "７７７７７７７": "同じ数字だけ",
    "123456": "123456のような順番",
    "987654": "順番",
    "あ" * 65: "64文字まで",
    "9" * 5000: "64文字まで",
    "\x00\x00": "暗証番号を書いてください",
}


def test_a_weak_pin_is_not_taken(hanako: Somebody, count: Callable[..., int]) -> None:
    for pin, sentence in WEAK.items():
        hanako.phone.open("/pin/choose")
        page = hanako.phone.press(pin=pin)
        assert page.status == 422, pin
        assert sentence in page.sentence_at("pin"), pin
        assert page.typed("pin") == ""
    assert count(Credential) == 0


def test_leaving_kills_the_session_for_every_copy_of_the_cookie(hanako: Somebody, make_session: Make) -> None:
    copy = hanako.phone.twin()
    hanako.phone.open("/home")
    assert hanako.phone.press("/leave").place == "/closed"
    page = hanako.phone.follow()
    assert "cache" in page.headers["Clear-Site-Data"]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.heading == "天気"
    assert "窓口" not in page.html
    assert copy.open("/home").place == "/", "an old cookie that is sent again is nobody"
    assert hanako.phone.open("/home").place == "/"
    with make_session() as session:
        assert session.scalars(select(SignIn)).one().ended_at == clock.now()


def test_the_way_out_works_from_any_page_however_old(phone: Phone, hanako: Somebody) -> None:
    for fields in ({}, {"csrf_token": "of a session long gone"}):
        assert phone.post("/leave", fields, {"Origin": "http://localhost"}).place == "/closed"
    hanako.phone.open("/home")
    second_tap = hanako.phone.twin()
    assert hanako.phone.press("/leave").place == "/closed"
    assert second_tap.press("/leave").place == "/closed"
    assert second_tap.open("/home").place == "/"


def test_another_site_signs_nobody_out(hanako: Somebody) -> None:
    hanako.phone.open("/home")
    for headers in (None, {"Origin": "https://evil.example"}):
        assert hanako.phone.post("/leave", {}, headers).status == 400
    assert hanako.phone.open("/home").status == 200


def test_signing_in_begins_a_new_session(app: Flask, phone: Phone, letter: str) -> None:
    phone.open("/")
    with phone.client.session_transaction() as planted:
        planted["back"], planted["_user_id"], planted["planted"] = "/sent", "somebody else's token", "yes"
    before = phone.cookie
    phone.open("/")
    assert phone.press(code=letter).place == "/sent"
    with phone.client.session_transaction() as now:
        assert "planted" not in now
        assert now["_user_id"] != "somebody else's token"
    assert phone.cookie != before
    with_old = Phone(app)
    with_old.client.set_cookie("madoguchi_portal", before)
    assert with_old.open("/home").place == "/"


def test_the_database_holds_no_token_a_thief_could_use(hanako: Somebody, make_session: Make) -> None:
    with hanako.phone.client.session_transaction() as cookie:
        token = cookie["_user_id"]
    with make_session() as session:
        kept = session.scalars(select(SignIn)).one().token_hash
    assert kept == code_hash(token) != token


def test_a_token_of_the_staff_app_is_nobody_here(phone: Phone, make_session: Make, evening: datetime) -> None:
    with make_session.begin() as session:
        token = factories.signed_in_token(session, factories.staff(session, Role.SUPERVISOR))
    with phone.client.session_transaction() as forged:
        forged["_user_id"] = token
    assert phone.open("/home").place == "/"


def test_a_cookie_that_was_tampered_with_is_nobody(app: Flask, hanako: Somebody) -> None:
    for cookie in (hanako.phone.cookie[:-2] + "xx", "not.a.cookie", "", "é"):
        thief = Phone(app)
        thief.client.set_cookie("madoguchi_portal", cookie)
        assert thief.open("/home").place == "/"


def test_a_phone_of_ones_own_stays_in_and_a_shared_one_does_not(
    phone: Phone, letter: str, hanako: Somebody, evening: datetime
) -> None:
    phone.open("/")
    page = phone.press(code=letter, shared="y")
    assert "Expires" not in page.headers["Set-Cookie"], "a shared phone forgets when the browser closes"
    with clock.at(evening + timedelta(minutes=31)):
        assert phone.open("/home").place == "/"
        kept = hanako.phone.open("/home")
        assert kept.status == 200
        assert "Expires" in kept.headers["Set-Cookie"]
    with clock.at(evening + timedelta(days=13)):
        assert hanako.phone.open("/home").status == 200, "it slides while she comes by"
    with clock.at(evening + timedelta(days=26)):
        assert hanako.phone.open("/home").status == 200
    with clock.at(evening + timedelta(days=41)):
        assert hanako.phone.open("/home").place == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    phone: Phone, open_door: Callable[..., Flask], settings: Settings
) -> None:
    plain = phone.open("/").headers["Set-Cookie"]
    assert plain.startswith("madoguchi_portal=")
    for flag in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in plain
    page = Phone(open_door(secure_cookies=True), "https://localhost").open("/")
    secure = page.headers["Set-Cookie"]
    assert secure.startswith("__Host-madoguchi_portal=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in secure
    assert "Domain" not in secure
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in phone.page.headers


def test_nobody_is_led_to_another_site(phone: Phone, letter: str) -> None:
    for path in ("/?next=//evil.example", "//evil.example/home", "/home//evil.example", "/\\evil.example"):
        phone.open(path)
    phone.open("/home?next=https://evil.example")
    assert phone.follow().status == 200
    assert phone.press(code=letter, next="//evil.example", back="//evil.example").place == "/home"


def test_signing_in_leads_back_to_the_page_that_was_asked_for(phone: Phone, letter: str) -> None:
    assert phone.open("/sent").place == "/"
    phone.follow()
    assert phone.press(code=letter).place == "/sent"


def test_a_pin_is_never_put_aside_nor_written_into_a_page(
    hanako: Somebody, make_session: Make, count: Callable[..., int]
) -> None:
    page = hanako.phone.open("/pin/choose")
    fields = {**page.form().fields, "pin": "secret of hers"}
    page = hanako.phone.post("/pin/choose", {"pin": "secret of hers"})
    assert page.status == 400
    assert "secret of hers" not in page.html
    with make_session.begin() as session:
        session.scalars(select(SignIn)).one().ended_at = clock.now()
    assert hanako.phone.post("/pin/choose", fields).place == "/"
    assert count(ParkedForm) == 0
    assert "残っています" not in hanako.phone.follow().text


def test_an_answer_that_changes_nothing_brings_no_cookie(hanako: Somebody) -> None:
    """A slow picture, asked for before the sign-out, would bring the old cookie back over the new one."""
    hanako.phone.open("/home")
    for path in ("/home", "/sent", "/static/phone.css", "/shared/base.css"):
        assert "Set-Cookie" not in hanako.phone.open(path).headers, path


def test_the_cookie_lives_on_with_the_session(hanako: Somebody) -> None:
    with clock.at(clock.now() + timedelta(days=10)):
        assert "Expires=" in hanako.phone.open("/home").headers["Set-Cookie"]
    with clock.at(clock.now() + timedelta(days=20)):
        assert hanako.phone.open("/home").status == 200
