"""Deciding with single keys, pressed on a real keyboard in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from shared import intake
from shared.model import Household, Member, PortalAccount, StaffMember, State, Submission
from shared.session import sessions
from shared.sign_in import Recipient
from tests import factories
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk

ONE_DATABASE = True  # keys know no database


@pytest.fixture
def items(town: Town) -> list[str]:
    """Two items of 例野 太郎 that wait, the longer waiting first; each with two papers."""
    with sessions(town.engine).begin() as session:
        home = session.scalars(select(Household).where(Household.case_no == "100001")).one()
        ids = []
        for name in ("一野　花子", "二野　花子"):
            member = Member(office_id=home.office_id, household_id=home.id, name=name, kana="みほん", is_head=False)
            session.add(member)
            session.flush()
            account = PortalAccount(office_id=home.office_id, member_id=member.id)
            session.add(account)
            session.flush()
            who = Recipient(home.office_id, uuid4(), account.id, member.id, home.id, name, False, False)
            row = factories.draft(session, who)
            for paper in ("給与明細 1.pdf", "給与明細 2.pdf"):
                factories.make_safe(session, factories.file(session, who, row, name=paper))
            intake.send(session, who, row.id, attempt=uuid4())
            ids.append(str(row.id))
        return ids


@pytest.fixture
def at(town: Town, open_page: Callable[..., Page], items: list[str]) -> Desk:
    desk = Desk(open_page(DESK), town.staff)
    desk.sign_in("reino", PASSWORD)
    desk.page.wait_for_load_state()  # the words stand there before the script of the keys has run
    return desk


def state(town: Town, key: str) -> State:
    with sessions(town.engine)() as session:
        return session.scalars(select(Submission.state).where(Submission.id == UUID(key))).one()


def still(page: Page) -> None:
    """Give a page that should not move the time to move."""
    page.wait_for_timeout(400)


def test_two_keys_decide_a_clean_item_and_one_takes_it_back(town: Town, at: Desk, items: list[str]) -> None:
    page, (first, second) = at.page, items
    page.keyboard.press("n")
    page.wait_for_url(f"**/review/{first}")
    page.keyboard.press("a")
    page.wait_for_url(f"**/review/{second}")
    assert [state(town, key) for key in items] == [State.ACCEPTED, State.IN_REVIEW]
    expect(page.get_by_role("status").first).to_contain_text("一野　花子 さんの「収入申告書")
    at.careful = True
    at.look("next-with-undo")
    page.keyboard.press("u")
    page.wait_for_url(f"**/review/{first}")
    assert state(town, first) is State.IN_REVIEW
    expect(page.get_by_role("status").first).to_contain_text("もとに戻しました")
    page.keyboard.press("h")
    page.wait_for_url("**/hold")
    at.look("hold")
    page.get_by_label("理由").fill("勤め先に電話")
    at.press("保留にする")
    page.wait_for_url(f"{town.staff}/")
    assert state(town, first) is State.ON_HOLD
    page.goto(f"{town.staff}/review/{first}")
    expect(page.locator("main")).to_contain_text("まで保留")
    at.look("on-hold")
    page.keyboard.press("n")
    expect(page.locator("main")).to_contain_text("あなたが対応中")
    assert at.looks == []


def test_without_a_script_the_way_back_is_a_button_that_goes_after_ten_seconds(
    town: Town, desk_without_script: Desk, items: list[str]
) -> None:
    desk, page, (first, second) = desk_without_script, desk_without_script.page, items
    desk.sign_in("reino", PASSWORD)
    desk.take_next()
    desk.press("受理してつぎへ")
    page.wait_for_url(f"**/review/{second}")
    desk.press("もとに戻す")
    page.wait_for_url(f"**/review/{first}")
    assert state(town, first) is State.IN_REVIEW
    desk.press("受理する")
    page.wait_for_url(f"{town.staff}/")
    back = page.locator(".toast__undo button")
    expect(back).to_be_visible()
    page.wait_for_timeout(8_000)
    expect(back).to_be_visible()
    page.mouse.move(0, 0)
    expect(back).to_be_hidden()
    expect(page.get_by_role("status").first).to_contain_text("受理しました")


def test_no_key_decides_while_typing_or_with_a_modifier(town: Town, at: Desk, items: list[str]) -> None:
    page, (first, _second) = at.page, items
    page.keyboard.press("n")
    page.wait_for_url(f"**/review/{first}")
    for modifier in ("Control", "Alt", "Meta"):
        for key in "ahr":
            page.keyboard.press(f"{modifier}+{key}")
    still(page)
    assert page.url.endswith(first)
    page.keyboard.press("m")
    box = page.locator("#text")
    expect(box).to_be_focused()
    page.keyboard.type("ahrnu?[]")
    still(page)
    expect(box).to_have_value("ahrnu?[]")
    assert page.url.endswith(first)
    assert state(town, first) is State.IN_REVIEW
    page.keyboard.press("Escape")
    expect(box).not_to_be_focused()
    assert page.url.endswith(first)
    page.keyboard.press("r")
    page.wait_for_url("**/return")
    page.locator("[name=memo]").focus()
    page.keyboard.type("au")
    expect(page.locator("[name=memo]")).to_have_value("au")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url(f"**/review/{first}")


def test_keys_walk_the_list_and_turn_the_papers(at: Desk, items: list[str]) -> None:
    page, (first, second) = at.page, items
    for key, name in (("j", "一野"), ("j", "二野"), ("j", "二野"), ("k", "一野"), ("j", "二野")):
        page.keyboard.press(key)
        expect(page.locator("a.who:focus")).to_contain_text(name)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/review/{second}")
    for key, paper in (("]", "給与明細 2"), ("[", "給与明細 1")):
        page.keyboard.press(key)
        expect(page.locator(".docs a[aria-current]")).to_contain_text(paper)
        page.wait_for_load_state()  # the words stand there before the script of the keys has run
    papers = page.locator(".viewer__doc")
    for key, zoom in (("+", "2"), ("+", "3"), ("-", "2"), ("0", "1")):
        page.keyboard.press(key)
        expect(papers).to_have_attribute("data-zoom", zoom)
    page.keyboard.down("t")
    for _held in range(5):
        page.keyboard.down("t")  # what a keyboard says of a key that is held
    page.keyboard.up("t")
    still(page)
    expect(papers).to_have_attribute("data-turn", "1")
    page.keyboard.press("Escape")
    page.wait_for_url("**/")
    assert first not in page.url


def test_the_list_of_keys_opens_on_every_page_and_the_switch_turns_all_off(
    town: Town, at: Desk, items: list[str]
) -> None:
    page = at.page
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    at.careful = True
    at.look("keys-dialog")
    page.keyboard.press("n")  # behind an open list no key acts
    still(page)
    assert state(town, items[0]) is State.WAITING
    page.locator("#keys").get_by_role("button", name="閉じる").click()
    expect(page.locator("#keys")).not_to_be_visible()
    page.keyboard.press("?")
    page.locator("#keys").get_by_role("link", name="キー操作を切る").click()
    at.look("keys")
    at.press("キー操作を切る")
    expect(page.get_by_role("status").first).to_contain_text("キー操作を切りました")
    expect(page.locator("header kbd")).to_be_visible()
    page.goto(f"{town.staff}/review/{items[0]}")
    expect(page.get_by_role("button", name="わたしが対応する").locator("kbd")).to_be_hidden()
    page.goto(town.staff)
    for key in "?nj":
        page.keyboard.press(key)
    still(page)
    assert page.locator("#keys").count() == 0
    assert state(town, items[0]) is State.WAITING
    with sessions(town.engine)() as session:
        assert {one.login: one.keys for one in session.scalars(select(StaffMember))}["reino"] is False
    page.goto(f"{town.staff}/keys")
    at.press("キー操作を使う")
    page.goto(town.staff)
    page.keyboard.press("n")
    page.wait_for_url("**/review/*")
    assert at.looks == []
