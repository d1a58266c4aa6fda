"""受付簿 on the desk: a day, a page of it, on paper, and a year of it for a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, closing, intake, ledger
from shared.model import LogEntry, Role, State, Submission
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """Thursday, 19 November, 20:12 in Tokyo."""
    return evening


@pytest.fixture
def kaoru(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.CLERK, name="品見 薫")


def sent(make_session: Make, worker: Staff, name: str = "見本　花子", *, protected: bool = False) -> Submission:
    with make_session.begin() as session:
        home = factories.household(session, worker, protected=protected, case_no=uuid4().hex[:6])
        return factories.submission(session, who=factories.recipient(session, home, name=name))


def table(answer: Answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.html.removeprefix("\ufeff"))))


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def lines(answer: Answer) -> list[str]:
    body = answer.html.partition("<tbody>")[2].partition("</tbody>")[0]
    return [plain(row) for row in re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)]


def test_a_day_says_what_came_and_what_became_of_it(
    enter: Enter, make_session: Make, worker: Staff, kaoru: Staff
) -> None:
    first, gone = sent(make_session, worker), sent(make_session, worker, "別野　人子")
    with make_session.begin() as session:
        intake.withdraw(session, factories.recipient_of(session, gone), gone.id, attempt=uuid4())
    page = enter(kaoru).open("/ledger")
    one, other = lines(page)
    assert first.number is not None
    assert first.number in one
    for said in ("20:12:41", "窓口サイト", "見本 花子", "収入申告書 10月分", "確認待ち"):
        assert said in one
    assert "取下げ" in other
    for said in ("2件", "欠番なし", "うち取下げ 1件（番号は残ります）", "まだ締めていません"):
        assert said in plain(page.html)


def test_a_protected_household_stands_there_by_its_number_alone(
    enter: Enter, make_session: Make, worker: Staff, kaoru: Staff
) -> None:
    row = sent(make_session, worker, "隠野　静", protected=True)
    with make_session.begin() as session:
        chief = factories.staff(session, Role.SUPERVISOR)
    for path in ("/ledger", "/ledger/print", "/ledger/list.csv?first=2026-11-19&last=2026-11-19"):
        hers, chiefs = enter(kaoru).open(path), enter(chief).open(path)
        assert str(row.number) in hers.html
        assert ("隠野　静" in hers.html, "隠野　静" in chiefs.html) == (False, True), path
        assert "伏せています" in hers.html


def test_what_comes_after_the_closing_is_in_the_next_days_ledger(
    enter: Enter, make_session: Make, worker: Staff, kaoru: Staff
) -> None:
    early = sent(make_session, worker)
    with make_session.begin() as session:
        closing.close(session, kaoru, clock.today())
    late = sent(make_session, worker)
    desk = enter(kaoru)
    today, tomorrow = desk.open("/ledger"), desk.open("/ledger?day=2026-11-20")
    assert (str(early.number) in today.html, str(late.number) in today.html) == (True, False)
    assert (str(early.number) in tomorrow.html, str(late.number) in tomorrow.html) == (False, True)
    assert "締めました 11/19 20:12" in today.html
    assert "11/19 20:12:41" in lines(tomorrow)[0], "its own day, and its own time"
    assert "前の締めのあとに届いたもの 1件" in tomorrow.html
    assert "届いたものは、11月24日(火)の受付簿に入ります" in desk.open("/ledger?day=2026-11-21").html


def test_page_follows_page_and_paper_has_all_of_it(
    enter: Enter, make_session: Make, worker: Staff, kaoru: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "PAGE", 2)
    numbers = [sent(make_session, worker).number for _ in range(5)]
    desk, path, seen = enter(kaoru), "/ledger", []
    while path:
        page = desk.open(path)
        seen += [line.split()[0] for line in lines(page)]
        assert "5件" in page.html
        following = re.findall(r'href="([^"]+)">つぎのページ', page.html)
        path = following[0].replace("&amp;", "&") if following else ""
    assert seen == numbers
    paper = desk.open("/ledger/print")
    assert [line.split()[0] for line in lines(paper)] == numbers
    assert all(said in paper.html for said in ("ひばり野市福祉事務所", "令和8年11月19日(木)", "5件"))


def test_days_are_taken_out_for_a_spreadsheet_and_that_is_in_the_journal(
    enter: Enter, make_session: Make, worker: Staff, kaoru: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staff.ledger.AT_ONCE", 2)
    with clock.at(clock.now() - timedelta(days=40)):
        old = sent(make_session, worker)
    rows = [sent(make_session, worker, "=cmd()　花子") for _ in range(3)]
    answer = enter(kaoru).open("/ledger/list.csv?first=2026-01-01&last=2026-12-31")
    assert answer.response.data.startswith(b"\xef\xbb\xbf")
    assert answer.response.mimetype == "text/csv"
    assert "attachment" in answer.response.headers["Content-Disposition"]
    head, *found = table(answer)
    assert [row[:2] for row in found] == [
        ["2026-10-10", old.number],
        *(["2026-11-19", row.number] for row in rows),
    ]
    said = dict(zip(head, found[-1], strict=True))
    assert (said["届いた日時"], said["出した人"]) == ("2026-11-19 20:12:41", "'=cmd()　花子")
    assert (said["書類"], said["版"], said["いま"], said["文書番号"]) == ("収入申告書　10月分", "1", "確認待ち", "")
    with make_session() as session:
        entry = session.scalars(select(LogEntry).where(LogEntry.event == "ledger.downloaded")).one()
        assert (entry.actor_id, entry.facts["first"], entry.facts["last"]) == (
            kaoru.staff_id,
            "2026-01-01",
            "2026-12-31",
        )


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-01-01", "2027-01-02", "1年までにしてください"),
        ("2026-11-19", "2026-11-18", "終わりの日が、はじめの日より前です"),
        ("きのう", "2026-11-19", "「2026-11-19」のように書いてください"),
        ("0001-01-01", "2026-11-19", "「2026-11-19」のように書いてください"),
    ],
)
def test_days_that_cannot_be_are_said_at_their_field(
    enter: Enter, kaoru: Staff, make_session: Make, first: str, last: str, said: str
) -> None:
    page = enter(kaoru).open(f"/ledger/list.csv?first={first}&last={last}")
    assert page.status == 422
    assert said in page.html
    assert f'value="{first}"' in page.html
    with make_session() as session:
        assert session.scalars(select(LogEntry.id).where(LogEntry.event == "ledger.downloaded")).all() == []


def test_a_year_may_be_taken_out_whole(enter: Enter, kaoru: Staff) -> None:
    assert enter(kaoru).open("/ledger/list.csv?first=2026-01-01&last=2026-12-31").status == 200


@pytest.mark.parametrize("query", ["day=yesterday", "behind=x", "day=9999-99-99&behind=%00"])
def test_an_address_that_was_cut_short_is_the_usual_page(enter: Enter, kaoru: Staff, query: str) -> None:
    assert enter(kaoru).open(f"/ledger?{query}").status == 200


def test_each_opening_is_in_the_journal(enter: Enter, kaoru: Staff, make_session: Make) -> None:
    desk = enter(kaoru)
    desk.open("/ledger?day=2026-11-18")
    desk.open("/ledger/print")
    with make_session() as session:
        found = session.execute(
            select(LogEntry.event, LogEntry.facts).where(LogEntry.event.like("ledger.%")).order_by(LogEntry.seq)
        ).all()
    assert [(event, facts["day"]) for event, facts in found] == [
        ("ledger.viewed", "2026-11-18"),
        ("ledger.printed", "2026-11-19"),
    ]


def test_another_office_is_not_there(enter: Enter, make_session: Make, worker: Staff) -> None:
    row = sent(make_session, worker)
    with make_session.begin() as session:
        other = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    assert str(row.number) not in enter(other).open("/ledger").html


def test_a_line_says_the_state_that_holds_now(enter: Enter, make_session: Make, worker: Staff, kaoru: Staff) -> None:
    with make_session.begin() as session:
        for state in set(State) - {State.DRAFT}:
            factories.submission(session, state)
    assert len(lines(enter(kaoru).open("/ledger/print"))) == len(State) - 1


def test_the_days_before_and_after_are_a_step_away(enter: Enter, kaoru: Staff) -> None:
    page = enter(kaoru).open("/ledger?day=2026-11-19")
    for day in (date(2026, 11, 18), date(2026, 11, 20)):
        assert f'href="/ledger?day={day.isoformat()}"' in page.html
