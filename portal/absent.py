"""「持っていない」: a paper that is not there is said, seen by staff, and holds nothing up."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import transaction
from portal.access import me, recipient_required
from shared import drafts
from shared.model import DutyKind, WhyAbsent

bp = Blueprint("absent", __name__)


@bp.post("/absent/<uuid:submission_id>")
@recipient_required
def say(submission_id: UUID) -> ResponseReturnValue:
    """Say why there is no paper, or take that back; then on to the last look."""
    said = request.form.get("why", "")
    takes_back = "take_back" in request.form
    if not takes_back and said not in set(WhyAbsent):
        flash(_("どれか1つをえらんで、もう一度押してください。"), "ask")
    with transaction() as session:
        kind = drafts.draft_of(session, me(), submission_id).submission.kind
        if takes_back or said in set(WhyAbsent):
            drafts.say_absent(session, me(), submission_id, None if takes_back else WhyAbsent(said))
    papers = "payslips.show" if kind is DutyKind.INCOME_REPORT else "forms.files"
    return redirect(url_for(papers, submission_id=submission_id, _anchor="absent"), 303)
