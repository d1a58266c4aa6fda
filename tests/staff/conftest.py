"""A desk for the tests: the real app on a real database, driven through its own pages and forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from config.settings import Settings
from shared.sign_in import Staff
from staff import create_app
from tests import factories
from uploads.storage import FolderStorage


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["madoguchi"].engine.dispose()


@pytest.fixture
def bytes_kept(tmp_path: Path) -> FolderStorage:
    """The folder the app reads from."""
    kept = FolderStorage(tmp_path / "files")
    kept.prepare()
    return kept


@pytest.fixture
def enter(app: Flask, make_session: sessionmaker[Session]) -> Callable[[Staff], Desk]:
    """A browser of one's own, signed in as somebody."""

    def enter(who: Staff) -> Desk:
        with make_session.begin() as session:
            token = factories.signed_in_token(session, who)
        desk = Desk(app.test_client())
        with desk.client.session_transaction() as cookie:
            cookie["_user_id"] = token
        return desk

    return enter


@pytest.fixture
def worker(make_session: sessionmaker[Session]) -> Staff:
    """A caseworker with an office of her own."""
    with make_session.begin() as session:
        return factories.staff(session)


@pytest.fixture
def stranger(app: Flask) -> Desk:
    """A browser that nobody has signed in with."""
    return Desk(app.test_client())


@dataclass
class Form:
    """A form as a browser would send it, before anybody has typed."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._inside: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self._inside = Form(given.get("method") or "get", given.get("action") or "")
            self.found.append(self._inside)
        if self._inside is None:
            return
        if tag == "select":
            self._select = name
        chosen = given.get("type") not in ("radio", "checkbox") or "checked" in given
        if tag == "input" and name and chosen:
            self._inside.fields[name] = value
        if tag == "option" and (self._select not in self._inside.fields or "selected" in given):
            self._inside.fields[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None


@dataclass
class Answer:
    """What came back."""

    response: TestResponse

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def html(self) -> str:
        return self.response.get_data(as_text=True)

    @property
    def place(self) -> str:
        """Where it sends the browser to."""
        return self.response.headers["Location"]

    @property
    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.html)
        return parser.found

    def form(self, action: str) -> Form:
        """The form that leads to ``action``."""
        found = [form for form in self.forms if form.action == action]
        assert found, f"no form leads to {action}: {[form.action for form in self.forms]}"
        return found[0]


@dataclass
class Desk:
    """One browser."""

    client: FlaskClient

    def open(self, path: str) -> Answer:
        return Answer(self.client.get(path, buffered=True))

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        return Answer(self.client.post(path, data=fields, buffered=True))

    def send(self, page: Answer, action: str, **typed: str) -> Answer:
        """Fill the page's own form in, and send it with everything hidden in it."""
        return self.post(action, {**page.form(action).fields, **typed})

    def press(self, path: str, action: str) -> Answer:
        """Open a page and press the button that leads to ``action``."""
        page = self.open(path)
        assert page.status == 200, page.html
        return self.send(page, action)
