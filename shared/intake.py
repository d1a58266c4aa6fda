"""From the finished report to its arrival, and on to the caseworker: sending, settling, asking again.

Sending is one transaction: number, arrival and history stand or fall together.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared import absent, checks, clock, danger, journal, office_days, reasons, series
from shared.drafts import Draft, draft_of, files_of, own, sent_version
from shared.errors import AlreadySent, Incomplete
from shared.filled import declared as declared_form
from shared.model import (
    MACHINE,
    Actor,
    Claim,
    Correction,
    CorrectionItem,
    FileState,
    Reason,
    State,
    Submission,
    SubmissionVersion,
    WelfareOffice,
)
from shared.model.states import NEXT
from shared.rules import danger as danger_words
from shared.rules.forms import form
from shared.rules.numbers import submission_number
from shared.rules.wareki import fiscal_year
from shared.sign_in import Recipient

LOOK_WITHIN: Final = 2  # open days until staff promise a first look
ANSWER_WITHIN: Final = 5  # open days in which a correction is hoped for


def send(session: Session, who: Recipient, submission_id: UUID, *, attempt: UUID) -> Submission:
    """Let the report arrive: number and first arrival once, a version each time.

    A second tap carries the same ``attempt`` and gets the same submission.

    :raises Incomplete: naming each field that still needs an answer.
    :raises AlreadySent: if it was sent from another page.
    """
    submission = own(session, who, submission_id, lock=True)
    twin = session.scalar(
        select(SubmissionVersion.id).where(
            SubmissionVersion.office_id == who.office_id,
            SubmissionVersion.submission_id == submission_id,
            SubmissionVersion.attempt == attempt,
        )
    )
    if twin:
        return submission
    draft = draft_of(session, who, submission_id, lock=True)
    if faults := _finish(session, draft):
        raise Incomplete(faults)
    absent.arrives(session, submission, draft.version)
    _take_off_the_desk(session, submission)
    now, days = clock.now(), office_days.of(session, who.office_id)
    if submission.arrived_at is None:
        office = session.get_one(WelfareOffice, who.office_id)
        serial = series.take(session, who.office_id, "submission", fiscal_year(clock.today()))
        submission.number = submission_number(office.code, clock.today(), serial)
        submission.arrived_at = now
    draft.version.sent_at, draft.version.attempt = now, attempt
    submission.version_no = draft.version.no
    if submission.state in (State.DRAFT, State.RETURNED):  # changed by herself, it waits no longer than before
        submission.look_by = days.after(clock.today(), LOOK_WITHIN)
    actor = Actor.recipient(who.account_id)
    step = submission.move(State.ARRIVED, actor, attempt=attempt)
    session.flush()
    checks.look(session, submission)
    checks.look_around(session, submission)
    journal.record_step(
        session,
        step,
        "submission.arrived",
        version=draft.version.no,
        files=[file.sha256 for file in files_of(session, draft.version)],
    )
    settle(session, submission)
    return submission


def withdraw(session: Session, who: Recipient, submission_id: UUID, *, attempt: UUID) -> Submission:
    """Take back what was sent: it stays on record, with its arrival, and nobody works on it. Twice is once.

    :raises AlreadySent: if it is accepted already; then only the office can undo it.
    """
    submission = own(session, who, submission_id, lock=True)
    if submission.state is State.WITHDRAWN:
        return submission
    if State.WITHDRAWN not in NEXT[submission.state]:
        raise AlreadySent
    actor = Actor.recipient(who.account_id)
    _take_off_the_desk(session, submission)
    step = submission.move(State.WITHDRAWN, actor, attempt=attempt)
    session.flush()
    checks.look_around(session, submission)
    journal.record_step(session, step, "submission.withdrawn", version=submission.version_no)
    return submission


def may_withdraw(state: State) -> bool:
    """Whether the person can take it back herself."""
    return State.WITHDRAWN in NEXT[state]


def _take_off_the_desk(session: Session, submission: Submission) -> None:
    """Whoever has it open learns at her next step that the person was quicker."""
    session.execute(delete(Claim).where(Claim.office_id == submission.office_id, Claim.submission_id == submission.id))


def _finish(session: Session, draft: Draft) -> dict[str, str]:
    """Make ready for sending what is written; or say, field by field, what is missing."""
    declared, filled = declared_form(session, draft.submission), draft.filled
    faults = form.gaps(declared, filled.answers)
    if declared.files_needed and not files_of(session, draft.version):
        faults["files"] = "missing"
    filled.answers, filled.typed = form.settled(declared, filled.answers), {}
    words = danger_words.found_in(declared, filled.answers, danger.words_of(session, draft.submission.office_id))
    draft.version.danger_words = words or None
    draft.submission.urgent = bool(words or form.dangers(declared, filled.answers))
    draft.submission.wants_call = form.wants_call(declared, filled.answers)
    return faults


def settle(session: Session, submission: Submission) -> None:
    """Move an arrived submission on once each of its files is safe or refused.

    A file that could not be opened asks for another copy by itself; the arrival stands. What somebody must see first
    waits for no file and is given back by no machine: it stands in the queue at once.
    """
    if submission.state is not State.ARRIVED:
        return
    if submission.urgent or submission.wants_call:
        _ready(session, submission)
        return
    version = sent_version(session, submission)
    files = files_of(session, version)
    if any(file.state in (FileState.RECEIVED, FileState.CHECKED) for file in files):
        return
    refused = [file for file in files if file.state is FileState.REFUSED]
    if not refused:
        _ready(session, submission)
        return
    items = [CorrectionItem(file_id=file.id, reason=Reason.UNREADABLE, detail="") for file in refused]
    ask_again(session, submission, version, items, by=MACHINE)


def _ready(session: Session, submission: Submission) -> None:
    """Into the queue."""
    step = submission.move(State.WAITING, MACHINE)
    journal.record_step(session, step, "submission.ready", version=submission.version_no)


def wish_by(session: Session, office_id: UUID) -> date:
    """The day by which a correction asked for today is hoped for, where the caseworker says no other."""
    return office_days.of(session, office_id).after(clock.today(), ANSWER_WITHIN)


def ask_again(
    session: Session,
    submission: Submission,
    version: SubmissionVersion,
    items: list[CorrectionItem],
    *,
    by: Actor,
    answer_by: date | None = None,
    memo: str = "",
    attempt: UUID | None = None,
) -> Correction:
    """補正依頼: ask the person to look again at files or values of one version."""
    correction = Correction(
        office_id=submission.office_id,
        submission_id=submission.id,
        version_id=version.id,
        asked_by=by.id,
        asked_at=clock.now(),
        memo=memo,
    )
    session.add(correction)
    session.flush()
    reasons.say(session, submission.office_id, items)
    for item in items:
        item.office_id, item.correction_id = submission.office_id, correction.id
        session.add(item)
    answer_by = answer_by or wish_by(session, submission.office_id)
    step = submission.move(State.RETURNED, by, attempt=attempt)
    submission.answer_by = answer_by
    session.flush()
    journal.record_step(session, step, "correction.asked", version=version.no, items=len(items))
    return correction
