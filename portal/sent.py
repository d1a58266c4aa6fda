"""出したもの: the slip of each thing that arrived, and the certificate when there is one."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from uuid import UUID

from flask import Blueprint, render_template, send_file
from flask.typing import ResponseReturnValue

from config.web import reading, storage
from portal.access import me, recipient_required
from shared import clock, drafts, duties, receipts, slips
from shared.clock import TOKYO

bp = Blueprint("sent", __name__)


@bp.get("/sent")
@recipient_required
def history() -> ResponseReturnValue:
    """Everything that was sent, by month."""
    with reading() as session:
        sent = slips.sent_by(session, me())
    months = [(month, list(group)) for month, group in groupby(sent, _month_of_arrival)]
    return render_template("history.html", months=months)


def _month_of_arrival(slip: slips.Slip) -> date:
    arrived_at = slip.arrived_at or clock.now()  # what was sent has arrived; only the type does not know
    return arrived_at.astimezone(TOKYO).date().replace(day=1)


@bp.get("/sent/<uuid:submission_id>")
@recipient_required
def show(submission_id: UUID) -> ResponseReturnValue:
    """The slip: number, time, and each thing by name, pages, size and hash."""
    with reading() as session:
        slip = slips.slip(session, drafts.own(session, me(), submission_id))
        left = len(duties.to_do(session, me(), clock.today()))
    return render_template("sent.html", slip=slip, left=left)


@bp.get("/receipts/<uuid:receipt_id>.pdf")
@recipient_required
def receipt(receipt_id: UUID) -> ResponseReturnValue:
    """The certificate, as a download."""
    with reading() as session:
        row = receipts.own_receipt(session, me(), receipt_id)
    name = f"受領証 {row.content['number']}.pdf"
    return send_file(
        storage().open(row.pdf_key or ""), mimetype="application/pdf", as_attachment=True, download_name=name
    )
