"""保留: put aside until a day, with a reason; take up before it."""

from __future__ import annotations

from datetime import date
from typing import Any, cast
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Field, StringField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from config.log import log
from config.web import transaction
from config.words import thing
from shared import clock, review
from shared.rules import my_number
from shared.rules.wareki import short_date
from staff import after, once
from staff.access import DECIDING, me, needs
from staff.correction import NO_MY_NUMBER, AnswerBy, wish_by
from staff.opened import opened_for

bp = Blueprint("hold", __name__, url_prefix="/review/<uuid:submission_id>")


class BackOn(AnswerBy):
    """A day to come."""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        super().post_validate(form, validation_stopped)
        if self.data == clock.today():
            raise ValidationError(_("明日か、それよりあとの日にしてください"))


class HoldForm(FlaskForm):  # type: ignore[misc]
    """Until when, and why."""

    until = BackOn(
        lazy_gettext("いつまで"),
        [InputRequired(lazy_gettext("いつまで保留にするかを入れてください"))],
        format=["%Y-%m-%d", "%Y/%m/%d"],
        default=wish_by,
    )
    reason = StringField(
        lazy_gettext("理由（本人には見えません）"),
        [
            DataRequired(lazy_gettext("保留にする理由を書いてください")),
            Length(max=200, message=lazy_gettext("200文字までにしてください")),
        ],
    )

    def validate_reason(self, field: Field) -> None:
        if my_number.is_in(field.data or ""):
            raise ValidationError(NO_MY_NUMBER)


@bp.get("/hold")
@needs(*DECIDING)
def ask(submission_id: UUID) -> ResponseReturnValue:
    """The empty form; for somebody who has not taken the submission, the page to look at it."""
    it = opened_for(submission_id)
    if not it.may_decide:
        return redirect(url_for("review.show", submission_id=submission_id), 303)
    return render_template("hold.html", slip=it.slip, form=HoldForm(), seen=it.slip.revision, attempt=None)


@bp.post("/hold")
@needs(*DECIDING)
def put(submission_id: UUID) -> ResponseReturnValue:
    it, form = opened_for(submission_id), HoldForm()
    facts: dict[str, Any] = {"seen": once.seen(), "attempt": once.attempt()}
    if not form.validate():
        return render_template("hold.html", slip=it.slip, form=form, **facts), 422
    until, reason = cast(date, form.until.data), form.reason.data or ""
    with transaction() as rows:
        done = review.hold(rows, me(), submission_id, until=until, reason=reason, **facts)
        place = after.place(rows, me())
    log("submission.moved", submission=submission_id, state=done.state)
    about = {"member": it.slip.member, "thing": thing(it.slip.kind, it.slip.month), "day": short_date(until)}
    sentence = _("%(member)s さんの「%(thing)s」を、%(day)sまで保留にしました。", **about)
    after.say(sentence, submission_id, facts["attempt"])
    return redirect(place, 303)


@bp.post("/resume")
@needs(*DECIDING)
def resume(submission_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        review.resume(rows, me(), submission_id)
    return redirect(url_for("review.show", submission_id=submission_id), 303)
