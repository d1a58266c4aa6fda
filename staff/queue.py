"""受信箱: what waits for a look, and the next one to take."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.web import reading, transaction
from shared import choice, cover, disposals, presence, queue, review, slips, told, upkeep, views
from shared.model import DisposalState, DutyKind, Role
from shared.queue import Checked, Place, QueueRow, Tab
from shared.rules import forms, need
from shared.rules.forms.form import worded
from shared.rules.need import Need
from staff import after, trace
from staff.access import DECIDING, me, needs

bp = Blueprint("queue", __name__)
SHOWN_AT_ONCE: Final = 2  # pages of a paper that the screen shows without scrolling

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


CHECKED: Final = {
    Checked.FAIL: lazy_gettext("確認：不一致あり"),
    Checked.CANT_TELL: lazy_gettext("確認：確認できず"),
    Checked.PASS: lazy_gettext("確認：すべて一致・問題なし"),
}


def place_of(row: QueueRow, place: str) -> str:
    """Where a danger word stands, as the form calls the answer; empty for an office's own question."""
    key = place.rsplit("-", 1)[-1]
    questions = (question for screen in forms.FORMS[row.kind].screens for question in screen.questions)
    return next((worded(_(question.short), row.month) for question in questions if question.key == key), "")


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
    wanted = choice.wanted(request.args)
    after.keep(wanted)
    with reading() as rows:
        found = queue.waiting(rows, who, wanted, behind=place(request.args, "behind"), most=queue.PAGE + 1)
        counts = queue.counts(rows, who, wanted)
        districts, news = queue.districts(rows, who), cover.news(rows, who)
        colleagues = [one for one in queue.colleagues(rows, who) if one[0] != who.staff_id]
        beside = {
            "looking": presence.looking(rows, who, [row.id for row in found]),
            "lists": views.rows(rows, who),
            "notices": told.rows(rows, who, unread=True, most=3),
        }
    more = _place(found[queue.PAGE - 1]) if len(found) > queue.PAGE else None
    chosen = choice.words(wanted)
    shown = ",".join(row.id.hex for row in found[: queue.PAGE])
    poll = url_for("live.lines", **chosen, behind=request.args.get("behind"), before=more, rows=shown)
    return render_template(
        "queue.html",
        rows=found[: queue.PAGE],
        more=more,
        poll=poll,
        **beside,
        counts=counts,
        wanted=wanted,
        chosen=chosen,
        chooses=who.role is Role.CASEWORKER,
        colleagues=colleagues,
        districts=districts,
        news=news,
        kinds={kind: forms.name_of(kind) for kind in DutyKind},
        TABS=TABS,
        NEEDS=NEEDS,
        CHECKED=CHECKED,
        place_of=place_of,
    )


@bp.post("/next")
@needs(*DECIDING)
def take_next() -> ResponseReturnValue:
    """Take the one that needs a look most, among what her screen shows."""
    wanted = choice.wanted(request.form)
    with transaction() as rows:
        best = queue.next_for(rows, me(), wanted)
        if best:
            review.claim(rows, me(), best)
    if best is None:
        flash(_("いま、待っているものはありません。"))
        return redirect(url_for("queue.show", **choice.words(wanted)), 303)
    return redirect(url_for("review.show", submission_id=best), 303)


@bp.get("/ahead")
@needs(*DECIDING)
def ahead() -> ResponseReturnValue:
    """The pictures that Next would show, for a script that has them ready when she decides. Takes nothing."""
    in_hand = request.args.get("in_hand", type=UUID)
    wanted = after.kept() if in_hand else choice.wanted(request.args)
    with reading() as rows:
        best = queue.ahead_of(rows, me(), wanted, other_than=in_hand)
        copies = slips.first_pages(rows, me().office_id, best, SHOWN_AT_ONCE) if best else []
    if best and copies:
        with transaction() as rows:
            trace.ahead(rows, review.open_for(rows, me(), best))
    return {"pictures": [url_for("files.picture", file_id=copy.file_id, page=copy.page) for copy in copies]}


def place(given: Mapping[str, str], name: str) -> Place | None:
    """The end of a page; an address somebody has cut short begins at the first page, and has no end."""
    try:
        rank, at, key = given.get(name, "").split("_")
        found = int(rank), datetime.fromisoformat(at).astimezone(UTC), UUID(key)
    except (ValueError, OverflowError):
        return None
    return found if 0 <= found[0] < 2 * need.HELD else None


def _place(row: QueueRow) -> str:
    rank, at, key = row.place
    return f"{rank}_{at.astimezone(UTC).isoformat()}_{key}"
