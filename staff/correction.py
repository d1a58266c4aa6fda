"""補正のおねがい: which file or value to look at again, why, what exactly, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, Field, StringField
from wtforms.validators import ValidationError

from config.log import log
from config.web import reading, transaction
from config.words import Declared, declared, thing
from shared import clock, intake, reasons, review
from shared.model import Reason
from shared.reasons import JAPANESE, ReasonRow
from shared.rules import my_number
from shared.slips import FileRow, Slip
from staff import after, once
from staff.access import DECIDING, me, needs
from staff.opened import Opened, opened_for

bp = Blueprint("correction", __name__)

FINE, AGAIN = "fine", "again"  # what is chosen for a file
LONGEST_DETAIL: Final = 200
LONGEST_MEMO: Final = 500
FURTHEST: Final = timedelta(days=366)


NO_MY_NUMBER: Final = lazy_gettext("個人番号のような12けたの番号があります。消してください")


class AnswerBy(DateField):
    """A day, today or later; what was typed stays in the field even if it is none."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("日付を「2026-12-02」のように書いてください")) from None

    def post_validate(self, form: Any, validation_stopped: bool) -> None:  # noqa: ARG002
        if self.data is None:
            return
        if self.data < clock.today():
            raise ValidationError(_("すぎた日付です。今日か、それよりあとの日にしてください"))
        if self.data > clock.today() + FURTHEST:
            raise ValidationError(_("1年より先の日付です。もっと近い日にしてください"))


@dataclass(frozen=True)
class Ask:
    """One thing that may be asked for, with its three fields. Either ``file`` or ``value`` says what."""

    file: FileRow | None
    value: Declared | None
    again: Field
    reason: Field
    detail: Field
    offered: dict[str, ReasonRow]

    @property
    def name(self) -> str:
        return self.file.name if self.file else self.value.label if self.value else ""

    @property
    def wanted(self) -> bool:
        return self.again.data in (True, AGAIN)

    @property
    def said(self) -> tuple[str, str]:
        """Why, and what exactly. Only of one that is wanted and checked."""
        return str(self.reason.data), (self.detail.data or "").strip()

    @property
    def shown(self) -> str:
        """The sentence the person will read. Only of one that is wanted and checked."""
        said = self.offered[self.reason.data].said[JAPANESE]
        return str(_(said.about_file if self.file else said.about_value))


class Asking:
    """The form for one submission: its fields depend on the files that were sent, its reasons on the office."""

    def __init__(self, slip: Slip) -> None:
        with reading() as rows:
            known = reasons.of(rows, me().office_id)
        self.offered = {code: reason for code, reason in known.items() if reason.is_offered}
        usual = Reason.DIFFERS.value if Reason.DIFFERS in self.offered else next(iter(self.offered))
        fields: dict[str, Any] = {}
        for file in slip.files:
            key = f"file-{file.id.hex}"
            fields[key] = StringField(file.name, default=FINE)
            fields[f"{key}-reason"] = StringField(_reason_of(file.name))
            fields[f"{key}-detail"] = StringField(_detail_of(file.name))
        values = declared(slip)
        for value in values:
            key, name = f"value-{value.id}", value.label
            fields[key] = BooleanField(name)
            fields[f"{key}-reason"] = StringField(_reason_of(name), default=usual)
            fields[f"{key}-detail"] = StringField(_detail_of(name))
        fields["answer_by"] = AnswerBy(
            lazy_gettext("いつまで"),
            format=["%Y-%m-%d", "%Y/%m/%d"],
            default=wish_by,
        )
        fields["memo"] = StringField(lazy_gettext("職員だけのメモ（本人には見えません）"))
        self.form: Any = type("CorrectionForm", (FlaskForm,), fields)()
        self.files = [self._ask(f"file-{file.id.hex}", file, None) for file in slip.files]
        self.values = [self._ask(f"value-{value.id}", None, value) for value in values]

    def _ask(self, key: str, file: FileRow | None, value: Declared | None) -> Ask:
        form = self.form
        return Ask(file, value, form[key], form[f"{key}-reason"], form[f"{key}-detail"], self.offered)

    @property
    def wanted(self) -> list[Ask]:
        return [ask for ask in self.files + self.values if ask.wanted]

    def is_right(self) -> bool:
        """Check everything, and put each sentence at its field."""
        form = self.form
        form.validate()
        if not self.wanted:
            first = (self.files + self.values)[0]
            _blame(first.again, _("なおしてもらうものを、1つはえらんでください"))
        for ask in self.wanted:
            if ask.reason.data not in self.offered:
                _blame(ask.reason, _("理由をえらんでください"))
            if ask.reason.data == Reason.OTHER and not (ask.detail.data or "").strip():
                _blame(ask.detail, _("この理由のときは、何をなおすかを書いてください"))
            if len(ask.detail.data or "") > LONGEST_DETAIL:
                _blame(ask.detail, _("%(count)s文字までにしてください", count=LONGEST_DETAIL))
            if my_number.is_in(ask.detail.data or ""):
                _blame(ask.detail, NO_MY_NUMBER)
        if len(form.memo.data or "") > LONGEST_MEMO:
            _blame(form.memo, _("%(count)s文字までにしてください", count=LONGEST_MEMO))
        if my_number.is_in(form.memo.data or ""):
            _blame(form.memo, NO_MY_NUMBER)
        return not form.errors

    def asked(self, seen: int, attempt: UUID) -> review.AskAgain:
        """What the command needs. Only after ``is_right``."""
        return review.AskAgain(
            seen=seen,
            attempt=attempt,
            files={ask.file.id: ask.said for ask in self.files if ask.wanted and ask.file},
            values={ask.value.id: ask.said for ask in self.values if ask.wanted and ask.value},
            answer_by=self.form.answer_by.data,
            memo=(self.form.memo.data or "").strip(),
        )


def wish_by() -> date:
    with reading() as rows:
        return intake.wish_by(rows, me().office_id)


def _reason_of(name: str) -> str:
    return str(_("%(name)s：理由", name=name))


def _detail_of(name: str) -> str:
    return str(_("%(name)s：見えないところ・なおすところ", name=name))


def _blame(field: Field, sentence: str) -> None:
    field.errors = [*field.errors, sentence]


@bp.get("/review/<uuid:submission_id>/return")
@needs(*DECIDING)
def ask(submission_id: UUID) -> ResponseReturnValue:
    """The empty form; for somebody who has not taken the submission, the page to look at it."""
    it = opened_for(submission_id)
    if not it.may_decide:
        return redirect(url_for("review.show", submission_id=submission_id), 303)
    return _page(it, Asking(it.slip))


@bp.post("/review/<uuid:submission_id>/return")
@needs(*DECIDING)
def send(submission_id: UUID) -> ResponseReturnValue:
    """Look at the person's page first, or send."""
    it = opened_for(submission_id)
    asking = Asking(it.slip)
    seen, attempt = once.seen(), once.attempt()
    asked = review.AskAgain(seen=seen, attempt=attempt)  # of an old page: the command says whether it is done already
    if it.slip.revision == seen:
        if not asking.is_right():
            return _page(it, asking, seen, attempt), 422
        if request.form.get("do") == "look":
            return _page(it, asking, seen, attempt, looks=True)
        asked = asking.asked(seen, attempt)
    with transaction() as rows:
        done = review.send_back(rows, me(), submission_id, asked)
        place = after.place(rows, me())
    log("submission.moved", submission=submission_id, state=done.state)
    facts = {"member": it.slip.member, "thing": thing(it.slip.kind, it.slip.month)}
    after.say(_("%(member)s さんに、「%(thing)s」の補正をおねがいしました。", **facts), submission_id, attempt)
    return redirect(place, 303)


def _page(
    it: Opened, asking: Asking, seen: int | None = None, attempt: UUID | None = None, *, looks: bool = False
) -> str:
    facts = {"seen": it.slip.revision if seen is None else seen, "attempt": attempt, "looks": looks}
    return render_template("correction.html", it=it, slip=it.slip, asking=asking, form=asking.form, **facts)
