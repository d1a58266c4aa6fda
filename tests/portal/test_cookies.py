"""Cookies and tokens that are known already are believed no further than ones that are read for the first time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared import clock
from tests.portal.line import BODY, Line
from tests.portal.phone import JPEG, Somebody


@pytest.fixture
def line(hanako: Somebody, report: UUID) -> Line:
    one = Line(hanako.phone, report)
    assert send(one) == 201  # from now on its cookie and its token are known
    assert send(one) == 201
    return one


def send(line: Line, **headers: str | None) -> int:
    return line.create(JPEG, body=JPEG, headers={**BODY, **headers}).status_code


def test_a_known_token_does_not_open_the_way_for_another_one(line: Line) -> None:
    for wrong in (None, "", line.token[:-1], line.token + "x", "null"):
        assert send(line, **{"X-CSRFToken": wrong}) == 403
    assert send(line) == 201


def test_a_known_token_is_of_no_use_to_somebody_else(line: Line, jiro: Somebody, report: UUID) -> None:
    mine = Line(jiro.phone, report)
    mine.token = line.token
    assert send(mine) == 403


def test_over_https_a_known_token_must_come_from_our_own_page(line: Line) -> None:
    line.phone.base_url = "https://localhost"
    assert send(line, Referer="https://localhost/display") == 201
    for elsewhere in (None, "https://evil.example/", "http://localhost/"):
        assert send(line, Referer=elsewhere) == 403


def test_a_known_cookie_with_another_letter_is_nobodys(line: Line) -> None:
    client = line.phone.client
    name, cookie = line.phone.app.config["SESSION_COOKIE_NAME"], line.phone.cookie
    client.set_cookie(name, cookie[:-1] + ("A" if cookie[-1] != "A" else "Q"))
    assert send(line) == 401
    client.set_cookie(name, cookie)
    assert send(line) == 201


def test_a_known_cookie_ends_with_the_sign_out(line: Line) -> None:
    other = line.phone.twin()
    line.phone.open("/home")
    other.post("/leave", {"csrf_token": line.token})
    assert send(line) == 401


def test_a_known_cookie_grows_old(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    later = datetime.now(UTC) + timedelta(days=400)
    monkeypatch.setattr("time.time", later.timestamp)
    assert send(line) == 401
    with clock.at(datetime.now(UTC)):  # also where the row lives on
        assert send(line) == 401


def test_what_one_request_does_to_its_session_no_other_finds(line: Line) -> None:
    app = line.phone.app
    header = {"HTTP_COOKIE": f"{app.config['SESSION_COOKIE_NAME']}={line.phone.cookie}"}
    for _ in range(2):
        with app.test_request_context(environ_overrides=header):
            session = app.session_interface.open_session(app, app.request_class(header))
            assert session is not None
            assert "stranger" not in session
            session["stranger"] = "yes"
