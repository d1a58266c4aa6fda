"""なおしてください: what is asked for again, why, and what is fine already."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from config.web import reading, settings
from config.words import declared
from portal.access import me, recipient_required
from portal.upload import Refusal, attempt_of_form, take
from shared import drafts, slips
from shared.errors import AlreadySent
from shared.model import State
from shared.slips import Slip

bp = Blueprint("correction", __name__)


@bp.route("/correct/<uuid:submission_id>", methods=["GET", "POST"])
@recipient_required
def show(submission_id: UUID) -> ResponseReturnValue:
    """The request for correction. A POST brings a file in place of another."""
    refused: list[Refusal] = []
    try:
        with reading() as session:
            draft = drafts.draft_of(session, me(), submission_id)
            held = {file.id for file in drafts.files_of(session, draft.version)}
    except AlreadySent:
        return redirect(url_for("sent.show", submission_id=submission_id), 303)
    if draft.submission.state is State.DRAFT:  # nothing was sent, so nothing was asked for again
        return redirect(url_for("forms.check", submission_id=submission_id), 303)
    if request.method == "POST":
        taken, refused = take(submission_id, attempt_of_form(), replaces=_replaced(held))
        if taken and not refused:
            return redirect(url_for("correction.show", submission_id=submission_id), 303)
        if not taken and not refused:
            refused = [Refusal("", "none_chosen")]
    with reading() as session:
        draft = drafts.draft_of(session, me(), submission_id)
        slip = slips.slip(session, draft.submission, draft.version)
        before = slips.slip(session, draft.submission)
    texts = {
        "now": {one.id: one.text for one in declared(slip)},
        "before": {one.id: one.text for one in declared(before)},
    }
    facts = {"slip": slip, "before": before, "texts": texts, "links": _links(slip)}
    return render_template("correction.html", refused=refused, limits=settings(), **facts), 422 if refused else 200


def _links(slip: Slip) -> dict[str, str]:
    """Where each answer is changed; a row that was taken out leads to the last look."""
    check = url_for("forms.check", submission_id=slip.id)
    links: defaultdict[str, str] = defaultdict(lambda: check)
    for one in slip.said:
        at: dict[str, Any] = {"screen": one.screen, "row": one.row, "page": one.page}
        links[one.id] = url_for("forms.ask", submission_id=slip.id, then="correct", _anchor=one.question.key, **at)
    return links


def _replaced(held: set[UUID]) -> UUID | None:
    """The file that the new one stands for, if it is still held; the version already sent keeps it."""
    try:
        replaced = UUID(request.form.get("replaces", ""))
    except ValueError:
        return None
    return replaced if replaced in held else None
