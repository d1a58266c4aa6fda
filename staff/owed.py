"""提出待ち: who owes what and since when. It is a list to help with, never one to lock anybody out."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import reading, transaction
from config.words import desk_moment, thing
from shared import clock, journal, owed, queue
from shared.model import Actor, DutyKind, Role
from shared.owed import OwedRow, Place, Wanted
from shared.queue import Scope
from shared.rules import forms
from shared.rules.cells import MARK, csv_line
from staff.access import DECIDING, me, needs

bp = Blueprint("owed", __name__, url_prefix="/owed")


@bp.get("")
@needs(*DECIDING)
def show() -> ResponseReturnValue:
    """One page of what has not come, the longest due first; for the supervisor also how much by caseworker."""
    wanted, who, today = _wanted(), me(), clock.today()
    with reading() as rows:
        found = owed.owed(rows, who, wanted, today, behind=_behind(), most=owed.PAGE + 1)
        total = owed.count(rows, who, wanted, today)
        districts = queue.districts(rows, who)
        loads = owed.loads(rows, who, today) if who.role is Role.SUPERVISOR else []
    shown = found[: owed.PAGE]
    facts = {
        "total": total,
        "loads": loads,
        "districts": districts,
        "wanted": wanted,
        "kinds": {kind: forms.name_of(kind) for kind in DutyKind},
    }
    more = _place(shown[-1]) if len(found) > owed.PAGE else None
    chooses = who.role is Role.CASEWORKER
    return render_template("owed.html", rows=shown, more=more, chosen=_chosen(wanted), chooses=chooses, **facts)


@bp.get("/list.csv")
@needs(*DECIDING)
def download() -> ResponseReturnValue:
    """All of it, for a spreadsheet. That names leave the house goes into the journal."""
    wanted, who = _wanted(), me()
    with transaction() as rows:
        found = owed.owed(rows, who, wanted, clock.today(), most=None)
        chosen = _chosen(wanted)
        by = Actor.staff(who.staff_id)
        journal.record(rows, who.office_id, by, "owed.downloaded", None, count=len(found), **chosen)
    name = f"owed-{clock.today().isoformat()}.csv"
    disposition = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(_csv(found), content_type="text/csv; charset=utf-8", headers=disposition)


def _wanted() -> Wanted:
    """What the address asks for; a word it does not know is the usual choice."""
    given = request.args
    usual = Scope.ALL if me().role is Role.SUPERVISOR else Scope.MINE
    return Wanted(
        scope=Scope(given["scope"]) if given.get("scope") in set(Scope) else usual,
        kind=DutyKind(given["kind"]) if given.get("kind") in set(DutyKind) else None,
        overdue=given.get("overdue") == "yes",
        district=given.get("district", "")[: queue.LONGEST],
    )


def _chosen(wanted: Wanted) -> dict[str, str]:
    """The same choice, as an address carries it."""
    chosen = {"scope": wanted.scope.value}
    if wanted.kind is not None:
        chosen["kind"] = wanted.kind.value
    if wanted.overdue:
        chosen["overdue"] = "yes"
    if wanted.district:
        chosen["district"] = wanted.district
    return chosen


def _behind() -> Place | None:
    """The end of the page before; an address somebody has cut short begins at the first page."""
    day, _dot, key = request.args.get("behind", "").partition(".")
    try:
        return date.fromisoformat(day), UUID(key)
    except ValueError:
        return None


def _place(row: OwedRow) -> str:
    day, key = row.place
    return f"{day.isoformat()}.{key}"


def _csv(rows: list[OwedRow]) -> str:
    heads = (_("ケース番号"), _("氏名"), _("だれの分"), _("書類"), _("期限"), _("遅れ（開庁日）"))
    out = [MARK, csv_line([*heads, _("書きかけ"), _("最後に届いた"), _("担当")])]
    for row in rows:
        last = desk_moment(row.last_sent_at) if row.last_sent_at else ""
        about = "、".join(row.about) or row.member
        cells = [row.case_no, row.member, about, thing(row.kind, row.month), row.due_on.isoformat(), str(row.late)]
        out.append(csv_line([*cells, _("あり") if row.begun else "", last, row.caseworker]))
    return "".join(out)
