"""提出待ち: who owes what, since when, and who may see it."""

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

from shared import clock, duties, intake, office_days, owed
from shared.model import Duty, DutyKind, Household, LogEntry, Member, Role, Situation
from shared.owed import Wanted
from shared.queue import Scope
from shared.sign_in import Recipient, Staff
from tests import factories
from tests.staff.conftest import Answer, Desk

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """19 November: what was due on 28 October is late, what is due on 30 November is not."""
    return evening


def owes(
    session: Session, worker: Staff, *months: date, name: str = "見本　花子", protected: bool = False, case_no: str = ""
) -> Recipient:
    home = factories.household(session, worker, protected=protected, case_no=case_no or uuid4().hex[:6])
    who = factories.recipient(session, home, name=name)
    for month in months:
        duties.open_duty(session, factories.office(session), home.id, who.member_id, month)
    return who


def lines(answer: Answer) -> list[str]:
    """The rows of the big table, as text."""
    body = answer.html.partition('id="owed"')[2]
    found = re.findall(r"<tr>(.*?)</tr>", body.partition("<tbody>")[2], flags=re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]


def table(answer: Answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.html.removeprefix("\ufeff"))))


def test_the_longest_due_stands_first_and_says_since_when(enter: Enter, make_session: Make, worker: Staff) -> None:
    with make_session.begin() as session:
        who = owes(session, worker, OCTOBER, SEPTEMBER, case_no="110022")
        factories.draft(session, who, OCTOBER)
    first, second = lines(enter(worker).open("/owed"))
    assert "見本 花子" in first
    assert "ケース番号 110022" in first
    assert "収入申告書 9月分" in first
    assert "10月28日(水)" in first
    assert "15開庁日すぎ" in first, "22 days less three weekends and 文化の日"
    assert "まだ何も" in first
    assert "収入申告書 10月分 11月30日(月) 書きかけ" in second


def test_what_has_come_is_no_longer_waited_for_and_what_was_taken_back_is(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    with make_session.begin() as session:
        who = owes(session, worker, OCTOBER)
        row = intake.send(session, who, factories.draft(session, who, OCTOBER).id, attempt=uuid4())
    desk = enter(worker)
    assert "待っているものはありません" in desk.open("/owed").html
    with make_session.begin() as session:
        intake.withdraw(session, who, row.id, attempt=uuid4())
    (line,) = lines(desk.open("/owed"))
    assert "11/19 20:12" in line, "when she was last heard of"


def test_ones_own_households_first_then_all_but_never_a_strangers_protected_one(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    with make_session.begin() as session:
        colleague, chief = factories.staff(session, name="試田 美紀"), factories.staff(session, Role.SUPERVISOR)
        owes(session, worker, SEPTEMBER, name="自分　守", protected=True)
        owes(session, colleague, SEPTEMBER, name="別野　人子")
        owes(session, colleague, SEPTEMBER, name="隠野　静", protected=True)
    hers = enter(worker)
    assert [line.split("ケース")[0].strip() for line in lines(hers.open("/owed"))] == ["自分 守"]
    for path in ("/owed?scope=all", "/owed/list.csv?scope=all"):
        html = hers.open(path).html
        assert ("自分　守" in html, "別野　人子" in html, "隠野　静" in html) == (True, True, False), path
    everything = enter(chief).open("/owed").html
    assert all(name in everything for name in ("自分　守", "別野　人子", "隠野　静"))
    assert "担当 試田 美紀" in everything


def test_a_kind_or_what_is_overdue_alone_may_be_looked_at(enter: Enter, make_session: Make, worker: Staff) -> None:
    with make_session.begin() as session, clock.at(clock.now() - timedelta(days=78)):
        home = factories.household(session, worker)
        factories.recipient(session, home, situation=Situation.SEEKING)
        duties.begin(session, factories.office(session), date(2025, 4, 1))
    with make_session.begin() as session:
        duties.open_due(session, worker.office_id, clock.today())
    desk = enter(worker)
    assert len(lines(desk.open("/owed"))) == 4
    jobs = lines(desk.open("/owed?kind=job_search_report"))
    assert [("仕事さがしの報告" in line, "収入申告書" in line) for line in jobs] == [(True, False)] * 2
    late = lines(desk.open("/owed?overdue=yes"))
    assert [("9月分" in line, "開庁日すぎ" in line) for line in late] == [(True, True)] * 2
    page = desk.open("/owed?scope=elsewhere&kind=nothing&overdue=perhaps&behind=somewhere")
    assert (page.status, len(lines(page))) == (200, 4), "words it does not know are the usual choice"


def test_whom_a_paper_is_about_is_told_and_who_has_left_owes_nothing(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    with make_session.begin() as session, clock.at(clock.now() - timedelta(days=40)):
        who = owes(session, worker)
        facts = {"name": "見本　太郎", "kana": "みほん　たろう", "is_head": False, "situation": Situation.WORKING}
        session.add(Member(office_id=who.office_id, household_id=who.household_id, **facts))
        duties.begin(session, factories.office(session), date(2025, 4, 1))
    with make_session.begin() as session:
        duties.open_month(session, who.office_id, OCTOBER)
    desk = enter(worker)
    assert [("見本 花子" in line, "だれの分：見本 太郎" in line) for line in lines(desk.open("/owed"))] == [
        (True, True)
    ]
    with make_session.begin() as session:
        duties.leave(session, session.get_one(Member, (who.office_id, who.member_id)), date(2026, 11, 1))
    assert lines(desk.open("/owed")) == []


def test_days_the_office_was_closed_do_not_count_as_late(enter: Enter, make_session: Make, worker: Staff) -> None:
    with make_session.begin() as session:
        owes(session, worker, SEPTEMBER)
        with clock.at(datetime(2026, 10, 1, 9, tzinfo=clock.TOKYO)):
            for day in (29, 30):
                office_days.close(session, worker.office_id, date(2026, 10, day), "庁舎の点検")
    assert "13開庁日すぎ" in lines(enter(worker).open("/owed"))[0]


def test_page_follows_page_and_nobody_is_left_out_or_told_twice(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    many = owed.PAGE * 2 + 3
    with make_session.begin() as session:
        for at in range(many):
            owes(session, worker, SEPTEMBER if at % 2 else OCTOBER, name=f"見本　{at:03}")
    desk, path, seen = enter(worker), "/owed", []
    sizes = []
    while path:
        page = desk.open(path)
        assert f"{many}件" in page.html
        found = lines(page)
        sizes.append(len(found))
        seen += [line.split("ケース")[0].strip() for line in found]
        nexts = re.findall(r'href="([^"]+)">つぎのページ', page.html)
        path = nexts[0].replace("&amp;", "&") if nexts else ""
    assert sizes == [owed.PAGE, owed.PAGE, 3]
    assert sorted(seen) == [f"見本 {at:03}" for at in range(many)]


def test_the_supervisor_sees_how_much_each_caseworker_waits_for(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    with make_session.begin() as session:
        chief, colleague = factories.staff(session, Role.SUPERVISOR), factories.staff(session, name="試田 美紀")
        for _ in range(2):
            owes(session, colleague, SEPTEMBER)
        owes(session, worker, OCTOBER)
        elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id, name="他所 遠")
        owes_elsewhere = owes(session, elsewhere)
        duties.open_duty(
            session, factories.office(session, "XX"), owes_elsewhere.household_id, owes_elsewhere.member_id, SEPTEMBER
        )
        assert [(load.caseworker, load.owed, load.overdue) for load in owed.loads(session, chief, clock.today())] == [
            ("試田 美紀", 2, 2),
            ("例野 太郎", 1, 0),
        ]
    html = enter(chief).open("/owed").html
    assert "担当ごとの件数" in html
    assert "他所 遠" not in html
    assert "担当ごとの件数" not in enter(worker).open("/owed").html


def test_the_list_can_be_taken_along_and_that_is_in_the_journal(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    with make_session.begin() as session:
        owes(session, worker, SEPTEMBER, OCTOBER, name="=cmd()　花子", case_no="110022")
    answer = enter(worker).open("/owed/list.csv?overdue=yes")
    assert answer.response.mimetype == "text/csv"
    assert answer.response.data.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.response.headers["Content-Disposition"]
    head, row = table(answer)
    assert dict(zip(head, row, strict=True)) == {
        "ケース番号": "110022",
        "氏名": "'=cmd()　花子",
        "だれの分": "'=cmd()　花子",
        "書類": "収入申告書　9月分",
        "期限": "2026-10-28",
        "遅れ（開庁日）": "15",
        "書きかけ": "",
        "最後に届いた": "",
        "担当": "例野 太郎",
    }
    with make_session() as session:
        entry = session.scalars(select(LogEntry).where(LogEntry.event == "owed.downloaded")).one()
        assert (entry.actor_id, entry.facts) == (worker.staff_id, {"count": 1, "scope": "mine", "overdue": "yes"})


def test_a_list_says_the_same_as_the_persons_own_page(make_session: Make, worker: Staff) -> None:
    """Both read one condition: what the office waits for is what she is asked for."""
    with make_session.begin() as session, clock.at(clock.now() - timedelta(days=300)):
        people = [
            factories.recipient(session, factories.household(session, worker), situation=one) for one in Situation
        ]
        duties.begin(session, factories.office(session), date(2025, 4, 1))
    with make_session.begin() as session:
        for month in range(2, 11):
            duties.open_month(session, worker.office_id, date(2026, month, 1))
        for who in people[:2]:
            intake.send(session, who, factories.draft(session, who, SEPTEMBER).id, attempt=uuid4())
        today = clock.today()
        hers = [(who.household_id, row.kind, row.due_on) for who in people for row in duties.to_do(session, who, today)]
        rows = owed.owed(session, worker, Wanted(Scope.MINE), today, most=None)
        by_case = {row.case_no: row.id for row in session.execute(select(Household.case_no, Household.id))}
        assert sorted((by_case[row.case_no], row.kind, row.due_on) for row in rows) == sorted(hers)
        assert len(rows) == owed.count(session, worker, Wanted(), today) > len(list(DutyKind))
        assert len(rows) < len(session.scalars(select(Duty)).all())
