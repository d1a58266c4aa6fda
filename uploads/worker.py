"""The worker process: a relay in a thread, and one job after the other."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from config.log import log
from config.settings import Settings
from shared.session import engine_for
from uploads.jobs import sweep
from uploads.relay import QUEUE, queue_at, relay_if_reachable

PAUSE: Final = 2  # seconds until the queue server is tried again
SWEEP_EVERY: Final = 60  # seconds


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
    relay = threading.Thread(target=_relay, args=(settings, stop), name="relay", daemon=True)
    relay.start()
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
    relay.join(timeout=10)
    log("worker.stopped")


def _listen(stop: threading.Event) -> None:
    """Let a signal end the wait and the work, while rq does not hear it."""

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, ask_to_stop)


def _relay(settings: Settings, stop: threading.Event) -> None:
    engine, queue = engine_for(settings.database_url), queue_at(settings.redis_url)
    sweep_at = 0.0
    while not stop.is_set():
        if time.monotonic() >= sweep_at:
            sweep(settings.incoming)
            sweep_at = time.monotonic() + SWEEP_EVERY
        reached = relay_if_reachable(engine, queue)
        stop.wait(0.5 if reached else 3)
