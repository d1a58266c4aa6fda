"""今月やること: what is asked for, until when, and what is done."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.web import reading
from portal.access import me, recipient_required
from shared import clock, duties, office_days, slips
from shared.duties import Because, DutyRow
from shared.model import Situation
from shared.rules.forms import FORMS

bp = Blueprint("home", __name__)
SHOWN_AS_DONE: Final = 5

# Why something is due: what she does, and how often it is asked. None: asked of every household.
MONTHLY: Final = {
    Situation.WORKING: lazy_gettext("働いている人は、毎月出します。"),
    Situation.SEEKING: lazy_gettext("仕事をさがしている人は、毎月出します。"),
    Situation.OTHER: lazy_gettext("働いていない人も、毎月出します。"),
    None: lazy_gettext("どの世帯も、毎月出します。"),
}
YEARLY: Final = {
    Situation.WORKING: lazy_gettext("働いている人は、年に1回出します。"),
    Situation.SEEKING: lazy_gettext("仕事をさがしている人は、年に1回出します。"),
    Situation.OTHER: lazy_gettext("働いていない人も、年に1回出します。"),
    None: lazy_gettext("どの世帯も、年に1回出します。"),
}
NOW_AND_THEN: Final = {
    Situation.WORKING: lazy_gettext("働いている人は、%(months)sか月ごとに出します。"),
    Situation.SEEKING: lazy_gettext("仕事をさがしている人は、%(months)sか月ごとに出します。"),
    Situation.OTHER: lazy_gettext("働いていない人も、%(months)sか月ごとに出します。"),
    None: lazy_gettext("どの世帯も、%(months)sか月ごとに出します。"),
}
A_YEAR: Final = 12


@bp.get("/home")
@recipient_required
def show() -> ResponseReturnValue:
    """Returned things first, then what is due and why, what was promised, and what was sent before."""
    with reading() as session:
        to_do = duties.to_do(session, me(), clock.today())
        owed = slips.owed_by(session, me())
        returned, before = slips.lately(session, me(), SHOWN_AS_DONE)
        paid_on = office_days.of(session, me().office_id).next_payment(clock.today())
    lists = {"to_do": to_do, "returned": returned, "owed": owed, "before": before}
    facts = {"paid_on": paid_on, "why": why, "others": duties.others, "forms": FORMS}
    return render_template("home.html", who=me(), **lists, **facts)


def why(row: DutyRow) -> list[str]:
    """Why it is due, each reason once; nothing for what she has begun unasked."""
    return list(dict.fromkeys(_why(one) for one in row.because))


def _why(one: Because) -> str:
    if one.every_months == 0:
        return str(_("役所が、この分をおねがいしています。"))
    if one.of_household:
        return str(_("%(months)sか月ごとに、出すことになっています。", months=one.every_months))
    if one.every_months == 1:
        return str(MONTHLY[one.situation])
    if one.every_months == A_YEAR:
        return str(YEARLY[one.situation])
    return str(NOW_AND_THEN[one.situation]) % {"months": one.every_months}
