"""公印・署名: the pictures on an office's certificates, and whether a second person must agree before one is issued."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any, Final
from uuid import UUID, uuid4

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, ValidationError

from config.log import log
from config.web import reading, settings, storage, transaction
from shared import clock, receipt_rules, stamp
from shared.errors import NotThere, RuleStands
from shared.model import Role, StampKind, StampState
from shared.stamp import SentPicture
from staff import once
from staff.access import RECEIPTS, me, needs
from staff.retention import FromDay
from uploads.checks import Kind, NotAccepted, what_is
from uploads.receiving import Incoming, receive
from uploads.storage import StorageError

bp = Blueprint("stamp", __name__, url_prefix="/stamp")

LARGEST: Final = 5_000_000  # bytes
KINDS: Final = {StampKind.STAMP: lazy_gettext("公印"), StampKind.SIGNATURE: lazy_gettext("署名（所長名の画像）")}
STATES: Final = {  # word, tone, drawing
    StampState.SENT: (lazy_gettext("安全な写しを作っています"), "info", "clock"),
    StampState.DRAWN: (lazy_gettext("使えます"), "ok", "check"),
    StampState.REFUSED: (lazy_gettext("使えません"), "bad", "alert"),
}
REFUSED: Final = {
    "too_small": lazy_gettext("画像が小さすぎます。40ピクセルより大きいものにしてください"),
    "too_big": lazy_gettext("画像が大きすぎます"),
}
UNREADABLE: Final = lazy_gettext("画像を開けませんでした。PNGかJPEGで保存しなおしてください")
PICTURES: Final = (Kind.PNG, Kind.JPEG)


class StampForm(FlaskForm):  # type: ignore[misc]
    """Which picture, from which day on. The file itself is looked at by hand: it is a stranger's bytes."""

    kind = RadioField(
        lazy_gettext("何の画像"),
        [InputRequired(lazy_gettext("公印か署名かをえらんでください"))],
        choices=[SelectChoice(kind.value, word) for kind, word in KINDS.items()],
        validate_choice=False,
    )
    from_day = FromDay(
        lazy_gettext("いつから"),
        [InputRequired(lazy_gettext("いつからかを書いてください"))],
        format=["%Y-%m-%d", "%Y/%m/%d"],
        default=clock.today,
    )

    def validate_kind(self, field: RadioField) -> None:
        if field.data not in set(StampKind):
            raise ValidationError(_("公印か署名かをえらんでください"))


class RuleForm(FlaskForm):  # type: ignore[misc]
    """One person or two, from a day on."""

    people = RadioField(
        lazy_gettext("発行と取消し"),
        [InputRequired(lazy_gettext("どちらかをえらんでください"))],
        choices=[
            SelectChoice("one", lazy_gettext("担当が一人で行う")),
            SelectChoice("two", lazy_gettext("ほかの人の承認をもらう")),
        ],
        validate_choice=False,
    )
    first_day = FromDay(
        lazy_gettext("いつから"),
        [InputRequired(lazy_gettext("いつからかを書いてください"))],
        format=["%Y-%m-%d", "%Y/%m/%d"],
        default=clock.today,
    )

    def validate_people(self, field: RadioField) -> None:
        if field.data not in ("one", "two"):
            raise ValidationError(_("どちらかをえらんでください"))


class NotAPicture(Exception):
    """A file that was not taken, with what its sender reads."""


@bp.get("")
@needs(Role.ADMINISTRATOR)
def show() -> ResponseReturnValue:
    return _page(StampForm(), RuleForm())


def _page(form: StampForm, rule: RuleForm, *, fault: str = "", status: int = 200) -> ResponseReturnValue:
    who = me()
    with reading() as rows:
        facts: dict[str, Any] = {
            "rows": stamp.rows(rows, who),
            "rules": receipt_rules.rules(rows, who),
            "counts": receipt_rules.rule_for(rows, who.office_id, clock.today()),
        }
    words = {"KINDS": KINDS, "STATES": STATES, "REFUSED": REFUSED, "UNREADABLE": UNREADABLE}
    return render_template("stamp.html", form=form, rule=rule, fault=fault, **words, **facts), status


@bp.post("")
@needs(Role.ADMINISTRATOR)
def send() -> ResponseReturnValue:
    """Keep what came as it is; the worker draws it anew before anybody sees it."""
    form, attempt = StampForm(), once.attempt()
    if not form.validate():
        return _page(form, RuleForm(formdata=None), status=422)
    try:
        picture = _durable(request.files.get("file"))
    except NotAPicture as wrong:
        return _page(form, RuleForm(formdata=None), fault=str(wrong), status=422)
    day = form.from_day.data or clock.today()
    with transaction() as rows:
        row = stamp.send(rows, me(), StampKind(form.kind.data), day, picture, attempt=attempt)
    if row.sent_key != picture.key:  # a second tap: the first one's bytes are kept
        with suppress(StorageError):
            storage().delete(picture.key)
    flash(_("画像を受け取りました。安全な写しができると、使えるようになります。"))
    return redirect(url_for("stamp.show"), 303)


def _durable(file: FileStorage | None) -> SentPicture:
    if file is None or not file.filename:
        raise NotAPicture(_("画像のファイルをえらんでください"))
    with closing(Incoming(settings().incoming, LARGEST)) as incoming:
        receive(incoming, file.stream.read, LARGEST + 1)
        if incoming.too_big:
            raise NotAPicture(_("画像が大きすぎます。5MBまでにしてください"))
        try:
            if incoming.failed:
                raise StorageError
            kind = what_is(incoming.head, incoming.size)
            if kind not in PICTURES:
                raise NotAPicture(UNREADABLE)
            key = f"stamp-sent/{uuid4()}"
            incoming.keep(storage(), key, kind.media_type)
        except NotAccepted as refused:
            log("file.refused", reason=refused.reason)
            raise NotAPicture(UNREADABLE) from refused
        except StorageError as failed:
            raise NotAPicture(_("いま、ファイルをしまえません。少しして、もう一度送ってください")) from failed
        return SentPicture(key, kind.value, incoming.size, incoming.sha256)


@bp.post("/rule")
@needs(Role.ADMINISTRATOR)
def set_rule() -> ResponseReturnValue:
    """One person or two, from a day on."""
    rule, who = RuleForm(), me()
    if not rule.validate():
        return _page(StampForm(formdata=None), rule, status=422)
    day = rule.first_day.data or clock.today()
    try:
        with transaction() as rows:
            two = rule.people.data == "two"
            receipt_rules.set_rule(rows, who.office_id, day, two_people=two, set_by=who.staff_id)
    except RuleStands:
        rule.first_day.errors = [
            _("その日からの決まりは、もう始まっています。あしたか、それよりあとの日にしてください")
        ]
        return _page(StampForm(formdata=None), rule, status=422)
    flash(_("受領証の承認の決まりを決めました。"))
    return redirect(url_for("stamp.show"), 303)


@bp.get("/<uuid:stamp_id>.png")
@needs(Role.ADMINISTRATOR)
def picture(stamp_id: UUID) -> ResponseReturnValue:
    """What was drawn."""
    with reading() as rows:
        key = stamp.one(rows, me().office_id, stamp_id).key
    return send_file(storage().open(key or ""), "image/png", etag=False)


@bp.get("/<any(stamp, signature):kind>/now.png")
@needs(*RECEIPTS)
def now(kind: str) -> ResponseReturnValue:
    """The picture that a certificate issued today would bear."""
    with reading() as rows:
        row = stamp.counting(rows, me().office_id, clock.today()).get(StampKind(kind))
    if row is None:
        raise NotThere
    return send_file(storage().open(row.key or ""), "image/png", etag=False)
