"""The worker process: a relay in a thread, and one job after the other."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from config.log import log
from config.settings import Settings
from shared.session import engine_for
from uploads.relay import QUEUE, queue_at, relay_if_reachable


def work(settings: Settings) -> None:
    """Relay and work until SIGTERM or SIGINT; a job that has begun is finished first.

    The queue server may come and go. Jobs run in this process: strangers' bytes are parsed in a child of it.
    """
    stop = threading.Event()
    relay = threading.Thread(target=_relay, args=(settings, stop), name="relay", daemon=True)
    relay.start()
    log("worker.started")
    while not stop.is_set():
        try:
            connection = Redis.from_url(settings.redis_url, socket_connect_timeout=2)
            worker = SimpleWorker([QUEUE], connection=connection, serializer=JSONSerializer)
            worker.work(with_scheduler=False, logging_level="WARNING")
            stop.set()  # it ends by itself only when a signal asked it to
        except (RedisError, OSError) as error:
            log("queue_server.unreachable", level="warning", error=type(error).__name__)
            _wait_or_stop(stop)
    relay.join(timeout=10)
    log("worker.stopped")


def _wait_or_stop(stop: threading.Event) -> None:
    """Wait before the next try to reach the queue server; a signal ends the wait and the work."""

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, ask_to_stop)
    stop.wait(2)


def _relay(settings: Settings, stop: threading.Event) -> None:
    engine, queue = engine_for(settings.database_url), queue_at(settings.redis_url)
    while not stop.is_set():
        reached = relay_if_reachable(engine, queue)
        stop.wait(0.5 if reached else 3)
