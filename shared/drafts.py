"""What a person is writing: kept on the server answer by answer, so that looking for a paper, a call or another
phone costs nothing. A returned submission is written again in its next version; a version once sent is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import clock
from shared.errors import AlreadySent, NotThere, TooManyFiles
from shared.model import (
    Duty,
    DutyKind,
    FileState,
    IncomeKind,
    IncomeLine,
    IncomeReport,
    Job,
    PortalAccount,
    State,
    StoredFile,
    Submission,
    SubmissionVersion,
    VersionFile,
)
from shared.outbox import promise
from shared.rules.income import WAGE_FIELDS
from shared.sign_in import Recipient


@dataclass(frozen=True)
class Arrived:
    """A file whose bytes are already durable in the storage."""

    key: str
    name: str  # as the person called it; only shown
    kind: str
    size: int  # bytes
    sha256: str
    attempt: UUID
    part: int


@dataclass(frozen=True)
class Draft:
    """What is being written: the first version, or a correction of a returned submission."""

    submission: Submission
    version: SubmissionVersion
    line: IncomeLine


def start_report(session: Session, who: Recipient, month: date) -> Submission:
    """Begin an income report for ``month``, or go on with the one already begun. Twice is once."""
    # Two taps at once queue up on the person's own row; the second finds the first one's draft.
    session.get_one(PortalAccount, (who.office_id, who.account_id), with_for_update=True)
    draft = session.scalar(
        select(Submission).where(
            Submission.office_id == who.office_id,
            Submission.member_id == who.member_id,
            Submission.kind == DutyKind.INCOME_REPORT,
            Submission.month == month,
            Submission.state == State.DRAFT,
        )
    )
    if draft:
        return draft
    duty_id = session.scalar(
        select(Duty.id).where(
            Duty.office_id == who.office_id,
            Duty.member_id == who.member_id,
            Duty.kind == DutyKind.INCOME_REPORT,
            Duty.month == month,
        )
    )
    submission = Submission(
        office_id=who.office_id,
        household_id=who.household_id,
        member_id=who.member_id,
        duty_id=duty_id,
        kind=DutyKind.INCOME_REPORT,
        month=month,
        state=State.DRAFT,
        version_no=0,
    )
    session.add(submission)
    session.flush()
    _new_version(session, submission, 1, earner_id=who.member_id)
    return submission


def _new_version(session: Session, submission: Submission, no: int, **wage: Any) -> SubmissionVersion:
    version = SubmissionVersion(office_id=submission.office_id, submission_id=submission.id, no=no)
    session.add(version)
    session.flush()
    session.add(IncomeReport(office_id=submission.office_id, id=version.id))
    session.flush()
    session.add(
        IncomeLine(office_id=submission.office_id, report_id=version.id, position=1, kind=IncomeKind.WAGE, **wage)
    )
    session.flush()
    return version


def own(session: Session, who: Recipient, submission_id: UUID, *, lock: bool = False) -> Submission:
    """The person's own submission.

    :raises NotThere: also for one that is somebody else's, in words that do not tell the two apart.
    """
    query = select(Submission).where(
        Submission.office_id == who.office_id, Submission.id == submission_id, Submission.member_id == who.member_id
    )
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotThere
    return found


def draft_of(session: Session, who: Recipient, submission_id: UUID, *, lock: bool = False) -> Draft:
    """What the person is writing.

    A returned submission gets its next version on the first change; until then the sent one is shown.

    :raises AlreadySent: if it is neither a draft nor returned.
    """
    submission = own(session, who, submission_id, lock=lock)
    if submission.state not in (State.DRAFT, State.RETURNED):
        raise AlreadySent
    version = latest_version(session, submission)
    if lock and version.sent_at is not None:
        version = _copy(session, submission, version)
    return Draft(submission, version, wage_line(session, version))


def latest_version(session: Session, submission: Submission) -> SubmissionVersion:
    """The newest version, sent or still being written."""
    return session.scalars(
        select(SubmissionVersion)
        .where(SubmissionVersion.office_id == submission.office_id, SubmissionVersion.submission_id == submission.id)
        .order_by(SubmissionVersion.no.desc())
        .limit(1)
    ).one()


def sent_version(session: Session, submission: Submission) -> SubmissionVersion:
    """The version that was last sent.

    :raises NotThere: for a draft.
    """
    found = session.scalar(
        select(SubmissionVersion).where(
            SubmissionVersion.office_id == submission.office_id,
            SubmissionVersion.submission_id == submission.id,
            SubmissionVersion.no == submission.version_no,
        )
    )
    if found is None:
        raise NotThere
    return found


def wage_line(session: Session, version: SubmissionVersion) -> IncomeLine:
    """The wage line of a version."""
    return session.scalars(
        select(IncomeLine)
        .where(IncomeLine.office_id == version.office_id, IncomeLine.report_id == version.id)
        .order_by(IncomeLine.position)
        .limit(1)
    ).one()


def files_of(session: Session, version: SubmissionVersion) -> list[StoredFile]:
    """The files a version is sent with, in their order."""
    return list(
        session.scalars(
            select(StoredFile)
            .join(
                VersionFile,
                (VersionFile.office_id == StoredFile.office_id) & (VersionFile.file_id == StoredFile.id),
            )
            .where(VersionFile.office_id == version.office_id, VersionFile.version_id == version.id)
            .order_by(VersionFile.position)
        )
    )


def _copy(session: Session, submission: Submission, sent: SubmissionVersion) -> SubmissionVersion:
    line = wage_line(session, sent)
    wage = {field: getattr(line, field) for field in WAGE_FIELDS}
    version = _new_version(session, submission, sent.no + 1, earner_id=line.earner_id, **wage)
    for position, file in enumerate(files_of(session, sent), start=1):
        session.add(VersionFile(office_id=version.office_id, version_id=version.id, file_id=file.id, position=position))
    session.flush()
    return version


def write(session: Session, who: Recipient, submission_id: UUID, answers: dict[str, str | int]) -> Draft:
    """Keep the answers of one screen. ``answers`` has fields of ``WAGE_FIELDS`` only, already checked.

    :raises AlreadySent: if another page or phone has sent it.
    """
    draft = draft_of(session, who, submission_id, lock=True)
    unknown = set(answers) - set(WAGE_FIELDS)
    if unknown:
        raise ValueError(f"no such answers: {sorted(unknown)}")
    for field, answer in answers.items():
        setattr(draft.line, field, answer)
    session.flush()
    return draft


def attach(session: Session, who: Recipient, submission_id: UUID, arrived: Arrived, *, limit: int) -> StoredFile:
    """Add a file whose bytes are durable, and promise its safe copy in the same transaction.

    A second tap carries the same ``attempt`` and ``part`` and gets the same row.

    :raises TooManyFiles: if the version already holds ``limit`` files.
    """
    draft = draft_of(session, who, submission_id, lock=True)
    earlier = file_of_attempt(session, draft.submission, arrived.attempt, arrived.part)
    if earlier:
        return earlier
    held = files_of(session, draft.version)
    if len(held) >= limit:
        raise TooManyFiles
    file = StoredFile(
        office_id=who.office_id,
        submission_id=draft.submission.id,
        attempt=arrived.attempt,
        part=arrived.part,
        name=arrived.name,
        kind=arrived.kind,
        size=arrived.size,
        sha256=arrived.sha256,
        key=arrived.key,
        state=FileState.RECEIVED,
        received_at=clock.now(),
    )
    session.add(file)
    session.flush()
    position = _next_position(session, draft.version)
    session.add(VersionFile(office_id=who.office_id, version_id=draft.version.id, file_id=file.id, position=position))
    promise(session, who.office_id, Job.MAKE_SAFE_COPY, file.id)
    return file


def file_of_attempt(session: Session, submission: Submission, attempt: UUID, part: int) -> StoredFile | None:
    """The file an earlier tap of the same form has brought, if any."""
    return session.scalar(
        select(StoredFile).where(
            StoredFile.office_id == submission.office_id,
            StoredFile.submission_id == submission.id,
            StoredFile.attempt == attempt,
            StoredFile.part == part,
        )
    )


def _next_position(session: Session, version: SubmissionVersion) -> int:
    last = session.scalar(
        select(func.max(VersionFile.position)).where(
            VersionFile.office_id == version.office_id, VersionFile.version_id == version.id
        )
    )
    return (last or 0) + 1


def remove(session: Session, who: Recipient, submission_id: UUID, file_id: UUID) -> None:
    """Take a file out of what is being written. A version already sent keeps it. Twice is once."""
    draft = draft_of(session, who, submission_id, lock=True)
    link = session.get(VersionFile, (who.office_id, draft.version.id, file_id))
    if link:
        session.delete(link)
        session.flush()
