"""What follows a decision: its sentence with the way back, and the next item."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from flask import flash, request, session, url_for
from sqlalchemy.orm import Session

from shared import choice, queue, review
from shared.errors import ChangedMeanwhile, NotThere, TakenByAnother
from shared.queue import Wanted
from shared.sign_in import Staff

CHOICE: Final = "choice"  # where the session keeps which list she works through


def keep(wanted: Wanted) -> None:
    """She works through this list now: after a decision the next one is of it. A name looked for is not remembered."""
    words = choice.words(replace(wanted, sought=""))
    if session.get(CHOICE, {}) != words:
        session[CHOICE] = words


def kept() -> Wanted:
    """The list she works through."""
    return choice.wanted(session.get(CHOICE, {}))


def the_list() -> str:
    """Where that list is."""
    return url_for("queue.show", **session.get(CHOICE, {}))


def following(rows: Session, who: Staff) -> UUID | None:
    """The next item, taken already, if the decision's form asks for it and one waits."""
    best = queue.next_for(rows, who, kept()) if request.form.get("then") == "next" else None
    if best is None:
        return None
    try:
        with rows.begin_nested():
            review.claim(rows, who, best, wait=False)  # the decision holds the journal, and others wait for that
    except (ChangedMeanwhile, NotThere, TakenByAnother):  # somebody was quicker; what she has decided stands
        return None
    return best


def place_of(item: UUID | None) -> str:
    """Where that is; or the list."""
    return url_for("review.show", submission_id=item) if item else the_list()


def place(rows: Session, who: Staff) -> str:
    """Where the decision leads."""
    return place_of(following(rows, who))


def say(sentence: str, submission_id: UUID, attempt: UUID) -> None:
    """Say it on the next page, with a button that takes it back."""
    flash(sentence, f"{submission_id}/{attempt}")
