"""One submission as the desk shows it, read whole: the slip, its household, its versions, its history, its lease."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.web import transaction
from shared import clock, review, slips
from shared.errors import NotThere
from shared.model import (
    ActorKind,
    Claim,
    Household,
    SafeCopy,
    StaffMember,
    State,
    Step,
    StoredFile,
    Submission,
    SubmissionVersion,
)
from shared.sign_in import Staff
from shared.slips import FileRow, Slip
from staff import trace
from staff.access import me


@dataclass(frozen=True)
class VersionRow:
    """A version that was sent."""

    no: int
    sent_at: datetime


@dataclass(frozen=True)
class StepRow:
    """One line of the history. ``who`` is empty for the machine."""

    at: datetime
    who: str
    what: str
    until: date | None = None  # of what was put aside
    reason: str = ""  # why it was, or went from one pair of hands to another
    to: str = ""  # who was given it


@dataclass(frozen=True)
class LeaseRow:
    """Who has it. A lease that no longer ``runs`` may be taken over."""

    who: str
    mine: bool
    since: datetime
    until: datetime
    runs: bool


@dataclass(frozen=True)
class Opened:
    """A submission in one of its versions. ``before`` is what the version before it declared."""

    slip: Slip
    version: SubmissionVersion  # the one that is shown
    before: Slip | None
    versions: list[VersionRow]
    household_id: UUID
    case_no: str
    caseworker: str
    lease: LeaseRow | None
    history: list[StepRow]

    @property
    def is_latest(self) -> bool:
        return self.slip.version_no == self.versions[-1].no

    @property
    def may_decide(self) -> bool:
        """Whether it is in one's own hands, and the page shows what a decision would be about."""
        return self.slip.state is State.IN_REVIEW and self.is_latest and bool(self.lease and self.lease.mine)

    @property
    def held(self) -> StepRow | None:
        """Until when and why it is put aside, if it is."""
        return next((step for step in self.history if step.until), None) if self.slip.state is State.ON_HOLD else None

    @property
    def handed(self) -> StepRow | None:
        """Who gave it to one, with what words, if that was the last step."""
        last = self.history[0] if self.history else None
        return last if last and last.to and last.to != last.who and self.lease and self.lease.mine else None

    @property
    def may_take(self) -> bool:
        if self.slip.state is State.WAITING:
            return True
        return self.slip.state is State.IN_REVIEW and bool(self.lease and not self.lease.mine and not self.lease.runs)


def opened(session: Session, who: Staff, submission: Submission, version_no: int | None = None) -> Opened:
    """Read a submission as it was last sent, or as it was in ``version_no``.

    :raises NotThere: for a version that was never sent; what somebody is still writing is hers alone.
    """
    sent = session.scalars(
        select(SubmissionVersion)
        .where(
            SubmissionVersion.office_id == submission.office_id,
            SubmissionVersion.submission_id == submission.id,
            SubmissionVersion.sent_at.is_not(None),
        )
        .order_by(SubmissionVersion.no)
    ).all()
    wanted = submission.version_no if version_no is None else version_no
    shown = next((version for version in sent if version.no == wanted), None)
    if shown is None:
        raise NotThere
    earlier = [version for version in sent if version.no < shown.no]
    household = session.get_one(Household, (submission.office_id, submission.household_id))
    return Opened(
        slip=slips.slip(session, submission, shown),
        version=shown,
        before=slips.slip(session, submission, earlier[-1]) if earlier else None,
        versions=[VersionRow(version.no, version.sent_at) for version in sent if version.sent_at],
        household_id=household.id,
        case_no=household.case_no,
        caseworker=session.get_one(StaffMember, (household.office_id, household.caseworker_id)).name,
        lease=lease_of(session, who, submission),
        history=_history(session, submission),
    )


def earlier(session: Session, who: Staff, file: FileRow | None) -> UUID | None:
    """The submission that holds the file which this one is like; None if it is like none that the office has been sent.

    Both are of one household, so that whoever may open the one may open the other.
    """
    if file is None or file.like is None or file.like.number is None:
        return None
    return session.get_one(StoredFile, (who.office_id, file.like.file_id)).submission_id


def pages(session: Session, who: Staff, file: FileRow | None) -> list[SafeCopy]:
    """The safe pages of a file; none of no file."""
    return slips.pages_of(session, who.office_id, file.id) if file else []


def lease_of(session: Session, who: Staff, submission: Submission) -> LeaseRow | None:
    """Who has it, if anybody."""
    claim = session.get(Claim, (submission.office_id, submission.id))
    if claim is None:
        return None
    return LeaseRow(
        who=session.get_one(StaffMember, (claim.office_id, claim.staff_id)).name,
        mine=claim.staff_id == who.staff_id,
        since=claim.taken_at,
        until=claim.until,
        runs=review.lease_runs(claim, clock.now()),
    )


def _history(session: Session, submission: Submission) -> list[StepRow]:
    steps = session.scalars(
        select(Step)
        .where(Step.office_id == submission.office_id, Step.submission_id == submission.id)
        .order_by(Step.id.desc())
    )
    return [_step(session, step) for step in steps]


def _step(session: Session, step: Step) -> StepRow:
    reason = step.note if step.became is State.ON_HOLD or step.handed_to else ""
    to = "" if step.handed_to is None else session.get_one(StaffMember, (step.office_id, step.handed_to)).name
    return StepRow(step.at, review.name_of(session, step), told(step), step.until, reason, to)


def told(step: Step) -> str:
    """The sentence for a step."""
    match step.became:
        case State.ARRIVED if step.was is State.RETURNED:
            return str(_AGAIN)
        case State.RETURNED if step.actor_kind is ActorKind.MACHINE:
            return str(_UNREADABLE)
        case State.WAITING if step.note in _BACK:
            return str(_BACK[step.note])
        case State.IN_REVIEW if step.handed_to is not None:
            return str(_TAKEN_OVER if step.handed_to == step.actor_id else _HANDED)
        case State.IN_REVIEW if step.note == review.UNDONE:
            return str(_UNDONE[step.was])
        case State.IN_REVIEW if step.was is State.ON_HOLD:
            return str(_TAKEN_UP)
    return str(_STEPS[step.became])


_AGAIN: Final = lazy_gettext("なおしたものが届きました")
_UNREADABLE: Final = lazy_gettext("開けないファイルがあり、自動で補正をおねがいしました")
_BACK: Final = {
    review.RELEASED: lazy_gettext("一覧に戻しました"),
    "lease_ran_out": lazy_gettext("対応の時間がすぎ、一覧に戻りました"),
    review.DAY_CAME: lazy_gettext("保留の日になり、一覧に戻りました"),
}
_HANDED: Final = lazy_gettext("引きつぎました")
_TAKEN_OVER: Final = lazy_gettext("引きとりました")
_TAKEN_UP: Final = lazy_gettext("保留をやめて、対応をはじめました")
_UNDONE: Final = {
    State.ACCEPTED: lazy_gettext("受理を、もとに戻しました"),
    State.RETURNED: lazy_gettext("補正のおねがいを、とり消しました（本人の画面からも消えました）"),
    State.ON_HOLD: lazy_gettext("保留を、もとに戻しました"),
    State.WAITING: lazy_gettext("一覧に戻したのを、もとに戻しました"),
    State.IN_REVIEW: lazy_gettext("引きつぎを、もとに戻しました"),
}
_STEPS: Final = {
    State.DRAFT: lazy_gettext("書きはじめました"),
    State.ARRIVED: lazy_gettext("届きました"),
    State.WAITING: lazy_gettext("安全な写しができ、確認待ちになりました"),
    State.IN_REVIEW: lazy_gettext("対応をはじめました"),
    State.ON_HOLD: lazy_gettext("保留にしました"),
    State.RETURNED: lazy_gettext("補正をおねがいしました"),
    State.ACCEPTED: lazy_gettext("受理しました"),
    State.RECEIPTED: lazy_gettext("受領証を発行しました"),
    State.WITHDRAWN: lazy_gettext("取り下げました"),
    State.VOIDED: lazy_gettext("取り消しました"),
}


def opened_for(submission_id: UUID) -> Opened:
    """The submission for a page that decides on it; another's is not there. That it was looked at is an entry."""
    with transaction() as rows:
        submission = review.open_for(rows, me(), submission_id)
        it = opened(rows, me(), submission)
        trace.at_submission(rows, submission, it.slip.version_no)
    return it
