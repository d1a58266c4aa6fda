"""A household from search to sheet, and the supervisor's figures, as a browser shows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from playwright.sync_api import Page, expect
from sqlalchemy import select

from shared import clock, duties, messages, sign_in
from shared.model import Household, Member, Role, Situation, StaffMember, State
from shared.rules.months import add_months
from shared.session import sessions
from shared.sign_in import Staff
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk

ONE_DATABASE = True  # both databases are walked by every other journey


def lived_in(town: Town) -> None:
    """An office in which something has happened for two months."""
    with sessions(town.engine).begin() as session:
        office = factories.office(session)
        chief = factories.staff(session, Role.SUPERVISOR, login="kamiya", name="仮山 百合")
        sign_in.set_password(session, session.get_one(StaffMember, (office.id, chief.staff_id)), PASSWORD)
        this = clock.today().replace(day=1)
        duties.begin(session, office, add_months(this, -24))
        home = session.scalars(select(Household).where(Household.case_no == "100001")).one()
        worker = session.get_one(StaffMember, (office.id, home.caseworker_id))
        hers = Staff(office.id, uuid4(), worker.id, worker.name, worker.role)
        for member in session.scalars(select(Member)):
            member.created_at, member.situation = clock.now() - timedelta(days=400), Situation.WORKING
        session.flush()
        duties.open_month(session, office.id, add_months(this, -2))
        head = session.scalars(select(Member).where(Member.household_id == home.id, Member.is_head)).one()
        for at in range(4):
            with clock.at(clock.now() - timedelta(days=at * 2)):
                who = (
                    factories.recipient_named(session, head.name)
                    if at == 0
                    else factories.recipient(session, factories.household(session, hers))
                )
                row = factories.submission(session, State.RETURNED if at == 1 else State.WAITING, who)
                messages.send(session, hers, row.id, "届きました。ありがとうございます。", attempt=uuid4())


def test_a_household_on_one_sheet_and_the_office_in_one_look(town: Town, open_page: Callable[..., Page]) -> None:
    lived_in(town)
    desk = Desk(open_page(DESK), town.staff)
    desk.sign_in("kamiya", PASSWORD)
    page = desk.page

    page.get_by_role("link", name="世帯", exact=True).click()
    page.locator("#q").fill("100001")
    desk.press("さがす")
    expect(page.locator("a.who")).to_have_count(1)  # the page of what was found, not the one before
    found = looking.faults(page, "desk-households")
    page.locator("a.who").click()
    expect(page.locator("main")).to_contain_text("この画面を開いたことは記録されます")
    expect(page.locator(".months")).to_contain_text("収入申告書")
    expect(page.locator(".log")).to_contain_text("届きました。ありがとうございます。")
    found += looking.faults(page, "desk-household")

    with sessions(town.engine).begin() as session:
        session.scalars(select(Household).where(Household.case_no == "100001")).one().protected = True
    page.reload()
    expect(page.locator("h1")).to_have_text("配慮が必要な世帯です")
    desk.press("理由を残して開く")
    expect(page.locator(".error").last).to_contain_text("開く理由を書いてください")
    found += looking.faults(page, "desk-household-why")
    page.locator("#reason").fill("10月分の確認のため")
    desk.press("理由を残して開く")
    expect(page.locator("main")).to_contain_text("この世帯を開いた人")
    found += looking.faults(page, "desk-household-protected")

    page.get_by_role("link", name="係の状況", exact=True).click()
    expect(page.locator("h1")).to_have_text("係の状況")
    for summary in page.locator("summary").all():
        summary.click()
    found += looking.faults(page, "desk-dashboard-tables")
    page.reload()
    found += looking.faults(page, "desk-dashboard")
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator("svg.chart").first).to_be_visible()
    found += looking.faults(page, "desk-dashboard-print")
    assert found == []
