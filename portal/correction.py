"""なおしてください: what is asked for again, why, and what is fine already."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from config.web import reading, settings, transaction
from portal.access import me, recipient_required
from portal.income import SCREEN_OF
from portal.upload import Refusal, attempt_of_form, take
from shared import intake, slips
from shared.errors import AlreadySent

bp = Blueprint("correction", __name__)


@bp.route("/correct/<uuid:submission_id>", methods=["GET", "POST"])
@recipient_required
def show(submission_id: UUID) -> ResponseReturnValue:
    """The request for correction. A POST brings a file in place of another."""
    refused: list[Refusal] = []
    try:
        with reading() as session:
            intake.draft_of(session, me(), submission_id)
    except AlreadySent:
        return redirect(url_for("sent.show", submission_id=submission_id), 303)
    if request.method == "POST":
        taken, refused = take(submission_id, attempt_of_form())
        if taken:
            _replace(submission_id)
        if taken and not refused:
            return redirect(url_for("correction.show", submission_id=submission_id), 303)
        if not taken and not refused:
            refused = [Refusal("", "none_chosen")]
    with reading() as session:
        draft = intake.draft_of(session, me(), submission_id)
        slip = slips.slip(session, draft.submission, draft.version)
        before = slips.slip(session, draft.submission)
    if slip.correction is None:
        return redirect(url_for("income.check", submission_id=submission_id), 303)
    facts = {"slip": slip, "before": before, "refused": refused, "screen_of": SCREEN_OF, "limits": settings()}
    return render_template("correction.html", **facts), 422 if refused else 200


def _replace(submission_id: UUID) -> None:
    """Take out the file that the new one stands for; the version already sent keeps it."""
    try:
        replaced = UUID(request.form.get("replaces", ""))
    except ValueError:
        return
    with transaction() as session:
        intake.remove(session, me(), submission_id, replaced)
