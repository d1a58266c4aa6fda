"""What an office makes of a form: read once, laid over the declared form, dated, and never over what is begun."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from shared import clock, drafts, filled, intake, journal, receipts, slips
from shared.errors import RuleOfThePast
from shared.model import DutyKind
from shared.rules.forms import FORMS, own
from shared.rules.forms import form as forms
from shared.rules.forms.change_notice import CHANGE_NOTICE
from shared.rules.forms.check_in import CHECK_IN
from shared.rules.forms.income_report import THREE_MONTHS
from shared.rules.forms.own import NotASetting
from shared.sign_in import Recipient
from tests import factories
from tests.shared.fill import fill

AIRCON = {
    "key": "own_aircon",
    "after": "warmth",
    "label": "エアコンを 使っていますか",
    "short": "エアコン",
    "options": [
        {"key": "yes", "label": "使っています", "picture": "face-glad"},
        {"key": "no", "label": "がまんしています", "picture": "face-bad", "danger": True},
    ],
    "needed": True,
}
WISHES = {
    "leave_out": ["sleep"],
    "words": {"health": {"label": "この夏、 体は どうですか", "options": {"same": "かわりません"}}},
    "add": [AIRCON, {"key": "own_festival", "label": "まつりに 来ますか", "short": "まつり", "hint": "100%自由です"}],
}


@pytest.fixture
def who(session: Session) -> Recipient:
    return factories.recipient(session)


def test_an_office_leaves_out_says_it_otherwise_and_asks_its_own() -> None:
    form = own.laid_over(CHECK_IN, own.read(CHECK_IN, WISHES))
    keys = [screen.key for screen in form.screens]
    assert "sleep" not in keys
    assert keys[keys.index("warmth") + 1] == "own_aircon"
    assert keys[-1] == "own_festival"
    health = form.screens[0].questions[0]
    assert (health.label, health.short) == ("この夏、 体は どうですか", "体の調子")
    assert [option.label for option in health.options][1:3] == ["かわりません", "すこし 悪いです"]
    assert form.screens[-1].questions[0].hint == "100％自由です"
    for answers in fill(form, ""):
        assert forms.gaps(form, answers) == {}
    assert [place.id for place in forms.dangers(form, {"own_aircon": "no"})] == ["own_aircon"]


@pytest.mark.parametrize("kind", FORMS)
def test_no_wish_leaves_every_form_as_it_is_declared(kind: DutyKind) -> None:
    assert own.laid_over(FORMS[kind], own.read(FORMS[kind], {})) == FORMS[kind].as_asked()


@pytest.mark.parametrize(
    ("wishes", "place"),
    [
        ([], "the file"),
        ({"remove": []}, "the file"),
        ({"leave_out": "sleep"}, "leave_out"),
        ({"leave_out": ["dreams"]}, "leave_out"),
        ({"leave_out": [screen.key for screen in CHECK_IN.screens]}, "leave_out"),
        ({"words": {"dreams": {}}}, "words"),
        ({"words": {"health": {"label": " "}}}, "words.health.label"),
        ({"words": {"health": {"label": "あ" * 101}}}, "words.health.label"),
        ({"words": {"health": {"label": "生活保護の方へ"}}}, "words.health.label"),
        ({"words": {"health": {"options": {"dead": "x"}}}}, "words.health.options"),
        ({"words": {"health": {"danger": True}}}, "words.health"),
        ({"add": [{**AIRCON, "key": "health"}]}, "add[0].key"),
        ({"add": [{**AIRCON, "key": "own_a/b"}]}, "add[0].key"),
        ({"add": [AIRCON, AIRCON]}, "add[1].key"),
        ({"add": [{**AIRCON, "after": "dreams"}]}, "add[0].after"),
        ({"add": [{**AIRCON, "short": None}]}, "add[0].short"),
        ({"add": [{**AIRCON, "label": "見えない\u202e字"}]}, "add[0].label"),
        ({"add": [{**AIRCON, "label": "番号 6214-9832-0257"}]}, "add[0].label"),
        ({"add": [{**AIRCON, "options": AIRCON["options"][:1]}]}, "add[0].options"),  # type: ignore[index]
        ({"add": [{**AIRCON, "options": [AIRCON["options"][0]] * 2}]}, "add[0].options"),  # type: ignore[index]
        ({"add": [{**AIRCON, "options": [{"key": "A", "label": "x"}, {}]}]}, "add[0].options[0].key"),
        ({"add": [{**AIRCON, "needed": "yes"}]}, "add[0].needed"),
        ({"add": [{**AIRCON, "key": f"own_{no}"} for no in range(11)]}, "add"),
    ],
)
def test_what_cannot_be_fulfilled_is_said_with_its_place(wishes: Any, place: str) -> None:
    with pytest.raises(NotASetting) as told:
        own.read(CHECK_IN, wishes)
    assert str(told.value).partition(": ")[0] == place


def test_a_question_that_others_depend_on_cannot_be_left_out() -> None:
    with pytest.raises(NotASetting, match="depend on what"):
        own.read(CHANGE_NOTICE, {"leave_out": ["what"]})


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["add", "words", "key", "health"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["add", "words", "leave_out", "x"]), inner)
    ),
    max_leaves=8,
)


@given(ANY)
def test_whatever_the_file_says_it_is_read_or_refused_in_words(wishes: Any) -> None:
    try:
        kept = own.read(CHECK_IN, wishes)
    except NotASetting as wrong:
        assert str(wrong)
    else:
        assert own.laid_over(CHECK_IN, kept).screens


def test_it_counts_from_its_day_on_and_what_is_begun_keeps_its_words_also_on_the_receipt(
    session: Session, who: Recipient
) -> None:
    kind, tomorrow = DutyKind.STATUS_CHECK_IN, clock.today() + timedelta(days=1)
    with pytest.raises(RuleOfThePast):
        filled.set_form(session, who.office_id, kind, clock.today(), WISHES)
    filled.set_form(session, who.office_id, kind, tomorrow, {"words": {"health": {"label": "ちがう"}}})
    filled.set_form(session, who.office_id, kind, tomorrow, WISHES)
    early = filled.start(session, who, kind, date(2026, 9, 1))
    with clock.at(clock.now() + timedelta(days=2)):
        late = filled.start(session, who, kind, date(2026, 10, 1))
        assert filled.declared(session, early) == CHECK_IN
        answers = next(fill(filled.declared(session, late), ""))
        for screen in filled.declared(session, late).screens:
            given = {question.key: answers[question.key] for question in screen.questions if question.key in answers}
            filled.write(session, who, late.id, screen.key, given)
        intake.send(session, who, late.id, attempt=uuid4())
        later = clock.today() + timedelta(days=1)
        filled.set_form(session, who.office_id, kind, later, {"add": [{**AIRCON, "short": "冷房"}]})
    with clock.at(clock.now() + timedelta(days=9)):
        printed = receipts.declared(slips.slip(session, late))
        assert ["エアコン", "使っています"] in printed
        assert ["まつり", "「まつり」のこと"] in printed
        again = filled.start(session, who, kind, date(2026, 11, 1))
        assert "own_festival" not in filled.as_before(session, who, again.id).answers
        assert drafts.draft_of(session, who, again.id).filled.answers["own_aircon"] == "yes"
    assert journal.first_broken(session, who.office_id) is None


def test_an_office_asks_for_three_months_and_in_its_own_words() -> None:
    report = FORMS[DutyKind.INCOME_REPORT]
    wishes = {"ask_for": list(THREE_MONTHS), "words": {"gross_yen": {"short": "総支給額"}}}
    jobs = own.laid_over(report, own.read(report, wishes)).screen("jobs")
    assert jobs is not None
    assert [page.key for page in jobs.pages][-3:] == ["before1", "before2", "estimate"]
    assert next(question.short for question in jobs.questions if question.key == "gross_yen") == "総支給額"
    for wrong in (["jobs.gross"], ["jobs.nothing"], "jobs.before1", [3]):
        with pytest.raises(own.NotASetting):
            own.read(report, {"ask_for": wrong})
