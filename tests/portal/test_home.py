"""今月やること: what is asked for, until when, and what is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, duties, intake, office_days
from shared.model import DutyKind, FileState, Member, Situation, State, Submission
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


def opened(make_session: Make, one: Somebody, situation: Situation, month: date = OCTOBER) -> None:
    """Let her be in the office since last year, in this situation, and let the rules open a month."""
    with make_session.begin() as session:
        member = session.get_one(Member, (one.who.office_id, one.who.member_id))
        member.created_at, member.situation = clock.now() - timedelta(days=400), situation
        duties.begin(session, factories.office(session), date(2025, 4, 1))
        session.flush()
        duties.open_month(session, one.who.office_id, month)


@pytest.mark.parametrize(
    ("situation", "month", "reasons"),
    [
        (Situation.WORKING, OCTOBER, ["働いている人は、毎月出します。"]),
        (Situation.SEEKING, OCTOBER, ["仕事をさがしている人は、毎月出します。"] * 2),
        (Situation.OTHER, date(2026, 3, 1), ["働いていない人も、年に1回出します。", "どの世帯も、年に1回出します。"]),
    ],
)
def test_what_is_due_says_why(
    hanako: Somebody, make_session: Make, situation: Situation, month: date, reasons: list[str]
) -> None:
    opened(make_session, hanako, situation, month)
    text = hanako.phone.open("/home").text
    assert [text.count(reason) for reason in reasons] == [reasons.count(reason) for reason in reasons]
    assert "だれの分" not in text, "it is hers alone"


@pytest.mark.parametrize(
    ("own", "every", "reason"),
    [
        (False, 3, "働いている人は、3か月ごとに出します。"),
        (False, 12, "働いている人は、年に1回出します。"),
        (True, 2, "2か月ごとに、出すことになっています。"),
    ],
)
def test_a_rule_the_office_has_set_is_told_as_it_is(
    hanako: Somebody, make_session: Make, own: bool, every: int, reason: str
) -> None:
    november = date(2026, 11, 1)
    with make_session.begin() as session:
        duties.set_rule(
            session,
            hanako.who.office_id,
            DutyKind.STATUS_CHECK_IN,
            Situation.WORKING,
            every_months=every,
            from_month=november,
            due_day=10,
            first_month=11,
            household_id=hanako.who.household_id if own else None,
        )
    opened(make_session, hanako, Situation.WORKING, november)
    assert reason in hanako.phone.open("/home").text


def test_what_is_asked_for_by_hand_says_who_asks(hanako: Somebody, make_session: Make) -> None:
    due(make_session, hanako)
    assert "役所が、この分をおねがいしています" in hanako.phone.open("/home").text


def test_the_head_sees_for_whom_in_the_household_she_sends(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        facts = {"name": "見本　太郎", "kana": "みほん　たろう", "is_head": False, "situation": Situation.WORKING}
        session.add(Member(office_id=hanako.who.office_id, household_id=hanako.who.household_id, **facts))
        session.flush()
    opened(make_session, hanako, Situation.OTHER)
    text = hanako.phone.open("/home").text
    assert "だれの分：見本　太郎さん" in text
    assert "働いている人は、毎月出します" in text


def test_the_next_payment_day_is_told_if_the_office_has_said_it(hanako: Somebody, make_session: Make) -> None:
    assert "支給日" not in hanako.phone.open("/home").text
    with make_session.begin() as session:
        office_days.set_rule(session, hanako.who.office_id, date(2026, 11, 1), pay_day=5)
    assert "つぎの支給日　12月4日(金)" in hanako.phone.open("/home").text, "the 5th is a Saturday"


def with_files(make_session: Make, one: Somebody, states: list[FileState], month: date = OCTOBER) -> Submission:
    """A report that was sent with one file for each state."""
    with make_session.begin() as session:
        row = factories.draft(session, one.who, month)
        for at, state in enumerate(states):
            file = factories.file(session, one.who, row, name=f"明細{at}.jpg")
            if state is FileState.SAFE:
                factories.make_safe(session, file)
            elif state is FileState.REFUSED:
                file.move(FileState.REFUSED, because="locked")
        intake.send(session, one.who, row.id, attempt=uuid4())
        return row


def test_what_was_sent_before_says_how_each_file_stands(hanako: Somebody, make_session: Make) -> None:
    with_files(make_session, hanako, [FileState.SAFE, FileState.SAFE, FileState.RECEIVED])
    with_files(make_session, hanako, [FileState.REFUSED, FileState.SAFE], date(2026, 9, 1))
    for path in ("/home", "/sent"):
        text = hanako.phone.open(path).text
        assert "ファイル2つ　届きました" in text, path
        assert "ファイル1つ　届きました。中を確かめています" in text, path
        assert "明細0.jpg　届きましたが、開けません。鍵（パスワード）がかかっていて" in text, path
    page = hanako.phone.open("/home")
    assert "前に出したもの" in page.text
    assert "/sent" in page.links


def test_a_file_that_was_taken_out_again_is_not_told_of(hanako: Somebody, make_session: Make) -> None:
    row = with_files(make_session, hanako, [FileState.REFUSED, FileState.SAFE])
    with make_session.begin() as session:
        version = drafts.sent_version(session, row)
        refused = next(file for file in drafts.files_of(session, version) if file.state is FileState.REFUSED)
        drafts.remove(session, hanako.who, row.id, refused.id)
        intake.send(session, hanako.who, row.id, attempt=uuid4())
    assert "開けません" not in hanako.phone.open("/home").text


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The statements the app sends to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    engine = app.extensions["madoguchi"].engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def test_however_much_was_sent_the_pages_ask_the_database_as_often(
    app: Flask, hanako: Somebody, make_session: Make
) -> None:
    asked: dict[str, list[int]] = {"/home": [], "/sent": []}
    months = [date(2026, month, 1) for month in range(1, 11)]
    for some in (months[:3], months[3:]):
        for at, month in enumerate(some):
            due(make_session, hanako, month)
            if at:
                with_files(make_session, hanako, [FileState.REFUSED if at % 2 else FileState.SAFE], month)
        for path, counts in asked.items():
            with counted(app) as sent:
                assert hanako.phone.open(path).status == 200
            counts.append(len(sent))
    assert asked["/home"][0] == asked["/home"][1] <= 13
    assert asked["/sent"][0] == asked["/sent"][1] <= 6
