"""The worker as a process of its own: ended, killed, and left without its queue server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from config.settings import Settings
from shared import batch, clock, duties, upload
from shared.model import (
    Duty,
    DutyAbout,
    FileState,
    Receipt,
    ReceiptBatchItem,
    ReceiptBundle,
    Role,
    SafeCopy,
    Situation,
    State,
    Step,
    StoredFile,
    Submission,
    Task,
    Upload,
    UploadState,
    WorkerSighting,
)
from shared.session import engine_for, sessions
from tests import factories
from tests.clamd import Clamd
from tests.uploads.conftest import Desk, QueueServer, pdf
from uploads.jobs import MOST_TRIES, Bench
from uploads.storage import FolderStorage
from uploads.worker import open_duties

PROJECT = Path(__file__).resolve().parents[2]
LIMITS = upload.Limits(files=20, day=1_000_000)
PATIENCE = 30.0  # seconds, for a machine with other work


def eventually(look: Callable[[], object], seconds: float = PATIENCE) -> bool:
    until = time.monotonic() + seconds
    while not look():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@dataclass(frozen=True)
class Worker:
    """A running worker and what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> list[str]:
        """The events of its log lines."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [json.loads(line)["event"] for line in lines]

    def says(self, event: str, times: int = 1) -> None:
        assert eventually(lambda: self.said().count(event) >= times), self.log.read_text()

    def end(self, request: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(request)
        return self.process.wait(PATIENCE)


class Start(Protocol):
    """Start a worker; ``killed_at`` is a point at which it dies as by kill -9."""

    def __call__(self, settings: Settings, killed_at: str = "") -> Worker: ...


WORK = """
import os, signal, sys
from config import points
from uploads import batch
from uploads.__main__ import main

def die(point):
    if point == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)

points.waiting = die
batch.AT_ONCE = 2  # so that a handful is several steps
sys.exit(main(["work"]))
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Worker] = []

    def begin(settings: Settings, killed_at: str = "") -> Worker:
        log = tmp_path / f"worker{len(started)}.log"
        with log.open("wb") as talk:
            process = subprocess.Popen(
                [sys.executable, "-c", WORK, killed_at], cwd=PROJECT, env=environ(settings), stdout=talk, stderr=talk
            )
        started.append(Worker(process, log))
        return started[-1]

    yield begin
    for worker in started:
        worker.process.kill()
        worker.process.wait()


def environ(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "MADOGUCHI_DATABASE_URL": settings.database_url,
        "MADOGUCHI_REDIS_URL": settings.redis_url,
        "MADOGUCHI_STORAGE_URL": settings.storage_url,
        "MADOGUCHI_SECRET_KEY": settings.secret_key,
        "MADOGUCHI_INCOMING": str(settings.incoming),
        **({"MADOGUCHI_CLAMD": settings.clamd} if settings.clamd else {}),
        **({"MADOGUCHI_SEALS": str(settings.seals)} if settings.seals else {}),
    }


def is_safe(desk: Desk, task: Task) -> Callable[[], bool]:
    return lambda: desk.task(task).done_at is not None and desk.file(task).state is FileState.SAFE


def owe_now(desk: Desk) -> None:
    """Let the wait for whatever was sent be over, and every hold that is not renewed."""
    with desk.bench.sessions.begin() as session:
        session.execute(update(Task).where(Task.done_at.is_(None)).values(send_after=clock.now(), held_until=None))


class Held:
    """An original that is not read to its end before we let it: the job that copies it stands in its middle."""

    def __init__(self, desk: Desk, task: Task) -> None:
        self.desk, self.path = desk, desk.files / desk.file(task).key
        self.content = self.path.read_bytes()
        self.path.unlink()
        os.mkfifo(self.path)

    def wait(self) -> None:
        """Return once a job reads it."""
        self._writer = os.open(self.path, os.O_WRONLY)
        assert eventually(self.desk.scratch)

    def let_go(self) -> None:
        with os.fdopen(self._writer, "wb") as writer:
            writer.write(self.content)

    def put_back(self) -> None:
        os.close(self._writer)
        self.path.unlink()
        self.path.write_bytes(self.content)


def test_what_came_is_safe_and_what_was_issued_is_drawn_within_seconds(
    desk: Desk, running_settings: Settings, start: Start
) -> None:
    worker = start(running_settings)
    worker.says("worker.started")
    came, issued = desk.sent(pdf()), desk.issued()
    began = time.monotonic()
    assert eventually(is_safe(desk, came)), worker.log.read_text()
    assert eventually(lambda: desk.receipt(issued).pdf_key), worker.log.read_text()
    assert time.monotonic() - began < 15
    assert desk.submission(came).state is State.WAITING
    asked = time.monotonic()
    assert worker.end() == 0
    assert time.monotonic() - asked < 10
    assert worker.said().count("task.sent") == worker.said().count("task.done") == 2
    assert worker.said()[-1] == "worker.stopped"
    assert "見本" not in worker.log.read_text()
    assert desk.scratch() == []


def test_it_works_on_sqlite_as_well(
    tmp_path: Path, migrated_sqlite: Path, settings: Settings, queue_server: QueueServer, start: Start
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "office.db")
    url = f"sqlite:///{tmp_path / 'office.db'}"
    engine = engine_for(url)
    storage = FolderStorage(tmp_path / "files")
    storage.prepare()
    desk = Desk(engine, Bench(sessions(engine), storage, tmp_path / "incoming"), tmp_path / "files")
    tasks = [desk.sent(pdf()) for _ in range(3)]
    queue_server.start()
    worker = start(replace(settings, database_url=url, redis_url=queue_server.url))
    tasks.append(desk.issued())
    assert eventually(lambda: all(desk.task(task).done_at for task in tasks)), worker.log.read_text()
    assert {desk.submission(task).state for task in tasks[:3]} == {State.WAITING}
    assert worker.end(signal.SIGINT) == 0
    engine.dispose()


def test_without_a_queue_server_it_waits_and_begins_when_there_is_one(
    desk: Desk, settings: Settings, queue_server: QueueServer, start: Start
) -> None:
    task = desk.sent(pdf())
    worker = start(replace(settings, redis_url=queue_server.url))
    worker.says("queue_server.unreachable")
    assert (worker.process.poll(), desk.task(task).tries) == (None, 0)
    queue_server.start()
    assert eventually(is_safe(desk, task)), worker.log.read_text()
    assert worker.end() == 0


def test_a_queue_server_that_dies_and_comes_back_is_found_again(
    desk: Desk, running_settings: Settings, queue_server: QueueServer, start: Start
) -> None:
    worker = start(running_settings)
    assert eventually(is_safe(desk, desk.sent(pdf()))), worker.log.read_text()
    queue_server.kill()
    task = desk.sent(pdf())
    worker.says("queue_server.unreachable")
    queue_server.start()
    assert eventually(is_safe(desk, task)), worker.log.read_text()
    assert desk.task(task).tries == 1
    assert worker.end() == 0


def test_a_queue_server_that_forgets_everything_under_its_hands_costs_only_time(
    desk: Desk, running_settings: Settings, start: Start
) -> None:
    held = desk.sent(pdf())
    original = Held(desk, held)
    worker = start(running_settings)
    original.wait()
    waiting = desk.sent(pdf())
    worker.says("task.sent", 2)
    with Redis.from_url(running_settings.redis_url) as client:
        client.flushall()
    original.let_go()
    assert eventually(is_safe(desk, held)), worker.log.read_text()
    owe_now(desk)
    assert eventually(is_safe(desk, waiting)), worker.log.read_text()
    assert worker.end() == 0


def test_asked_to_end_while_the_queue_server_is_away_it_ends_too(
    settings: Settings, queue_server: QueueServer, start: Start
) -> None:
    never_there = start(replace(settings, redis_url=queue_server.url))
    never_there.says("queue_server.unreachable")
    assert never_there.end() == 0
    queue_server.start()
    bereaved = start(replace(settings, redis_url=queue_server.url))
    bereaved.says("worker.started")
    time.sleep(1)  # it stands at the queue now
    queue_server.kill()
    bereaved.says("queue_server.unreachable")
    assert bereaved.end() == 0
    assert bereaved.said()[-1] == "worker.stopped"


@pytest.mark.parametrize("server", ["there", "away"])
def test_asked_to_end_in_the_middle_of_a_job_it_finishes_the_job(
    desk: Desk, running_settings: Settings, queue_server: QueueServer, start: Start, server: str
) -> None:
    task = desk.sent(pdf())
    original = Held(desk, task)
    worker = start(running_settings)
    original.wait()
    if server == "away":
        queue_server.kill()
    worker.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert worker.process.poll() is None
    original.let_go()
    assert worker.process.wait(PATIENCE) == 0, worker.log.read_text()
    assert is_safe(desk, task)()
    assert worker.said()[-1] == "worker.stopped"


def test_killed_in_the_middle_of_a_job_the_next_worker_does_it_once(
    desk: Desk, running_settings: Settings, start: Start
) -> None:
    task = desk.sent(pdf())
    original = Held(desk, task)
    first = start(running_settings)
    original.wait()
    first.process.kill()
    first.process.wait()
    original.put_back()
    assert (desk.task(task).done_at, desk.task(task).tries, desk.file(task).state) == (None, 1, FileState.RECEIVED)
    owe_now(desk)
    second = start(running_settings)
    assert eventually(is_safe(desk, task)), second.log.read_text()
    assert second.end() == 0
    assert desk.task(task).tries == 2
    with desk.bench.sessions() as session:
        (page,) = session.scalars(select(SafeCopy))
        assert len(session.scalars(select(Step)).all()) == 2
    assert desk.stored() == sorted([desk.file(task).key, page.key, page.thumb_key, str(desk.file(task).copy_key)])
    assert desk.submission(task).state is State.WAITING


@pytest.mark.parametrize("point", ["task.sent", "task.held", "copies.stored", "copies.settled"])
def test_killed_at_any_step_another_worker_does_it_once(
    desk: Desk, running_settings: Settings, start: Start, point: str
) -> None:
    task = desk.sent(pdf())
    killed = start(running_settings, killed_at=point)
    assert killed.process.wait(PATIENCE) == -signal.SIGKILL, killed.log.read_text()
    assert desk.task(task).done_at is None
    owe_now(desk)
    second = start(running_settings)
    assert eventually(is_safe(desk, task)), second.log.read_text()
    assert second.end() == 0
    assert desk.task(task).tries == (1 if point == "task.sent" else 2)
    with desk.bench.sessions() as session:
        (page,) = session.scalars(select(SafeCopy))
        assert len(session.scalars(select(Step)).all()) == 2
    its_own = {desk.file(task).key, page.key, page.thumb_key, str(desk.file(task).copy_key)}
    orphans = set(desk.stored()) - its_own
    assert len(orphans) == (3 if point == "copies.stored" else 0)  # where the sweep finds them
    assert {key.partition("/")[0] for key in orphans} <= {"safe", "thumb", "copy"}


def test_a_file_that_kills_every_worker_stops_in_a_state_people_see(
    desk: Desk, running_settings: Settings, start: Start
) -> None:
    task = desk.sent(pdf())
    with desk.bench.sessions.begin() as session:
        session.execute(update(Task).values(tries=MOST_TRIES - 1))
    killed = start(running_settings, killed_at="copies.stored")
    assert killed.process.wait(PATIENCE) == -signal.SIGKILL, killed.log.read_text()
    owe_now(desk)
    worker = start(running_settings)
    assert eventually(lambda: desk.task(task).gave_up_at), worker.log.read_text()
    assert (desk.file(task).state, desk.file(task).refused_because) == (FileState.REFUSED, "crashed")
    assert desk.submission(task).state is State.RETURNED
    assert worker.end() == 0


def sightings(desk: Desk) -> dict[str, WorkerSighting]:
    with desk.bench.sessions() as session:
        return {row.worker: row for row in session.scalars(select(WorkerSighting))}


def test_a_worker_says_that_it_lives_how_well_it_is_locked_and_whether_it_scans(
    desk: Desk, running_settings: Settings, start: Start, clamd: Clamd, tmp_path: Path
) -> None:
    long_gone = clock.now() - timedelta(days=2)
    with desk.bench.sessions.begin() as session:
        session.add(WorkerSighting(worker="gone:1", started_at=long_gone, seen_at=long_gone, room={}, scanner="off"))
    scanners = {None: "off", clamd.tcp: "ok", f"unix:{tmp_path}/nobody": "unreachable"}
    workers = {said: start(replace(running_settings, clamd=address)) for address, said in scanners.items()}
    assert eventually(lambda: len(sightings(desk)) == 3 and "gone:1" not in sightings(desk))
    for said, worker in workers.items():
        row = sightings(desk)[f"{socket.gethostname()}:{worker.process.pid}"]
        assert row.scanner == said
        assert set(row.room) == {"limits", "network", "files", "calls"}
        assert long_gone < row.started_at <= row.seen_at
    workers["unreachable"].says("scanner.unreachable")
    assert [worker.end() for worker in workers.values()] == [0, 0, 0]
    assert sightings(desk) == {}


def test_two_workers_side_by_side_do_everything_once(desk: Desk, running_settings: Settings, start: Start) -> None:
    workers = [start(running_settings) for _ in range(2)]
    tasks = [desk.sent(pdf()) for _ in range(6)]
    assert eventually(lambda: all(is_safe(desk, task)() for task in tasks)), workers[0].log.read_text()
    assert [worker.end() for worker in workers] == [0, 0]
    assert sum(worker.said().count("task.done") for worker in workers) == 6
    assert len(desk.stored()) == 24


def test_a_job_that_fails_ends_no_worker(desk: Desk, running_settings: Settings, start: Start) -> None:
    bad, good = desk.sent(pdf()), desk.sent(pdf())
    with desk.bench.sessions.begin() as session:
        session.execute(update(StoredFile).where(StoredFile.id == bad.subject_id).values(kind="of tomorrow"))
    worker = start(running_settings)
    assert eventually(is_safe(desk, good)), worker.log.read_text()
    assert eventually(lambda: desk.task(bad).failed_because), worker.log.read_text()
    assert (desk.task(bad).done_at, desk.task(bad).tries, desk.task(bad).failed_because) == (None, 1, "ValueError")
    assert worker.end() == 0


def test_a_worker_sweeps_what_a_killed_one_left(desk: Desk, running_settings: Settings, start: Start) -> None:
    left = running_settings.incoming / "job-killed"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    worker = start(running_settings)
    assert eventually(lambda: not left.exists()), worker.log.read_text()
    assert worker.end() == 0


def test_a_worker_ends_uploads_whose_time_is_over_and_deletes_what_was_kept(
    desk: Desk, running_settings: Settings, start: Start
) -> None:
    who, submission_id = desk.draft()
    keys = []
    for name in ("old", "new"):
        announced = upload.Announced(attempt=uuid4(), name=name, size=9, sha256=None, replaces=None)
        keys.append(f"partial/{uuid4()}")
        desk.put(keys[-1], b"pay")
        with desk.bench.sessions.begin() as session:
            begun = upload.begin(session, who, submission_id, announced, LIMITS)
            upload.keep_part(session, who, begun.id, start=0, size=3, key=keys[-1])
            if name == "old":
                begun.expires_at = clock.now()
    worker = start(running_settings)
    assert eventually(lambda: desk.stored() == keys[1:]), worker.log.read_text()
    with desk.bench.sessions() as session:
        states = {row.name: row.state for row in session.scalars(select(Upload))}
    assert states == {"old": UploadState.ENDED, "new": UploadState.OPEN}
    assert worker.end() == 0


def test_a_setting_that_is_missing_is_named(settings: Settings) -> None:
    variables: dict[str, Any] = environ(settings)
    del variables["MADOGUCHI_REDIS_URL"]
    ran = subprocess.run(
        [sys.executable, "-m", "uploads", "work"],
        cwd=PROJECT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "MADOGUCHI_REDIS_URL" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_is_due_is_opened_once_a_day_and_said_once(make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session, clock.at(clock.now() - timedelta(days=70)):
        office = factories.office(session)
        factories.recipient(session, situation=Situation.WORKING)
        duties.begin(session, office, date(2025, 4, 1))
    today = open_duties(make_session, None)
    assert today == clock.today()
    with make_session.begin() as session:
        owed = session.scalars(select(Duty)).all()
        assert owed
        for table in (DutyAbout, Duty):
            session.execute(delete(table))
    assert open_duties(make_session, today) == today
    with make_session() as session:
        assert session.scalars(select(Duty)).all() == [], "the day is done"
    open_duties(make_session, today - timedelta(days=1))
    with make_session() as session:
        assert session.scalars(select(Duty)).all() != []


def test_a_running_worker_brings_back_what_was_put_aside_until_today(
    running_settings: Settings, make_session: sessionmaker[Session], start: Start
) -> None:
    with make_session.begin() as session:
        row, later = (factories.submission(session, State.ON_HOLD) for _row in range(2))
        held = session.scalars(select(Step).where(Step.submission_id == row.id, Step.until.is_not(None))).one()
        held.until = clock.today()
    start(running_settings)

    def is_back() -> bool:
        with make_session() as session:
            return session.get_one(Submission, (row.office_id, row.id)).state is State.WAITING

    assert eventually(is_back)
    with make_session() as session:
        assert session.get_one(Submission, (later.office_id, later.id)).state is State.ON_HOLD


def test_a_running_worker_opens_what_is_due_and_one_more_opens_nothing_twice(
    running_settings: Settings, make_session: sessionmaker[Session], start: Start
) -> None:
    with make_session.begin() as session, clock.at(clock.now() - timedelta(days=70)):
        office = factories.office(session)
        factories.recipient(session, situation=Situation.WORKING)
        duties.begin(session, office, date(2025, 4, 1))
    worker = start(running_settings)
    worker.says("duties.opened")

    def owed() -> int:
        with make_session() as session:
            return len(session.scalars(select(Duty)).all())

    opened = owed()
    assert opened > 0
    another = start(running_settings)
    another.says("worker.started")
    time.sleep(2)
    assert owed() == opened
    assert "duties.opened" not in another.said()


@pytest.mark.parametrize("point", ["batch.some_written", "batch.some_issued"])
def test_killed_in_the_middle_of_a_batch_the_next_one_goes_on_with_the_next_number(
    desk: Desk, running_settings: Settings, start: Start, point: str
) -> None:
    with desk.bench.sessions.begin() as session:
        clerk = factories.staff(session, Role.CLERK)
        ids = [factories.submission(session, State.ACCEPTED).id for _ in range(5)]
        row = batch.choose(session, clerk, ids, matched=5, attempt=uuid4(), demo=True)
        batch.start(session, clerk, row.id)
    for _again in range(2):
        killed = start(running_settings, killed_at=point)
        assert killed.process.wait(PATIENCE) == -signal.SIGKILL, killed.log.read_text()
        owe_now(desk)
    last = start(running_settings)

    def is_gathered() -> bool:
        with desk.bench.sessions() as session:
            return session.scalar(select(ReceiptBundle.made_at)) is not None

    assert eventually(is_gathered), last.log.read_text()
    assert last.end() == 0
    with desk.bench.sessions() as session:
        numbers = sorted(session.scalars(select(Receipt.document_no)))
        assert numbers == [f"ひ福生第 {factories.document_no(serial)} 号" for serial in range(1, 6)]
        items = session.scalars(select(ReceiptBatchItem).order_by(ReceiptBatchItem.position)).all()
        drawn = [session.get_one(Receipt, (item.office_id, item.receipt_id)) for item in items]
        assert [receipt.document_no for receipt in drawn] == numbers
        assert all(receipt.pdf_key for receipt in drawn)
        assert len(session.scalars(select(Step).where(Step.became == State.RECEIPTED)).all()) == 5
