"""補正の理由: what staff choose and what the person reads, in the office's own words, and reasons of its own."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, StringField

from config.web import reading, transaction
from shared import reasons
from shared.errors import NotKept, NotThere
from shared.model import Role
from shared.reasons import JAPANESE, LONGEST, LONGEST_LABEL, MOST, ReasonRow, Sentences, Wording
from shared.rules import my_number
from shared.rules.reasons import LANGUAGES
from staff.access import me, needs
from staff.correction import NO_MY_NUMBER

bp = Blueprint("reasons", __name__, url_prefix="/reasons")


_ABOUT: Final = (lazy_gettext("書類について"), lazy_gettext("数字や答えについて"))
_FAULTS: Final = {
    "same_label": lazy_gettext("同じことばの理由が、もうあります"),
    "too_many": lazy_gettext("理由が多すぎます。使わないものを書きかえてください"),
}


class Worded:
    """The form for one reason: two sentences in each language."""

    def __init__(self, row: ReasonRow | None) -> None:
        said = row.said if row else {}
        fields: dict[str, Any] = {
            "label": StringField(lazy_gettext("職員がえらぶことば"), default=str(_(row.label)) if row else ""),
            "active": BooleanField(lazy_gettext("えらべるようにする"), default=row.active if row else True),
        }
        for lang in (JAPANESE, *LANGUAGES):
            shown = said.get(lang)
            of_file, of_value = _ABOUT if lang == JAPANESE else _about(LANGUAGES[lang])
            fields[f"{lang}-file"] = StringField(of_file, default=shown.about_file if shown else "")
            fields[f"{lang}-value"] = StringField(of_value, default=shown.about_value if shown else "")
        self.form: Any = type("ReasonForm", (FlaskForm,), fields)()
        self.row = row

    @property
    def pairs(self) -> dict[str, tuple[Field, Field]]:
        """By language, Japanese first."""
        return {lang: (self.form[f"{lang}-file"], self.form[f"{lang}-value"]) for lang in (JAPANESE, *LANGUAGES)}

    @property
    def may_be_off(self) -> bool:
        return self.row is None or self.row.may_be_off

    @property
    def written(self) -> Wording:
        """What the command needs. Only after ``is_right``."""
        said = {lang: Sentences(_plain(one), _plain(two)) for lang, (one, two) in self.pairs.items() if _plain(one)}
        return Wording(_plain(self.form.label), said, bool(self.form.active.data) or not self.may_be_off)

    def is_right(self) -> bool:
        """Check everything, and put each sentence at its field."""
        form = self.form
        if not form.validate_on_submit():
            return False
        if not _plain(form.label):
            _blame(form.label, _("ことばを書いてください"))
        for lang, both in self.pairs.items():
            missing = [one for one in both if not _plain(one)]
            if missing and (lang == JAPANESE or len(missing) == 1):
                _blame(missing[0], _("本人が読むことばを書いてください"))
        fields = [(field, LONGEST) for both in self.pairs.values() for field in both]
        for field, most in [(form.label, LONGEST_LABEL), *fields]:
            if len(_plain(field)) > most:
                _blame(field, _("%(count)s文字までにしてください", count=most))
            if my_number.is_in(field.data or ""):
                _blame(field, NO_MY_NUMBER)
        return not form.errors


@bp.get("")
@needs(Role.SUPERVISOR)
def show() -> ResponseReturnValue:
    """All of them, in the order in which they are offered."""
    with reading() as rows:
        found = reasons.of(rows, me().office_id)
    facts = {"LANGUAGES": LANGUAGES, "JAPANESE": JAPANESE}
    return render_template("reasons.html", rows=list(found.values()), most=MOST, **facts)


@bp.route("/new", methods=["GET", "POST"])
@needs(Role.SUPERVISOR)
def add() -> ResponseReturnValue:
    """A reason of the office's own."""
    worded = Worded(None)
    if worded.is_right():
        try:
            with transaction() as rows:
                reasons.add(rows, me(), worded.written)
        except NotKept as wrong:
            _blame(worded.form.label, str(_FAULTS[wrong.code]))
        else:
            flash(_("理由を加えました。"))
            return redirect(url_for("reasons.show"), 303)
    return _page(worded)


@bp.route("/<code>", methods=["GET", "POST"])
@needs(Role.SUPERVISOR)
def change(code: str) -> ResponseReturnValue:
    """Word one anew, or switch it off."""
    with reading() as rows:
        known = reasons.of(rows, me().office_id)
    if code not in known:
        raise NotThere
    worded = Worded(known[code])
    if worded.is_right():
        try:
            with transaction() as rows:
                reasons.change(rows, me(), code, worded.written)
        except NotKept as wrong:
            _blame(worded.form.label, str(_FAULTS[wrong.code]))
        else:
            flash(_("理由を保存しました。もうおねがいしたもののことばは、変わりません。"))
            return redirect(url_for("reasons.show"), 303)
    return _page(worded)


def _page(worded: Worded) -> ResponseReturnValue:
    facts = {"worded": worded, "form": worded.form, "row": worded.row, "LANGUAGES": LANGUAGES, "JAPANESE": JAPANESE}
    return render_template("reason.html", **facts), 422 if worded.form.errors else 200


def _about(lang: str) -> tuple[str, str]:
    return str(_("書類について（%(lang)s）", lang=lang)), str(_("数字や答えについて（%(lang)s）", lang=lang))


def _plain(field: Field) -> str:
    return str(field.data or "").strip()


def _blame(field: Field, sentence: str) -> None:
    field.errors = [*field.errors, sentence]
