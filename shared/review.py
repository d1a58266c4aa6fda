"""The caseworker's decisions on one submission: take it, give it back, put it aside, ask again, accept, take back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from shared import clock, cover, journal, presence, second_look, told
from shared.drafts import files_of, filled_of, sent_version
from shared.errors import ChangedMeanwhile, NotThere, TakenByAnother, TooLateToUndo
from shared.filled import declared
from shared.intake import ask_again
from shared.model import (
    MACHINE,
    Actor,
    ActorKind,
    Claim,
    Correction,
    CorrectionItem,
    Household,
    Member,
    PortalAccount,
    StaffMember,
    State,
    Step,
    Submission,
    SubmissionVersion,
    Told,
)
from shared.rules.access import may_decide
from shared.rules.forms import form
from shared.sign_in import Staff

LEASE: Final = timedelta(minutes=20)
UNDO_WITHIN: Final = timedelta(seconds=30)
UNDOABLE: Final = (State.ACCEPTED, State.RETURNED, State.ON_HOLD, State.WAITING)
# Notes of steps that are no sentence of a colleague.
RELEASED, RAN_OUT, DAY_CAME, UNDONE = "released", "lease_ran_out", "day_came", "undone"


@dataclass(frozen=True)
class AskAgain:
    """What a caseworker asks for again. ``files`` and ``values`` map what to a reason's code and a detail in words."""

    seen: int  # the revision her screen showed
    attempt: UUID
    files: Mapping[UUID, tuple[str, str]] = field(default_factory=dict)
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    answer_by: date | None = None
    memo: str = ""


def open_for(session: Session, who: Staff, submission_id: UUID, *, lock: bool = False, wait: bool = True) -> Submission:
    """A submission this member of staff may see.

    :param wait: False: one that somebody else has locked just now is not there.
    :raises NotThere: for a draft, another office's, an unknown id, or a household she may not open.
    """
    query = (
        select(Submission, Household)
        .join(
            Household,
            (Household.office_id == Submission.office_id) & (Household.id == Submission.household_id),
        )
        .where(Submission.office_id == who.office_id, Submission.id == submission_id, Submission.state != State.DRAFT)
    )
    found = session.execute(query.with_for_update(of=Submission, skip_locked=not wait) if lock else query).one_or_none()
    if found is None:
        raise NotThere
    submission, household = found
    if not cover.may_open(session, who, household):
        raise NotThere
    return submission


def claim(session: Session, who: Staff, submission_id: UUID, *, wait: bool = True) -> Claim:
    """Take a submission under a lease, or renew one's own.

    :param wait: False for whoever holds the journal already: one that is locked just now is not there.
    :raises NotThere: for one she may not open.
    :raises TakenByAnother: while a colleague's lease runs.
    :raises ChangedMeanwhile: if there is nothing to review any more.
    """
    submission = open_for(session, who, submission_id, lock=True, wait=wait)
    lease = session.get(Claim, (who.office_id, submission_id), with_for_update=True)
    now = clock.now()
    if submission.state is State.IN_REVIEW and lease:
        if lease.staff_id == who.staff_id:
            lease.until, lease.handed_by = now + LEASE, None
            session.flush()
            return lease
        if lease.until > now:
            holder = session.get_one(StaffMember, (who.office_id, lease.staff_id))
            raise TakenByAnother(submission_id, holder.name, lease.taken_at, lease.until)
        step = submission.move(State.WAITING, MACHINE, note=RAN_OUT)
        session.delete(lease)
        session.flush()
        journal.record_step(session, step, "submission.released", version=submission.version_no, why=RAN_OUT)
    if submission.state is not State.WAITING or not may_decide(who.role):
        raise changed_meanwhile(session, submission)
    return _into_her_hands(session, who, submission, "submission.taken")


def _into_her_hands(session: Session, who: Staff, submission: Submission, event: str, *, note: str = "") -> Claim:
    step = submission.move(State.IN_REVIEW, Actor.staff(who.staff_id), note=note)
    now = clock.now()
    lease = Claim(
        office_id=who.office_id,
        submission_id=submission.id,
        staff_id=who.staff_id,
        taken_at=now,
        until=now + LEASE,
    )
    session.add(lease)
    session.flush()
    journal.record_step(session, step, event, version=submission.version_no)
    return lease


def release(session: Session, who: Staff, submission_id: UUID, *, attempt: UUID | None = None) -> None:
    """Give a submission back to the queue. Somebody else's is left alone; twice is once.

    :raises ChangedMeanwhile: if the same form's step was taken back.
    """
    submission = open_for(session, who, submission_id, lock=True)
    if attempt and done_by(session, submission, attempt):
        return
    lease = session.get(Claim, (who.office_id, submission_id))
    if submission.state is State.IN_REVIEW and lease and lease.staff_id == who.staff_id:
        step = submission.move(State.WAITING, Actor.staff(who.staff_id), note=RELEASED, attempt=attempt)
        session.delete(lease)
        session.flush()
        journal.record_step(session, step, "submission.released", version=submission.version_no)


def hold(
    session: Session, who: Staff, submission_id: UUID, *, until: date, reason: str, seen: int, attempt: UUID
) -> Submission:
    """保留: put it aside, for a reason, until a day on which it comes back by itself. A second tap does nothing more.

    The person goes on reading that staff look at it. A new version of hers brings it back at once.

    :raises ChangedMeanwhile: if it is no longer as the screen showed it.
    :raises ValueError: without a reason, or for a day that is not to come.
    """
    submission = open_for(session, who, submission_id, lock=True)
    if done_by(session, submission, attempt):
        return submission
    still_hers(session, who, submission, seen)
    if not reason.strip() or until <= clock.today():
        raise ValueError("nothing is put aside without a reason, or until a day that has come")
    actor = Actor.staff(who.staff_id)
    step = submission.move(State.ON_HOLD, actor, note=reason.strip(), until=until, attempt=attempt)
    _close_lease(session, submission)
    journal.record_step(session, step, "submission.held", version=submission.version_no, until=until.isoformat())
    return submission


def resume(session: Session, who: Staff, submission_id: UUID) -> Claim:
    """Take up before its day what was put aside; what has come back meanwhile is taken like any other.

    :raises TakenByAnother: if a colleague was quicker.
    :raises ChangedMeanwhile: if there is nothing to review any more.
    """
    submission = open_for(session, who, submission_id, lock=True)
    if submission.state is State.ON_HOLD and may_decide(who.role):
        return _into_her_hands(session, who, submission, "submission.taken")
    return claim(session, who, submission_id)


def bring_back(session: Session) -> int:
    """Put what was put aside until today among what waits, in every office. Returns how many; twice is once."""
    later = aliased(Step)
    has_later = exists().where(
        later.office_id == Step.office_id,
        later.submission_id == Step.submission_id,
        later.became == State.ON_HOLD,
        later.id > Step.id,
    )
    due = session.scalars(
        select(Submission)
        .join(Step, (Step.office_id == Submission.office_id) & (Step.submission_id == Submission.id))
        .where(
            Submission.state == State.ON_HOLD,
            Step.became == State.ON_HOLD,
            Step.until <= clock.today(),
            ~has_later,
        )
        .with_for_update(of=Submission, skip_locked=True)
    ).all()
    for submission in sorted(due, key=lambda one: one.office_id):  # the journals are locked in one order
        step = submission.move(State.WAITING, MACHINE, note=DAY_CAME)
        journal.record_step(session, step, "submission.came_back", version=submission.version_no)
    return len(due)


def accept(session: Session, who: Staff, submission_id: UUID, *, seen: int, attempt: UUID) -> Submission:
    """受理: the papers are in order; a clerk now owes a receipt. A second tap does nothing more.

    :raises ChangedMeanwhile: if it is no longer as the screen showed it.
    """
    submission = open_for(session, who, submission_id, lock=True)
    if done_by(session, submission, attempt):
        return submission
    still_hers(session, who, submission, seen)
    step = submission.move(State.ACCEPTED, Actor.staff(who.staff_id), attempt=attempt)
    _close_lease(session, submission)
    journal.record_step(session, step, "submission.accepted", version=submission.version_no)
    second_look.draw(session, who, submission)
    return submission


def send_back(session: Session, who: Staff, submission_id: UUID, asked: AskAgain) -> Submission:
    """なおしてもらう: ask for files or values again. The arrival stays. A second tap does nothing more.

    :raises ChangedMeanwhile: if it is no longer as the screen showed it.
    :raises ValueError: for nothing asked, a file that is not in the version, an unknown field or an unknown reason.
    """
    submission = open_for(session, who, submission_id, lock=True)
    if done_by(session, submission, asked.attempt):
        return submission
    still_hers(session, who, submission, asked.seen)
    version = sent_version(session, submission)
    known = {file.id for file in files_of(session, version)}
    if (
        not (asked.files or asked.values)
        or asked.files.keys() - known
        or set(asked.values) - _values(session, submission, version)
    ):
        raise ValueError("nothing to ask for, or something that is not in this version")
    items = [
        CorrectionItem(file_id=file_id, reason=reason, detail=detail)
        for file_id, (reason, detail) in asked.files.items()
    ]
    items += [
        CorrectionItem(value=value, reason=reason, detail=detail) for value, (reason, detail) in asked.values.items()
    ]
    _close_lease(session, submission)
    ask_again(
        session,
        submission,
        version,
        items,
        by=Actor.staff(who.staff_id),
        answer_by=asked.answer_by,
        memo=asked.memo,
        attempt=asked.attempt,
    )
    return submission


def undo(
    session: Session, who: Staff, submission_id: UUID, *, attempt: UUID, within: timedelta = UNDO_WITHIN
) -> Submission:
    """Take back one's own decision of just now; the submission lies in one's hands again. Twice is once.

    The history keeps both steps. A correction that was asked for is taken back with it: she is not asked any more.

    :param attempt: the id of the form that made the decision.
    :raises TooLateToUndo: after ``within``, or once anybody has done anything with it.
    """
    submission = open_for(session, who, submission_id, lock=True)
    last, *before = session.scalars(
        select(Step)
        .where(Step.office_id == submission.office_id, Step.submission_id == submission.id)
        .order_by(Step.id.desc())
        .limit(2)
    )
    if _takes_back(last) and last.actor_id == who.staff_id and before and before[0].attempt == attempt:
        return submission
    if (
        last.attempt != attempt
        or last.actor_id != who.staff_id
        or not _can_be_undone(session, submission, last, within)
    ):
        raise TooLateToUndo
    if last.became is State.RETURNED:
        _standing(session, submission).taken_back_at = clock.now()
    if last.handed_to is not None:
        told.untell(session, last.handed_to, Told.HANDED, submission)
        _close_lease(session, submission)
    if last.became is State.ACCEPTED:
        second_look.drop(session, submission)
    _into_her_hands(session, who, submission, "decision.undone", note=UNDONE)
    return submission


def _can_be_undone(session: Session, submission: Submission, step: Step, within: timedelta) -> bool:
    """Whether a step is a decision of just now, and the person has not begun to answer it."""
    answer = select(SubmissionVersion.id).where(
        SubmissionVersion.office_id == submission.office_id,
        SubmissionVersion.submission_id == submission.id,
        SubmissionVersion.no > submission.version_no,
        SubmissionVersion.created_at >= step.at,
    )
    return (
        step.was is State.IN_REVIEW
        and (step.became in UNDOABLE or _lies_untouched(session, submission, step))
        and clock.now() - step.at <= within
        and session.scalar(answer.limit(1)) is None
    )


def _lies_untouched(session: Session, submission: Submission, step: Step) -> bool:
    """Whether what was handed over lies with its receiver, who has not looked at it since."""
    lease, to = session.get(Claim, (submission.office_id, submission.id)), step.handed_to
    if to is None or lease is None or lease.staff_id != to or lease.handed_by is None:
        return False
    return not presence.has_looked(session, submission.office_id, submission.id, to, since=clock.now() - step.at)


def _standing(session: Session, submission: Submission) -> Correction:
    """What the person is asked for about the version she has sent."""
    return session.scalars(
        select(Correction).where(
            Correction.office_id == submission.office_id,
            Correction.version_id == sent_version(session, submission).id,
            Correction.taken_back_at.is_(None),
        )
    ).one()


def _values(session: Session, submission: Submission, version: SubmissionVersion) -> set[str]:
    """What of a version can be asked for again."""
    answers = filled_of(session, version).answers
    return {place.id for place, _ in form.places(declared(session, submission), answers)}


def done_by(session: Session, submission: Submission, attempt: UUID) -> bool:
    """Whether an earlier tap of the same form has taken its step already.

    :raises ChangedMeanwhile: if it has, and that was taken back.
    """
    of_it = (Step.office_id == submission.office_id) & (Step.submission_id == submission.id)
    done = session.scalar(select(Step.id).where(of_it, Step.attempt == attempt))
    if done is None:
        return False
    after = session.scalar(select(Step).where(of_it, Step.id > done).order_by(Step.id).limit(1))
    if after is not None and _takes_back(after):
        raise changed_meanwhile(session, submission)
    return True


def _takes_back(step: Step) -> bool:
    return step.became is State.IN_REVIEW and step.note == UNDONE and step.handed_to is None


def still_hers(session: Session, who: Staff, submission: Submission, seen: int) -> None:
    """:raises ChangedMeanwhile: if it is in her hands no more, or no longer as the screen showed it."""
    lease = session.get(Claim, (submission.office_id, submission.id))
    hers = lease is not None and lease.staff_id == who.staff_id
    if submission.state is not State.IN_REVIEW or submission.revision != seen or not hers:
        raise changed_meanwhile(session, submission)


def nobody_elses(session: Session, who: Staff, submission_id: UUID) -> None:
    """What she begins from a page on which it was hers must not cross a colleague's work.

    :raises TakenByAnother: while a colleague's lease runs.
    """
    lease = session.get(Claim, (who.office_id, submission_id))
    if lease is not None and lease.staff_id != who.staff_id and lease_runs(lease, clock.now()):
        holder = session.get_one(StaffMember, (who.office_id, lease.staff_id))
        raise TakenByAnother(submission_id, holder.name, lease.taken_at, lease.until)


def _close_lease(session: Session, submission: Submission) -> None:
    lease = session.get(Claim, (submission.office_id, submission.id))
    if lease:
        session.delete(lease)
    session.flush()


def changed_meanwhile(session: Session, submission: Submission) -> ChangedMeanwhile:
    """The last step as an error that says who did what, and when."""
    step = session.scalars(
        select(Step)
        .where(Step.office_id == submission.office_id, Step.submission_id == submission.id)
        .where(or_(Step.was != State.ARRIVED, Step.actor_kind != ActorKind.MACHINE))  # it only follows an arrival
        .order_by(Step.id.desc())
        .limit(1)
    ).one_or_none()
    who, at = ("", None) if step is None else (name_of(session, step), step.at)
    return ChangedMeanwhile(submission.id, submission.state.value, who, at)


def name_of(session: Session, step: Step) -> str:
    """Who took a step, by name; empty for the machine."""
    match step.actor_kind:
        case ActorKind.STAFF:
            return session.get_one(StaffMember, (step.office_id, step.actor_id)).name
        case ActorKind.RECIPIENT:
            account = session.get_one(PortalAccount, (step.office_id, step.actor_id))
            return session.get_one(Member, (step.office_id, account.member_id)).name
        case ActorKind.MACHINE:
            return ""


def lease_runs(lease: Claim | None, now: datetime) -> bool:
    """Whether a lease still keeps others out."""
    return lease is not None and lease.until > now
