"""One certificate that was issued: what it says, how it came to its person; and 取消し, by one clerk or two people."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Field, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from config.log import log
from config.web import transaction
from shared import batch, receipt_lists, receipts, voids
from shared.errors import NotThere, SamePerson
from shared.model import Role, VoidState
from shared.rules import my_number
from shared.voids import LONGEST
from staff import once, trace
from staff.access import RECEIPTS, me, needs
from staff.correction import NO_MY_NUMBER
from staff.receipts import words

bp = Blueprint("certificate", __name__, url_prefix="/receipts")


class VoidForm(FlaskForm):  # type: ignore[misc]
    """Why."""

    reason = StringField(
        lazy_gettext("取り消す理由（本人には見えません）"),
        [
            DataRequired(lazy_gettext("取り消す理由を書いてください")),
            Length(max=LONGEST, message=lazy_gettext("300文字までにしてください")),
        ],
        render_kw={"autocomplete": "off"},
    )

    def validate_reason(self, field: Field) -> None:
        if my_number.is_in(field.data or ""):
            raise ValidationError(NO_MY_NUMBER)


@bp.get("/issued/<uuid:receipt_id>")
@needs(*RECEIPTS)
def show(receipt_id: UUID) -> ResponseReturnValue:
    """One certificate: what it says, how it came to its person, and whether it counts."""
    return _page(receipt_id, VoidForm())


def _page(receipt_id: UUID, form: VoidForm, status: int = 200) -> ResponseReturnValue:
    who = me()
    with transaction() as rows:
        receipt = receipts.office_receipt(rows, who, receipt_id)
        row = receipt_lists.one(rows, who, receipt_id)
        if row is None:
            raise NotThere
        wish = voids.of_receipt(rows, who, receipt_id)
        two = batch.must_wait(rows, who)
        trace.at_receipt(rows, receipt)
    page = render_template(
        "certificate.html",
        row=row,
        content=receipt.content,
        check_code=receipt.check_code,
        wish=wish,
        form=form,
        two=two,
        issues=who.role is Role.CLERK,
        **words(),
    )
    return page, status


@bp.post("/issued/<uuid:receipt_id>/void")
@needs(Role.CLERK)
def propose(receipt_id: UUID) -> ResponseReturnValue:
    """Void it, or ask the second person."""
    form, attempt = VoidForm(), once.attempt()
    if not form.validate():
        return _page(receipt_id, form, 422)
    try:
        with transaction() as rows:
            wish = voids.propose(rows, me(), receipt_id, form.reason.data or "", attempt=attempt)
    except ValueError:
        flash(_("この受領証は、もう取り消されています。"))
        return redirect(url_for("certificate.show", receipt_id=receipt_id), 303)
    if wish.state is VoidState.DONE:
        log("receipt.voided", receipt=receipt_id)
        flash(_("受領証を取り消しました。「発行できる」の一覧から、もう一度発行できます。"))
    else:
        flash(_("取消しの承認をおねがいしました。ほかの人が承認すると、取り消されます。"))
    return redirect(url_for("certificate.show", receipt_id=receipt_id), 303)


@bp.post("/voids/<uuid:void_id>/approve")
@needs(*RECEIPTS)
def approve(void_id: UUID) -> ResponseReturnValue:
    try:
        with transaction() as rows:
            wish = voids.approve(rows, me(), void_id)
    except SamePerson:
        flash(_("自分で出した取消しは、ほかの人が承認します。"))
        return _back()
    if wish.state is VoidState.DONE:
        log("receipt.voided", receipt=wish.receipt_id)
        flash(_("受領証を取り消しました。「発行できる」の一覧から、もう一度発行できます。"))
    return redirect(url_for("certificate.show", receipt_id=wish.receipt_id), 303)


@bp.post("/voids/<uuid:void_id>/refuse")
@needs(*RECEIPTS)
def refuse(void_id: UUID) -> ResponseReturnValue:
    """The certificate stays as it is; whoever has asked reads why."""
    try:
        with transaction() as rows:
            wish = voids.refuse(rows, me(), void_id, request.form.get("reason", ""))
    except SamePerson:
        flash(_("自分で出した取消しは、ほかの人が承認します。"))
        return _back()
    except ValueError:
        flash(_("認めない理由を、300文字までで書いてください。個人番号は書けません。"))
        return _back()
    flash(_("取り消さないことにしました。受領証は、そのままです。"))
    return redirect(url_for("certificate.show", receipt_id=wish.receipt_id), 303)


def _back() -> ResponseReturnValue:
    return redirect(url_for("receipts.ready", tab="voided"), 303)
