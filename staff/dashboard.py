"""係の状況: the supervisor's page to look at. Titles say what was found, and every figure leads to its list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import reading
from shared import clock, dashboard, reasons
from shared.dashboard import Figures
from shared.dashboard_list import Of
from shared.model import DutyKind, Role
from shared.rules import forms, wareki
from shared.rules.figures import LAST, share
from staff.access import me, needs

bp = Blueprint("dashboard", __name__, url_prefix="/dashboard")

MOST = 8  # bars of a chart that lies on its side; its table has all


@dataclass(frozen=True)
class Bar:
    """One mark of a chart. ``late``: the part of it that is too late. Each leads to the list of what it counts."""

    label: str
    count: int
    href: str  # a mark that counts nothing is no link
    late: int = 0
    late_href: str = ""
    look: bool = False  # look here
    always: bool = False  # a share: a list stands behind 0%, too


@bp.get("")
@needs(Role.SUPERVISOR)
def show() -> ResponseReturnValue:
    """Everything on one page."""
    with reading() as rows:
        found = dashboard.of(rows, me(), clock.now())
        labels = {code: str(_(reason.label)) for code, reason in reasons.of(rows, me().office_id).items()}
    return render_template(
        "dashboard.html",
        figures=found,
        most=MOST,
        ages=_ages(found),
        loads=_loads(found),
        arrivals=[Bar(str(day.day), count, behind(of=Of.ARRIVED, day=day)) for day, count in found.arrivals],
        first_looks=[
            Bar(days_said(step), count, behind(of=Of.LOOKED, days=step)) for step, count in enumerate(found.first_looks)
        ],
        reasons=_reasons(found, labels),
        check_ins=_check_ins(found),
        kinds={kind: forms.name_of(kind) for kind in DutyKind},
        labels=labels,
        titles=_titles(found, labels),
        behind=behind,
        share=share,
    )


def behind(**wanted: Any) -> str:
    """The list behind a figure."""
    return url_for("dashboard_list.show", **wanted)


def days_said(step: int) -> str:
    """0日, 1日 … 5日〜."""
    said: str = _("%(count)s日〜", count=step) if step == LAST else _("%(count)s日", count=step)
    return said


def _ages(found: Figures) -> list[Bar]:
    return [
        Bar(
            days_said(age.days),
            age.count,
            behind(of=Of.AGE, days=age.days),
            age.late,
            behind(of=Of.AGE, days=age.days, late="yes"),
        )
        for age in found.ages
    ]


def _loads(found: Figures) -> list[Bar]:
    """In the queue, under the same tabs."""
    whose = {load.caseworker_id: url_for("queue.show", scope=load.caseworker_id) for load in found.loads}
    late = {load.caseworker_id: url_for("queue.show", scope=load.caseworker_id, tab="overdue") for load in found.loads}
    return [
        Bar(load.caseworker, load.waiting, whose[load.caseworker_id], load.late, late[load.caseworker_id])
        for load in found.loads
    ]


def _reasons(found: Figures, labels: Mapping[str, str]) -> list[Bar]:
    counted = dashboard.by_reason(found.asked).items()
    return [
        Bar(labels[reason], count, behind(of=Of.ASKED, reason=reason), look=at == 0)
        for at, (reason, count) in enumerate(counted)
    ]


def _check_ins(found: Figures) -> list[Bar]:
    return [
        Bar(
            _("%(month)s月", month=row.month.month),
            share(row.answered, row.asked),
            behind(of=Of.CHECK_IN, month=row.month),
            always=True,
        )
        for row in found.check_ins
    ]


def _titles(found: Figures, labels: Mapping[str, str]) -> dict[str, str]:
    """What each chart says, in a sentence."""
    return {
        "ages": _age_title(found),
        "loads": _load_title(found),
        "arrivals": _arrival_title(found),
        "looks": _look_title(found),
        "reasons": _reason_title(found, labels),
        "check_ins": _check_in_title(found),
        "owed": _owed_title(found),
        "second": _second_title(found),
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


def _reason_title(found: Figures, labels: Mapping[str, str]) -> str:
    reasons = dashboard.by_reason(found.asked)
    if not reasons:
        return str(_("この3か月、補正のおねがいはありません"))
    reason, count = next(iter(reasons.items()))
    part = share(count, sum(reasons.values()))
    return str(_("補正の理由は「%(reason)s」が%(part)s%%", reason=labels[reason], part=part))


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


def _second_title(found: Figures) -> str:
    looks = found.second_looks
    if not looks.drawn:
        return str(_("この3か月、二度目の確認に当たったものはありません"))
    if not looks.looked:
        return str(_("二度目の確認に当たったものが%(count)s件", count=looks.drawn))
    part = share(looks.fine, looks.looked)
    return str(_("二度目の確認では、%(part)s%%がそのままでよいものでした", part=part))
