"""What is half written: kept field by field, given back on any phone, gone once it is an answer."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, filled, intake
from shared.model import MACHINE, CorrectionItem, DutyKind, FilledForm, ParkedForm, Reason, State, Submission
from tests import factories
from tests.portal.pages import Page
from tests.portal.phone import OURS, Phone, Somebody
from tests.shared.test_my_number import REAL

Make = sessionmaker[Session]


@pytest.fixture
def draft(hanako: Somebody, make_session: Make) -> UUID:
    """A notice of a change of hers, just begun."""
    with make_session.begin() as session:
        return filled.start(session, hanako.who, DutyKind.CHANGE_NOTICE, factories.OCTOBER).id


def type_in(phone: Phone, path: str, question: str, *values: str) -> tuple[int, dict[str, str]]:
    """What the script sends when a field is left."""
    token = phone.open("/home").form("/leave").fields["csrf_token"]
    fields = {"question": question, "value": list(values)}
    answer = phone.client.post(path, data=fields, headers={"X-CSRFToken": token, **OURS}, base_url=phone.base_url)
    return answer.status_code, answer.get_json()


def kept(make_session: Make) -> FilledForm:
    with make_session() as session:
        return session.scalars(select(FilledForm).order_by(FilledForm.id.desc())).first()  # type: ignore[return-value]


def where_it_is_kept(page: Page) -> str:
    [address] = re.findall('data-typed="([^"]+)"', page.html)
    return html.unescape(address)


def test_half_an_amount_is_kept_as_it_was_typed_and_stands_in_the_field_on_another_phone(
    hanako: Somebody, draft: UUID, make_session: Make
) -> None:
    status, said = type_in(hanako.phone, f"/forms/{draft}/rent/typed", "rent_now", "3万8せ")
    assert status == 200
    assert said["at"].count(":") == 1
    assert kept(make_session).typed == {"rent_now": ["3万8せ"]}
    assert kept(make_session).answers == {}
    page = hanako.phone.twin().open(f"/forms/{draft}/rent")
    assert page.typed("rent_now") == "3万8せ"
    assert page.sentence_at("rent_now") == "", "nobody has asked for an answer yet"


def test_a_choice_is_kept_too_and_so_is_taking_it_back(hanako: Somebody, draft: UUID, make_session: Make) -> None:
    type_in(hanako.phone, f"/forms/{draft}/what/typed", "what", "rent")
    assert hanako.phone.open(f"/forms/{draft}/what").html.count(" checked") == 1
    type_in(hanako.phone, f"/forms/{draft}/what/typed", "what")
    assert kept(make_session).typed == {}, "as it stood before anything was chosen"
    assert hanako.phone.open(f"/forms/{draft}/what").html.count(" checked") == 0


def test_what_is_answered_is_no_longer_half_written(hanako: Somebody, draft: UUID, make_session: Make) -> None:
    type_in(hanako.phone, f"/forms/{draft}/rent/typed", "rent_now", "3万8せ")
    hanako.phone.open(f"/forms/{draft}/rent")
    assert hanako.phone.press(rent_now="3万8千").status == 303
    assert kept(make_session).typed == {}
    assert kept(make_session).answers == {"rent_now": 38_000}
    type_in(hanako.phone, f"/forms/{draft}/rent/typed", "rent_now", "38000")
    assert kept(make_session).typed == {}, "what stands there already is not kept twice"


def test_a_save_that_comes_after_the_answer_of_its_page_is_not_kept(
    hanako: Somebody, draft: UUID, make_session: Make
) -> None:
    save = where_it_is_kept(hanako.phone.open(f"/forms/{draft}/rent"))
    assert hanako.phone.press(rent_now="38000").status == 303
    answers = kept(make_session).answers
    status, said = type_in(hanako.phone, save, "rent_now", "3800")
    assert (status, said["reason"]) == (409, "answered")
    assert "開きなおして" in said["sentence"]
    assert (kept(make_session).typed, kept(make_session).answers) == ({}, answers)
    again = where_it_is_kept(hanako.phone.open(f"/forms/{draft}/rent"))
    assert type_in(hanako.phone, again, "rent_now", "39000")[0] == 200
    assert kept(make_session).typed == {"rent_now": ["39000"]}


def test_without_a_script_a_wrong_screen_keeps_the_right_answers_and_what_was_typed(
    hanako: Somebody, draft: UUID, make_session: Make
) -> None:
    hanako.phone.open(f"/forms/{draft}/rent")
    assert hanako.phone.press(rent_before="4万", rent_now="たぶん").status == 422
    assert kept(make_session).answers == {"rent_before": 40_000}
    assert kept(make_session).typed == {"rent_now": ["たぶん"]}
    assert hanako.phone.open(f"/forms/{draft}/rent").typed("rent_now") == "たぶん"


def test_a_row_is_kept_as_a_whole_and_a_removed_one_takes_what_is_half_written_with_it(
    hanako: Somebody, make_session: Make
) -> None:
    with make_session.begin() as session:
        jobs = filled.start(session, hanako.who, DutyKind.JOB_SEARCH_REPORT, factories.OCTOBER).id
        form = filled.form_of(DutyKind.JOB_SEARCH_REPORT)
    screen = next(screen for screen in form.screens if screen.rows)
    text = next(question.key for question in screen.questions if question.ask in ("text", "tell"))
    path = f"/forms/{jobs}/{screen.key}"
    assert type_in(hanako.phone, f"{path}/0/typed", text, "みほん商")[0] == 200
    assert kept(make_session).typed == {f"{screen.key}-0-{text}": ["みほん商"]}
    assert type_in(hanako.phone, f"{path}/1/typed", text, "x")[0] == 404, "there is no first one yet"
    assert type_in(hanako.phone, f"{path}/typed", text, "x")[0] == 404
    assert hanako.phone.open(f"{path}/0").typed(text) == "みほん商"
    with make_session.begin() as session:
        filled.write(session, hanako.who, jobs, screen.key, {text: "みほん"}, 0)
        filled.remove_row(session, hanako.who, jobs, screen.key, 0, of=1)
    assert kept(make_session).typed == {}


def test_the_last_look_says_where_something_is_half_written_and_sending_leaves_none_behind(
    hanako: Somebody, make_session: Make
) -> None:
    with make_session.begin() as session:
        row = filled.start(session, hanako.who, DutyKind.MESSAGE, factories.OCTOBER)
        filled.write(session, hanako.who, row.id, "tell", {"tell": "一つめ"})
    type_in(hanako.phone, f"/forms/{row.id}/tell/typed", "tell", "一つめと、もう一")
    page = hanako.phone.open(f"/forms/{row.id}/check")
    assert "書きかけ" in page.text
    assert f"/forms/{row.id}/tell?then=check#tell" in page.links
    hanako.phone.press()
    assert kept(make_session).typed == {}
    assert kept(make_session).answers == {"tell": "一つめ"}


def test_looking_at_a_returned_form_begins_no_version_and_typing_does(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        row = filled.start(session, hanako.who, DutyKind.MESSAGE, factories.OCTOBER)
        filled.write(session, hanako.who, row.id, "tell", {"tell": "こんにちは"})
        intake.send(session, hanako.who, row.id, attempt=uuid4())
    assert type_in(hanako.phone, f"/forms/{row.id}/tell/typed", "tell", "x")[0] == 409
    with make_session.begin() as session:
        row = session.scalars(select(Submission)).one()
        items = [CorrectionItem(value="tell", reason=Reason.OTHER, detail="")]
        row.move(State.IN_REVIEW, MACHINE)
        intake.ask_again(session, row, drafts.sent_version(session, row), items, by=MACHINE)
    for text, newest in (("こんにちは", 1), ("こんにちは。", 2)):
        assert type_in(hanako.phone, f"/forms/{row.id}/tell/typed", "tell", text)[0] == 200
        with make_session() as session:
            assert drafts.latest_version(session, session.scalars(select(Submission)).one()).no == newest


@pytest.mark.parametrize(
    ("path", "question", "value", "status", "reason"),
    [
        ("rent", "rent_now", REAL, 422, "my_number"),
        ("tell", "tell", "番号は６２１４ ９８３２ ０２５７", 422, "my_number"),
        ("tell", "tell", "あ" * 2_001, 422, "too_long"),
        ("rent", "rent_now", "9" * 201, 422, "too_long"),
        ("rent", "what", "rent", 404, "not_there"),
        ("rent", "", "", 404, "not_there"),
        ("nothing", "rent_now", "1", 404, "not_there"),
        ("rent/0", "rent_now", "1", 404, "not_there"),
    ],
)
def test_what_is_not_kept_is_said_and_not_stored(
    hanako: Somebody, draft: UUID, make_session: Make, path: str, question: str, value: str, status: int, reason: str
) -> None:
    answered, said = type_in(hanako.phone, f"/forms/{draft}/{path}/typed", question, value)
    assert (answered, said["reason"]) == (status, reason)
    assert ("sentence" in said) == (status == 422)
    assert kept(make_session).typed == {}


def test_more_values_than_there_are_options_are_not_kept(hanako: Somebody, draft: UUID, make_session: Make) -> None:
    assert type_in(hanako.phone, f"/forms/{draft}/rent/typed", "rent_now", "1", "2")[0] == 422
    assert type_in(hanako.phone, f"/forms/{draft}/what/typed", "what", *"x" * 13)[0] == 422
    assert kept(make_session).typed == {}


def test_somebody_elses_form_is_not_there(hanako: Somebody, jiro: Somebody, draft: UUID, make_session: Make) -> None:
    assert type_in(jiro.phone, f"/forms/{draft}/rent/typed", "rent_now", "1")[0] == 404
    assert kept(make_session).typed == {}


def test_a_my_number_is_warned_of_and_stored_nowhere(
    hanako: Somebody, draft: UUID, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanako.phone.open(f"/forms/{draft}/tell")
    page = hanako.phone.press(tell=f"マイナンバーは {REAL} です")
    assert page.status == 422
    assert "いりません" in page.sentence_at("tell")
    assert (kept(make_session).answers, kept(make_session).typed) == ({}, {})
    hanako.phone.open(f"/forms/{draft}/tell")
    late = clock.now() + timedelta(days=400)
    monkeypatch.setattr(clock, "now", lambda: late)
    assert hanako.phone.press(tell=f"マイナンバーは {REAL} です").place == "/"
    with make_session() as session:
        assert session.scalars(select(ParkedForm)).all() == [], "nor while the person signs in again"
