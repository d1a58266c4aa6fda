"""The way of a database from release to release: its head equals the models, and every step goes both ways."""

from __future__ import annotations

import ast
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, column, inspect, select, table, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from shared import (
    assignment,
    batch,
    bulk,
    bundle,
    clock,
    closing,
    cover,
    delivery,
    drafts,
    duties,
    fixed_texts,
    handing,
    intake,
    journal,
    migrations,
    notes,
    presence,
    queue,
    reasons,
    receipt_rules,
    receipts,
    review,
    seals,
    second_look,
    sign_in,
    stamp,
    views,
    voids,
)
from shared.model import (
    AbsentPaper,
    Base,
    BulkAct,
    CalendarRule,
    ClosedDay,
    CorrectionItem,
    DangerWord,
    Disposal,
    DisposalItem,
    DisposalState,
    DutyAbout,
    DutyKind,
    DutyRule,
    EarlierSituation,
    FilledForm,
    FormSetting,
    HouseholdLook,
    How,
    Job,
    Kept,
    LegalHold,
    Likeness,
    Message,
    MessageFile,
    OriginalFetch,
    ParkedForm,
    PaymentDay,
    Reason,
    Receipt,
    RetentionRule,
    Role,
    SecondLook,
    Situation,
    StaffMember,
    StampKind,
    State,
    StoredFile,
    Submission,
    SweepRun,
    Upload,
    UploadPart,
    UploadState,
    Way,
    WhyAbsent,
    WorkerSighting,
)
from shared.outbox import promise
from shared.rules.assignment import Line
from shared.session import engine_for, migrate, sessions
from shared.session import migrations as alembic_config
from tests import factories

VERSIONS = Path(str(migrations.__path__[0])) / "versions"
FILES = sorted(VERSIONS.glob("*.py"))
SCRIPTS = ScriptDirectory.from_config(alembic_config("sqlite://"))
HISTORY = [script.revision for script in SCRIPTS.walk_revisions()][::-1]
"""Oldest first."""

POSTGRESQL = {
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": """
        SELECT indrelid::regclass::text, pg_get_indexdef(indexrelid)
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'public'::regnamespace""",
}


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> str:
    """A database of the same kind that no migration has seen."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'empty.db'}"
    make: Callable[[], str] = request.getfixturevalue("make_postgresql")
    return make()


@pytest.fixture
def by_models(empty_url: str) -> Any:
    """The database as the models would make it."""
    engine = engine_for(empty_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def postgresql_shape(engine: Engine) -> dict[str, Counter[tuple[Any, ...]]]:
    with engine.connect() as connection:
        return {
            what: Counter(tuple(row) for row in connection.execute(text(query)) if row[0] != "alembic_version")
            for what, query in POSTGRESQL.items()
        }


def sqlite_shape(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:

        def ask(query: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.execute(text(query))]

        shape: dict[str, Any] = {}
        for name, made_by in ask("SELECT name, sql FROM sqlite_master WHERE type = 'table'"):
            if name == "alembic_version":
                continue
            indexes = ask(f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = '{name}'")  # noqa: S608
            shape[name] = {
                "columns": {row[1:] for row in ask(f"PRAGMA table_info({name})")},
                "foreign keys": {row[2:] for row in ask(f"PRAGMA foreign_key_list({name})")},
                "constraints": set(constraints(made_by)),
                "indexes": {(index, plain(sql)) for index, sql in indexes if sql},
            }
        return shape


def plain(sql: str) -> str:
    return " ".join(sql.replace('"', "").split())


def constraints(made_by: str) -> list[str]:
    """What stands behind the columns of a CREATE TABLE, one constraint each."""
    found = re.split(r",\s*(?=CONSTRAINT )", plain(made_by).rstrip(" )"))[1:]
    return [_without_later_columns(one) for one in found]


def _without_later_columns(constraint: str) -> str:
    """SQLite writes a column that was added later behind the constraints, and there may be several."""
    while (shorter := re.sub(r", \w+ (TEXT|INTEGER|DATETIME)$", "", constraint)) != constraint:
        constraint = shorter
    return constraint.rstrip(" )")


def test_the_head_equals_the_models(engine: Engine, by_models: Engine) -> None:
    shape = sqlite_shape if engine.dialect.name == "sqlite" else postgresql_shape
    migrated, modelled = shape(engine), shape(by_models)
    assert migrated == modelled
    assert "answer_by IS NOT NULL" in repr(migrated)  # the comparison sees what a CHECK says


def test_alembic_would_write_no_further_migration(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_there_is_one_head_and_the_files_are_numbered_as_they_follow() -> None:
    assert len(SCRIPTS.get_heads()) == 1
    assert [f"{at:04}" for at in range(1, len(FILES) + 1)] == HISTORY
    assert [file.name[:5] for file in FILES] == [f"{revision}_" for revision in HISTORY]
    assert [file.name for file in FILES if not re.fullmatch(r"\d{4}_[a-z_]+\.py", file.name)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_migration_leans_on_no_model_says_what_it_does_and_goes_both_ways(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }
    assert imported <= {"sqlalchemy", "alembic", "secrets"}
    assert ast.get_docstring(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {"upgrade", "downgrade"} <= functions.keys()
    assert not isinstance(functions["downgrade"].body[0], ast.Pass)


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def fill(session: Session) -> None:
    """An office in which everything has happened once."""
    worker = factories.staff(session)
    clerk = factories.staff(session, Role.CLERK)
    home = factories.household(session, worker)
    who = factories.recipient(session, home)
    code = factories.letter(session, who)
    sign_in.open_letter(session, code, shared_device=False)
    sign_in.choose_pin(session, who, "258046")
    session.add(ParkedForm(path="/income", fields={"gross_yen": "８万"}))
    with clock.at(clock.now() - timedelta(days=1)):
        returned = factories.draft(session, who)
        file = factories.file(session, who, returned)
        intake.send(session, who, returned.id, attempt=uuid4())
        factories.make_safe(session, file)
        intake.settle(session, returned)
    review.claim(session, worker, returned.id)
    asked = review.AskAgain(
        seen=returned.revision, attempt=uuid4(), files={file.id: (Reason.DARK, "")}, memo="電話した"
    )
    review.send_back(session, worker, returned.id, asked)
    factories.write(session, who, returned.id, {"gross_yen": 90_000})
    fill_colleagues(session, factories.submission(session, State.IN_REVIEW))
    row = factories.submission(session, State.ACCEPTED)
    issued = receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
    fill_clerks_desk(session, clerk, issued)
    day = closing.close(session, clerk, clock.today())
    closing.sign(session, day.office_id, day.id, b"signed")
    closing.set_time(session, factories.staff(session, Role.SUPERVISOR), closing.USUAL, clock.today())
    until = clock.now() + timedelta(days=365)
    code = factories.office(session).code
    seals.publish(session, code, [seals.Certificate("c" * 64, "PEM", clock.now(), until, None, revoked=False)])
    fill_storeroom(session, who, returned, file)
    fill_many(session, worker, home.case_no)


def fill_many(session: Session, worker: sign_in.Staff, case_no: str) -> None:
    """Many at once, a colleague who stands in, and a household that changed hands."""
    rows = [factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))]
    chosen = bulk.choose(session, worker, BulkAct.ACCEPT, [row.id for row in rows], matched=1, attempt=uuid4())
    bulk.start(session, worker, chosen.id)
    colleague = factories.staff(session)
    today = clock.today()
    cover.begin(session, worker, cover.NewCover(worker.staff_id, colleague.staff_id, today, today, uuid4()))
    chief = factories.staff(session, Role.SUPERVISOR)
    login = session.get_one(StaffMember, (colleague.office_id, colleague.staff_id)).login
    assignment.apply(session, chief, [Line(2, case_no, login, "本町")], attempt=uuid4())


def fill_clerks_desk(session: Session, clerk: sign_in.Staff, issued: Receipt) -> None:
    """Certificates in a batch and in a ZIP, one voided, one delivered; the office's stamp and its rule."""
    person = factories.recipient_of(session, session.get_one(Submission, (issued.office_id, issued.submission_id)))
    delivery.seen(session, person, issued.id)
    delivery.set_way(session, clerk, person.member_id, Way.POST)
    voids.propose(session, clerk, issued.id, "誤記", attempt=uuid4())
    receipt_rules.set_rule(session, clerk.office_id, clock.today(), two_people=True)
    batch.choose(session, clerk, [issued.submission_id], matched=1, attempt=uuid4(), demo=True)
    bundle.begin(session, clerk.office_id, clerk.staff_id, day=clock.today())
    picture = stamp.SentPicture(f"stamp-sent/{uuid4()}", "png", 9, "a" * 64)
    stamp.send(session, clerk, StampKind.STAMP, clock.today(), picture, attempt=uuid4())


def fill_colleagues(session: Session, row: Submission) -> None:
    """Two who work beside each other: one looks at what the other one has, asks for it, writes a note, keeps a list."""
    holder, other = factories.caseworker_of(session, row), factories.staff(session, name="試田 美紀")
    presence.here(session, other, row.id)
    handing.ask_for(session, other, row.id)
    handing.give(session, holder, row.id, other.staff_id, attempt=uuid4())
    handing.ask_for(session, holder, row.id)
    notes.write(session, holder, row.id, "電話した", to=[other.staff_id], attempt=uuid4())
    views.save(session, other, "急ぎ", queue.Wanted(), tell_at=3, attempt=uuid4())


def fill_storeroom(session: Session, who: sign_in.Recipient, report: Submission, file: StoredFile) -> None:
    """What lies around the files: an upload under way, a likeness, a fetched original, what is kept how long."""
    admin, other = factories.staff(session, Role.ADMINISTRATOR), factories.staff(session, Role.SUPERVISOR)
    office_id, now = who.office_id, clock.now()
    later = factories.file(session, who, report)
    upload = Upload(
        office_id=office_id,
        submission_id=report.id,
        attempt=uuid4(),
        name="給与明細.jpg",
        size=2,
        kept=1,
        state=UploadState.OPEN,
        expires_at=now,
    )
    done = Disposal(
        office_id=office_id,
        state=DisposalState.APPROVED,
        proposed_by=admin.staff_id,
        decided_by=other.staff_id,
        decided_at=now,
    )
    session.add_all([upload, done])
    session.flush()
    day, version_id = clock.today(), drafts.latest_version(session, report).id
    session.add_all(
        [
            UploadPart(office_id=office_id, upload_id=upload.id, start=0, size=1, key=f"partial/{uuid4()}"),
            Likeness(office_id=office_id, file_id=later.id, earlier_id=file.id, how=How.SAME),
            OriginalFetch(office_id=office_id, file_id=file.id, staff_id=admin.staff_id, reason="照会のため"),
            RetentionRule(office_id=office_id, what=Kept.ORIGINAL, days=365, from_day=day, source="文書管理規程"),
            HouseholdLook(
                office_id=office_id, household_id=who.household_id, staff_id=admin.staff_id, reason="確認のため"
            ),
            LegalHold(office_id=office_id, household_id=who.household_id, reason="審査請求", placed_by=admin.staff_id),
            DisposalItem(
                office_id=office_id,
                disposal_id=done.id,
                file_id=file.id,
                what=Kept.ORIGINAL,
                since=day,
                due_on=day,
                sha256=file.sha256,
            ),
            DutyRule(
                office_id=office_id,
                kind=DutyKind.INCOME_REPORT,
                situation=Situation.WORKING,
                every_months=1,
                first_month=1,
                due_day=10,
                from_month=day.replace(day=1),
            ),
            Message(
                office_id=office_id,
                household_id=who.household_id,
                member_id=who.member_id,
                staff_id=admin.staff_id,
                text="お返事をください。",
                attempt=uuid4(),
                sent_at=now,
            ),
            AbsentPaper(office_id=office_id, version_id=version_id, why=WhyAbsent.LOST),
            EarlierSituation(
                office_id=office_id,
                member_id=who.member_id,
                until_month=day.replace(day=1),
                situation=Situation.OTHER,
            ),
            ClosedDay(office_id=office_id, day=day, why="市制記念日"),
            DangerWord(office_id=office_id, word="さむくてねむれない", about="冬", added=True),
            CalendarRule(office_id=office_id, from_month=day.replace(day=1), due_before=False, pay_day=5),
            PaymentDay(office_id=office_id, month=day.replace(day=1), paid_on=day),
            FormSetting(office_id=office_id, kind=DutyKind.STATUS_CHECK_IN, from_day=day, left_out={"screens": []}),
            WorkerSighting(worker=f"host:{uuid4()}", started_at=now, seen_at=now, room={}, scanner="off"),
            SweepRun(at=now, found={"short": 1}, mended=0),
            SecondLook(office_id=office_id, submission_id=report.id, version_no=1, decided_by=admin.staff_id, note=""),
        ]
    )
    duties.open_duty(session, factories.office(session), who.household_id, who.member_id, factories.OCTOBER)
    second_look.set_rule(session, office_id, 5, day)
    fixed_texts.begin(session, office_id)
    said = {"ja": reasons.Sentences("日付を 見せてください", "日付を 見てください")}
    reasons.add(session, other, reasons.Wording("日付が見えない", said))
    session.flush()
    message = session.scalars(select(Message)).one()
    session.add(MessageFile(office_id=office_id, message_id=message.id, file_id=file.id, position=1))
    promise(session, office_id, Job.DESTROY, done.id)
    factories.tree_head(session)
    factories.seal_certificate(session)


def test_up_down_and_up_again_works_with_a_whole_office_in_it(
    engine: Engine, make_session: sessionmaker[Session], database_url: str
) -> None:
    with make_session.begin() as session:
        fill(session)
        office = factories.office(session).id
        empty = [
            table.name
            for table in Base.metadata.sorted_tables
            if session.execute(select(table).limit(1)).first() is None
        ]
    assert empty == []
    there = tables(engine)
    command.downgrade(alembic_config(database_url), "base")
    assert tables(engine) == set()
    migrate(database_url)
    assert tables(engine) == there
    with make_session.begin() as session:
        fill(session)
        assert factories.office(session).id != office
        assert journal.first_broken(session, factories.office(session).id) is None


def test_who_waits_already_and_asked_to_be_called_is_found(
    make_session: sessionmaker[Session], database_url: str
) -> None:
    said: list[dict[str, str]] = [{"call": "yes"}, {"call": "no"}, {}]
    with make_session.begin() as session:
        rows = [factories.submission(session) for _ in said]
        closed = factories.submission(session, State.RECEIPTED)
        for row, answers in zip([*rows, closed], [*said, said[0]], strict=True):
            row.kind = DutyKind.STATUS_CHECK_IN
            drafts.filled_of(session, drafts.sent_version(session, row)).answers = answers
        ids = [row.id for row in [*rows, closed]]
    command.downgrade(alembic_config(database_url), "0010")
    migrate(database_url)
    with make_session() as session:
        found = set(session.scalars(select(Submission.id).where(Submission.wants_call)))
    assert found == {ids[0]}


def test_what_is_due_already_is_about_the_member_it_stands_under(
    make_session: sessionmaker[Session], database_url: str
) -> None:
    with make_session.begin() as session:
        who = factories.recipient(session)
        duty = duties.open_duty(session, factories.office(session), who.household_id, who.member_id, factories.OCTOBER)
        expected = [(who.office_id, duty.id, who.member_id, None)]
    command.downgrade(alembic_config(database_url), "0007")
    migrate(database_url)
    with make_session() as session:
        columns = DutyAbout.office_id, DutyAbout.duty_id, DutyAbout.member_id, DutyAbout.rule_id
        assert [tuple(row) for row in session.execute(select(*columns))] == expected


def test_what_was_asked_already_keeps_the_sentence_that_was_shown(
    make_session: sessionmaker[Session], database_url: str
) -> None:
    with make_session.begin() as session:
        row = factories.submission(session, State.IN_REVIEW)
        worker, own = factories.caseworker_of(session, row), {"ja": reasons.Sentences("日付を 見せて", "日付を 見て")}
        code = reasons.add(session, factories.staff(session, Role.SUPERVISOR), reasons.Wording("日付が見えない", own))
        values = {"jobs-0-gross_yen": (Reason.DIFFERS, ""), "jobs-0-work_days": (code, "")}
        review.send_back(session, worker, row.id, review.AskAgain(row.revision, uuid4(), values=values))
    command.downgrade(alembic_config(database_url), "0016")
    migrate(database_url)
    with make_session() as session:
        found = session.execute(select(CorrectionItem.reason, CorrectionItem.said, CorrectionItem.said_in)).all()
    assert {(reason, said) for reason, said, _others in found} == {
        ("differs", "給与明細の数字と ちがうようです"),
        ("other", "もう一度見てください"),
    }
    assert [others for _reason, _said, others in found] == [{}, {}]


def test_each_step_down_takes_back_just_what_it_had_made_and_is_made_again(empty_url: str, database_url: str) -> None:
    engine = engine_for(empty_url)
    shape = sqlite_shape if engine.dialect.name == "sqlite" else postgresql_shape
    shapes = []
    for revision in HISTORY:
        shapes.append(shape(engine))
        migrate(empty_url, revision)
    head = shape(engine)
    for before in reversed(shapes):
        command.downgrade(alembic_config(empty_url), "-1")
        assert shape(engine) == before
    migrate(empty_url)
    assert shape(engine) == head
    engine.dispose()


def test_wages_move_into_the_form_and_back(
    engine: Engine, make_session: sessionmaker[Session], database_url: str
) -> None:
    with make_session.begin() as session:
        row = factories.submission(session, State.RETURNED)
        who = factories.recipient_of(session, row)
        factories.begun(session, who)
    command.downgrade(alembic_config(database_url), "0007")
    columns: list[Any] = [column(name) for name in ("earner_id", *factories.WAGE)]
    lines = select(*columns).select_from(table("income_line"))
    with engine.connect() as connection:
        old = connection.execute(lines.order_by(column("gross_yen").is_(None))).mappings().all()
        assert [{field: line[field] for field in factories.WAGE} for line in old] == [
            factories.WAGE,
            dict.fromkeys(factories.WAGE),
        ]
        assert UUID(str(old[0]["earner_id"])) == who.member_id
        assert connection.scalar(text("SELECT count(*) FROM filled_form")) == 0
        assert connection.scalar(text("SELECT value FROM correction_item")) == "gross_yen"
    migrate(database_url)
    with make_session() as session:
        answers = [filled.answers for filled in session.scalars(select(FilledForm))]
        assert {"worked": "yes", "jobs": [{"worker": str(who.member_id), **factories.WAGE}]} in answers
        assert {} in answers
        assert session.scalar(text("SELECT value FROM correction_item")) == "jobs-0-gross_yen"


def test_migrating_twice_does_it_once_and_keeps_what_is_there(
    engine: Engine, make_session: sessionmaker[Session], database_url: str
) -> None:
    with make_session.begin() as session:
        number = factories.submission(session).number
    migrate(database_url)
    with sessions(engine)() as session:
        assert session.scalar(text("SELECT number FROM submission")) == number
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == HISTORY[-1]


def test_a_step_that_fails_leaves_nothing_half_done(empty_url: str, database_url: str) -> None:
    engine = engine_for(empty_url)
    migrate(empty_url, HISTORY[0])
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE parked_form (id INTEGER)"))  # the last table of the second step
    before = tables(engine)
    with pytest.raises(Exception, match="already exists"):
        migrate(empty_url)
    assert tables(engine) == before
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HISTORY[0]
    engine.dispose()


def test_a_migration_does_not_stand_in_the_way_of_a_working_office(make_postgresql: Callable[[], str]) -> None:
    """Whichever migration of the run needs a lock that a long transaction holds gives up after four seconds."""
    url = make_postgresql()
    migrate(url, HISTORY[0])
    engine = engine_for(url)
    with engine.connect() as busy:
        busy.execute(text("LOCK TABLE welfare_office IN ACCESS EXCLUSIVE MODE"))  # the next but one points to it
        began = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(url)
    assert time.monotonic() - began < 10
    migrate(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HISTORY[-1]
    engine.dispose()
