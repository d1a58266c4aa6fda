"""The caseworker's queue with a mouse, with keys and without a script: what needs a human stands first and says why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from playwright.sync_api import Page, expect
from sqlalchemy import select

from shared import clock, filled, intake
from shared.model import DutyKind, StaffMember
from shared.rules.forms.check_in import CHECK_IN
from shared.rules.forms.form import Ask
from shared.session import sessions
from shared.sign_in import Staff
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, PHONE, Town
from tests.journeys.desk import Desk

ONE_DATABASE = True  # what differs between the databases stands in tests/shared


def wait_at_the_desk(town: Town) -> None:
    """A check-in with a danger, one that asks for a call, a message, and a report that is late."""
    calm = {
        question.key: question.options[0].key
        for screen in CHECK_IN.screens
        for question in screen.questions
        if question.ask is Ask.CHOICE
    }
    month = clock.today().replace(day=1)
    with sessions(town.engine).begin() as session:
        row = session.scalars(select(StaffMember).where(StaffMember.login == "reino")).one()
        worker = Staff(row.office_id, uuid4(), row.id, row.name, row.role)
        people = [
            factories.recipient(
                session, factories.household(session, worker, case_no=f"20000{at}"), name=name, kana=kana
            )
            for at, (name, kana) in enumerate(
                [
                    ("仮名　ヨシ", "かめい　よし"),
                    ("架空　みつ", "かくう　みつ"),
                    ("空野　ハル", "そらの　はる"),
                    ("試野　緑", "しの　みどり"),
                ]
            )
        ]
        with clock.at(clock.now() - timedelta(days=20)):
            factories.submission(session, who=people[3])
        written = [
            (people[0], DutyKind.STATUS_CHECK_IN, calm | {"meals": "none"}),
            (people[1], DutyKind.STATUS_CHECK_IN, calm | {"call": "yes"}),
            (people[2], DutyKind.MESSAGE, {"tell": "ボーナスはいつ書きますか。"}),
        ]
        for who, kind, answers in written:
            draft = filled.start(session, who, kind, month)
            filled.write_whole(session, who, draft.id, answers)
            intake.send(session, who, draft.id, attempt=uuid4())


def test_what_needs_a_human_stands_first_and_says_why(town: Town, desk: Desk, open_page: Callable[..., Page]) -> None:
    wait_at_the_desk(town)
    desk.sign_in("reino", PASSWORD)
    desk.page.goto(desk.url)
    names = desk.page.locator("a.who")
    expect(names).to_have_text(["仮名　ヨシ", "架空　みつ", "空野　ハル", "試野　緑"])
    for at, why in enumerate(["すぐに見てほしい答え", "電話してほしい", "返事待ち", "見る期限をすぎた"]):
        expect(desk.waiting().nth(at)).to_contain_text(why)
    found = looking.faults(desk.page, "desk-queue")
    desk.page.keyboard.press("1")
    expect(names).to_have_text(["試野　緑"])
    expect(desk.page.locator(".tabs [aria-current]")).to_have_text("期限超過 1")
    found += looking.faults(desk.page, "desk-queue-overdue")
    desk.page.keyboard.press("5")
    expect(names).to_have_count(4)
    desk.page.wait_for_load_state()  # the rows stand there before the script of the keys has run
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("ソラノ")
    desk.page.keyboard.press("Enter")
    expect(names).to_have_text(["空野　ハル"])
    found += looking.faults(desk.page, "desk-queue-sought")
    desk.page.get_by_role("link", name="しぼりこみをやめる").click()
    expect(names).to_have_count(4)
    desk.page.wait_for_load_state()
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("j")
    expect(names.nth(1)).to_be_focused()

    desk.page.keyboard.press("n")
    expect(desk.page.locator("main")).to_contain_text("あなたが対応中")
    expect(desk.page.locator("h1")).to_contain_text("仮名　ヨシ")

    small = Desk(open_page(PHONE), town.staff)
    small.sign_in("reino", PASSWORD)
    small.page.goto(small.url)
    found += looking.faults(small.page, "desk-queue-small")
    assert found == []


def test_the_queue_needs_no_script(town: Town, open_page: Callable[..., Page]) -> None:
    wait_at_the_desk(town)
    desk = Desk(open_page(DESK, script=False), town.staff)
    desk.sign_in("reino", PASSWORD)
    desk.page.goto(desk.url)
    desk.page.locator("#q").fill("200001")
    desk.press("表示")
    expect(desk.page.locator("a.who")).to_have_text(["架空　みつ"])
    expect(desk.page.locator("kbd:visible")).to_have_count(0)
    desk.page.get_by_role("link", name="期限超過").click()
    expect(desk.page.locator("main")).to_contain_text("この条件で待っているものはありません")
    desk.page.get_by_role("link", name="しぼりこみをやめる").last.click()
    expect(desk.page.locator("a.who")).to_have_text(["試野　緑"])
    desk.press("つぎの1件を開く")
    expect(desk.page.locator("main")).to_contain_text("あなたが対応中")
