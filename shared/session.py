"""The one place that makes an engine. SQLite and PostgreSQL differ here and nowhere else."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, FromClause, Insert, create_engine, event, insert, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, sessionmaker

if TYPE_CHECKING:
    from alembic.config import Config

    from shared.model import Base

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",  # a receipt is a promise: it must survive a power cut
    "PRAGMA busy_timeout = 20000",
)


def engine_for(url: str) -> Engine:
    """An engine that gives both databases the same promises.

    SQLite's driver opens no transaction for a SELECT, so that read-modify-write loses updates. Here every
    writing transaction begins with BEGIN IMMEDIATE; a reading one (``reading=True``) takes no write lock.
    """
    if not make_url(url).get_backend_name().startswith("sqlite"):
        return create_engine(url, pool_size=20, max_overflow=60, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False},
        pool_size=20,
        max_overflow=60,
        pool_use_lifo=True,  # the connection used last has the pages in its memory; another one's write empties it
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that write. The caller owns the transaction: ``with sessions(engine).begin() as session``."""
    return sessionmaker(engine, expire_on_commit=False)


def reading_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that only look, on the same connections."""
    return sessionmaker(engine.execution_options(reading=True), expire_on_commit=False, autoflush=False)


def insert_row(session: Session, row: Base) -> None:
    """Write a new row at once, past the session's book-keeping, for the way each upload goes: a tenth of the time.

    The session does not know ``row`` afterwards; what it has not written yet stays unwritten.
    """
    table = type(row).__table__
    session.connection().execute(
        _insert_into(table), {column.key: getattr(row, column.key) for column in table.columns}
    )


@cache
def _insert_into(table: FromClause) -> Insert:
    return insert(table)  # type: ignore[arg-type]  # a mapped class always has a whole table


def migrations(url: str) -> Config:
    """Alembic's settings for ``url``; there is no alembic.ini to keep in step."""
    from alembic.config import Config  # a quarter of a second that a web app or a worker need not spend

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to ``revision``; doing it twice does it once."""
    from alembic import command

    command.upgrade(migrations(url), revision)
