"""The end of a clerk's day: she closes, a late one arrives and stands in the next day, the sheet prints on one page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from shared import clock, journal, office_days, sign_in
from shared.model import Actor, Role, StaffMember
from shared.session import sessions
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk

ONE_DATABASE = True  # both databases are walked by every other journey
WIDTHS = (768, 1440)


@pytest.fixture
def chief(town: Town, open_page: Callable[..., Page]) -> Desk:
    with sessions(town.engine).begin() as session:
        one = factories.staff(session, Role.SUPERVISOR, login="kamiya", name="仮山 百合")
        sign_in.set_password(session, session.get_one(StaffMember, (one.office_id, one.staff_id)), PASSWORD)
    desk = Desk(open_page(DESK), town.staff)
    desk.sign_in("kamiya", PASSWORD)
    return desk


def arrives(town: Town, name: str) -> str:
    with sessions(town.engine).begin() as session:
        home = factories.household(session)
        return factories.submission(session, who=factories.recipient(session, home, name=name)).number or ""


def sheets(page: Page) -> list[str]:
    """What the browser's own printing makes of a page, sheet by sheet."""
    pdf = pypdfium2.PdfDocument(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True, print_background=True)))
    said = [sheet.get_textpage().get_text_range() for sheet in pdf]
    pdf.close()
    return said


def test_a_clerk_closes_her_day(town: Town, clerk: Desk) -> None:
    numbers = [arrives(town, f"見本　{at}子") for at in ("一", "二", "三")]
    clerk.sign_in("shinami", PASSWORD)
    page, today = clerk.page, clock.today()
    page.get_by_role("link", name=re.compile("^締め 17:15")).click()
    expect(page.locator("#so-far")).to_contain_text("いままで")
    found = looking.faults(page, "closing", WIDTHS)
    page.get_by_role("button", name=re.compile("を締める$")).click()
    expect(page.get_by_role("status")).to_contain_text("を締めました")
    expect(page.locator("article.sheet")).to_contain_text(numbers[-1])
    found += looking.faults(page, "closing-sheet", WIDTHS)
    (sheet,) = sheets(page)
    for said in ("記録の根", numbers[-1], "品見 薫", "担当"):
        assert said in sheet
    assert "受付簿を印刷する" not in sheet
    signature = page.get_by_role("link", name="電子署名")
    for _ in range(40):
        if signature.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    with page.expect_download() as download:
        signature.click()
    assert Path(download.value.path()).stat().st_size > 500

    late = arrives(town, "別野　遅子")
    page.get_by_role("link", name="受付簿", exact=True).click()
    expect(page.locator("main")).not_to_contain_text(late)
    expect(page.locator("main")).to_contain_text(numbers[0])
    found += looking.faults(page, "ledger", WIDTHS)
    with sessions(town.engine)() as session:
        following = office_days.of(session, factories.office(session).id).next_open(today + timedelta(days=1))
    page.goto(f"{town.staff}/ledger?day={following.isoformat()}")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text(late)
    expect(page.locator("main")).to_contain_text("前の締めのあとに届いたもの 1件")
    assert found == []


def test_the_ledger_of_a_full_day_prints_across_with_its_heading_on_each_sheet(town: Town, clerk: Desk) -> None:
    with sessions(town.engine).begin() as session:
        home = factories.household(session)
        for at in range(40):
            factories.submission(session, who=factories.recipient(session, home if at == 0 else None))
    clerk.sign_in("shinami", PASSWORD)
    page = clerk.page
    page.goto(f"{town.staff}/ledger")
    page.get_by_role("link", name="印刷する").click()
    expect(page.locator("h1")).to_have_text("印刷する")
    found = looking.faults(page, "ledger-print", WIDTHS)
    printed = sheets(page)
    assert len(printed) > 1
    assert all("受付簿" in sheet and "受付番号" in sheet for sheet in printed)
    assert found == []


def test_a_supervisor_sees_who_looked(town: Town, chief: Desk) -> None:
    with sessions(town.engine).begin() as session:
        row = factories.submission(session)
        hers = factories.caseworker_of(session, row)
        facts = {"version": 1, "from_address": "10.1.2.3"}
        journal.record(session, hers.office_id, Actor.staff(hers.staff_id), "submission.viewed", row.id, **facts)
    page = chief.page
    page.get_by_role("link", name="係の状況", exact=True).click()
    page.get_by_role("link", name="閲覧の記録").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    found = looking.faults(page, "looks", WIDTHS)
    page.locator("#case_no").fill("nobody")
    chief.press("さがす")
    expect(page.locator("#case_no-error")).to_contain_text("このケース番号の世帯はありません")
    found += looking.faults(page, "looks-wrong", WIDTHS)
    page.goto(f"{town.staff}/closing")
    expect(page.get_by_role("button", name="決める")).to_be_visible()
    found += looking.faults(page, "closing-supervisor", WIDTHS)
    assert found == []
