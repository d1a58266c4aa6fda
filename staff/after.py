"""What follows a decision: its sentence with the way back, and the next item."""

from __future__ import annotations

from uuid import UUID

from flask import flash, request, url_for
from sqlalchemy.orm import Session

from shared import queue, review
from shared.errors import ChangedMeanwhile, TakenByAnother
from shared.sign_in import Staff


def place(rows: Session, who: Staff) -> str:
    """Where the decision leads: to the next item, taken already, if its form asks for it and one waits; or the list."""
    best = queue.next_for(rows, who) if request.form.get("then") == "next" else None
    if best is None:
        return url_for("queue.show")
    try:
        with rows.begin_nested():
            review.claim(rows, who, best)
    except (ChangedMeanwhile, TakenByAnother):  # somebody was quicker; what she has decided stands
        return url_for("queue.show")
    return url_for("review.show", submission_id=best)


def say(sentence: str, submission_id: UUID, attempt: UUID) -> None:
    """Say it on the next page, with a button that takes it back."""
    flash(sentence, f"{submission_id}/{attempt}")
