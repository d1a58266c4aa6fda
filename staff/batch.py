"""まとめて発行: what will be issued under which numbers, a second person's word, the work with its bar, its files."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import Field, StringField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from config.log import log
from config.web import reading, settings, transaction
from shared import batch, batch_lists, bundle, receipt_lists
from shared.batch import LONGEST
from shared.batch_lists import PAGE, BatchRow, ItemRow
from shared.errors import ChangedMeanwhile, NotThere, SamePerson
from shared.model import BatchItemState, BatchState, NotIssued, Role
from shared.rules import my_number
from staff import once
from staff.access import RECEIPTS, me, needs
from staff.correction import NO_MY_NUMBER
from staff.picked import picked
from staff.receipts import BATCHES, looked_at, words

bp = Blueprint("batch", __name__, url_prefix="/receipts/batches")

WHY: Final = {
    NotIssued.CHANGED: lazy_gettext("えらんだあとに、変わりました"),
    NotIssued.TAKEN_BACK: lazy_gettext("えらんだあとに、受理がもとに戻されました"),
    NotIssued.ISSUED: lazy_gettext("もう、ほかで発行されています"),
    NotIssued.NOT_THERE: lazy_gettext("発行する職員が、いまは働いていません"),
}


class _Reason(FlaskForm):  # type: ignore[misc]
    def validate_reason(self, field: Field) -> None:
        if my_number.is_in(field.data or ""):
            raise ValidationError(NO_MY_NUMBER)


class ExcludeForm(_Reason):
    """Why some are left out, if the clerk wants to say it."""

    reason = StringField(
        lazy_gettext("除外の理由"),
        [Optional(), Length(max=LONGEST, message=lazy_gettext("300文字までにしてください"))],
        render_kw={"autocomplete": "off"},
    )


class RefuseForm(_Reason):
    """Why the second person does not agree."""

    reason = StringField(
        lazy_gettext("認めない理由（えらんだ人が読みます）"),
        [
            DataRequired(lazy_gettext("認めない理由を書いてください")),
            Length(max=LONGEST, message=lazy_gettext("300文字までにしてください")),
        ],
        render_kw={"autocomplete": "off"},
    )


@bp.post("")
@needs(Role.CLERK)
def choose() -> ResponseReturnValue:
    """Freeze the choice. Nothing has happened yet."""
    attempt = once.attempt()
    with transaction() as rows:
        ids, matched = _ids(rows)
        demo = settings().demo
        row = batch.choose(rows, me(), ids, matched=matched, attempt=attempt, demo=demo) if ids else None
    if row is None:
        flash(_("行がえらばれていません。左の四角をえらんでから、押してください。"))
        back = receipt_lists.words(receipt_lists.wanted(request.form))
        return redirect(url_for("receipts.ready", **back), 303)
    return redirect(url_for("batch.show", batch_id=row.id), 303)


def _ids(rows: Session) -> tuple[list[UUID], int]:
    wanted = receipt_lists.wanted(request.form)

    def matching() -> tuple[list[UUID], int]:
        matched = receipt_lists.counts(rows, me(), wanted)[receipt_lists.Tab.READY]
        return receipt_lists.ids(rows, me(), wanted, batch.MOST), matched

    return picked(batch.MOST, matching)


@bp.get("/<uuid:batch_id>")
@needs(*RECEIPTS)
def show(batch_id: UUID) -> ResponseReturnValue:
    """What will be issued, one by one; or how far it is; or what became of each."""
    return _page(batch_id)


def _page(batch_id: UUID, form: _Reason | None = None, status: int = 200) -> ResponseReturnValue:
    with reading() as rows:
        row = batch_lists.show(rows, me(), batch_id)
    if row.state in (BatchState.CHOSEN, BatchState.PROPOSED, BatchState.REFUSED):
        return _before(row, form, status)
    return _after(row), status


def _before(row: BatchRow, form: _Reason | None, status: int) -> ResponseReturnValue:
    """The list with its planned numbers, and one of them as it will look."""
    who = me()
    at = min(max(request.args.get("at", 0, type=int), 0), max(row.total - 1, 0))
    begin = at - at % PAGE
    with reading() as rows:
        items = batch_lists.items(rows, who, row.id, begin=begin)
    current = next((item for item in items if item.position == at), None)
    content = _content(current) if current and row.state is not BatchState.REFUSED else None
    mine = row.by_me and who.role is Role.CLERK
    page = render_template(
        "batch.html",
        row=row,
        items=items,
        current=current,
        content=content,
        at=at,
        begin=begin,
        PAGE=PAGE,
        MOST=batch.MOST,
        WHY=WHY,
        BATCHES=BATCHES,
        mine=mine,
        changes=mine and row.state is BatchState.CHOSEN,
        decides=not row.by_me and row.state is BatchState.PROPOSED,
        exclude=form if isinstance(form, ExcludeForm) else ExcludeForm(formdata=None),
        refuse=form if isinstance(form, RefuseForm) else RefuseForm(formdata=None),
        **words(),
    )
    return page, status


def _content(item: ItemRow) -> dict[str, Any] | None:
    try:
        _slip, content = looked_at(me(), item.submission_id)
    except (ChangedMeanwhile, NotThere):  # it was issued or taken back meanwhile; the worker will say so
        return None
    return content | {"document_no": item.planned} if item.planned else content


def _after(row: BatchRow) -> str:
    who = me()
    with reading() as rows:
        far = batch_lists.progress(rows, who, row.id)
        ends = {
            state: batch_lists.items(rows, who, row.id, states=(state,), most=batch.MOST)
            for state in (BatchItemState.REFUSED, BatchItemState.EXCLUDED, BatchItemState.ISSUED)
        }
        files = bundle.newest(rows, who, batch_id=row.id)
    return render_template(
        "batch_runs.html",
        row=row,
        far=far,
        said=_far(far.done, far.of),
        runs=row.state is BatchState.RUNNING,
        refused=ends[BatchItemState.REFUSED],
        excluded=ends[BatchItemState.EXCLUDED],
        issued=ends[BatchItemState.ISSUED],
        files=files,
        WHY=WHY,
        issues=who.role is Role.CLERK,
        **words(),
    )


def _far(done: int, of: int) -> str:
    said: str = _("%(of)s件のうち、%(done)s件が終わりました", of=of, done=done)
    return said


@bp.get("/<uuid:batch_id>/progress")
@needs(*RECEIPTS)
def progress(batch_id: UUID) -> ResponseReturnValue:
    """How far it is, for the script of the page."""
    with reading() as rows:
        far = batch_lists.progress(rows, me(), batch_id)
    return {"state": far.state.value, "done": far.done, "of": far.of, "words": _far(far.done, far.of)}


@bp.post("/<uuid:batch_id>/exclude")
@needs(Role.CLERK)
def exclude(batch_id: UUID) -> ResponseReturnValue:
    """Leave the chosen lines out; where none is chosen, the one that is shown."""
    form = ExcludeForm()
    if not form.validate():
        return _page(batch_id, form, 422)
    with transaction() as rows:
        count = batch.exclude(rows, me(), batch_id, _items(), form.reason.data or "")
    flash(_("%(count)s件を除外しました。番号は付きません。", count=count))
    return _to(batch_id)


@bp.post("/<uuid:batch_id>/include")
@needs(Role.CLERK)
def include(batch_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        count = batch.include(rows, me(), batch_id, _items())
    flash(_("%(count)s件を、発行するものに戻しました。", count=count))
    return _to(batch_id)


def _items() -> list[UUID]:
    chosen = request.form.getlist("id", type=UUID)
    shown = request.form.get("shown", type=UUID)
    return chosen or ([shown] if shown else [])


@bp.post("/<uuid:batch_id>/start")
@needs(Role.CLERK)
def start(batch_id: UUID) -> ResponseReturnValue:
    """Let the worker issue what the page has said, or ask the second person."""
    try:
        with transaction() as rows:
            row = batch.start(rows, me(), batch_id)
    except ValueError:
        flash(_("発行するものがありません。"))
        return _to(batch_id)
    log("batch.started", batch=batch_id, state=row.state.value)
    if row.state is BatchState.PROPOSED:
        flash(_("承認をおねがいしました。ほかの人が承認すると、発行がはじまります。"))
    return redirect(url_for("batch.show", batch_id=batch_id), 303)


@bp.post("/<uuid:batch_id>/take-back")
@needs(Role.CLERK)
def take_back(batch_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        back = batch.take_back(rows, me(), batch_id)
    flash(_("もう一度なおせます。") if back else _("もう承認されたので、取りもどせません。"))
    return redirect(url_for("batch.show", batch_id=batch_id), 303)


@bp.post("/<uuid:batch_id>/approve")
@needs(*RECEIPTS)
def approve(batch_id: UUID) -> ResponseReturnValue:
    try:
        with transaction() as rows:
            batch.approve(rows, me(), batch_id)
    except SamePerson:
        flash(_("自分で出したものは、ほかの人が承認します。"))
    else:
        log("batch.approved", batch=batch_id)
    return redirect(url_for("batch.show", batch_id=batch_id), 303)


@bp.post("/<uuid:batch_id>/refuse")
@needs(*RECEIPTS)
def refuse(batch_id: UUID) -> ResponseReturnValue:
    form = RefuseForm()
    if not form.validate():
        return _page(batch_id, form, 422)
    try:
        with transaction() as rows:
            batch.refuse(rows, me(), batch_id, form.reason.data or "")
    except SamePerson:
        flash(_("自分で出したものは、ほかの人が承認します。"))
    return redirect(url_for("batch.show", batch_id=batch_id), 303)


@bp.post("/<uuid:batch_id>/drop")
@needs(Role.CLERK)
def drop(batch_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        dropped = batch.drop(rows, me(), batch_id)
    if not dropped:
        return redirect(url_for("batch.show", batch_id=batch_id), 303)
    flash(_("やめました。何も発行していません。"))
    return redirect(url_for("receipts.ready"), 303)


@bp.post("/<uuid:batch_id>/go-on")
@needs(*RECEIPTS)
def go_on(batch_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        batch.go_on(rows, me(), batch_id)
    return redirect(url_for("batch.show", batch_id=batch_id), 303)


@bp.post("/<uuid:batch_id>/files")
@needs(*RECEIPTS)
def gather(batch_id: UUID) -> ResponseReturnValue:
    """Have its files gathered anew: they are gone after some days, or one of them was voided."""
    with transaction() as rows:
        batch_lists.show(rows, me(), batch_id)
        bundle.ask(rows, me(), batch_id=batch_id)
    return redirect(url_for("batch.show", batch_id=batch_id), 303)


def _to(batch_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("batch.show", batch_id=batch_id, at=request.form.get("at", 0, type=int)), 303)
