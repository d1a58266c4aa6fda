"""保存期間と廃棄: how long what is kept, what must stay, and the lists that two people decide."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.exceptions import BadRequest
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from config.web import reading, transaction
from shared import clock, disposals, retention
from shared.errors import NotThere, RuleStands, SamePerson
from shared.model import DisposalState, Kept
from shared.retention import LONGEST
from staff.access import KEEPING, me, needs

bp = Blueprint("retention", __name__, url_prefix="/retention")

KINDS: Final = {
    Kept.ORIGINAL: lazy_gettext("原本（届いたままのファイル）"),
    Kept.SAFE_COPY: lazy_gettext("安全な写し（画像とPDF）"),
    Kept.THUMBNAIL: lazy_gettext("小さい画像"),
    Kept.WITHDRAWN_DRAFT: lazy_gettext("出されなかった・取り下げられたもの"),
    Kept.PARTIAL_UPLOAD: lazy_gettext("送りかけのファイル"),
}
SINCE: Final = {
    Kept.ORIGINAL: lazy_gettext("受領証の発行か取消しの日から"),
    Kept.SAFE_COPY: lazy_gettext("受領証の発行か取消しの日から"),
    Kept.THUMBNAIL: lazy_gettext("受領証の発行か取消しの日から"),
    Kept.WITHDRAWN_DRAFT: lazy_gettext("最後のファイルが来た日・取下げの日から"),
    Kept.PARTIAL_UPLOAD: lazy_gettext("送りはじめた日から（ひとりでに消えます）"),
}
LISTS: Final = {  # state of a list: word, tone, drawing
    DisposalState.PROPOSED: (lazy_gettext("承認待ち"), "ask", "clock"),
    DisposalState.APPROVED: (lazy_gettext("廃棄しています"), "info", "again"),
    DisposalState.DONE: (lazy_gettext("廃棄しました"), "ok", "check"),
    DisposalState.DROPPED: (lazy_gettext("取りやめ"), "plain", "undo"),
}
SPARED: Final = {
    "hold": lazy_gettext("停止中のため、残しました"),
    "rule": lazy_gettext("保存期間の中のため、残しました"),
    "gone": lazy_gettext("もうありませんでした"),
}
LONGEST_TEXT: Final = 300


class WholeDays(StringField):
    """A whole number of days; what was typed stays in the field."""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:  # noqa: ARG002
        if not validation_stopped and not 1 <= self.days <= LONGEST:
            raise ValidationError(_("1から%(most)sまでの数字で書いてください", most=LONGEST))

    @property
    def days(self) -> int:
        """The number, however wide it was typed; 0 if it is none."""
        plain = (self.data or "").strip()
        return int(plain) if plain.isdecimal() and len(plain) < 10 else 0


class FromDay(DateField):
    """Today or later."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("日付を「2027-04-01」のように書いてください")) from None

    def post_validate(self, form: Any, validation_stopped: bool) -> None:  # noqa: ARG002
        if self.data and self.data < clock.today():
            raise ValidationError(_("すぎた日付です。今日か、それよりあとの日にしてください"))
        if self.data and self.data > date(clock.today().year + 50, 12, 31):
            raise ValidationError(_("先すぎる日付です。もっと近い日にしてください"))


class RuleForm(FlaskForm):  # type: ignore[misc]
    """A rule from a day on."""

    what = SelectField(
        lazy_gettext("何を"),
        choices=[SelectChoice(kind.value, word) for kind, word in KINDS.items()],
        validate_choice=False,
    )
    days = WholeDays(
        lazy_gettext("何日"),
        [DataRequired(lazy_gettext("日数を書いてください"))],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    from_day = FromDay(
        lazy_gettext("いつから"),
        [InputRequired(lazy_gettext("いつからかを書いてください"))],
        format=["%Y-%m-%d", "%Y/%m/%d"],
        default=clock.today,
    )
    source = StringField(
        lazy_gettext("よりどころ"),
        [
            DataRequired(lazy_gettext("よりどころ（規程の名前など）を書いてください")),
            Length(max=LONGEST_TEXT, message=lazy_gettext("300文字までにしてください")),
        ],
        render_kw={"autocomplete": "off"},
    )

    def validate_what(self, field: SelectField) -> None:
        if field.data not in set(Kept):
            raise ValidationError(_("何を保存するかをえらんでください"))


class HoldForm(FlaskForm):  # type: ignore[misc]
    """Whose papers must stay, and why."""

    case_no = StringField(
        lazy_gettext("世帯番号"),
        [DataRequired(lazy_gettext("世帯番号を書いてください"))],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    reason = StringField(
        lazy_gettext("停止する理由"),
        [
            DataRequired(lazy_gettext("停止する理由を書いてください")),
            Length(max=LONGEST_TEXT, message=lazy_gettext("300文字までにしてください")),
        ],
        render_kw={"autocomplete": "off"},
    )


def _plain(field: StringField) -> str:
    return (field.data or "").strip()


# ---- 保存期間 ----


@bp.route("", methods=["GET", "POST"])
@needs(*KEEPING)
def rules() -> ResponseReturnValue:
    """The rules that count, those to come, and adding one."""
    form = RuleForm()
    if form.validate_on_submit():
        what, from_day = Kept(form.what.data), form.from_day.data or clock.today()
        try:
            with transaction() as rows:
                retention.set_rule(rows, me(), what, form.days.days, from_day, _plain(form.source))
        except RuleStands:
            form.from_day.errors = [
                _("その日からの決まりは、もう始まっています。あしたか、それよりあとの日にしてください")
            ]
        else:
            flash(_("「%(what)s」の決まりを加えました。", what=KINDS[what]))
            return redirect(url_for("retention.rules"), 303)
    with reading() as rows:
        found = sorted(disposals.rules(rows, me(), clock.today()), key=lambda row: list(KINDS).index(row.what))
    page = render_template("rules.html", form=form, rules=found, KINDS=KINDS, SINCE=SINCE)
    return page, 422 if form.errors else 200


# ---- 停止 ----


@bp.route("/holds", methods=["GET", "POST"])
@needs(*KEEPING)
def holds() -> ResponseReturnValue:
    """Households nothing of which is destroyed, and adding one."""
    form = HoldForm()
    if form.validate_on_submit():
        case_no = _plain(form.case_no)
        try:
            with transaction() as rows:
                retention.place_hold(rows, me(), case_no, _plain(form.reason))
        except NotThere:
            form.case_no.errors = [_("この番号の世帯は見つかりません。番号を確かめてください")]
        else:
            flash(_("世帯 %(case)s の廃棄を停止しました。", case=case_no))
            return redirect(url_for("retention.holds"), 303)
    with reading() as rows:
        found = disposals.holds(rows, me())
    return render_template("holds.html", form=form, holds=found), 422 if form.errors else 200


@bp.post("/holds/<uuid:hold_id>/lift")
@needs(*KEEPING)
def lift(hold_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        retention.lift_hold(rows, me(), hold_id)
    flash(_("停止を終わりにしました。"))
    return redirect(url_for("retention.holds"), 303)


# ---- 廃棄 ----


@bp.get("/disposals")
@needs(*KEEPING)
def lists() -> ResponseReturnValue:
    """What is due, the lists, and the way to the log."""
    with reading() as rows:
        due, held = retention.counts(rows, me().office_id, clock.today())
        found = disposals.lists(rows, me())
    waiting = any(row.state is DisposalState.PROPOSED for row in found)
    return render_template(
        "disposals.html",
        due=due,
        held=held,
        lists=found,
        waiting=waiting,
        most=retention.MOST,
        KINDS=KINDS,
        LISTS=LISTS,
    )


@bp.post("/disposals")
@needs(*KEEPING)
def propose() -> ResponseReturnValue:
    with transaction() as rows:
        disposal = retention.propose(rows, me())
        disposal_id = disposal.id if disposal else None
    if disposal_id is None:
        flash(_("いま、廃棄できるものはありません。"))
        return redirect(url_for("retention.lists"), 303)
    return redirect(url_for("retention.show", disposal_id=disposal_id), 303)


@bp.get("/disposals/<uuid:disposal_id>")
@needs(*KEEPING)
def show(disposal_id: UUID) -> ResponseReturnValue:
    return _list(disposal_id)


def _list(disposal_id: UUID, *, same_person: bool = False, status: int = 200) -> ResponseReturnValue:
    with reading() as rows:
        row = disposals.one(rows, me(), disposal_id)
        reports = disposals.reports(rows, me(), disposal_id)
    page = render_template(
        "disposal.html",
        row=row,
        reports=reports,
        mine=row.proposed_by_id == me().staff_id,
        same_person=same_person,
        KINDS=KINDS,
        LISTS=LISTS,
    )
    return page, status


@bp.post("/disposals/<uuid:disposal_id>/approve")
@needs(*KEEPING)
def approve(disposal_id: UUID) -> ResponseReturnValue:
    try:
        seen = int(request.form["seen"])
    except ValueError:
        raise BadRequest from None
    try:
        with transaction() as rows:
            retention.approve(rows, me(), disposal_id, seen=seen)
    except SamePerson:
        return _list(disposal_id, same_person=True, status=409)
    flash(_("承認しました。まもなく廃棄がはじまります。"))
    return redirect(url_for("retention.show", disposal_id=disposal_id), 303)


@bp.post("/disposals/<uuid:disposal_id>/drop")
@needs(*KEEPING)
def drop(disposal_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        retention.drop(rows, me(), disposal_id)
    flash(_("取りやめました。何も廃棄していません。"))
    return redirect(url_for("retention.lists"), 303)


@bp.post("/disposals/<uuid:disposal_id>/resume")
@needs(*KEEPING)
def resume(disposal_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        retention.resume(rows, me(), disposal_id)
    flash(_("つづきをはじめます。"))
    return redirect(url_for("retention.show", disposal_id=disposal_id), 303)


@bp.get("/log")
@needs(*KEEPING)
def log() -> ResponseReturnValue:
    """The destruction log, fifty ends a page, the newest first."""
    page = request.args.get("page", 1, type=int)
    with reading() as rows:
        ends, pages = disposals.log(rows, me(), max(1, min(page, 1_000_000)))
    return render_template("destroyed.html", ends=ends, page=page, pages=pages, KINDS=KINDS, SPARED=SPARED)
