"""What changes while a page stands open: a script fetches it, and puts it where the page has the same mark."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from config.web import reading, transaction
from shared import choice, handing, presence, queue, review, told, views
from staff.access import DECIDING, me, needs
from staff.beside import beside
from staff.queue import TABS, place

bp = Blueprint("live", __name__)


@bp.get("/live")
@needs(*DECIDING)
def lines() -> ResponseReturnValue:
    """The queue's counts, and who is at the lines her page shows."""
    who, wanted = me(), choice.wanted(request.args)
    shown = _ids(request.args.get("rows", ""))
    with reading() as rows:
        return render_template(
            "live.html",
            TABS=TABS,
            counts=queue.counts(rows, who, wanted),
            wanted=wanted,
            chosen=choice.words(wanted),
            above=queue.above(
                rows, who, wanted, shown, behind=place(request.args, "behind"), before=place(request.args, "before")
            ),
            shown=shown,
            hands=queue.hands(rows, who, shown),
            looking=presence.looking(rows, who, shown),
            lists=views.rows(rows, who),
            notices=told.rows(rows, who, unread=True, most=3),
            told=told.count(rows, who),
        )


@bp.post("/review/<uuid:submission_id>/here")
@needs(*DECIDING)
def here(submission_id: UUID) -> ResponseReturnValue:
    """Her page is open in front of her; while she works, her own lease runs on."""
    who = me()
    with transaction() as rows:
        submission = review.open_for(rows, who, submission_id)
        presence.here(rows, who, submission_id)  # before the lease: whoever asks for it locks in this order
        if request.form.get("active") == "yes":
            handing.renew(rows, who, submission_id)
        others = beside(rows, who, submission, request.args.get("seen", type=int))
        count = told.count(rows, who)
    return render_template("here.html", others=others, told=count, answers=request.args.get("answers") == "yes")


def _ids(text: str) -> list[UUID]:
    """The lines a page shows; what is no id is passed over."""
    found = []
    for part in text.split(",")[: queue.PAGE]:
        try:
            found.append(UUID(part))
        except ValueError:
            continue
    return found
