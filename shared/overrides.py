"""What staff say to a check: all right all the same, and why; or that it stands again."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shared import clock, drafts, journal
from shared.errors import NotAnOverride, NotThere
from shared.model import Actor, Check, Result, StaffMember, Submission, SubmissionVersion
from shared.review import changed_meanwhile, open_for
from shared.rules import my_number
from shared.rules.access import may_decide
from shared.sign_in import Staff

LONGEST: Final = 200  # characters


def override(session: Session, who: Staff, submission_id: UUID, check_id: UUID, note: str, *, attempt: UUID) -> Check:
    """Say why a check that did not pass is all right. A second tap does nothing more, also after it was taken back.

    :raises NotThere: for a submission she may not open, or no check of what it was last sent with.
    :raises ChangedMeanwhile: if it is decided, or the check has passed meanwhile.
    :raises NotAnOverride: for no note, one too long, a My Number, or a colleague who was quicker; see ``code``.
    """
    submission, check = _check(session, who, submission_id, check_id)
    if check.attempt == attempt:
        return check
    if submission.state not in drafts.CHANGEABLE or check.result is Result.PASS:
        raise changed_meanwhile(session, submission)
    if check.overridden_by is not None:
        raise NotAnOverride("already", session.get_one(StaffMember, (who.office_id, check.overridden_by)).name)
    check.note = _checked(note)
    check.overridden_by, check.overridden_at, check.attempt = who.staff_id, clock.now(), attempt
    _record(session, who, submission, check, "check.overridden")
    return check


def take_back(session: Session, who: Staff, submission_id: UUID, check_id: UUID) -> Check:
    """Let a check stand again. Twice is once.

    :raises NotThere: as for ``override``.
    :raises ChangedMeanwhile: if the submission is decided.
    """
    submission, check = _check(session, who, submission_id, check_id)
    if check.overridden_by is None:
        return check
    if submission.state not in drafts.CHANGEABLE:
        raise changed_meanwhile(session, submission)
    check.overridden_by = check.overridden_at = check.note = None
    _record(session, who, submission, check, "check.stands_again")
    return check


def _check(session: Session, who: Staff, submission_id: UUID, check_id: UUID) -> tuple[Submission, Check]:
    submission = open_for(session, who, submission_id, lock=True)
    version = drafts.sent_version(session, submission)
    check = session.scalar(
        select(Check)
        .where(Check.office_id == who.office_id, Check.version_id == version.id, Check.id == check_id)
        .with_for_update()
        .execution_options(populate_existing=True)  # another month may be changing it just now
    )
    if check is None and session.scalar(_of_an_earlier_version(who, submission, check_id)):
        raise changed_meanwhile(session, submission)  # she has sent it again since the page was opened
    if check is None or not may_decide(who.role):
        raise NotThere
    return submission, check


def _of_an_earlier_version(who: Staff, submission: Submission, check_id: UUID) -> Select[UUID]:
    return (
        select(Check.id)
        .join(
            SubmissionVersion,
            (SubmissionVersion.office_id == Check.office_id) & (SubmissionVersion.id == Check.version_id),
        )
        .where(Check.office_id == who.office_id, Check.id == check_id, SubmissionVersion.submission_id == submission.id)
    )


def _checked(note: str) -> str:
    note = " ".join(note.split())
    if not note:
        raise NotAnOverride("missing")
    if len(note) > LONGEST:
        raise NotAnOverride("too_long")
    if my_number.is_in(note):
        raise NotAnOverride("my_number")
    return note


def _record(session: Session, who: Staff, submission: Submission, check: Check, what: str) -> None:
    session.flush()
    facts = {"check": str(check.id), "rule": check.rule.value, "version": submission.version_no}
    journal.record(session, who.office_id, Actor.staff(who.staff_id), what, submission.id, **facts)
