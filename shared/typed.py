"""What is typed and not answered yet: kept as it stands in the field, whether or not it can be read already.

It lies beside the answers under the id of its place (``rules.forms.form.Place``) and is gone once its screen is
answered or the form is sent. Nobody but the person sees it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from shared import drafts, filled
from shared.errors import AnsweredMeanwhile, NotThere
from shared.model import FilledForm
from shared.rules import my_number
from shared.rules.forms.form import LONG, MOST_ROWS, SHORT, Ask, Form, NotAnAnswer, Place, Question, Screen, written
from shared.sign_in import Recipient

SLACK: Final = 2  # times the length of an answer: what is too long can be made shorter only if it is kept


def keep(
    session: Session,
    who: Recipient,
    submission_id: UUID,
    screen: str,
    row: int | None,
    question: str,
    values: list[str],
    knew: str | None = None,
) -> None:
    """Keep what stands in one field. What stands there already is not written again: looking begins no version.

    :param values: every value under the question's name; none where nothing is chosen.
    :param knew: ``seen`` of the page that says so: a save may reach us after the answer that was pressed behind it.
    :raises AnsweredMeanwhile: if the screen has another answer now.
    :raises NotThere: for a place that there is not.
    :raises NotAnAnswer: ``too_long`` or ``my_number``; then it is not kept.
    :raises AlreadySent: if another page or phone has sent it.
    """
    found = drafts.draft_of(session, who, submission_id)
    place = _place(filled.declared(session, found.submission), found.filled, screen, row, question)
    if fault := _fault(place.question, values):
        raise NotAnAnswer(fault)
    if values == _standing(found.filled, place):
        return
    draft = drafts.draft_of(session, who, submission_id, lock=True)
    if knew not in (None, seen(place.screen, _answers(draft.filled, place.screen, row))):
        raise AnsweredMeanwhile
    kept = {key: typed for key, typed in _of(draft.filled).items() if key != place.id}
    draft.filled.typed = kept
    if values != _standing(draft.filled, place):
        draft.filled.typed = {**kept, place.id: values}
    session.flush()


def seen(screen: Screen, answers: Mapping[str, Any]) -> str:
    """A short word for the answers of a screen, or of one row of it: another word, other answers."""
    written_down = [written(answers.get(question.key)) for question in screen.questions]
    return hashlib.sha256(json.dumps(written_down, ensure_ascii=False).encode()).hexdigest()[:12]


def leave(
    session: Session,
    who: Recipient,
    submission_id: UUID,
    places: Sequence[Place],
    values: Mapping[str, list[str]],
) -> None:
    """A page was pressed: what could be read is an answer now, and only ``values`` are still as they were typed.

    :param places: of the page's questions.
    """
    draft = drafts.draft_of(session, who, submission_id, lock=True)
    kept = dict(_of(draft.filled))
    for place in places:
        kept.pop(place.id, None)
        typed = values.get(place.question.key, [])
        if any(typed) and not _fault(place.question, typed):
            kept[place.id] = typed
    draft.filled.typed = kept
    session.flush()


def given(kept: FilledForm, places: Sequence[Place]) -> dict[str, list[str]]:
    """What is typed on a page and not answered yet, by the question's key."""
    return {place.question.key: _of(kept)[place.id] for place in places if place.id in _of(kept)}


def unfinished(form: Form, kept: FilledForm) -> Iterator[Place]:
    """Where something is typed that is no answer yet."""
    for screen in form.screens:
        rows = range(MOST_ROWS) if screen.rows else [None]
        for row in rows:
            places = [Place(screen, row, question) for question in screen.questions]
            yield from (place for place in places if place.id in _of(kept))


def _of(kept: FilledForm) -> dict[str, list[str]]:
    return kept.typed or {}


def _place(form: Form, kept: FilledForm, screen: str, row: int | None, question: str) -> Place:
    shown = form.screen(screen)
    if shown is None or bool(shown.rows) != (row is not None):
        raise NotThere
    if row is not None and not 0 <= row <= min(len(kept.answers.get(screen, ())), MOST_ROWS - 1):
        raise NotThere
    for one in shown.questions:
        if one.key == question:
            return Place(shown, row, one)
    raise NotThere


def _standing(kept: FilledForm, place: Place) -> list[str]:
    """What the field shows: what was typed last, else the answer."""
    if place.id in _of(kept):
        return _of(kept)[place.id]
    answers = _answers(kept, place.screen, place.row)
    return written(answers.get(place.question.key)) or ([] if _is_chosen(place.question) else [""])


def _answers(kept: FilledForm, screen: Screen, row: int | None) -> dict[str, Any]:
    if row is None:
        return kept.answers
    rows: list[dict[str, Any]] = kept.answers.get(screen.key, [])
    return rows[row] if row < len(rows) else {}


def _is_chosen(question: Question) -> bool:
    return question.ask in (Ask.CHOICE, Ask.SEVERAL, Ask.MEMBER)


def _fault(question: Question, values: list[str]) -> str | None:
    if len(values) > max(1, len(question.options)):
        return "too_long"
    if any(len(text) > SLACK * (LONG if question.ask is Ask.TELL else SHORT) for text in values):
        return "too_long"
    return "my_number" if any(my_number.is_in(text) for text in values) else None
