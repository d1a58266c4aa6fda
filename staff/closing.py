"""締め: closing the day, its sheet, the days of a month, and when the office usually closes."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, InputRequired, ValidationError

from config.log import log
from config.web import reading, transaction
from shared import clock, closing
from shared.errors import LogBroken, NotClosable, NotThere, RuleStands
from shared.model import DutyKind, Role
from shared.rules import forms, wareki
from shared.rules.months import add_months
from staff.access import RECEIPTS, me, needs
from staff.days import day_in, month_in
from staff.retention import FromDay

bp = Blueprint("closing", __name__, url_prefix="/closing")

SHOWN: Final = 5  # days not closed that a page names


class ClockTime(StringField):
    """17:15, however wide it was typed; what was typed stays in the field."""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:  # noqa: ARG002
        if not validation_stopped and self._read() is None:
            raise ValidationError(_("時刻を「17:15」のように書いてください"))

    @property
    def at(self) -> time:
        """The time. Only after it was checked."""
        return self._read() or closing.USUAL

    def _read(self) -> time | None:
        plain = (self.data or "").strip().translate(str.maketrans("０１２３４５６７８９：", "0123456789:"))
        try:
            return datetime.strptime(plain, "%H:%M").time()  # noqa: DTZ007  (a time on the office's wall)
        except ValueError:
            return None


class TimeForm(FlaskForm):  # type: ignore[misc]
    """When the day is usually closed, from a day on."""

    at = ClockTime(
        lazy_gettext("時刻"),
        [DataRequired(lazy_gettext("時刻を書いてください"))],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    from_day = FromDay(
        lazy_gettext("いつから"),
        [InputRequired(lazy_gettext("いつからかを書いてください"))],
        format=["%Y-%m-%d", "%Y/%m/%d"],
        default=clock.today,
    )


@bp.get("")
@needs(*RECEIPTS)
def show() -> ResponseReturnValue:
    """What the day has come to so far, with the button that closes it; and the closed days of a month."""
    return _page(TimeForm())


@bp.post("/time")
@needs(Role.SUPERVISOR)
def set_time() -> ResponseReturnValue:
    """From a day on, another time."""
    form = TimeForm()
    if form.validate():
        try:
            with transaction() as rows:
                closing.set_time(rows, me(), form.at.at, form.from_day.data or clock.today())
        except RuleStands:
            form.from_day.errors = [
                _("その日からの時刻は、もう決まっています。あしたか、それよりあとの日にしてください")
            ]
        else:
            flash(_("締めの時刻を決めました。"))
            return redirect(url_for("closing.show"), 303)
    return _page(form), 422


@bp.post("/<day>")
@needs(Role.CLERK)
def close(day: str) -> ResponseReturnValue:
    """Close a day. Whoever comes second is told who was first."""
    wanted, who = _day(day), me()
    try:
        with transaction() as rows:
            row = closing.close(rows, who, wanted)
            key, mine = row.id, row.closed_by == who.staff_id
    except NotClosable:
        flash(
            _(
                "%(day)sは締められません。まだ来ていないか、あとの日をもう締めてあります。",
                day=wareki.short_date(wanted),
            )
        )
        return redirect(url_for("closing.show"), 303)
    except LogBroken:
        flash(_("記録のつながりが切れています。締めていません。管理者に知らせてください。"))
        return redirect(url_for("closing.show"), 303)
    if mine:
        log("day.closed", closing=key)
        flash(_("%(day)sを締めました。", day=wareki.short_date(wanted)))
    else:
        flash(_("%(day)sは、もう締めてありました。", day=wareki.short_date(wanted)))
    return redirect(url_for("closing.sheet", day=wanted.isoformat()), 303)


@bp.get("/<day>")
@needs(*RECEIPTS)
def sheet(day: str) -> ResponseReturnValue:
    """The sheet of a closed day: one page of A4."""
    with reading() as rows:
        found = closing.sheet(rows, me(), _day(day))
    return render_template("closing_sheet.html", sheet=found, said=found.content)


@bp.get("/<day>/sheet.json")
@needs(*RECEIPTS)
def content(day: str) -> ResponseReturnValue:
    """What the signature is over, byte for byte."""
    with reading() as rows:
        found = closing.sheet(rows, me(), _day(day))
    return _file(closing.as_bytes(found.content), "application/json", f"closing-{found.day.isoformat()}.json")


@bp.get("/<day>/sheet.p7s")
@needs(*RECEIPTS)
def signature(day: str) -> ResponseReturnValue:
    """The office's signature, detached.

    :raises NotThere: while the worker has not made it.
    """
    with reading() as rows:
        found = closing.sheet(rows, me(), _day(day))
    if found.signature is None:
        raise NotThere
    return _file(found.signature, "application/pkcs7-signature", f"closing-{found.day.isoformat()}.p7s")


def attention() -> dict[str, Any]:
    """For every template: ``closing_today()`` asks the database only where a page calls it."""

    def closing_today() -> closing.Desk:
        with reading() as rows:
            return closing.desk(rows, me())

    return {"closing_today": closing_today}


def _page(form: TimeForm) -> str:
    who, today = me(), clock.today()
    month = month_in(request.args.get("month", "")) or today.replace(day=1)
    wanted = day_in(request.args.get("day", "")) or today
    with reading() as rows:
        desk = closing.desk(rows, who)
        try:
            counts = closing.so_far(rows, who, wanted)
        except NotClosable:
            counts = None
        facts = {
            "rows": closing.of_month(rows, who, month),
            "times": closing.times(rows, who),
            "names": {kind: _(forms.name_of(kind)) for kind in DutyKind},
        }
    months = {"month": month, "before": add_months(month, -1), "after": add_months(month, 1)}
    return render_template(
        "closing.html", desk=desk, day=wanted, counts=counts, form=form, shown=SHOWN, **months, **facts
    )


def _day(text: str) -> date:
    day = day_in(text)
    if day is None:
        raise NotThere
    return day


def _file(body: bytes, content_type: str, name: str) -> Response:
    return Response(body, content_type=content_type, headers={"Content-Disposition": f"attachment; filename={name}"})
