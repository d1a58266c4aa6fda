"""世帯: find a household, and see all of it on one sheet. Every opening is in the journal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import ValidationError

from config.web import reading, transaction
from shared import clock, household, queue
from shared.household import LONGEST_REASON, MOST, PAGE, SHORTEST_REASON, Cell, Event, Place
from shared.model import DutyKind, Situation
from shared.rules import forms
from staff import once
from staff.access import DECIDING, me, needs
from staff.opened import told
from staff.trace import from_address

LONGEST: Final = 100  # letters of what is looked for; the field takes no more either
bp = Blueprint("household", __name__, url_prefix="/households")


class WhyForm(FlaskForm):  # type: ignore[misc]
    """Why a protected household is opened."""

    reason = TextAreaField(lazy_gettext("開く理由"), render_kw={"rows": "2", "maxlength": str(LONGEST_REASON)})

    def validate_reason(self, field: TextAreaField) -> None:
        length = len((field.data or "").strip())
        if length == 0:
            raise ValidationError(_("開く理由を書いてください"))
        if length < SHORTEST_REASON:
            raise ValidationError(_("もう少しくわしく、%(count)s文字以上で書いてください", count=SHORTEST_REASON))
        if length > LONGEST_REASON:
            raise ValidationError(_("%(count)s文字までにしてください", count=LONGEST_REASON))


@bp.get("")
@needs(*DECIDING)
def search() -> ResponseReturnValue:
    """Look a household up by case number, name or kana, or look through a district."""
    typed = request.args.get("q", "").strip()[:LONGEST]
    district = request.args.get("district", "")[:LONGEST]
    with reading() as rows:
        found = household.found(rows, me(), typed, district)
        districts = queue.districts(rows, me())
    facts = {"typed": typed, "district": district, "districts": districts}
    return render_template("households.html", rows=found[:MOST], more=len(found) > MOST, **facts)


@bp.get("/<uuid:household_id>")
@needs(*DECIDING)
def show(household_id: UUID) -> ResponseReturnValue:
    """The sheet; for a protected household first the question why."""
    with transaction() as rows:
        home = household.open_for(rows, me(), household_id)
        if not household.look(rows, me(), home, from_address=from_address()):
            return render_template("household_why.html", id=home.id, case_no=home.case_no, form=WhyForm())
        sheet = household.sheet(rows, home, clock.today())
        events = household.timeline(rows, home, behind=_behind(), most=PAGE + 1)
        openings = household.looks(rows, home) if home.protected else []
    shown = events[:PAGE]
    facts = {
        "events": [(event, _told(event)) for event in shown],
        "more": _place(shown[-1]) if len(events) > PAGE else None,
        "openings": openings,
        "kinds": {kind: forms.name_of(kind) for kind in DutyKind},
        "situations": SITUATIONS,
        "cells": CELLS,
    }
    return render_template("household.html", sheet=sheet, **facts)


@bp.post("/<uuid:household_id>")
@needs(*DECIDING)
def say_why(household_id: UUID) -> ResponseReturnValue:
    """Keep the reason; with it the sheet opens."""
    form = WhyForm()
    with transaction() as rows:
        home = household.open_for(rows, me(), household_id)
        if not form.validate():
            return render_template("household_why.html", id=home.id, case_no=home.case_no, form=form), 422
        household.say_why(rows, me(), household_id, form.reason.data or "", attempt=once.attempt())
    return redirect(url_for("household.show", household_id=household_id), 303)


def _behind() -> Place | None:
    """The end of the page before; an address somebody has cut short begins at the first page."""
    at, _dot, key = request.args.get("behind", "").rpartition(".")
    try:
        moment = datetime.fromisoformat(at)
        return (moment.astimezone(UTC), UUID(key)) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _place(event: Event) -> str:
    at, key = event.place
    return f"{at.isoformat()}.{key}"


def _told(event: Event) -> str:
    """The sentence for one line of the timeline."""
    if event.step is not None:
        return told(event.step)
    if event.receipt_no:
        said: str = _("受領証を発行しました（%(no)s）", no=event.receipt_no)
        return said
    return str(_NOTE if event.is_note else _WRITTEN)


_NOTE: Final = lazy_gettext("職員だけのメモ")
_WRITTEN: Final = lazy_gettext("本人に書きました")
SITUATIONS: Final = {
    Situation.WORKING: lazy_gettext("働いている"),
    Situation.SEEKING: lazy_gettext("仕事をさがしている"),
    Situation.OTHER: lazy_gettext("そのほか"),
}
CELLS: Final = {  # how a cell looks: tone, sign, word
    Cell.DONE: ("ok", "✓", lazy_gettext("受理")),
    Cell.SENT: ("info", lazy_gettext("確"), lazy_gettext("届いて確認中")),
    Cell.DUE: ("plain", lazy_gettext("待"), lazy_gettext("期限前")),
    Cell.ASKED_AGAIN: ("ask", lazy_gettext("補"), lazy_gettext("補正のおねがい中")),
    Cell.LATE: ("bad", lazy_gettext("未"), lazy_gettext("期限をすぎた")),
}
