"""The one place that makes an engine. SQLite and PostgreSQL differ here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Dialect, Engine, Insert, Select, create_engine, event, insert, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

if TYPE_CHECKING:
    from alembic.config import Config

    from shared.model import Base

_Way: TypeAlias = Callable[[Connection, Mapping[str, Any]], list[tuple[Any, ...]]]

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


class Ready:
    """A statement of the way each upload goes: compiled once, and from then on only filled in and handed to the driver.

    What SQLAlchemy does around an execution takes several times what the database takes for it. Values go through the
    types of their columns as ever.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert) -> None:
        self._statement = statement
        self._ways: dict[str, _Way] = {}  # by the name of the database

    def on(self, place: Session | Connection, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows, none for an insert.

        :param given: what to fill in, by name; what is missing is NULL.
        """
        if isinstance(place, Session):
            if place.autoflush:
                place.flush()
            place = place.connection()
        way = self._ways.get(place.dialect.name) or self._way(place.dialect)
        return way(place, given)

    def _way(self, dialect: Dialect) -> _Way:
        compiled = self._statement.compile(dialect=dialect)
        text, usual, in_order = str(compiled), compiled.params, compiled.positiontup
        types = {name: value.type.dialect_impl(dialect) for value, name in compiled.bind_names.items()}
        names = in_order or list(types)
        into = [(name, types[name].bind_processor(dialect), usual[name]) for name in names]
        columns = self._statement.selected_columns if isinstance(self._statement, Select) else ()
        out = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]

        wrong: type[Exception] = dialect.loaded_dbapi.Error

        def way(connection: Connection, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
            values = [to(given.get(name, value)) if to else given.get(name, value) for name, to, value in into]
            with closing(connection.connection.cursor()) as cursor:
                try:
                    cursor.execute(text, values if in_order else dict(zip(names, values, strict=True)))
                    rows = cursor.fetchall() if out else ()
                except wrong as error:  # as whoever catches it knows it
                    said = DBAPIError.instance(text, None, error, wrong, hide_parameters=True, dialect=dialect)
                    raise said from error
            return [
                tuple([back(value) if back else value for back, value in zip(out, row, strict=True)]) for row in rows
            ]

        self._ways[dialect.name] = way
        return way


def insert_row(session: Session, kind: type[Base], /, **columns: Any) -> None:
    """Write a new row at once, past the session's book-keeping, for the way each upload goes: a tenth of the time.

    The session does not know the row afterwards.

    :param columns: all that are not null, id and time of creation, too.
    """
    _insert_into(kind).on(session, columns)


@cache
def _insert_into(kind: type[Base]) -> Ready:
    return Ready(insert(kind.__table__))  # type: ignore[arg-type]  # a mapped class always has a whole table


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
