"""The caseworker's decisions on one submission: take it, give it back, ask again, accept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.drafts import files_of, filled_of, sent_version
from shared.errors import ChangedMeanwhile, NotThere, TakenByAnother
from shared.filled import declared
from shared.intake import ask_again
from shared.model import (
    MACHINE,
    Actor,
    ActorKind,
    Claim,
    CorrectionItem,
    Household,
    Member,
    PortalAccount,
    Reason,
    StaffMember,
    State,
    Step,
    Submission,
    SubmissionVersion,
)
from shared.rules.access import may_decide, may_open
from shared.rules.forms import form
from shared.sign_in import Staff

LEASE: Final = timedelta(minutes=20)


@dataclass(frozen=True)
class AskAgain:
    """What a caseworker asks for again. ``files`` and ``values`` map what to why; each has a detail in words."""

    seen: int  # the revision her screen showed
    attempt: UUID
    files: dict[UUID, tuple[Reason, str]] = field(default_factory=dict)
    values: dict[str, tuple[Reason, str]] = field(default_factory=dict)
    answer_by: date | None = None
    memo: str = ""


def open_for(session: Session, who: Staff, submission_id: UUID, *, lock: bool = False) -> Submission:
    """A submission this member of staff may see.

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
    found = session.execute(query.with_for_update(of=Submission) if lock else query).one_or_none()
    if found is None:
        raise NotThere
    submission, household = found
    if not may_open(who.role, who.staff_id, caseworker_id=household.caseworker_id, protected=household.protected):
        raise NotThere
    return submission


def claim(session: Session, who: Staff, submission_id: UUID) -> Claim:
    """Take a submission under a lease, or renew one's own.

    :raises TakenByAnother: while a colleague's lease runs.
    :raises ChangedMeanwhile: if there is nothing to review any more.
    """
    submission = open_for(session, who, submission_id, lock=True)
    lease = session.get(Claim, (who.office_id, submission_id), with_for_update=True)
    now = clock.now()
    if submission.state is State.IN_REVIEW and lease:
        if lease.staff_id == who.staff_id:
            lease.until = now + LEASE
            session.flush()
            return lease
        if lease.until > now:
            holder = session.get_one(StaffMember, (who.office_id, lease.staff_id))
            raise TakenByAnother(submission_id, holder.name, lease.taken_at, lease.until)
        submission.move(State.WAITING, MACHINE, note="lease_ran_out")
        session.delete(lease)
        session.flush()
    if submission.state is not State.WAITING or not may_decide(who.role):
        raise changed_meanwhile(session, submission)
    submission.move(State.IN_REVIEW, Actor.staff(who.staff_id))
    lease = Claim(
        office_id=who.office_id,
        submission_id=submission_id,
        staff_id=who.staff_id,
        taken_at=now,
        until=now + LEASE,
    )
    session.add(lease)
    session.flush()
    return lease


def release(session: Session, who: Staff, submission_id: UUID) -> None:
    """Give a submission back to the queue. Somebody else's is left alone; twice is once."""
    submission = open_for(session, who, submission_id, lock=True)
    lease = session.get(Claim, (who.office_id, submission_id))
    if submission.state is State.IN_REVIEW and lease and lease.staff_id == who.staff_id:
        submission.move(State.WAITING, Actor.staff(who.staff_id), note="released")
        session.delete(lease)
        session.flush()


def accept(session: Session, who: Staff, submission_id: UUID, *, seen: int, attempt: UUID) -> Submission:
    """受理: the papers are in order; a clerk now owes a receipt. A second tap does nothing more.

    :raises ChangedMeanwhile: if it is no longer as the screen showed it.
    """
    submission = open_for(session, who, submission_id, lock=True)
    if done_by(session, submission, attempt):
        return submission
    _still_hers(session, who, submission, seen)
    submission.move(State.ACCEPTED, Actor.staff(who.staff_id), attempt=attempt)
    _close_lease(session, submission)
    journal.record(
        session,
        who.office_id,
        Actor.staff(who.staff_id),
        "submission.accepted",
        submission.id,
        version=submission.version_no,
    )
    return submission


def send_back(session: Session, who: Staff, submission_id: UUID, asked: AskAgain) -> Submission:
    """なおしてもらう: ask for files or values again. The arrival stays. A second tap does nothing more.

    :raises ChangedMeanwhile: if it is no longer as the screen showed it.
    :raises ValueError: for nothing asked, a file that is not in the version, or an unknown field.
    """
    submission = open_for(session, who, submission_id, lock=True)
    if done_by(session, submission, asked.attempt):
        return submission
    _still_hers(session, who, submission, asked.seen)
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


def _values(session: Session, submission: Submission, version: SubmissionVersion) -> set[str]:
    """What of a version can be asked for again."""
    answers = filled_of(session, version).answers
    return {place.id for place, _ in form.places(declared(session, submission), answers)}


def done_by(session: Session, submission: Submission, attempt: UUID) -> bool:
    """Whether an earlier tap of the same form has taken its step already."""
    return (
        session.scalar(
            select(Step.id).where(
                Step.office_id == submission.office_id,
                Step.submission_id == submission.id,
                Step.attempt == attempt,
            )
        )
        is not None
    )


def _still_hers(session: Session, who: Staff, submission: Submission, seen: int) -> None:
    lease = session.get(Claim, (submission.office_id, submission.id))
    hers = lease is not None and lease.staff_id == who.staff_id
    if submission.state is not State.IN_REVIEW or submission.revision != seen or not hers:
        raise changed_meanwhile(session, submission)


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
