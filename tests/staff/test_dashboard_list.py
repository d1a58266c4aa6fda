"""Every figure of 係の状況 opens a list that has just what it counts."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, dashboard_list, duties, reasons, review, second_look
from shared.dashboard_list import Of, Wanted
from shared.errors import NotThere
from shared.model import CorrectionItem, Duty, DutyKind, Finding, Member, Reason, Role, StaffMember, State, Submission
from shared.reasons import Sentences, Wording
from shared.rules.figures import median, share
from shared.sign_in import Recipient, Staff
from tests import factories
from tests.staff.conftest import Desk

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """Thursday, 19 November 2026."""
    return evening


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR, name="仮山 百合")


def on(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=clock.TOKYO)


def came(session: Session, worker: Staff, moment: datetime, state: State = State.WAITING) -> Submission:
    with clock.at(moment):
        return factories.submission(session, state, factories.recipient(session, factories.household(session, worker)))


def mixed(session: Session, chief: Staff) -> None:
    """An office with something of everything: held, closed, taken back, withdrawn, left, and a neighbour's."""
    one, two = factories.staff(session), factories.staff(session, name="試田 美紀")
    left = factories.staff(session, name="退職 済み")
    session.get_one(StaffMember, (left.office_id, left.staff_id)).active = False
    second_look.set_rule(session, chief.office_id, 100, date(2026, 11, 19))
    for worker, days in ((one, (2, 5, 9, 13, 18, 19)), (two, (2, 19, 19)), (left, (17,))):
        for day in days:
            came(session, worker, on(day))
    for state in (State.ON_HOLD, State.IN_REVIEW, State.RETURNED, State.ACCEPTED, State.RECEIPTED, State.WITHDRAWN):
        for day in (6, 17):
            came(session, two, on(day), state)
    elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
    for state in (State.WAITING, State.RETURNED):
        came(session, elsewhere, on(17), state)
    _moved(session, came(session, one, on(12)))
    _looked_at_later(session, one)
    _asked(session, chief, one)
    _check_ins(session)
    _second_looks(session, one, chief)
    for month in (8, 9, 10):
        _owes(session, factories.recipient(session), date(2026, month, 1))
    gone = factories.recipient(session)
    _owes(session, gone, date(2026, 9, 1))
    session.get_one(Member, (gone.office_id, gone.member_id)).left_on = date(2026, 10, 1)


def _moved(session: Session, row: Submission) -> None:
    """Who sent it has left since; it still waits."""
    session.get_one(Member, (row.office_id, row.member_id)).left_on = date(2026, 11, 15)


def _looked_at_later(session: Session, worker: Staff) -> None:
    for day, seen in ((13, 16), (13, 18), (18, 18), (16, 19), (2, 19)):
        row = came(session, worker, on(day))
        for hour in (12, 13):
            with clock.at(on(seen, hour)):
                review.claim(session, worker, row.id)
                review.release(session, worker, row.id)


def _asked(session: Session, chief: Staff, worker: Staff) -> None:
    said = {"ja": Sentences("日付を 見せてください", "日付を 見てください")}
    own = reasons.add(session, chief, Wording("<b>日付</b>が100%見えない", said))
    for code, back in ((Reason.DARK, 0), (own, 0), (own, 1), (Reason.OTHER, 100)):
        with clock.at(clock.now() - timedelta(days=back)):
            row = came(session, worker, clock.now())
            review.claim(session, worker, row.id)
            values = {"jobs-0-gross_yen": (code, "金額"), "jobs-0-work_days": (Reason.DIFFERS, "")}
            review.send_back(session, worker, row.id, review.AskAgain(row.revision, uuid4(), values=values))
    row, attempt = came(session, worker, clock.now()), uuid4()
    review.claim(session, worker, row.id)
    values = {"jobs-0-gross_yen": (Reason.DARK, "")}
    review.send_back(session, worker, row.id, review.AskAgain(row.revision, attempt, values=values))
    review.undo(session, worker, row.id, attempt=attempt)


def _check_ins(session: Session) -> None:
    for at in range(9):
        who = factories.recipient(session)
        for month, due in ((date(2026, 9, 1), date(2026, 10, 10)), (date(2026, 10, 1), date(2026, 11, 10))):
            facts = {"household_id": who.household_id, "member_id": who.member_id, "month": month, "due_on": due}
            session.add(Duty(office_id=who.office_id, kind=DutyKind.STATUS_CHECK_IN, **facts))
        if at % 3 == 0:
            row = factories.submission(session, State.RECEIPTED if at else State.WAITING, who)
            row.kind, row.month = DutyKind.STATUS_CHECK_IN, date(2026, 9, 1)
        if at > 5:
            session.get_one(Member, (who.office_id, who.member_id)).left_on = date(2026, 11, 1)


def _second_looks(session: Session, worker: Staff, chief: Staff) -> None:
    rows = []
    for _each in range(4):
        row = came(session, worker, on(19))
        review.claim(session, worker, row.id)
        rows.append((review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4()), row))
    drawn = second_look.waiting(session, chief)
    second_look.look(session, chief, drawn[0].id, Finding.FINE, "", attempt=uuid4())
    second_look.look(session, chief, drawn[1].id, Finding.TALK, "金額を一緒に見たい", attempt=uuid4())
    row, attempt = came(session, worker, on(19)), uuid4()
    review.claim(session, worker, row.id)
    review.accept(session, worker, row.id, seen=row.revision, attempt=attempt)
    review.undo(session, worker, row.id, attempt=attempt)


def _owes(session: Session, who: Recipient, month: date) -> None:
    duties.open_duty(session, factories.office(session), who.household_id, who.member_id, month)


@dataclass(frozen=True)
class Figure:
    """A link on the page, with what it says."""

    said: str
    href: str


def figures(page: str) -> list[Figure]:
    """Tiles, marks of charts and numbers of tables."""
    tiles = re.findall(r'<a class="stat__way" href="([^"]+)">.*?<b>([^<]+)<', page)
    marks = re.findall(r'<a href="([^"]+)" aria-label="[^"]*?([\d]+%?)"><rect', page.replace("\n", ""))
    cells = re.findall(r'<a class="cell" href="([^"]+)">(\d+)</a>', page)
    return [Figure(said, html.unescape(href)) for href, said in tiles + marks + cells]


@dataclass
class Listed:
    """Everything on all pages behind a link."""

    rows: list[str]
    total: int


def listed(desk: Desk, href: str) -> Listed:
    rows: list[str] = []
    totals = set()
    path: str | None = href
    while path:
        page = desk.open(path)
        assert page.status == 200, path
        rows += (
            re.findall(r"<tr(?: class=\"here\")?>.*?</tr>", page.html.partition("<tbody>")[2], re.DOTALL)
            if ("<tbody>" in page.html)
            else []
        )
        if "/owed" in path:
            rows = [row for row in rows if 'href="/households/' in row]
        totals.add(int(re.findall(r"(\d+)件</span>", page.html)[0]))
        following = re.findall(r'<a class="btn" href="([^"]+)">つぎのページ', page.html)
        path = html.unescape(following[0]) if following else None
    (total,) = totals
    return Listed(rows, total)


def test_every_figure_opens_a_list_with_just_what_it_counts(
    enter: Enter, make_session: Make, chief: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard_list, "PAGE", 3)
    with make_session.begin() as session:
        mixed(session, chief)
    desk = enter(chief)
    page = desk.open("/dashboard").html
    found = figures(page)
    kinds = {re.sub(r"=[^&]*", "", one.href.partition("&")[0]) for one in found}
    assert kinds == {"/?scope", "/owed?scope", "/dashboard/list?of"}
    assert len(found) > 60
    for one in found:
        behind = listed(desk, one.href)
        if one.said.endswith("%"):
            answered = sum("届いた</span>" in row for row in behind.rows)
            assert share(answered, len(behind.rows)) == int(one.said[:-1]), one
        elif one.href == "/dashboard/list?of=looked":
            days = [int(re.findall(r"(\d+)開庁日", row)[0]) for row in behind.rows]
            assert median(days) == int(one.said), one
        else:
            assert len(behind.rows) == int(one.said), one
        assert len(behind.rows) == behind.total, one
    assert {one.href for one in found if "of=second" in one.href} == {
        "/dashboard/list?of=second",
        "/dashboard/list?of=second&found=looked",
        "/dashboard/list?of=second&found=fine",
    }


def test_late_is_what_the_tab_calls_so_and_not_what_is_held_or_due_since_a_closed_day(
    enter: Enter, make_session: Make, chief: Staff
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        late, held = came(session, worker, on(2)), came(session, worker, on(2), State.ON_HOLD)
        assert late.look_by == held.look_by == date(2026, 11, 5)
        friday = came(session, worker, on(17))
        friday.look_by = date(2026, 11, 20)
    with clock.at(datetime(2026, 11, 22, 9, tzinfo=clock.TOKYO)):  # a Sunday: Friday's promise is not broken yet
        desk = enter(chief)
        page = desk.open("/dashboard").html
        tiles = dict(re.findall(r'<a class="stat__way" href="([^"]+)">.*?<b>([^<]+)<', page))
        assert tiles["/?scope=all"] == "3"
        assert tiles["/?scope=all&amp;tab=overdue"] == "1"
        tab = desk.open("/?scope=all&tab=overdue").html
    assert str(late.id) in tab
    assert str(held.id) not in tab


def test_a_figure_of_nothing_is_no_link_and_an_address_cut_short_is_no_error(
    enter: Enter, make_session: Make, chief: Staff
) -> None:
    desk = enter(chief)
    assert [one.said for one in figures(desk.open("/dashboard").html)] == ["0", "0", "0", "—"]
    for of in Of:
        page = desk.open(f"/dashboard/list?of={of}&days=99&day=x&month=2026-13-01&kind=x&answered=x&found=x&behind=x_y")
        assert page.status == 200
        assert "ここに数えたものは、いまはありません" in page.html
    for path in ("/dashboard/list", "/dashboard/list?of=everything"):
        assert desk.open(path).status == 404


def test_the_lists_are_the_supervisors_alone_and_name_what_was_asked(
    enter: Enter, make_session: Make, chief: Staff
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        _asked(session, chief, worker)
        for role in set(Role) - {Role.SUPERVISOR}:
            with pytest.raises(NotThere):
                dashboard_list.page(session, factories.staff(session, role), Wanted(Of.AGE), clock.now())
        asked = session.scalar(select(func.count()).select_from(CorrectionItem).where(CorrectionItem.reason == "own_1"))
    page = enter(chief).open("/dashboard/list?of=asked&reason=own_1").html
    assert "補正の理由「&lt;b&gt;日付&lt;/b&gt;が100%見えない」（3か月）" in page
    assert "「金額」" in page
    assert page.count('<a class="who" href="/review/') == asked == 2
