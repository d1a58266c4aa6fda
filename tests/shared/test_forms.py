"""The mechanism of declared forms, and every declared form."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import DutyKind
from shared.rules.forms import FORMS, is_monthly, name_of, title_of
from shared.rules.forms import form as forms
from shared.rules.forms.form import Ask, Form, NotAnAnswer, Option, Question, Screen, when
from tests.shared.fill import fill

TODAY = date(2026, 11, 22)
MEMBERS = ("01a20e02-0000-7000-8000-000000000001",)
ASKS = [
    Question("x", Ask.CHOICE, "どれ", "どれ", options=(Option("a", "あ"), Option("b", "い"))),
    Question("x", Ask.SEVERAL, "どれ", "どれ", options=(Option("a", "あ"), Option("b", "い"))),
    Question("x", Ask.TEXT, "何", "何"),
    Question("x", Ask.KANA, "何", "何"),
    Question("x", Ask.TELL, "何", "何"),
    Question("x", Ask.YEN, "いくら", "いくら"),
    Question("x", Ask.COUNT, "何回", "何回", unit="回", most=31),
    Question("x", Ask.DAY, "いつ", "いつ"),
    Question("x", Ask.MEMBER, "だれ", "だれ"),
]
SOME = Question("any", Ask.CHOICE, "いますか", "有無", options=(Option("no", "いない"), Option("yes", "いる")))
KINDS = (Option("cat", "ねこ"), Option("bear", "くま", danger=True))
PETS = Form(
    kind=DutyKind.CHANGE_NOTICE,
    version=1,
    name="生きもの",
    lead="",
    screens=(
        Screen("any", (SOME,)),
        Screen(
            "pets",
            (
                Question("kind", Ask.CHOICE, "何", "種類", options=KINDS),
                Question("name", Ask.TEXT, "名前", "名前", needed=False, when=when("kind", "cat")),
            ),
            heading="どんな生きもの",
            rows="生きもの",
            when=when("any", "yes"),
        ),
    ),
)


@given(question=st.sampled_from(ASKS), typed=st.lists(st.text(max_size=30), max_size=3))
def test_reading_gives_an_answer_or_a_code_whatever_is_typed(question: Question, typed: list[str]) -> None:
    try:
        answer = forms.read(question, typed, today=TODAY, members=MEMBERS)
    except NotAnAnswer as wrong:
        assert wrong.code
    else:
        assert answer is not None
        assert forms.text_of(question, answer, "見本　花子")


@pytest.mark.parametrize(
    ("ask", "typed", "answer"),
    [
        (Ask.CHOICE, ["a"], "a"),
        (Ask.SEVERAL, ["b", "a"], ["a", "b"]),
        (Ask.TEXT, [" ゆうちょ　銀行 "], "ゆうちょ 銀行"),
        (Ask.TELL, ["一行目\n二行目 "], "一行目\n二行目"),
        (Ask.YEN, ["８万５千円"], 85_000),
        (Ask.COUNT, ["３回"], 3),
        (Ask.DAY, ["令和８年１１月３日"], "2026-11-03"),
        (Ask.MEMBER, [MEMBERS[0]], MEMBERS[0]),
    ],
)
def test_an_answer_is_read_as_people_write_it(ask: Ask, typed: list[str], answer: object) -> None:
    question = next(one for one in ASKS if one.ask is ask)
    assert forms.read(question, typed, today=TODAY, members=MEMBERS) == answer


@pytest.mark.parametrize(
    ("ask", "typed", "code"),
    [
        (Ask.CHOICE, [], "missing"),
        (Ask.CHOICE, ["c"], "unknown"),
        (Ask.SEVERAL, [], "missing"),
        (Ask.SEVERAL, ["a", "c"], "unknown"),
        (Ask.TEXT, ["　 "], "missing"),
        (Ask.TEXT, ["あ" * 101], "too_long"),
        (Ask.TELL, ["あ" * 1001], "too_long"),
        (Ask.YEN, ["たくさん"], "not_a_number"),
        (Ask.YEN, ["-5"], "negative"),
        (Ask.COUNT, ["32"], "too_much"),
        (Ask.DAY, ["きのう"], "not_a_day"),
        (Ask.DAY, ["1850-01-01"], "far_away"),
        (Ask.MEMBER, ["somebody else"], "unknown"),
    ],
)
def test_what_is_wrong_has_its_code(ask: Ask, typed: list[str], code: str) -> None:
    question = next(one for one in ASKS if one.ask is ask)
    with pytest.raises(NotAnAnswer) as wrong:
        forms.read(question, typed, today=TODAY, members=MEMBERS)
    assert wrong.value.code == code


def test_what_need_not_be_answered_may_be_empty() -> None:
    assert forms.read(Question("x", Ask.YEN, "", "", needed=False), [""], today=TODAY) is None
    assert forms.read(Question("x", Ask.SEVERAL, "", "", needed=False), [], today=TODAY) == []


def test_only_what_applies_is_asked_for_missed_and_sent() -> None:
    assert forms.gaps(PETS, {}) == {"any": "missing"}
    assert forms.gaps(PETS, {"any": "no"}) == {}
    assert forms.gaps(PETS, {"any": "yes"}) == {"pets": "missing"}
    assert forms.gaps(PETS, {"any": "yes", "pets": [{"kind": "cat"}, {"name": "たま"}]}) == {"pets-1-kind": "missing"}
    written = {"any": "yes", "pets": [{"kind": "bear", "name": "くまお"}, {"kind": "cat", "name": "たま"}]}
    assert forms.settled(PETS, written) == {"any": "yes", "pets": [{"kind": "bear"}, {"kind": "cat", "name": "たま"}]}
    assert forms.settled(PETS, {**written, "any": "no"}) == {"any": "no"}


def test_a_danger_is_found_in_a_row_and_only_where_it_is_asked() -> None:
    written: dict[str, Any] = {"any": "yes", "pets": [{"kind": "cat"}, {"kind": "bear"}]}
    assert [place.id for place in forms.dangers(PETS, written)] == ["pets-1-kind"]
    assert forms.dangers(PETS, {**written, "any": "no"}) == []


def test_a_key_that_stands_twice_is_no_form() -> None:
    twice = Screen("a", (Question("same", Ask.TEXT, "", ""), Question("same", Ask.TEXT, "", "")))
    with pytest.raises(ValueError, match="twice"):
        Form(DutyKind.PROOFS, 1, "", "", (twice,))


def test_a_form_is_called_by_its_name_and_month() -> None:
    assert title_of(DutyKind.INCOME_REPORT, TODAY.replace(day=1)) == "収入申告書　令和8年11月分"
    assert title_of(DutyKind.CHANGE_NOTICE, TODAY) == name_of(DutyKind.CHANGE_NOTICE) == "変わったことの届け"
    assert is_monthly(DutyKind.STATUS_CHECK_IN)


def test_everything_that_can_be_due_is_declared() -> None:
    assert set(FORMS) == set(DutyKind)


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.kind.value)
class TestEveryForm:
    def test_it_is_whole(self, form: Form) -> None:
        seen: dict[str, Question] = {}
        assert form.name
        assert form.lead
        assert form.screens
        assert len({screen.key for screen in form.screens}) == len(form.screens)
        for screen in form.screens:
            assert screen.heading or len(screen.questions) <= 2, "more than a question and its detail has a heading"
            assert screen.heading or not screen.rows
            for part in screen.when.parts() if screen.when else ():
                self.leads(part, seen)
            here: dict[str, Question] = {}
            for question in screen.questions:
                assert question.label
                assert 0 < len(question.short) <= 20
                assert bool(question.options) is (question.ask in (Ask.CHOICE, Ask.SEVERAL))
                assert len({option.key for option in question.options}) == len(question.options)
                if question.when:
                    self.leads(question.when, {**seen, **here})
                here[question.key] = question
            if not screen.rows:
                seen |= here

    def leads(self, condition: forms.When, seen: dict[str, Question]) -> None:
        if condition.question in forms.KNOWN:
            assert condition.among <= forms.KNOWN[condition.question]
            return
        assert condition.question in seen, "asked before"
        assert condition.among <= {option.key for option in seen[condition.question].options}

    def test_it_says_nothing_that_tells_or_blames(self, form: Form) -> None:
        words = repr(form)
        for never in ("生活保護", "福祉事務所", "被保護", "不正", "罰", "違反", "マイナンバー", "受給者番号"):
            assert never not in words

    def test_it_can_be_filled_whole_and_then_misses_nothing(self, form: Form) -> None:
        for answers in fill(form, MEMBERS[0]):
            assert forms.gaps(form, answers) == {}
            settled = forms.settled(form, answers)
            assert forms.settled(form, settled) == settled
            for place, answer in forms.places(form, settled):
                assert forms.text_of(place.question, answer, "見本　花子")

    def test_every_option_of_it_is_taken_by_somebody(self, form: Form) -> None:
        taken: dict[str, set[str]] = {}
        for answers in fill(form, MEMBERS[0]):
            for place, answer in forms.places(form, answers):
                chosen = answer if isinstance(answer, list) else [str(answer)]
                taken.setdefault(f"{place.screen.key}.{place.question.key}", set()).update(chosen)
        for screen in form.screens:
            for question in screen.questions:
                key = f"{screen.key}.{question.key}"
                assert key in taken, "reached"
                assert {option.key for option in question.options} <= taken[key] or not question.options
