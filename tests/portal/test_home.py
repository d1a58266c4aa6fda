"""今月やること: what is asked for, until when, and what is done."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from shared import duties
from shared.model import State, Submission
from tests import factories
from tests.factories import OCTOBER
from tests.portal.phone import Somebody

Make = sessionmaker[Session]


def due(make_session: Make, one: Somebody, month: date = OCTOBER) -> None:
    with make_session.begin() as session:
        office = factories.office(session)
        duties.open_duty(session, office, one.who.household_id, one.who.member_id, month)


def brought_to(make_session: Make, one: Somebody, state: State) -> Submission:
    with make_session.begin() as session:
        return factories.submission(session, state, one.who)


def test_where_nothing_is_due_the_page_says_so_and_offers_the_way(hanako: Somebody) -> None:
    page = hanako.phone.open("/home")
    assert page.heading == "今月やることは、ありません"
    assert "/forms/income_report/new" in page.links


def test_what_is_due_stands_there_with_its_day_and_one_button(hanako: Somebody, make_session: Make) -> None:
    due(make_session, hanako)
    page = hanako.phone.open("/home")
    assert page.heading == "今月やること　1つ"
    assert "収入申告書　10月分" in page.text
    assert "11月30月曜まで" in page.text.replace(" ", "")
    assert "/forms/income_report/new?month=2026-10" in page.links


def test_what_was_begun_goes_on_where_it_was(hanako: Somebody, make_session: Make) -> None:
    due(make_session, hanako)
    draft = brought_to(make_session, hanako, State.DRAFT)
    page = hanako.phone.open("/home")
    assert "途中まで書いてあります" in page.text
    assert "12個のうち 12個" in page.text
    assert hanako.path(draft.id, "check") in page.links


def test_a_late_report_is_still_welcome(hanako: Somebody, make_session: Make) -> None:
    due(make_session, hanako, date(2026, 8, 1))
    assert "期限をすぎましたが、まだ出せます" in hanako.phone.open("/home").text


def test_what_is_asked_for_again_comes_first(hanako: Somebody, make_session: Make) -> None:
    due(make_session, hanako, date(2026, 9, 1))
    returned = brought_to(make_session, hanako, State.RETURNED)
    page = hanako.phone.open("/home")
    assert page.heading == "今月やること　2つ"
    assert page.text.index("なおしてください") < page.text.index("9月分")
    assert "届いたことは、記録されています" in page.text
    assert f"/correct/{returned.id}" in page.links


def test_what_was_sent_is_done_and_no_longer_due(hanako: Somebody, make_session: Make) -> None:
    due(make_session, hanako)
    sent = brought_to(make_session, hanako, State.WAITING)
    page = hanako.phone.open("/home")
    assert page.heading == "今月やることは、ありません"
    assert sent.number is not None
    assert sent.number in page.text
    assert f"/sent/{sent.id}" in page.links


def test_nobody_sees_what_is_anothers(hanako: Somebody, jiro: Somebody, make_session: Make) -> None:
    due(make_session, hanako)
    ids: list[UUID] = [brought_to(make_session, hanako, state).id for state in (State.DRAFT, State.RETURNED)]
    for path in ("/home", "/sent"):
        page = jiro.phone.open(path)
        assert page.status == 200
        assert "見本" not in page.html
        assert not [id_ for id_ in ids if str(id_) in page.html]
