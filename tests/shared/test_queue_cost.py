"""What the queue costs: as much as what waits, however much is closed. Asked of PostgreSQL's own planner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session, sessionmaker

from shared import queue
from shared.model import State
from shared.queue import Checked, Scope, Tab, Wanted
from shared.sign_in import Staff
from tests import factories

ONE_DATABASE = True  # the planner is PostgreSQL's
WIDE = Wanted(Scope.ALL, sought="みほん")
CHECKS = [Wanted(Scope.ALL, check=check) for check in Checked]

CLOSED = (
    """
    INSERT INTO submission (office_id, id, created_at, household_id, member_id, kind, month, state, number, arrived_at,
                            version_no, look_by, revision)
    SELECT s.office_id, md5('s' || n)::uuid, s.created_at, s.household_id, s.member_id, s.kind, s.month, 'receipted',
           'ZZ8-' || n, s.arrived_at - n * interval '1 minute', 1, s.look_by, 1
    FROM submission s, generate_series(CAST(:start AS int), CAST(:stop AS int)) n WHERE s.id = :id""",
    """
    INSERT INTO submission_version (office_id, id, created_at, submission_id, no, attempt, sent_at)
    SELECT office_id, id, created_at, id, 1, id, arrived_at FROM submission WHERE number LIKE 'ZZ8-%'
    ON CONFLICT DO NOTHING""",
    """
    INSERT INTO step (office_id, id, created_at, submission_id, was, became, actor_kind, at, note)
    SELECT s.office_id, md5(s.id::text || n)::uuid, s.created_at, s.id, 'returned', 'arrived', 'machine',
           s.arrived_at, ''
    FROM submission s, generate_series(1, 3) n WHERE s.number LIKE 'ZZ8-%' ON CONFLICT DO NOTHING""",
    """
    INSERT INTO stored_file (office_id, id, created_at, submission_id, attempt, part, name, kind, size, sha256, key,
                             state, refused_because, received_at)
    SELECT office_id, id, created_at, id, id, 0, 'a.pdf', 'pdf', 1, repeat('a', 64), id::text, 'refused', 'unreadable',
           arrived_at
    FROM submission WHERE number LIKE 'ZZ8-%' ON CONFLICT DO NOTHING""",
    """
    INSERT INTO version_file (office_id, version_id, file_id, position)
    SELECT office_id, id, id, 1 FROM submission WHERE number LIKE 'ZZ8-%' ON CONFLICT DO NOTHING""",
    """
    INSERT INTO check_result (office_id, id, created_at, version_id, rule, result, expected, found)
    SELECT s.office_id, md5(s.id::text || rule)::uuid, s.created_at, s.id, rule, 'fail', '{"findings": []}',
           '{"findings": []}'
    FROM submission s, unnest(ARRAY['month', 'same_file', 'sum']) rule WHERE s.number LIKE 'ZZ8-%'
    ON CONFLICT DO NOTHING""",
)
TABLES = (
    *("submission", "submission_version", "step", "stored_file", "version_file", "check_result"),
    *("member", "household"),
)


def close(session: Session, like: Any, start: int, stop: int) -> None:
    """Years of closed rows with versions, steps and files; then what a server does by itself."""
    for statement in CLOSED:
        given = {"start": start, "stop": stop, "id": like} if ":start" in statement else {}
        session.execute(text(statement), given)
    session.commit()
    for table in TABLES:
        session.execute(text(f"ANALYZE {table}"))
    session.commit()


@contextmanager
def heard(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Every statement on its way to the database."""
    found: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    yield found
    event.remove(engine, "before_cursor_execute", hear)


def plans(engine: Engine, session: Session, who: Staff) -> list[dict[str, Any]]:
    """How the list, the counts and the next one are found."""
    with heard(engine) as statements:
        lines = queue.waiting(session, who, WIDE)
        queue.waiting(session, who, WIDE, behind=lines[0].place)
        queue.counts(session, who, Wanted(Scope.ALL))
        queue.next_for(session, who)
        for wanted in CHECKS:
            queue.waiting(session, who, wanted)
            queue.counts(session, who, wanted)
    found = []
    for statement, parameters in statements:
        if "submission" not in statement:
            continue
        answer = session.connection().exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
        )
        said = answer.scalar_one()
        found.append((json.loads(said) if isinstance(said, str) else said)[0]["Plan"])
    session.rollback()
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def test_what_is_closed_costs_nothing(engine: Engine, make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        rows = [
            factories.submission(session, state, factories.recipient(session, factories.household(session, worker)))
            for state in [State.WAITING] * 18 + [State.IN_REVIEW, State.ON_HOLD]
        ]
        like = rows[0].id
    with make_session() as session:
        close(session, like, 1, 5_000)
        few = plans(engine, session, worker)
        close(session, like, 5_001, 30_000)
        many = plans(engine, session, worker)
    assert len(few) == len(many) == 4 + 2 * len(CHECKS)
    for before, after in zip(few, many, strict=True):
        used = {node.get("Index Name") for node in nodes(after)}
        assert "ix_submission_open" in used, used
        scanned = {node["Relation Name"] for node in nodes(after) if node["Node Type"] == "Seq Scan"}
        assert not scanned & set(TABLES[:-2])
        pages = [plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in (before, after)]
        assert pages[1] <= pages[0] * 1.5 + 20, "six times as many closed rows, as many pages to read"


def test_a_page_is_a_few_queries_however_many_lines_it_has(engine: Engine, make_session: sessionmaker[Session]) -> None:
    asked = []
    for count in (1, 12):
        with make_session.begin() as session:
            worker = factories.staff(session)
            for _ in range(count):
                factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))
        with make_session() as session, heard(engine) as statements:
            assert len(queue.waiting(session, worker)) == count
            assert queue.counts(session, worker, Wanted())[Tab.ALL] == count
            asked.append(len(statements))
    assert asked[0] == asked[1] == 2 + 2 * 3  # the list, the counts; and the office's calendar, in three, for each
