"""From one pair of hands to another: ask for what a colleague has, give it, hand it over, take it over.

Every change of hands is a step of the submission, taken while its row is locked: of two who want it at once one has it,
and the other one reads who.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from shared import clock, cover, journal, review, told
from shared.errors import NotThere
from shared.model import (
    Actor,
    Claim,
    ClaimWish,
    Household,
    StaffMember,
    State,
    Submission,
    Told,
    new_id,
)
from shared.review import LEASE
from shared.rules.access import may_decide, only_for_supervisors
from shared.sign_in import Staff

KEPT_FOR_HER: Final = timedelta(hours=4)  # what was handed over stays hers that long, be she on a visit or at lunch
RENEW_EVERY: Final = timedelta(minutes=2)  # a lease is not written anew at each sign of life
LONGEST: Final = 200  # characters of a reason or of what goes with a hand-over


@dataclass(frozen=True)
class WishRow:
    """Somebody would like to have it. ``kept``: the holder said that she still needs it."""

    staff_id: UUID
    name: str
    at: datetime
    kept: bool


def wants_renewal(session: Session, who: Staff, submission_id: UUID) -> bool:
    """Whether her own lease has run for a while."""
    late = clock.now() + LEASE - RENEW_EVERY
    return bool(
        session.scalar(
            select(
                exists().where(
                    Claim.office_id == who.office_id,
                    Claim.submission_id == submission_id,
                    Claim.staff_id == who.staff_id,
                    Claim.until < late,
                )
            )
        )
    )


def renew(session: Session, who: Staff, submission_id: UUID) -> None:
    """Let her own lease run on while she works; another's is left alone, and one that runs longer is not cut short."""
    until = clock.now() + LEASE
    session.execute(
        update(Claim)
        .where(
            Claim.office_id == who.office_id,
            Claim.submission_id == submission_id,
            Claim.staff_id == who.staff_id,
            Claim.until < until - RENEW_EVERY,
        )
        .values(until=until)
    )


def wishes(session: Session, office_id: UUID, submission_id: UUID) -> list[WishRow]:
    """Who would like to have it, the longest waiting first."""
    rows = session.execute(
        select(ClaimWish, StaffMember.name)
        .join(StaffMember, (StaffMember.office_id == ClaimWish.office_id) & (StaffMember.id == ClaimWish.staff_id))
        .where(ClaimWish.office_id == office_id, ClaimWish.submission_id == submission_id)
        .order_by(ClaimWish.asked_at, ClaimWish.staff_id)
    )
    return [WishRow(row.staff_id, name, row.asked_at, row.kept_at is not None) for row, name in rows]


def ask_for(session: Session, who: Staff, submission_id: UUID) -> bool:
    """譲ってほしい: let the holder know that one would like to have it. Asking twice is asking once.

    Returns whether there was somebody to ask; if not, it is free to take, or decided.
    """
    submission = review.open_for(session, who, submission_id, lock=True)
    lease = _lease(session, submission)
    if lease is None or lease.staff_id == who.staff_id or lease.until <= clock.now():
        return False
    wish = session.get(ClaimWish, (who.office_id, submission_id, who.staff_id))
    if wish is not None and wish.kept_at is None:
        return True
    if wish is None:
        wish = ClaimWish(office_id=who.office_id, submission_id=submission_id, staff_id=who.staff_id)
        session.add(wish)
    wish.asked_at, wish.kept_at = clock.now(), None
    session.flush()
    told.tell(session, who, lease.staff_id, Told.WISH, submission_id)
    _record(session, who, submission, "lease.asked_for", holder=lease.staff_id)
    return True


def keep(session: Session, who: Staff, submission_id: UUID, asker_id: UUID) -> None:
    """まだ使う: the holder needs it still; who asked is told. Twice is once, and an old page's answer is none.

    :raises ChangedMeanwhile: if it is in her hands no more.
    """
    submission = review.open_for(session, who, submission_id, lock=True)
    _held_by(session, who, submission)
    wish = session.get(ClaimWish, (who.office_id, submission_id, asker_id))
    if wish is None or wish.kept_at is not None:
        return
    wish.kept_at = clock.now()
    session.flush()
    told.seen(session, who, submission_id)
    told.tell(session, who, asker_id, Told.KEPT, submission_id)
    _record(session, who, submission, "lease.kept", asker=asker_id)


def give(session: Session, who: Staff, submission_id: UUID, asker_id: UUID, *, attempt: UUID) -> Submission:
    """わたす: into the hands of the colleague who asked for it, in one step. A second tap does nothing more.

    :raises ChangedMeanwhile: if it is in her hands no more.
    :raises NotThere: if that colleague has not asked.
    """
    submission = review.open_for(session, who, submission_id, lock=True)
    if review.done_by(session, submission, attempt):
        return submission
    lease = _held_by(session, who, submission)
    if session.get(ClaimWish, (who.office_id, submission_id, asker_id)) is None:
        raise NotThere
    receiver = _receiver(session, submission, asker_id)
    _change_hands(session, who, submission, lease, receiver.id, note="", attempt=attempt, until=clock.now() + LEASE)
    told.seen(session, who, submission_id)
    return submission


def hand_over(
    session: Session, who: Staff, submission_id: UUID, to: UUID, note: str, *, seen: int, attempt: UUID
) -> Submission:
    """引きつぐ: into the hands of a colleague one names, with a note for her. It is kept for her for some hours.

    :raises ChangedMeanwhile: if it is no longer as the screen showed it.
    :raises NotThere: for somebody who is not among ``colleagues``.
    """
    submission = review.open_for(session, who, submission_id, lock=True)
    if review.done_by(session, submission, attempt):
        return submission
    review.still_hers(session, who, submission, seen)
    lease = _held_by(session, who, submission)
    receiver = _receiver(session, submission, to)
    if receiver.id == who.staff_id:
        raise NotThere
    until = clock.now() + KEPT_FOR_HER
    _change_hands(session, who, submission, lease, receiver.id, note=note.strip(), attempt=attempt, until=until)
    return submission


def take_over(session: Session, who: Staff, submission_id: UUID, reason: str, *, attempt: UUID) -> Claim:
    """引きとる: a supervisor takes it out of a colleague's hands; the reason stays in the history.

    What nobody holds is taken like any other.

    :raises NotThere: for whoever is no supervisor.
    :raises ChangedMeanwhile: if there is nothing to review any more.
    :raises ValueError: without a reason.
    """
    only_for_supervisors(who.role)
    submission = review.open_for(session, who, submission_id, lock=True)
    lease = _lease(session, submission)
    if lease is not None and review.done_by(session, submission, attempt):
        return lease
    now = clock.now()
    if lease is None or lease.staff_id == who.staff_id or lease.until <= now:
        return review.claim(session, who, submission_id)
    if not reason.strip():
        raise ValueError("nothing is taken out of somebody's hands without a reason")
    _change_hands(
        session, who, submission, lease, who.staff_id, note=reason.strip(), attempt=attempt, until=now + LEASE
    )
    return lease


def colleagues(session: Session, who: Staff, submission: Submission) -> list[tuple[UUID, str]]:
    """Who may be given it: everybody who decides, works here now and may open the household; oneself left out."""
    home = session.get_one(Household, (submission.office_id, submission.household_id))
    found = session.scalars(
        select(StaffMember)
        .where(StaffMember.office_id == who.office_id, StaffMember.active, StaffMember.id != who.staff_id)
        .order_by(StaffMember.name, StaffMember.id)
    )
    return [(one.id, one.name) for one in found if _may_have(session, one, home)]


def _may_have(session: Session, one: StaffMember, home: Household) -> bool:
    who = Staff(one.office_id, new_id(), one.id, one.name, one.role)
    return one.active and may_decide(one.role) and cover.may_open(session, who, home)


def _receiver(session: Session, submission: Submission, staff_id: UUID) -> StaffMember:
    one = session.get(StaffMember, (submission.office_id, staff_id))
    home = session.get_one(Household, (submission.office_id, submission.household_id))
    if one is None or not _may_have(session, one, home):
        raise NotThere
    return one


def _lease(session: Session, submission: Submission) -> Claim | None:
    """The lease, locked as its submission is."""
    if submission.state is not State.IN_REVIEW:
        return None
    key = (submission.office_id, submission.id)
    return session.get(Claim, key, with_for_update=True, populate_existing=True)


def _held_by(session: Session, who: Staff, submission: Submission) -> Claim:
    lease = _lease(session, submission)
    if lease is None or lease.staff_id != who.staff_id:
        raise review.changed_meanwhile(session, submission)
    return lease


def _change_hands(
    session: Session,
    who: Staff,
    submission: Submission,
    lease: Claim,
    to: UUID,
    *,
    note: str,
    attempt: UUID,
    until: datetime,
) -> None:
    """The one place where a lease passes on. Other wishes stay: they are now the new holder's to answer."""
    holder = lease.staff_id
    step = submission.move(State.IN_REVIEW, Actor.staff(who.staff_id), note=note, attempt=attempt, handed_to=to)
    lease.staff_id, lease.taken_at, lease.until = to, clock.now(), until
    lease.handed_by = None if to == who.staff_id else who.staff_id
    wish = session.get(ClaimWish, (submission.office_id, submission.id, to))
    if wish is not None:
        session.delete(wish)
    session.flush()
    taken = to == who.staff_id
    told.tell(
        session, who, holder if taken else to, Told.TAKEN_OVER if taken else Told.HANDED, submission.id, text=note
    )
    event = "lease.taken_over" if taken else "lease.handed_over"
    journal.record_step(session, step, event, version=submission.version_no, holder=holder, receiver=to)


def _record(session: Session, who: Staff, submission: Submission, event: str, **about: UUID) -> None:
    version = submission.version_no
    journal.record(session, who.office_id, Actor.staff(who.staff_id), event, submission.id, version=version, **about)
