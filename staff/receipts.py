"""受領証: what a clerk owes a certificate, how it will look, and issuing it."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.log import log
from config.web import reading, settings, storage, transaction
from shared import clock, queue, receipts
from shared.errors import ChangedMeanwhile
from shared.model import Role
from staff import once, trace
from staff.access import RECEIPTS, me, needs

bp = Blueprint("receipts", __name__, url_prefix="/receipts")


@bp.get("")
@needs(*RECEIPTS)
def ready() -> ResponseReturnValue:
    """What is accepted and waits for its certificate, and what was issued today."""
    morning = datetime.combine(clock.today(), time.min, clock.TOKYO)
    with reading() as rows:
        waiting = queue.ready_for_receipt(rows, me())
        issued = receipts.issued_since(rows, me(), morning)
    return render_template("receipts.html", waiting=waiting, issued=issued)


@bp.get("/<uuid:submission_id>")
@needs(*RECEIPTS)
def preview(submission_id: UUID) -> ResponseReturnValue:
    """The certificate before it is issued. That it was looked at goes into the journal."""
    who = me()
    try:
        with transaction() as rows:
            slip, content = receipts.preview(rows, who, submission_id, demo=settings().demo)
            trace.at_submission(rows, receipts.for_clerk(rows, who, submission_id), slip.version_no)
    except ChangedMeanwhile as issued:  # the way back from issuing leads here, too
        flash(_("この受領証は、%(who)sさんが発行しました。", who=issued.who))
        return redirect(url_for("receipts.ready"), 303)
    return render_template("receipt.html", slip=slip, content=content, issues=who.role is Role.CLERK)


@bp.post("/<uuid:submission_id>/issue")
@needs(Role.CLERK)
def issue(submission_id: UUID) -> ResponseReturnValue:
    demo = settings().demo
    with transaction() as rows:
        receipt = receipts.issue(rows, me(), submission_id, seen=once.seen(), attempt=once.attempt(), demo=demo)
    log("receipt.issued", receipt=receipt.id)
    flash(_("%(document)s を発行しました。", document=receipt.document_no))
    return redirect(url_for("receipts.ready"), 303)


@bp.get("/<uuid:receipt_id>.pdf")
@needs(*RECEIPTS)
def download(receipt_id: UUID) -> ResponseReturnValue:
    """The certificate as a file; a page that says so while it is still being drawn."""
    with transaction() as rows:
        receipt = receipts.office_receipt(rows, me(), receipt_id)
        trace.at_receipt(rows, receipt)
    if receipt.pdf_key is None:
        return render_template("drawing.html", receipt=receipt), 202
    name = _("受領証_%(number)s.pdf", number=receipt.content["number"])
    return send_file(
        storage().open(receipt.pdf_key), "application/pdf", as_attachment=True, download_name=name, etag=False
    )
