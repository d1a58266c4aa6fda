"""One's own papers, as safe copies: the pages a person sees are the pages the office sees."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, send_file
from flask.typing import ResponseReturnValue

from config.web import reading, storage
from portal.access import me, recipient_required
from shared import drafts, slips
from shared.errors import NotThere
from shared.model import SafeCopy, StoredFile

bp = Blueprint("files", __name__)


def _page(file_id: UUID, number: int) -> SafeCopy:
    with reading() as session:
        file = session.get(StoredFile, (me().office_id, file_id))
        if file is None:
            raise NotThere
        drafts.own(session, me(), file.submission_id)
        for page in slips.pages_of(session, file.office_id, file.id):
            if page.page == number:
                return page
    raise NotThere


@bp.get("/files/<uuid:file_id>/<int:number>.jpg")
@recipient_required
def page(file_id: UUID, number: int) -> ResponseReturnValue:
    """One page in full."""
    return send_file(storage().open(_page(file_id, number).key), mimetype="image/jpeg", etag=False)


@bp.get("/files/<uuid:file_id>/<int:number>/thumb.jpg")
@recipient_required
def thumb(file_id: UUID, number: int) -> ResponseReturnValue:
    """One page, small."""
    return send_file(storage().open(_page(file_id, number).thumb_key), mimetype="image/jpeg", etag=False)
