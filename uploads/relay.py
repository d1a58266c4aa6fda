"""From the outbox to the queue: the only place that enqueues.

A task is sent when its time has come and no worker holds it, and again every minute for as long as nobody has begun
it. So the queue server may forget everything, or be away for a day, and nothing is lost: it is only later. A task whose
hold has lapsed had a worker that died: it is sent at once. In the queue each task lies once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job as Carried
from rq.serializers import JSONSerializer
from sqlalchemy import Engine, or_, select
from sqlalchemy.exc import SQLAlchemyError

from config import points
from config.log import log
from shared import clock
from shared.model import Task
from shared.session import reading_sessions, sessions
from uploads.jobs import JOB_SECONDS, MOST_TRIES, give_up

QUEUE: Final = "madoguchi"
AT_ONCE: Final = 50
AGAIN_AFTER: Final = timedelta(seconds=60)  # what was sent and not begun: the queue is long, or has forgotten it

Send = Callable[[UUID, UUID], None]


def relay_once(engine: Engine, send: Send) -> int:
    """Send what is owed by now, at most 50 tasks. Returns how many were sent.

    Several relays may run side by side: each passes over the rows another one holds.

    :raises RedisError: if the queue server is away; nothing is marked as sent then.
    """
    now = clock.now()
    owed = (
        select(Task)
        .where(
            Task.done_at.is_(None),
            Task.gave_up_at.is_(None),
            Task.send_after <= now,
            or_(Task.held_until.is_(None), Task.held_until <= now),
        )
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
            points.passed("task.sent")
            task.send_after = now + AGAIN_AFTER
            sent += 1
            log("task.sent", task=task.id, job=task.job.value, tries=task.tries)
    return sent


def queue_at(redis_url: str) -> Queue:
    """The queue, with limits that keep a silent server from holding us."""
    connection = Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5)
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer)


def sender(queue: Queue) -> Send:
    """What puts a task into ``queue``, once: one that waits there keeps its place."""

    def put(office_id: UUID, task_id: UUID) -> None:
        queue.enqueue(
            "uploads.jobs.run",
            str(office_id),
            str(task_id),
            job_id=str(task_id),
            unique=True,
            job_timeout=JOB_SECONDS,
            result_ttl=0,
            failure_ttl=0,
        )

    def send(office_id: UUID, task_id: UUID) -> None:
        try:
            put(office_id, task_id)
        except DuplicateJobError:
            if queue.get_job_position(str(task_id)) is not None:
                return
            # It was given to a worker that holds nothing: it died, or the queue server lost half of what it knew.
            with suppress(NoSuchJobError):
                Carried.fetch(str(task_id), connection=queue.connection, serializer=JSONSerializer).delete()
            with suppress(DuplicateJobError):  # another relay was quicker
                put(office_id, task_id)

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
