"""The outbox and a real queue server that forgets, hangs up and comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy import func, select, update
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from config import points
from config.settings import Settings
from shared import clock
from shared.model import CorrectionItem, FileState, State, Task
from shared.session import engine_for
from tests.uploads.conftest import Desk, QueueServer
from uploads.jobs import HOLD, JOB_SECONDS, MOST_TRIES, Hold
from uploads.relay import AGAIN_AFTER, AT_ONCE, queue_at, relay_if_reachable, relay_once, sender

BYTES = b"%PDF-1.7 nobody opens this one"


@pytest.fixture
def queue(running_settings: Settings) -> Queue:
    return queue_at(running_settings.redis_url)


def sent(queue: Queue) -> list[str]:
    """The tasks that lie in the queue, in order."""
    jobs = queue.get_jobs()
    assert {job.func_name for job in jobs} <= {"uploads.jobs.run"}
    return [job.args[1] for job in jobs]


def owed(desk: Desk, count: int) -> list[Task]:
    who, submission_id = desk.draft()
    tasks = [desk.attach(who, submission_id, BYTES) for _ in range(count)]
    desk.send(who, submission_id)
    return tasks


def due(desk: Desk) -> int:
    """How many tasks would be sent now."""
    with desk.bench.sessions() as session:
        return session.scalar(select(func.count()).where(Task.send_after <= clock.now())) or 0


def remember(into: list[UUID]) -> Callable[[UUID, UUID], None]:
    return lambda _office, task: into.append(task)


def test_what_is_owed_is_sent_once_and_the_oldest_first(desk: Desk, queue: Queue) -> None:
    tasks = owed(desk, 3)
    assert relay_once(desk.engine, sender(queue)) == 3
    assert sent(queue) == [str(task.id) for task in tasks]
    assert relay_once(desk.engine, sender(queue)) == 0
    assert (sent(queue), due(desk)) == ([str(task.id) for task in tasks], 0)


def test_a_job_carries_two_ids_as_json_and_nothing_else(desk: Desk, queue: Queue) -> None:
    (task,) = owed(desk, 1)
    relay_once(desk.engine, sender(queue))
    (job,) = queue.get_jobs()
    assert (job.args, job.kwargs) == ([str(task.office_id), str(task.id)], {})
    assert (job.timeout, job.data[:1] != b"\x80") == (JOB_SECONDS, True)  # a pickle would begin so


def test_with_nothing_owed_nothing_is_sent(desk: Desk, queue: Queue) -> None:
    assert relay_once(desk.engine, sender(queue)) == 0
    assert relay_if_reachable(desk.engine, queue)
    assert sent(queue) == []


def test_what_is_done_or_given_up_is_not_sent_and_nothing_before_its_time(desk: Desk) -> None:
    done, gave_up, later, due = owed(desk, 4)
    with desk.bench.sessions.begin() as session:
        for task, change in (
            (done, {"done_at": clock.now()}),
            (gave_up, {"gave_up_at": clock.now()}),
            (later, {"send_after": clock.now() + timedelta(seconds=60)}),
        ):
            session.execute(update(Task).where(Task.id == task.id).values(**change))
    passed: list[UUID] = []
    assert relay_once(desk.engine, remember(passed)) == 1
    assert passed == [due.id]


def test_rows_that_another_relay_holds_are_passed_over(desk: Desk) -> None:
    held, free = owed(desk, 2)
    passed: list[UUID] = []
    with desk.bench.sessions.begin() as other:
        other.get_one(Task, (held.office_id, held.id), with_for_update=True)
        assert relay_once(desk.engine, remember(passed)) == 1
    assert relay_once(desk.engine, remember(passed)) == 1
    assert passed == [free.id, held.id]


def test_four_relays_side_by_side_send_each_task_once(desk: Desk) -> None:
    tasks = owed(desk, 20)
    passed: list[UUID] = []
    start = threading.Barrier(4)

    def relay() -> int:
        start.wait(10)
        return relay_once(desk.engine, remember(passed))

    with ThreadPoolExecutor(4) as relays:
        counts = [done.result() for done in [relays.submit(relay) for _ in range(4)]]
    assert (sum(counts), sorted(passed)) == (20, sorted(task.id for task in tasks))


def test_no_more_than_fifty_at_once(desk: Desk) -> None:
    owed(desk, 20)
    with desk.bench.sessions.begin() as session:
        task = session.scalars(select(Task)).first()
        assert task is not None
        session.add_all(
            Task(
                office_id=task.office_id,
                job=task.job,
                subject_id=UUID(int=at),
                send_after=clock.now() + timedelta(milliseconds=at),
                tries=0,
            )
            for at in range(AT_ONCE - 5)
        )
    with clock.at(clock.now() + timedelta(seconds=1)):
        assert [relay_once(desk.engine, remember([])) for _ in range(3)] == [AT_ONCE, 15, 0]


def test_what_nobody_has_begun_is_sent_again_every_minute_and_lies_in_the_queue_once(desk: Desk, queue: Queue) -> None:
    (task,) = owed(desk, 1)
    moment = clock.now()
    for _ in range(2 * MOST_TRIES):
        with clock.at(moment):
            assert [relay_once(desk.engine, sender(queue)) for _ in range(2)] == [1, 0]
        with clock.at(moment + AGAIN_AFTER - timedelta(seconds=1)):
            assert relay_once(desk.engine, sender(queue)) == 0
        moment += AGAIN_AFTER
    assert sent(queue) == [str(task.id)]
    assert (desk.task(task).tries, desk.task(task).gave_up_at) == (0, None)  # a queue that nobody serves is no try


def test_what_a_worker_holds_is_not_sent_and_what_a_dead_one_held_is_at_once(desk: Desk) -> None:
    (task,) = owed(desk, 1)
    moment = clock.now() + timedelta(seconds=5)
    passed: list[UUID] = []
    with clock.at(moment):
        assert Hold(desk.bench, task.office_id, task.id).take() is not None
    with clock.at(moment + HOLD - timedelta(seconds=1)):
        assert relay_once(desk.engine, remember(passed)) == 0
    with clock.at(moment + HOLD):
        assert relay_once(desk.engine, remember(passed)) == 1
    assert passed == [task.id]
    assert timedelta(seconds=60) > HOLD  # a dead worker's task is another's within a minute


def test_a_job_that_was_given_to_a_dead_worker_is_put_into_the_queue_anew(desk: Desk, queue: Queue) -> None:
    (task,) = owed(desk, 1)
    relay_once(desk.engine, sender(queue))
    assert queue.pop_job_id() == str(task.id)  # as a worker does that dies before it has begun
    assert sent(queue) == []
    with clock.at(clock.now() + AGAIN_AFTER):
        assert relay_once(desk.engine, sender(queue)) == 1
    assert sent(queue) == [str(task.id)]


def test_a_queue_server_that_forgot_everything_gets_it_again(desk: Desk, queue: Queue) -> None:
    (task,) = owed(desk, 1)
    relay_once(desk.engine, sender(queue))
    queue.connection.flushall()
    assert relay_once(desk.engine, sender(queue)) == 0
    assert sent(queue) == []
    with clock.at(clock.now() + AGAIN_AFTER):
        assert relay_once(desk.engine, sender(queue)) == 1
    assert sent(queue) == [str(task.id)]


def test_killed_between_queue_and_commit_a_relay_leaves_the_task_owed_and_once_in_the_queue(
    desk: Desk, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    (task,) = owed(desk, 1)

    class Killed(BaseException):
        """No handler of ours catches it."""

    def killer(point: str) -> None:
        if point == "task.sent":
            raise Killed

    with monkeypatch.context() as waiting:
        waiting.setattr(points, "waiting", killer)
        with pytest.raises(Killed):
            relay_once(desk.engine, sender(queue))
    assert (sent(queue), due(desk)) == ([str(task.id)], 1)
    assert relay_once(desk.engine, sender(queue)) == 1
    assert (sent(queue), due(desk)) == ([str(task.id)], 0)


def test_while_the_queue_server_is_away_nothing_is_marked_and_later_it_is_sent(
    desk: Desk, settings: Settings, queue_server: QueueServer
) -> None:
    tasks = owed(desk, 2)
    queue = queue_at(queue_server.url)
    with pytest.raises(RedisError):
        relay_once(desk.engine, sender(queue))
    with capture_logs() as said:
        assert not relay_if_reachable(desk.engine, queue)
    assert [line["event"] for line in said] == ["queue_server.unreachable"]
    assert due(desk) == 2
    queue_server.start()
    assert relay_if_reachable(desk.engine, queue)
    assert sent(queue) == [str(task.id) for task in tasks]
    assert due(desk) == 0


def test_a_queue_server_that_dies_in_the_middle_leaves_everything_owed(desk: Desk, queue: Queue) -> None:
    tasks = owed(desk, 3)
    put = sender(queue)

    def until_the_third(office_id: UUID, task_id: UUID) -> None:
        if task_id == tasks[2].id:
            raise NoConnection("gone")
        put(office_id, task_id)

    with pytest.raises(NoConnection):
        relay_once(desk.engine, until_the_third)
    assert due(desk) == 3
    assert relay_once(desk.engine, put) == 3
    assert sent(queue) == [str(task.id) for task in tasks]


def test_a_killed_queue_server_still_has_what_it_took(desk: Desk, queue: Queue, queue_server: QueueServer) -> None:
    (task,) = owed(desk, 1)
    relay_once(desk.engine, sender(queue))
    queue_server.kill()
    assert not relay_if_reachable(desk.engine, queue)
    queue_server.start()
    assert sent(queue) == [str(task.id)]


def test_a_silent_queue_server_does_not_hold_the_database(desk: Desk, running_settings: Settings) -> None:
    owed(desk, 1)
    queue = queue_at(running_settings.redis_url)
    queue.connection.connection_pool.connection_kwargs["socket_timeout"] = 0.3
    queue.connection.connection_pool.disconnect()
    with Redis.from_url(running_settings.redis_url) as other:
        other.execute_command("CLIENT", "PAUSE", "1500", "ALL")
    assert not relay_if_reachable(desk.engine, queue)
    assert due(desk) == 1


def test_a_database_that_is_away_is_said_and_ends_no_relay(queue: Queue, database_url: str) -> None:
    nobody = engine_for(make_url(database_url).set(database="nobody").render_as_string(hide_password=False))
    with capture_logs() as said:
        assert not relay_if_reachable(nobody, queue)
    assert [(line["event"], line["error"]) for line in said] == [("database.unreachable", "OperationalError")]
    nobody.dispose()


def test_after_many_tries_it_gives_up_and_the_file_asks_for_another_copy(desk: Desk) -> None:
    (task,) = owed(desk, 1)
    with desk.bench.sessions.begin() as session:
        session.execute(update(Task).values(tries=MOST_TRIES))
    passed: list[UUID] = []
    with capture_logs() as said:
        assert relay_once(desk.engine, remember(passed)) == 0
    assert passed == []
    assert [(line["event"], line["log_level"]) for line in said] == [("task.failed", "error")]
    assert (desk.file(task).state, desk.file(task).refused_because) == (FileState.REFUSED, "crashed")
    assert (desk.submission(task).state, desk.task(task).gave_up_at is None) == (State.RETURNED, False)
    with desk.bench.sessions() as session:
        assert session.scalars(select(CorrectionItem.file_id)).all() == [task.subject_id]
    assert relay_once(desk.engine, remember(passed)) == 0


def test_giving_up_is_one_a_round_and_does_not_hold_back_the_others(desk: Desk) -> None:
    hopeless, good = owed(desk, 3), owed(desk, 2)
    with desk.bench.sessions.begin() as session:
        session.execute(update(Task).where(Task.id.in_([task.id for task in hopeless])).values(tries=MOST_TRIES))
    passed: list[UUID] = []
    for given_up in (1, 2, 3, 3):
        relay_once(desk.engine, remember(passed))
        with desk.bench.sessions() as session:
            count = session.scalar(select(func.count()).select_from(Task).where(Task.gave_up_at.is_not(None)))
        assert count == given_up
    assert passed == [task.id for task in good]
    assert desk.submission(hopeless[0]).state is State.RETURNED
