"""あなたあて: what colleagues tell one: notes that name her, and what they ask for, give and take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from flask_login import current_user
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from config.web import reading, transaction
from shared import told, views
from shared.model import Told
from shared.sign_in import Staff
from shared.told import ToldRow
from staff.access import DECIDING, me, needs

Found = TypeVar("Found")
bp = Blueprint("mentions", __name__, url_prefix="/mentions")

TOLD: Final = {  # tone, drawing, sentence
    Told.MENTION: ("info", "pencil", lazy_gettext("%(who)sさんから、あなたへのメモ")),
    Told.WISH: ("ask", "question", lazy_gettext("%(who)sさんが、これを対応したいそうです")),
    Told.KEPT: ("hold", "lock", lazy_gettext("%(who)sさんは、まだ対応しています")),
    Told.HANDED: ("info", "person", lazy_gettext("%(who)sさんから引きつぎました")),
    Told.TAKEN_OVER: ("hold", "person", lazy_gettext("%(who)sさんが引きとりました")),
}


@bp.get("")
@needs(*DECIDING)
def show() -> ResponseReturnValue:
    """The unread ones first."""
    with reading() as rows:
        found = told.rows(rows, me())
    return render_template("mentions.html", rows=found, unread=sum(not row.read for row in found))


@bp.get("/<uuid:notice_id>")
@needs(*DECIDING)
def open_one(notice_id: UUID) -> ResponseReturnValue:
    """Read it where it belongs."""
    with transaction() as rows:
        notice = told.read(rows, me(), notice_id)
        anchor = "notes" if notice.what is Told.MENTION else None
    return redirect(url_for("review.show", submission_id=notice.submission_id, _anchor=anchor), 303)


@bp.post("")
@needs(*DECIDING)
def read_all() -> ResponseReturnValue:
    with transaction() as rows:
        told.read_all(rows, me())
    return redirect(url_for("mentions.show"), 303)


def sentence(row: ToldRow) -> str:
    """What she is told, in words."""
    said: str = TOLD[row.what][2] % {"who": row.who}
    return said


def attention() -> dict[str, Any]:
    """What every page of the desk may ask: how much she is told, and which lists have new lines."""
    return {"told_me": _told_me, "lists_that_tell": _lists_that_tell, "told_sentence": sentence, "TOLD": TOLD}


def _told_me() -> int:
    return _of_her(told.count, 0)


def _lists_that_tell() -> list[views.ViewRow]:
    return _of_her(lambda rows, who: [row for row in views.rows(rows, who, telling=True) if row.tells], [])


def _of_her(ask: Callable[[Session, Staff], Found], nothing: Found) -> Found:
    who: Any = current_user.who if current_user and current_user.is_authenticated else None
    if who is None or who.role not in DECIDING:
        return nothing
    # The page that says that the database is away has a menu, too.
    with suppress(OperationalError, PoolTimeout), reading() as rows:
        return ask(rows, who)
    return nothing
