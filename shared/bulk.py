"""まとめて: one act on many things of the queue. Chosen and counted first, then done by the worker, then taken back.

What is done is the list that was counted, never one asked for anew. Each thing is its own transaction with the person
as the one who acts, under the same rules as by hand; its row is the attempt of its step, so a job that is killed or
runs twice does each once. What is refused says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, and_, delete, exists, func, select
from sqlalchemy.orm import Session

from shared import clock, journal, review, upkeep
from shared.errors import ChangedMeanwhile, NotThere, TakenByAnother, TooLateToUndo
from shared.model import (
    LAST_SENT,
    MACHINE,
    Actor,
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
    Member,
    Result,
    StaffMember,
    State,
    Step,
    StoredFile,
    Submission,
    SubmissionVersion,
    Task,
    VersionFile,
    Why,
    WorkerSighting,
    new_id,
)
from shared.outbox import promise
from shared.queue import OPEN, Scope, visible
from shared.session import in_turn
from shared.sign_in import Staff, acting

MOST: Final = 500  # things of one act
UNDO_WITHIN: Final = timedelta(minutes=10)  # after the last of them was done
_EVER: Final = timedelta.max  # the person has asked in time; how long the worker takes is not her affair


@dataclass(frozen=True)
class ItemRow:
    """One of them."""

    submission_id: UUID
    number: str
    member: str
    kind: DutyKind
    month: date
    state: BulkItemState
    why: Why | None
    opens: bool  # whether the person may still open it


@dataclass(frozen=True)
class BulkRow:
    """How it stands. Lists are in the order of the queue."""

    id: UUID
    act: BulkAct
    state: BulkState
    matched: int
    until: date | None
    reason: str
    done_at: datetime | None
    items: list[ItemRow]
    stuck: bool  # the worker gave up; somebody may let it go on
    worker_away: bool

    def at(self, *states: BulkItemState) -> list[ItemRow]:
        """Those that stand at one of ``states``."""
        return [item for item in self.items if item.state in states]

    @property
    def undo_until(self) -> datetime | None:
        """Until when it may be taken back; None if not now."""
        if self.state is not BulkState.DONE or self.done_at is None or not self.at(BulkItemState.DONE):
            return None
        until = self.done_at + UNDO_WITHIN
        return until if clock.now() < until else None


@dataclass(frozen=True)
class Progress:
    """How far it is: ``done`` of ``of``."""

    state: BulkState
    done: int
    of: int


def choose(session: Session, who: Staff, act: BulkAct, ids: Sequence[UUID], *, matched: int, attempt: UUID) -> Bulk:
    """Freeze a choice, and look at each what is known already. Nothing happens to any of them.

    A second tap finds the first; an older choice that was never started goes.

    :param ids: of open submissions, in the order of the list; those she may not open are no part of it.
    :param matched: how many were wanted, of which ``ids`` may be the first.
    """
    in_turn(session, StaffMember, who.office_id, who.staff_id)
    twin = session.scalars(select(Bulk).where(Bulk.office_id == who.office_id, Bulk.attempt == attempt)).one_or_none()
    if twin:
        return twin
    _forget(session, who)
    row = Bulk(
        office_id=who.office_id,
        staff_id=who.staff_id,
        attempt=attempt,
        act=act,
        state=BulkState.CHOSEN,
        matched=matched,
        reason="",
    )
    session.add(row)
    session.flush()
    found = _submissions(session, who, list(dict.fromkeys(ids))[:MOST])
    why = _why_not(session, who, act, found)
    session.add_all(
        BulkItem(
            office_id=who.office_id,
            bulk_id=row.id,
            submission_id=one.id,
            position=position,
            version_no=one.version_no,
            state=BulkItemState.REFUSED if one.id in why else BulkItemState.WAITING,
            why=why.get(one.id),
        )
        for position, one in enumerate(found)
    )
    session.flush()
    return row


def _forget(session: Session, who: Staff) -> None:
    """Choices of hers that were never started: no trace of them is owed to anybody."""
    hers = select(Bulk.id).where(
        Bulk.office_id == who.office_id, Bulk.staff_id == who.staff_id, Bulk.state == BulkState.CHOSEN
    )
    old = session.scalars(hers.with_for_update()).all()  # one that is being started is waited for, and is none of them
    session.execute(delete(BulkItem).where(BulkItem.office_id == who.office_id, BulkItem.bulk_id.in_(old)))
    session.execute(delete(Bulk).where(Bulk.office_id == who.office_id, Bulk.id.in_(old)))


def _submissions(session: Session, who: Staff, ids: Sequence[UUID]) -> list[Submission]:
    rows = session.scalars(
        select(Submission)
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .where(
            Submission.office_id == who.office_id,
            Submission.id.in_(ids),
            Submission.state != State.DRAFT,
            visible(who, Scope.ALL),
        )
    )
    found = {row.id: row for row in rows}
    return [found[one] for one in ids if one in found]


def _why_not(session: Session, who: Staff, act: BulkAct, rows: Iterable[Submission]) -> dict[UUID, Why]:
    """Which of them cannot be done, and the first reason why."""
    rows = list(rows)
    ids = [row.id for row in rows]
    leases = {
        lease.submission_id: lease
        for lease in session.scalars(
            select(Claim).where(Claim.office_id == who.office_id, Claim.submission_id.in_(ids))
        )
    }
    unsafe = _without_safe_copies(session, who, ids) if act is BulkAct.ACCEPT else set()
    differ = _with_a_check_that_fails(session, who, ids) if act is BulkAct.ACCEPT else set()
    found: dict[UUID, Why] = {}
    for row in rows:
        lease = leases.get(row.id) if row.state is State.IN_REVIEW else None
        mine = lease is not None and lease.staff_id == who.staff_id
        taken = lease is not None and not mine and review.lease_runs(lease, clock.now())
        why = (
            Why.TAKEN
            if taken
            else _about_itself(row, act, mine=mine, unsafe=row.id in unsafe, differs=row.id in differ)
        )
        if why:
            found[row.id] = why
    return found


def _about_itself(row: Submission, act: BulkAct, *, mine: bool, unsafe: bool, differs: bool) -> Why | None:
    """What about a thing itself wants a person to look at it alone."""
    if row.state not in OPEN:
        return Why.DECIDED
    if act is BulkAct.GIVE_BACK:
        return None if mine or row.state is State.ON_HOLD else Why.NOT_HELD
    for is_so, why in (
        (row.urgent, Why.URGENT),
        (row.wants_call, Why.CALL),
        (row.kind is DutyKind.MESSAGE and act is BulkAct.ACCEPT, Why.MESSAGE),
        (row.state is State.ON_HOLD, Why.HELD),
        (unsafe, Why.FILES),
        (differs, Why.CHECKS),
    ):
        if is_so:
            return why
    return None


def _with_a_check_that_fails(session: Session, who: Staff, ids: Sequence[UUID]) -> set[UUID]:
    """Which of them have a check that did not pass and that nobody has overridden."""
    found = session.scalars(
        select(Submission.id)
        .join(SubmissionVersion, LAST_SENT)
        .join(Check, and_(Check.office_id == SubmissionVersion.office_id, Check.version_id == SubmissionVersion.id))
        .where(
            Submission.office_id == who.office_id,
            Submission.id.in_(ids),
            Check.result == Result.FAIL,
            Check.overridden_by.is_(None),
        )
    )
    return set(found)


def _without_safe_copies(session: Session, who: Staff, ids: Sequence[UUID]) -> set[UUID]:
    """Which of them have a file that nobody could have looked at."""
    of_it = and_(VersionFile.office_id == SubmissionVersion.office_id, VersionFile.version_id == SubmissionVersion.id)
    its_file = and_(StoredFile.office_id == VersionFile.office_id, StoredFile.id == VersionFile.file_id)
    found = session.scalars(
        select(Submission.id)
        .join(SubmissionVersion, LAST_SENT)
        .join(VersionFile, of_it)
        .join(StoredFile, its_file)
        .where(Submission.office_id == who.office_id, Submission.id.in_(ids), StoredFile.state != FileState.SAFE)
    )
    return set(found)


def drop(session: Session, who: Staff, bulk_id: UUID) -> bool:
    """Think better of it before anything has happened. Twice is once.

    :returns: whether nothing has happened; what was started is left alone.
    """
    row = session.get(Bulk, (who.office_id, bulk_id), with_for_update=True, populate_existing=True)
    if row is None or row.staff_id != who.staff_id:
        return True
    if row.state is not BulkState.CHOSEN:
        return False
    _forget(session, who)
    return True


def start(session: Session, who: Staff, bulk_id: UUID, *, until: date | None = None, reason: str = "") -> Bulk:
    """Promise the work. A second tap does nothing more.

    :param until: the day a hold ends, with its ``reason``.
    :raises NotThere: for one that is not hers, or was given up for another choice.
    :raises ValueError: for a hold without a reason or a day to come, or if nothing is left to do.
    """
    row = _locked(session, who, bulk_id)
    if row.state is not BulkState.CHOSEN:
        return row
    if row.act is BulkAct.HOLD:
        if not reason.strip() or until is None or until <= clock.today():
            raise ValueError("nothing is put aside without a reason, or until a day that has come")
        row.until, row.reason = until, reason.strip()
    left = waiting(session, who.office_id, bulk_id)
    if not left:
        raise ValueError("nothing is left to do")
    row.move(BulkState.RUNNING)
    session.flush()
    promise(session, who.office_id, Job.BULK, row.id)
    journal.record(
        session, who.office_id, Actor.staff(who.staff_id), "bulk.started", row.id, act=row.act.value, count=len(left)
    )
    return row


def undo(session: Session, who: Staff, bulk_id: UUID) -> Bulk:
    """Promise to take all of it back, where nobody has gone on from it. A second tap does nothing more.

    :raises NotThere: for one that is not hers.
    :raises TooLateToUndo: ten minutes after the last one was done, or if none was.
    """
    row = _locked(session, who, bulk_id)
    if row.state in (BulkState.UNDOING, BulkState.UNDONE):
        return row
    to_undo = done(session, who.office_id, bulk_id)
    if row.done_at is None or clock.now() >= row.done_at + UNDO_WITHIN or not to_undo:
        raise TooLateToUndo
    row.move(BulkState.UNDOING)
    session.flush()
    promise(session, who.office_id, Job.UNDO_BULK, row.id)
    by = Actor.staff(who.staff_id)
    journal.record(session, who.office_id, by, "bulk.undo_started", row.id, count=len(to_undo))
    return row


def go_on(session: Session, who: Staff, bulk_id: UUID) -> Bulk:
    """Promise the work again after it was given up. Otherwise nothing happens.

    :raises NotThere: for one that is not hers.
    """
    row = _locked(session, who, bulk_id)
    task = session.scalar(_task(row).with_for_update())
    if task and task.gave_up_at and row.state in (BulkState.RUNNING, BulkState.UNDOING):
        task.gave_up_at, task.held_until, task.tries, task.send_after = None, None, 0, clock.now()
        session.flush()
    return row


def _locked(session: Session, who: Staff, bulk_id: UUID) -> Bulk:
    row = session.get(Bulk, (who.office_id, bulk_id), with_for_update=True, populate_existing=True)
    if row is None or row.staff_id != who.staff_id:
        raise NotThere
    return row


def _task(row: Bulk) -> Select[Task]:
    job = Job.UNDO_BULK if row.state in (BulkState.UNDOING, BulkState.UNDONE) else Job.BULK
    return select(Task).where(Task.office_id == row.office_id, Task.job == job, Task.subject_id == row.id)


# ---- what the worker does ----


def waiting(session: Session, office_id: UUID, bulk_id: UUID) -> list[UUID]:
    """The things that are still to be done, in the order of the queue."""
    return _at(session, office_id, bulk_id, BulkItemState.WAITING)


def done(session: Session, office_id: UUID, bulk_id: UUID) -> list[UUID]:
    """The things that were done and not taken back, the last one first."""
    return _at(session, office_id, bulk_id, BulkItemState.DONE)[::-1]


def is_at(session: Session, office_id: UUID, bulk_id: UUID, state: BulkState) -> bool:
    """Whether the worker has something to do there."""
    return session.get_one(Bulk, (office_id, bulk_id)).state is state


def _at(session: Session, office_id: UUID, bulk_id: UUID, state: BulkItemState) -> list[UUID]:
    found = select(BulkItem.id).where(
        BulkItem.office_id == office_id, BulkItem.bulk_id == bulk_id, BulkItem.state == state
    )
    return list(session.scalars(found.order_by(BulkItem.position)))


def do_one(session: Session, office_id: UUID, item_id: UUID) -> None:
    """Do one of them, or write down why not. Of one that has met its end nothing is touched."""
    item = session.get_one(BulkItem, (office_id, item_id), with_for_update=True, populate_existing=True)
    if item.state is not BulkItemState.WAITING:
        return
    bulk = session.get_one(Bulk, (office_id, item.bulk_id))
    try:
        with session.begin_nested():
            was = _do(session, acting(session, bulk.office_id, bulk.staff_id), bulk, item)
    except _Refused as refused:
        item.move(BulkItemState.REFUSED, refused.why)
    except NotThere:
        item.move(BulkItemState.REFUSED, Why.NOT_THERE)
    except TakenByAnother:
        item.move(BulkItemState.REFUSED, Why.TAKEN)
    except ChangedMeanwhile:
        item.move(BulkItemState.REFUSED, Why.DECIDED)
    else:
        item.was = was
        item.move(BulkItemState.DONE)
    session.flush()


class _Refused(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def _do(session: Session, who: Staff, bulk: Bulk, item: BulkItem) -> State:
    """Returns where it stood before."""
    row = review.open_for(session, who, item.submission_id, lock=True)
    if row.version_no != item.version_no:
        raise _Refused(Why.NEWER)
    why = _why_not(session, who, bulk.act, [row]).get(row.id)
    if why:
        raise _Refused(why)
    lease = session.get(Claim, (who.office_id, row.id))
    in_hand = row.state is not State.IN_REVIEW or (lease is not None and lease.staff_id == who.staff_id)
    was = row.state if in_hand else State.WAITING  # a colleague's lease had run out: nobody had it
    match bulk.act:
        case BulkAct.ACCEPT:
            review.claim(session, who, row.id)
            review.accept(session, who, row.id, seen=row.revision, attempt=item.id)
        case BulkAct.HOLD:
            review.claim(session, who, row.id)
            _hold(session, who, row, bulk.until, bulk.reason, attempt=item.id)
        case BulkAct.GIVE_BACK:
            review.resume(session, who, row.id)
            review.release(session, who, row.id, attempt=item.id)
    return was


def _hold(session: Session, who: Staff, row: Submission, until: date | None, reason: str, *, attempt: UUID) -> None:
    if until is None or until <= clock.today():  # the worker was away for so long that its day has come
        raise _Refused(Why.MOVED_ON)
    review.hold(session, who, row.id, until=until, reason=reason, seen=row.revision, attempt=attempt)


def undo_one(session: Session, office_id: UUID, item_id: UUID) -> None:
    """Take one of them back to where it was, or write down why it stays. One that was not done is left alone."""
    item = session.get_one(BulkItem, (office_id, item_id), with_for_update=True, populate_existing=True)
    if item.state is not BulkItemState.DONE:
        return
    bulk = session.get_one(Bulk, (office_id, item.bulk_id))
    try:
        with session.begin_nested():
            _undo(session, acting(session, bulk.office_id, bulk.staff_id), item)
    except NotThere:
        item.move(BulkItemState.KEPT, Why.NOT_THERE)
    except (TooLateToUndo, ChangedMeanwhile, TakenByAnother):
        item.move(BulkItemState.KEPT, Why.MOVED_ON)
    else:
        item.move(BulkItemState.UNDONE)
    session.flush()


def _undo(session: Session, who: Staff, item: BulkItem) -> None:
    row = review.undo(session, who, item.submission_id, attempt=item.id, within=_EVER)
    if item.was is State.IN_REVIEW:  # she had it in hand before
        return
    aside = _put_aside(session, row) if item.was is State.ON_HOLD else None
    if aside and aside.until and aside.until > clock.today():
        review.hold(session, who, row.id, until=aside.until, reason=aside.note, seen=row.revision, attempt=new_id())
    else:
        review.release(session, who, row.id)


def _put_aside(session: Session, row: Submission) -> Step | None:
    """The step by which it was last put aside."""
    last = (
        select(Step)
        .where(Step.office_id == row.office_id, Step.submission_id == row.id, Step.became == State.ON_HOLD)
        .order_by(Step.id.desc())
        .limit(1)
    )
    return session.scalar(last)


def finish(session: Session, office_id: UUID, bulk_id: UUID) -> dict[str, int] | None:
    """Close what has nothing left to do, and write the counts into the journal; None if it is not so."""
    row = session.get_one(Bulk, (office_id, bulk_id), with_for_update=True, populate_existing=True)
    if row.state is BulkState.RUNNING and not waiting(session, office_id, bulk_id):
        row.done_at = clock.now()
        row.move(BulkState.DONE)
    elif row.state is BulkState.UNDOING and not done(session, office_id, bulk_id):
        row.move(BulkState.UNDONE)
    else:
        return None
    session.flush()
    ends = _ends(session, row)
    journal.record(session, office_id, MACHINE, f"bulk.{row.state.value}", bulk_id, **ends)
    return ends


def _ends(session: Session, row: Bulk) -> dict[str, int]:
    counted = session.execute(
        select(BulkItem.state, func.count())
        .where(BulkItem.office_id == row.office_id, BulkItem.bulk_id == row.id)
        .group_by(BulkItem.state)
        .order_by(BulkItem.state)
    )
    return {state.value: count for state, count in counted}


# ---- for show ----


def show(session: Session, who: Staff, bulk_id: UUID) -> BulkRow:
    """How one's own stands.

    :raises NotThere: for somebody else's.
    """
    row = _own(session, who, bulk_id)
    found = session.execute(
        select(BulkItem, Submission, Member.name, visible(who, Scope.ALL))
        .join(Submission, and_(Submission.office_id == BulkItem.office_id, Submission.id == BulkItem.submission_id))
        .join(Member, and_(Member.office_id == Submission.office_id, Member.id == Submission.member_id))
        .join(Household, and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id))
        .where(BulkItem.office_id == who.office_id, BulkItem.bulk_id == bulk_id)
        .order_by(BulkItem.position)
    )
    task = session.scalar(_task(row))
    return BulkRow(
        id=row.id,
        act=row.act,
        state=row.state,
        matched=row.matched,
        until=row.until,
        reason=row.reason,
        done_at=row.done_at,
        items=[
            ItemRow(one.id, one.number or "", member, one.kind, one.month, item.state, item.why, opens)
            for item, one, member, opens in found
        ],
        stuck=task is not None and task.gave_up_at is not None,
        worker_away=_worker_away(session),
    )


def progress(session: Session, who: Staff, bulk_id: UUID) -> Progress:
    """How far one's own is, for a page that asks every second.

    :raises NotThere: for somebody else's.
    """
    row = _own(session, who, bulk_id)
    ends = _ends(session, row)
    left = ends.get(BulkItemState.DONE if row.state is BulkState.UNDOING else BulkItemState.WAITING, 0)
    undoing = row.state in (BulkState.UNDOING, BulkState.UNDONE)
    of = sum(ends.values()) - (ends.get(BulkItemState.REFUSED, 0) if undoing else 0)
    return Progress(row.state, of - left, of)


def _own(session: Session, who: Staff, bulk_id: UUID) -> Bulk:
    row = session.get(Bulk, (who.office_id, bulk_id))
    if row is None or row.staff_id != who.staff_id:
        raise NotThere
    return row


def _worker_away(session: Session) -> bool:
    lives = exists().where(WorkerSighting.seen_at > clock.now() - upkeep.AWAY)
    return not session.scalar(select(lives))
