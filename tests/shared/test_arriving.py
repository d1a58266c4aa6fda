"""The short way of what arrives on SQLite: it writes what the long one writes, or leaves it to that."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from threading import RLock, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from shared import clock, upload
from shared.errors import NotThere, TooManyFiles, TooMuchToday
from shared.model import Base, State, StoredFile, Task, Upload, VersionFile
from shared.session import Writer, engine_for
from shared.sign_in import Recipient
from shared.upload import Announced, Bytes, Limits, Whole
from tests import factories
from tests.conftest import NOW

LIMITS = Limits(files=3, day=10_000)
TABLES: tuple[type[Base], ...] = (StoredFile, VersionFile, Task, Upload)


@pytest.fixture
def engine(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Engine]:
    shutil.copy(migrated_sqlite, tmp_path / "office.db")
    engine = engine_for(f"sqlite:///{tmp_path / 'office.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    writer = Writer(engine)
    yield writer
    if writer.connection:
        writer.connection.close()


@pytest.fixture
def who(engine: Engine) -> Recipient:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        return factories.recipient(session)


def draft(engine: Engine, who: Recipient, month: date = factories.OCTOBER) -> UUID:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        return factories.draft(session, who, month).id


def announced(size: int = 100, **given: Any) -> Announced:
    return Announced(**{"attempt": uuid4(), "name": "明細.jpg", "size": size, **given})


def arrived(size: int = 100) -> Bytes:
    return Bytes(f"original/{uuid4()}", "jpeg", size, uuid4().hex * 2)


def take(
    writer: Writer, who: Recipient, report: UUID, one: Announced | None = None, its: Bytes | None = None
) -> Whole | None:
    return writer.do(
        lambda place: upload.arrive_at_once(place, who, report, one or announced(), its or arrived(), LIMITS)
    )


def rows(engine: Engine, submission_id: UUID | None = None) -> list[list[dict[str, Any]]]:
    """What stands in the tables, without what differs each time."""
    with Session(engine) as session:
        mine = session.scalars(select(StoredFile.id).where(StoredFile.submission_id == submission_id)).all()
        found = []
        for table in TABLES:
            its = {column.key for column in table.__table__.columns}
            of_file = next(name for name in ("subject_id", "file_id", "id") if name in its)
            query = select(table)
            if submission_id:
                query = query.where(getattr(table, of_file).in_(mine))
            usual = its - {"id", "file_id", "subject_id", "submission_id", "version_id", "attempt", "key"}
            usual -= {"sha256"} if table is StoredFile else set()
            found.append([{name: getattr(row, name) for name in usual} for row in session.scalars(query)])
    return found


def test_both_ways_write_the_same(engine: Engine, writer: Writer, who: Recipient) -> None:
    short, long = draft(engine, who), draft(engine, who, date(2026, 9, 1))
    with clock.at(NOW):
        its = announced(sha256="a" * 64, shot="whole")
        whole = take(writer, who, short, its)
        with Session(engine) as session, session.begin():
            other = upload.arrive(session, who, long, replace(its, attempt=uuid4()), arrived(), LIMITS)[0]
            assert whole
            for name in ("kept", "expires_at"):
                assert getattr(whole, name) == getattr(other, name)
    assert [len(table) for table in rows(engine, short)] == [1, 1, 1, 1]
    assert rows(engine, short) == rows(engine, long)


def test_the_next_file_stands_behind_the_last_one(engine: Engine, writer: Writer, who: Recipient) -> None:
    report = draft(engine, who)
    for _ in range(3):
        assert take(writer, who, report)
    assert sorted(row["position"] for row in rows(engine)[1]) == [1, 2, 3]


def test_what_is_not_usual_is_left_to_the_long_way(engine: Engine, writer: Writer, who: Recipient) -> None:
    report, known, bytes_ = draft(engine, who), announced(), arrived()
    assert take(writer, who, report, known, bytes_)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        given = [factories.submission(session, state) for state in (State.RETURNED, State.WAITING)]
        sent = [(factories.recipient_of(session, row), row.id) for row in given]
    before = rows(engine)
    for one, place, what, its in (
        (who, report, known, arrived()),
        (who, report, announced(), bytes_),
        (who, report, announced(replaces=uuid4()), arrived()),
        *((other, row, announced(), arrived()) for other, row in sent),
    ):
        assert take(writer, one, place, what, its) is None
    assert rows(engine) == before


def test_a_refusal_leaves_nothing_and_the_next_one_finds_its_way(
    engine: Engine, writer: Writer, who: Recipient
) -> None:
    report = draft(engine, who)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        stranger = factories.recipient(session)
    for expected, one, size, limits in (
        (NotThere, stranger, 100, LIMITS),
        (TooMuchToday, who, 10_001, LIMITS),
        (TooManyFiles, who, 100, Limits(files=0, day=10_000)),
    ):

        def refused(place: Writer, who: Recipient = one, size: int = size, limits: Limits = limits) -> Whole | None:
            return upload.arrive_at_once(place, who, report, announced(size), arrived(size), limits)

        with pytest.raises(expected):
            writer.do(refused)
    assert rows(engine) == [[], [], [], []]
    assert take(writer, who, report)


def test_what_breaks_off_between_two_rows_leaves_none(engine: Engine, writer: Writer, who: Recipient) -> None:
    report, taken = draft(engine, who), arrived()
    take(writer, who, report, None, taken)
    before = rows(engine)
    twin = Bytes(taken.key, "jpeg", 100, "f" * 64)

    def both(place: Writer) -> None:
        for its in (arrived(), twin):
            upload.arrive_at_once(place, who, report, announced(), its, LIMITS)

    with pytest.raises(IntegrityError):
        writer.do(both)
    assert rows(engine) == before


def test_a_writer_of_another_process_is_waited_for_and_said_so(engine: Engine, writer: Writer, who: Recipient) -> None:
    report = draft(engine, who)
    writer.do(lambda _: None)
    writer.connection.execute("PRAGMA busy_timeout = 50")
    with engine.begin(), pytest.raises(OperationalError):
        take(writer, who, report)
    assert take(writer, who, report)


# ---- several at once ----


def together(writer: Writer, deeds: Sequence[Callable[[Writer], Any]]) -> list[Any]:
    """Let all of them wait before the first may write. Returns what each of them gets, or hears."""
    heard: list[Any] = [None] * len(deeds)

    def one(at: int) -> None:
        try:
            heard[at] = writer.do(deeds[at])
        except Exception as error:  # noqa: BLE001  (looked at by the test)
            heard[at] = error

    threads = [Thread(target=one, args=(at,)) for at in range(len(deeds))]
    with writer._turn:
        for at, thread in enumerate(threads):
            thread.start()
            until(partial(_so_many, writer, at + 1))
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert not writer._waiting
    return heard


def _so_many(writer: Writer, count: int) -> bool:
    return len(writer._waiting) == count


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.001)


@pytest.fixture
def shared(engine: Engine) -> Iterator[Writer]:
    """A writer that others of its process may keep waiting, and what it told the database."""
    writer = Writer(engine, RLock())
    writer.do(lambda _: None)
    yield writer
    writer.connection.close()


@pytest.fixture
def said(shared: Writer) -> list[str]:
    heard: list[str] = []
    shared.connection.set_trace_callback(heard.append)
    return heard


def usual(who: Recipient, report: UUID) -> Callable[[Writer], Any]:
    return lambda place: upload.arrive_at_once(place, who, report, announced(), arrived(), Limits(99, 99_999))


def test_those_who_wait_share_commits_and_each_is_there(
    engine: Engine, shared: Writer, said: list[str], who: Recipient
) -> None:
    report = draft(engine, who)
    heard = together(shared, [usual(who, report)] * 40)
    assert len({whole.file_id for whole in heard}) == 40
    assert [len(table) for table in rows(engine)] == [40] * 4
    assert sorted(row["position"] for row in rows(engine)[1]) == list(range(1, 41))
    assert said.count("COMMIT") == 3  # 16, 16 and 8


def test_one_that_fails_takes_back_its_own_and_no_more(
    engine: Engine, shared: Writer, said: list[str], who: Recipient
) -> None:
    report = draft(engine, who)

    def halfway(place: Writer) -> None:
        usual(who, report)(place)
        raise RuntimeError("halfway")

    heard = together(shared, [usual(who, report), halfway, usual(who, report), halfway, usual(who, report)])
    assert [type(one) for one in heard] == [Whole, RuntimeError, Whole, RuntimeError, Whole]
    assert sorted(row["position"] for row in rows(engine)[1]) == [1, 2, 3]
    assert said.count("COMMIT") == 3, "each has one of its own then"


def test_the_limit_holds_for_those_who_share_a_commit(engine: Engine, shared: Writer, who: Recipient) -> None:
    report = draft(engine, who)
    one = partial(upload.arrive_at_once, who=who, submission_id=report, limits=LIMITS)
    heard = together(shared, [lambda place: one(place, announced=announced(), arrived=arrived())] * 5)
    assert [type(one) for one in heard] == [Whole] * 3 + [TooManyFiles] * 2


def test_when_the_commit_fails_everybody_hears_it_and_nothing_is_there(
    engine: Engine, shared: Writer, who: Recipient
) -> None:
    report = draft(engine, who)

    def owes(place: Writer) -> None:  # what the commit, and nothing before it, will refuse
        place.connection.execute("PRAGMA defer_foreign_keys = ON")
        place.connection.execute("UPDATE version_file SET file_id = ?", [uuid4().hex])

    heard = together(shared, [usual(who, report), owes, usual(who, report)])
    assert [type(one) for one in heard] == [IntegrityError] * 3
    assert rows(engine) == [[], [], [], []]
    assert take(shared, who, report)


def test_when_sqlite_gives_up_everything_the_others_are_done_again(
    engine: Engine, shared: Writer, who: Recipient
) -> None:
    report = draft(engine, who)

    def gives_up(place: Writer) -> None:
        place.connection.execute("ROLLBACK")  # as SQLite does by itself when the disk is full
        raise RuntimeError("full")

    heard = together(shared, [usual(who, report), gives_up, usual(who, report)])
    assert [type(one) for one in heard] == [Whole, RuntimeError, Whole]
    assert sorted(row["position"] for row in rows(engine)[1]) == [1, 2]


def test_after_one_failed_another_ones_failed_commit_is_heard_by_her_alone(
    engine: Engine, shared: Writer, who: Recipient
) -> None:
    report = draft(engine, who)

    def owes(place: Writer) -> None:
        place.connection.execute("PRAGMA defer_foreign_keys = ON")
        place.connection.execute("UPDATE version_file SET file_id = ?", [uuid4().hex])

    def refused(_: Writer) -> None:
        raise RuntimeError("no")

    heard = together(shared, [usual(who, report), refused, owes, usual(who, report)])
    assert [type(one) for one in heard] == [Whole, RuntimeError, IntegrityError, Whole]
    assert sorted(row["position"] for row in rows(engine)[1]) == [1, 2]


def test_a_lock_of_another_process_is_heard_by_all_who_wait(engine: Engine, shared: Writer, who: Recipient) -> None:
    report = draft(engine, who)
    shared.connection.execute("PRAGMA busy_timeout = 50")
    with engine.begin():
        heard = together(shared, [usual(who, report)] * 20)
    assert [type(one) for one in heard] == [OperationalError] * 20
    assert take(shared, who, report)


def test_many_who_come_as_they_like_are_all_served(engine: Engine, shared: Writer, who: Recipient) -> None:
    report = draft(engine, who)
    with ThreadPoolExecutor(12) as pool:
        heard = list(pool.map(lambda _: shared.do(usual(who, report)), range(90)))
    assert len({whole.file_id for whole in heard}) == 90
    assert [len(table) for table in rows(engine)] == [90] * 4
