"""まとめて: many lines of the queue at once. First what will happen and what will not, then the work with its bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from config.log import log
from config.web import reading, transaction
from shared import bulk, choice, queue
from shared.bulk import BulkRow
from shared.errors import TooLateToUndo
from shared.model import BulkAct, BulkItemState, BulkState, Why
from staff import once
from staff.access import DECIDING, me, needs
from staff.hold import HoldForm
from staff.picked import picked

bp = Blueprint("bulk", __name__, url_prefix="/bulk")


@dataclass(frozen=True)
class Words:
    """How one act is called on its way. Each sentence takes a ``count``."""

    drawing: str
    title: Any
    will: Any  # what will happen
    button: Any
    running: Any
    done: Any


ACTS: Final = {
    BulkAct.ACCEPT: Words(
        "check",
        lazy_gettext("まとめて受理"),
        lazy_gettext("%(count)s件を受理します"),
        lazy_gettext("%(count)s件を受理する"),
        lazy_gettext("受理しています"),
        lazy_gettext("%(count)s件を受理しました"),
    ),
    BulkAct.HOLD: Words(
        "pause",
        lazy_gettext("まとめて保留"),
        lazy_gettext("%(count)s件を保留にします"),
        lazy_gettext("%(count)s件を保留にする"),
        lazy_gettext("保留にしています"),
        lazy_gettext("%(count)s件を保留にしました"),
    ),
    BulkAct.GIVE_BACK: Words(
        "undo",
        lazy_gettext("まとめて一覧に戻す"),
        lazy_gettext("%(count)s件を一覧に戻します"),
        lazy_gettext("%(count)s件を一覧に戻す"),
        lazy_gettext("一覧に戻しています"),
        lazy_gettext("%(count)s件を一覧に戻しました"),
    ),
}
WHY: Final = {
    Why.URGENT: lazy_gettext("すぐに見てほしい答えがあります。1件ずつ見てください"),
    Why.CALL: lazy_gettext("電話してほしいと書いてあります。1件ずつ見てください"),
    Why.MESSAGE: lazy_gettext("本人からのメッセージです。1件ずつ見て、返事をしてください"),
    Why.FILES: lazy_gettext("安全な写しのないファイルがあります"),
    Why.CHECKS: lazy_gettext("機械の確認で不一致があります。1件ずつ見てください"),
    Why.HELD: lazy_gettext("保留にしてあります"),
    Why.TAKEN: lazy_gettext("ほかの人が対応しています"),
    Why.NOT_HELD: lazy_gettext("もう一覧にあります"),
    Why.NEWER: lazy_gettext("数えたあとに、新しい版が届きました"),
    Why.DECIDED: lazy_gettext("もう確認待ちではありません"),
    Why.NOT_THERE: lazy_gettext("いまは、あなたが開けない世帯のものです"),
    Why.MOVED_ON: lazy_gettext("そのあと、だれかが先に進めました"),
}


@bp.post("")
@needs(*DECIDING)
def choose() -> ResponseReturnValue:
    """Freeze the choice, and go where it is counted. Nothing has happened yet."""
    if request.form.get("act") not in set(BulkAct):
        raise BadRequest
    act, attempt, wanted = BulkAct(request.form["act"]), once.attempt(), choice.wanted(request.form)
    back = choice.words(wanted)
    with transaction() as rows:
        ids, matched = _ids(rows)
        row = bulk.choose(rows, me(), act, ids, matched=matched, attempt=attempt) if ids else None
    if row is None:
        flash(_("行がえらばれていません。左の四角をえらんでから、押してください。"))
        return redirect(url_for("queue.show", **back), 303)
    return redirect(url_for("bulk.show", bulk_id=row.id, **back), 303)


def _ids(rows: Session) -> tuple[list[UUID], int]:
    wanted = choice.wanted(request.form)

    def matching() -> tuple[list[UUID], int]:
        return queue.ids(rows, me(), wanted, bulk.MOST), queue.counts(rows, me(), wanted)[wanted.tab]

    return picked(bulk.MOST, matching)


@bp.get("/<uuid:bulk_id>")
@needs(*DECIDING)
def show(bulk_id: UUID) -> ResponseReturnValue:
    """What will happen; or how far it is; or what became of each."""
    return _page(bulk_id, HoldForm())


def _page(bulk_id: UUID, form: HoldForm, status: int = 200) -> ResponseReturnValue:
    with reading() as rows:
        row = bulk.show(rows, me(), bulk_id)
        far = bulk.progress(rows, me(), bulk_id)
    facts: dict[str, Any] = {
        "row": row,
        "words": ACTS[row.act],
        "WHY": WHY,
        "back": choice.words(choice.wanted(request.args)),
    }
    if row.state is BulkState.CHOSEN:
        todo, left_out = row.at(BulkItemState.WAITING), row.at(BulkItemState.REFUSED)
        facts |= {"todo": todo, "left_out": left_out, "MOST": bulk.MOST}
        return render_template("bulk_ask.html", form=form, **facts), status
    return render_template("bulk.html", far=far, said=_far(row.state, far.done, far.of), **_ends(row), **facts), status


def _ends(row: BulkRow) -> dict[str, Any]:
    return {
        "runs": row.state in (BulkState.RUNNING, BulkState.UNDOING),
        "done": row.at(BulkItemState.DONE),
        "refused": row.at(BulkItemState.REFUSED),
        "undone": row.at(BulkItemState.UNDONE),
        "kept": row.at(BulkItemState.KEPT),
    }


def _far(state: BulkState, done: int, of: int) -> str:
    if state is BulkState.UNDOING:
        undone: str = _("%(of)s件のうち、%(done)s件をもとに戻しました", of=of, done=done)
        return undone
    said: str = _("%(of)s件のうち、%(done)s件が終わりました", of=of, done=done)
    return said


@bp.get("/<uuid:bulk_id>/progress")
@needs(*DECIDING)
def progress(bulk_id: UUID) -> ResponseReturnValue:
    """How far it is, for the script of the page."""
    with reading() as rows:
        far = bulk.progress(rows, me(), bulk_id)
    return {"state": far.state.value, "done": far.done, "of": far.of, "words": _far(far.state, far.done, far.of)}


@bp.post("/<uuid:bulk_id>/start")
@needs(*DECIDING)
def start(bulk_id: UUID) -> ResponseReturnValue:
    """Let the worker do what the page has said."""
    form = HoldForm()
    with reading() as rows:
        row = bulk.show(rows, me(), bulk_id)
    holds = row.act is BulkAct.HOLD and row.state is BulkState.CHOSEN
    if holds and not form.validate():
        return _page(bulk_id, form, 422)
    until, reason = (form.until.data, form.reason.data or "") if holds else (None, "")
    try:
        with transaction() as rows:
            bulk.start(rows, me(), bulk_id, until=until, reason=reason)
    except ValueError:
        flash(_("できるものがありません。"))
        return redirect(url_for("bulk.show", bulk_id=bulk_id, **_back()), 303)
    log("bulk.started", bulk=bulk_id, act=row.act.value)
    return redirect(url_for("bulk.show", bulk_id=bulk_id, **_back()), 303)


def _back() -> dict[str, Any]:
    """Where in the queue she came from."""
    return choice.words(choice.wanted(request.form))


@bp.post("/<uuid:bulk_id>/drop")
@needs(*DECIDING)
def drop(bulk_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        dropped = bulk.drop(rows, me(), bulk_id)
    if not dropped:
        flash(_("もう始まっています。やめるときは「もとに戻す」を押してください。"))
        return redirect(url_for("bulk.show", bulk_id=bulk_id), 303)
    flash(_("やめました。何も変えていません。"))
    return redirect(url_for("queue.show", **_back()), 303)


@bp.post("/<uuid:bulk_id>/undo")
@needs(*DECIDING)
def undo(bulk_id: UUID) -> ResponseReturnValue:
    """Take all of it back, where nobody has gone on from it."""
    try:
        with transaction() as rows:
            bulk.undo(rows, me(), bulk_id)
    except TooLateToUndo:
        flash(
            _("もう、まとめてもとに戻せません。10分がすぎました。1件ずつ見て、必要なら本人に書くか電話してください。")
        )
    return redirect(url_for("bulk.show", bulk_id=bulk_id, **_back()), 303)


@bp.post("/<uuid:bulk_id>/go-on")
@needs(*DECIDING)
def go_on(bulk_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        bulk.go_on(rows, me(), bulk_id)
    return redirect(url_for("bulk.show", bulk_id=bulk_id, **_back()), 303)
