"""定型文: the office's texts for messages to a person, kept by the supervisor. They are filled in where one writes."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from config.web import reading, transaction
from shared import fixed_texts
from shared.errors import NotKept, NotThere
from shared.fixed_texts import LONGEST, LONGEST_TITLE, MOST, NewText, TextRow
from shared.model import Role
from shared.rules import fixed_texts as rules
from shared.rules import my_number
from staff import once
from staff.access import me, needs
from staff.correction import NO_MY_NUMBER

bp = Blueprint("fixed_texts", __name__, url_prefix="/fixed-texts")

KNOWN: Final = {  # a place, and what stands there for somebody made up
    "氏名": (lazy_gettext("本人の名前"), lazy_gettext("見本　花子")),
    "月": (lazy_gettext("書類の月"), lazy_gettext("10月")),
    "期限": (lazy_gettext("補正のおねがいの期限"), lazy_gettext("12月2日(水)")),
    "担当": (lazy_gettext("世帯の担当の名前"), lazy_gettext("例野 太郎")),
    "電話": (lazy_gettext("役所の電話"), lazy_gettext("00-0000-0000")),
}


class TextForm(FlaskForm):  # type: ignore[misc]
    """One text."""

    title = StringField(
        lazy_gettext("名前（職員だけが見ます）"),
        [
            DataRequired(lazy_gettext("名前を書いてください")),
            Length(max=LONGEST_TITLE, message=lazy_gettext("40文字までにしてください")),
        ],
        render_kw={"autocomplete": "off"},
    )
    text = TextAreaField(
        lazy_gettext("本人に送ることば"),
        [DataRequired(lazy_gettext("本人に送ることばを書いてください"))],
        render_kw={"rows": "9"},
    )
    active = BooleanField(lazy_gettext("えらべるようにする"), default=True)

    def validate_title(self, field: Field) -> None:
        if my_number.is_in(field.data or ""):
            raise ValidationError(NO_MY_NUMBER)

    def validate_text(self, field: Field) -> None:
        if len(self.written.text) > LONGEST:
            raise ValidationError(_("1000文字までにしてください"))
        if my_number.is_in(field.data or ""):
            raise ValidationError(NO_MY_NUMBER)

    @property
    def written(self) -> NewText:
        """What is to be kept; browsers end a line with two signs, of which one is enough."""
        text = (self.text.data or "").replace("\r\n", "\n").strip()
        return NewText((self.title.data or "").strip(), text, bool(self.active.data))


@bp.get("")
@needs(Role.SUPERVISOR)
def show() -> ResponseReturnValue:
    """All of them, in the order in which they are offered."""
    with reading() as rows:
        found = fixed_texts.of(rows, me(), offered=False)
    return render_template("fixed_texts.html", rows=found, most=MOST)


@bp.route("/new", methods=["GET", "POST"])
@needs(Role.SUPERVISOR)
def add() -> ResponseReturnValue:
    """A new one. Its form can be looked at as the person would read it, before it is kept."""
    form = TextForm()
    attempt = once.attempt() if request.method == "POST" else None
    if form.validate_on_submit() and request.form.get("do") != "look":
        try:
            with transaction() as rows:
                fixed_texts.add(rows, me(), form.written, attempt=once.attempt())
        except NotKept:
            form.title.errors = [_("%(count)sこまでです。使わないものを書きかえてください", count=MOST)]
        else:
            flash(_("定型文を加えました。"))
            return redirect(url_for("fixed_texts.show"), 303)
    return _page(form, None, attempt)


@bp.route("/<uuid:text_id>", methods=["GET", "POST"])
@needs(Role.SUPERVISOR)
def change(text_id: UUID) -> ResponseReturnValue:
    """Word one anew, or switch it off."""
    with reading() as rows:
        row = next((one for one in fixed_texts.of(rows, me(), offered=False) if one.id == text_id), None)
    if row is None:
        raise NotThere
    form = TextForm(obj=row)
    if form.validate_on_submit() and request.form.get("do") != "look":
        with transaction() as rows:
            fixed_texts.change(rows, me(), text_id, form.written)
        flash(_("定型文を保存しました。送ったものは変わりません。"))
        return redirect(url_for("fixed_texts.show"), 303)
    return _page(form, row, None)


@bp.post("/<uuid:text_id>/before/<uuid:other_id>")
@needs(Role.SUPERVISOR)
def put_before(text_id: UUID, other_id: UUID) -> ResponseReturnValue:
    """Further up in the order."""
    with transaction() as rows:
        fixed_texts.put_before(rows, me(), text_id, other_id)
    return redirect(url_for("fixed_texts.show"), 303)


def _page(form: TextForm, row: TextRow | None, attempt: UUID | None) -> ResponseReturnValue:
    facts: dict[str, Any] = {"form": form, "row": row, "attempt": attempt, "KNOWN": KNOWN}
    text = form.written.text
    facts["shown"] = rules.fill(text, {name: str(example) for name, (_what, example) in KNOWN.items()})
    facts["by_hand"] = rules.by_hand(text)
    return render_template("fixed_text.html", **facts), 422 if form.errors else 200
