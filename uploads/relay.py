"""From the outbox to the queue: the only place that enqueues.

A task is sent when its time has come, and again later for as long as nobody has said that it is done. So the
queue server may forget everything, or be away for a day, and nothing is lost: it is only later.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from config.log import log
from shared import clock
from shared.model import Task
from shared.session import reading_sessions, sessions
from uploads.jobs import give_up

QUEUE: Final = "madoguchi"
MOST_TRIES: Final = 6
AT_ONCE: Final = 50
JOB_SECONDS: Final = 120

Send = Callable[[UUID, UUID], None]


def wait_after(tries: int) -> timedelta:
    """How long the ``tries``-th sending is given before the task is sent again: longer than a job may run."""
    return timedelta(seconds=(JOB_SECONDS + 30) << (tries - 1))


def relay_once(engine: Engine, send: Send) -> int:
    """Send what is owed by now, at most 50 tasks. Returns how many were sent.

    Several relays may run side by side: each passes over the rows another one holds.

    :raises RedisError: if the queue server is away; nothing is marked as sent then.
    """
    owed = (
        select(Task)
        .where(Task.done_at.is_(None), Task.gave_up_at.is_(None), Task.send_after <= clock.now())
        .order_by(Task.send_after)
        .limit(AT_ONCE)
    )
    with reading_sessions(engine)() as session:  # an idle relay takes no lock
        if session.scalar(owed.with_only_columns(Task.id).limit(1)) is None:
            return 0
    sent, gave_up = 0, False
    with sessions(engine).begin() as session:
        for task in session.scalars(owed.with_for_update(skip_locked=True)):
            if task.tries >= MOST_TRIES:
                if not gave_up:  # one a round: it locks a submission and then the journal, as everybody does
                    give_up(session, task)
                    gave_up = True
                continue
            send(task.office_id, task.id)
            task.tries += 1
            task.send_after = clock.now() + wait_after(task.tries)
            sent += 1
            log("task.sent", task=task.id, job=task.job.value, tries=task.tries)
    return sent


def queue_at(redis_url: str) -> Queue:
    """The queue, with limits that keep a silent server from holding us."""
    connection = Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5)
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer)


def sender(queue: Queue) -> Send:
    """What puts a task into ``queue``."""

    def send(office_id: UUID, task_id: UUID) -> None:
        queue.enqueue(
            "uploads.jobs.run",
            str(office_id),
            str(task_id),
            job_timeout=JOB_SECONDS,
            result_ttl=60,
            failure_ttl=7 * 24 * 3600,
        )

    return send


def relay_if_reachable(engine: Engine, queue: Queue) -> bool:
    """One round. Returns whether queue server and database could be reached; if not, the log says which."""
    try:
        queue.connection.ping()  # before a transaction is open: a dead server must not hold the database
        relay_once(engine, sender(queue))
    except (RedisError, OSError) as error:
        log("queue_server.unreachable", level="warning", error=type(error).__name__)
        return False
    except SQLAlchemyError as error:
        log("database.unreachable", level="warning", error=type(error).__name__)
        return False
    return True
