"""Every field of the national model form has its question here; the table stands beside this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.model import DutyKind
from shared.rules.forms import FORMS
from shared.rules.forms.form import Ask, Question, Screen, asked, settled
from tests.shared.fill import fill

TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("income_report_fields.json").read_text(encoding="utf-8"))
REPORT = FORMS[DutyKind.INCOME_REPORT]
MEMBER = "01a20e02-0000-7000-8000-000000000001"
# Section of the paper: where its あり/なし is asked, and the screen of its rows.
SECTIONS = {
    "earned_income": ("worked", "jobs"),
    "pension_income": ("pension", "pensions"),
    "remittance_income": ("remittance", "remittances"),
    "other_income": ("other", "others"),
    "expected_income": ("expected", "expectations"),
    "no_income_members": ("all_work", "without"),
}
# Names that differ: of the paper's table, and of the form.
QUESTIONS = {("earned_income", "job"): "employer"}
ASKS = {
    "text": {Ask.TEXT, Ask.CHOICE},  # a reason is chosen, with room for words
    "yen": {Ask.YEN},
    "int": {Ask.COUNT},
    "date": {Ask.DAY},
    "enum": {Ask.CHOICE},
    "member": {Ask.MEMBER},
}
MONTHS = ("", "before1_", "before2_", "estimate_")  # the month, the two before, and this one's estimate
EXPENSES = {
    "social_insurance": "social_insurance_yen",
    "income_tax": "income_tax_yen",
    "commuting": "commuting_yen",
    "union_fee": "union_fee_yen",
    "childcare": "childcare_yen",
    "other": "other_expenses_yen",
}
FIELDS = [(section, field) for section in TABLE["sections"] for field in section["fields"]]


def question_of(screen: Screen, key: str) -> Question:
    return next(question for question in screen.questions if question.key == key)


def screen_of(section: dict[str, Any]) -> Screen:
    screen = REPORT.screen(SECTIONS[section["id"]][1])
    assert screen is not None
    return screen


@pytest.mark.parametrize(("section", "field"), FIELDS, ids=[f"{one['id']}-{field['id']}" for one, field in FIELDS])
def test_every_field_of_the_paper_is_asked(section: dict[str, Any], field: dict[str, Any]) -> None:
    screen = screen_of(section)
    if field["type"] == "month_table":
        for column in field["columns"]:
            names = [EXPENSES[one] for one in column["breakdown"]] if "breakdown" in column else [column["id"]]
            for question in (question_of(screen, f"{month}{name}") for month in MONTHS for name in names):
                assert question.ask in ASKS[column["type"]]
        return
    question = question_of(screen, QUESTIONS.get((section["id"], field["id"]), field["id"]))
    assert question.ask in ASKS[field["type"]]
    assert question.needed or field.get("optional") or field["id"] == "job"
    assert len(question.options) >= len(field.get("options", []))


@pytest.mark.parametrize("section", TABLE["sections"], ids=lambda section: section["id"])
def test_every_section_can_be_skipped_by_one_word_and_filled_in_several_times(section: dict[str, Any]) -> None:
    gate, rows = SECTIONS[section["id"]]
    question = next(question for screen in REPORT.screens for question in screen.questions if question.key == gate)
    assert {option.key for option in question.options} == {"yes", "no"}
    assert screen_of(section).rows
    nothing = {"worked": "no", "pension": "no", "remittance": "no", "other": "no", "expected": "no", "all_work": "yes"}
    skipped = [screen.key for screen in asked(REPORT, nothing)]
    assert (rows in skipped) is (rows == "without"), "who does not work says why"


def test_the_head_of_the_paper_is_known_and_printed_without_being_asked() -> None:
    """申告年月日, 宛先, 氏名 stand on the receipt; the address is the office's own; the case number is staff's."""
    assert {one["id"] for one in TABLE["header"]} == {"reported_on", "addressee", "address", "name", "case_no"}
    keys = {question.key for screen in REPORT.screens for question in screen.questions}
    assert not keys & {"reported_on", "addressee", "address", "name", "case_no"}


def test_what_need_not_be_known_is_not_sent_along() -> None:
    answers = next(fill(REPORT, MEMBER))
    assert settled(REPORT, {**answers, "worked": "no"}).keys() & {"jobs", "all_work"} == set()


def test_internet_income_has_plain_choices_for_staff_to_classify() -> None:
    others = REPORT.screen("others")
    assert others is not None
    assert {"selling", "online", "points"} <= {option.key for option in question_of(others, "kind").options}
