"""保存した一覧: the queue's choice under a name, with a word when new ones have come."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.web import reading, transaction
from shared import choice, views
from shared.errors import NotAView
from staff import once
from staff.access import DECIDING, me, needs

bp = Blueprint("views", __name__, url_prefix="/views")

TELL: Final = (1, 3, 5, 10, 20)
_FAULTS: Final = {
    "missing": lazy_gettext("名前を書いてください"),
    "too_long": lazy_gettext("40文字までにしてください"),
    "my_number": lazy_gettext("個人番号のような12けたの番号があります。消してください"),
    "taken": lazy_gettext("同じ名前の一覧があります。ほかの名前にしてください"),
    "too_many": lazy_gettext("一覧は20までです。使わないものを消してください"),
}


@bp.get("")
@needs(*DECIDING)
def show() -> ResponseReturnValue:
    """The lists she has, and a form for the choice she comes from."""
    return _page()


@bp.post("")
@needs(*DECIDING)
def save() -> ResponseReturnValue:
    name, attempt, wanted = request.form.get("name", ""), once.attempt(), choice.wanted(request.form)
    try:
        with transaction() as rows:
            views.save(rows, me(), name, wanted, tell_at=_tell_at(), attempt=attempt)
    except NotAView as wrong:
        return _page(fault=str(_FAULTS[wrong.code])), 422
    flash(_("「%(name)s」を保存しました。", name=" ".join(name.split())))
    return redirect(url_for("queue.show", **choice.words(wanted)), 303)


@bp.get("/<uuid:view_id>")
@needs(*DECIDING)
def open_one(view_id: UUID) -> ResponseReturnValue:
    """Look at a list: from now on, what is in it is not new."""
    with transaction() as rows:
        chosen = views.opened(rows, me(), view_id)
    return redirect(url_for("queue.show", **chosen), 303)


@bp.post("/<uuid:view_id>")
@needs(*DECIDING)
def change(view_id: UUID) -> ResponseReturnValue:
    """Another name, or another word when to tell."""
    try:
        with transaction() as rows:
            views.change(rows, me(), view_id, request.form.get("name", ""), tell_at=_tell_at())
    except NotAView as wrong:
        return _page(at=view_id, fault=str(_FAULTS[wrong.code])), 422
    flash(_("一覧を変えました。"))
    return redirect(url_for("views.show"), 303)


@bp.post("/<uuid:view_id>/delete")
@needs(*DECIDING)
def remove(view_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        views.remove(rows, me(), view_id)
    flash(_("一覧を消しました。中のものは、受信箱にあります。"))
    return redirect(url_for("views.show"), 303)


def _page(*, at: UUID | None = None, fault: str = "") -> str:
    """:param at: the list whose form is at fault; None for the new one."""
    typed = request.form if request.method == "POST" else request.args
    with reading() as rows:
        found = views.rows(rows, me())
    return render_template(
        "views.html",
        lists=found,
        chosen=choice.words(choice.wanted(typed)),
        at=at,
        fault=fault,
        typed=request.form.get("name", ""),
        tell_at=_tell_at(),
        TELL=TELL,
        most=views.MOST,
    )


def _tell_at() -> int | None:
    """From how many new ones on she wants to be told; anything else is never."""
    said = request.form.get("tell", "")
    is_number = said.isascii() and said.isdigit() and len(said) <= len(str(views.MOST_TOLD))
    return int(said) if is_number and 1 <= int(said) <= views.MOST_TOLD else None
