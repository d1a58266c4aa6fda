"""閲覧の記録: who looked at what, by household, by member of staff, by day; for 監査 and 開示請求."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.web import reading, transaction
from config.words import desk_seconds
from shared import clock, looks
from shared.looks import Kind, Look, Wanted
from shared.model import ActorKind, Role
from shared.rules.cells import MARK, csv_line
from staff import trace
from staff.access import KEEPING, me, needs
from staff.days import day_in
from staff.event_words import EVENTS

bp = Blueprint("looks", __name__, url_prefix="/looks")

LONGEST: Final = 10  # years that are asked for at once
PRINTED: Final = 1000  # lines of one print
AT_ONCE: Final = 500

KINDS: Final = {
    Kind.LOOKS: lazy_gettext("書類や世帯を見た"),
    Kind.LISTS: lazy_gettext("一覧を見た・取り出した"),
    Kind.ALL: lazy_gettext("すべての記録"),
}
ROLES: Final = {
    Role.CASEWORKER: lazy_gettext("ケースワーカー"),
    Role.CLERK: lazy_gettext("事務"),
    Role.SUPERVISOR: lazy_gettext("査察指導員"),
    Role.ADMINISTRATOR: lazy_gettext("管理者"),
}
OTHERS: Final = {ActorKind.RECIPIENT: lazy_gettext("本人"), ActorKind.MACHINE: lazy_gettext("機械")}


@dataclass(frozen=True)
class Asked:
    """What stood in the fields, and what is wrong with it."""

    case_no: str
    first: str
    last: str
    faults: dict[str, str]


@bp.get("")
@needs(*KEEPING)
def show() -> ResponseReturnValue:
    """One page of it, the newest first. That somebody looked here is an entry itself."""
    who = me()
    with transaction() as rows:
        wanted, asked = _asked(rows)
        colleagues = looks.colleagues(rows, who)
        found = [] if asked.faults else looks.looks(rows, who, wanted, behind=_behind(), most=looks.PAGE + 1)
        total = 0 if asked.faults else looks.count(rows, who, wanted)
        if not asked.faults:
            looks.record(rows, who, "viewed", wanted, trace.from_address())
    shown = found[: looks.PAGE]
    facts = {
        **_words(),
        "asked": asked,
        "wanted": wanted,
        "total": total,
        "chosen": _chosen(wanted, asked),
        "colleagues": colleagues,
        "more": shown[-1].seq if len(found) > looks.PAGE else None,
    }
    return render_template("looks.html", lines=shown, **facts), 422 if asked.faults else 200


@bp.get("/print")
@needs(*KEEPING)
def on_paper() -> ResponseReturnValue:
    """All of it on one page, to be printed; how much is left out is said."""
    who = me()
    with transaction() as rows:
        wanted, asked = _asked(rows)
        found = [] if asked.faults else looks.looks(rows, who, wanted, most=PRINTED)
        total = 0 if asked.faults else looks.count(rows, who, wanted)
        name = dict(looks.colleagues(rows, who)).get(wanted.staff_id) if wanted.staff_id else ""
        if not asked.faults:
            looks.record(rows, who, "printed", wanted, trace.from_address())
    facts = {**_words(), "asked": asked, "wanted": wanted, "total": total, "colleague": name}
    return render_template("looks_print.html", lines=found, **facts), 422 if asked.faults else 200


@bp.get("/list.csv")
@needs(*KEEPING)
def download() -> ResponseReturnValue:
    """All of it for a spreadsheet, line by line as it is read."""
    with transaction() as rows:
        wanted, asked = _asked(rows)
        if not asked.faults:
            looks.record(rows, me(), "downloaded", wanted, trace.from_address())
    if asked.faults:
        return show()
    name = f"looks-{wanted.first.isoformat()}-{wanted.last.isoformat()}.csv"
    disposition = {"Content-Disposition": f"attachment; filename={name}"}
    body = stream_with_context(_csv(wanted))
    return Response(body, content_type="text/csv; charset=utf-8", headers=disposition)


def event_words(event: str) -> str:
    """What an entry of the journal is called; the code of one that this release does not know."""
    return str(EVENTS.get(event, event))


def actor_words(look: Look) -> str:
    """Who it was: a name, 本人, 機械."""
    return look.who or str(OTHERS.get(look.by, ""))


def _words() -> dict[str, Any]:
    return {"kinds": KINDS, "roles": ROLES, "event_words": event_words, "actor_words": actor_words}


def _asked(rows: Any) -> tuple[Wanted, Asked]:
    """What the fields ask for: today, where they say nothing."""
    given, today = request.args, clock.today()
    first, last = given.get("first", today.isoformat()), given.get("last", today.isoformat())
    case_no, faults = given.get("case_no", "").strip()[:40], {}
    begin, end = day_in(first), day_in(last)
    for name, day in (("first", begin), ("last", end)):
        if day is None:
            faults[name] = _("日付を「2026-11-19」のように書いてください")
    if begin and end and begin > end:
        faults["last"] = _("終わりの日が、はじめの日より前です")
    elif begin and end and end - begin > timedelta(days=366 * LONGEST):
        faults["last"] = _("%(count)s年までにしてください", count=LONGEST)
    home = looks.household_of(rows, me(), case_no) if case_no else None
    if case_no and home is None:
        faults["case_no"] = _("このケース番号の世帯はありません")
    kind = Kind(given["kind"]) if given.get("kind") in set(Kind) else Kind.LOOKS
    wanted = Wanted(begin or today, end or today, kind, home, given.get("staff", type=UUID))
    return wanted, Asked(case_no, first, last, faults)


def _chosen(wanted: Wanted, asked: Asked) -> dict[str, Any]:
    """The same choice, as an address carries it."""
    chosen = {
        "case_no": asked.case_no,
        "staff": wanted.staff_id or "",
        "first": wanted.first.isoformat(),
        "last": wanted.last.isoformat(),
        "kind": wanted.kind.value,
    }
    return {name: value for name, value in chosen.items() if value}


def _behind() -> int | None:
    behind: int | None = request.args.get("behind", type=int)
    return behind


def _csv(wanted: Wanted) -> Iterator[str]:
    who, behind = me(), None
    heads = (
        _("番号"),
        _("日時"),
        _("見た人"),
        _("役割"),
        _("したこと"),
        _("ケース番号"),
        _("世帯主"),
        _("受付番号・文書番号"),
    )
    yield MARK + csv_line([*heads, _("どこから"), _("理由")])
    while True:
        with reading() as rows:
            found = looks.looks(rows, who, wanted, behind=behind, most=AT_ONCE)
        yield "".join(csv_line(_cells(one)) for one in found)
        if len(found) < AT_ONCE:
            return
        behind = found[-1].seq


def _cells(one: Look) -> list[str]:
    return [
        str(one.seq),
        desk_seconds(one.at),
        actor_words(one),
        str(ROLES[one.role]) if one.role else "",
        event_words(one.event),
        one.home.case_no if one.home else "",
        one.home.head if one.home else "",
        one.number,
        one.from_address,
        one.why,
    ]
