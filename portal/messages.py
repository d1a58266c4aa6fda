"""れんらく: what the office wrote, what the person wrote, and a way to answer with words and photos."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from config.web import reading, transaction
from portal.access import me, recipient_required
from shared import clock, filled, messages
from shared.model import DutyKind

bp = Blueprint("messages", __name__, url_prefix="/messages")


@bp.get("")
@recipient_required
def show() -> ResponseReturnValue:
    """The whole thread. Opened is read."""
    with transaction() as session:
        lines = messages.thread(session, me().office_id, me().member_id)
        messages.read(session, me())
    return render_template("messages.html", lines=lines)


@bp.post("/write", defaults={"message_id": None})
@bp.post("/<uuid:message_id>/answer")
@recipient_required
def write(message_id: UUID | None) -> ResponseReturnValue:
    """Begin to write, perhaps to answer; it is sent like everything else, with a number."""
    this_month = clock.today().replace(day=1)
    with transaction() as session:
        draft = filled.start(session, me(), DutyKind.MESSAGE, this_month, message_id=message_id)
    return redirect(url_for("forms.ask", submission_id=draft.id, screen="tell"), 303)


def news() -> dict[str, int]:
    """For every page: how many messages are unread."""
    from flask_login import current_user

    if not (current_user and current_user.is_authenticated):
        return {}
    with reading() as session:
        return {"news": messages.unread(session, me())}
