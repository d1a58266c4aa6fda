"""What is worth a second look in a report, read from its answers, its papers and the report before."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import drafts, filled
from shared.model import DutyKind, SafeCopy, Submission, SubmissionVersion, VersionFile
from shared.rules.income import Papers, Remark, remarks


def of(session: Session, submission: Submission, version: SubmissionVersion) -> list[Remark]:
    """Expected beside found, for the person before she sends and for staff after it; of an income report only."""
    if submission.kind is not DutyKind.INCOME_REPORT:
        return []
    form = filled.form_of(submission.kind)
    earlier = filled.earlier_of(session, submission.office_id, submission.member_id, form, submission.month)
    return remarks(
        drafts.filled_of(session, version).answers,
        submission.month,
        before=earlier.answers if earlier else None,
        members=filled.people_of(session, submission).grown,
        papers=Papers(
            files=len(drafts.files_of(session, version)),
            texts=_texts(session, version),
            explained=drafts.absent_paper(session, version) is not None,
        ),
    )


def _texts(session: Session, version: SubmissionVersion) -> list[str]:
    return list(
        session.scalars(
            select(SafeCopy.text)
            .join(
                VersionFile,
                (VersionFile.office_id == SafeCopy.office_id) & (VersionFile.file_id == SafeCopy.file_id),
            )
            .where(
                VersionFile.office_id == version.office_id,
                VersionFile.version_id == version.id,
                SafeCopy.text.is_not(None),
            )
            .order_by(VersionFile.position, SafeCopy.page)
        )
    )
