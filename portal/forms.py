"""Every declared form: one screen at a time, rows where there may be several, files, a last look, sent once.

What a form asks stands in ``shared.rules.forms``; nothing here knows a single question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
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
from shared import clock, drafts, filled, intake, remarks, slips
from shared import typed as half
from shared.errors import AlreadySent, Incomplete
from shared.model import DutyKind, State
from shared.rules.forms import FORMS
from shared.rules.forms import form as forms
from shared.rules.forms.form import (
    LONG,
    MOST_COUNTED,
    MOST_ROWS,
    SHORT,
    Answer,
    Answers,
    Ask,
    Form,
    Page,
    People,
    Place,
    Question,
    Screen,
)
from shared.rules.help_lines import HELP_LINES
from shared.rules.months import NotAMonth, month_of, months_to_offer

bp = Blueprint("forms", __name__, url_prefix="/forms")

# What to do, for each code of ``forms.NotAnAnswer``. Amounts and counts have their own words for some.
SENTENCES: Final = {
    "missing": lazy_gettext("答えを書くか、えらんでください。"),
    "unknown": lazy_gettext("下からえらんでください。"),
    "too_long": lazy_gettext("%(most)s文字までで書いてください。"),
    "not_a_number": lazy_gettext("「%(typed)s」と書いてあります。数字だけで書いてください。例：80000"),
    "fraction": lazy_gettext("「%(typed)s」と書いてあります。円より下はいりません。例：80000"),
    "negative": lazy_gettext("マイナスはつけないで、数字だけで書いてください。例：80000"),
    "too_much": lazy_gettext("数字が多すぎるようです。もう一度見てください。"),
    "not_a_day": lazy_gettext("日づけを読めませんでした。「11月22日」や「令和8年11月22日」のように書いてください。"),
    "my_number": lazy_gettext("マイナンバーのような12けたの番号は、いりません。番号を消してください。"),
    "far_away": lazy_gettext("ずいぶん はなれた日づけのようです。年を見て、書きなおしてください。"),
}
_OF_YEN: Final = {"missing": lazy_gettext("金額を書いてください。ないときは「0」と書いてください。")}
_OF_COUNT: Final = {
    "missing": lazy_gettext("数を書いてください。なかったときは「0」と書いてください。"),
    "not_a_number": lazy_gettext("「%(typed)s」と書いてあります。数字だけで書いてください。例：18"),
    "negative": lazy_gettext("マイナスはつけないで、数字だけで書いてください。例：18"),
    "too_much": lazy_gettext("%(most)sまでです。もう一度見てください。"),
}
_OF_TEXT: Final = {"missing": lazy_gettext("書いてください。わかるところだけで だいじょうぶです。")}
_OF_CHOICE: Final = {"missing": lazy_gettext("1つ えらんでください。")}
_NO_MONTH: Final = {
    "missing": lazy_gettext("何月分かをえらんでください。"),
    "not_a_month": lazy_gettext("何月分かをえらんでください。"),
    "future": lazy_gettext("まだ来ていない月です。終わった月か、今月をえらんでください。"),
    "too_old": lazy_gettext("1年より前の月は、電話で相談してください。"),
}
_FILL: Final = "fill"  # 「then」 of a form begun with the last answers: what is new this time, one after the other


@dataclass(frozen=True)
class Asked:
    """One question on a page: what stands in it now, and what is wrong with it."""

    question: Question
    values: list[str]
    error: str | None = None

    here: bool = False  # the question that leads to it is on the same page

    @property
    def when(self) -> str:
        """What leads to it, for ``when.js``: the question, and the answers that do."""
        condition = self.question.when
        return f"{condition.question}={' '.join(sorted(condition.among))}" if self.here and condition else ""


@dataclass(frozen=True)
class Opened:
    """A form being filled in, as its pages need it."""

    draft: drafts.Draft
    form: Form
    answers: Answers
    people: People
    before: filled.Before | None  # her last answers, where a form is about a month

    @property
    def month(self) -> date:
        return self.draft.submission.month

    @property
    def screens(self) -> list[Screen]:
        return forms.asked(self.form, self.answers)

    def row(self, screen: Screen, row: int | None) -> Answers:
        """The answers of a row, or of the whole form for a screen without rows.

        :raises NotFound: for a row that there can not be.
        """
        if row is None:
            return self.answers
        rows: list[Answers] = self.answers.get(screen.key, [])
        if not screen.rows or row > len(rows) or row >= MOST_ROWS:
            raise NotFound
        return rows[row] if row < len(rows) else {}

    def pages(self, screen: Screen, row: int | None) -> list[Page]:
        """The pages of a row, in order; none of a screen that has no pages."""
        return forms.asked_pages(screen, self.row(screen, row), self.people)

    def step(self, key: str, page: str | None = None) -> tuple[int, int]:
        """Which of how many. Pages count once, however many rows there are."""
        keys: list[tuple[str, str | None]] = []
        for screen in self.screens:
            row = 0 if screen.pages else None
            keys += [(screen.key, one.key) for one in self.pages(screen, row)] or [(screen.key, None)]
        keys += [("files", None)] * bool(self.form.files) + [("check", None)]
        here = (key, page) if (key, page) in keys else next((one for one in reversed(keys) if one[0] == key), keys[0])
        return keys.index(here) + 1, len(keys)


@bp.route("/<any({}):kind>/new".format(",".join(kind.value for kind in DutyKind)), methods=["GET", "POST"])
@recipient_required
def new(kind: str) -> ResponseReturnValue:
    """What a form is for, before it is begun; a POST begins it or goes on with it.

    A month for which it was sent already is shown first; another one for it is one tap further.
    """
    wanted = DutyKind(kind)
    form = filled.form_of(wanted)
    try:
        month = month_of(request.values.get("month", ""), today=clock.today())
    except NotAMonth as wrong:
        if form.months_back:
            return _ask_month(form, wrong.code)
        month = clock.today().replace(day=1)
    with reading() as session:
        before = filled.earlier(session, me(), form, month)
        sent = slips.sent_for(session, me(), wanted, month) if form.months_back else []
    if sent and not request.values.get("another"):  # "did I already send it?" is how things come twice
        return render_template("forms/already.html", form=form, month=month, sent=sent)
    if request.method == "GET":
        return render_template("forms/new.html", form=form, month=month, before=before)
    with transaction() as session:
        submission = filled.start(session, me(), wanted, month)
        if "as_before" in request.form:
            filled.as_before(session, me(), submission.id)
        first = filled.declared(session, submission).screens[0].key
    if "as_before" in request.form:
        return redirect(_gap(_open(submission.id)), 303)
    return redirect(url_for("forms.ask", submission_id=submission.id, screen=first), 303)


def _ask_month(form: Form, code: str) -> ResponseReturnValue:
    asked = "month" in request.args or request.method == "POST"
    sentence = _NO_MONTH[code] if asked else ""
    months = months_to_offer(clock.today())
    return render_template("forms/month.html", form=form, months=months, sentence=sentence), 422 if asked else 200


def _open(submission_id: UUID, *, reminds: bool = False) -> Opened:
    """``reminds``: with the answers of before, for a page that shows them."""
    with reading() as session:
        draft = drafts.draft_of(session, me(), submission_id)
        people = filled.people_of(session, draft.submission)
        form, month = filled.declared(session, draft.submission), draft.submission.month
        before = (
            filled.earlier(session, me(), form, month, other_than=submission_id) if reminds and form.monthly else None
        )
        same = before is not None and before.form_version == form.version
        return Opened(draft, form, draft.filled.answers, people, before if same else None)


_ONE: Final = {"row": None, "page": None}
_PAGES: Final = sorted({page.key for form in FORMS.values() for screen in form.screens for page in screen.pages})


@bp.route("/<uuid:submission_id>/<screen>", methods=["GET", "POST"], defaults=_ONE)
@bp.route("/<uuid:submission_id>/<screen>/<int:row>", methods=["GET", "POST"], defaults={"page": None})
@bp.route("/<uuid:submission_id>/<screen>/<int:row>/<any({}):page>".format(",".join(_PAGES)), methods=["GET", "POST"])
@recipient_required
def ask(submission_id: UUID, screen: str, row: int | None, page: str | None) -> ResponseReturnValue:
    """One screen, or one page of a row. What is right is kept at once; what is not stays in the field."""
    it = _open(submission_id, reminds=True)
    shown = it.form.screen(screen)
    if shown is None:
        raise NotFound
    if shown.rows and row is None:
        return _rows(it, shown)
    kept = it.row(shown, row)
    here = _page(it, shown, row, page)
    questions = forms.asked_of(here.questions if here else shown.questions, kept, it.people)
    last = _last(it, shown, row)
    again = parked()
    typed = _typed(questions, last) if request.method == "POST" else again
    asked, given = _read(it, questions, kept, typed)
    places = [Place(shown, row, question) for question in questions]
    if typed is None:
        asked = _as_typed(asked, half.given(it.draft.filled, places))
    wrong = [one for one in asked if one.error]
    if request.method == "POST":
        begins = row is not None and not kept  # a row begins with a whole page
        right = {key: answer for key, answer in given.items() if not any(one.question.key == key for one in wrong)}
        still = {one.question.key: one.values for one in (asked if begins else wrong)} if wrong else {}
        with transaction() as session:
            if not wrong or (right and not begins):
                filled.write(session, me(), submission_id, screen, right, row)
                kept = {**kept, **right}
            half.leave(session, me(), submission_id, places, still)
        if not wrong:
            return redirect(_after(it, shown, row, here, given), 303)
    facts = {"it": it, "screen": shown, "row": row, "here": here, "asked": asked, "wrong": wrong}
    facts["knew"] = half.seen(shown, kept)
    facts |= {"step": it.step(screen, here.key if here else None), "back": _back(it, shown, row, here)}
    facts |= {"whose": _whose(it, shown, kept, here), "before": _in_words(it, questions, last)}
    return render_template("forms/question.html", **facts), 422 if wrong and request.method == "POST" else 200


def _page(it: Opened, screen: Screen, row: int | None, page: str | None) -> Page | None:
    """The page asked for; the first one where none is."""
    pages = it.pages(screen, row)
    if page is None:
        return pages[0] if pages else None
    found = next((one for one in pages if one.key == page), None)
    if found is None:
        raise NotFound
    return found


def _whose(it: Opened, screen: Screen, row: Answers, here: Page | None) -> str:
    """What the pages before this one have said of the row: 見本　花子　株式会社みほん清掃."""
    said = []
    for page in screen.pages[: screen.pages.index(here)] if here else ():
        for question in page.questions:
            answer = row.get(question.key)
            if answer is not None and question.needed and not question.fresh:
                said.append(forms.text_of(question, answer, it.people.everybody.get(str(answer), ""), translate=_))
    return "　".join(said)


def _last(it: Opened, screen: Screen, row: int | None) -> Answers:
    """What she answered here the last time, to be reminded of: it is never filled in by itself.

    Of a row only what is new each time, and only if it is about the same: another employer's wages say nothing.
    """
    if it.before is None:
        return {}
    if row is None:
        return it.before.answers
    stale = {question.key for question in screen.questions if question.fresh}
    found = forms.row_before(screen, it.row(screen, row), it.before.answers)
    return {key: answer for key, answer in found.items() if key in stale}


def _typed(questions: Sequence[Question], last: Answers) -> MultiDict[str, str]:
    """What was typed and tapped; with 「どれもありません」 and 「前と同じ」 taken at their word."""
    typed = request.form.copy()
    for question in questions:
        if "none" in request.form:
            typed.setlist(question.key, ["no"])
        elif "as_before" in request.form and (question.options or not typed.get(question.key, "").strip()):
            typed.setlist(question.key, forms.written(last.get(question.key)))
    return typed


def _in_words(it: Opened, questions: Sequence[Question], last: Answers) -> str:
    """What she answered here the last time; nothing where that is not all that is needed."""
    asked = [question for question in questions if question.when is None or question.when.holds(last)]
    said = [question for question in asked if question.key in last]
    if any(question.needed and question not in said for question in asked):
        return ""
    if all(last.get(question.key) == "no" for question in questions) and len(questions) > 1:
        return ""  # the button for none of them says the same
    names = it.people.everybody
    texts = [
        forms.text_of(question, last[question.key], names.get(str(last[question.key]), ""), translate=_)
        for question in said
        if last[question.key] != []
    ]
    return "、".join(texts)


def _rows(it: Opened, screen: Screen) -> ResponseReturnValue:
    """What has been filled in so far, one more, or that this is all."""
    rows: list[Answers] = it.answers.get(screen.key, [])
    if not rows:
        page = next((one.key for one in it.pages(screen, 0)), None)
        place: dict[str, Any] = {"screen": screen.key, "row": 0, "page": page, "then": request.args.get("then")}
        return redirect(url_for("forms.ask", submission_id=it.draft.submission.id, **place), 303)
    said: dict[int, list[slips.SaidRow]] = {}
    with reading() as session:
        for one in slips.said(session, it.draft.submission, it.draft.filled):
            if one.screen == screen.key and one.row is not None:
                said.setdefault(one.row, []).append(one)
    facts = {"said": said, "full": len(rows) >= MOST_ROWS, "step": it.step(screen.key), "following": _next(it, screen)}
    return render_template("forms/rows.html", it=it, screen=screen, back=_back(it, screen, None, None), **facts)


@bp.post("/<uuid:submission_id>/<screen>/<int:row>/remove")
@recipient_required
def remove_row(submission_id: UUID, screen: str, row: int) -> ResponseReturnValue:
    """Take one row out again."""
    with transaction() as session:
        of = request.form.get("of", type=int, default=0)
        filled.remove_row(session, me(), submission_id, screen, row, of=of)
    return redirect(url_for("forms.check", submission_id=submission_id), 303)


def _read(
    it: Opened,
    questions: Sequence[Question],
    kept: Answers,
    typed: MultiDict[str, str] | None,
) -> tuple[list[Asked], dict[str, Answer | None]]:
    """Every question of a page with what stands in it, and the answers that could be read."""
    asked: list[Asked] = []
    given: dict[str, Answer | None] = {}
    keys = {question.key for question in questions}
    for question in questions:
        if typed is None:
            asked.append(Asked(question, forms.written(kept.get(question.key))))
            continue
        values = typed.getlist(question.key)
        applies = question.when is None or question.when.holds({**kept, **given})
        try:
            needed = question if applies else replace(question, needed=False)
            given[question.key] = forms.read(needed, values, today=clock.today(), members=it.people.of(question))
            asked.append(Asked(question, values))
        except forms.NotAnAnswer as wrong:
            asked.append(Asked(question, values, _sentence(question, wrong.code, values)))
    return [replace(one, here=bool(one.question.when and one.question.when.question in keys)) for one in asked], given


def _as_typed(asked: list[Asked], typed: dict[str, list[str]]) -> list[Asked]:
    """The questions with what was typed last and is not answered yet."""
    return [replace(one, values=typed.get(one.question.key, one.values)) for one in asked]


def _sentence(question: Question, code: str, typed: Sequence[str]) -> str:
    own = {
        Ask.TEXT: _OF_TEXT,
        Ask.TELL: _OF_TEXT,
        Ask.YEN: _OF_YEN,
        Ask.COUNT: _OF_COUNT,
        Ask.CHOICE: _OF_CHOICE,
        Ask.MEMBER: _OF_CHOICE,
        Ask.SEVERAL: _OF_CHOICE,
    }.get(question.ask, {})
    counted = f"{question.most or MOST_COUNTED}{_(question.unit) if question.unit else ''}"
    most = {Ask.TEXT: SHORT, Ask.TELL: LONG}.get(question.ask, counted)
    facts = {"typed": (typed[-1] if typed else "")[:30], "most": most}
    return str(own.get(code, SENTENCES[code])) % facts


def _after(it: Opened, screen: Screen, row: int | None, page: Page | None, given: dict[str, Answer | None]) -> str:
    """Where the page leads: to help if an answer asks for it, back to the last look, or on."""
    now = _open(it.draft.submission.id)
    then = request.args.get("then")
    if screen.rows:
        on = _then(now) or _next_page(now, screen, row, page) or _rows_url(now, screen)
    else:
        on = _then(now) or _next(now, screen)
    if not screen.rows and any(place.question.key in given for place in forms.dangers(now.form, now.answers)):
        return url_for("forms.help_now", submission_id=now.draft.submission.id, screen=screen.key, then=then)
    return on


def _rows_url(it: Opened, screen: Screen) -> str:
    return url_for("forms.ask", submission_id=it.draft.submission.id, screen=screen.key)


def _next_page(it: Opened, screen: Screen, row: int | None, page: Page | None) -> str | None:
    """The next page of the row, if there is one."""
    keys = [one.key for one in screen.pages]
    later = [one.key for one in it.pages(screen, row) if page and keys.index(one.key) > keys.index(page.key)]
    if not later:
        return None
    return url_for("forms.ask", submission_id=it.draft.submission.id, screen=screen.key, row=row, page=later[0])


def _then(it: Opened) -> str | None:
    """Where a page leads back to that was opened for one answer."""
    then = request.args.get("then", "")
    if then == _FILL:
        return _gap(it)
    pages = {"check": "forms.check", "correct": "correction.show"}
    page = pages.get(then)
    return url_for(page, submission_id=it.draft.submission.id) if page else None


def _gap(it: Opened) -> str:
    """The first page that still needs an answer; then the files, or the last look."""
    submission_id = it.draft.submission.id
    gaps = forms.gaps(it.form, it.answers)
    for screen in it.screens:
        if screen.key in gaps:
            return url_for("forms.ask", submission_id=submission_id, screen=screen.key, row=0, then=_FILL)
        for place, _answer in forms.places(it.form, it.answers):
            if place.screen == screen and place.id in gaps:
                at: dict[str, Any] = {"row": place.row, "page": screen.page_of(place.question.key)}
                return url_for("forms.ask", submission_id=submission_id, screen=screen.key, then=_FILL, **at)
    return url_for("forms.files" if it.form.without_files else "forms.check", submission_id=submission_id)


def _next(it: Opened, screen: Screen) -> str:
    keys = [one.key for one in it.form.screens]
    later = [one.key for one in it.screens if not one.aside and keys.index(one.key) > keys.index(screen.key)]
    submission_id = it.draft.submission.id
    if later:
        return url_for("forms.ask", submission_id=submission_id, screen=later[0])
    return url_for("forms.files" if it.form.files else "forms.check", submission_id=submission_id)


def _back(it: Opened, screen: Screen | None, row: int | None, page: Page | None) -> str:
    """Where 「もどる」 leads."""
    submission_id = it.draft.submission.id
    if request.args.get("then") != _FILL and (back := _then(it)):
        return back
    if screen is not None and page is not None:
        pages = [one.key for one in it.pages(screen, row)]
        if at := pages.index(page.key):
            return url_for("forms.ask", submission_id=submission_id, screen=screen.key, row=row, page=pages[at - 1])
    if screen is not None and row is not None and it.answers.get(screen.key):
        return url_for("forms.ask", submission_id=submission_id, screen=screen.key)
    keys = [one.key for one in it.screens if not one.aside]
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
    return render_template(
        "forms/files.html", it=it, back=_back(it, None, None, None), **facts
    ), 422 if refused else 200


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
        seen = remarks.of(session, it.draft.submission, it.draft.version)
    lacking = [screen for screen in it.screens if screen.key in faults]  # screens that need at least one row
    places = {one.id: one for one in slip.said}
    facts = {"slip": slip, "faults": faults, "lacking": lacking, "step": it.step("check")}
    facts |= {"remarks": [(one, places.get(one.place)) for one in seen], "explains": it.form.screen("explained")}
    facts["unfinished"] = list(half.unfinished(it.form, it.draft.filled))
    returned = it.draft.submission.state is State.RETURNED
    page = render_template("forms/check.html", it=it, back=_back(it, None, None, None), returned=returned, **facts)
    return page, 422 if faults else 200
