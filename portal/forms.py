"""Every declared form: one screen at a time, rows where there may be several, files, a last look, sent once.

What a form asks stands in ``shared.rules.forms``; nothing here knows a single question.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from config.log import log
from config.web import reading, settings, transaction
from portal.access import me, parked, recipient_required
from portal.upload import Refusal, attempt_of_form, take
from shared import clock, drafts, filled, intake, slips
from shared import typed as half
from shared.errors import AlreadySent, Incomplete
from shared.model import DutyKind, State
from shared.rules.forms import form as forms
from shared.rules.forms.form import MOST_ROWS, Answer, Answers, Ask, Form, Question, Screen
from shared.rules.help_lines import HELP_LINES
from shared.rules.months import NotAMonth, add_months, month_of

bp = Blueprint("forms", __name__, url_prefix="/forms")

# What to do, for each code of ``forms.NotAnAnswer``. A screen's own question names the rest.
SENTENCES: Final = {
    "missing": lazy_gettext("答えを書くか、えらんでください。"),
    "unknown": lazy_gettext("下からえらんでください。"),
    "too_long": lazy_gettext("長すぎるようです。短くして、もう一度押してください。"),
    "not_a_number": lazy_gettext("数字だけで書いてください。例：80000"),
    "fraction": lazy_gettext("円より下はいりません。例：80000"),
    "negative": lazy_gettext("マイナスはつけないで、数字だけで書いてください。"),
    "too_much": lazy_gettext("数字が大きすぎるようです。もう一度見てください。"),
    "not_a_day": lazy_gettext("日づけを読めませんでした。例：11月22日、令和8年11月22日"),
    "my_number": lazy_gettext("マイナンバーのような12けたの番号は、いりません。番号を消してください。"),
    "far_away": lazy_gettext("ずいぶん はなれた日づけのようです。年を見てください。"),
}


@dataclass(frozen=True)
class Asked:
    """One question on a page: what stands in it now, and what is wrong with it."""

    question: Question
    values: list[str]
    error: str | None = None

    @property
    def condition(self) -> str:
        """When it is asked, for a page that shows it always: the word of the answer that leads to it."""
        return "" if self.question.when is None else " / ".join(sorted(self.question.when.among))


@dataclass(frozen=True)
class Opened:
    """A form being filled in, as its pages need it."""

    draft: drafts.Draft
    form: Form
    answers: Answers
    members: list[tuple[str, str]]  # id and name
    before: filled.Before | None  # her last answers, where a form comes every month

    @property
    def screens(self) -> list[Screen]:
        return forms.asked(self.form, self.answers)

    def step(self, key: str) -> tuple[int, int]:
        """Which of how many."""
        keys = [screen.key for screen in self.screens] + (["files"] if self.form.files else []) + ["check"]
        return keys.index(key) + 1 if key in keys else 1, len(keys)


@bp.route("/<any({}):kind>/new".format(",".join(kind.value for kind in DutyKind)), methods=["GET", "POST"])
@recipient_required
def new(kind: str) -> ResponseReturnValue:
    """What a form is for, before it is begun; a POST begins it or goes on with it."""
    wanted = DutyKind(kind)
    form = filled.form_of(wanted)
    month = _month()
    if request.method == "GET":
        with reading() as session:
            before = filled.last_sent(session, me(), wanted)
        return render_template("forms/new.html", form=form, month=month, before=before)
    with transaction() as session:
        submission = filled.start(session, me(), wanted, month)
        if "as_before" in request.form:
            filled.as_before(session, me(), submission.id)
        first = filled.declared(session, submission).screens[0].key
    if "as_before" in request.form:
        return redirect(url_for("forms.check", submission_id=submission.id), 303)
    return redirect(url_for("forms.ask", submission_id=submission.id, screen=first), 303)


def _month() -> date:
    this = clock.today().replace(day=1)
    try:
        return month_of(request.values.get("month", ""), today=clock.today())
    except NotAMonth:
        return add_months(this, 0)


def _open(submission_id: UUID) -> Opened:
    with reading() as session:
        draft = drafts.draft_of(session, me(), submission_id)
        members = [(str(member.id), member.name) for member in filled.members_of(session, me())]
        before = filled.before(session, me(), draft.submission)
        return Opened(draft, filled.declared(session, draft.submission), draft.filled.answers, members, before)


@bp.route("/<uuid:submission_id>/<screen>", methods=["GET", "POST"], defaults={"row": None})
@bp.route("/<uuid:submission_id>/<screen>/<int:row>", methods=["GET", "POST"])
@recipient_required
def ask(submission_id: UUID, screen: str, row: int | None) -> ResponseReturnValue:
    """One screen, or one row of it. What is right is kept at once; what is not stays in the field."""
    it = _open(submission_id)
    shown = it.form.screen(screen)
    if shown is None:
        raise NotFound
    if shown.rows and row is None:
        return _rows(it, shown)
    kept = it.answers if row is None else _row(it, shown, row)
    again = parked()
    typed = request.form if request.method == "POST" else again
    if "as_before" in request.form:
        typed = _as_before(it, shown)
    asked, given = _read(shown, kept, typed, [key for key, _name in it.members])
    if typed is None:
        asked = _as_typed(asked, half.given(it.draft.filled, shown, row))
    wrong = [one for one in asked if one.error]
    if request.method == "POST":
        right = {key: answer for key, answer in given.items() if not any(one.question.key == key for one in wrong)}
        still = {one.question.key: one.values for one in (asked if row is not None else wrong)} if wrong else {}
        with transaction() as session:
            if right and (row is None or not wrong):
                filled.write(session, me(), submission_id, screen, right, row)
            half.leave(session, me(), submission_id, shown, row, still)
        if not wrong:
            return redirect(_after(it, shown, given), 303)
    facts = {"it": it, "screen": shown, "row": row, "asked": asked, "wrong": wrong, "step": it.step(screen)}
    facts["before"] = _before_in_words(it, shown)
    page = render_template("forms/question.html", back=_before(it, shown, row), **facts)
    return page, 422 if wrong and request.method == "POST" else 200


def _as_before(it: Opened, screen: Screen) -> MultiDict[str, str]:
    """「前と同じ」: the screen as if she had typed what she answered the last time."""
    last = it.before.answers if it.before else {}
    return MultiDict({question.key: forms.written(last.get(question.key)) for question in screen.questions})


def _before_in_words(it: Opened, screen: Screen) -> str:
    """What she answered the last time on a screen that has no rows; nothing where that is not all that is needed."""
    if it.before is None or screen.rows:
        return ""
    last = it.before.answers
    asked = forms.asked_on(screen, last)
    if any(question.needed and question.key not in last for question in asked):
        return ""
    names = dict(it.members)
    texts = [
        forms.text_of(question, last[question.key], names.get(str(last[question.key]), ""), translate=_)
        for question in asked
        if question.key in last
    ]
    return "、".join(texts)


def _rows(it: Opened, screen: Screen) -> ResponseReturnValue:
    """What has been filled in so far, one more, or that this is all."""
    rows: list[Answers] = it.answers.get(screen.key, [])
    if not rows:
        return redirect(url_for("forms.ask", submission_id=it.draft.submission.id, screen=screen.key, row=0), 303)
    said: dict[int, list[slips.SaidRow]] = {}
    with reading() as session:
        for one in slips.said(session, it.draft.submission, it.draft.filled):
            if one.screen == screen.key and one.row is not None:
                said.setdefault(one.row, []).append(one)
    facts = {"said": said, "full": len(rows) >= MOST_ROWS, "step": it.step(screen.key), "following": _next(it, screen)}
    return render_template("forms/rows.html", it=it, screen=screen, back=_before(it, screen, None), **facts)


def _row(it: Opened, screen: Screen, row: int) -> Answers:
    rows: list[Answers] = it.answers.get(screen.key, [])
    if not screen.rows or row > len(rows) or row >= MOST_ROWS:
        raise NotFound
    return rows[row] if row < len(rows) else {}


@bp.post("/<uuid:submission_id>/<screen>/<int:row>/remove")
@recipient_required
def remove_row(submission_id: UUID, screen: str, row: int) -> ResponseReturnValue:
    """Take one row out again."""
    with transaction() as session:
        filled.remove_row(session, me(), submission_id, screen, row)
    return redirect(url_for("forms.check", submission_id=submission_id), 303)


def _read(
    screen: Screen, kept: Answers, typed: MultiDict[str, str] | None, members: Collection[str]
) -> tuple[list[Asked], dict[str, Answer | None]]:
    """Every question of a screen with what stands in it, and the answers that could be read."""
    asked: list[Asked] = []
    given: dict[str, Answer | None] = {}
    for question in screen.questions:
        if typed is None:
            asked.append(Asked(question, forms.written(kept.get(question.key))))
            continue
        values = typed.getlist(question.key)
        applies = question.when is None or question.when.holds({**kept, **given})
        try:
            needed = question if applies else replace(question, needed=False)
            given[question.key] = forms.read(needed, values, today=clock.today(), members=members)
            asked.append(Asked(question, values))
        except forms.NotAnAnswer as wrong:
            asked.append(Asked(question, values, _sentence(question, wrong.code)))
    return asked, given


def _as_typed(asked: list[Asked], typed: dict[str, list[str]]) -> list[Asked]:
    """The questions with what was typed last and is not answered yet."""
    return [replace(one, values=typed.get(one.question.key, one.values)) for one in asked]


def _sentence(question: Question, code: str) -> str:
    if code == "missing" and question.ask in (Ask.CHOICE, Ask.MEMBER, Ask.SEVERAL):
        return str(_("1つ えらんでください。"))
    return str(SENTENCES[code])


def _after(it: Opened, screen: Screen, given: dict[str, Answer | None]) -> str:
    """Where the page leads: to help if an answer asks for it, back to the last look, or on."""
    answers = {key: answer for key, answer in {**it.answers, **given}.items() if answer is not None}
    submission_id = it.draft.submission.id
    if screen.rows:
        return url_for("forms.ask", submission_id=submission_id, screen=screen.key)
    then = request.args.get("then")
    on = _then(it) or _next(it, screen, answers)
    if any(place.question.key in given for place in forms.dangers(it.form, answers)):
        return url_for("forms.help_now", submission_id=submission_id, screen=screen.key, then=then)
    return on


def _then(it: Opened) -> str | None:
    """Where a page leads back to that was opened for one answer."""
    pages = {"check": "forms.check", "correct": "correction.show"}
    page = pages.get(request.args.get("then", ""))
    return url_for(page, submission_id=it.draft.submission.id) if page else None


def _next(it: Opened, screen: Screen, answers: Answers | None = None) -> str:
    following = forms.asked(it.form, it.answers if answers is None else answers)
    keys = [one.key for one in it.form.screens]
    later = [one.key for one in following if keys.index(one.key) > keys.index(screen.key)]
    submission_id = it.draft.submission.id
    if later:
        return url_for("forms.ask", submission_id=submission_id, screen=later[0])
    return url_for("forms.files" if it.form.files else "forms.check", submission_id=submission_id)


def _before(it: Opened, screen: Screen | None, row: int | None) -> str:
    """Where 「もどる」 leads."""
    submission_id = it.draft.submission.id
    if back := _then(it):
        return back
    if screen is not None and row is not None and it.answers.get(screen.key):
        return url_for("forms.ask", submission_id=submission_id, screen=screen.key)
    keys = [one.key for one in it.screens]
    at = keys.index(screen.key) if screen is not None and screen.key in keys else len(keys)
    return url_for("forms.ask", submission_id=submission_id, screen=keys[at - 1]) if at else url_for("home.show")


@bp.get("/<uuid:submission_id>/<screen>/help")
@recipient_required
def help_now(submission_id: UUID, screen: str) -> ResponseReturnValue:
    """Whom to call now. The answers are kept; the form goes on from here."""
    it = _open(submission_id)
    shown = it.form.screen(screen)
    if shown is None:
        raise NotFound
    on = _then(it) or _next(it, shown)
    return render_template("forms/help.html", it=it, lines=HELP_LINES, following=on)


@bp.route("/<uuid:submission_id>/files", methods=["GET", "POST"])
@recipient_required
def files(submission_id: UUID) -> ResponseReturnValue:
    """The files of a draft; a POST brings more."""
    it = _open(submission_id)
    refused: list[Refusal] = []
    if request.method == "POST":
        taken, refused = take(submission_id, attempt_of_form())
        if taken and not refused:
            return redirect(url_for("forms.files", submission_id=submission_id), 303)
        if not taken and not refused:
            refused = [Refusal("", "none_chosen")]
    with reading() as session:
        draft = drafts.draft_of(session, me(), submission_id)
        held = slips.file_rows(session, drafts.files_of(session, draft.version))
        why = drafts.absent_paper(session, draft.version)
    facts = {"files": held, "why": why, "refused": refused, "step": it.step("files"), "limits": settings()}
    return render_template("forms/files.html", it=it, back=_before(it, None, None), **facts), 422 if refused else 200


@bp.post("/<uuid:submission_id>/files/<uuid:file_id>/remove")
@recipient_required
def remove(submission_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """Take a file out again."""
    with transaction() as session:
        drafts.remove(session, me(), submission_id, file_id)
    return redirect(url_for("forms.files", submission_id=submission_id), 303)


@bp.post("/<uuid:submission_id>/files/<uuid:file_id>/move")
@recipient_required
def move(submission_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """Put a file one place further up or down."""
    with transaction() as session:
        drafts.move(session, me(), submission_id, file_id, up="up" in request.form)
    return redirect(url_for("forms.files", submission_id=submission_id), 303)


@bp.route("/<uuid:submission_id>/check", methods=["GET", "POST"])
@recipient_required
def check(submission_id: UUID) -> ResponseReturnValue:
    """Everything once more, then send. Sending twice is sending once."""
    faults: dict[str, str] = {}
    if request.method == "POST":
        try:
            with transaction() as session:
                sent = intake.send(session, me(), submission_id, attempt=attempt_of_form())
        except Incomplete as incomplete:
            faults = incomplete.faults
        else:
            log("submission.arrived", submission=sent.id, version=sent.version_no)
            return redirect(url_for("sent.show", submission_id=submission_id), 303)
    try:
        it = _open(submission_id)
    except AlreadySent:  # the back button after sending leads to what was sent
        return redirect(url_for("sent.show", submission_id=submission_id), 303)
    with reading() as session:
        slip = slips.slip(session, it.draft.submission, it.draft.version)
    lacking = [screen for screen in it.screens if screen.key in faults]  # screens that need at least one row
    facts = {"slip": slip, "faults": faults, "lacking": lacking, "step": it.step("check")}
    facts["unfinished"] = list(half.unfinished(it.form, it.draft.filled))
    returned = it.draft.submission.state is State.RETURNED
    page = render_template("forms/check.html", it=it, back=_before(it, None, None), returned=returned, **facts)
    return page, 422 if faults else 200
