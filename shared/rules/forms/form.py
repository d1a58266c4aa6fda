"""What a form is: screens of questions, declared once; the pages, the storage, the desk and the receipt all read this.

A form is data. Answers are kept as JSON under the form's ``version``: ``{"health": "bad", "visits": [{"on": …}, …]}``,
a question's key to its answer, and a screen's key to its rows where the screen may be filled in several times.
Answers are ``str`` (text, the key of an option, a day as ISO 8601, the id of a member), ``int`` (whole yen, a count)
or a list of option keys. What is not answered is not there. A key that begins with ``_`` is nobody's answer but what
the office knew when the form was begun (``KNOWN``).

The words of a form may name months: see ``worded``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from shared.model import DutyKind
from shared.rules import kana, my_number
from shared.rules.calendar_day import NotADay, day_of
from shared.rules.months import add_months
from shared.rules.wareki import japanese_date
from shared.rules.yen import MOST_YEN, NotAnAmount, count, yen

Answer = str | int | list[str]
Answers = Mapping[str, Any]

_BORDER: Final = re.compile(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])")

SHORT: Final = 100  # characters of a name or a place
LONG: Final = 1_000  # characters of what somebody tells
KNOWN: Final = {"_people": frozenset({"one", "several"})}  # of how many the household is
MOST_COUNTED: Final = 999  # days, times, people, things, where a question says no other
MOST_ROWS: Final = 30  # times one screen may be filled in


def N_(text: str) -> str:  # noqa: N802  gettext's own name for it
    """Mark a Japanese text for the catalogues. It is translated where it is shown."""
    return text


class Ask(StrEnum):
    """How a question is answered."""

    CHOICE = "choice"  # one of the options
    SEVERAL = "several"  # any of the options, also none
    TEXT = "text"  # one line
    KANA = "kana"  # one line, kept in hiragana however it is typed
    TELL = "tell"  # as much as she likes
    YEN = "yen"
    COUNT = "count"
    DAY = "day"
    MEMBER = "member"  # of the household


@dataclass(frozen=True)
class Option:
    """One answer to choose. ``danger`` is one that a caseworker must see first and that shows where help is."""

    key: str
    label: str
    picture: str = ""  # name of an icon
    danger: bool = False


@dataclass(frozen=True)
class When:
    """Asked only if another question has one of these answers."""

    question: str
    among: frozenset[str]

    def holds(self, answers: Answers) -> bool:
        given = answers.get(self.question)
        return bool(self.among & set(given)) if isinstance(given, list) else given in self.among

    def parts(self) -> tuple[When, ...]:
        return (self,)

    def __or__(self, other: When) -> Conditions:
        return Conditions((self, other), any)

    def __and__(self, other: When) -> Conditions:
        return Conditions((self, other), all)


@dataclass(frozen=True)
class Conditions:
    """Asked if ``any`` or ``all`` of several conditions hold."""

    several: tuple[When, ...]
    how: Callable[[Iterator[bool]], bool]

    def holds(self, answers: Answers) -> bool:
        return self.how(one.holds(answers) for one in self.several)

    def parts(self) -> tuple[When, ...]:
        return self.several


def when(question: str, *among: str) -> When:
    """Asked only if ``question`` has one of these answers."""
    return When(question, frozenset(among))


@dataclass(frozen=True)
class Question:
    """One thing that is asked."""

    key: str
    ask: Ask
    label: str  # as the person reads it: a question
    short: str  # as the desk and the paper name it
    hint: str = ""
    options: tuple[Option, ...] = ()
    needed: bool = True
    when: When | None = None
    unit: str = ""
    most: int = 0  # of a count; 0: ``MOST_COUNTED``
    fresh: bool = False  # never begun with the last answer: it is new each month
    was: str = ""  # the question that the report of the month before had for the same thing
    drawing: str = ""  # where on a paper the answer stands
    grown: bool = False  # of members who are no longer at school (compulsory education)
    about: str = ""  # another month than the form's, as ``worded`` marks it; ``name`` puts it before ``short``

    def option(self, key: str) -> Option | None:
        return next((option for option in self.options if option.key == key), None)


@dataclass(frozen=True)
class People:
    """A household as a form asks about it: ids, as text, and names, its head first."""

    everybody: Mapping[str, str]
    grown: Mapping[str, str]  # without those who are still at school, or have left

    def of(self, question: Question) -> Mapping[str, str]:
        """Who can be the answer."""
        return self.grown if question.grown else self.everybody

    def only(self, question: Question) -> str | None:
        """The one who must be: then nobody asks whose it is."""
        ids = [*self.of(question)]
        return ids[0] if question.ask is Ask.MEMBER and len(ids) == 1 else None


@dataclass(frozen=True)
class Page:
    """Questions of a row that are asked at once; the next page of the row follows."""

    key: str
    questions: tuple[Question, ...]
    heading: str = ""
    by_office: bool = False  # only where the office has said so


@dataclass(frozen=True)
class Screen:
    """What is asked at once. With ``rows`` it may be filled in several times: one employer, one visit, one account.

    A row that asks much has ``pages``; ``questions`` are then those of all of them.
    """

    key: str
    questions: tuple[Question, ...] = ()
    heading: str = ""  # "": the only question is the heading
    rows: str = ""  # what one of them is called; "": filled in once
    when: When | Conditions | None = None
    pages: tuple[Page, ...] = ()
    fresh: bool = False  # nothing of it is begun with the last answers
    none: str = ""  # words of a button that answers every question of it with "no"
    aside: bool = False  # not on the way: written from the last look, shown where something is written

    def __post_init__(self) -> None:
        if self.pages:
            questions = tuple(question for page in self.pages for question in page.questions)
            object.__setattr__(self, "questions", questions)

    def page(self, key: str) -> Page | None:
        return next((page for page in self.pages if page.key == key), None)

    def page_of(self, question: str) -> str | None:
        """The key of the page that asks a question; None on a screen without pages."""
        return next((page.key for page in self.pages if any(one.key == question for one in page.questions)), None)


@dataclass(frozen=True)
class Shot:
    """One photo that the page asks for by itself, so that staff know what they see."""

    key: str
    label: str  # what to take, as the person reads it
    short: str  # as the desk names it
    hint: str
    picture: str  # name of an icon


WHOLE: Final = Shot(
    "whole", N_("へや ぜんたい"), N_("全体"), N_("入口に立って、まわりも入るように とります。"), "shot-whole"
)
DETAIL: Final = Shot(
    "detail",
    N_("見てほしい所を 近くから"),
    N_("近くから"),
    N_("手をのばしたくらいまで 近づいて とります。"),
    "shot-detail",
)
SHOTS: Final = {shot.key: shot for shot in (WHOLE, DETAIL)}


@dataclass(frozen=True)
class Form:
    """A paper form as the phone asks it. Source of its fields: the docstring of its file."""

    kind: DutyKind
    version: int  # counted up when a question changes its meaning; old answers keep the old number
    name: str
    lead: str  # what it is for and how long it takes, before it is begun
    screens: tuple[Screen, ...]
    files: str = ""  # what photos are wanted, as a heading; "": none
    files_needed: bool = False
    without_files: str = ""  # words of the way on without any
    papers: bool = True  # its files are papers: 「書類がないとき」 is offered
    shots: tuple[Shot, ...] = ()  # photos that are asked for one by one, each with its own picker
    monthly: bool = False  # about a month, which stands in its name
    months_back: bool = False  # she may say which month; otherwise it is this one
    note: str = ""  # what must be understood before it is sent
    keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        keys = [question.key for screen in self.screens if not screen.rows for question in screen.questions]
        keys += [screen.key for screen in self.screens if screen.rows]
        if len(keys) != len(set(keys)):
            raise ValueError(f"{self.kind}: a key stands twice")
        object.__setattr__(self, "keys", frozenset(keys))

    def as_asked(self, left_out: Collection[str] = (), wanted: Collection[str] = ()) -> Form:
        """The form as an office asks it: without some screens and pages, with those it must ask for.

        :param left_out, wanted: keys of screens; of pages as ``jobs.estimate``.
        """
        screens = []
        for screen in self.screens:
            if screen.key in left_out:
                continue
            asked = tuple(
                page for page in screen.pages if _is_asked(f"{screen.key}.{page.key}", page, left_out, wanted)
            )
            screens.append(screen if asked == screen.pages else replace(screen, pages=asked))
        return replace(self, screens=tuple(screens))

    @property
    def known(self) -> set[str]:
        """Which keys of ``KNOWN`` it asks by."""
        parts = (part for screen in self.screens if screen.when for part in screen.when.parts())
        return {part.question for part in parts} & KNOWN.keys()

    def screen(self, key: str) -> Screen | None:
        return next((screen for screen in self.screens if screen.key == key), None)


def _is_asked(key: str, page: Page, left_out: Collection[str], wanted: Collection[str]) -> bool:
    return key not in left_out and (not page.by_office or key in wanted)


@dataclass(frozen=True)
class Place:
    """Where an answer stands: its screen, the row of it (None for a screen without rows), its question."""

    screen: Screen
    row: int | None
    question: Question

    @property
    def id(self) -> str:
        """``visits-1-where``; ``health``."""
        return self.question.key if self.row is None else f"{self.screen.key}-{self.row}-{self.question.key}"


class NotAnAnswer(ValueError):
    """``code`` says why: missing, unknown, too_long, my_number, and those of ``NotAnAmount`` and ``NotADay``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read(question: Question, typed: Sequence[str], *, today: date, members: Collection[str] = ()) -> Answer | None:
    """The answer that was typed or tapped; None for an empty one that is not needed.

    :param typed: every value that came under the question's name.
    :param members: ids of the household's members, as text.
    :raises NotAnAnswer: with a code that the page turns into a sentence.
    """
    texts = [_plain(text) for text in typed]
    texts = [" ".join(text.split()) if question.ask is not Ask.TELL else text.strip() for text in texts]
    texts = [text for text in texts if text]
    if question.ask is Ask.SEVERAL:
        if any(question.option(text) is None for text in texts):
            raise NotAnAnswer("unknown")
        if question.needed and not texts:
            raise NotAnAnswer("missing")
        return [option.key for option in question.options if option.key in texts]
    if not texts:
        if question.needed:
            raise NotAnAnswer("missing")
        return None
    return _read_one(question, texts[-1], today, members)


def _plain(text: str) -> str:
    """A text without the signs that nobody types."""
    return "".join(sign for sign in text if sign in "\n\r\t" or unicodedata.category(sign) not in ("Cc", "Cs"))


def _read_one(question: Question, text: str, today: date, members: Collection[str]) -> Answer:
    try:
        match question.ask:
            case Ask.CHOICE:
                if question.option(text) is None:
                    raise NotAnAnswer("unknown")
            case Ask.MEMBER:
                if text not in members:
                    raise NotAnAnswer("unknown")
            case Ask.YEN:
                return yen(text)
            case Ask.COUNT:
                return count(text, question.most or MOST_COUNTED)
            case Ask.KANA:
                return _within(SHORT, kana.hiragana(text))
            case Ask.DAY:
                return day_of(text, today=today).isoformat()
            case _:
                return _within(LONG if question.ask is Ask.TELL else SHORT, text)
    except (NotAnAmount, NotADay) as wrong:
        raise NotAnAnswer(wrong.code) from wrong
    return text


def fits(question: Question, answer: Answer, members: Collection[str]) -> bool:
    """Whether an answer is of the kind that ``read`` gives for a question: what is kept is typed.

    :param members: ids of the household's members, as text.
    """
    match question.ask:
        case Ask.CHOICE:
            return isinstance(answer, str) and question.option(answer) is not None
        case Ask.SEVERAL:
            return isinstance(answer, list) and all(question.option(key) is not None for key in answer)
        case Ask.YEN:
            return type(answer) is int and 0 <= answer <= MOST_YEN
        case Ask.COUNT:
            return type(answer) is int and 0 <= answer <= (question.most or MOST_COUNTED)
        case Ask.DAY:
            return isinstance(answer, str) and date.fromisoformat(answer).isoformat() == answer
        case Ask.MEMBER:
            return answer in members
        case _:
            return isinstance(answer, str) and 0 < len(answer) <= (LONG if question.ask is Ask.TELL else SHORT)


def _within(longest: int, text: str) -> str:
    if len(text) > longest:
        raise NotAnAnswer("too_long")
    if my_number.is_in(text):
        raise NotAnAnswer("my_number")
    return text


def written(answer: Answer | None) -> list[str]:
    """An answer as it stands in its field."""
    if answer is None:
        return []
    return answer if isinstance(answer, list) else [str(answer)]


def text_of(
    question: Question, answer: Answer | None, member: str = "", *, translate: Callable[[str], str] = str
) -> str:
    """An answer as people read it.

    :param member: the name, where the answer is a member of the household.
    :param translate: for the words of the form; without it they stay Japanese.
    """
    match question.ask, answer:
        case _, None:
            return "—"
        case Ask.CHOICE, str():
            option = question.option(answer)
            return _without_borders(translate(option.label)) if option else answer
        case Ask.SEVERAL, list():
            labels = [_without_borders(translate(option.label)) for option in question.options if option.key in answer]
            return "、".join(labels) or "—"
        case Ask.YEN, _:
            return f"{answer:,}円"
        case Ask.COUNT, _:
            return f"{answer}{translate(question.unit) if question.unit else ''}"
        case Ask.DAY, str():
            return japanese_date(date.fromisoformat(answer))
        case Ask.MEMBER, _:
            return member
    return str(answer)


def worded(text: str, month: date) -> str:
    """A text of a form with its months: ``{month}`` is the one it is about, ``{before1}`` the one before,
    ``{next}`` the one after.
    """
    for mark, ahead in (("{month}", 0), ("{before1}", -1), ("{before2}", -2), ("{next}", 1)):
        if mark in text:
            text = text.replace(mark, f"{add_months(month, ahead).month}月")
    return text


def name(question: Question, month: date, *, translate: Callable[[str], str] = str) -> str:
    """What an answer is called on the desk and on paper: 給料（引かれる前）, 9月の給料（引かれる前）."""
    short = worded(translate(question.short), month)
    return f"{worded(question.about, month)}の{short}" if question.about else short


def _without_borders(label: str) -> str:
    """A label in a line of text: the spaces between its phrases are for headings and buttons."""
    return _BORDER.sub("", label)


def asked(form: Form, answers: Answers) -> list[Screen]:
    """The screens these answers lead through, in order; of those aside only what is written."""
    return [screen for screen in form.screens if _leads_through(screen, answers)]


def _leads_through(screen: Screen, answers: Answers) -> bool:
    if screen.aside:
        return any(question.key in answers for question in screen.questions)
    return screen.when is None or screen.when.holds(answers)


def asked_pages(screen: Screen, given: Answers, people: People) -> list[Page]:
    """The pages a row leads through.

    :param given: the row's answers.
    """
    return [page for page in screen.pages if asked_of(page.questions, given, people)]


def asked_of(questions: Sequence[Question], given: Answers, people: People) -> list[Question]:
    """The questions of a page that apply; those with a condition of their own page stand there in any case."""
    here = {question.key for question in questions}
    return [
        question
        for question in questions
        if people.only(question) is None
        and (question.when is None or question.when.question in here or question.when.holds(given))
    ]


def asked_on(screen: Screen, answers: Answers) -> list[Question]:
    """The questions of a screen that apply. ``answers`` are the row's own on a screen with rows."""
    return [question for question in screen.questions if question.when is None or question.when.holds(answers)]


def places(form: Form, answers: Answers) -> Iterator[tuple[Place, Answer | None]]:
    """Every question these answers lead to, with its answer, in order."""
    for screen in asked(form, answers):
        filled: list[tuple[int | None, Answers]] = [(None, answers)]
        if screen.rows:
            filled = list(enumerate(answers.get(screen.key, ())))
        for row, given in filled:
            for question in asked_on(screen, given):
                yield Place(screen, row, question), given.get(question.key)


def gaps(form: Form, answers: Answers) -> dict[str, str]:
    """Ids of places that still need an answer, and of screens that need a row, each with the code ``missing``."""
    found = {place.id: "missing" for place, answer in places(form, answers) if place.question.needed and answer is None}
    found |= {screen.key: "missing" for screen in asked(form, answers) if screen.rows and not answers.get(screen.key)}
    return found


def settled(form: Form, answers: Answers) -> dict[str, Any]:
    """The answers without those to questions that no longer apply: what is sent is what was shown."""
    kept: dict[str, Any] = {key: answer for key, answer in answers.items() if key in KNOWN}
    for place, answer in places(form, answers):
        if answer is None:
            continue
        if place.row is None:
            kept[place.question.key] = answer
        else:
            rows = kept.setdefault(place.screen.key, [])
            rows.extend({} for _ in range(place.row + 1 - len(rows)))
            rows[place.row][place.question.key] = answer
    return kept


def begun_with(form: Form, before: Answers, *, follows: bool = False) -> dict[str, Any]:
    """The last answers to begin with: without what is new each time.

    :param follows: they are about the month before: what they say of other months is said already.
    """
    kept: dict[str, Any] = {}
    for screen in form.screens:
        stale = {question.key for question in screen.questions if question.fresh or screen.fresh}
        if screen.rows:
            said = {question.was: question.key for question in screen.questions if question.was and follows}
            rows = [
                {key: answer for key, answer in row.items() if key not in stale}
                | {said[key]: answer for key, answer in row.items() if key in said}
                for row in before.get(screen.key, ())
            ]
            if rows and not screen.fresh:
                kept[screen.key] = rows
        else:
            keys = [question.key for question in screen.questions if question.key not in stale]
            kept |= {key: before[key] for key in keys if key in before}
    return kept


def row_before(screen: Screen, row: Answers, before: Answers) -> Answers:
    """The row of the last time that says the same but for what is new each time; empty if there is none."""
    steady = {question.key for question in screen.questions if not question.fresh and question.needed}
    for one in before.get(screen.key, ()):
        if all(one.get(key) == row.get(key) for key in steady):
            found: Answers = one
            return found
    return {}


def still_offered(form: Form, answers: Answers) -> dict[str, Any]:
    """Answers of another day, without those that the form does not ask for or offer any more."""
    offered: dict[str, Any] = {}
    for place, answer in places(form, answers):
        keys = {option.key for option in place.question.options}
        given = answer if isinstance(answer, list) else [answer]
        if answer is None or (place.question.ask in (Ask.CHOICE, Ask.SEVERAL) and not keys.issuperset(given)):
            continue
        if place.row is None:
            offered[place.question.key] = answer
        else:
            offered[place.screen.key] = answers[place.screen.key]
    return offered


def dangers(form: Form, answers: Answers) -> list[Place]:
    """The questions whose answer a caseworker must see first."""
    found = []
    for place, answer in places(form, answers):
        keys = answer if isinstance(answer, list) else [answer]
        if any(option.danger for option in place.question.options if option.key in keys):
            found.append(place)
    return found
