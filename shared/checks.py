"""Checks of what was sent, kept as rows: written with the sending, and again when its files have been looked at.

The rules are ``rules.checks``. What staff have decided stays as it was decided: its checks are not written again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from shared import clock, drafts, duties, slips
from shared.model import (
    NOT_STANDING,
    Check,
    Duty,
    DutyKind,
    FileState,
    Likeness,
    Member,
    Result,
    Rule,
    StaffMember,
    State,
    StoredFile,
    Submission,
    SubmissionVersion,
    VersionFile,
)
from shared.rules import checks as rules
from shared.rules.checks import Outcome, Paper, Sent
from shared.rules.forms import is_monthly
from shared.rules.months import add_months
from shared.slips import FileRow

_LOOKED_AT: Final = frozenset({State.ARRIVED, State.WAITING, State.IN_REVIEW, State.ON_HOLD, State.RETURNED})


@dataclass(frozen=True)
class Finding:
    """What was expected and what was found, by ``code``; the facts are those of ``rules.checks.Finding``."""

    code: str
    expected: dict[str, Any]
    found: dict[str, Any]


@dataclass(frozen=True)
class CheckRow:
    """One check for show. ``by``, ``at`` and ``note`` are of who has overridden it."""

    id: UUID
    rule: Rule
    result: Result
    findings: tuple[Finding, ...]
    by: str
    at: datetime | None
    note: str

    @property
    def stands(self) -> bool:
        """Whether somebody should look: it did not pass, and nobody has said that it is all right."""
        return self.result is not Result.PASS and self.at is None


def of(session: Session, version: SubmissionVersion) -> list[CheckRow]:
    """The checks of a version, in the order of ``Rule``."""
    found = session.execute(
        select(Check, StaffMember.name)
        .outerjoin(StaffMember, and_(StaffMember.office_id == Check.office_id, StaffMember.id == Check.overridden_by))
        .where(Check.office_id == version.office_id, Check.version_id == version.id)
    ).all()
    order = list(Rule)
    return [_row(check, name) for check, name in sorted(found, key=lambda row: order.index(row[0].rule))]


def _row(check: Check, name: str | None) -> CheckRow:
    pairs = zip(check.expected["findings"], check.found["findings"], strict=True)
    findings = tuple(Finding(expected["code"], expected, found) for expected, found in pairs)
    return CheckRow(check.id, check.rule, check.result, findings, name or "", check.overridden_at, check.note or "")


def look(session: Session, submission: Submission) -> None:
    """Compare what was sent last by every rule, and keep what came of it. Twice is once.

    The caller holds the submission's lock.
    """
    _look(session, submission, tuple(Rule), begin=True)


def look_around(session: Session, submission: Submission) -> None:
    """After something was sent or taken back, look again at what it says something about.

    That is what else she has sent about its month or the month after, and whatever has a file that is like one of its.
    """
    to_see: dict[UUID, set[Rule]] = {}
    for key in _of_its_months(session, submission):
        to_see.setdefault(key, set()).add(Rule.MONTH)
    for key in _with_its_papers(session, submission):
        to_see.setdefault(key, set()).add(Rule.SAME_FILE)
    for key in sorted(to_see):  # two who write at once meet in the same order
        _look(session, session.get_one(Submission, (submission.office_id, key)), to_see[key])


def _of_its_months(session: Session, submission: Submission) -> Sequence[UUID]:
    if not is_monthly(submission.kind):
        return ()
    return session.scalars(
        select(Submission.id).where(
            Submission.office_id == submission.office_id,
            Submission.member_id == submission.member_id,
            Submission.kind == submission.kind,
            Submission.month.in_((submission.month, add_months(submission.month, 1))),
            Submission.id != submission.id,
            Submission.state.in_(_LOOKED_AT),
        )
    ).all()


def _with_its_papers(session: Session, submission: Submission) -> Sequence[UUID]:
    of_it = and_(SubmissionVersion.office_id == VersionFile.office_id, SubmissionVersion.id == VersionFile.version_id)
    its_files = (
        select(VersionFile.file_id)
        .join(SubmissionVersion, of_it)
        .where(SubmissionVersion.office_id == submission.office_id, SubmissionVersion.submission_id == submission.id)
    )
    return session.scalars(
        select(StoredFile.submission_id)
        .join(Likeness, and_(Likeness.office_id == StoredFile.office_id, Likeness.file_id == StoredFile.id))
        .where(
            Likeness.office_id == submission.office_id,
            Likeness.earlier_id.in_(its_files),
            StoredFile.submission_id != submission.id,
        )
        .distinct()
    ).all()


def look_at_files(session: Session, office_id: UUID, submission_ids: Collection[UUID]) -> None:
    """After a file was looked at: look again at its own report, and at those with later files that are like it."""
    for submission_id in sorted(submission_ids):
        _look(session, session.get_one(Submission, (office_id, submission_id)), (Rule.SAME_FILE,))


def _look(session: Session, submission: Submission, only: Collection[Rule], *, begin: bool = False) -> None:
    """
    :param begin: make the rows. Elsewhere they are only brought up to date, so that no two who look make one twice.
    """
    if submission.state not in _LOOKED_AT:
        return
    version = drafts.sent_version(session, submission)
    rows = session.scalars(
        select(Check)
        .where(Check.office_id == version.office_id, Check.version_id == version.id, Check.rule.in_(only))
        .order_by(Check.id)
        .with_for_update()
        .execution_options(populate_existing=True)  # a colleague may be overriding it just now
    )
    there = {row.rule: row for row in rows}
    for outcome in _outcomes(session, submission, version, only):
        row = there.get(outcome.rule)
        if row is None and begin:
            row = Check(office_id=version.office_id, version_id=version.id, rule=outcome.rule)
            session.add(row)
        if row is not None:
            _write(row, outcome)
    session.flush()


def _outcomes(
    session: Session, submission: Submission, version: SubmissionVersion, only: Collection[Rule]
) -> list[Outcome]:
    found: list[Outcome | None] = []
    if Rule.MONTH in only and is_monthly(submission.kind):
        found.append(rules.months(submission.month, _earlier(session, submission), _owed_since(session, submission)))
    if Rule.SAME_FILE in only:
        files = slips.file_rows(session, drafts.files_of(session, version))
        found.append(rules.files([_paper(session, submission, file, {one.id for one in files}) for file in files]))
    if Rule.SUM in only and submission.kind is DutyKind.INCOME_REPORT:
        found.append(rules.sums(drafts.filled_of(session, version).answers, submission.month))
    return [outcome for outcome in found if outcome]


def _earlier(session: Session, submission: Submission) -> list[Sent]:
    """What she had sent about the same month in the same form before this arrived, and has not taken back."""
    same_moment = and_(Submission.arrived_at == submission.arrived_at, Submission.id < submission.id)
    rows = session.execute(
        select(Submission.id, Submission.number)
        .where(
            Submission.office_id == submission.office_id,
            Submission.member_id == submission.member_id,
            Submission.kind == submission.kind,
            Submission.month == submission.month,
            Submission.id != submission.id,
            Submission.state.not_in(NOT_STANDING),
            or_(Submission.arrived_at < submission.arrived_at, same_moment),
        )
        .order_by(Submission.arrived_at, Submission.id)
    )
    return [Sent(row.id, row.number) for row in rows]


def _owed_since(session: Session, submission: Submission) -> date | None:
    today = clock.today()
    return session.scalar(
        select(Duty.due_on)
        .join(Member, and_(Member.office_id == Duty.office_id, Member.id == Duty.member_id))
        .where(
            Duty.office_id == submission.office_id,
            Duty.member_id == submission.member_id,
            Duty.kind == submission.kind,
            Duty.month == add_months(submission.month, -1),
            Duty.due_on < today,
            duties.unanswered(today),
            duties.stays(today),
        )
    )


def _paper(session: Session, submission: Submission, file: FileRow, beside: Collection[UUID]) -> Paper:
    """:param beside: the files of the same version"""
    looked_at = file.state in (FileState.SAFE, FileState.REFUSED)
    like = file.like
    if like is None:
        return Paper(file.id, looked_at)
    earlier = session.get_one(StoredFile, (submission.office_id, like.file_id)).submission_id
    here = like.file_id in beside
    if not here and (like.number is None or earlier == submission.id):
        return Paper(file.id, looked_at)  # still a draft; or what she has sent this one in place of
    return Paper(
        file.id,
        looked_at,
        how=like.how,
        submission_id=earlier,
        here=here,
        number=like.number or "",
        received_at=like.received_at,
    )


def _write(row: Check, outcome: Outcome) -> None:
    expected = {"findings": [{"code": one.code, **one.expected} for one in outcome.findings]}
    found = {"findings": [{"code": one.code, **one.found} for one in outcome.findings]}
    if (row.result, row.expected, row.found) == (outcome.result, expected, found):
        return
    row.result, row.expected, row.found = outcome.result, expected, found
    row.overridden_by = row.overridden_at = row.note = row.attempt = None  # that was said to something else
