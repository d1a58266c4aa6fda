"""担当替え: households to other caseworkers, by a list from a spreadsheet or by district. First what would happen."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.log import log
from config.web import reading, transaction
from shared import assignment, clock, journal, queue
from shared.assignment import LinesAtFault, Plan
from shared.model import Actor, Role
from shared.rules.assignment import MOST, Line, NotAList, decoded, read, written
from staff import once
from staff.access import me, needs

bp = Blueprint("reassign", __name__, url_prefix="/reassign")

LARGEST: Final = 2_000_000  # bytes of a file that is read at all
CARRIED: Final = 450_000  # bytes of a list that a form carries from the plan to the act
SHOWN: Final = 200  # lines at fault on one page
FAULTS: Final = {
    "case_missing": lazy_gettext("ケース番号がありません"),
    "case_unknown": lazy_gettext("このケース番号の世帯はありません"),
    "zeros": lazy_gettext(
        "このケース番号の世帯はありません。表計算ソフトが、はじめの0を消したのかもしれません。列を「文字列」にしてください"
    ),
    "login_missing": lazy_gettext("担当のログインがありません"),
    "login_unknown": lazy_gettext("このログインの職員はいません"),
    "not_caseworker": lazy_gettext("ケースワーカーではない職員です"),
    "away": lazy_gettext("いまは働いていない職員です"),
    "twice": lazy_gettext("同じケース番号が、上の行にもあります"),
    "too_long": lazy_gettext("長すぎます（番号と地区は20文字、ログインは60文字まで）"),
    "my_number": lazy_gettext("地区に、個人番号のような12けたの番号があります"),
}
NOT_A_LIST: Final = {
    "missing": lazy_gettext("CSVファイルをえらんでください"),
    "too_big": lazy_gettext("ファイルが大きすぎます。2MBまでにしてください"),
    "coding": lazy_gettext("文字コードを読めません。UTF-8かShift_JISのCSVで保存しなおしてください"),
    "columns": lazy_gettext("1行目に「ケース番号」と「担当のログイン」の見出しが見つかりません"),
    "empty": lazy_gettext("見出しのほかに、行がありません"),
    "too_many": lazy_gettext("行が多すぎます。一度に%(most)s行までにしてください"),
    "broken": lazy_gettext("CSVとして読めません。表計算ソフトで開いて、CSVで保存しなおしてください"),
    "district": lazy_gettext("地区をえらんでください"),
    "colleague": lazy_gettext("だれの担当にするかを、えらんでください"),
}


@bp.get("")
@needs(Role.SUPERVISOR)
def show() -> ResponseReturnValue:
    """The two ways: a list, or a district."""
    return _page()


def _page(*, fault: str = "", way: str = "list", status: int = 200) -> ResponseReturnValue:
    with reading() as rows:
        facts = {"districts": assignment.districts(rows, me()), "colleagues": queue.colleagues(rows, me())}
    said = str(NOT_A_LIST[fault]) % {"most": MOST} if fault else ""
    chosen = {"district": request.form.get("district", ""), "colleague": request.form.get("colleague", "")}
    return render_template("reassign.html", fault=said, way=way, most=MOST, **facts, chosen=chosen), status


@bp.get("/list.csv")
@needs(Role.SUPERVISOR)
def download() -> ResponseReturnValue:
    """The present assignment, to be changed and sent back: case numbers and logins, no names."""
    who = me()
    with transaction() as rows:
        lines = assignment.now(rows, who)
        journal.record(rows, who.office_id, Actor.staff(who.staff_id), "assignment.downloaded", None, count=len(lines))
    name = f"assignment-{clock.today().isoformat()}.csv"
    disposition = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(_text(lines), content_type="text/csv; charset=utf-8", headers=disposition)


def _text(lines: list[Line]) -> str:
    return written(lines, (_("ケース番号"), _("担当のログイン"), _("地区")))


@bp.post("/list")
@needs(Role.SUPERVISOR)
def by_list() -> ResponseReturnValue:
    """What a list would change. Nothing is changed."""
    sent = request.files.get("list")
    content = sent.read(LARGEST + 1) if sent else b""
    try:
        if not content:
            raise NotAList("missing")
        if len(content) > LARGEST:
            raise NotAList("too_big")
        return _planned(read(decoded(content)))
    except NotAList as wrong:
        return _page(fault=wrong.code, status=422)


@bp.post("/district")
@needs(Role.SUPERVISOR)
def by_district() -> ResponseReturnValue:
    """What it would change to give a district to a colleague. Nothing is changed."""
    colleague = request.form.get("colleague", type=UUID)
    district = request.form.get("district", "")
    with reading() as rows:
        known = colleague is not None and colleague in dict(queue.colleagues(rows, me()))
        lines = assignment.of_district(rows, me(), district, colleague) if known and colleague else []
    if not lines:
        return _page(fault="district" if known else "colleague", way="district", status=422)
    return _planned(lines)


def _planned(lines: list[Line]) -> ResponseReturnValue:
    with reading() as rows:
        plan = assignment.plan(rows, me(), lines)
    return _plan_page(plan, lines)


def _plan_page(plan: Plan, lines: list[Line], status: int = 200, attempt: UUID | None = None) -> ResponseReturnValue:
    carried = _text(lines)
    if len(carried.encode()) > CARRIED:
        return _page(fault="too_many", status=422)
    faults = [(fault, FAULTS[fault.code]) for fault in plan.faults[:SHOWN]]
    facts = {"plan": plan, "faults": faults, "lines": carried, "attempt": attempt}
    return render_template("reassign_plan.html", **facts), status


@bp.post("")
@needs(Role.SUPERVISOR)
def apply() -> ResponseReturnValue:
    """Do what the plan has said, if it still can be done."""
    attempt, only_good = once.attempt(), request.form.get("only_good") == "yes"
    try:
        lines = read(request.form.get("lines", ""))
    except NotAList as wrong:
        return _page(fault=wrong.code, status=422)
    try:
        with transaction() as rows:
            row = assignment.apply(rows, me(), lines, attempt=attempt, only_good=only_good)
            moved, districts, key = row.moved, row.districts, row.id
    except LinesAtFault as wrong:
        return _plan_page(wrong.plan, lines, 409, attempt)
    except ValueError:
        flash(_("変わる世帯はありませんでした。"))
        return redirect(url_for("reassign.show"), 303)
    log("reassignment.made", reassignment=key, moved=moved, districts=districts)
    flash(
        _(
            "%(moved)s世帯の担当を変えました（地区が変わったもの %(districts)s世帯）。"
            "関係する人には、受信箱で知らせます。",
            moved=moved,
            districts=districts,
        )
    )
    return redirect(url_for("reassign.show"), 303)
