"""出したもの: the slip of each thing that arrived, and the certificate when there is one."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.log import log
from config.web import reading, settings, storage, transaction
from config.words import PORTAL_STATES, file_name, thing
from portal import display
from portal.access import me, recipient_required
from portal.upload import attempt_of_form
from shared import clock, delivery, drafts, duties, intake, receipts, sheet, slips
from shared.errors import AlreadySent
from shared.model import State, WelfareOffice
from shared.receipts import readable_size
from shared.rules.slip_words import LANGUAGES
from shared.rules.wareki import japanese_moment

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
    return clock.day_of(arrived_at).replace(day=1)


@bp.get("/sent/<uuid:submission_id>", defaults={"version": None})
@bp.get("/sent/<uuid:submission_id>/versions/<int:version>")
@recipient_required
def show(submission_id: UUID, version: int | None) -> ResponseReturnValue:
    """The slip: number, time, and each thing by name, pages, size and hash; of an earlier version, too."""
    with reading() as session:
        submission = drafts.own(session, me(), submission_id)
        versions = drafts.sent_versions(session, submission)
        shown = sheet.version_of(session, submission, version)
        slip = slips.slip(session, submission, shown)
        facts = {
            "versions": [(one.no, one.sent_at) for one in versions],
            "is_latest": shown.no == submission.version_no,
            "being_changed": drafts.is_being_changed(session, submission),
            "may_change": submission.state in drafts.CHANGEABLE,
            "may_withdraw": intake.may_withdraw(submission.state),
            "say": sheet.Words(display.language()),
            "languages": LANGUAGES,
            "shared_phone": me().shared_device,
            "left": len(duties.to_do(session, me(), clock.today())),
        }
    return render_template("sent.html", slip=slip, **facts)


@bp.post("/sent/<uuid:submission_id>/change")
@recipient_required
def change(submission_id: UUID) -> ResponseReturnValue:
    """Write another version, unasked; what was sent stands until the new one is."""
    try:
        with transaction() as session:
            drafts.change(session, me(), submission_id)
    except AlreadySent:
        flash(_("いまは、この画面からなおせません。電話で教えてください。"), "ask")
        return redirect(url_for("sent.show", submission_id=submission_id), 303)
    return redirect(url_for("forms.check", submission_id=submission_id), 303)


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


@bp.get("/sent/<uuid:submission_id>/slip.png")
@recipient_required
def picture(submission_id: UUID) -> ResponseReturnValue:
    """The slip as a picture to keep or to show: that it has arrived, not what it says."""
    from uploads.receipt_pdf import draw_slip

    with reading() as session:
        slip = slips.slip(session, drafts.own(session, me(), submission_id))
        office = session.get_one(WelfareOffice, me().office_id)
    drawn = draw_slip(_in_words(slip, office))
    name = f"{_('受付のひかえ')} {slip.number}.png"
    return send_file(BytesIO(drawn), mimetype="image/png", as_attachment=True, download_name=name)


def _in_words(slip: slips.Slip, office: WelfareOffice) -> dict[str, Any]:
    """What stands on the picture of a slip."""
    version = _("第%(no)s版　%(when)s", no=slip.version_no, when=japanese_moment(slip.sent_at or clock.now()))
    pages = [_("%(pages)sページ", pages=file.pages) + "　" if file.pages else "" for file in slip.files]
    return {
        "heading": _("受付のひかえ"),
        "number_label": _("受付番号"),
        "number": slip.number or "",
        "arrived": _("%(when)sに届きました", when=japanese_moment(slip.arrived_at or clock.now())),
        "version": version if slip.version_no > 1 else "",
        "state": str(PORTAL_STATES[slip.state][0]) if slip.state in (State.WITHDRAWN, State.VOIDED) else "",
        "thing": thing(slip.kind, slip.month),
        "files": [
            {"name": file_name(file), "about": about + readable_size(file.size), "sha256": file.sha256}
            for file, about in zip(slip.files, pages, strict=True)
        ],
        "next_text": _("これは「届いた」というしるしです。金額の決定ではありません。"),
        "office": f"{office.city} {office.counter}",
        "phone": office.phone,
        "demo": _("この画面の人・会社・数字は、すべて架空のものです。") if settings().demo else "",
    }


@bp.get("/receipts")
@recipient_required
def certificates() -> ResponseReturnValue:
    """Every certificate, to save or to pass on."""
    with reading() as session:
        rows = receipts.own_receipts(session, me())
    with transaction() as session:
        for row in rows:
            if row.ready:
                delivery.seen(session, me(), row.id)
    return render_template("receipts.html", rows=rows)


@bp.get("/receipts/<uuid:receipt_id>.pdf")
@recipient_required
def receipt(receipt_id: UUID) -> ResponseReturnValue:
    """The certificate, as a download."""
    with reading() as session:
        row = receipts.own_receipt(session, me(), receipt_id)
    name = f"受領証 {row.content['number']}.pdf"
    with transaction() as session:
        if request.method == "GET":
            delivery.downloaded(session, me(), receipt_id)
        paper = storage().open(row.pdf_key or "")  # if it is not there, nothing was taken either
    return send_file(paper, mimetype="application/pdf", as_attachment=True, download_name=name)
