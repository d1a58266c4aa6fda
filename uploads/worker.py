"""The worker process: a relay and a housekeeper in threads, and one job after the other."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import FrameType
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from config.log import log
from config.settings import Settings
from shared import clock, duties, presence, review, seals, upload
from shared.model import WorkerSighting
from shared.session import engine_for, sessions
from uploads import heads, locked_room, scan
from uploads.jobs import sweep
from uploads.relay import QUEUE, queue_at, relay_if_reachable
from uploads.seal_keys import SealMissing
from uploads.signing import Seals, seals_from
from uploads.storage import Storage, StorageError, storage_from

PAUSE: Final = 2  # seconds until the queue server is tried again
SWEEP_EVERY: Final = 60  # seconds
SEEN_EVERY: Final = 30  # seconds
EXPIRED_AT_ONCE: Final = 100
FORGOTTEN: Final = timedelta(days=1)  # a worker that was not seen for so long has been replaced


class _Worker(SimpleWorker):
    """rq's loop ends on a signal, but also by itself when the queue server fails. ``stop`` tells the two apart."""

    max_connection_wait_time = PAUSE

    def __init__(self, connection: Redis, stop: threading.Event) -> None:
        super().__init__([QUEUE], connection=connection, serializer=JSONSerializer)
        self.stop = stop

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        self._install_signal_handlers()  # type: ignore[no-untyped-call]
        if self.stop.is_set():  # it came while we had not been listening yet
            raise StopRequested
        super().bootstrap(*args, **kwargs)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stop.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def set_shutdown_requested_date(self) -> None:
        """Nobody reads it, and a queue server that is away must not break into a job that is to be finished."""


def work(settings: Settings) -> None:
    """Relay and work until SIGTERM or SIGINT; a job that has begun is finished first.

    The queue server may come and go. Jobs run in this process: strangers' bytes are parsed in a child of it.
    """
    stop = threading.Event()
    _listen(stop)
    beside = [
        threading.Thread(target=_relay, args=(settings, stop), name="relay", daemon=True),
        threading.Thread(target=_keep_house, args=(settings, stop), name="house", daemon=True),
    ]
    for thread in beside:
        thread.start()
    log("worker.started")
    with suppress(StopRequested):
        while not stop.is_set():
            try:
                connection = Redis.from_url(settings.redis_url, socket_connect_timeout=2)
                _Worker(connection, stop).work(with_scheduler=False, logging_level="WARNING")
            except (RedisError, OSError) as error:
                log("queue_server.unreachable", level="warning", error=type(error).__name__)
            _listen(stop)
            stop.wait(PAUSE)
    for thread in beside:
        thread.join(timeout=10)
    log("worker.stopped")


def _listen(stop: threading.Event) -> None:
    """Let a signal end the wait and the work, while rq does not hear it."""

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, ask_to_stop)


def _relay(settings: Settings, stop: threading.Event) -> None:
    engine, queue = engine_for(settings.database_url), queue_at(settings.redis_url)
    while not stop.is_set():
        reached = relay_if_reachable(engine, queue)
        stop.wait(0.5 if reached else 3)


def _keep_house(settings: Settings, stop: threading.Event) -> None:
    """Say that we live, and clear away what killed processes have left. A failure costs a round and is said."""
    make_session, storage = sessions(engine_for(settings.database_url)), storage_from(settings)
    sighting, found = Sighting(settings.clamd), seals_from(settings)
    seen_at = sweep_at = 0.0
    opened_on: date | None = None
    while not stop.is_set():
        now = time.monotonic()
        try:
            if now >= seen_at:
                seen_at = now + SEEN_EVERY
                sighting.say(make_session)
            if now >= sweep_at:
                sweep_at = now + SWEEP_EVERY
                sweep(settings.incoming)
                expire(make_session, storage)
                publish_seals(make_session, found)
                opened_on = open_duties(make_session, opened_on)
                bring_back(make_session)
                tend_journals(make_session, found)
        except SQLAlchemyError as error:
            log("database.unreachable", level="warning", error=type(error).__name__)
        except StorageError as error:
            log("storage.unreachable", level="warning", error=type(error).__name__)
        stop.wait(1)
    with suppress(SQLAlchemyError):
        sighting.end(make_session)


def open_duties(make_session: sessionmaker[Session], opened_on: date | None) -> date:
    """Open what is due, once a day; that other workers do so, too, opens nothing twice. Returns the day it is done."""
    today = clock.today()
    if opened_on != today:
        opened = sum(count for _office, count in duties.open_everywhere(make_session))
        if opened:
            log("duties.opened", count=opened)
    return today


def publish_seals(make_session: sessionmaker[Session], found: Seals | None) -> None:
    """Let the portal hand out the certificates in our folder; say which office cannot sign, or soon cannot."""
    if found is None:
        log("seal.missing", level="error", because="MADOGUCHI_SEALS is not set: no certificate is made")
        return
    try:
        for code, certificates in found.published().items():
            with make_session.begin() as session:
                if count := seals.publish(session, code, certificates):
                    log("seals.published", office=code, count=count)
            try:
                left = found.of(code).not_after - clock.now()
            except SealMissing:
                log("seal.missing", level="error", office=code)
            else:
                if left < seals.SOON:
                    log("seal.expires", level="warning", office=code, days=left.days)
    except (OSError, ValueError) as error:  # somebody is at the folder by hand
        log("seal.missing", level="error", because=type(error).__name__)


def bring_back(make_session: sessionmaker[Session]) -> None:
    """Put what was put aside until today back among what waits; forget who looked at something a while ago."""
    with make_session.begin() as session:
        count = review.bring_back(session)
        presence.forget(session)
    if count:
        log("submissions.came_back", count=count)


def tend_journals(make_session: sessionmaker[Session], seals: Seals | None) -> None:
    """Let the trees over the journals grow, and sign what each is once a day."""
    if signed := heads.tend(make_session, seals):
        log("heads.signed", count=signed)


def expire(make_session: sessionmaker[Session], storage: Storage) -> None:
    """End uploads whose time is over, and delete what was kept of them. What a killed worker leaves is the sweep's."""
    with make_session.begin() as session:
        keys = upload.expired(session, clock.now(), EXPIRED_AT_ONCE)
    for key in keys:
        storage.delete(key)


@dataclass
class Sighting:
    """What this worker says of itself: that it lives, how well its room is locked, whether files can be scanned."""

    clamd: str | None
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    started_at: datetime = field(default_factory=clock.now)

    def say(self, make_session: sessionmaker[Session]) -> None:
        """Write it down, and forget workers that nobody has seen for a day."""
        scanner = scan.state(self.clamd)
        if scanner == "unreachable":
            log("scanner.unreachable", level="warning")
        row = WorkerSighting(worker=self.name, started_at=self.started_at, room=_room(), scanner=scanner)
        with make_session.begin() as session:
            row.seen_at = clock.now()
            session.merge(row)
            session.execute(delete(WorkerSighting).where(WorkerSighting.seen_at < clock.now() - FORGOTTEN))

    def end(self, make_session: sessionmaker[Session]) -> None:
        """A worker that was asked to end is no news."""
        with make_session.begin() as session:
            session.execute(delete(WorkerSighting).where(WorkerSighting.worker == self.name))


def _room() -> dict[str, str]:
    try:
        return locked_room.layers()
    except locked_room.RoomClosed:
        return {"room": "none"}
