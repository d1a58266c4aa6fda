"""Who may use a page of the portal, and what becomes of typed words when the session is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from flask import current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import delete, func, select
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from config.web import View, same_origin, transaction, typed_fields
from shared import clock, sign_in
from shared.model import ParkedForm, new_id
from shared.rules import my_number
from shared.sign_in import Recipient

KEPT_FOR: Final = timedelta(hours=1)
MOST_KEPT: Final = 5_000  # forms of an hour; strangers who send nonsense fill no disk


def recipient_required(view: View) -> View:
    """Only a signed-in recipient may use this view."""
    view.__dict__["needs"] = "recipient"
    view.__dict__["guard"] = _guard
    return view


def asked_by_script(view: View) -> View:
    """Only a signed-in recipient may use this view; a script hears 401 from it and is led nowhere."""
    view.__dict__["needs"] = "recipient"
    view.__dict__["guard"] = _guard_script
    return view


def me() -> Recipient:
    """Who is signed in."""
    who: Recipient = current_user.who
    return who


def _guard_script() -> ResponseReturnValue | None:
    if current_user.is_authenticated:
        _renew()
        return None
    return {"reason": "sign_in"}, 401


def _renew() -> None:
    if me().renewal_due:
        with transaction() as write:
            sign_in.renew(write, current_user.get_id())
        session.modified = True  # the cookie lives on with the row


def _guard() -> ResponseReturnValue | None:
    if current_user.is_authenticated:
        _renew()
        return None
    session["back"] = _place() if _can_be_opened(request.path) else url_for("home.show")
    if request.method == "POST" and _park():
        flash(_("画面を閉じてから、時間がたちました。書いたものは残っています。もう一度入ってください。"), "info")
    elif "_user_id" in session or request.method == "POST":  # somebody was here; a first visit gets no reproach
        flash(_("画面を閉じてから、時間がたちました。もう一度入ってください。"), "info")
    session.pop("_user_id", None)
    return redirect(url_for("signin.show"), 303)


def _place() -> str:
    """The page asked for, with the one word behind the question mark that pages of ours have."""
    then = request.args.get("then")
    return f"{request.path}?then={then}" if then in ("check", "correct") else request.path


def _can_be_opened(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path, "GET")
    except HTTPException:
        return False
    return True


def _park() -> bool:
    """Keep what was typed until the person has signed in again. Returns whether there was anything to keep."""
    fields = typed_fields() if same_origin() else {}
    fields.pop("attempt", None)
    fields = {name: value for name, value in fields.items() if not my_number.is_in(value)}
    if not fields:
        return False
    parked = ParkedForm(id=new_id(), path=request.path, fields=fields)
    with transaction() as write:
        write.execute(delete(ParkedForm).where(ParkedForm.created_at < clock.now() - KEPT_FOR))
        if (write.scalar(select(func.count()).select_from(ParkedForm)) or 0) >= MOST_KEPT:
            return False
        write.add(parked)
    session["parked"] = str(parked.id)
    return True


def parked() -> MultiDict[str, str] | None:
    """What was typed on this very page before the session was gone. Given back once."""
    key = session.get("parked")
    if not key or request.method != "GET":
        return None
    with transaction() as write:
        row = write.get(ParkedForm, UUID(key))
        if row is None or row.path != request.path or row.created_at < clock.now() - KEPT_FOR:
            return None
        fields = MultiDict(row.fields)
        write.delete(row)
    session.pop("parked")
    return fields
