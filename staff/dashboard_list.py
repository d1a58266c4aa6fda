"""The list behind a figure of 係の状況: what exactly was counted there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import reading
from shared import clock, dashboard_list, reasons
from shared.dashboard_list import Found, Line, Of, Place, Wanted
from shared.errors import NotThere
from shared.model import DutyKind, Role
from shared.rules import forms, wareki
from shared.rules.figures import LAST
from staff.access import me, needs
from staff.dashboard import days_said
from staff.days import day_in

bp = Blueprint("dashboard_list", __name__, url_prefix="/dashboard/list")


@bp.get("")
@needs(Role.SUPERVISOR)
def show() -> ResponseReturnValue:
    """One page of it, the oldest first."""
    wanted = _wanted(request.args)
    with reading() as rows:
        page = dashboard_list.page(rows, me(), wanted, clock.now(), behind=_behind())
        labels = {code: str(_(reason.label)) for code, reason in reasons.of(rows, me().office_id).items()}
    more = _place(page.lines[-1]) if page.more else None
    facts = {"heading": _heading(wanted, labels), "chosen": _chosen(wanted), "labels": labels}
    return render_template("dashboard_list.html", page=page, wanted=wanted, more=more, **facts)


def _wanted(given: Mapping[str, str]) -> Wanted:
    """What the address asks for.

    :raises NotThere: for a figure there is not; a word that only narrows one, and is not known, narrows nothing.
    """
    if given.get("of") not in set(Of):
        raise NotThere
    days, found, kind = given.get("days", ""), given.get("found", ""), given.get("kind", "")
    return Wanted(
        of=Of(given["of"]),
        days=int(days) if days in {str(step) for step in range(LAST + 1)} else None,
        late=given.get("late") == "yes",
        day=day_in(given.get("day", "")),
        reason=given.get("reason", "")[:20],
        kind=DutyKind(kind) if kind in set(DutyKind) else None,
        month=day_in(given.get("month", "")),
        answered={"yes": True, "no": False}.get(given.get("answered", "")),
        found=Found(found) if found in set(Found) else None,
    )


def _chosen(wanted: Wanted) -> dict[str, Any]:
    """The same choice, as an address carries it."""
    answered = None if wanted.answered is None else "yes" if wanted.answered else "no"
    chosen = {
        "of": wanted.of.value,
        "days": wanted.days,
        "late": "yes" if wanted.late else None,
        "day": wanted.day,
        "reason": wanted.reason or None,
        "kind": wanted.kind and wanted.kind.value,
        "month": wanted.month,
        "answered": answered,
        "found": wanted.found and wanted.found.value,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def _heading(wanted: Wanted, labels: Mapping[str, str]) -> str:
    """What the figure counts, in words."""
    match wanted.of:
        case Of.AGE:
            return _age_heading(wanted)
        case Of.ARRIVED:
            return str(_("%(day)sに届いたもの", day=wareki.short_date(wanted.day or clock.today())))
        case Of.LOOKED:
            if wanted.days is None:
                return str(_("この4週間に届いて、見はじめたもの"))
            return str(_("届いてから最初に見るまで %(days)s（4週間）", days=days_said(wanted.days)))
        case Of.ASKED:
            return _asked_heading(wanted, labels)
        case Of.CHECK_IN:
            return _check_in_heading(wanted)
        case Of.SECOND:
            return _second_heading(wanted)


def _age_heading(wanted: Wanted) -> str:
    said = _("確認待ち") if wanted.days is None else _("届いてから%(days)sの確認待ち", days=days_said(wanted.days))
    return str(_("%(what)s（見る期限をすぎたもの）", what=said) if wanted.late else said)


def _asked_heading(wanted: Wanted, labels: Mapping[str, str]) -> str:
    reason = labels.get(wanted.reason, wanted.reason) or _("すべての理由")
    if wanted.kind is None:
        return str(_("補正の理由「%(reason)s」（3か月）", reason=reason))
    kind = _(forms.name_of(wanted.kind))
    return str(_("%(kind)sの補正の理由「%(reason)s」（3か月）", kind=kind, reason=reason))


def _check_in_heading(wanted: Wanted) -> str:
    month = _("%(month)s月", month=wanted.month.month) if wanted.month else _("6か月")
    if wanted.answered is None:
        return str(_("「今月のようす」%(month)s：聞いた人", month=month))
    if wanted.answered:
        return str(_("「今月のようす」%(month)s：届いた人", month=month))
    return str(_("「今月のようす」%(month)s：まだ届いていない人", month=month))


def _second_heading(wanted: Wanted) -> str:
    match wanted.found:
        case Found.LOOKED:
            return str(_("二度目の確認で、見たもの（3か月）"))
        case Found.FINE:
            return str(_("二度目の確認で、そのままでよかったもの（3か月）"))
    return str(_("二度目の確認に当たったもの（3か月）"))


def _behind() -> Place | None:
    """The end of the page before; an address somebody has cut short begins at the first page."""
    try:
        at, key = request.args.get("behind", "").split("_")
        return datetime.fromisoformat(at).astimezone(UTC), UUID(key)
    except (ValueError, OverflowError):
        return None


def _place(line: Line) -> str:
    at, key = line.place
    return f"{at.astimezone(UTC).isoformat()}_{key}"
