"""Pictures of what was sent. Only safe copies, drawn by us; the bytes a stranger made never leave through here."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from config.web import reading, storage
from shared import review
from shared.errors import NotThere
from shared.model import FileState, SafeCopy, StoredFile, SubmissionVersion, VersionFile
from shared.sign_in import Staff
from staff.access import DECIDING, me, needs

bp = Blueprint("files", __name__, url_prefix="/files")
_PAGE = "<uuid:file_id>/<int(min=1, max=9999):page>.jpg"


@bp.get(f"/{_PAGE}")
@needs(*DECIDING)
def picture(file_id: UUID, page: int) -> ResponseReturnValue:
    return _jpeg(_safe_copy(file_id, page).key)


@bp.get(f"/thumb/{_PAGE}")
@needs(*DECIDING)
def thumb(file_id: UUID, page: int) -> ResponseReturnValue:
    return _jpeg(_safe_copy(file_id, page).thumb_key)


def _safe_copy(file_id: UUID, page: int) -> SafeCopy:
    with reading() as rows:
        return safe_copy(rows, me(), file_id, page)


def safe_copy(session: Session, who: Staff, file_id: UUID, page: int) -> SafeCopy:
    """One page of a file that was sent, in a submission this member of staff may open.

    :raises NotThere: also while the person has only attached the file and not sent it.
    """
    sent = exists().where(
        VersionFile.office_id == StoredFile.office_id,
        VersionFile.file_id == StoredFile.id,
        SubmissionVersion.office_id == VersionFile.office_id,
        SubmissionVersion.id == VersionFile.version_id,
        SubmissionVersion.sent_at.is_not(None),
    )
    found = session.execute(
        select(SafeCopy, StoredFile.submission_id)
        .join(StoredFile, (StoredFile.office_id == SafeCopy.office_id) & (StoredFile.id == SafeCopy.file_id))
        .where(
            SafeCopy.office_id == who.office_id,
            SafeCopy.file_id == file_id,
            SafeCopy.page == page,
            StoredFile.state == FileState.SAFE,
            sent,
        )
    ).one_or_none()
    if found is None:
        raise NotThere
    copy, submission_id = found
    review.open_for(session, who, submission_id)
    return copy


def _jpeg(key: str) -> Response:
    response = send_file(storage().open(key), mimetype="image/jpeg", download_name="page.jpg", etag=False)
    response.headers["Cache-Control"] = "private, no-store"
    return response
