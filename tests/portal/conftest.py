"""The real portal on a real database and a real folder, driven through its own pages; CSRF is on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, delete, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from config.settings import Settings
from portal import create_app
from shared import drafts, filled
from shared.model import Base, StoredFile, Submission
from shared.rights import APPEND_ONLY
from shared.session import engine_for
from tests import factories
from tests.conftest import of_the_apps
from tests.portal.phone import Phone, Somebody
from uploads.storage import MARKER, storage_from


@pytest.fixture(scope="session")
def office_url(make_postgresql: Callable[..., str], migrated_postgresql: str) -> str:
    """One database for every test of this room, as its owner; each finds it empty. It saves half of the time."""
    url = make_postgresql(migrated_postgresql)
    engine = create_engine(url)
    with engine.begin() as connection:  # that proofs only grow is proven in their own rooms
        for table in sorted(APPEND_ONLY):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def office_settings(office_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One folder for every test, too."""
    folder = tmp_path_factory.mktemp("portal")
    return Settings(
        database_url=of_the_apps(office_url),
        redis_url="redis://127.0.0.1:1",  # nobody listens: no answer may need it
        storage_url=f"folder:{folder / 'files'}",
        secret_key="for tests only, long enough to be accepted",
        incoming=folder / "incoming",
        secure_cookies=False,
        demo=True,
    )


@pytest.fixture(scope="session")
def the_portal(office_settings: Settings) -> Iterator[Flask]:
    app = create_app(office_settings)
    yield app
    app.extensions["madoguchi"].engine.dispose()


@pytest.fixture(scope="session")
def engine(office_url: str) -> Iterator[Engine]:
    engine = engine_for(office_url)
    yield engine
    engine.dispose()


@pytest.fixture
def settings(office_settings: Settings, engine: Engine, evening: datetime) -> Iterator[Settings]:
    storage_from(office_settings).prepare()
    yield office_settings
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(delete(table))
    shutil.rmtree(office_settings.incoming.parent)
    office_settings.incoming.parent.mkdir()


@pytest.fixture
def app(the_portal: Flask, settings: Settings) -> Flask:
    return the_portal


@pytest.fixture
def open_door(settings: Settings) -> Iterator[Callable[..., Flask]]:
    """Make a portal whose settings differ from the usual ones in what is given."""
    doors: list[Flask] = []

    def open_one(**changes: object) -> Flask:
        doors.append(create_app(replace(settings, **changes)))  # type: ignore[arg-type]
        return doors[-1]

    yield open_one
    for door in doors:
        door.extensions["madoguchi"].engine.dispose()


@pytest.fixture
def files(settings: Settings) -> Path:
    """Where the storage has its folders."""
    return Path(settings.storage_url.removeprefix("folder:"))


@pytest.fixture
def phone(app: Flask) -> Phone:
    """A phone of nobody in particular."""
    return Phone(app)


@pytest.fixture
def meet(app: Flask, make_session: sessionmaker[Session]) -> Callable[..., Somebody]:
    """Make a person of the office, with a letter, and let her come in."""

    def meet_one(name: str, door: Flask = app) -> Somebody:
        with make_session.begin() as session:
            who = factories.recipient(session, name=name)
            code = factories.letter(session, who)
        one = Somebody(who, code, Phone(door))
        assert one.phone.come_in(code).place == "/home"
        return one

    return meet_one


@pytest.fixture
def hanako(meet: Callable[..., Somebody]) -> Somebody:
    return meet("見本　花子")


@pytest.fixture
def jiro(meet: Callable[..., Somebody]) -> Somebody:
    """Somebody else of the same office."""
    return meet("別野　次郎")


@pytest.fixture
def begun(hanako: Somebody, make_session: sessionmaker[Session]) -> UUID:
    """Her report for October: she has worked, and nothing more is said yet."""
    with make_session.begin() as session:
        row = factories.begun(session, hanako.who, factories.OCTOBER)
        filled.write(session, hanako.who, row.id, "worked", {"worked": "yes"})
        return row.id


@pytest.fixture
def report(hanako: Somebody, make_session: sessionmaker[Session]) -> UUID:
    """Her report for October with every answer, ready to be sent."""
    with make_session.begin() as session:
        return factories.draft(session, hanako.who).id


@pytest.fixture
def rows(make_session: sessionmaker[Session], report: UUID) -> Callable[[], list[StoredFile]]:
    """The files of the report, in their order."""

    def files() -> list[StoredFile]:
        with make_session() as session:
            found = session.scalars(select(Submission).where(Submission.id == report)).one()
            return drafts.files_of(session, drafts.latest_version(session, found))

    return files


@pytest.fixture
def count(make_session: sessionmaker[Session]) -> Callable[[type[Base]], int]:
    """How many rows a table has."""

    def count_rows(table: type[Base]) -> int:
        with make_session() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    return count_rows


@pytest.fixture
def kept(files: Path) -> Callable[[], list[str]]:
    """The keys under which the storage holds bytes."""
    return lambda: sorted(
        str(path.relative_to(files)) for path in files.rglob("*") if path.is_file() and path.name != MARKER
    )


@pytest.fixture
def incoming(settings: Settings) -> Callable[[], list[str]]:
    """What lies about in the folder where bytes come in."""
    return lambda: [path.name for path in settings.incoming.glob("*")]


@pytest.fixture(autouse=True)
def nothing_lies_about(incoming: Callable[[], list[str]]) -> Iterator[None]:
    """Whatever a test sends, no half of it stays in the folder where bytes come in."""
    yield
    assert incoming() == []
