"""「書類がないとき」: a paper that is not there is said, seen by staff, and holds nothing up."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import transaction
from portal.access import me, recipient_required
from shared import absent, drafts
from shared.errors import AlreadySent
from shared.model import WhyAbsent

bp = Blueprint("absent", __name__)


@bp.post("/absent/<uuid:submission_id>")
@recipient_required
def say(submission_id: UUID) -> ResponseReturnValue:
    """Say why there is no paper, or take that back; then on to the last look."""
    said = request.form.get("why", "")
    takes_back = "take_back" in request.form
    if not takes_back and said not in set(WhyAbsent):
        flash(_("どれか1つをえらんで、もう一度押してください。"), "ask")
    if takes_back or said in set(WhyAbsent):
        with transaction() as session:
            drafts.say_absent(session, me(), submission_id, None if takes_back else WhyAbsent(said))
    return redirect(url_for("forms.files", submission_id=submission_id, _anchor="absent"), 303)


@bp.post("/absent/<uuid:submission_id>/bring")
@recipient_required
def bring(submission_id: UUID) -> ResponseReturnValue:
    """「あとで 送ります」 was said, and now it is there; or it is done some other way."""
    if "done" in request.form:
        with transaction() as session:
            absent.done(session, me(), submission_id)
        flash(_("「あとで出すもの」から、はずしました。"), "ok")
        return redirect(url_for("home.show"), 303)
    try:
        with transaction() as session:
            into = absent.bring(session, me(), submission_id).id
    except AlreadySent:
        flash(_("いま、前に送ったものを確かめています。少し待って、もう一度押してください。"), "info")
        return redirect(url_for("home.show"), 303)
    if into != submission_id:
        return redirect(url_for("forms.ask", submission_id=into, screen="paper"), 303)
    return redirect(url_for("forms.files", submission_id=into), 303)
