"""From one pair of hands to another: ask for it, give it, keep it; hand it over to a colleague, take it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.exceptions import BadRequest
from wtforms import Field, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from config.log import log
from config.web import reading, transaction
from config.words import thing
from shared import handing, review
from shared.model import Role
from shared.rules import my_number
from staff import after, once
from staff.access import DECIDING, me, needs
from staff.correction import NO_MY_NUMBER
from staff.opened import opened_for

bp = Blueprint("handing", __name__, url_prefix="/review/<uuid:submission_id>")


class _WithWords(FlaskForm):  # type: ignore[misc]
    """A form with one line for colleagues."""

    def validate_words(self, field: Field) -> None:
        if my_number.is_in(field.data or ""):
            raise ValidationError(NO_MY_NUMBER)


class HandOverForm(_WithWords):
    """To whom, and what she should know. ``names``: who may be chosen, by id."""

    names: Mapping[str, str] = {}

    to = StringField(lazy_gettext("だれに"))
    words = StringField(
        lazy_gettext("伝えること（本人には見えません）"),
        [Length(max=handing.LONGEST, message=lazy_gettext("200文字までにしてください"))],
    )

    def validate_to(self, field: Field) -> None:
        if field.data not in self.names:
            raise ValidationError(_("引きつぐ人をえらんでください"))


class TakeOverForm(_WithWords):
    """Why."""

    words = StringField(
        lazy_gettext("引きとる理由（記録に残り、対応中の人にも見えます）"),
        [
            DataRequired(lazy_gettext("引きとる理由を書いてください")),
            Length(max=handing.LONGEST, message=lazy_gettext("200文字までにしてください")),
        ],
    )


@bp.post("/ask")
@needs(*DECIDING)
def ask(submission_id: UUID) -> ResponseReturnValue:
    """譲ってほしい."""
    with transaction() as rows:
        asked = handing.ask_for(rows, me(), submission_id)
    flash(
        _("譲ってほしいと伝えました。返事は、この画面と「あなたあて」に出ます。")
        if asked
        else _("いまは、だれも対応していません。すぐに対応できます。")
    )
    return redirect(url_for("review.show", submission_id=submission_id), 303)


@bp.post("/keep")
@needs(*DECIDING)
def keep(submission_id: UUID) -> ResponseReturnValue:
    """まだ使う."""
    with transaction() as rows:
        handing.keep(rows, me(), submission_id, _asker())
    flash(_("まだ使うと伝えました。"))
    return redirect(url_for("review.show", submission_id=submission_id), 303)


@bp.post("/give")
@needs(*DECIDING)
def give(submission_id: UUID) -> ResponseReturnValue:
    """わたす: to who has asked."""
    attempt = once.attempt()
    with transaction() as rows:
        handing.give(rows, me(), submission_id, _asker(), attempt=attempt)
    log("submission.handed", submission=submission_id)
    after.say(_("わたしました。"), submission_id, attempt)
    return redirect(after.the_list(), 303)


@bp.get("/hand-over")
@needs(*DECIDING)
def choose(submission_id: UUID) -> ResponseReturnValue:
    """The empty form; for somebody who has not taken the submission, the page to look at it."""
    it = opened_for(submission_id)
    if not it.may_decide:
        return redirect(url_for("review.show", submission_id=submission_id), 303)
    form = _hand_over_form(submission_id)
    return render_template("handover.html", slip=it.slip, form=form, seen=it.slip.revision, attempt=None)


@bp.post("/hand-over")
@needs(*DECIDING)
def hand_over(submission_id: UUID) -> ResponseReturnValue:
    it, form = opened_for(submission_id), _hand_over_form(submission_id)
    facts: dict[str, Any] = {"seen": once.seen(), "attempt": once.attempt()}
    if not form.validate():
        return render_template("handover.html", slip=it.slip, form=form, **facts), 422
    with transaction() as rows:
        handing.hand_over(rows, me(), submission_id, UUID(form.to.data), form.words.data or "", **facts)
        place = after.place(rows, me())
    log("submission.handed", submission=submission_id)
    about = {"member": it.slip.member, "thing": thing(it.slip.kind, it.slip.month)}
    about["who"] = form.names[form.to.data or ""]
    sentence = _("%(member)s さんの「%(thing)s」を、%(who)sさんに引きつぎました。", **about)
    after.say(sentence, submission_id, facts["attempt"])
    return redirect(place, 303)


@bp.get("/take-over")
@needs(Role.SUPERVISOR)
def why(submission_id: UUID) -> ResponseReturnValue:
    """The empty form; for what nobody holds, the page to look at it."""
    it = opened_for(submission_id)
    if not (it.lease and it.lease.runs) or it.lease.mine:
        return redirect(url_for("review.show", submission_id=submission_id), 303)
    return render_template("takeover.html", slip=it.slip, lease=it.lease, form=TakeOverForm(), attempt=None)


@bp.post("/take-over")
@needs(Role.SUPERVISOR)
def take_over(submission_id: UUID) -> ResponseReturnValue:
    it, form, attempt = opened_for(submission_id), TakeOverForm(), once.attempt()
    held = it.lease and it.lease.runs and not it.lease.mine
    if (held or form.words.data) and not form.validate():
        return render_template("takeover.html", slip=it.slip, lease=it.lease, form=form, attempt=attempt), 422
    try:
        with transaction() as rows:
            handing.take_over(rows, me(), submission_id, form.words.data or "", attempt=attempt)
    except ValueError:  # somebody has it since she looked: now it wants a reason
        return redirect(url_for("handing.why", submission_id=submission_id), 303)
    log("submission.handed", submission=submission_id)
    flash(_("引きとりました。あなたが対応中です。"))
    return redirect(url_for("review.show", submission_id=submission_id), 303)


def _hand_over_form(submission_id: UUID) -> HandOverForm:
    form = HandOverForm()
    with reading() as rows:
        found = handing.colleagues(rows, me(), review.open_for(rows, me(), submission_id))
    form.names = {str(key): name for key, name in found}
    return form


def _asker() -> UUID:
    try:
        return UUID(request.form["asker"])
    except ValueError:
        raise BadRequest from None
