"""給与明細: photos and PDFs, each with its own row and state, sent the moment it is chosen."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from config.web import reading, settings, transaction
from portal.access import me, recipient_required
from portal.income import steps
from portal.upload import Refusal, attempt_of_form, take
from shared import drafts, slips

bp = Blueprint("payslips", __name__, url_prefix="/income")


@bp.route("/<uuid:submission_id>/payslips", methods=["GET", "POST"])
@recipient_required
def show(submission_id: UUID) -> ResponseReturnValue:
    """The files of a draft; a POST brings more."""
    refused: list[Refusal] = []
    with reading() as session:
        drafts.draft_of(session, me(), submission_id)  # hers, and still open, before anything is kept
    if request.method == "POST":
        taken, refused = take(submission_id, attempt_of_form())
        if taken and not refused:
            return redirect(url_for("payslips.show", submission_id=submission_id), 303)
        if not taken and not refused:
            refused = [Refusal("", "none_chosen")]
    with reading() as session:
        draft = drafts.draft_of(session, me(), submission_id)
        files = slips.file_rows(session, drafts.files_of(session, draft.version))
        why = drafts.absent_paper(session, draft.version)
    facts = {
        "draft": draft,
        "files": files,
        "why": why,
        "refused": refused,
        "step": steps("payslips"),
        "limits": settings(),
    }
    return render_template("income/payslips.html", **facts), 422 if refused else 200


@bp.post("/<uuid:submission_id>/payslips/<uuid:file_id>/remove")
@recipient_required
def remove(submission_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """Take a file out again."""
    with transaction() as session:
        drafts.remove(session, me(), submission_id, file_id)
    return redirect(url_for("payslips.show", submission_id=submission_id), 303)


@bp.post("/<uuid:submission_id>/payslips/<uuid:file_id>/move")
@recipient_required
def move(submission_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """Put a file one place further up or down."""
    with transaction() as session:
        drafts.move(session, me(), submission_id, file_id, up="up" in request.form)
    return redirect(url_for("payslips.show", submission_id=submission_id), 303)
