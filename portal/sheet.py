"""受付票: the whole slip to keep, with what was declared: as a PDF, a picture, or one page that needs no line."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import reading, settings
from portal import display
from portal.access import me, recipient_required
from shared import drafts, sheet

bp = Blueprint("sheet", __name__)


def _as_pdf(content: dict[str, Any]) -> bytes:
    from uploads.receipt_pdf import draw_sheet

    return draw_sheet(content)


def _as_picture(content: dict[str, Any]) -> bytes:
    from uploads.receipt_pdf import draw_sheet

    return draw_sheet(content, as_picture=True)


def _as_page(content: dict[str, Any]) -> bytes:
    return render_template("sheet.html", slip=content).encode()


FORMS: Final[dict[str, tuple[str, Callable[[dict[str, Any]], bytes]]]] = {
    "pdf": ("application/pdf", _as_pdf),
    "png": ("image/png", _as_picture),
    "html": ("text/html", _as_page),
}


@bp.get("/sent/<uuid:submission_id>/sheet.<any(pdf, png, html):form>", defaults={"version": None})
@bp.get("/sent/<uuid:submission_id>/versions/<int:version>/sheet.<any(pdf, png, html):form>")
@recipient_required
def save(submission_id: UUID, version: int | None, form: str) -> ResponseReturnValue:
    """The slip of a version as a file, in the language chosen with the Japanese beside it."""
    with reading() as session:
        submission = drafts.own(session, me(), submission_id)
        content = sheet.sheet(session, submission, sheet.version_of(session, submission, version), display.language())
    if settings().demo:
        content = sheet.with_sample_mark(content)
    media_type, drawn = FORMS[form]
    name = f"{_('受付票')} {content['number']}.{form}"
    return send_file(BytesIO(drawn(content)), mimetype=media_type, as_attachment=True, download_name=name)


@bp.post("/sent/<uuid:submission_id>/language")
@recipient_required
def language(submission_id: UUID) -> ResponseReturnValue:
    """Choose the language beside the Japanese."""
    answer = make_response(redirect(url_for("sent.show", submission_id=submission_id) + "#language", 303))
    display.keep_language(answer, request.form.get("language", ""))
    return answer
