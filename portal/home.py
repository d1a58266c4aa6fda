"""今月やること: what is asked for, until when, and what is done."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from config.web import reading
from portal.access import me, recipient_required
from shared import clock, duties, slips
from shared.model import State
from shared.rules.forms import FORMS

bp = Blueprint("home", __name__)
SHOWN_AS_DONE = 5


@bp.get("/home")
@recipient_required
def show() -> ResponseReturnValue:
    """Returned things first, then what is due, what was promised, and what is done."""
    with reading() as session:
        to_do = duties.to_do(session, me(), clock.today())
        sent = slips.sent_by(session, me())
    owed = [slip for slip in sent if slip.owed and slip.state is not State.RETURNED]
    returned = [slip for slip in sent if slip.state is State.RETURNED]
    done = [slip for slip in sent if slip.state is not State.RETURNED][:SHOWN_AS_DONE]
    lists = {"to_do": to_do, "returned": returned, "owed": owed, "done": done}
    return render_template("home.html", who=me(), forms=FORMS, **lists)
