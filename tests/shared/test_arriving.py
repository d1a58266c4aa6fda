"""The short way of what arrives on SQLite: it writes what the long one writes, or leaves it to that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
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
from shared.upload import Announced, Bytes, Limits
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
            usual = its - {"id", "file_id", "subject_id", "submission_id", "version_id", "attempt", "key", "sha256"}
            found.append([{name: getattr(row, name) for name in usual} for row in session.scalars(query)])
    return found


def test_both_ways_write_the_same(engine: Engine, writer: Writer, who: Recipient) -> None:
    short, long = draft(engine, who), draft(engine, who, date(2026, 9, 1))
    with clock.at(NOW):
        with writer.begin():
            whole = upload.arrive_at_once(writer, who, short, announced(), arrived(), LIMITS)
        with Session(engine) as session, session.begin():
            other = upload.arrive(session, who, long, announced(), arrived(), LIMITS)[0]
            assert whole
            for name in ("kept", "expires_at"):
                assert getattr(whole, name) == getattr(other, name)
    assert [len(table) for table in rows(engine, short)] == [1, 1, 1, 1]
    assert rows(engine, short) == rows(engine, long)


def test_the_next_file_stands_behind_the_last_one(engine: Engine, writer: Writer, who: Recipient) -> None:
    report = draft(engine, who)
    for _ in range(3):
        with writer.begin():
            assert upload.arrive_at_once(writer, who, report, announced(), arrived(), LIMITS)
    assert sorted(row["position"] for row in rows(engine)[1]) == [1, 2, 3]


def test_what_is_not_usual_is_left_to_the_long_way(engine: Engine, writer: Writer, who: Recipient) -> None:
    report, known, bytes_ = draft(engine, who), announced(), arrived()
    with writer.begin():
        assert upload.arrive_at_once(writer, who, report, known, bytes_, LIMITS)
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
        with writer.begin():
            assert upload.arrive_at_once(writer, one, place, what, its, LIMITS) is None
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
        with pytest.raises(expected), writer.begin():
            upload.arrive_at_once(writer, one, report, announced(size), arrived(size), limits)
    assert rows(engine) == [[], [], [], []]
    with writer.begin():
        assert upload.arrive_at_once(writer, who, report, announced(), arrived(), LIMITS)


def test_what_breaks_off_between_two_rows_leaves_none(engine: Engine, writer: Writer, who: Recipient) -> None:
    report, taken = draft(engine, who), arrived()
    with writer.begin():
        upload.arrive_at_once(writer, who, report, announced(), taken, LIMITS)
    before = rows(engine)
    twin = Bytes(taken.key, "jpeg", 100, "f" * 64)
    with pytest.raises(IntegrityError), writer.begin():
        upload.arrive_at_once(writer, who, report, announced(), twin, LIMITS)
    with pytest.raises(IntegrityError), writer.begin():
        _ = [upload.arrive_at_once(writer, who, report, announced(), its, LIMITS) for its in (arrived(), twin)]
    assert rows(engine) == before


def test_a_writer_of_another_process_is_waited_for_and_said_so(engine: Engine, writer: Writer, who: Recipient) -> None:
    report = draft(engine, who)
    with writer.begin():
        pass
    writer.connection.execute("PRAGMA busy_timeout = 50")
    with engine.begin(), pytest.raises(OperationalError), writer.begin():
        pytest.fail("two wrote at once")
    with writer.begin():
        assert upload.arrive_at_once(writer, who, report, announced(), arrived(), LIMITS)
