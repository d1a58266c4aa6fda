"""締め on the desk: the word about it, the button, the sheet, the days that were left, and the usual time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, closing
from shared.errors import LogBroken
from shared.model import ClosingTime, DayClosing, Role
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import issued, set_out
from tests.staff.test_ledger import plain, sent
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
TODAY = "/closing/2026-11-19"


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """Thursday, 19 November, 20:12 in Tokyo."""
    return evening


@pytest.fixture
def kaoru(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.CLERK, name="品見 薫")


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR, name="仮山 百合")


def test_the_clerks_desk_says_when_and_whether_it_is_done(enter: Enter, kaoru: Staff) -> None:
    desk = enter(kaoru)
    assert "締め 17:15" in desk.open("/receipts").html
    assert desk.press("/closing", TODAY).place == TODAY
    assert "本日は20:12に締めました" in desk.open("/receipts").html


def test_the_page_says_what_the_day_has_come_to_and_the_sheet_says_the_same(
    enter: Enter, make_session: Make, kaoru: Staff, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        receipt = issued(session, scene, kaoru)
    other = sent(make_session, scene.worker)
    desk = enter(kaoru)
    before = plain(desk.open("/closing").html)
    assert f"届いたもの 2件 {scene.number} から {other.number}" in before
    assert f"受領証 1件 {receipt.document_no} から {receipt.document_no}" in before
    page = desk.open(desk.press("/closing", TODAY).place)
    sheet = plain(page.html)
    for said in (
        "11月19日(木)を締めました",
        f"{scene.number} 〜 {other.number}",
        f"{receipt.document_no} 〜 {receipt.document_no}",
        "2件（窓口サイト 2件） うち取下げ 0件",
        "収入申告書 2件",
        "欠番 なし",
        "締めた職員 品見 薫",
        "締めた日時 令和8年11月19日(木)20時12分41秒",
        "ひばり野市福祉事務所",
        "電子署名を作っています",
    ):
        assert said in sheet, said
    with make_session() as session:
        row = session.scalars(select(DayClosing)).one()
    assert row.root in sheet.replace(" ", "")
    assert row.digest in sheet.replace(" ", "")
    content = desk.open(f"{TODAY}/sheet.json").response.data
    assert hashlib.sha256(content).hexdigest() == row.digest
    assert json.loads(content)["root"] == row.root


def test_a_double_tap_and_a_second_clerk_close_it_once(
    enter: Enter, make_session: Make, worker: Staff, kaoru: Staff
) -> None:
    with make_session.begin() as session:
        other = factories.staff(session, Role.CLERK)
    mine, hers = enter(kaoru), enter(other)
    pages = mine.open("/closing"), hers.open("/closing")
    assert [mine.send(pages[0], TODAY).place for _tap in range(2)] == [TODAY] * 2
    sent(make_session, worker)
    assert hers.send(pages[1], TODAY).place == TODAY
    page = plain(hers.open(TODAY).html)
    assert "もう締めてありました" in page
    assert "締めた職員 品見 薫" in page
    with make_session() as session:
        assert session.scalars(select(DayClosing.arrivals)).all() == [0]


def test_the_signature_is_a_download_when_the_worker_has_made_it(
    enter: Enter, make_session: Make, kaoru: Staff
) -> None:
    desk = enter(kaoru)
    desk.press("/closing", TODAY)
    assert desk.open(f"{TODAY}/sheet.p7s").status == 404
    with make_session.begin() as session:
        row = session.scalars(select(DayClosing)).one()
        closing.sign(session, row.office_id, row.id, b"what the seal made")
    assert f'href="{TODAY}/sheet.p7s"' in desk.open(TODAY).html
    answer = desk.open(f"{TODAY}/sheet.p7s").response
    assert (answer.data, answer.mimetype) == (b"what the seal made", "application/pkcs7-signature")


def test_a_day_that_was_left_is_said_and_can_be_closed_later(
    enter: Enter, make_session: Make, worker: Staff, kaoru: Staff
) -> None:
    with clock.at(clock.now() - timedelta(days=2)), make_session.begin() as session:
        closing.close(session, kaoru, clock.today())
    with clock.at(clock.now() - timedelta(days=1)):
        left = sent(make_session, worker)
    today = sent(make_session, worker)
    desk = enter(kaoru)
    assert "締めていない日が1日あります" in desk.open("/receipts").html
    page = desk.open("/closing")
    assert 'href="/closing?day=2026-11-18"' in page.html
    assert "締めていません" in page.html
    yesterday = "/closing/2026-11-18"
    assert desk.press("/closing?day=2026-11-18", yesterday).place == yesterday
    sheet = plain(desk.open(yesterday).html)
    assert f"{left.number} 〜 {left.number}" in sheet
    assert "締めた日時 令和8年11月19日(木)20時12分41秒" in sheet
    assert "あとの日に締めた" in sheet
    assert str(today.number) not in sheet
    assert "締めていない日" not in desk.open("/receipts").html


def test_a_day_before_a_closed_one_and_one_to_come_cannot_be_closed(
    enter: Enter, make_session: Make, kaoru: Staff
) -> None:
    desk = enter(kaoru)
    page = desk.open("/closing")
    desk.send(page, TODAY)
    for day in ("2026-11-18", "2026-11-20"):
        answer = desk.post(f"/closing/{day}", page.form(TODAY).fields)
        assert answer.place == "/closing"
        assert "は締められません" in desk.open("/closing").html.replace("もう", "")
        assert "を締める" not in desk.open(f"/closing?day={day}").html
    assert desk.post("/closing/tomorrow", page.form(TODAY).fields).status == 404
    assert desk.open("/closing/2026-11-18").status == 404
    with make_session() as session:
        assert len(session.scalars(select(DayClosing.id)).all()) == 1


def test_a_supervisor_looks_and_does_not_close(enter: Enter, kaoru: Staff, chief: Staff) -> None:
    enter(kaoru).press("/closing", TODAY)
    desk = enter(chief)
    page = desk.open("/closing")
    assert [form.action for form in page.forms if form.action.startswith("/closing")] == ["/closing/time"]
    assert "品見 薫" in desk.open(TODAY).html
    assert desk.post(TODAY, page.form("/closing/time").fields).status == 403


def test_the_month_lists_its_closings(enter: Enter, make_session: Make, worker: Staff, kaoru: Staff) -> None:
    row = sent(make_session, worker)
    desk = enter(kaoru)
    desk.press("/closing", TODAY)
    month = plain(desk.open("/closing?month=2026-11").html)
    assert f"11月19日(木) 11/19 20:12 品見 薫 1 {row.number} から {row.number} 0 0" in month
    assert "この月に締めた日は、まだありません" in desk.open("/closing?month=2026-10").html
    assert desk.open("/closing?month=next&day=never").status == 200


def test_the_usual_time_is_set_from_a_day_on(enter: Enter, make_session: Make, kaoru: Staff, chief: Staff) -> None:
    desk, form = enter(chief), "/closing/time"
    assert desk.send(desk.open("/closing"), form, at="１６：３０", from_day="2026-11-19").place == "/closing"
    assert "締め 16:30" in enter(kaoru).open("/receipts").html
    again = desk.send(desk.open("/closing"), form, at="16:00", from_day="2026-11-19")
    assert again.status == 422
    assert "もう決まっています" in again.html
    for at, day, said in (
        ("25:00", "2026-11-20", "時刻を「17:15」のように書いてください"),
        ("", "2026-11-20", "時刻を書いてください"),
        ("16:00", "2026-11-18", "すぎた日付です"),
        ("16:00", "あした", "日付を「2027-04-01」のように書いてください"),
    ):
        wrong = desk.send(desk.open("/closing"), form, at=at, from_day=day)
        assert (wrong.status, said in wrong.html, f'value="{at}"' in wrong.html) == (422, True, True), said
    with make_session() as session:
        assert [f"{row.at:%H:%M}" for row in session.scalars(select(ClosingTime))] == ["16:30"]


def test_another_offices_day_is_not_there(enter: Enter, make_session: Make, kaoru: Staff) -> None:
    enter(kaoru).press("/closing", TODAY)
    with make_session.begin() as session:
        other = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    desk = enter(other)
    assert desk.open(TODAY).status == 404
    assert "本日は" not in desk.open("/receipts").html


def test_a_journal_that_cannot_be_followed_is_said_and_nothing_is_closed(
    enter: Enter, make_session: Make, kaoru: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> None:
        raise LogBroken(7)

    monkeypatch.setattr("shared.log_tree.head", broken)
    desk = enter(kaoru)
    assert desk.press("/closing", TODAY).place == "/closing"
    assert "記録のつながりが切れています" in desk.open("/closing").html
    with make_session() as session:
        assert session.scalars(select(DayClosing.id)).all() == []


def test_every_sheet_has_room_for_two_seals_and_one_heading(enter: Enter, kaoru: Staff) -> None:
    desk = enter(kaoru)
    page = desk.open(desk.press("/closing", TODAY).place)
    assert len(re.findall("<h1", page.html)) == 1
    assert re.search(r'class="push seals"><span>[^<]+</span><span>[^<]+</span>', page.html)
