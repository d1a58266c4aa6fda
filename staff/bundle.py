"""One file to print and one ZIP of many certificates: how far they are, and handing them out."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.log import log
from config.web import reading, storage, transaction
from shared import bundle
from shared.model import ReceiptBundle
from staff.access import RECEIPTS, me, needs
from staff.trace import from_address

bp = Blueprint("bundle", __name__, url_prefix="/receipts/files")

PDF: Final = "application/pdf"
ZIP: Final = "application/zip"


@bp.get("/<uuid:bundle_id>")
@needs(*RECEIPTS)
def show(bundle_id: UUID) -> ResponseReturnValue:
    """The files of a day, or that they are being made. Those of a batch stand on its own page."""
    with reading() as rows:
        row = bundle.one(rows, me(), bundle_id)
    if row.batch_id is not None:
        return redirect(url_for("batch.show", batch_id=row.batch_id), 303)
    return render_template("bundle.html", files=row)


@bp.get("/<uuid:bundle_id>/progress")
@needs(*RECEIPTS)
def progress(bundle_id: UUID) -> ResponseReturnValue:
    """Whether they are made, for the script of the page."""
    with reading() as rows:
        row = bundle.one(rows, me(), bundle_id)
    made = not row.under_way
    return {"state": "made" if made else "making", "done": int(made), "of": 1, "words": _("ファイルを作っています")}


@bp.get("/<uuid:bundle_id>/print.pdf")
@needs(*RECEIPTS)
def to_print(bundle_id: UUID) -> ResponseReturnValue:
    """All pages in one file, in the order of the numbers."""
    row = _taken(bundle_id, "print")
    name = f"{_name(row)}_印刷用.pdf"
    return send_file(storage().open(row.print_key or ""), PDF, as_attachment=True, download_name=name, etag=False)


@bp.get("/<uuid:bundle_id>/all.zip")
@needs(*RECEIPTS)
def zipped(bundle_id: UUID) -> ResponseReturnValue:
    """Each certificate as it was signed, with an index."""
    row = _taken(bundle_id, "zip")
    name = f"{_name(row)}.zip"
    return send_file(storage().open(row.zip_key or ""), ZIP, as_attachment=True, download_name=name, etag=False)


def _taken(bundle_id: UUID, what: str) -> ReceiptBundle:
    with transaction() as rows:
        row = bundle.take(rows, me(), bundle_id, what, from_address=from_address())
    log("bundle.downloaded", bundle=bundle_id, what=what)
    return row


def _name(row: ReceiptBundle) -> str:
    day = row.day or row.created_at.date()
    return f"受領証_{day.isoformat()}"
