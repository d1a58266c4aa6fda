"""職員だけのメモ: a note for colleagues about a submission, and whom it is for."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.web import reading, transaction
from shared import handing, notes, review
from shared.errors import NotANote
from staff import once
from staff.access import DECIDING, me, needs
from staff.opened import opened_for

bp = Blueprint("notes", __name__, url_prefix="/review/<uuid:submission_id>/notes")

_FAULTS: Final = {
    "missing": lazy_gettext("メモを書いてください"),
    "too_long": lazy_gettext("2000文字までにしてください"),
    "my_number": lazy_gettext("個人番号のような12けたの番号があります。消してください（保存していません）"),
    "nobody": lazy_gettext("「@%(name)s」という職員は見つかりません。名前をたしかめるか、下の一覧からえらんでください"),
    "several": lazy_gettext("「@%(name)s」という職員は何人かいます。名前まで書くか、下の一覧からえらんでください"),
    "may_not_open": lazy_gettext("%(name)sさんは、この世帯を開けません。ほかの人をえらんでください"),
}


@bp.post("")
@needs(*DECIDING)
def add(submission_id: UUID) -> ResponseReturnValue:
    """Keep it, and tell whom it names."""
    text, to, attempt = request.form.get("text", ""), request.form.get("to", ""), once.attempt()
    try:
        with transaction() as rows:
            notes.write(rows, me(), submission_id, text, to=_ids(to), attempt=attempt)
    except NotANote as wrong:
        fault = _FAULTS[wrong.code] % {"name": wrong.name or _("えらんだ人")}
        with reading() as rows:
            colleagues = handing.colleagues(rows, me(), review.open_for(rows, me(), submission_id))
        facts = {"fault": fault, "typed": text, "to": to, "attempt": attempt, "colleagues": colleagues}
        return render_template("note.html", slip=opened_for(submission_id).slip, **facts), 422
    flash(_("メモを残しました。本人には見えません。"))
    return redirect(url_for("review.show", submission_id=submission_id, _anchor="notes"), 303)


def _ids(text: str) -> list[UUID]:
    """Whom she has chosen; nobody is a choice, too."""
    try:
        return [UUID(text)]
    except ValueError:
        return []
