"""Many at once in a browser: two hundred accepted with the bar, what was refused, and back; who stands in for whom;
households that change hands. With a mouse, by keyboard alone, and without a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from shared import review, sign_in
from shared.model import BulkItem, Household, Role, StaffMember, State, Submission
from shared.session import sessions
from shared.sign_in import Staff
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk

ONE_DATABASE = True  # what differs between the databases stands in tests/shared
COUNT = 200


@pytest.fixture(autouse=True)
def widths(monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk's own: a screen and a tablet."""
    monkeypatch.setattr(looking, "WIDTHS", (768, 1440))


def staff(town: Town, login: str) -> Staff:
    with sessions(town.engine).begin() as session:
        row = session.scalars(select(StaffMember).where(StaffMember.login == login)).one()
        return Staff(row.office_id, uuid4(), row.id, row.name, row.role)


def at(open_page: Callable[..., Page], town: Town, login: str, *, script: bool = True) -> Desk:
    desk = Desk(open_page(DESK, script=script), town.staff)
    desk.sign_in(login, PASSWORD)
    desk.page.goto(town.staff)
    return desk


def wait(town: Town, count: int) -> list[UUID]:
    """So many reports of the households of 例野 太郎, in one transaction."""
    worker = staff(town, "reino")
    with sessions(town.engine).begin() as session:
        return [
            factories.submission(
                session,
                who=factories.recipient(session, factories.household(session, worker, case_no=f"3{at:05}")),
            ).id
            for at in range(count)
        ]


def chief(town: Town) -> None:
    with sessions(town.engine).begin() as session:
        row = factories.staff(session, Role.SUPERVISOR, login="hikaeda", name="控田 百合")
        sign_in.set_password(session, session.get_one(StaffMember, (row.office_id, row.staff_id)), PASSWORD)


def counted(town: Town, state: State) -> int:
    with sessions(town.engine)() as session:
        return session.scalar(select(func.count()).where(Submission.state == state)) or 0


def test_two_hundred_at_once_with_the_bar_the_refusals_and_the_way_back(
    town: Town, open_page: Callable[..., Page]
) -> None:
    ids = wait(town, COUNT)
    colleague = staff(town, "shida")
    with sessions(town.engine).begin() as session:
        session.get_one(Submission, (colleague.office_id, ids[7])).urgent = True
    desk = at(open_page, town, "reino")
    page = desk.page
    found = looking.faults(page, "desk-queue-many")

    page.locator("input[name=id]").nth(3).check()
    expect(page.locator("#bulk-count")).to_have_text("1")
    expect(page.locator("#bulk-rows")).to_have_css("opacity", "1")
    page.locator("#bulk-rows").check()
    expect(page.locator("#bulk-count")).to_have_text("50")
    page.get_by_label(f"この一覧の全部 {COUNT}件").check()
    desk.press("まとめて受理…")
    expect(page.locator("h1")).to_have_text(f"{COUNT - 1}件を受理します")
    expect(page.locator("main")).to_contain_text("ふくまないもの　1件")
    expect(page.locator("main")).to_contain_text("すぐに見てほしい答えがあります")
    assert counted(town, State.ACCEPTED) == 0
    found += looking.faults(page, "desk-bulk-ask")

    with sessions(town.engine).begin() as session:
        review.claim(session, colleague, ids[11])
    desk.press(f"{COUNT - 1}件を受理する")
    bar = page.get_by_role("progressbar")
    expect(bar).to_be_visible()
    found += looking.faults(page, "desk-bulk-running")
    expect(page.locator("h1")).to_have_text(f"{COUNT - 2}件を受理しました", timeout=60_000)  # nobody touched the page
    expect(bar).to_have_count(0)
    refused = page.locator("table", has_text="できなかったもの")
    expect(refused.locator("tbody tr")).to_have_count(2)
    expect(refused).to_contain_text("ほかの人が対応しています")
    expect(refused).to_contain_text("すぐに見てほしい答えがあります")
    expect(refused.get_by_role("link")).to_have_count(2)
    assert counted(town, State.ACCEPTED) == COUNT - 2
    found += looking.faults(page, "desk-bulk-done")

    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.locator("h1")).to_have_text(f"{COUNT - 2}件をもとに戻しました", timeout=60_000)
    assert (counted(town, State.ACCEPTED), counted(town, State.WAITING)) == (0, COUNT)  # with 別野's own
    found += looking.faults(page, "desk-bulk-undone")
    page.get_by_role("link", name="受信箱へ").click()
    expect(page.locator(".tabs [aria-current]")).to_have_text(f"すべて {COUNT}")
    assert found == []


def test_by_keyboard_alone_and_while_the_worker_is_away(town: Town, open_page: Callable[..., Page]) -> None:
    wait(town, 3)
    town.kill("worker")
    desk = at(open_page, town, "reino")
    page = desk.page
    page.wait_for_load_state()
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("input[name=id]:checked")).to_have_count(2)
    expect(page.locator("#bulk-count")).to_have_text("2")
    page.get_by_role("button", name="まとめて保留…").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("2件を保留にします")
    page.locator("#reason").focus()
    page.keyboard.type("通帳を待つ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert counted(town, State.ON_HOLD) == 0
    town.start_again("worker")
    expect(page.locator("h1")).to_have_text("2件を保留にしました", timeout=60_000)
    assert counted(town, State.ON_HOLD) == 2


def test_without_a_script_the_same_pages_do_it(town: Town, open_page: Callable[..., Page]) -> None:
    wait(town, 2)
    desk = at(open_page, town, "reino", script=False)
    page = desk.page
    expect(page.locator("#bulk-rows")).to_be_hidden()
    page.get_by_label("このページの2件").check()
    desk.press("まとめて受理…")
    desk.press("2件を受理する")
    look_again(page, "2件を受理しました")
    desk.press("2件をもとに戻す")
    look_again(page, "2件をもとに戻しました")
    with sessions(town.engine)() as session:
        assert set(session.scalars(select(BulkItem.state))) == {"undone"}


def look_again(page: Page, heading: str) -> None:
    """Press the link of the page until it says that all is done."""
    for _ in range(60):
        page.wait_for_load_state()
        if page.locator("h1").inner_text() == heading:
            return
        page.wait_for_timeout(500)
        page.get_by_role("link", name="表示しなおす").click()
    raise AssertionError(f"not done within half a minute: {page.locator('main').inner_text()}")


def test_a_colleague_takes_over_and_both_see_it(town: Town, open_page: Callable[..., Page]) -> None:
    wait(town, 1)
    hers, his = at(open_page, town, "shida"), at(open_page, town, "reino")
    page = hers.page
    expect(page.locator("a.who")).to_have_text(["別野　人子"])
    page.get_by_role("link", name="代わり", exact=True).click()
    found = looking.faults(page, "desk-cover-empty")
    page.locator("#take-colleague").select_option(label="例野 太郎")
    hers.press("いまから引きうける")
    expect(page.locator("a.who")).to_have_count(2)
    expect(page.locator("table.table")).to_contain_text("例野 太郎さんの代わり")
    found += looking.faults(page, "desk-queue-covered")
    his.page.reload()
    expect(his.page.locator("main")).to_contain_text("試田 美紀さんが、")
    found += looking.faults(his.page, "desk-queue-told")
    his.page.get_by_role("button", name="わかりました").click()
    expect(his.page.locator("main")).not_to_contain_text("試田 美紀さんが、")
    his.page.get_by_role("link", name="代わり", exact=True).click()
    his.page.locator("#ask-until_day").fill("")
    his.press("代わりを決める")
    expect(his.page.locator(".errors")).to_contain_text("2か所 なおしてください")
    found += looking.faults(his.page, "desk-cover-errors")
    his.page.get_by_role("button", name="終わりにする").click()
    expect(his.page.locator("main")).to_contain_text("代わりは、決まっていません")
    page.reload()
    expect(page.locator("a.who")).to_have_text(["別野　人子"])
    expect(page.locator("main")).to_contain_text("例野 太郎さんとの代わり")
    assert found == []


def test_households_change_hands_by_a_list_with_a_faulty_line(
    town: Town, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    wait(town, 3)
    chief(town)
    desk = at(open_page, town, "hikaeda")
    page = desk.page
    page.get_by_role("link", name="世帯", exact=True).click()
    page.get_by_role("link", name="担当替え").click()
    found = looking.faults(page, "desk-reassign")
    with page.expect_download() as coming:
        page.get_by_role("link", name="いまの担当（CSV）").click()
    text = Path(coming.value.path()).read_text(encoding="utf-8-sig")
    assert "300001,reino," in text
    changed = text.replace("300001,reino,", "300001,shida,駅前").replace("300002,reino,", "300002,dareka,")
    path = tmp_path / "担当.csv"
    path.write_bytes(changed.encode("cp932"))
    page.locator("#list").set_input_files(path)
    desk.page.get_by_role("button", name="何が変わるかを見る").first.click()
    expect(page.locator("h1")).to_have_text("1世帯が変わります")
    expect(page.locator(".errors")).to_contain_text("1行は、このままでは使えません")
    expect(page.locator("table").first).to_contain_text("このログインの職員はいません")
    found += looking.faults(page, "desk-reassign-plan")
    desk.press("よい行だけ、1世帯を変える")
    expect(page.get_by_role("status")).to_contain_text("1世帯の担当を変えました")
    found += looking.faults(page, "desk-reassign-done")
    page.locator("#district").select_option("駅前")
    page.locator("#colleague").select_option(label="例野 太郎")
    page.get_by_role("button", name="何が変わるかを見る").last.click()
    desk.press("1世帯を変える")
    expect(page.get_by_role("status")).to_contain_text("1世帯の担当を変えました")
    with sessions(town.engine)() as session:
        home = session.scalars(select(Household).where(Household.case_no == "300001")).one()
        assert (home.caseworker_id, home.district) == (staff(town, "reino").staff_id, "駅前")
    hers = at(open_page, town, "shida")
    expect(hers.page.locator("main")).to_contain_text("担当替えで、1世帯が、あなたの担当になりました。")
    found += looking.faults(hers.page, "desk-queue-reassigned")
    assert found == []
