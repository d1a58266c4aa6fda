"""係の状況: the supervisor's page to look at. Titles say what was found; what waits or is owed leads to its list."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import reading
from config.words import REASONS
from shared import clock, dashboard
from shared.dashboard import Figures
from shared.model import DutyKind, Role
from shared.rules import forms, wareki
from shared.rules.figures import LAST, share
from staff.access import me, needs

bp = Blueprint("dashboard", __name__, url_prefix="/dashboard")

MOST = 8  # bars of a chart that lies on its side; its table has all


@dataclass(frozen=True)
class Bar:
    """One mark of a chart. ``late``: the part of it that is too late."""

    label: str
    count: int
    late: int = 0
    look: bool = False  # look here


@bp.get("")
@needs(Role.SUPERVISOR)
def show() -> ResponseReturnValue:
    """Everything on one page."""
    with reading() as rows:
        found = dashboard.of(rows, me(), clock.now())
    facts = {
        "ages": [Bar(_days(age.days), age.count, age.late) for age in found.ages],
        "loads": [Bar(load.caseworker, load.waiting, load.late) for load in found.loads],
        "arrivals": [Bar(str(day.day), count) for day, count in found.arrivals],
        "first_looks": [Bar(_days(step), count) for step, count in enumerate(found.first_looks)],
        "reasons": _reasons(found),
        "check_ins": [
            Bar(_("%(month)s月", month=row.month.month), share(row.answered, row.asked)) for row in found.check_ins
        ],
        "kinds": {kind: forms.name_of(kind) for kind in DutyKind},
        "titles": _titles(found),
    }
    return render_template("dashboard.html", figures=found, most=MOST, **facts)


def _days(step: int) -> str:
    said: str = _("%(count)s日〜", count=step) if step == LAST else _("%(count)s日", count=step)
    return said


def _reasons(found: Figures) -> list[Bar]:
    counted = dashboard.by_reason(found.asked).items()
    return [Bar(str(REASONS[reason]), count, look=at == 0) for at, (reason, count) in enumerate(counted)]


def _titles(found: Figures) -> dict[str, str]:
    """What each chart says, in a sentence."""
    return {
        "ages": _age_title(found),
        "loads": _load_title(found),
        "arrivals": _arrival_title(found),
        "looks": _look_title(found),
        "reasons": _reason_title(found),
        "check_ins": _check_in_title(found),
        "owed": _owed_title(found),
    }


def _age_title(found: Figures) -> str:
    if not found.waiting:
        return str(_("確認を待っているものはありません"))
    if found.late:
        return str(_("見る約束の日をすぎたものが%(count)s件", count=found.late))
    return str(_("見る約束の日をすぎたものはありません"))


def _load_title(found: Figures) -> str:
    """One who has far more than the others is named to be helped: the work is the office's."""
    if not found.loads:
        return str(_("担当ごとの確認待ちはありません"))
    most, mean = found.loads[0], round(found.waiting / len(found.loads))
    if len(found.loads) > 1 and most.waiting >= mean * 1.3 and most.waiting - mean > 1:
        more = most.waiting - mean
        return str(_("%(who)sさんに寄っています（平均より%(count)s件多い）", who=most.caseworker, count=more))
    return str(_("担当の間に、大きな差はありません"))


def _arrival_title(found: Figures) -> str:
    day, count = max(found.arrivals, key=lambda one: one[1])
    if not count:
        return str(_("この2週間に届いたものはありません"))
    return str(_("この2週間で多いのは%(day)sの%(count)s件", day=wareki.short_date(day), count=count))


def _look_title(found: Figures) -> str:
    if found.median_look is None:
        return str(_("この4週間に見はじめたものはありません"))
    if found.median_look == 0:
        return str(_("半分は、届いた日のうちに見ています"))
    return str(_("半分は、%(count)s開庁日以内に見ています", count=found.median_look))


def _reason_title(found: Figures) -> str:
    reasons = dashboard.by_reason(found.asked)
    if not reasons:
        return str(_("この3か月、補正のおねがいはありません"))
    reason, count = next(iter(reasons.items()))
    part = share(count, sum(reasons.values()))
    return str(_("補正の理由は「%(reason)s」が%(part)s%%", reason=REASONS[reason], part=part))


def _check_in_title(found: Figures) -> str:
    if not found.check_ins:
        return str(_("期限が来た「今月のようす」はありません"))
    newest = found.check_ins[-1]
    part = share(newest.answered, newest.asked)
    return str(_("%(month)s月の「今月のようす」は、%(part)s%%の人から届きました", month=newest.month.month, part=part))


def _owed_title(found: Figures) -> str:
    if not found.overdue:
        return str(_("期限をすぎた書類はありません"))
    return str(_("期限をすぎた書類は%(count)s件", count=found.overdue))
