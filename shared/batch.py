"""まとめて発行: certificates chosen, looked at, perhaps approved by a second person, and issued by the worker.

What is issued is the list that was frozen. Numbers are taken in the transaction that issues, so that whatever happens
to a worker none is lost or given twice; the next one goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, select
from sqlalchemy.orm import Session

from shared import bundle, clock, journal, receipt_rules, receipts
from shared.errors import NotThere, SamePerson
from shared.model import (
    MACHINE,
    Actor,
    BatchItemState,
    BatchState,
    Job,
    NotIssued,
    ReceiptBatch,
    ReceiptBatchItem,
    StaffMember,
    State,
    Submission,
    Task,
)
from shared.outbox import promise
from shared.rules import my_number
from shared.session import in_turn
from shared.sign_in import Staff, acting

MOST: Final = 1000  # certificates of one batch
LONGEST: Final = 300  # characters of a reason


# ---- choosing ----


def choose(
    session: Session, who: Staff, ids: Sequence[UUID], *, matched: int, attempt: UUID, demo: bool
) -> ReceiptBatch:
    """Freeze a choice. Nothing happens to any of them.

    A second tap finds the first; an older choice that was never sent on goes.

    :param ids: of accepted submissions, in the order of the list; others are no part of it.
    :param matched: how many were wanted, of which ``ids`` may be the first.
    """
    in_turn(session, StaffMember, who.office_id, who.staff_id)
    twin = session.scalar(
        select(ReceiptBatch).where(ReceiptBatch.office_id == who.office_id, ReceiptBatch.attempt == attempt)
    )
    if twin:
        return twin
    _forget(session, who)
    row = ReceiptBatch(
        office_id=who.office_id,
        staff_id=who.staff_id,
        attempt=attempt,
        state=BatchState.CHOSEN,
        matched=matched,
        demo=demo,
        reason="",
    )
    session.add(row)
    session.flush()
    wanted = list(dict.fromkeys(ids))[:MOST]
    revisions = dict(
        session.execute(
            select(Submission.id, Submission.revision).where(
                Submission.office_id == who.office_id, Submission.id.in_(wanted), Submission.state == State.ACCEPTED
            )
        ).all()
    )
    session.add_all(
        ReceiptBatchItem(
            office_id=who.office_id,
            batch_id=row.id,
            submission_id=one,
            position=position,
            revision=revisions[one],
            state=BatchItemState.WAITING,
            reason="",
        )
        for position, one in enumerate(one for one in wanted if one in revisions)
    )
    session.flush()
    return row


def _forget(session: Session, who: Staff) -> None:
    """Choices of hers that were never sent on: no trace of them is owed to anybody."""
    hers = select(ReceiptBatch.id).where(
        ReceiptBatch.office_id == who.office_id,
        ReceiptBatch.staff_id == who.staff_id,
        ReceiptBatch.state == BatchState.CHOSEN,
    )
    old = session.scalars(hers.with_for_update()).all()  # one that is being started is waited for, and is none of them
    of_them = and_(ReceiptBatchItem.office_id == who.office_id, ReceiptBatchItem.batch_id.in_(old))
    session.execute(delete(ReceiptBatchItem).where(of_them))
    session.execute(delete(ReceiptBatch).where(ReceiptBatch.office_id == who.office_id, ReceiptBatch.id.in_(old)))


def exclude(session: Session, who: Staff, batch_id: UUID, items: Collection[UUID], reason: str = "") -> int:
    """Leave some out: they take no number, and wait for another batch. Returns how many that were.

    :raises NotThere: for a batch that is not hers.
    :raises ValueError: for a reason that cannot be kept.
    """
    reason = reason.strip()
    if len(reason) > LONGEST or my_number.is_in(reason):
        raise ValueError("a reason that cannot be kept")
    return _set(session, who, batch_id, items, BatchItemState.WAITING, BatchItemState.EXCLUDED, reason)


def include(session: Session, who: Staff, batch_id: UUID, items: Collection[UUID]) -> int:
    """Take some in again that were left out. Returns how many that were.

    :raises NotThere: for a batch that is not hers.
    """
    return _set(session, who, batch_id, items, BatchItemState.EXCLUDED, BatchItemState.WAITING, "")


def _set(
    session: Session,
    who: Staff,
    batch_id: UUID,
    items: Collection[UUID],
    was: BatchItemState,
    to: BatchItemState,
    reason: str,
) -> int:
    row = _own(session, who, batch_id)
    if row.state is not BatchState.CHOSEN:
        return 0
    found = session.scalars(
        select(ReceiptBatchItem).where(
            ReceiptBatchItem.office_id == who.office_id,
            ReceiptBatchItem.batch_id == batch_id,
            ReceiptBatchItem.id.in_(items),
            ReceiptBatchItem.state == was,
        )
    ).all()
    for item in found:
        item.move(to)
        item.reason = reason
    session.flush()
    return len(found)


def drop(session: Session, who: Staff, batch_id: UUID) -> bool:
    """Think better of it before anything has happened. Twice is once.

    :returns: whether nothing has happened; what was sent on is left alone.
    """
    row = session.get(ReceiptBatch, (who.office_id, batch_id), with_for_update=True, populate_existing=True)
    if row is None or row.staff_id != who.staff_id:
        return True
    if row.state is not BatchState.CHOSEN:
        return False
    _forget(session, who)
    return True


# ---- sending on ----


def must_wait(session: Session, who: Staff) -> bool:
    """Whether what she issues or voids today waits for a second person."""
    return receipt_rules.wants_two(session, who.office_id, clock.today())


def start(session: Session, who: Staff, batch_id: UUID) -> ReceiptBatch:
    """Let the worker issue them; where the office wants two people, ask the second one. A second tap does nothing more.

    :raises NotThere: for one that is not hers.
    :raises ValueError: if none is left.
    """
    row = _own(session, who, batch_id)
    if row.state is not BatchState.CHOSEN:
        return row
    left = waiting(session, who.office_id, batch_id)
    if not left:
        raise ValueError("none is left to issue")
    if must_wait(session, who):
        row.move(BatchState.PROPOSED)
        session.flush()
        _note(session, who, "batch.proposed", row, count=len(left))
    else:
        _run(session, who, row, "batch.started", len(left))
    return row


def take_back(session: Session, who: Staff, batch_id: UUID) -> bool:
    """Have it on one's own desk again, to change it before the second person has looked.

    :returns: whether it is there; False if she was quicker.
    :raises NotThere: for one that is not hers.
    """
    row = _own(session, who, batch_id)
    if row.state is BatchState.PROPOSED:
        row.move(BatchState.CHOSEN)
        session.flush()
        _note(session, who, "batch.taken_back", row)
    return row.state is BatchState.CHOSEN


def approve(session: Session, who: Staff, batch_id: UUID) -> ReceiptBatch:
    """The second person agrees: the worker issues them in the name of whoever has chosen. Twice is once.

    :raises SamePerson: for whoever has proposed it.
    :raises NotThere: for another office's, and for one that is on its clerk's own desk again.
    """
    row = _second(session, who, batch_id)
    if row.state is BatchState.PROPOSED:
        row.decided_by, row.decided_at = who.staff_id, clock.now()
        _run(session, who, row, "batch.approved", len(waiting(session, who.office_id, batch_id)))
    return row


def refuse(session: Session, who: Staff, batch_id: UUID, reason: str) -> ReceiptBatch:
    """The second person does not agree, and says why. Nothing is issued. Twice is once.

    :raises SamePerson: for whoever has proposed it.
    :raises NotThere: as ``approve``.
    :raises ValueError: without a reason that can be kept.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST or my_number.is_in(reason):
        raise ValueError("a refusal says why")
    row = _second(session, who, batch_id)
    if row.state is BatchState.PROPOSED:
        row.decided_by, row.decided_at, row.reason = who.staff_id, clock.now(), reason
        row.move(BatchState.REFUSED)
        session.flush()
        _note(session, who, "batch.refused", row)
    return row


def go_on(session: Session, who: Staff, batch_id: UUID) -> ReceiptBatch:
    """Promise the work again after it was given up. Otherwise nothing happens.

    :raises NotThere: for another office's.
    """
    row = _locked(session, who, batch_id)
    task = session.scalar(task_of(row).with_for_update())
    if task and task.gave_up_at and row.state is BatchState.RUNNING:
        task.gave_up_at, task.held_until, task.tries, task.send_after = None, None, 0, clock.now()
        session.flush()
    return row


def _run(session: Session, who: Staff, row: ReceiptBatch, event: str, count: int) -> None:
    row.move(BatchState.RUNNING)
    session.flush()
    promise(session, who.office_id, Job.ISSUE_BATCH, row.id)
    _note(session, who, event, row, count=count)


def _note(session: Session, who: Staff, event: str, row: ReceiptBatch, **facts: object) -> None:
    journal.record(session, who.office_id, Actor.staff(who.staff_id), event, row.id, **facts)


def _locked(session: Session, who: Staff, batch_id: UUID) -> ReceiptBatch:
    row = session.get(ReceiptBatch, (who.office_id, batch_id), with_for_update=True, populate_existing=True)
    if row is None:
        raise NotThere
    return row


def _own(session: Session, who: Staff, batch_id: UUID) -> ReceiptBatch:
    row = _locked(session, who, batch_id)
    if row.staff_id != who.staff_id:
        raise NotThere
    return row


def _second(session: Session, who: Staff, batch_id: UUID) -> ReceiptBatch:
    row = _locked(session, who, batch_id)
    if row.state is BatchState.CHOSEN:
        raise NotThere
    if row.staff_id == who.staff_id:
        raise SamePerson
    return row


def task_of(row: ReceiptBatch) -> Select[Task]:
    """The job that issues it."""
    return select(Task).where(Task.office_id == row.office_id, Task.job == Job.ISSUE_BATCH, Task.subject_id == row.id)


# ---- what the worker does ----


def is_running(session: Session, office_id: UUID, batch_id: UUID) -> bool:
    """Whether the worker has something to do there."""
    return session.get_one(ReceiptBatch, (office_id, batch_id)).state is BatchState.RUNNING


def waiting(session: Session, office_id: UUID, batch_id: UUID) -> list[UUID]:
    """The items that are still to be issued, in the order of the list."""
    found = select(ReceiptBatchItem.id).where(
        ReceiptBatchItem.office_id == office_id,
        ReceiptBatchItem.batch_id == batch_id,
        ReceiptBatchItem.state == BatchItemState.WAITING,
    )
    return list(session.scalars(found.order_by(ReceiptBatchItem.position)))


def issue_some(session: Session, office_id: UUID, batch_id: UUID, items: Sequence[UUID]) -> None:
    """Issue some of them, in this order, or write down why not. Those that have met their end are left alone.

    Of a batch that may not run nothing is touched.
    """
    batch = session.get_one(ReceiptBatch, (office_id, batch_id))
    found = session.scalars(
        select(ReceiptBatchItem)
        .where(
            ReceiptBatchItem.office_id == office_id,
            ReceiptBatchItem.batch_id == batch_id,
            ReceiptBatchItem.id.in_(items),
            ReceiptBatchItem.state == BatchItemState.WAITING,
        )
        .order_by(ReceiptBatchItem.position)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not found or batch.state is not BatchState.RUNNING:
        return
    wanted = [receipts.Wanted(item.submission_id, item.revision, item.id) for item in found]
    try:
        who = acting(session, office_id, batch.staff_id)
    except NotThere:
        issued, why = {}, dict.fromkeys((item.submission_id for item in found), NotIssued.NOT_THERE)
    else:
        issued = receipts.issue_each(session, who, wanted, demo=batch.demo)
        why = _why_not(session, office_id, [item.submission_id for item in found if item.submission_id not in issued])
    for item in found:
        if receipt := issued.get(item.submission_id):
            item.receipt_id = receipt.id
            item.move(BatchItemState.ISSUED)
        else:
            item.move(BatchItemState.REFUSED, why[item.submission_id])
    session.flush()


def _why_not(session: Session, office_id: UUID, submissions: Sequence[UUID]) -> dict[UUID, NotIssued]:
    if not submissions:
        return {}
    states = select(Submission.id, Submission.state).where(
        Submission.office_id == office_id, Submission.id.in_(submissions)
    )
    reasons = {State.RECEIPTED: NotIssued.ISSUED, State.ACCEPTED: NotIssued.CHANGED}
    return {one: reasons.get(state, NotIssued.TAKEN_BACK) for one, state in session.execute(states)}


def finish(session: Session, office_id: UUID, batch_id: UUID) -> dict[str, int] | None:
    """Close what has nothing left to issue, and promise its files; None if it is not so."""
    row = session.get_one(ReceiptBatch, (office_id, batch_id), with_for_update=True, populate_existing=True)
    if row.state is not BatchState.RUNNING or waiting(session, office_id, batch_id):
        return None
    row.done_at = clock.now()
    row.move(BatchState.ISSUED)
    session.flush()
    ends = {state.value: count for state, count in count_states(session, row).items() if count}
    journal.record(session, office_id, MACHINE, "batch.issued", batch_id, **ends)
    if ends.get(BatchItemState.ISSUED):
        bundle.begin(session, office_id, row.staff_id, batch_id=batch_id)
    return ends


def count_states(session: Session, row: ReceiptBatch) -> dict[BatchItemState, int]:
    """How many of its lines stand at each state."""
    counted = session.execute(
        select(ReceiptBatchItem.state, func.count())
        .where(ReceiptBatchItem.office_id == row.office_id, ReceiptBatchItem.batch_id == row.id)
        .group_by(ReceiptBatchItem.state)
    )
    return dict.fromkeys(BatchItemState, 0) | dict(counted.all())
