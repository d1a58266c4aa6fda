"""受信箱: what waits for a look, and the next one to take."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.web import reading, transaction
from shared import cover, disposals, queue, review, upkeep
from shared.model import DisposalState, DutyKind, Role
from shared.queue import Place, QueueRow, Scope, Tab, Wanted
from shared.rules import forms, need
from shared.rules.need import Need
from staff.access import DECIDING, me, needs

bp = Blueprint("queue", __name__)

TABS: Final = {  # the tone of each count, and the word
    Tab.OVERDUE: ("bad", lazy_gettext("期限超過")),
    Tab.TODAY: ("ask", lazy_gettext("本日")),
    Tab.SOON: ("", lazy_gettext("7日以内")),
    Tab.HELD: ("hold", lazy_gettext("保留")),
    Tab.ALL: ("", lazy_gettext("すべて")),
}
NEEDS: Final = {  # tone, drawing, word
    Need.DANGER: ("bad", "alert", lazy_gettext("すぐに見てほしい答え")),
    Need.CALL: ("bad", "phone", lazy_gettext("電話してほしい")),
    Need.CAME_BACK: ("info", "again", lazy_gettext("補正が届いた")),
    Need.MESSAGE: ("info", "mail", lazy_gettext("返事待ち")),
    Need.DUE_TODAY: ("ask", "clock", lazy_gettext("見る期限は今日")),
    Need.REFUSED: ("ask", "paper", lazy_gettext("開けないファイルがある")),
    Need.OVERDUE: ("bad", "clock", lazy_gettext("見る期限をすぎた")),
}


@bp.get("/")
@needs(*Role)
def show() -> ResponseReturnValue:
    """Where everybody's day begins: each role at its own work."""
    who = me()
    if who.role is Role.CLERK:
        return redirect(url_for("receipts.ready"), 303)
    if who.role is Role.ADMINISTRATOR:
        with reading() as rows:
            house = upkeep.house(rows, who.office_id)
            proposed = any(row.state is DisposalState.PROPOSED for row in disposals.lists(rows, who, most=1))
        return render_template("administrator.html", house=house, proposed=proposed)
    wanted = wanted_in(request.args)
    with reading() as rows:
        found = queue.waiting(rows, who, wanted, behind=_behind(), most=queue.PAGE + 1)
        counts = queue.counts(rows, who, wanted)
        districts, told = queue.districts(rows, who), cover.news(rows, who)
        colleagues = [one for one in queue.colleagues(rows, who) if one[0] != who.staff_id]
    return render_template(
        "queue.html",
        rows=found[: queue.PAGE],
        more=_place(found[queue.PAGE - 1]) if len(found) > queue.PAGE else None,
        counts=counts,
        wanted=wanted,
        chosen=address_of(wanted),
        chooses=who.role is Role.CASEWORKER,
        colleagues=colleagues,
        districts=districts,
        told=told,
        kinds={kind: forms.name_of(kind) for kind in DutyKind},
        TABS=TABS,
        NEEDS=NEEDS,
    )


@bp.post("/next")
@needs(*DECIDING)
def take_next() -> ResponseReturnValue:
    """Take the one that needs a look most, among what her screen shows."""
    wanted = wanted_in(request.form)
    with transaction() as rows:
        best = queue.next_for(rows, me(), wanted)
        if best:
            review.claim(rows, me(), best)
    if best is None:
        flash(_("いま、待っているものはありません。"))
        return redirect(url_for("queue.show", **address_of(wanted)), 303)
    return redirect(url_for("review.show", submission_id=best), 303)


def wanted_in(given: Mapping[str, str]) -> Wanted:
    """What the address asks for; a word it does not know is the usual choice."""
    scope = given.get("scope", "")
    return Wanted(
        scope=Scope(scope) if scope in set(Scope) else Scope.MINE,
        tab=Tab(given["tab"]) if given.get("tab") in set(Tab) else Tab.ALL,
        kind=DutyKind(given["kind"]) if given.get("kind") in set(DutyKind) else None,
        household_id=_id(given.get("household", "")),
        colleague_id=_id(scope),
        district=given.get("district", "")[: queue.LONGEST],
        sought=given.get("q", "").strip()[: queue.LONGEST],
    )


def address_of(wanted: Wanted) -> dict[str, Any]:
    """The same choice, as an address carries it."""
    chosen = {
        "scope": str(wanted.colleague_id or wanted.scope.value),
        "tab": wanted.tab.value,
        "kind": wanted.kind.value if wanted.kind else "",
        "household": str(wanted.household_id or ""),
        "district": wanted.district,
        "q": wanted.sought,
    }
    usual = {"scope": Scope.MINE.value, "tab": Tab.ALL.value}
    return {name: value for name, value in chosen.items() if value and value != usual.get(name)}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _behind() -> Place | None:
    """The end of the page before; an address somebody has cut short begins at the first page."""
    try:
        rank, at, key = request.args.get("behind", "").split("_")
        place = int(rank), datetime.fromisoformat(at).astimezone(UTC), UUID(key)
    except (ValueError, OverflowError):
        return None
    return place if 0 <= place[0] < 2 * need.HELD else None


def _place(row: QueueRow) -> str:
    rank, at, key = row.place
    return f"{rank}_{at.astimezone(UTC).isoformat()}_{key}"
