"""A real bench: database, folder, locked room, papers, and a queue server that can be taken away."""

from __future__ import annotations

import hashlib
import io
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

import pikepdf
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from config.office import papers
from config.office.children import Crew
from config.office.folder import Folder
from config.office.services import Valkey
from config.settings import Settings
from shared import drafts, intake, receipts
from shared.model import Receipt, Role, State, StoredFile, Submission, Task
from shared.session import sessions
from shared.sign_in import Recipient
from tests import factories
from uploads.jobs import Bench
from uploads.signing import Seals
from uploads.storage import MARKER, FolderStorage

SLIP = papers.Payslip(
    company="株式会社みほん清掃",
    name="見本　花子",
    month=date(2026, 10, 1),
    paid_on=date(2026, 11, 10),
    days=18,
    hours=72.0,
    hourly_yen=1_150,
    base_yen=82_800,
    commuting_yen=2_600,
    employment_insurance_yen=470,
)


@cache
def pdf() -> bytes:
    return papers.payslip_pdf(SLIP)


@cache
def two_pages() -> bytes:
    return papers.payslip_pdf(SLIP, multi_page=True)


@cache
def photo() -> bytes:
    return papers.payslip_photo(SLIP, 1)


@cache
def locked_pdf() -> bytes:
    """The payslip as some employers send it: opened by a password only."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as paper:
        paper.save(out, encryption=pikepdf.Encryption(owner="owner", user="birthday"))
    return out.getvalue()


@dataclass(frozen=True)
class Desk:
    """What a job works with, and what it finds: files that came, and what the rows say about them."""

    engine: Engine
    bench: Bench
    files: Path

    def draft(self) -> tuple[Recipient, UUID]:
        with self.bench.sessions.begin() as session:
            who = factories.recipient(session, factories.household(session))
            return who, factories.draft(session, who).id

    def attach(self, who: Recipient, submission_id: UUID, content: bytes, kind: str = "pdf") -> Task:
        """Bytes into the storage, then the row and the promise, as the portal does it."""
        arrived = factories.arrived_file(
            kind=kind, size=len(content), sha256=hashlib.sha256(content).hexdigest(), key=f"original/{uuid4()}"
        )
        self.put(arrived.key, content)
        with self.bench.sessions.begin() as session:
            file = drafts.attach(session, who, submission_id, arrived, limit=20)
            return session.scalars(select(Task).where(Task.subject_id == file.id)).one()

    def send(self, who: Recipient, submission_id: UUID) -> None:
        with self.bench.sessions.begin() as session:
            intake.send(session, who, submission_id, attempt=uuid4())

    def sent(self, content: bytes, kind: str = "pdf") -> Task:
        """A report with one file, sent; what is owed for the file."""
        who, submission_id = self.draft()
        task = self.attach(who, submission_id, content, kind)
        self.send(who, submission_id)
        return task

    def issued(self) -> Task:
        """A certificate that was issued; what is owed for it."""
        with self.bench.sessions.begin() as session:
            row = factories.submission(session, State.ACCEPTED)
            clerk = factories.staff(session, Role.CLERK)
            receipt = receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
            return session.scalars(select(Task).where(Task.subject_id == receipt.id)).one()

    def put(self, key: str, content: bytes) -> None:
        path = self.files.parent / "coming"
        path.write_bytes(content)
        self.bench.storage.put(key, path, "application/octet-stream")

    def stored(self) -> list[str]:
        """Every key in the storage."""
        files = (path for path in self.files.rglob("*") if not path.is_dir() and path.name != MARKER)
        return sorted(str(path.relative_to(self.files)) for path in files)

    def task(self, task: Task) -> Task:
        """The row as it is now."""
        with self.bench.sessions() as session:
            return session.get_one(Task, (task.office_id, task.id))

    def file(self, task: Task) -> StoredFile:
        with self.bench.sessions() as session:
            return session.get_one(StoredFile, (task.office_id, task.subject_id))

    def submission(self, task: Task) -> Submission:
        with self.bench.sessions() as session:
            return session.get_one(Submission, (task.office_id, self.file(task).submission_id))

    def receipt(self, task: Task) -> Receipt:
        with self.bench.sessions() as session:
            return session.get_one(Receipt, (task.office_id, task.subject_id))

    def scratch(self) -> list[Path]:
        return sorted(self.bench.scratch.iterdir()) if self.bench.scratch.exists() else []


@pytest.fixture
def desk(engine: Engine, tmp_path: Path, seals: Seals) -> Desk:
    storage = FolderStorage(tmp_path / "files")
    storage.prepare()
    bench = Bench(sessions(engine), storage, tmp_path / "incoming", seals=seals)
    return Desk(engine, bench, tmp_path / "files")


class QueueServer:
    """The queue server of an office, to be started, killed and started again. What it took is on its disk."""

    def __init__(self, folder: Folder) -> None:
        self._valkey = Valkey.at(folder)
        self._crew = Crew(folder.log, print)
        self.url = self._valkey.url

    def start(self) -> None:
        self._crew.start(self._valkey.service)

    def stop(self) -> None:
        self._crew.__exit__()

    def kill(self) -> None:
        self._crew.stages[0][0].process.send_signal(signal.SIGKILL)
        self.stop()


@pytest.fixture
def queue_server(tmp_path: Path) -> Iterator[QueueServer]:
    """Not started yet."""
    folder = Folder(tmp_path / "q")
    with ExitStack() as stack:
        stack.enter_context(folder.locked())
        stack.enter_context(folder.first_time())
        server = QueueServer(folder)
        stack.callback(server.stop)
        yield server


@pytest.fixture
def running_settings(settings: Settings, queue_server: QueueServer) -> Settings:
    """The settings of an office whose queue server runs."""
    queue_server.start()
    return replace(settings, redis_url=queue_server.url)


def rows(session: Session, model: type[object]) -> int:
    return len(session.scalars(select(model)).all())
