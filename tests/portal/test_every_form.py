"""Every field of every declared form: typed on the phone, stored, on the slip, on the receipt."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import receipts, slips
from shared.model import DutyKind, FilledForm, Submission
from shared.rules.forms import FORMS
from shared.rules.forms import form as forms
from shared.rules.forms.form import Ask, Form, Question
from tests.portal.phone import Phone, Sent, Somebody
from tests.shared.fill import fill

Make = sessionmaker[Session]
TURNS = 4  # fillings of each form; tests/shared/test_forms.py takes every option


def typed(question: Question, answer: Any) -> str:
    return answer[0] if isinstance(answer, list) else f"{answer:,}" if question.ask is Ask.YEN else str(answer)


def go(phone: Phone, action: str = "", **fields: str) -> str:
    place = phone.press(action, **fields).place
    phone.open(place.partition("#")[0])
    return place


def walk(phone: Phone, form: Form, answers: dict[str, Any]) -> str:
    """Answer every screen in the order in which the pages lead. Returns where the last one led."""
    phone.open(f"/forms/{form.kind.value}/new")
    place = go(phone)
    draft = place.split("/")[2]
    for screen in forms.asked(form, answers):
        rows = answers[screen.key] if screen.rows else [answers]
        for at, given in enumerate(rows):
            if at:
                phone.open(f"/forms/{draft}/{screen.key}/{at}")
            else:
                assert place.partition("?")[0] in (f"/forms/{draft}/{screen.key}", f"/forms/{draft}/{screen.key}/0")
                if screen.rows:
                    phone.open(f"/forms/{draft}/{screen.key}/0")
            asked = [question for question in screen.questions if question.key in given]
            place = go(phone, **{question.key: typed(question, given[question.key]) for question in asked})
        if "/help" in place:
            place = [link for link in phone.page.links if link.startswith(f"/forms/{draft}/")][-1]
            phone.open(place)
        if screen.rows:
            assert f"{len(rows)}つめ" in phone.page.text
            place = [link for link in phone.page.links if link.startswith(f"/forms/{draft}/")][-1]
            phone.open(place)
    return draft


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("turn", range(TURNS))
def test_every_field_is_typed_stored_and_shown(hanako: Somebody, make_session: Make, kind: DutyKind, turn: int) -> None:
    form, phone = FORMS[kind], hanako.phone
    fillings = [*fill(form, str(hanako.who.member_id))]
    answers = fillings[turn % len(fillings)]
    draft = walk(phone, form, answers)
    if form.files:
        assert phone.page.path.endswith("/files")
        if form.files_needed:
            phone.send(Sent("紙.jpg"), action=f"/forms/{draft}/files")
    phone.open(f"/forms/{draft}/check")
    for place, answer in forms.places(form, answers):
        assert forms.text_of(place.question, answer, hanako.who.name) in phone.page.text
    assert go(phone) == f"/sent/{draft}"
    with make_session() as session:
        row = session.scalars(select(Submission)).one()
        kept = session.scalars(select(FilledForm)).one()
        said = slips.slip(session, row)
    assert kept.answers == answers
    printed = receipts.declared(said)
    page = phone.page.text
    for (place, answer), (label, text) in zip(forms.places(form, answers), printed, strict=True):
        assert text == forms.text_of(place.question, answer, hanako.who.name)
        assert place.question.short in label
        assert label in page
        assert text in page
    assert row.urgent is bool(forms.dangers(form, answers))
