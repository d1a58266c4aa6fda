"""Fills declared forms as people do: enough of them that every option of every question is taken once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.rules.forms import form as forms
from shared.rules.forms.form import Answer, Ask, Form, Question


def fill(form: Form, member: str) -> Iterator[dict[str, Any]]:
    """Whole answers. The n-th filling takes the n-th option everywhere, and each option once with the others first."""
    most = max(len(question.options) for screen in form.screens for question in screen.questions)
    for turn in range(max(most, 1)):
        yield _filled(form, member, dict.fromkeys(form.keys, turn))
    for screen in form.screens:
        for question in screen.questions:
            for turn in range(len(question.options)):
                yield _filled(form, member, {question.key: turn})
                yield _filled(form, member, {**dict.fromkeys(form.keys, 1), question.key: turn})


def _filled(form: Form, member: str, turns: dict[str, int]) -> dict[str, Any]:
    answers: dict[str, Any] = {"_people": "several"}
    for screen in form.screens:
        if screen.when is not None and not screen.when.holds(answers):
            continue
        given: dict[str, Answer] = {}
        for question in screen.questions:
            if question.when is None or question.when.holds({**answers, **given}):
                given[question.key] = answer(question, member, turns.get(question.key, turns.get(screen.key, 0)))
        if screen.rows:
            answers[screen.key] = [given, given]
        else:
            answers |= given
    assert forms.gaps(form, answers) == {}
    return answers


def answer(question: Question, member: str, turn: int = 0) -> Answer:
    """An answer to a question."""
    match question.ask:
        case Ask.CHOICE:
            return question.options[turn % len(question.options)].key
        case Ask.SEVERAL:
            return [question.options[turn % len(question.options)].key]
        case Ask.YEN:
            return 12_345
        case Ask.COUNT:
            return 4
        case Ask.DAY:
            return "2026-11-03"
        case Ask.MEMBER:
            return member
        case _:
            return f"「{question.short}」のこと"
