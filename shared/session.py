"""The one place that makes an engine. SQLite and PostgreSQL differ here and nowhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, cast
from uuid import UUID

from sqlalchemy import Dialect, Engine, Insert, Select, create_engine, event, insert, make_url, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.util import identity_key
from sqlalchemy.pool import PoolProxiedConnection

if TYPE_CHECKING:
    from alembic.config import Config

    from shared.model import Base

_Way: TypeAlias = Callable[[Any, Mapping[str, Any]], list[tuple[Any, ...]]]

Done = TypeVar("Done")
Row = TypeVar("Row", bound="Base")
_MOST_TOGETHER: Final = 16  # who share a commit: the first of them waits for the last one's rows

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",  # a receipt is a promise: it must survive a power cut
    "PRAGMA busy_timeout = 20000",
    "PRAGMA temp_store = MEMORY",  # what a savepoint or a statement would take back needs no file
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


def remember(session: Session) -> None:
    """Let the session hold on to what it loads: a page that asks for a household four times reads it once.

    By itself it forgets a row as soon as nobody holds it. For pages that look; their sessions end with the request.
    """
    kept: list[object] = []
    event.listen(session, "loaded_as_persistent", lambda _session, row: kept.append(row))


def each_by_id(session: Session, kind: type[Row], office_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Row]:
    """Rows of one office by their ids, in one question; what the session has already is not asked for again.

    :param kind: of rows whose key is the office and one more id.
    """
    key = kind.__mapper__.primary_key[1]
    held, wanted = {}, set()
    for one in ids:
        row = session.identity_map.get(identity_key(kind, (office_id, one)))
        if row is None:
            wanted.add(one)
        else:
            held[one] = row
    if wanted:
        rows = session.scalars(select(kind).where(kind.__mapper__.primary_key[0] == office_id, key.in_(wanted)))
        held.update((kind.__mapper__.primary_key_from_instance(row)[1], row) for row in rows)
    return held


def in_turn(session: Session, kind: type[Row], office_id: UUID, row_id: UUID) -> None:
    """Let two taps at once stand in a row: who comes second waits here until the first one's transaction ends.

    Rows that refer to this one are written meanwhile. A full lock would hold them back, and with them whoever has the
    journal in hand, for which we may wait next.
    """
    session.get_one(kind, (office_id, row_id), with_for_update={"key_share": True})


class Ready:
    """A statement of the way each upload goes: compiled once, and from then on only filled in and handed to the driver.

    What SQLAlchemy does around an execution takes several times what the database takes for it. Values go through the
    types of their columns as ever.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert) -> None:
        self._statement = statement
        self._ways: dict[str, _Way] = {}  # by the name of the database

    def on(self, place: Session | Reader | Writer, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows, none for an insert.

        :param given: what to fill in, by name; what is missing is NULL.
        """
        if isinstance(place, Session):
            if place.autoflush:
                place.flush()
            connection = place.connection()
            return self._way(connection.dialect)(connection.connection.driver_connection, given)
        if isinstance(place, Reader):
            return place.ask(self._way(place.dialect), given)
        return self._way(place.dialect)(place.connection, given)

    def _way(self, dialect: Dialect) -> _Way:
        return self._ways.get(dialect.name) or self._ways.setdefault(dialect.name, _way(self._statement, dialect))


def _way(statement: Select[*tuple[Any, ...]] | Insert, dialect: Dialect) -> _Way:
    # An office that a question names twelve times is filled in once.
    by_name = cast("Any", type(dialect))(paramstyle="named") if dialect.positional else dialect
    compiled = statement.compile(dialect=by_name)
    text, usual = str(compiled), compiled.params
    types = {name: value.type.dialect_impl(dialect) for value, name in compiled.bind_names.items()}
    into = [(name, kind.bind_processor(dialect), usual[name]) for name, kind in types.items()]
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    out = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    wrong: type[Exception] = dialect.loaded_dbapi.Error

    def way(driver: Any, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        values = {
            name: value if (value := given.get(name, usually)) is None or to is None else to(value)
            for name, to, usually in into
        }
        try:
            done = driver.execute(text, values)
            rows = done.fetchall() if out else ()
        except wrong as error:
            raise _as_known(dialect, error, text) from error
        return [tuple([back(value) if back else value for back, value in zip(out, row, strict=True)]) for row in rows]

    return way


def _as_known(dialect: Dialect, error: Exception, text: str = "") -> Exception:
    """What the driver raised, as whoever catches it knows it."""
    wrong: type[Exception] = dialect.loaded_dbapi.Error
    return DBAPIError.instance(text, None, error, wrong, hide_parameters=True, dialect=dialect)


class Reader:
    """Connections for one question each, without session and transaction: as many as ask at once."""

    def __init__(self, engine: Engine) -> None:
        self.dialect, self._engine = engine.dialect, engine
        self._is_file = engine.dialect.name == "sqlite"
        self._free: list[Any] = []  # nobody listens at a file: nothing can be wrong with a connection that lies here

    def ask(self, way: _Way, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if not self._is_file:
            with closing(_raw(self._engine)) as pooled:
                return way(pooled.driver_connection, given)
        try:
            driver = self._free.pop()  # the one that was used last has the pages in its memory
        except IndexError:
            driver = _own(self._engine)
        try:
            return way(driver, given)
        finally:
            self._free.append(driver)


def _raw(engine: Engine) -> PoolProxiedConnection:
    try:
        return engine.raw_connection()
    except engine.dialect.loaded_dbapi.Error as error:
        raise _as_known(engine.dialect, error) from error


def _own(engine: Engine) -> Any:
    """A connection of the driver's that no pool knows of any more."""
    pooled = _raw(engine)
    driver = pooled.driver_connection
    pooled.detach()
    return driver


class Writer:
    """SQLite's connection for what arrives, one in a process: its pages stay in memory, and nothing stands around it.

    A commit waits for the disk, and meanwhile others come. The first of them leads: it does what all of them want in
    one transaction, and one commit makes all of it last. Where one of them fails, each is done in one of its own.
    """

    def __init__(self, engine: Engine, turn: AbstractContextManager[Any] | None = None) -> None:
        """:param turn: held while it writes, for those of the process who write on other connections."""
        self.dialect, self._engine, self._turn = engine.dialect, engine, turn or nullcontext()
        self.connection: Any = None  # made by the first who writes, in the process that writes
        self._door = Lock()  # of the two below
        self._waiting: deque[_Wish[Any]] = deque()
        self._is_led = False

    def do(self, deed: Callable[[Writer], Done]) -> Done:
        """Return what ``deed`` returns, once that is committed. What it raises takes back what it wrote, and no more.

        Whoever holds the turn already must not ask: the one who leads would wait for her, and she for that one.

        :param deed: it may be done in the thread of another one who waits, and sees what those before it have written.
            It is done a second time where nothing of the first is kept.
        """
        mine = _Wish(deed)
        with self._door:
            self._waiting.append(mine)
            leads, self._is_led = not self._is_led, True
        if not leads:
            mine.woken.acquire()
        if not mine.is_over:
            self._lead()
        if mine.error:
            raise mine.error
        return cast("Done", mine.done)

    def _lead(self) -> None:
        """Do what is wanted, and give the lead to the first of those who came meanwhile."""
        with self._turn:
            with self._door:
                wishes = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_TOGETHER))]
            try:
                self._together(wishes)
            except BaseException as error:  # noqa: BLE001  (nobody's is kept; each hears it in its own thread)
                for wish in wishes:
                    wish.error = wish.error or error
        with self._door:
            after = self._waiting[0] if self._waiting else None
            self._is_led = after is not None
        for wish in wishes:
            wish.is_over = True
            wish.woken.release()
        if after:
            after.woken.release()

    def _together(self, wishes: Sequence[_Wish[Any]]) -> None:
        """Do them in one transaction. If one of them raises, nothing is kept, and each is done in one of its own."""
        if self._all_done(wishes) or len(wishes) == 1:
            return
        for wish in wishes:
            wish.error = None
            try:
                self._all_done([wish])
            except BaseException as error:  # noqa: BLE001  (the others' commits stand)
                wish.error = error

    def _all_done(self, wishes: Sequence[_Wish[Any]]) -> bool:
        """Whether all of it is committed. If not, one wish knows what it has raised."""
        try:
            if self.connection is None:
                self.connection = _own(self._engine)
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                for wish in wishes:
                    try:
                        wish.done = wish.deed(self)
                    except BaseException as error:  # noqa: BLE001  (whose it is hears it)
                        wish.error = error
                        self.connection.rollback()
                        return False
                self.connection.execute("COMMIT")
            except BaseException:
                self.connection.rollback()
                raise
        except self.dialect.loaded_dbapi.Error as error:
            raise _as_known(self.dialect, error) from error
        return True


class _Wish(Generic[Done]):
    """What one of those who wait wants to be done."""

    def __init__(self, deed: Callable[[Writer], Done]) -> None:
        self.deed = deed
        self.done: Done | None = None
        self.error: BaseException | None = None
        self.is_over = False
        self.woken = Lock()  # taken until it is over, or its own to lead
        self.woken.acquire()


def insert_row(session: Session | Writer, kind: type[Base], /, **columns: Any) -> None:
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
