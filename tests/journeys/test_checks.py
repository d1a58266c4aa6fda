"""Checks, danger words and くらべる as a caseworker meets them: a real payslip, a real worker, keys alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import FloatRect, Page, expect

from shared import clock, filled, intake, likeness
from shared.model import DutyKind
from shared.session import sessions
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone

ONE_DATABASE = True  # what differs between the databases stands in tests/shared


@pytest.fixture(autouse=True)
def a_tablet_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "WIDTHS", (390, 768, 1440))


@pytest.fixture
def reported(town: Town, phone: Phone, payslip_pdf: Path) -> Phone:
    """A report with a real payslip from a phone; then the same month again, with the same file; then a message."""
    phone.sign_in(town.code)
    phone.begin()
    phone.answer_all(gross_yen="85400")
    phone.choose(payslip_pdf)
    phone.wait_until_looked_at(1)
    phone.go_on_to_check()
    phone.send()
    with sessions(town.engine).begin() as session:
        who = factories.recipient_named(session, "見本　花子")
        again = factories.draft(session, who, town.month)
        sha256 = hashlib.sha256(payslip_pdf.read_bytes()).hexdigest()
        file = factories.file(session, who, again, name="給与明細（もう一度）.pdf", sha256=sha256)
        likeness.note_same(session, file)
        factories.make_safe(session, file)
        intake.send(session, who, again.id, attempt=uuid4())
        words = filled.start(session, who, DutyKind.MESSAGE, clock.today().replace(day=1))
        filled.write(session, who, words.id, "tell", {"tell": "電気も ガスも 止められました。\nさむいです。"})
        intake.send(session, who, words.id, attempt=uuid4())
    return phone


def rectangles(page: Page) -> list[FloatRect]:
    """What is marked, in pixels of the screen."""
    return [box for one in page.locator(".marks rect").all() if (box := one.bounding_box())]


def test_a_fail_is_seen_narrowed_by_and_overridden_by_keys_and_a_word_stands_first(
    town: Town, desk: Desk, reported: Phone
) -> None:
    page = desk.page
    desk.sign_in("reino", PASSWORD)
    desk.wait_for_line("気になることば")
    first = desk.waiting().first
    expect(first).to_contain_text("気になることば：ガスを止められた、電気を止められた（内容）")
    expect(desk.waiting()).to_have_count(3)
    desk.careful = True
    desk.look("queue-with-checks")

    page.locator("#check").select_option("fail")
    desk.press("表示")
    expect(desk.waiting()).to_have_count(1)
    expect(desk.waiting()).to_contain_text("確認：不一致2")
    page.keyboard.press("n")
    expect(page.locator("main")).to_contain_text("あなたが対応中")
    checks = page.locator("section", has=page.get_by_role("heading", name="確認の結果"))
    expect(checks.locator("li")).to_have_count(3)
    expect(checks).to_contain_text("と同じファイルです")
    desk.look("review-with-checks")

    for note, left in (("前の送信が遅れて届いた", 1), ("同じ明細でよい", 0)):
        page.keyboard.press("o")
        page.keyboard.type(note)
        page.keyboard.press("Enter")
        expect(checks).to_contain_text(f"問題なし：{note}")
        expect(checks.get_by_label("問題なしとする理由")).to_have_count(left)
    expect(page.get_by_role("status").first).to_contain_text("「問題なし」にしました")
    desk.look("review-overridden")
    page.goto(f"{desk.url}/?check=fail")
    expect(desk.waiting()).to_have_count(0)

    page.goto(desk.url)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-tone=bad]")).to_contain_text("気になることば：ガスを止められた、電気を止められた")
    desk.look("review-with-a-word")
    assert desk.looks == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_declared_amount_is_shown_where_the_payslip_says_it(
    town: Town, open_page: Callable[..., Page], reported: Phone, script: bool
) -> None:
    desk = Desk(open_page(DESK, script=script), town.staff)
    page = desk.page
    desk.sign_in("reino", PASSWORD)
    line = desk.waiting().filter(has_text="収入申告書").filter(has_not_text="不一致")
    line.locator("a.who").click()
    page.wait_for_load_state()
    loads: list[str] = []
    page.on("load", lambda one: loads.append(one.url))
    page.get_by_role("link", name=re.compile("^くらべる ?（.*給料（引かれる前）")).click()
    expect(page.locator("#sought")).to_contain_text("85,400円：")
    expect(page.locator("#found")).to_be_in_viewport()
    assert "compare=" in page.url
    paper = page.locator(".leaf img").first.bounding_box()
    assert paper is not None
    for box in rectangles(page):
        assert paper["x"] <= box["x"] and box["x"] + box["width"] <= paper["x"] + paper["width"]
        assert paper["y"] <= box["y"] and box["y"] + box["height"] <= paper["y"] + paper["height"]
        assert box["width"] < paper["width"] / 4
    if script:
        desk.careful = True
        desk.look("compare")
        page.keyboard.press("c")
        expect(page.locator("#sought")).not_to_contain_text("85,400円：")
        page.keyboard.press("f")
        page.keyboard.type("差引支給額")
        page.keyboard.press("Enter")
    else:
        page.locator("#find").fill("差引支給額")
        desk.press("さがす")
    expect(page.locator("#sought")).to_contain_text("差引支給額：1か所にあります")
    expect(page.locator(".marks rect")).to_have_count(1)
    page.locator("#find").fill("どこにもない")
    desk.press("さがす")
    expect(page.locator("#sought")).to_contain_text("この書類の文字の中には見つかりません")
    expect(page.locator(".marks rect")).to_have_count(0)
    if script:
        assert loads == [], "the page was never left"
    assert desk.looks == []
