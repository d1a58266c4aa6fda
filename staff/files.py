"""What was sent, as safe copies drawn by us; the bytes a stranger made never leave through here."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, Response, current_app, render_template, request, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from config.log import log
from config.web import reading, storage, transaction
from shared import review
from shared.errors import NotThere
from shared.model import FileState, MessageFile, SafeCopy, StoredFile, SubmissionVersion, VersionFile
from shared.sign_in import Staff
from staff import trace
from staff.access import DECIDING, me, needs
from uploads.storage import NotStored

bp = Blueprint("files", __name__, url_prefix="/files")
SANDBOX: Final = "sandbox; default-src 'none'"  # the browser's own viewer works in it, and nothing else does
_PAGE = "<uuid:file_id>/<int(min=1, max=9999):page>.jpg"


@bp.get(f"/{_PAGE}")
@needs(*DECIDING)
def picture(file_id: UUID, page: int) -> ResponseReturnValue:
    with reading() as rows:
        file = safe_file(rows, me(), file_id)
        copy = None if file.copies_destroyed_at else _page(rows, file, page)
        key, known = copy.key if copy else None, trace.is_known(rows, file)
    return _jpeg(key, file, known)


@bp.get(f"/thumb/{_PAGE}")
@needs(*DECIDING)
def thumb(file_id: UUID, page: int) -> ResponseReturnValue:
    with reading() as rows:
        file = safe_file(rows, me(), file_id)
        copy = None if file.thumbs_destroyed_at else _page(rows, file, page)
        key, known = copy.thumb_key if copy else None, trace.is_known(rows, file)
    return _jpeg(key, file, known)


@bp.get("/<uuid:file_id>.pdf")
@needs(*DECIDING)
def pdf(file_id: UUID) -> ResponseReturnValue:
    """All safe pages in one PDF of ours, to search in and to copy from."""
    with transaction() as rows:
        file = safe_file(rows, me(), file_id)
        if file.copy_key is None or file.copies_destroyed_at:
            raise NotThere
        trace.at_file(rows, file)
    response = send_file(storage().open(file.copy_key), "application/pdf", download_name="copy.pdf", etag=False)
    response.headers["Content-Security-Policy"] = SANDBOX
    return _inline(response)


def safe_file(session: Session, who: Staff, file_id: UUID) -> StoredFile:
    """A file that was sent, by her or to her, and has safe pages, in a submission this member of staff may open.

    :raises NotThere: also while the person has only attached the file and not sent it.
    """
    sent = exists().where(
        VersionFile.office_id == StoredFile.office_id,
        VersionFile.file_id == StoredFile.id,
        SubmissionVersion.office_id == VersionFile.office_id,
        SubmissionVersion.id == VersionFile.version_id,
        SubmissionVersion.sent_at.is_not(None),
    )
    with_a_message = exists().where(MessageFile.office_id == StoredFile.office_id, MessageFile.file_id == StoredFile.id)
    file = session.scalar(
        select(StoredFile).where(
            StoredFile.office_id == who.office_id,
            StoredFile.id == file_id,
            StoredFile.state == FileState.SAFE,
            or_(sent, with_a_message),
        )
    )
    if file is None:
        raise NotThere
    review.open_for(session, who, file.submission_id)
    return file


def _page(session: Session, file: StoredFile, page: int) -> SafeCopy:
    found = session.scalar(
        select(SafeCopy).where(SafeCopy.office_id == file.office_id, SafeCopy.file_id == file.id, SafeCopy.page == page)
    )
    if found is None:
        raise NotThere
    return found


def _jpeg(key: str | None, file: StoredFile, known: bool) -> ResponseReturnValue:
    """A page's picture. Where its bytes are gone the answer is a picture, too: one that says so in words.

    :param known: her look at the submission it belongs to is in the journal; if not, this one comes there.
    """
    if key and not known:
        with transaction() as rows:
            trace.at_file(rows, file)
    if key:
        try:
            return _inline(send_file(storage().open(key), mimetype="image/jpeg", download_name="page.jpg", etag=False))
        except NotStored:
            log("request.failed", level="error", path=request.path, error="NotStored")
    words = render_template("missing.svg.html", destroyed=key is None)
    return _inline(current_app.response_class(words, status=410 if key is None else 404, mimetype="image/svg+xml"))


def _inline(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response
