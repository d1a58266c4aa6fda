"""The walls of the recipient's door: walked along the map of routes, so that a new route cannot forget them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.routing import Rule

from config.settings import Settings
from portal import create_app
from shared import duties, intake
from shared.model import Base, FileState, ParkedForm, SignIn, State
from shared.session import Reader, engine_for, reading_sessions, sessions
from tests import factories
from tests.portal.frame import ALWAYS, look
from tests.portal.pages import Page
from tests.portal.phone import JPEG, OURS, Phone, Sent, Somebody

Make = sessionmaker[Session]
PUBLIC = {"signin.show", "signin.pin", "signin.leave", "signin.closed", "signin.no_letter"}
PUBLIC |= {"display.show", "display.choose", "healthz", "shared.static", "static"}
PUBLIC |= {"seal.chain"}  # whoever checks a certificate need not be known
SPOKEN_TO_BY_SCRIPTS = {"tus.create", "tus.one", "typed.keep"}  # they answer in JSON
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "MADE-UP")


@pytest.fixture
def app(settings: Settings, evening: datetime) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["madoguchi"].engine.dispose()


@pytest.fixture
def hanako(app: Flask, make_session: Make) -> Somebody:
    with make_session.begin() as session:
        who = factories.recipient(session)
        one = Somebody(who, factories.letter(session, who), Phone(app))
    assert one.phone.come_in(one.code).place == "/home"
    return one


@pytest.fixture
def papers(hanako: Somebody, make_session: Make) -> dict[State, UUID]:
    """One report of hers in each state that has a page of its own."""
    with make_session.begin() as session:
        office = factories.office(session)
        duties.open_duty(session, office, hanako.who.household_id, hanako.who.member_id, factories.OCTOBER)
        made = {state: factories.submission(session, state, hanako.who).id for state in (State.WAITING, State.DRAFT)}
        row = factories.draft(session, hanako.who, month=factories.OCTOBER.replace(month=9))
        for name, refused in (("明細.jpg", False), ("鍵つき.pdf", True)):
            file = factories.file(session, hanako.who, row, name=name)
            if refused:
                file.move(FileState.REFUSED, because="locked")
            else:
                factories.make_safe(session, file)
        intake.send(session, hanako.who, row.id, attempt=uuid4())
        assert row.state is State.RETURNED
        return {**made, State.RETURNED: row.id}


def address(rule: Rule, submission_id: UUID) -> str:
    """A path of this route; where it asks for an id, the one of a report."""
    given = {"submission_id": submission_id, "screen": "jobs", "number": 1, "row": 0, "filename": "phone.css"}
    given |= {"kind": "status_check_in", "page": "gross"}
    if rule.endpoint == "shared.static":
        given["filename"] = "base.css"
    built = rule.build({name: given.get(name, submission_id) for name in rule.arguments})
    assert built is not None, rule
    return built[1]


def routes(app: Flask) -> list[Rule]:
    return list(app.url_map.iter_rules())


def rows(make_session: Make) -> dict[str, int]:
    """How many rows each table has; the session's own sliding is no change."""
    with make_session() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in (SignIn.__tablename__, ParkedForm.__tablename__)
        }


def test_every_view_says_who_may_use_it(app: Flask) -> None:
    says = {name: getattr(view, "needs", None) for name, view in app.view_functions.items()}
    says["static"] = "public"
    assert {name for name, needs in says.items() if needs == "public"} == PUBLIC
    assert {name for name, needs in says.items() if needs != "public" and needs != "recipient"} == set()


def test_a_view_that_does_not_say_so_is_never_run(app: Flask) -> None:
    ran: list[str] = []

    @app.get("/forgotten")
    def forgotten() -> str:
        ran.append("it ran")
        return ""

    page = Phone(app).open("/forgotten")
    assert page.status == 403
    assert ran == []


def test_a_stranger_is_led_to_the_letter_and_changes_nothing(
    app: Flask, hanako: Somebody, papers: dict[State, UUID], make_session: Make
) -> None:
    before, seen = rows(make_session), 0
    for rule in routes(app):
        if rule.endpoint in PUBLIC | SPOKEN_TO_BY_SCRIPTS:
            continue
        for id_ in (papers[State.DRAFT], uuid4()):
            path = address(rule, id_)
            stranger = Phone(app)
            stranger.open("/")
            token = stranger.page.form().fields["csrf_token"]
            for method in rule.methods or ():
                fields = {"csrf_token": token, "gross_yen": "1", "month": "2026-10", "pin": "7391 2846"}
                if method == "POST":
                    assert stranger.post(path, fields).place == "/", path
                    assert stranger.post_files(path, fields, Sent("a.jpg", JPEG)).place == "/", path
                elif method == "GET":
                    assert stranger.open(path).place == "/", path
                seen += 1
    assert seen > 30
    assert rows(make_session) == before


def test_no_form_is_taken_without_its_token(
    app: Flask, hanako: Somebody, papers: dict[State, UUID], make_session: Make
) -> None:
    before = rows(make_session)
    fields = {"gross_yen": "1", "month": "2026-11", "pin": "7391 2846", "text": "xl", "theme": "light", "code": "x"}
    for rule in routes(app):
        if "POST" not in (rule.methods or ()) or rule.endpoint in SPOKEN_TO_BY_SCRIPTS:
            continue
        path = address(rule, papers[State.DRAFT])
        # すぐ閉じる works from the oldest page of ours, where a token is stale; from no other site.
        from_ours = () if rule.endpoint == "signin.leave" else (OURS,)
        for headers in (*from_ours, {"Origin": "https://evil.example"}, None):
            page = hanako.phone.post(path, fields, headers)
            assert page.status == 400, path
            assert page.heading == "もう一度、押してください"
            assert look(page) == []
        assert not from_ours or hanako.phone.post_files(path, fields, Sent("a.jpg", JPEG)).status == 400
    assert rows(make_session) == before
    assert hanako.phone.open("/home").status == 200


def test_a_script_without_a_session_or_a_token_hears_so_and_is_led_nowhere(
    app: Flask, hanako: Somebody, papers: dict[State, UUID], make_session: Make
) -> None:
    before, seen = rows(make_session), 0
    stranger = Phone(app)
    stranger.open("/")
    token = stranger.page.form().fields["csrf_token"]
    for rule in routes(app):
        if rule.endpoint not in SPOKEN_TO_BY_SCRIPTS:
            continue
        path = address(rule, papers[State.DRAFT])
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            for phone, said, status in (
                (stranger, {"X-CSRFToken": token}, 401),
                (hanako.phone, {}, 403),
                (hanako.phone, {"X-CSRFToken": token}, 403),
            ):
                headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", **OURS, **said}
                answer = phone.client.open(path, method=method, headers=headers, base_url=phone.base_url)
                assert (answer.status_code, "Location" in answer.headers) == (status, False), (method, path)
                assert answer.get_json()["reason"] == ("sign_in" if status == 401 else "token")
                seen += 1
        assert stranger.client.head(path, base_url=stranger.base_url).status_code in (401, 405)
    assert seen >= 12
    assert rows(make_session) == before


def test_every_route_is_closed_to_every_method_it_does_not_name(
    app: Flask, hanako: Somebody, papers: dict[State, UUID], make_session: Make
) -> None:
    before, wrong = rows(make_session), []
    allowed: dict[str, set[str]] = {}
    for rule in routes(app):
        allowed.setdefault(address(rule, papers[State.WAITING]), set()).update(rule.methods or ())
    for path, methods in allowed.items():
        for method in METHODS:
            if method not in methods:
                page = Page(hanako.phone.client.open(path, method=method), path)
                wrong += look(page)
                assert page.status == 405, f"{method} {path}"
                assert set(page.headers["Allow"].split(", ")) == methods
    assert wrong == []
    assert rows(make_session) == before


def test_headers_and_the_frame_of_a_page_hold_for_every_answer(
    app: Flask, hanako: Somebody, papers: dict[State, UUID], settings: Settings
) -> None:
    phone, draft, wrong, statuses = hanako.phone, papers[State.DRAFT], [], set()
    for id_ in (*papers.values(), uuid4()):
        for rule in routes(app):
            if "GET" in (rule.methods or ()):
                page = phone.open(address(rule, id_))
                statuses.add(page.status)
                wrong += look(page)
    for path in ("/static/none.js", "/shared/../portal/__init__.py", "/nowhere", "//evil.example/", "/forms/x/worked"):
        wrong += look(phone.open(path))
    stranger = Phone(app)
    for path in ("/", "/no-letter", "/display", "/closed", "/home", "/pin"):
        wrong += look(stranger.open(path))
    stranger.open("/")
    answers = [stranger.press(code="x")]
    for path, typed in (
        (f"/forms/{draft}/jobs/0/gross", {"gross_yen": "8万くらい"}),
        (f"/forms/{draft}/jobs/0/deductions", {"income_tax_yen": ""}),
        (f"/forms/{draft}/more", {"pension": "perhaps"}),
        ("/pin/choose", {"pin": "1"}),
    ):
        phone.open(path)
        answers.append(phone.press(**typed))
    answers.append(hanako.picker(draft).send(Sent("a.zip", b"PK\x03\x04")))
    token = phone.page.form().fields["csrf_token"]
    answers.append(phone.post(f"/forms/{papers[State.WAITING]}/jobs/0/gross", {"csrf_token": token, "gross_yen": "1"}))
    answers.append(phone.post_body("/display", b"x" * 600_000, "application/x-www-form-urlencoded"))
    for page in answers:
        wrong += look(page)
    statuses |= {page.status for page in answers}
    assert wrong == []
    assert statuses >= {200, 303, 404, 409, 413, 422}


def test_files_for_everybody_may_be_kept_by_the_phone_and_nothing_else_may(app: Flask, hanako: Somebody) -> None:
    links = hanako.phone.open("/home").assets
    assert len(links) == 5
    for path in links:
        page = hanako.phone.open(path)
        assert page.status == 200
        assert page.headers["Cache-Control"] == "immutable, max-age=31536000"
        again = Page(hanako.phone.client.get(path, headers={"If-None-Match": page.headers["ETag"]}), path)
        assert again.status == 304
        assert again.headers["Content-Security-Policy"] == ALWAYS["Content-Security-Policy"]
    for path in ("/static/../portal/__init__.py", "/static/%2e%2e/__init__.py", "/shared/../model/base.py"):
        assert hanako.phone.open(path).status == 404


def test_while_the_database_is_away_every_page_says_so_in_words(
    app: Flask, hanako: Somebody, papers: dict[State, UUID]
) -> None:
    reach = app.extensions["madoguchi"]
    nowhere = engine_for("postgresql+psycopg://nobody@127.0.0.1:1/none")
    working = reach.sessions, reach.reading, reach.asking
    reach.sessions, reach.reading, reach.asking = sessions(nowhere), reading_sessions(nowhere), Reader(nowhere)
    wrong = []
    for phone, paths in (
        (hanako.phone, ("/home", "/sent", f"/forms/{papers[State.DRAFT]}/jobs/0/gross", "/healthz")),
        (Phone(app), ("/healthz",)),
    ):
        for path in paths:
            page = phone.open(path)
            wrong += look(page)
            assert page.status == 503, path
            assert page.heading == "いま、受け取る機械が止まっています"
            assert "書いたものは消えていません" in page.text
            assert "psycopg" not in page.html
    assert hanako.phone.open("/nowhere").heading == "このページは見つかりません"
    for path in ("/", "/no-letter", "/display", "/nowhere"):
        page = Phone(app).open(path)
        wrong += look(page)
        assert page.status == (404 if path == "/nowhere" else 200), "who is not signed in still finds the telephone"
    assert wrong == []
    reach.sessions, reach.reading, reach.asking = working
    assert hanako.phone.open("/home").status == 200, "it comes back by itself"


def test_nothing_of_a_fault_inside_reaches_the_page(app: Flask) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("the secret inside")

    broken.__dict__["needs"] = "public"
    page = Phone(app).open("/broken")
    assert page.status == 500
    assert look(page) == []
    assert "secret" not in page.html
    assert "Traceback" not in page.html


def test_pages_name_no_place_outside_and_load_nothing_from_there(app: Flask) -> None:
    folder = Path(app.root_path)
    for path in [*folder.rglob("*.html"), *folder.rglob("*.css"), *folder.rglob("*.js")]:
        assert not re.search(r"https?://(?!www\.w3\.org/)", path.read_text(encoding="utf-8")), path


def test_behind_https_the_cookies_and_the_door_are_for_https_only(settings: Settings, evening: datetime) -> None:
    app = create_app(replace(settings, secure_cookies=True))
    page = Phone(app, "https://localhost").open("/")
    assert look(page) == []
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    app.extensions["madoguchi"].engine.dispose()
