"""「あとで 送ります」: a paper that was promised stays on her list until she has brought it or says it is done."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from shared import clock, drafts, filled, journal
from shared.errors import NotThere
from shared.model import NOT_STANDING, AbsentPaper, Actor, DutyKind, State, Submission, SubmissionVersion, WhyAbsent
from shared.sign_in import Recipient


def bring(session: Session, who: Recipient, submission_id: UUID) -> Submission:
    """Where the promised paper goes now: the next version of what it belongs to; once that is decided, 書類の写真.

    :raises NotThere: for what is not hers, or was not promised.
    :raises AlreadySent: while its files are being looked at.
    """
    submission = drafts.own(session, who, submission_id)
    _promised(session, submission)
    if submission.state in (State.ACCEPTED, State.RECEIPTED):
        return filled.start(session, who, DutyKind.PROOFS, clock.today().replace(day=1))
    return drafts.change(session, who, submission_id).submission


def done(session: Session, who: Recipient, submission_id: UUID) -> None:
    """She has brought it some other way, or need not. What was sent says still what it said. Twice is once.

    :raises NotThere: for what is not hers, or was not promised.
    """
    submission = drafts.own(session, who, submission_id, lock=True)
    row = _promised(session, submission)
    if row.done_at is None:
        row.done_at = clock.now()
        session.flush()
        journal.record(session, who.office_id, Actor.recipient(who.account_id), "absent_paper.done", submission.id)


def is_owed(row: AbsentPaper | None, state: State) -> bool:
    """Whether it stands on her list."""
    gone = state in NOT_STANDING
    return row is not None and row.why is WhyAbsent.LATER and row.done_at is None and not gone


def arrives(session: Session, submission: Submission, version: SubmissionVersion) -> None:
    """A version with a file that the one before had not brings what was promised: nobody waits for it any more."""
    row = session.get(AbsentPaper, (version.office_id, version.id))
    if row is None or row.why is not WhyAbsent.LATER or not submission.version_no:
        return
    before = {file.id for file in drafts.files_of(session, drafts.sent_version(session, submission))}
    if any(file.id not in before for file in drafts.files_of(session, version)):
        session.delete(row)
        session.flush()


def _promised(session: Session, submission: Submission) -> AbsentPaper:
    version = drafts.sent_version(session, submission)
    row = session.get(AbsentPaper, (version.office_id, version.id))
    if row is None or row.why is not WhyAbsent.LATER:
        raise NotThere
    return row
