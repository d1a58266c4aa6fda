"""What the people who keep the office should know: workers, tasks owed and given up, infected files, the last sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from shared import clock, log_tree, seals
from shared.model import (
    Disposal,
    FileState,
    Job,
    Receipt,
    StoredFile,
    Submission,
    SubmissionVersion,
    SweepRun,
    Task,
    VersionFile,
    WorkerSighting,
)

AWAY: Final = timedelta(minutes=2)  # a worker says that it lives more often than that
FORGOTTEN: Final = timedelta(days=1)  # a worker that was not seen for so long has been replaced
SHOWN: Final = timedelta(days=30)
LINES: Final = 50
NOTHING: Final = "none"  # what a layer of the locked room got where the kernel gives nothing


@dataclass(frozen=True)
class Worker:
    """One worker process, as it last said of itself."""

    name: str
    seen_at: datetime
    away: bool
    layers: Mapping[str, str]  # of the locked room: what each got
    scanner: str  # off, ok, unreachable

    @property
    def bare(self) -> list[str]:
        """Layers of the locked room that it works without."""
        return [layer for layer, got in self.layers.items() if got == NOTHING]


@dataclass(frozen=True)
class GivenUp:
    """A task that failed too often. ``number`` is None for a report that was not sent, and for a disposal."""

    id: UUID
    job: Job
    number: str | None
    at: datetime
    tries: int
    because: str | None


@dataclass(frozen=True)
class Infected:
    """A file in which the scanner found something. ``fetchable``: it was sent, so that its original has a page."""

    file_id: UUID
    number: str | None
    received_at: datetime
    fetchable: bool


@dataclass(frozen=True)
class Sweep:
    """What the last sweep found."""

    at: datetime
    found: Mapping[str, int]  # kinds with at least one finding
    mended: int


@dataclass(frozen=True)
class House:
    """Everything on the status page that is a row."""

    workers: list[Worker]  # the living first
    owed: int
    oldest: datetime | None  # since when the oldest of them is owed
    given_up: list[GivenUp]  # of the last 30 days
    infected: list[Infected]  # of the last 30 days
    sweep: Sweep | None
    seal: seals.State
    journal: log_tree.Standing

    @property
    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if not worker.away]

    @property
    def degraded(self) -> bool:
        """Whether a living worker opens files in less than the whole locked room."""
        return any(worker.bare for worker in self.living)


def house(session: Session, office_id: UUID) -> House:
    """How things stand. Tasks and files of one office; workers and sweeps of the whole installation."""
    owed, oldest = session.execute(
        select(func.count(), func.min(Task.created_at)).where(
            Task.office_id == office_id, Task.done_at.is_(None), Task.gave_up_at.is_(None)
        )
    ).one()
    return House(
        workers=_workers(session),
        owed=owed,
        oldest=oldest,
        given_up=_given_up(session, office_id),
        infected=_infected(session, office_id),
        sweep=_sweep(session),
        seal=seals.standing(session, office_id),
        journal=log_tree.standing(session, office_id),
    )


def wants_a_look(session: Session, office_id: UUID) -> int:
    """How many things somebody should look at: the number beside the menu's word."""
    since = clock.now() - SHOWN
    given_up = select(func.count()).select_from(_gave_up(office_id, since).subquery())
    infected = select(func.count()).select_from(_bad(office_id, since).subquery())
    workers = [worker for worker in _workers(session) if not worker.away]
    sweep = _sweep(session)
    return (
        (session.scalar(given_up) or 0)
        + (session.scalar(infected) or 0)
        + (1 if any(worker.bare for worker in workers) else 0)
        + (1 if any(worker.scanner == "unreachable" for worker in workers) else 0)
        + (1 if sweep and sweep.found else 0)
        + (1 if log_tree.is_stuck(session, office_id) else 0)
        + (0 if seals.standing(session, office_id).standing is seals.Standing.OK else 1)
    )


def _workers(session: Session) -> list[Worker]:
    now = clock.now()
    rows = session.scalars(
        select(WorkerSighting)
        .where(WorkerSighting.seen_at > now - FORGOTTEN)
        .order_by(WorkerSighting.seen_at.desc(), WorkerSighting.worker)
    )
    found = [
        Worker(
            name=row.worker,
            seen_at=row.seen_at,
            away=now - row.seen_at > AWAY,
            layers={str(layer): str(got) for layer, got in row.room.items()},
            scanner=row.scanner,
        )
        for row in rows
    ]
    living = [worker for worker in found if not worker.away]
    # One that was followed by another is no news; where none lives, the last one seen says since when.
    return living or found[:1]


def _gave_up(office_id: UUID, since: datetime) -> Select[Task]:
    done_since = exists().where(
        Disposal.office_id == Task.office_id, Disposal.id == Task.subject_id, Disposal.done_at.is_not(None)
    )
    return select(Task).where(Task.office_id == office_id, Task.gave_up_at > since, ~done_since)


def _given_up(session: Session, office_id: UUID) -> list[GivenUp]:
    query = (
        _gave_up(office_id, clock.now() - SHOWN)
        .outerjoin(StoredFile, and_(StoredFile.office_id == Task.office_id, StoredFile.id == Task.subject_id))
        .outerjoin(Receipt, and_(Receipt.office_id == Task.office_id, Receipt.id == Task.subject_id))
        .outerjoin(
            Submission,
            and_(
                Submission.office_id == Task.office_id,
                or_(Submission.id == StoredFile.submission_id, Submission.id == Receipt.submission_id),
            ),
        )
        .add_columns(Submission.number)
        .order_by(Task.gave_up_at.desc())
        .limit(LINES)
    )
    return [
        GivenUp(task.id, task.job, number, task.gave_up_at, task.tries, task.failed_because)
        for task, number in session.execute(query)
    ]


def _bad(office_id: UUID, since: datetime) -> Select[StoredFile]:
    return select(StoredFile).where(
        StoredFile.office_id == office_id,
        StoredFile.state == FileState.REFUSED,
        StoredFile.refused_because == "infected",
        StoredFile.received_at > since,
    )


def _infected(session: Session, office_id: UUID) -> list[Infected]:
    sent = exists().where(
        VersionFile.office_id == StoredFile.office_id,
        VersionFile.file_id == StoredFile.id,
        SubmissionVersion.office_id == VersionFile.office_id,
        SubmissionVersion.id == VersionFile.version_id,
        SubmissionVersion.sent_at.is_not(None),
    )
    query = (
        _bad(office_id, clock.now() - SHOWN)
        .join(Submission, and_(Submission.office_id == StoredFile.office_id, Submission.id == StoredFile.submission_id))
        .add_columns(Submission.number, sent)
        .order_by(StoredFile.received_at.desc())
        .limit(LINES)
    )
    return [Infected(file.id, number, file.received_at, was_sent) for file, number, was_sent in session.execute(query)]


def _sweep(session: Session) -> Sweep | None:
    row = session.scalar(select(SweepRun).order_by(SweepRun.at.desc()).limit(1))
    if row is None:
        return None
    return Sweep(row.at, {kind: int(count) for kind, count in row.found.items() if count}, row.mended)
