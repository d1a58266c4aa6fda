"""二度目の確認: some of what was accepted, looked at again; and what comes of it at the desk of whoever had decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.exceptions import BadRequest
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, ValidationError

from config.web import reading, transaction
from shared import clock, review, second_look
from shared.errors import RuleStands
from shared.model import Finding, Role
from shared.rules import my_number
from shared.second_look import LONGEST, LookRow, Place
from staff import once, trace
from staff.access import DECIDING, me, needs
from staff.correction import NO_MY_NUMBER
from staff.opened import opened, pages
from staff.retention import FromDay

bp = Blueprint("second_look", __name__, url_prefix="/second-looks")


class Percent(StringField):
    """A share of a hundred, however wide it was typed; what was typed stays in the field."""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:  # noqa: ARG002
        plain = (self.data or "").strip().rstrip("%％")
        if not validation_stopped and not (plain.isdecimal() and len(plain) <= 3 and int(plain) <= 100):
            raise ValidationError(_("0から100までの数字で書いてください"))

    @property
    def percent(self) -> int:
        """The number. Only after it was checked."""
        return int((self.data or "").strip().rstrip("%％"))


class RuleForm(FlaskForm):  # type: ignore[misc]
    """How many of a hundred, from a day on."""

    percent = Percent(
        lazy_gettext("受理したもののうち"),
        [DataRequired(lazy_gettext("割合を書いてください"))],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    from_day = FromDay(
        lazy_gettext("いつから"),
        [InputRequired(lazy_gettext("いつからかを書いてください"))],
        format=["%Y-%m-%d", "%Y/%m/%d"],
        default=clock.today,
    )


class LookForm(FlaskForm):  # type: ignore[misc]
    """What the two will talk about; the button says what was found."""

    note = TextAreaField(lazy_gettext("担当に伝えること（本人には見えません）"))

    def validate_note(self, field: TextAreaField) -> None:
        text = (field.data or "").strip()
        if request.form.get("finding") == Finding.TALK and not text:
            raise ValidationError(_("話し合いたいことを書いてください"))
        if len(text) > LONGEST:
            raise ValidationError(_("%(count)s文字までにしてください", count=LONGEST))
        if my_number.is_in(text):
            raise ValidationError(NO_MY_NUMBER)


@bp.route("", methods=["GET", "POST"])
@needs(Role.SUPERVISOR)
def waiting() -> ResponseReturnValue:
    """What is still to be looked at, the oldest first, and how many are drawn. A POST sets a share from a day on."""
    form, who = RuleForm(), me()
    if form.validate_on_submit():
        from_day = form.from_day.data or clock.today()
        try:
            with transaction() as rows:
                percent = form.percent.percent
                second_look.set_rule(rows, who.office_id, percent, from_day, set_by=who.staff_id)
        except RuleStands:
            form.from_day.errors = [
                _("その日からの決まりは、もう始まっています。あしたか、それよりあとの日にしてください")
            ]
        else:
            flash(_("二度目の確認の割合を決めました。"))
            return redirect(url_for("second_look.waiting"), 303)
    with reading() as rows:
        found = second_look.waiting(rows, who, behind=_behind(), most=second_look.PAGE + 1)
        facts = {"total": second_look.count(rows, who), "rules": second_look.rules(rows, who)}
    shown = found[: second_look.PAGE]
    more = _place(shown[-1]) if len(found) > second_look.PAGE else None
    page = render_template("second_looks.html", rows=shown, more=more, form=form, **facts)
    return page, 422 if form.errors else 200


@bp.get("/<uuid:look_id>")
@needs(Role.SUPERVISOR)
def show(look_id: UUID) -> ResponseReturnValue:
    """What was accepted, to be read only. That it was looked at goes into the journal."""
    return _page(look_id, LookForm())


@bp.post("/<uuid:look_id>")
@needs(Role.SUPERVISOR)
def say(look_id: UUID) -> ResponseReturnValue:
    """よい, or 話し合いたい with what about."""
    form, attempt = LookForm(), once.attempt()
    if request.form.get("finding") not in set(Finding):
        raise BadRequest
    if not form.validate():
        return _page(look_id, form, attempt), 422
    finding = Finding(request.form["finding"])
    with transaction() as rows:
        done = second_look.look(rows, me(), look_id, finding, form.note.data or "", attempt=attempt)
        mine = done.attempt == attempt
        following = second_look.waiting(rows, me(), most=1)
    if not mine:
        return _page(look_id, form, attempt), 409
    flash(_("担当に伝えました。") if finding is Finding.TALK else _("そのままでよいとしました。"))
    if following:
        return redirect(url_for("second_look.show", look_id=following[0].id), 303)
    return redirect(url_for("second_look.waiting"), 303)


@bp.post("/<uuid:look_id>/read")
@needs(*DECIDING)
def put_away(look_id: UUID) -> ResponseReturnValue:
    """Whoever had decided has read what the supervisor wants to talk about."""
    with transaction() as rows:
        second_look.put_away(rows, me(), look_id)
    return redirect(url_for("queue.show"), 303)


def news() -> dict[str, Any]:
    """For every template: ``to_talk_about()`` asks the database only where a page calls it."""

    def to_talk_about() -> list[LookRow]:
        with reading() as rows:
            return second_look.to_talk_about(rows, me())

    return {"to_talk_about": to_talk_about}


def _page(look_id: UUID, form: LookForm, attempt: UUID | None = None) -> str:
    who = me()
    with transaction() as rows:
        look = second_look.open_for(rows, who, look_id)
        submission = review.open_for(rows, who, look.submission_id)
        it = opened(rows, who, submission, look.version_no)
        copies = {file.id: pages(rows, who, file) for file in it.slip.files}
        trace.at_submission(rows, submission, look.version_no)
    return render_template(
        "second_look.html", look=look, it=it, slip=it.slip, copies=copies, form=form, attempt=attempt
    )


def _behind() -> Place | None:
    """The end of the page before; an address somebody has cut short begins at the first page."""
    try:
        at, key = request.args.get("behind", "").split("_")
        return datetime.fromisoformat(at).astimezone(UTC), UUID(key)
    except (ValueError, OverflowError):
        return None


def _place(row: LookRow) -> str:
    at, key = row.place
    return f"{at.astimezone(UTC).isoformat()}_{key}"
