"""受付簿: the office's day as a list of arrivals, for the screen, for paper and for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import reading, transaction
from config.words import STAFF_STATES, desk_seconds, thing
from shared import clock, closing, journal, ledger
from shared.ledger import Line, Place
from shared.model import Actor
from shared.rules import ledger as rules
from shared.rules.cells import MARK, csv_line
from shared.rules.ledger import Book, Stretch
from shared.rules.numbers import is_submission_number
from staff import trace
from staff.access import RECEIPTS, me, needs
from staff.days import day_in

bp = Blueprint("ledger", __name__, url_prefix="/ledger")

LONGEST: Final = 366  # days of one CSV
AT_ONCE: Final = 500  # lines of a CSV that are read together


@bp.get("")
@needs(*RECEIPTS)
def show() -> ResponseReturnValue:
    """One page of a day, in the order of the numbers."""
    day = day_in(request.args.get("day", "")) or clock.today()
    return _page(day)


def _page(day: date, *, fault: str = "", asked: tuple[str, str] | None = None) -> ResponseReturnValue:
    who = me()
    with transaction() as rows:
        books = ledger.book(rows, who.office_id)
        stretch = books.stretch(day)
        found = ledger.lines(rows, who, stretch, behind=_behind(), most=ledger.PAGE + 1)
        facts = {**_facts(rows, books, stretch), "asked": asked or (day.isoformat(), day.isoformat())}
        _say(rows, "ledger.viewed", day=day.isoformat())
    shown = found[: ledger.PAGE]
    more = shown[-1].number if len(found) > ledger.PAGE else None
    page = render_template("ledger.html", lines=shown, more=more, fault=fault, longest=LONGEST, **facts)
    return page, 422 if fault else 200


@bp.get("/print")
@needs(*RECEIPTS)
def on_paper() -> ResponseReturnValue:
    """All of a day on one page, to be printed: A4 across, its heading on each sheet."""
    day, who = day_in(request.args.get("day", "")) or clock.today(), me()
    with transaction() as rows:
        books = ledger.book(rows, who.office_id)
        stretch = books.stretch(day)
        found = ledger.lines(rows, who, stretch, most=None)
        facts = _facts(rows, books, stretch)
        _say(rows, "ledger.printed", day=day.isoformat())
    return render_template("ledger_print.html", lines=found, **facts)


@bp.get("/list.csv")
@needs(*RECEIPTS)
def download() -> ResponseReturnValue:
    """Days from one to another, for a spreadsheet, line by line as it is read. That it leaves goes into the journal."""
    asked = request.args.get("first", ""), request.args.get("last", "")
    first, last = (day_in(day) for day in asked)
    if first is None or last is None:
        return _page(first or last or clock.today(), fault=_("日付を「2026-11-19」のように書いてください"), asked=asked)
    if not 0 <= (last - first).days < LONGEST:
        fault = _("はじめの日から、1年までにしてください") if first <= last else _("終わりの日が、はじめの日より前です")
        return _page(first, fault=fault, asked=asked)
    with transaction() as rows:
        _say(rows, "ledger.downloaded", first=first.isoformat(), last=last.isoformat())
    name = f"ledger-{first.isoformat()}-{last.isoformat()}.csv"
    disposition = {"Content-Disposition": f"attachment; filename={name}"}
    body = stream_with_context(_csv(first, last))
    return Response(body, content_type="text/csv; charset=utf-8", headers=disposition)


def _facts(rows: Any, books: Book, stretch: Stretch) -> dict[str, Any]:
    who = me()
    summary = ledger.summary(rows, who, books, stretch)
    closed = closing.sheet(rows, who, stretch.day) if stretch.closed else None
    more_missing = sum(len(run.missing) for run in summary.runs) - len(summary.missing)
    facts = {"day": stretch.day, "stretch": stretch, "summary": summary, "closed": closed}
    facts |= {"before": stretch.day - timedelta(days=1), "after": stretch.day + timedelta(days=1)}
    return {**facts, "more_missing": more_missing, "office": ledger.office_name(rows, who)}


def _say(rows: Any, event: str, **facts: str) -> None:
    who = me()
    journal.record(
        rows, who.office_id, Actor.staff(who.staff_id), event, None, from_address=trace.from_address(), **facts
    )


def _csv(first: date, last: date) -> Iterator[str]:
    who = me()
    with reading() as rows:
        books = ledger.book(rows, who.office_id)
    heads = (
        _("受付簿の日"),
        _("受付番号"),
        _("届いた日時"),
        _("届き方"),
        _("ケース番号"),
        _("出した人"),
        _("書類"),
        _("版"),
    )
    more = (_("ファイル"), _("ページ"), _("いま"), _("受理した職員"), _("受理した日時"), _("文書番号"), _("取消し"))
    yield MARK + csv_line([*heads, *more])
    for day in rules.days(first, last):
        stretch, behind = books.stretch(day), None
        while True:
            with reading() as rows:
                found = ledger.lines(rows, who, stretch, behind=behind, most=AT_ONCE)
            yield "".join(csv_line(_cells(day, one)) for one in found)
            if len(found) < AT_ONCE:
                break
            behind = found[-1].place


def _cells(day: date, one: Line) -> list[str]:
    stand = "、".join(each.document_no for each in one.certificates if each.voided_at is None)
    voided = "、".join(f"{each.document_no}（{each.void_reason}）" for each in one.certificates if each.voided_at)
    return [
        day.isoformat(),
        one.number,
        desk_seconds(one.arrived_at),
        closing.WAY,
        one.case_no,
        one.member or _("（伏せています）"),
        thing(one.kind, one.month),
        str(one.version_no),
        str(one.files),
        str(one.pages),
        str(STAFF_STATES[one.state.value][0]),
        one.accepted_by,
        desk_seconds(one.accepted_at) if one.accepted_at else "",
        stand,
        voided,
    ]


def _behind() -> Place | None:
    """The end of the page before; an address somebody has cut short begins at the first page."""
    number = request.args.get("behind", "")
    return (len(number), number) if is_submission_number(number) else None
