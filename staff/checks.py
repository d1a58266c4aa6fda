"""確認の結果: what each check says, in words; overriding one with a note, and taking that back."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.log import log
from config.web import transaction
from config.words import pieces, what_was_asked, yen
from shared import overrides
from shared.checks import Finding
from shared.errors import NotAnOverride
from shared.model import Result, Rule
from shared.rules.wareki import japanese_month, short_date, short_moment
from shared.slips import Slip
from staff import once
from staff.access import DECIDING, me, needs
from staff.review import page

bp = Blueprint("checks", __name__, url_prefix="/review/<uuid:submission_id>/checks/<uuid:check_id>")

RULES: Final = {  # its name, and what is expected
    Rule.MONTH: (lazy_gettext("月のぬけ・重なり"), lazy_gettext("ひと月に1つずつ、ぬけていない")),
    Rule.SAME_FILE: (lazy_gettext("前と同じ書類"), lazy_gettext("この世帯から、はじめて届いた書類")),
    Rule.SUM: (lazy_gettext("金額と日数"), lazy_gettext("ありえる金額と日数")),
}
RESULTS: Final = {  # tone, drawing, word
    Result.PASS: ("ok", "check", lazy_gettext("一致")),
    Result.FAIL: ("ask", "differs", lazy_gettext("不一致")),
    Result.CANT_TELL: ("plain", "question", lazy_gettext("確認できず")),
}
_FINDINGS: Final = {  # what was expected, and what was found
    "twice": (lazy_gettext("%(month)s分は1つ"), lazy_gettext("もう1つ届いています")),
    "missing": (lazy_gettext("%(month)s分が届いている"), lazy_gettext("まだ届いていません（期限 %(since)s）")),
    "same": (
        lazy_gettext("はじめて届いた書類"),
        lazy_gettext("「%(file)s」は、%(on)sに届いた書類と同じファイルです"),
    ),
    "alike": (
        lazy_gettext("はじめて届いた書類"),
        lazy_gettext("「%(file)s」は、%(on)sに届いた書類とよく似ています"),
    ),
    "same_here": (
        lazy_gettext("どれもちがう書類"),
        lazy_gettext("「%(file)s」と同じファイルが、この届け出にもう1つあります"),
    ),
    "alike_here": (
        lazy_gettext("どれもちがう書類"),
        lazy_gettext("「%(file)s」とよく似た書類が、この届け出にもう1つあります"),
    ),
    "pending": (lazy_gettext("%(files)sの写しができている"), lazy_gettext("%(files)sは、まだ写しを作っています")),
    "taken_off": (
        lazy_gettext("引かれたお金は %(yen)s まで"),
        lazy_gettext("「%(what)s」から引かれたお金が、合わせて %(yen)s"),
    ),
    "days": (lazy_gettext("%(days)s日まで"), lazy_gettext("「%(what)s」が %(days)s日")),
    "a_day": (lazy_gettext("1日あたり %(yen)s まで（目安）"), lazy_gettext("「%(what)s」が、1日あたり %(yen)s")),
    "too_much": (lazy_gettext("%(yen)s まで（目安）"), lazy_gettext("「%(what)s」が %(yen)s")),
    "negative": (lazy_gettext("%(yen)s 以上"), lazy_gettext("「%(what)s」が %(yen)s")),
    "no_amount": (lazy_gettext("金額が書いてある"), lazy_gettext("「%(what)s」に金額がありません")),
}
_REFUSED: Final = {
    "missing": lazy_gettext("問題なしとする理由を書いてください"),
    "too_long": lazy_gettext("200文字までにしてください"),
    "my_number": lazy_gettext("個人番号のような12けたの番号があります。消してから送ってください（保存していません）"),
    "already": lazy_gettext("%(who)sさんが先に「問題なし」としました。書いた理由は下に残してあります。"),
}


class Told(NamedTuple):
    """One finding in words, with the other submission or the value on this page that it is about."""

    expected: str
    found: str
    submission_id: str
    number: str


@bp.app_template_filter("finding")
def told(one: Finding, slip: Slip) -> Told:
    """A finding, as colleagues read it."""
    expected, found = _FINDINGS[one.code]
    elsewhere = "submission" in one.found and one.code in ("twice", "same", "alike")
    return Told(
        str(expected) % _said(one.expected, slip),
        str(found) % _said(one.found, slip),
        one.found["submission"] if elsewhere else "",
        one.found["number"] if elsewhere else "",
    )


def _said(facts: dict[str, Any], slip: Slip) -> dict[str, str]:
    """Facts as they stand in a sentence."""
    words = {key: str(fact) for key, fact in facts.items()}
    if "yen" in facts:
        words["yen"] = yen(facts["yen"])
    if "files" in facts:
        words["files"] = pieces(facts["files"])
    if "month" in facts:
        words["month"] = japanese_month(date.fromisoformat(facts["month"]))
    if "since" in facts:
        words["since"] = short_date(date.fromisoformat(facts["since"]))
    if facts.get("on"):
        words["on"] = short_moment(datetime.fromisoformat(facts["on"]))
    if "place" in facts:
        words["what"] = what_was_asked(slip, facts["place"])
    if "file" in facts:
        words["file"] = next((file.name for file in slip.files if str(file.id) == facts["file"]), "")
    return words


@bp.app_context_processor
def words() -> dict[str, Any]:
    return {"RULES": RULES, "RESULTS": RESULTS}


@bp.post("")
@needs(*DECIDING)
def override(submission_id: UUID, check_id: UUID) -> ResponseReturnValue:
    """It is all right all the same, and why."""
    note = request.form.get("note", "")
    try:
        with transaction() as rows:
            done = overrides.override(rows, me(), submission_id, check_id, note, attempt=once.attempt())
    except NotAnOverride as wrong:
        fault = str(_REFUSED[wrong.code]) % {"who": wrong.who}
        return page(submission_id, refused=(check_id, fault, note)), 422
    log("check.overridden", check=check_id, submission=submission_id, rule=done.rule)
    flash(_("確認を「問題なし」にしました。"))
    return _back(submission_id)


@bp.post("/stands")
@needs(*DECIDING)
def stands(submission_id: UUID, check_id: UUID) -> ResponseReturnValue:
    """It stands again."""
    with transaction() as rows:
        overrides.take_back(rows, me(), submission_id, check_id)
    flash(_("「問題なし」をとり消しました。"))
    return _back(submission_id)


def _back(submission_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("review.show", submission_id=submission_id, _anchor="checks"), 303)
