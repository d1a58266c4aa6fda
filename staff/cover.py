"""代わり: a colleague looks after somebody's households, too. Who stands in for whom, and what one is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, cast
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, SelectField
from wtforms.validators import InputRequired, ValidationError

from config.web import reading, transaction
from shared import clock, cover, queue
from shared.cover import NewCover
from shared.errors import AlreadyCovered
from shared.model import Role
from shared.rules.wareki import short_date
from staff import once
from staff.access import DECIDING, me, needs
from staff.correction import AnswerBy

bp = Blueprint("cover", __name__, url_prefix="/cover")

ISO = ["%Y-%m-%d", "%Y/%m/%d"]
Colleagues = list[tuple[UUID, str]]


class Colleague(SelectField):
    """One of the caseworkers at work here; whatever else is sent is none of them."""

    names: Mapping[str, str] = {}

    def offer(self, colleagues: Colleagues) -> None:
        self.names = {str(key): name for key, name in colleagues}
        self.choices = [("", _("えらんでください")), *self.names.items()]

    def pre_validate(self, _form: Any) -> None:
        if self.data not in self.names:
            raise ValidationError(_("だれかを、えらんでください"))

    @property
    def staff_id(self) -> UUID:
        """Only of one that was checked."""
        return UUID(self.data)


class AskForm(FlaskForm):  # type: ignore[misc]
    """Let somebody stand in. ``absent`` and ``protected`` are a supervisor's to say."""

    absent = Colleague(lazy_gettext("だれの担当を"), choices=[])
    stands_in = Colleague(lazy_gettext("だれが代わりに見る"), choices=[])
    from_day = AnswerBy(
        lazy_gettext("いつから"),
        [InputRequired(lazy_gettext("いつからかを入れてください"))],
        format=ISO,
        default=clock.today,
    )
    until_day = AnswerBy(
        lazy_gettext("いつまで（その日もふくみます）"),
        [InputRequired(lazy_gettext("いつまでかを入れてください"))],
        format=ISO,
        default=clock.today,
    )
    protected = BooleanField(lazy_gettext("配慮が必要な世帯も、代わりに開けるようにする"))

    def validate_until_day(self, field: Field) -> None:
        if field.data and self.from_day.data and field.data < self.from_day.data:
            raise ValidationError(_("はじめの日より前です。はじめの日か、それよりあとの日にしてください"))


class TakeForm(FlaskForm):  # type: ignore[misc]
    """Take over a colleague's queue at once."""

    colleague = Colleague(lazy_gettext("だれの担当を"), choices=[])
    until = AnswerBy(
        lazy_gettext("いつまで（その日もふくみます）"),
        [InputRequired(lazy_gettext("いつまでかを入れてください"))],
        format=ISO,
        default=clock.today,
    )


@bp.get("")
@needs(*DECIDING)
def show() -> ResponseReturnValue:
    """Every cover that runs or is to come, and the ways to begin one."""
    return _page(_ask_form(), _take_form())


def _colleagues() -> Colleagues:
    with reading() as rows:
        return queue.colleagues(rows, me())


def _others() -> Colleagues:
    return [one for one in _colleagues() if one[0] != me().staff_id]


def _ask_form(**given: Any) -> AskForm:
    form = AskForm(prefix="ask-", **given)
    form.stands_in.offer(_others())
    if me().role is Role.SUPERVISOR:
        form.absent.offer(_colleagues())
    else:  # for herself, and never with what only a supervisor gives
        del form.absent
        del form.protected
    return form


def _take_form(**given: Any) -> TakeForm:
    form = TakeForm(prefix="take-", **given)
    form.colleague.offer(_others())
    return form


def _page(ask: AskForm, take: TakeForm, status: int = 200, attempt: UUID | None = None) -> ResponseReturnValue:
    with reading() as rows:
        found = cover.standing(rows, me())
    chooses = me().role is Role.CASEWORKER
    return render_template("cover.html", rows=found, ask=ask, take=take, chooses=chooses, attempt=attempt), status


@bp.post("")
@needs(*DECIDING)
def begin() -> ResponseReturnValue:
    """Let a colleague stand in for oneself; a supervisor for anybody."""
    form, attempt = _ask_form(), once.attempt()
    if form.validate():
        says = me().role is Role.SUPERVISOR
        absent = form.absent.staff_id if says else me().staff_id
        protected = says and bool(form.protected.data)
        days = cast(date, form.from_day.data), cast(date, form.until_day.data)
        wanted = NewCover(absent, form.stands_in.staff_id, *days, attempt, protected)
        if _begun(wanted, form.stands_in):
            flash(_("代わりを決めました。ふたりには、受信箱で知らせます。"))
            return redirect(url_for("cover.show"), 303)
    return _page(form, _take_form(formdata=None), 422, attempt)


@bp.post("/take")
@needs(Role.CASEWORKER)
def take() -> ResponseReturnValue:
    """Take over a colleague's queue from now on; she is told."""
    form, attempt = _take_form(), once.attempt()
    if form.validate():
        until = cast(date, form.until.data)
        wanted = NewCover(form.colleague.staff_id, me().staff_id, clock.today(), until, attempt)
        if _begun(wanted, form.colleague):
            name = form.colleague.names[form.colleague.data]
            flash(_("%(day)sまで、%(who)sさんの代わりをします。本人に知らせました。", day=short_date(until), who=name))
            return redirect(url_for("queue.show"), 303)
    return _page(_ask_form(formdata=None), form, 422, attempt)


def _begun(wanted: NewCover, field: Field) -> bool:
    """Whether it stands now; if not, ``field`` says why."""
    if wanted.absent_id == wanted.cover_id:
        field.errors = [_("本人とはちがう人を、えらんでください")]
        return False
    try:
        with transaction() as rows:
            cover.begin(rows, me(), wanted)
    except AlreadyCovered:
        field.errors = [_("このふたりの代わりは、その日にもう決まっています。下の一覧を見てください")]
        return False
    return True


@bp.post("/<uuid:cover_id>/end")
@needs(*DECIDING)
def end(cover_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        cover.end(rows, me(), cover_id)
    flash(_("代わりを終わりにしました。"))
    return redirect(url_for("cover.show"), 303)


@bp.post("/told/<uuid:told_id>")
@needs(*DECIDING)
def put_away(told_id: UUID) -> ResponseReturnValue:
    """She has read what she was told."""
    with transaction() as rows:
        cover.put_away(rows, me(), told_id)
    return redirect(url_for("queue.show"), 303)
