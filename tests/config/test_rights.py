"""The role of the apps in PostgreSQL: it does the office's whole work, and cannot touch what was written."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from config.office.rights import rights as command
from config.settings import Settings
from shared import clock, intake, log_tree, receipts, review, rights
from shared.audit import Audit
from shared.model import Base, LogEntry, Receipt, Role, StoredFile, WelfareOffice
from shared.session import engine_for
from tests import factories
from tests.conftest import APP_ROLE, of_the_apps

PROOF = sorted(rights.APPEND_ONLY)
REFUSED = r"permission denied|must be owner"


@pytest.fixture
def app_engine(database_url: str) -> Iterator[Engine]:
    engine = engine_for(of_the_apps(database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def lived(app_engine: Engine) -> Receipt:
    """The whole way, by the role: sent, asked again, sent anew, put aside, accepted, certified, signed for the day."""
    with Session(app_engine, expire_on_commit=False) as session, session.begin():
        worker, clerk = factories.staff(session), factories.staff(session, Role.CLERK)
        person = factories.recipient(session, factories.household(session, worker))
        row = factories.draft(session, person)
        file = factories.file(session, person, row)
        factories.make_safe(session, session.get_one(StoredFile, (file.office_id, file.id)), pages=1)
        intake.send(session, person, row.id, attempt=uuid4())
        review.claim(session, worker, row.id)
        review.release(session, worker, row.id)
        review.claim(session, worker, row.id)
        day = clock.today().replace(year=clock.today().year + 1)
        attempt = uuid4()
        review.hold(session, worker, row.id, until=day, reason="電話", seen=row.revision, attempt=attempt)
        review.undo(session, worker, row.id, attempt=attempt)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
        receipt = receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
    with Session(app_engine) as session, session.begin():
        head = log_tree.to_sign(session, receipt.office_id)
    with Session(app_engine) as session, session.begin():
        assert log_tree.keep(session, receipt.office_id, head, b"signature", "key")
    return receipt


def test_the_role_does_the_whole_way_and_the_journal_tells_it(app_engine: Engine, lived: Receipt) -> None:
    with Session(app_engine) as session:
        office = session.get_one(WelfareOffice, lived.office_id)
        assert list(Audit(session, office, lambda _head: None).damage()) == []
        told = session.scalars(select(LogEntry.event).order_by(LogEntry.seq)).all()
    assert told[-1] == "head.signed"
    for event in ("arrived", "taken", "released", "held", "accepted"):
        assert f"submission.{event}" in told
    assert {"decision.undone", "receipt.issued"} <= set(told)


@pytest.mark.parametrize("table", PROOF)
@pytest.mark.parametrize(
    "act",
    [
        "UPDATE {} SET office_id = office_id",
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "ALTER TABLE {} ADD COLUMN more text",
        "CREATE TRIGGER quiet BEFORE INSERT ON {} EXECUTE FUNCTION refuse_change()",
        "DROP TABLE {} CASCADE",
    ],
)
def test_the_role_cannot_change_what_was_written(app_engine: Engine, lived: Receipt, table: str, act: str) -> None:
    count = select(func.count()).select_from(Base.metadata.tables[table])
    with app_engine.connect() as connection:
        before = connection.scalar(count)
        with pytest.raises(ProgrammingError, match=REFUSED):
            connection.execute(text(act.format(table)))
        connection.rollback()
        assert connection.scalar(count) == before


@pytest.mark.parametrize(
    "act",
    [
        "DROP TRIGGER log_entry_append_only ON log_entry",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "SET session_replication_role = replica",
        "CREATE TABLE more (id int)",
        "UPDATE alembic_version SET version_num = '0001'",
        "DELETE FROM receipt",
        "DELETE FROM submission",
        "DELETE FROM submission_version",
    ],
)
def test_the_role_cannot_go_around_the_triggers_or_make_things_disappear(
    app_engine: Engine, lived: Receipt, act: str
) -> None:
    with app_engine.connect() as connection, pytest.raises(ProgrammingError, match=REFUSED):
        connection.execute(text(act))


def test_even_the_owner_is_refused_by_the_triggers(engine: Engine, lived: Receipt) -> None:
    for table in ("log_entry", "log_node", "tree_head"):
        for act in ("UPDATE {} SET office_id = office_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
            with engine.connect() as connection, pytest.raises(Exception, match="append-only"):
                connection.execute(text(act.format(table)))


def test_every_table_has_its_rights_and_none_is_named_that_is_not_there() -> None:
    tables = {table.name for table in Base.metadata.sorted_tables}
    assert tables >= rights.APPEND_ONLY | rights.DELETED_FROM
    assert not rights.APPEND_ONLY & rights.DELETED_FROM
    assert sum(statement.startswith("GRANT SELECT") for statement in rights.grants("x")) == len(tables) + 1


def test_the_command_prints_them_and_gives_them_where_it_is_told_to(
    database_url: str, settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {
        "DATABASE_URL": database_url,
        "REDIS_URL": settings.redis_url,
        "STORAGE_URL": settings.storage_url,
        "INCOMING": str(settings.incoming),
        "SECRET_KEY": settings.secret_key,
    }
    for name, value in chosen.items():
        monkeypatch.setenv(f"MADOGUCHI_{name}", value)
    said = CliRunner().invoke(command, [APP_ROLE])
    assert said.exit_code == 0
    assert "GRANT SELECT, INSERT ON log_entry TO madoguchi_app;" in said.output.splitlines()
    with engine.begin() as connection:
        connection.execute(text(f"GRANT UPDATE, DELETE ON log_entry TO {APP_ROLE}"))
    assert CliRunner().invoke(command, [APP_ROLE, "--apply"]).exit_code == 0
    with engine.connect() as connection:
        may = func.has_table_privilege(APP_ROLE, "log_entry", "UPDATE, DELETE")
        assert connection.scalar(select(may)) is False
    assert CliRunner().invoke(command, ["no such role"]).exit_code == 2
    assert CliRunner().invoke(command, ["nobody_here", "--apply"]).exit_code == 2
