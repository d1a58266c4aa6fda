"""受領証: the clerk's lists, how a certificate will look, issuing a single one, and what became of each."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.exceptions import BadRequest

from config.log import log
from config.web import reading, settings, storage, transaction
from shared import (
    batch,
    batch_lists,
    bundle,
    clock,
    delivery,
    queue,
    receipt_lists,
    receipts,
    voids,
)
from shared.errors import ChangedMeanwhile, NotThere
from shared.model import BatchState, Delivered, DutyKind, ReceiptState, Role, Way
from shared.receipt_lists import IssuedRow, Place, ReadyRow, Tab
from shared.rules import forms
from shared.rules.numbers import short_number
from shared.sign_in import Staff
from staff import once, trace
from staff.access import RECEIPTS, me, needs

bp = Blueprint("receipts", __name__, url_prefix="/receipts")

TABS: Final = {  # the tone of a count, and the word
    Tab.READY: ("ask", lazy_gettext("発行できる")),
    Tab.ISSUED: ("", lazy_gettext("発行済み")),
    Tab.ON_WAY: ("ask", lazy_gettext("届け中・再送")),
    Tab.VOIDED: ("", lazy_gettext("取消し")),
}
WAYS: Final = {
    Way.SCREEN: lazy_gettext("画面"),
    Way.POST: lazy_gettext("郵送"),
    Way.COUNTER: lazy_gettext("窓口"),
}
DELIVERED: Final = {
    Delivered.SEEN: lazy_gettext("本人が見た"),
    Delivered.DOWNLOADED: lazy_gettext("本人が保存"),
    Delivered.PRINTED: lazy_gettext("印刷"),
    Delivered.POSTED: lazy_gettext("郵送"),
    Delivered.HANDED: lazy_gettext("手渡し"),
    Delivered.RESENT: lazy_gettext("再通知"),
}
BATCHES: Final = {  # state of a batch: word, tone, drawing
    BatchState.CHOSEN: (lazy_gettext("準備中"), "plain", "pencil"),
    BatchState.PROPOSED: (lazy_gettext("承認待ち"), "ask", "clock"),
    BatchState.REFUSED: (lazy_gettext("認められませんでした"), "bad", "undo"),
    BatchState.RUNNING: (lazy_gettext("発行しています"), "info", "again"),
    BatchState.ISSUED: (lazy_gettext("発行しました"), "ok", "check"),
}


@bp.get("")
@needs(*RECEIPTS)
def ready() -> ResponseReturnValue:
    """One of the four lists, with what waits for a second person above it."""
    who, wanted = me(), receipt_lists.wanted(request.args)
    behind, most = _behind(), receipt_lists.PAGE + 1
    with reading() as rows:
        found: list[ReadyRow] | list[IssuedRow]
        if wanted.tab is Tab.READY:
            found = receipt_lists.ready(rows, who, wanted, behind=behind, most=most)
        else:
            found = receipt_lists.issued(rows, who, wanted, behind=behind, most=most)
        facts: dict[str, Any] = {
            "counts": receipt_lists.counts(rows, who, wanted),
            "accepting": receipt_lists.accepting(rows, who),
            "districts": queue.districts(rows, who),
            "number": batch_lists.next_number(rows, who.office_id),
            "batches": batch_lists.lists(rows, who, since=clock.start_of(clock.today())),
            "wishes": voids.waiting(rows, who) if wanted.tab is Tab.VOIDED else [],
            "waiting_voids": len(voids.waiting(rows, who)),
        }
    shown = found[: receipt_lists.PAGE]
    return render_template(
        "receipts.html",
        rows=shown,
        more=_place(shown[-1].place) if len(found) > receipt_lists.PAGE else None,
        wanted=wanted,
        chosen=receipt_lists.words(wanted),
        kinds={kind: forms.name_of(kind) for kind in DutyKind},
        issues=who.role is Role.CLERK,
        MOST=batch.MOST,
        TABS=TABS,
        BATCHES=BATCHES,
        **words(),
        **facts,
    )


def words() -> dict[str, Any]:
    """What every page about certificates says about them."""
    return {"WAYS": WAYS, "DELIVERED": DELIVERED, "short": short_number}


@bp.get("/<uuid:submission_id>")
@needs(*RECEIPTS)
def preview(submission_id: UUID) -> ResponseReturnValue:
    """The certificate before it is issued. That it was looked at goes into the journal."""
    who = me()
    try:
        slip, content = looked_at(who, submission_id)
    except ChangedMeanwhile as issued:  # the way back from issuing leads here, too
        flash(_("この受領証は、%(who)sさんが発行しました。", who=issued.who))
        return redirect(url_for("receipts.ready"), 303)
    with reading() as rows:
        way = delivery.way(rows, who, submission_id)
    issues = who.role is Role.CLERK
    return render_template("receipt.html", slip=slip, content=content, way=way, issues=issues, **words())


@bp.get("/<uuid:submission_id>/draft.pdf")
@needs(*RECEIPTS)
def draft(submission_id: UUID) -> ResponseReturnValue:
    """The paper as it would be, with 発行前 across it: to look at, or to print one before there are many."""
    from uploads.receipt_pdf import draw_receipt, pictures_of

    try:
        _slip, content = looked_at(me(), submission_id)
    except ChangedMeanwhile as issued:
        flash(_("この受領証は、%(who)sさんが発行しました。", who=issued.who))
        return redirect(url_for("receipts.ready"), 303)
    drawn = draw_receipt(content, pictures_of(storage(), content), draft=True)
    return send_file(BytesIO(drawn), "application/pdf", download_name=_("発行前の見本.pdf"), etag=False)


def looked_at(who: Staff, submission_id: UUID) -> tuple[Any, dict[str, Any]]:
    """What a certificate would say, for a page that shows it.

    :raises ChangedMeanwhile: if it was issued already.
    """
    with transaction() as rows:
        slip, content = receipts.preview(rows, who, submission_id, demo=settings().demo)
        trace.at_submission(rows, receipts.for_clerk(rows, who, submission_id), slip.version_no)
    return slip, content


@bp.post("/<uuid:submission_id>/issue")
@needs(Role.CLERK)
def issue(submission_id: UUID) -> ResponseReturnValue:
    """Issue one by itself. Where the office wants two people, it becomes a batch of one."""
    demo, attempt, seen = settings().demo, once.attempt(), once.seen()
    with transaction() as rows:
        if batch.must_wait(rows, me()):
            row = batch.choose(rows, me(), [submission_id], matched=1, attempt=attempt, demo=demo)
            return redirect(url_for("batch.show", batch_id=row.id), 303)
        receipt = receipts.issue(rows, me(), submission_id, seen=seen, attempt=attempt, demo=demo)
    log("receipt.issued", receipt=receipt.id)
    flash(_("%(document)s を発行しました。", document=receipt.document_no))
    return redirect(url_for("receipts.ready"), 303)


@bp.post("/<uuid:submission_id>/way")
@needs(Role.CLERK)
def set_way(submission_id: UUID) -> ResponseReturnValue:
    """How the person gets this one and the next ones."""
    if request.form.get("way") not in set(Way):
        raise BadRequest
    with transaction() as rows:
        submission = receipts.for_clerk(rows, me(), submission_id)
        delivery.set_way(rows, me(), submission.member_id, Way(request.form["way"]))
        newest = receipts.newest_of(rows, submission)
    flash(_("届け方を「%(way)s」にしました。", way=WAYS[Way(request.form["way"])]))
    if newest and newest.state is ReceiptState.ISSUED:
        return redirect(url_for("certificate.show", receipt_id=newest.id), 303)
    return redirect(url_for("receipts.preview", submission_id=submission_id), 303)


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


@bp.post("/delivered")
@needs(Role.CLERK)
def delivered() -> ResponseReturnValue:
    """Say what was done with the certificates that were chosen, or tell their people again."""
    what, attempt = request.form.get("what", ""), once.attempt()
    if what not in {kind.value for kind in (*delivery.BY_STAFF, Delivered.RESENT)}:
        raise BadRequest
    ids = request.form.getlist("id", type=UUID)[: receipt_lists.PAGE]
    with transaction() as rows:
        if Delivered(what) is Delivered.RESENT:
            count = delivery.resend(rows, me(), ids, attempt=attempt)
        else:
            count = delivery.done(rows, me(), ids, Delivered(what))
    if not ids:
        flash(_("行がえらばれていません。左の四角をえらんでから、押してください。"))
    elif Delivered(what) is Delivered.RESENT:
        flash(_("%(count)s件を、本人にもう一度知らせました。", count=count))
    else:
        flash(_("%(count)s件に「%(what)s」と記録しました。", count=count, what=DELIVERED[Delivered(what)]))
    if one := request.form.get("one", type=UUID):
        return redirect(url_for("certificate.show", receipt_id=one), 303)
    return redirect(url_for("receipts.ready", **receipt_lists.words(receipt_lists.wanted(request.form))), 303)


@bp.post("/day")
@needs(*RECEIPTS)
def gather_day() -> ResponseReturnValue:
    """Have all that was issued on a day gathered."""
    day = receipt_lists.wanted(request.values).day or clock.today()
    try:
        with transaction() as rows:
            row = bundle.ask(rows, me(), day=day)
    except NotThere:
        flash(_("この日に発行したものは、まだありません。"))
        return redirect(url_for("receipts.ready", tab=Tab.ISSUED.value, day=day.isoformat()), 303)
    return redirect(url_for("bundle.show", bundle_id=row.id), 303)


def _behind() -> Place | None:
    """The end of the page before; an address somebody has cut short begins at the first page."""
    try:
        at, key = request.args.get("behind", "").split("_")
        return datetime.fromisoformat(at).astimezone(UTC), UUID(key)
    except (ValueError, OverflowError):
        return None


def _place(place: Place) -> str:
    at, key = place
    return f"{at.astimezone(UTC).isoformat()}_{key}"
