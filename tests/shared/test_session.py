from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from shared.model import Submission, WelfareOffice
from shared.session import engine_for, reading_sessions
from tests import factories


def test_what_is_committed_survives_a_power_cut_on_sqlite(tmp_path: Path) -> None:
    engine = engine_for(f"sqlite:///{tmp_path / 'office.db'}")
    with engine.connect() as connection:
        said = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}


def test_a_transaction_that_fails_leaves_nothing(engine: Engine, make_session: sessionmaker[Session]) -> None:
    def fail(session: Session) -> None:
        factories.submission(session)
        session.execute(text("UPDATE welfare_office SET due_day = 0"))

    with pytest.raises(IntegrityError), make_session.begin() as session:
        fail(session)
    with make_session() as session:
        assert session.scalars(select(WelfareOffice)).all() == []
        assert session.scalars(select(Submission)).all() == []


def test_what_was_read_stays_readable_after_the_commit(make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        row = factories.submission(session)
    assert row.number is not None


def test_a_session_that_only_looks_sees_what_is_committed(engine: Engine, make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        number = factories.submission(session).number
    with reading_sessions(engine)() as look:
        assert look.scalars(select(Submission.number)).all() == [number]


def test_a_session_that_only_looks_flushes_nothing(engine: Engine, make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        factories.submission(session)
    with reading_sessions(engine)() as look:
        look.scalars(select(Submission)).one().look_by = None
        assert look.scalars(select(Submission.look_by)).one() is not None


def test_many_may_look_at_once(engine: Engine, make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        factories.submission(session)
    looks = [reading_sessions(engine)() for _ in range(30)]
    assert [len(look.scalars(select(Submission)).all()) for look in looks] == [1] * 30
    for look in looks:
        look.close()
