"""Each answer is kept while it is written, so that a call, another phone or a tunnel costs nothing.

A script sends one field at a time; without it a screen is kept at 「つぎへ」. Answers are JSON: ``at``, or ``reason``
and a ``sentence`` where there is something to do.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from config.log import log
from config.web import transaction
from portal.access import asked_by_script, me
from portal.forms import SENTENCES
from shared import clock, errors, typed
from shared.rules.forms.form import NotAnAnswer

bp = Blueprint("typed", __name__, url_prefix="/forms")


@bp.post("/<uuid:submission_id>/<screen>/typed", defaults={"row": None})
@bp.post("/<uuid:submission_id>/<screen>/<int:row>/typed")
@asked_by_script
def keep(submission_id: UUID, screen: str, row: int | None) -> ResponseReturnValue:
    """Keep one field as it stands."""
    question, values = request.form.get("question", ""), request.form.getlist("value")
    with transaction() as session:
        typed.keep(session, me(), submission_id, screen, row, question, values, request.args.get("knew"))
    now = clock.now().astimezone(clock.TOKYO)
    return {"at": f"{now.hour}:{now.minute:02}"}


@bp.errorhandler(NotAnAnswer)
def _not_kept(wrong: NotAnAnswer) -> ResponseReturnValue:
    return {"reason": wrong.code, "sentence": str(SENTENCES[wrong.code])}, 422


@bp.errorhandler(errors.AlreadySent)
def _already_sent(_error: errors.AlreadySent) -> ResponseReturnValue:
    sentence = _("これは、もう出してあります。なおすときは「りれき」から開いてください。")
    return {"reason": "already_sent", "sentence": sentence}, 409


@bp.errorhandler(errors.AnsweredMeanwhile)
def _answered(_error: errors.AnsweredMeanwhile) -> ResponseReturnValue:
    sentence = _("この画面の答えは、ほかのところで変わりました。画面を開きなおしてください。")
    return {"reason": "answered", "sentence": sentence}, 409


@bp.errorhandler(errors.NotThere)
def _not_there(_error: errors.NotThere) -> ResponseReturnValue:
    return {"reason": "not_there"}, 404


@bp.errorhandler(CSRFError)
def _not_from_our_page(_error: CSRFError) -> ResponseReturnValue:
    return {"reason": "token"}, 403


@bp.errorhandler(OperationalError)
@bp.errorhandler(PoolTimeout)
def _unavailable(error: Exception) -> ResponseReturnValue:
    log("request.failed", level="error", path=request.path, error=type(error).__name__)
    return {"reason": "unavailable"}, 503


@bp.errorhandler(HTTPException)
def _other(error: HTTPException) -> ResponseReturnValue:
    return {"reason": "request"}, error.code or 500
