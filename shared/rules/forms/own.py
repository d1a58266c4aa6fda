"""What an office makes of a form: screens it leaves out, words of its own, questions of its own.

It is written as JSON (docs/forms.md), read here once, kept, and laid over the declared form whenever that is asked,
shown or printed; so a page, a desk and a receipt speak with the words of the day on which the form was begun.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.rules import my_number
from shared.rules.forms.form import KNOWN, Ask, Form, Option, Question, Screen, When

OWN: Final = "own_"  # how the key of an office's own question begins: no declared one does
MOST_ADDED: Final = 10
MOST_OPTIONS: Final = 12
LENGTHS: Final = {"label": 100, "short": 30, "hint": 200}
LONGEST_OPTION: Final = 60
FACES: Final = ("face-glad", "face-calm", "face-low", "face-bad")
SAYS_TOO_MUCH: Final = ("生活保護", "福祉事務所")  # a bystander reads over the shoulder
_KEY: Final = re.compile(r"[a-z0-9_]{1,30}")
_OWN_KEY: Final = re.compile(OWN + r"[a-z0-9_]{1,25}")


class NotASetting(ValueError):
    """What cannot be read, with the place in the file where it stands."""


def read(form: Form, given: Any) -> dict[str, Any]:
    """Check an office's wishes, and return them as they are kept.

    :raises NotASetting: for anything that the form has not, that is too long, or that nobody could answer.
    """
    it = _table(given, "the file", {"leave_out", "ask_for", "words", "add"})
    wanted = [f"{screen.key}.{page.key}" for screen in form.screens for page in screen.pages if page.by_office]
    kept = {
        "screens": _left_out(form, it.get("leave_out", [])),
        "asked": [_one_of(key, "ask_for", wanted) for key in _list(it.get("ask_for", []), "ask_for")],
        "words": {
            key: _words(form, key, words)
            for key, words in _table(it.get("words", {}), "words", _questions(form).keys()).items()
        },
        "added": _added(form, it.get("add", [])),
    }
    if not laid_over(form, kept).screens:
        raise NotASetting("leave_out: nothing would be asked")
    return kept


def laid_over(form: Form, kept: Mapping[str, Any]) -> Form:
    """The form as the office asks it."""
    words: Mapping[str, Any] = kept.get("words", {})
    form = form.as_asked(kept.get("screens", ()), kept.get("asked", ()))
    screens = [_reworded(screen, words) for screen in form.screens]
    for added in kept.get("added", ()):
        keys = [screen.key for screen in screens]
        at = keys.index(added["after"]) + 1 if added.get("after") in keys else len(screens)
        screens.insert(at, Screen(added["key"], (_question(added),)))
    return replace(form, screens=tuple(screens))


def _reworded(screen: Screen, words: Mapping[str, Any]) -> Screen:
    if screen.pages:
        pages = (replace(page, questions=_renamed(page.questions, words)) for page in screen.pages)
        return replace(screen, pages=tuple(pages))
    return replace(screen, questions=_renamed(screen.questions, words))


def _renamed(questions: Sequence[Question], words: Mapping[str, Any]) -> tuple[Question, ...]:
    renamed = []
    for question in questions:
        own = words.get(question.key, {})
        names = own.get("options", {})
        options = tuple(replace(one, label=names.get(one.key, one.label)) for one in question.options)
        said = {part: own[part] for part in LENGTHS if part in own}
        renamed.append(replace(question, options=options, **said))
    return tuple(renamed)


def _question(added: Mapping[str, Any]) -> Question:
    options = [Option(one["key"], one["label"], one["picture"], one["danger"]) for one in added["options"]]
    ask = (Ask.SEVERAL if added["several"] else Ask.CHOICE) if options else Ask.TELL
    return Question(
        added["key"], ask, added["label"], added["short"], added["hint"], tuple(options), needed=added["needed"]
    )


def _questions(form: Form) -> dict[str, Question]:
    return {question.key: question for screen in form.screens for question in screen.questions}


def _left_out(form: Form, given: Any) -> list[str]:
    left_out = [_one_of(key, "leave_out", [screen.key for screen in form.screens]) for key in _list(given, "leave_out")]
    stays = [screen for screen in form.screens if screen.key not in left_out]
    asked = {question.key for screen in stays for question in screen.questions}
    conditions: list[When] = [part for screen in stays if screen.when for part in screen.when.parts()]
    conditions += [question.when for screen in stays for question in screen.questions if question.when]
    for when in conditions:
        if when.question not in asked | KNOWN.keys():
            raise NotASetting(f"leave_out: other questions depend on {when.question}")
    return left_out


def _words(form: Form, key: str, given: Any) -> dict[str, Any]:
    place, question = f"words.{key}", _questions(form)[key]
    it = _table(given, place, {*LENGTHS, "options"})
    said: dict[str, Any] = {part: _text(it[part], f"{place}.{part}", LENGTHS[part]) for part in LENGTHS if part in it}
    options = _table(it.get("options", {}), f"{place}.options", {option.key for option in question.options})
    said["options"] = {one: _text(label, f"{place}.options.{one}", LONGEST_OPTION) for one, label in options.items()}
    return said


def _added(form: Form, given: Any) -> list[dict[str, Any]]:
    rows = _list(given, "add")
    if len(rows) > MOST_ADDED:
        raise NotASetting(f"add: {MOST_ADDED} questions at most")
    kept: list[dict[str, Any]] = []
    for no, row in enumerate(rows):
        place = f"add[{no}]"
        it = _table(row, place, {"key", "after", *LENGTHS, "options", "several", "needed"})
        key = it.get("key")
        if not isinstance(key, str) or not _OWN_KEY.fullmatch(key) or key in [one["key"] for one in kept]:
            raise NotASetting(f'{place}.key: its own, such as "{OWN}aircon"; small letters, figures and _')
        after = it.get("after")
        if after is not None:
            _one_of(after, f"{place}.after", [*(screen.key for screen in form.screens), *(one["key"] for one in kept)])
        options = [_option(one, f"{place}.options[{at}]") for at, one in enumerate(_list(it.get("options", []), place))]
        if options and not 2 <= len(options) <= MOST_OPTIONS:
            raise NotASetting(f"{place}.options: 2 to {MOST_OPTIONS}, or none for an answer in words")
        if len({one["key"] for one in options}) < len(options):
            raise NotASetting(f"{place}.options: a key stands twice")
        kept.append(
            {
                "key": key,
                "after": after,
                "label": _text(it.get("label"), f"{place}.label", LENGTHS["label"]),
                "short": _text(it.get("short"), f"{place}.short", LENGTHS["short"]),
                "hint": _text(it["hint"], f"{place}.hint", LENGTHS["hint"]) if it.get("hint") else "",
                "options": options,
                "several": _flag(it, "several", place),
                "needed": _flag(it, "needed", place),
            }
        )
    return kept


def _option(given: Any, place: str) -> dict[str, Any]:
    it = _table(given, place, {"key", "label", "picture", "danger"})
    key = it.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise NotASetting(f"{place}.key: small letters, figures and _")
    return {
        "key": key,
        "label": _text(it.get("label"), f"{place}.label", LONGEST_OPTION),
        "picture": _one_of(it["picture"], f"{place}.picture", FACES) if it.get("picture") else "",
        "danger": _flag(it, "danger", place),
    }


def _table(given: Any, place: str, known: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise NotASetting(f"{place}: a table in braces")
    for key in given:
        _one_of(key, place, known)
    return given


def _list(given: Any, place: str) -> list[Any]:
    if not isinstance(given, list):
        raise NotASetting(f"{place}: a list in brackets")
    return given


def _one_of(given: Any, place: str, known: Any) -> str:
    if not isinstance(given, str) or given not in known:
        raise NotASetting(f"{place}: {given!r} is none of {', '.join(sorted(known))}")
    return given


def _flag(it: Mapping[str, Any], key: str, place: str) -> bool:
    given = it.get(key, False)
    if not isinstance(given, bool):
        raise NotASetting(f"{place}.{key}: true or false")
    return given


def _text(given: Any, place: str, longest: int) -> str:
    if not isinstance(given, str) or not given.strip():
        raise NotASetting(f"{place}: words are missing")
    text = " ".join(given.split())
    if len(text) > longest:
        raise NotASetting(f"{place}: {longest} characters at most")
    if not text.isprintable():
        raise NotASetting(f"{place}: a sign that nobody can see")
    for word in SAYS_TOO_MUCH:
        if word in text:
            raise NotASetting(f"{place}: {word} may stand on no page of a recipient")
    if my_number.is_in(text):
        raise NotASetting(f"{place}: a number like a My Number")
    return text.replace("%", "％")  # the catalogues would take it for a place to be filled
