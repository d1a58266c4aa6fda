"""Every field of every declared form: typed on the phone, stored, on the slip, on the receipt."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import receipts, slips
from shared.model import DutyKind, FilledForm, FormSetting, Member, Submission
from shared.rules.forms import FORMS
from shared.rules.forms import form as forms
from shared.rules.forms.form import Ask, Form, People, Question, Screen
from shared.rules.forms.income_report import THREE_MONTHS
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
    """Answer every page in the order in which they lead. Returns the draft's id."""
    phone.open(f"/forms/{form.kind.value}/new?month=2026-10")
    place = go(phone)
    draft = place.split("/")[2]
    aside = [screen for screen in forms.asked(form, answers) if screen.aside]
    for screen in forms.asked(form, answers):
        if screen not in aside:
            place = walk_screen(phone, f"/forms/{draft}", screen, answers, place)
    for screen in aside:
        phone.open(f"/forms/{draft}/{screen.key}?then=check")
        go(phone, **{question.key: typed(question, answers[question.key]) for question in screen.questions})
    phone.open(place)
    return draft


def walk_screen(phone: Phone, base: str, screen: Screen, answers: dict[str, Any], place: str) -> str:
    """Answer a screen, all of its rows and pages; the place that led to it must be its own. Returns the next one."""
    assert place.partition("?")[0] in (f"{base}/{screen.key}", f"{base}/{screen.key}/0")
    rows = answers[screen.key] if screen.rows else [answers]
    for at, given in enumerate(rows):
        if screen.rows:
            phone.open(f"{base}/{screen.key}/{at}")
        pages = [page.questions for page in forms.asked_pages(screen, given, SEVERAL)] or [screen.questions]
        for questions in pages:
            asked = [question for question in questions if question.key in given]
            place = go(phone, **{question.key: typed(question, given[question.key]) for question in asked})
    if "/help" in place:
        place = [link for link in phone.page.links if link.startswith(base)][-1]
        phone.open(place)
    if screen.rows:
        assert f"{len(rows)}つめ" in phone.page.text
        place = [link for link in phone.page.links if link.startswith(base)][-1]
        phone.open(place)
    return place


SEVERAL = People({"1": "", "2": ""}, {"1": "", "2": ""})


@pytest.fixture
def hanako(hanako: Somebody, make_session: Make) -> Somebody:
    """She does not live alone, and her office asks for all there is to ask."""
    with make_session.begin() as session:
        session.add(
            Member(
                office_id=hanako.who.office_id,
                household_id=hanako.who.household_id,
                name="見本　母",
                kana="",
                is_head=False,
            )
        )
        session.add(
            FormSetting(
                office_id=hanako.who.office_id,
                kind=DutyKind.INCOME_REPORT,
                from_day=date(2026, 1, 1),
                left_out={"asked": list(THREE_MONTHS)},
            )
        )
    return hanako


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
    assert kept.answers == {key: answer for key, answer in answers.items() if key not in forms.KNOWN or form.known}
    printed = receipts.declared(said)
    page = phone.page.text
    for (place, answer), (label, text) in zip(forms.places(form, answers), printed, strict=True):
        assert text == forms.text_of(place.question, answer, hanako.who.name)
        assert forms.name(place.question, row.month) in label
        assert label in page
        assert text in page
    assert row.urgent is bool(forms.dangers(form, answers))
