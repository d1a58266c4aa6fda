"""Three people of one office at once, each in a browser of her own: nobody is in the way, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from shared import clock, sign_in
from shared.model import Role, StaffMember
from shared.session import sessions
from shared.sign_in import Staff
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk

ONE_DATABASE = True  # what differs between the databases stands in tests/shared
SOON = 25_000  # a question of the page's script later


def quick(page: Page, seconds: float) -> None:
    """From the next page on they are as they are, but their script asks so often: a quarter of a minute is long."""
    page.add_init_script(f"""
      for (const sign of ["readystatechange", "page"]) {{
        document.addEventListener(sign, () => {{
          for (const place of document.querySelectorAll("[data-every]")) {{ place.dataset.every = "{seconds}"; }}
        }});
      }}
    """)


def comes(town: Town, name: str, days: int = 0) -> None:
    """A report of somebody new, whose caseworker is 例野 太郎."""
    with sessions(town.engine).begin() as session, clock.at(clock.now() - timedelta(days=days)):
        row = session.scalars(select(StaffMember).where(StaffMember.login == "reino")).one()
        worker = Staff(row.office_id, uuid4(), row.id, row.name, row.role)
        factories.submission(session, who=factories.recipient(session, factories.household(session, worker), name=name))


def supervisor(town: Town) -> None:
    with sessions(town.engine).begin() as session:
        who = factories.staff(session, Role.SUPERVISOR, login="atamano", name="頭野 恵")
        sign_in.set_password(session, session.get_one(StaffMember, (who.office_id, who.staff_id)), PASSWORD)


class Three:
    """例野 太郎, 試田 美紀 and their supervisor."""

    def __init__(self, town: Town, open_page: Callable[..., Page]) -> None:
        supervisor(town)
        for days, name in ((9, "仮名　ヨシ"), (8, "架空　みつ"), (7, "空野　ハル")):
            comes(town, name, days)
        self.reino, self.shida, self.atamano = (Desk(open_page(DESK), town.staff) for _person in range(3))
        for desk, login in ((self.reino, "reino"), (self.shida, "shida"), (self.atamano, "atamano")):
            quick(desk.page, 2)
            desk.sign_in(login, PASSWORD)
            desk.page.goto(f"{town.staff}/?scope=all")
        self.found: list[str] = []

    def look(self, desk: Desk, name: str) -> None:
        self.found += looking.faults(desk.page, f"together-{name}")


@pytest.fixture
def three(town: Town, open_page: Callable[..., Page], monkeypatch: pytest.MonkeyPatch) -> Three:
    monkeypatch.setattr(looking, "WIDTHS", (390, 768, 1440))
    return Three(town, open_page)


def line(desk: Desk, name: str) -> Locator:
    return desk.waiting().filter(has_text=name)


def heading(desk: Desk) -> str:
    return desk.page.locator("h1").inner_text()


def test_three_people_at_once(town: Town, three: Three) -> None:
    reino, shida, atamano = three.reino, three.shida, three.atamano

    # Both press N on the same list, and get different ones.
    reino.page.keyboard.press("n")
    shida.page.keyboard.press("n")
    for desk in (reino, shida):
        expect(desk.page.locator("main")).to_contain_text("あなたが対応中")
    assert heading(reino) != heading(shida)
    name = heading(reino).split("　収入")[0]
    for desk in (reino, shida):
        assert "収入申告書" in heading(desk)

    # The supervisor's list says so without being loaded again, and what has come stands on a link, not under her hand.
    expect(line(atamano, name)).to_contain_text("例野 太郎さんが対応中", timeout=SOON)
    before = atamano.page.locator("a.who").all_inner_texts()
    comes(town, "試野　緑", 20)
    expect(atamano.page.get_by_role("link", name="新しく1件 — 表示する")).to_be_visible(timeout=SOON)
    assert atamano.page.locator("a.who").all_inner_texts() == before
    three.look(atamano, "queue")
    atamano.page.get_by_role("link", name="新しく1件 — 表示する").click()
    expect(line(atamano, "試野　緑")).to_be_visible()

    # Another one looks at what he has: both see it, and she asks for it.
    shida.page.goto(f"{town.staff}/?scope=all")
    line(shida, name).locator("a.who").click()
    expect(shida.page.locator(".acts-bar")).to_contain_text("例野 太郎さんが")
    expect(reino.page.locator("main")).to_contain_text("試田 美紀さんが見ています", timeout=SOON)
    shida.press("譲ってほしい")
    expect(shida.page.locator(".acts-bar")).to_contain_text("譲ってほしいと伝えました")
    three.look(shida, "asked")
    expect(reino.page.locator("main")).to_contain_text("試田 美紀さんが、これを対応したいそうです", timeout=SOON)
    three.look(reino, "wish")
    reino.page.get_by_role("button", name="わたす").click()
    expect(reino.page.get_by_role("status").first).to_contain_text("わたしました")
    expect(shida.page.locator("main")).to_contain_text("例野 太郎さんが手を入れました", timeout=SOON)
    shida.page.get_by_role("link", name="表示しなおす").click()
    expect(shida.page.locator("main")).to_contain_text("例野 太郎さんから引きつぎました")
    three.look(shida, "handed")

    # She begins a correction; the supervisor takes over; what she wrote comes back to her.
    shida.page.keyboard.press("r")
    shida.page.locator("#value-jobs-0-gross_yen").check()
    shida.page.locator("#value-jobs-0-gross_yen-detail").fill("手当をたした金額を書いてください")
    atamano.page.goto(f"{town.staff}/?scope=all")
    line(atamano, name).locator("a.who").click()
    atamano.page.get_by_role("link", name="引きとる").click()
    atamano.page.get_by_label("引きとる理由").fill("本人が窓口に来ているため")
    three.look(atamano, "take-over")
    atamano.press("引きとる")
    expect(atamano.page.locator("main")).to_contain_text("あなたが対応中")
    expect(shida.page.locator("main")).to_contain_text("頭野 恵さんが手を入れました", timeout=SOON)
    expect(shida.page.locator("#value-jobs-0-gross_yen-detail")).to_have_value("手当をたした金額を書いてください")
    three.look(shida, "writing")
    shida.press("送る")
    expect(shida.page.locator("h1")).to_contain_text("変わりました")
    expect(shida.page.locator("main")).to_contain_text("頭野 恵さんが手を入れました")
    expect(shida.page.locator("#late")).to_have_value("手当をたした金額を書いてください")
    three.look(shida, "late")
    shida.press("メモとして残す")
    expect(shida.page.locator("main")).to_contain_text("手当をたした金額を書いてください")

    # A note names her; she is told on the page she is at.
    shida.page.goto(f"{town.staff}/?scope=all")
    atamano.page.locator("#note").fill("@試田さん、次は電話をお願いします")
    atamano.press("メモを残す")
    expect(shida.page.locator(".live").first).to_contain_text("頭野 恵さんから、あなたへのメモ", timeout=SOON)
    three.look(shida, "told")
    shida.page.get_by_role("link", name="あなたあて").click()
    three.look(shida, "mentions")
    shida.page.get_by_role("link", name="頭野 恵さんから、あなたへのメモ").click()
    expect(shida.page.locator("section", has_text="職員だけのメモ").last).to_contain_text("次は電話をお願いします")
    three.look(shida, "notes")

    # He hands the next one over by name.
    reino.page.goto(f"{town.staff}/?scope=all")
    reino.page.keyboard.press("n")
    expect(reino.page.locator("main")).to_contain_text("あなたが対応中")
    reino.page.keyboard.press("w")
    reino.press("引きつぐ")
    expect(reino.page.locator(".errors")).to_contain_text("引きつぐ人をえらんでください")
    three.look(reino, "hand-over")
    reino.page.get_by_label("だれに").select_option("試田 美紀")
    reino.page.get_by_label("伝えること").fill("あとは電話だけです")
    reino.press("引きつぐ")
    expect(reino.page.get_by_role("status").first).to_contain_text("試田 美紀さんに引きつぎました")
    assert three.found == []


def test_a_saved_list_tells_of_new_ones(town: Town, three: Three, open_page: Callable[..., Page]) -> None:
    desk = three.reino
    desk.page.goto(f"{town.staff}/?kind=income_report")
    desk.page.get_by_role("link", name="この条件を保存").click()
    desk.page.get_by_label("名前", exact=True).fill("急ぎの収入申告")
    desk.page.locator("#new-tell").select_option("1")
    three.look(desk, "views")
    desk.press("保存")
    kept = desk.page.get_by_role("navigation", name="保存した一覧")
    expect(kept.get_by_role("link", name="急ぎの収入申告")).to_have_attribute("aria-current", "true")
    comes(town, "試野　緑")
    expect(desk.page.locator(".live").first).to_contain_text("「急ぎの収入申告」に新しく1件", timeout=SOON)
    expect(kept).to_contain_text("新しく1")
    expect(desk.page.locator("header.top")).to_contain_text("新しく1")
    three.look(desk, "list-tells")
    desk.page.get_by_role("link", name="「急ぎの収入申告」に新しく1件").click()
    expect(line(desk, "試野　緑")).to_be_visible()
    expect(desk.page.locator("main")).not_to_contain_text("に新しく")
    desk.page.get_by_role("link", name="整理する").click()
    three.look(desk, "views-kept")

    plain = Desk(open_page(DESK, script=False), town.staff)
    plain.sign_in("reino", PASSWORD)
    plain.page.goto(f"{town.staff}/views")
    plain.page.get_by_role("button", name="消す").click()
    expect(plain.page.get_by_role("status").first).to_contain_text("一覧を消しました")
    assert three.found == []


def test_the_page_asks_less_of_a_house_in_trouble_and_nothing_once_one_has_left(
    town: Town, desk: Desk, open_page: Callable[..., Page]
) -> None:
    page, asked = desk.page, []
    page.on("request", lambda request: asked.append(request.url) if "/live?" in request.url else None)
    desk.sign_in("reino", PASSWORD)
    quick(page, 0.2)

    def asks(milliseconds: int) -> int:
        asked.clear()
        page.wait_for_timeout(milliseconds)
        return len(asked)

    page.goto(f"{town.staff}/")
    assert asks(3_000) > 5
    page.route("**/live?*", lambda route: route.fulfill(status=503, body=""))
    assert asks(4_000) <= 5, "0.4, 0.8, 1.6 … seconds"
    page.unroute("**/live?*")
    page.goto(f"{town.staff}/")
    assert asks(2_000) > 3
    other = page.context.new_page()
    other.goto(f"{town.staff}/keys")
    other.get_by_role("button", name="終わる").click()
    expect(other.locator("#login")).to_be_visible()
    other.close()
    asks(1_000)
    assert asks(3_000) == 0
