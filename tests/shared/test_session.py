from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from shared import drafts
from shared.model import Job, Submission, Task, WelfareOffice
from shared.outbox import promise
from shared.session import Reader, Ready, engine_for, migrate, reading_sessions
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


def test_a_ready_statement_reads_and_writes_what_any_other_does(session: Session) -> None:
    office, subject = factories.submission(session).office_id, uuid4()
    promise(session, office, Job.MAKE_SAFE_COPY, subject)
    task = session.scalars(select(Task).where(Task.subject_id == subject)).one()
    ready = Ready(select(Task.id, Task.job, Task.created_at, Task.done_at).where(Task.subject_id == subject))
    assert ready.on(session, {}) == [(task.id, Job.MAKE_SAFE_COPY, task.created_at, None)]


def test_a_ready_statement_sees_what_its_session_has_not_written_yet(session: Session) -> None:
    row = factories.submission(session)
    row.look_by = None
    assert Ready(select(Submission.look_by).where(Submission.id == row.id)).on(session, {}) == [(None,)]


def test_a_ready_statement_fails_as_any_other_does(session: Session) -> None:
    office, subject = factories.submission(session).office_id, uuid4()
    promise(session, office, Job.MAKE_SAFE_COPY, subject)
    with pytest.raises(IntegrityError):
        promise(session, office, Job.MAKE_SAFE_COPY, subject)


def test_a_question_by_itself_waits_for_no_writer(engine: Engine, make_session: sessionmaker[Session]) -> None:
    ready = Ready(select(WelfareOffice.id))
    with make_session.begin() as session:
        office = factories.submission(session).office_id
    with make_session.begin() as session:
        session.execute(text("UPDATE welfare_office SET due_day = 9"))
        assert ready.on(Reader(engine), {}) == [(office,)]


def test_sqlite_compiles_the_question_of_each_upload_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'office.db'}"
    migrate(url)
    engine = engine_for(url)
    with Session(engine) as session:
        who = factories.recipient(session)
        draft = factories.draft(session, who).id
        for _ in range(5):
            drafts.room(session, who, draft, "0" * 64, uuid4())
        try:
            counted = session.execute(
                text("SELECT run, reprep FROM sqlite_stmt WHERE sql LIKE 'SELECT submission.state%'")
            )
        except OperationalError:
            pytest.skip("this SQLite does not count")
        assert counted.all() == [(5, 0)]
    engine.dispose()
