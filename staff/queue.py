"""受信箱: what waits for a look, and the next one to take."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import reading, transaction
from shared import disposals, queue, review, upkeep
from shared.model import DisposalState, Role
from shared.queue import Scope
from staff.access import DECIDING, me, needs

bp = Blueprint("queue", __name__)


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
    scope = Scope(request.args["scope"]) if request.args.get("scope") in set(Scope) else Scope.MINE
    with reading() as rows:
        waiting = queue.waiting(rows, who, scope)
    return render_template("queue.html", rows=waiting, scope=scope, chooses=who.role is Role.CASEWORKER)


@bp.post("/next")
@needs(*DECIDING)
def take_next() -> ResponseReturnValue:
    """Take the one that needs a look most, among one's own."""
    with transaction() as rows:
        best = queue.next_for(rows, me())
        if best:
            review.claim(rows, me(), best)
    if best is None:
        flash(_("いま、待っているものはありません。"))
        return redirect(url_for("queue.show"), 303)
    return redirect(url_for("review.show", submission_id=best), 303)
