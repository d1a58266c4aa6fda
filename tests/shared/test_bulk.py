"""Many at once: what is counted is what is done, each under the rules of one; and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared import bulk, clock, drafts, intake, queue, receipts, review
from shared.errors import NotThere, TooLateToUndo
from shared.model import (
    ActorKind,
    Bulk,
    BulkAct,
    BulkItem,
    BulkItemState,
    BulkState,
    Check,
    Claim,
    DutyKind,
    FileState,
    Household,
    Job,
    LogEntry,
    Result,
    Role,
    StaffMember,
    State,
    Step,
    Submission,
    Task,
    Why,
    WorkerSighting,
)
from shared.queue import Tab, Wanted
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")
FRIDAY = date(2026, 11, 27)


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session, name="例野 太郎")


def arrived(session: Session, worker: Staff, state: State = State.WAITING, **given: bool) -> Submission:
    return factories.submission(
        session, state, factories.recipient(session, factories.household(session, worker, **given))
    )


def chosen(session: Session, who: Staff, rows: list[Submission], act: BulkAct = BulkAct.ACCEPT) -> Bulk:
    return bulk.choose(session, who, act, [row.id for row in rows], matched=len(rows), attempt=uuid4())


def work(session: Session, row: Bulk) -> None:
    """What the worker does."""
    if row.state is BulkState.RUNNING:
        for item in bulk.waiting(session, row.office_id, row.id):
            bulk.do_one(session, row.office_id, item)
    elif row.state is BulkState.UNDOING:
        for item in bulk.done(session, row.office_id, row.id):
            bulk.undo_one(session, row.office_id, item)
    bulk.finish(session, row.office_id, row.id)


def done(session: Session, who: Staff, rows: list[Submission], act: BulkAct = BulkAct.ACCEPT) -> Bulk:
    row = chosen(session, who, rows, act)
    bulk.start(session, who, row.id)
    work(session, row)
    return row


def ends(session: Session, row: Bulk) -> dict[UUID, tuple[BulkItemState, Why | None]]:
    items = session.scalars(select(BulkItem).where(BulkItem.bulk_id == row.id))
    return {item.submission_id: (item.state, item.why) for item in items}


def events(session: Session) -> list[str]:
    return list(session.scalars(select(LogEntry.event).order_by(LogEntry.seq)))


def test_choosing_counts_and_changes_nothing(session: Session, worker: Staff) -> None:
    rows = [arrived(session, worker) for _ in range(3)]
    row = chosen(session, worker, rows)
    assert (row.state, row.matched) == (BulkState.CHOSEN, 3)
    assert [one.state for one in rows] == [State.WAITING] * 3
    assert session.scalar(select(func.count()).select_from(Claim)) == 0
    assert session.scalar(select(func.count()).where(Task.job == Job.BULK)) == 0
    shown = bulk.show(session, worker, row.id)
    assert [item.submission_id for item in shown.items] == [one.id for one in rows]
    assert shown.at(BulkItemState.WAITING) == shown.items


def test_the_same_form_twice_is_one_choice_and_a_new_choice_takes_the_old_ones_place(
    session: Session, worker: Staff
) -> None:
    one, attempt = arrived(session, worker), uuid4()
    first = bulk.choose(session, worker, BulkAct.ACCEPT, [one.id], matched=1, attempt=attempt)
    assert bulk.choose(session, worker, BulkAct.ACCEPT, [one.id, one.id], matched=1, attempt=attempt) is first
    second = chosen(session, worker, [one])
    assert list(session.scalars(select(Bulk.id))) == [second.id]
    with pytest.raises(NotThere):
        bulk.start(session, worker, first.id)
    bulk.drop(session, worker, second.id)
    bulk.drop(session, worker, second.id)
    assert session.scalar(select(func.count()).select_from(BulkItem)) == 0


def test_each_is_accepted_by_the_person_with_a_step_and_an_entry(session: Session, worker: Staff) -> None:
    rows = [arrived(session, worker) for _ in range(3)]
    row = done(session, worker, rows)
    assert [one.state for one in rows] == [State.ACCEPTED] * 3
    assert set(ends(session, row).values()) == {(BulkItemState.DONE, None)}
    for one in rows:
        last = session.scalars(select(Step).where(Step.submission_id == one.id).order_by(Step.id.desc())).first()
        assert last is not None
        assert (last.actor_kind, last.actor_id, last.became) == (ActorKind.STAFF, worker.staff_id, State.ACCEPTED)
    each = ["submission.taken", "submission.accepted"]
    assert events(session)[-8:] == ["bulk.started", *each * 3, "bulk.done"]
    assert session.scalar(select(func.count()).select_from(Claim)) == 0
    assert len(queue.ready_for_receipt(session, factories.staff(session, Role.CLERK))) == 3


def test_what_wants_a_person_is_left_out_and_says_why(session: Session, worker: Staff) -> None:
    colleague = factories.staff(session)
    plain, urgent, call, held, taken, decided = (arrived(session, worker) for _ in range(6))
    session.execute(update(Submission).where(Submission.id == urgent.id).values(urgent=True))
    session.execute(update(Submission).where(Submission.id == call.id).values(wants_call=True))
    session.expire_all()
    review.claim(session, worker, held.id)
    review.hold(session, worker, held.id, until=FRIDAY, reason="電話", seen=held.revision, attempt=uuid4())
    review.claim(session, colleague, taken.id)
    review.claim(session, worker, decided.id)
    review.accept(session, worker, decided.id, seen=decided.revision, attempt=uuid4())
    message, unsafe = arrived(session, worker), with_lost_copy(session, worker)
    differs, all_right = arrived(session, worker), arrived(session, worker)
    a_check_of(session, differs).result = Result.FAIL
    check = a_check_of(session, all_right)
    check.result = Result.FAIL
    check.overridden_by, check.overridden_at, check.note = worker.staff_id, clock.now(), "電話で確かめた"
    message.kind = DutyKind.MESSAGE
    session.flush()
    rows = [plain, urgent, call, held, taken, decided, message, unsafe, differs, all_right]
    expected = [None, Why.URGENT, Why.CALL, Why.HELD, Why.TAKEN, Why.DECIDED, Why.MESSAGE, Why.FILES, Why.CHECKS, None]
    row = chosen(session, worker, rows)
    assert [ends(session, row)[one.id][1] for one in rows] == expected
    before = [one.state for one in rows]
    bulk.start(session, worker, row.id)
    work(session, row)
    assert [one.state for one in rows] == [State.ACCEPTED, *before[1:-1], State.ACCEPTED]


def a_check_of(session: Session, row: Submission) -> Check:
    version = drafts.sent_version(session, row)
    found = session.scalars(select(Check).where(Check.version_id == version.id).limit(1))
    return found.one()


def with_lost_copy(session: Session, worker: Staff) -> Submission:
    """Its file is being drawn again."""
    who = factories.recipient(session, factories.household(session, worker))
    row = factories.draft(session, who)
    factories.make_safe(session, factories.file(session, who, row))
    intake.send(session, who, row.id, attempt=uuid4())
    (file,) = drafts.files_of(session, drafts.sent_version(session, row))
    file.move(FileState.CHECKED)
    session.flush()
    return row


def test_what_changed_since_it_was_counted_is_refused_with_its_reason(session: Session, worker: Staff) -> None:
    colleague = factories.staff(session)
    taken, lapsed, newer, gone, urgent, hidden, fine = (arrived(session, colleague) for _ in range(7))
    row = chosen(session, worker, [taken, lapsed, newer, gone, urgent, hidden, fine])
    bulk.start(session, worker, row.id)
    review.claim(session, colleague, taken.id)
    with clock.at(EVENING - review.LEASE):
        review.claim(session, colleague, lapsed.id)
    who = factories.recipient_of(session, newer)
    drafts.change(session, who, newer.id)
    factories.write(session, who, newer.id, {"gross_yen": 90_000})
    intake.send(session, who, newer.id, attempt=uuid4())
    intake.withdraw(session, factories.recipient_of(session, gone), gone.id, attempt=uuid4())
    urgent.urgent = True
    session.get_one(Household, (hidden.office_id, hidden.household_id)).protected = True
    session.flush()
    work(session, row)
    found = ends(session, row)
    assert [found[one.id][1] for one in (taken, lapsed, newer, gone, urgent, hidden, fine)] == [
        Why.TAKEN,
        None,
        Why.NEWER,
        Why.DECIDED,
        Why.URGENT,
        Why.NOT_THERE,
        None,
    ]
    assert (newer.state, fine.state, lapsed.state) == (State.WAITING, State.ACCEPTED, State.ACCEPTED)
    shown = bulk.show(session, worker, row.id)
    assert [item.opens for item in shown.items] == [True] * 5 + [False, True]
    assert len(shown.at(BulkItemState.REFUSED)) == 5


def test_a_job_that_runs_twice_does_each_once(session: Session, worker: Staff) -> None:
    rows = [arrived(session, worker) for _ in range(3)]
    row = chosen(session, worker, rows)
    bulk.start(session, worker, row.id)
    bulk.start(session, worker, row.id)
    assert session.scalar(select(func.count()).where(Task.job == Job.BULK)) == 1
    items = bulk.waiting(session, row.office_id, row.id)
    bulk.do_one(session, row.office_id, items[0])
    assert bulk.finish(session, row.office_id, row.id) is None, "two are left"
    for item in items:
        bulk.do_one(session, row.office_id, item)
    assert bulk.finish(session, row.office_id, row.id) == {"done": 3}
    assert bulk.finish(session, row.office_id, row.id) is None
    accepted = select(func.count()).where(Step.became == State.ACCEPTED)
    assert session.scalar(accepted) == 3
    assert events(session).count("bulk.done") == 1


def test_the_list_that_was_counted_is_the_one_that_is_done(session: Session, worker: Staff) -> None:
    early = arrived(session, worker)
    ids = queue.ids(session, worker, Wanted(), bulk.MOST)
    row = bulk.choose(session, worker, BulkAct.ACCEPT, ids, matched=len(ids), attempt=uuid4())
    late = arrived(session, worker)
    bulk.start(session, worker, row.id)
    work(session, row)
    assert (early.state, late.state) == (State.ACCEPTED, State.WAITING)


def test_no_more_than_so_many_and_in_the_order_of_the_list(
    session: Session, worker: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)
    rows = []
    for hours in (1, 30, 9):
        with clock.at(EVENING - timedelta(hours=hours)):
            rows.append(arrived(session, worker))
    ids = queue.ids(session, worker, Wanted(), bulk.MOST)
    assert ids == [rows[1].id, rows[2].id]
    assert queue.counts(session, worker, Wanted())[Tab.ALL] == 3
    row = bulk.choose(session, worker, BulkAct.ACCEPT, [one.id for one in rows], matched=3, attempt=uuid4())
    shown = bulk.show(session, worker, row.id)
    assert (len(shown.items), shown.matched) == (2, 3)


def test_only_what_one_may_open_is_part_of_it(session: Session, worker: Staff) -> None:
    elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
    far, hidden = arrived(session, elsewhere), arrived(session, factories.staff(session), protected=True)
    draft = factories.draft(session, factories.recipient(session, factories.household(session, worker)))
    mine = arrived(session, worker, protected=True)
    row = chosen(session, worker, [far, hidden, draft, mine])
    assert list(ends(session, row)) == [mine.id]
    for somebody in (factories.staff(session), factories.staff(session, Role.SUPERVISOR), elsewhere):
        for deed in (bulk.show, bulk.progress, bulk.start, bulk.undo, bulk.go_on):
            with pytest.raises(NotThere):
                deed(session, somebody, row.id)


def test_putting_aside_needs_its_day_and_its_reason(session: Session, worker: Staff) -> None:
    rows = [arrived(session, worker) for _ in range(2)]
    row = chosen(session, worker, rows, BulkAct.HOLD)
    for until, reason in ((None, "x"), (EVENING.date(), "x"), (FRIDAY, "  ")):
        with pytest.raises(ValueError, match="put aside"):
            bulk.start(session, worker, row.id, until=until, reason=reason)
    bulk.start(session, worker, row.id, until=FRIDAY, reason="通帳を待つ")
    work(session, row)
    assert [one.state for one in rows] == [State.ON_HOLD] * 2
    held = session.scalars(select(Step).where(Step.became == State.ON_HOLD)).all()
    assert {(step.until, step.note) for step in held} == {(FRIDAY, "通帳を待つ")}


def test_a_day_that_came_while_the_worker_was_away_puts_nothing_aside(session: Session, worker: Staff) -> None:
    one = arrived(session, worker)
    row = chosen(session, worker, [one], BulkAct.HOLD)
    bulk.start(session, worker, row.id, until=FRIDAY, reason="通帳を待つ")
    with clock.at(EVENING + timedelta(days=9)):
        work(session, row)
    assert ends(session, row) == {one.id: (BulkItemState.REFUSED, Why.MOVED_ON)}
    assert one.state is State.WAITING, "and nobody has it in hand"


def test_giving_back_is_for_what_one_has_in_hand_or_has_put_aside(session: Session, worker: Staff) -> None:
    colleague = factories.staff(session)
    waiting, mine, held, hers = (arrived(session, worker) for _ in range(4))
    for one in (mine, held):
        review.claim(session, worker, one.id)
    review.hold(session, worker, held.id, until=FRIDAY, reason="電話", seen=held.revision, attempt=uuid4())
    review.claim(session, colleague, hers.id)
    row = done(session, worker, [waiting, mine, held, hers], BulkAct.GIVE_BACK)
    assert [ends(session, row)[one.id][1] for one in (waiting, mine, held, hers)] == [
        Why.NOT_HELD,
        None,
        None,
        Why.TAKEN,
    ]
    assert [one.state for one in (mine, held, hers)] == [State.WAITING, State.WAITING, State.IN_REVIEW]

    bulk.undo(session, worker, row.id)
    work(session, row)
    assert (mine.state, held.state) == (State.IN_REVIEW, State.ON_HOLD), "each is where it was"
    last = session.scalars(select(Step).where(Step.submission_id == held.id).order_by(Step.id.desc())).first()
    assert last is not None
    assert (last.until, last.note) == (FRIDAY, "電話")


def test_all_of_it_is_taken_back_where_nobody_has_gone_on(session: Session, worker: Staff) -> None:
    rows = [arrived(session, worker) for _ in range(4)]
    row = done(session, worker, rows)
    clerk = factories.staff(session, Role.CLERK)
    receipts.issue(session, clerk, rows[0].id, seen=rows[0].revision, attempt=uuid4(), demo=True)
    session.get_one(Household, (rows[1].office_id, rows[1].household_id)).protected = True
    other = factories.staff(session)
    session.get_one(Household, (rows[1].office_id, rows[1].household_id)).caseworker_id = other.staff_id
    session.flush()
    with clock.at(EVENING + timedelta(minutes=9)):
        bulk.undo(session, worker, row.id)
        bulk.undo(session, worker, row.id)
    assert row.state is BulkState.UNDOING
    with clock.at(EVENING + timedelta(hours=3)):  # the worker was away; she had asked in time
        work(session, row)
        work(session, row)
    assert row.state is BulkState.UNDONE
    found = ends(session, row)
    assert found[rows[0].id] == (BulkItemState.KEPT, Why.MOVED_ON)
    assert found[rows[1].id] == (BulkItemState.KEPT, Why.NOT_THERE)
    assert [found[one.id] for one in rows[2:]] == [(BulkItemState.UNDONE, None)] * 2
    assert [one.state for one in rows] == [State.RECEIPTED, State.ACCEPTED, State.WAITING, State.WAITING]
    assert session.scalar(select(func.count()).select_from(Claim)) == 0, "they lie in the queue, not in her hands"
    history = list(session.scalars(select(Step.became).where(Step.submission_id == rows[2].id).order_by(Step.id)))
    assert history[-4:] == [State.IN_REVIEW, State.ACCEPTED, State.IN_REVIEW, State.WAITING]
    assert events(session)[-1] == "bulk.undone"


def test_after_ten_minutes_or_before_anything_was_done_nothing_is_taken_back(session: Session, worker: Staff) -> None:
    one = arrived(session, worker)
    row = chosen(session, worker, [one])
    with pytest.raises(TooLateToUndo):
        bulk.undo(session, worker, row.id)
    bulk.start(session, worker, row.id)
    work(session, row)
    assert bulk.show(session, worker, row.id).undo_until == EVENING + bulk.UNDO_WITHIN
    with clock.at(EVENING + bulk.UNDO_WITHIN):
        assert bulk.show(session, worker, row.id).undo_until is None
        with pytest.raises(TooLateToUndo):
            bulk.undo(session, worker, row.id)
    assert one.state is State.ACCEPTED


def test_nothing_starts_where_nothing_is_left(session: Session, worker: Staff) -> None:
    one = arrived(session, worker)
    one.urgent = True
    session.flush()
    row = chosen(session, worker, [one])
    with pytest.raises(ValueError, match="nothing is left"):
        bulk.start(session, worker, row.id)


def test_who_does_not_work_here_any_more_decides_nothing(session: Session, worker: Staff) -> None:
    one = arrived(session, worker)
    row = chosen(session, worker, [one])
    bulk.start(session, worker, row.id)
    session.get_one(StaffMember, (worker.office_id, worker.staff_id)).active = False
    session.flush()
    work(session, row)
    assert ends(session, row) == {one.id: (BulkItemState.REFUSED, Why.NOT_THERE)}


def test_the_bar_says_how_far_it_is_and_whether_a_worker_is_there(session: Session, worker: Staff) -> None:
    rows = [arrived(session, worker) for _ in range(3)]
    rows[2].urgent = True
    session.flush()
    row = chosen(session, worker, rows)
    bulk.start(session, worker, row.id)
    assert bulk.progress(session, worker, row.id) == bulk.Progress(BulkState.RUNNING, 1, 3)
    assert bulk.show(session, worker, row.id).worker_away
    session.add(WorkerSighting(worker="host:1", started_at=EVENING, seen_at=EVENING, room={}, scanner="off"))
    session.flush()
    assert not bulk.show(session, worker, row.id).worker_away
    bulk.do_one(session, row.office_id, bulk.waiting(session, row.office_id, row.id)[0])
    assert bulk.progress(session, worker, row.id).done == 2
    work(session, row)
    assert bulk.progress(session, worker, row.id) == bulk.Progress(BulkState.DONE, 3, 3)
    bulk.undo(session, worker, row.id)
    assert bulk.progress(session, worker, row.id) == bulk.Progress(BulkState.UNDOING, 0, 2)
    work(session, row)
    assert bulk.progress(session, worker, row.id) == bulk.Progress(BulkState.UNDONE, 2, 2)


def test_what_the_worker_gave_up_goes_on_when_somebody_says_so(session: Session, worker: Staff) -> None:
    row = chosen(session, worker, [arrived(session, worker)])
    bulk.start(session, worker, row.id)
    session.execute(update(Task).where(Task.job == Job.BULK).values(gave_up_at=clock.now(), tries=5))
    session.expire_all()
    assert bulk.show(session, worker, row.id).stuck
    bulk.go_on(session, worker, row.id)
    bulk.go_on(session, worker, row.id)
    task = session.scalars(select(Task).where(Task.job == Job.BULK)).one()
    assert (task.gave_up_at, task.tries) == (None, 0)
    assert not bulk.show(session, worker, row.id).stuck
