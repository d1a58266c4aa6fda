"""出したもの: the slip of each thing that arrived, and the certificate when there is one."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.log import log
from config.web import reading, storage, transaction
from portal.access import me, recipient_required
from portal.upload import attempt_of_form
from shared import clock, drafts, duties, intake, receipts, slips
from shared.clock import TOKYO
from shared.errors import AlreadySent, NotThere
from shared.model import DutyKind

bp = Blueprint("sent", __name__)


@bp.get("/sent")
@recipient_required
def history() -> ResponseReturnValue:
    """Everything that was sent, by month."""
    with reading() as session:
        sent = slips.sent_by(session, me())
    months = [(month, list(group)) for month, group in groupby(sent, _month_of_arrival)]
    return render_template("history.html", months=months)


def _month_of_arrival(slip: slips.SentRow) -> date:
    arrived_at = slip.arrived_at or clock.now()  # what was sent has arrived; only the type does not know
    return arrived_at.astimezone(TOKYO).date().replace(day=1)


@bp.get("/sent/<uuid:submission_id>", defaults={"version": None})
@bp.get("/sent/<uuid:submission_id>/versions/<int:version>")
@recipient_required
def show(submission_id: UUID, version: int | None) -> ResponseReturnValue:
    """The slip: number, time, and each thing by name, pages, size and hash; of an earlier version, too."""
    with reading() as session:
        submission = drafts.own(session, me(), submission_id)
        versions = drafts.sent_versions(session, submission)
        shown = next((one for one in versions if one.no == (version or submission.version_no)), None)
        if shown is None:
            raise NotThere
        slip = slips.slip(session, submission, shown)
        facts = {
            "versions": [(one.no, one.sent_at) for one in versions],
            "is_latest": shown.no == submission.version_no,
            "being_changed": drafts.is_being_changed(session, submission),
            "may_change": submission.state in drafts.CHANGEABLE,
            "may_withdraw": intake.may_withdraw(submission.state),
            "left": len(duties.to_do(session, me(), clock.today())),
        }
    return render_template("sent.html", slip=slip, **facts)


@bp.post("/sent/<uuid:submission_id>/change")
@recipient_required
def change(submission_id: UUID) -> ResponseReturnValue:
    """Write another version, unasked; what was sent stands until the new one is."""
    try:
        with transaction() as session:
            kind = drafts.change(session, me(), submission_id).submission.kind
    except AlreadySent:
        flash(_("いまは、この画面からなおせません。電話で教えてください。"), "ask")
        return redirect(url_for("sent.show", submission_id=submission_id), 303)
    page = "income.check" if kind is DutyKind.INCOME_REPORT else "forms.check"
    return redirect(url_for(page, submission_id=submission_id), 303)


@bp.route("/sent/<uuid:submission_id>/withdraw", methods=["GET", "POST"])
@recipient_required
def withdraw(submission_id: UUID) -> ResponseReturnValue:
    """Ask once more, then take it back."""
    if request.method == "POST":
        try:
            with transaction() as session:
                intake.withdraw(session, me(), submission_id, attempt=attempt_of_form())
        except AlreadySent:
            flash(_("職員がもう受けとったので、この画面からは、とりさげられません。電話で教えてください。"), "ask")
        else:
            log("submission.withdrawn", submission=submission_id)
        return redirect(url_for("sent.show", submission_id=submission_id), 303)
    with reading() as session:
        slip = slips.slip(session, drafts.own(session, me(), submission_id))
    if not intake.may_withdraw(slip.state):
        return redirect(url_for("sent.show", submission_id=submission_id), 303)
    return render_template("withdraw.html", slip=slip)


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
