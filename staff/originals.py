"""原本: what a person sent, byte for byte, for the administrator with a written reason. Nobody reads it here."""

from __future__ import annotations

import hashlib
from typing import BinaryIO
from uuid import UUID

from flask import Blueprint, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import ValidationError

from config.log import log
from config.settings import MEBIBYTE
from config.web import reading, storage, transaction
from shared import originals
from shared.errors import Destroyed
from shared.model import Role
from shared.originals import LONGEST_REASON, SHORTEST_REASON, Original
from shared.rules.names import disposition
from staff import once
from staff.access import me, needs
from staff.files import SANDBOX
from staff.trace import from_address
from uploads.checks import Kind
from uploads.storage import NotStored

bp = Blueprint("originals", __name__, url_prefix="/originals")


class FetchForm(FlaskForm):  # type: ignore[misc]
    """Why an original is taken out."""

    reason = TextAreaField(lazy_gettext("取り出す理由"), render_kw={"rows": "3", "maxlength": str(LONGEST_REASON)})

    def validate_reason(self, field: TextAreaField) -> None:
        length = len((field.data or "").strip())
        if length == 0:
            raise ValidationError(_("取り出す理由を書いてください"))
        if length < SHORTEST_REASON:
            raise ValidationError(_("もう少しくわしく、%(count)s文字以上で書いてください", count=SHORTEST_REASON))
        if length > LONGEST_REASON:
            raise ValidationError(_("%(count)s文字までにしてください", count=LONGEST_REASON))


@bp.get("")
@needs(Role.ADMINISTRATOR)
def search() -> ResponseReturnValue:
    """Look files up by their 受付番号."""
    typed = request.args.get("number", "").strip()
    found: list[Original] = []
    if typed:
        with reading() as rows:
            found = originals.of_submission(rows, me(), typed)
    return render_template("originals.html", typed=typed, found=found)


@bp.get("/<uuid:file_id>")
@needs(Role.ADMINISTRATOR)
def show(file_id: UUID) -> ResponseReturnValue:
    return _page(file_id, FetchForm())


@bp.post("/<uuid:file_id>")
@needs(Role.ADMINISTRATOR)
def fetch(file_id: UUID) -> ResponseReturnValue:
    """Hand an original out, as a download that no browser opens. The log is durable before the first byte leaves."""
    form = FetchForm()
    with reading() as rows:
        file = originals.one(rows, me(), file_id)
    if file.destroyed_at:
        return _page(file_id, form, status=410)
    if not form.validate():
        return _page(file_id, form, status=422)
    attempt = once.attempt()
    try:
        content = storage().open(file.key)
    except NotStored:
        log("original.refused", level="error", file=file_id, reason="missing")
        return _page(file_id, form, trouble="missing", status=404)
    if _sha256(content) != file.sha256:
        content.close()
        log("original.refused", level="error", file=file_id, reason="changed")
        return _page(file_id, form, trouble="changed", status=409)
    try:
        with transaction() as rows:
            why = form.reason.data or ""
            originals.fetch(rows, me(), file_id, why, attempt=attempt, from_address=from_address())
    except Destroyed:  # between our look and our log
        content.close()
        return _page(file_id, form, status=410)
    log("original.fetched", file=file_id, staff=me().staff_id)
    response = send_file(content, "application/octet-stream", etag=False)
    response.headers["Content-Disposition"] = disposition(file.written_name, Kind(file.kind).extension)
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _page(file_id: UUID, form: FetchForm, *, trouble: str = "", status: int = 200) -> ResponseReturnValue:
    with reading() as rows:
        file = originals.one(rows, me(), file_id)
        fetches = originals.fetches(rows, me(), file_id)
    return render_template("original.html", file=file, fetches=fetches, form=form, trouble=trouble), status


def _sha256(content: BinaryIO) -> str:
    """The hash of what really lies there; the stream is at its beginning again afterwards."""
    said = hashlib.sha256()
    while piece := content.read(MEBIBYTE):
        said.update(piece)
    content.seek(0)
    return said.hexdigest()
