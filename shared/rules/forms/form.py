"""What a form is: screens of questions, declared once; the pages, the storage, the desk and the receipt all read this.

A form is data. Answers are kept as JSON under the form's ``version``: ``{"health": "bad", "visits": [{"on": …}, …]}``,
a question's key to its answer, and a screen's key to its rows where the screen may be filled in several times.
Answers are ``str`` (text, the key of an option, a day as ISO 8601, the id of a member), ``int`` (whole yen, a count)
or a list of option keys. What is not answered is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from shared.model import DutyKind
from shared.rules import kana, my_number
from shared.rules.calendar_day import NotADay, day_of
from shared.rules.wareki import japanese_date
from shared.rules.yen import NotAnAmount, count, yen

Answer = str | int | list[str]
Answers = Mapping[str, Any]

_BORDER: Final = re.compile(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])")

SHORT: Final = 100  # characters of a name or a place
LONG: Final = 1_000  # characters of what somebody tells
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
    most: int = 0  # of a count; 0: 999

    def option(self, key: str) -> Option | None:
        return next((option for option in self.options if option.key == key), None)


@dataclass(frozen=True)
class Screen:
    """What is asked at once. With ``rows`` it may be filled in several times: one employer, one visit, one account."""

    key: str
    questions: tuple[Question, ...]
    heading: str = ""  # "": the only question is the heading
    rows: str = ""  # what one of them is called; "": filled in once
    when: When | None = None


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
    papers: bool = True  # its files are papers: 「書類がないとき」 is offered
    shots: tuple[Shot, ...] = ()  # photos that are asked for one by one, each with its own picker
    monthly: bool = False  # about a month, which stands in its name
    note: str = ""  # what must be understood before it is sent
    keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        keys = [question.key for screen in self.screens if not screen.rows for question in screen.questions]
        keys += [screen.key for screen in self.screens if screen.rows]
        if len(keys) != len(set(keys)):
            raise ValueError(f"{self.kind}: a key stands twice")
        object.__setattr__(self, "keys", frozenset(keys))

    def screen(self, key: str) -> Screen | None:
        return next((screen for screen in self.screens if screen.key == key), None)


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
    texts = [" ".join(text.split()) if question.ask is not Ask.TELL else text.strip() for text in typed]
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
                return count(text, question.most or 999)
            case Ask.KANA:
                return _within(SHORT, kana.hiragana(text))
            case Ask.DAY:
                return day_of(text, today=today).isoformat()
            case _:
                return _within(LONG if question.ask is Ask.TELL else SHORT, text)
    except (NotAnAmount, NotADay) as wrong:
        raise NotAnAnswer(wrong.code) from wrong
    return text


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


def _without_borders(label: str) -> str:
    """A label in a line of text: the spaces between its phrases are for headings and buttons."""
    return _BORDER.sub("", label)


def asked(form: Form, answers: Answers) -> list[Screen]:
    """The screens these answers lead through, in order."""
    return [screen for screen in form.screens if screen.when is None or screen.when.holds(answers)]


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
    kept: dict[str, Any] = {}
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
