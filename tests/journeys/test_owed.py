"""What is due, from both doors: why it is, on the phone; who owes it and since when, at the desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Page, expect
from sqlalchemy import select

from shared import clock, duties, office_days, sign_in
from shared.model import Household, Member, Role, Situation, StaffMember
from shared.rules.months import add_months
from shared.session import sessions
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone

ONE_DATABASE = True  # both databases are walked by every other journey


def test_what_is_due_is_told_with_its_reason_and_the_office_sees_who_owes_it(
    town: Town, phone: Phone, open_page: Callable[..., Page]
) -> None:
    with sessions(town.engine).begin() as session:
        office = factories.office(session)
        chief = factories.staff(session, Role.SUPERVISOR, login="kamiya", name="仮山 百合")
        sign_in.set_password(session, session.get_one(StaffMember, (office.id, chief.staff_id)), PASSWORD)
        this, long_ago = clock.today().replace(day=1), clock.now() - timedelta(days=400)
        office_days.set_rule(session, office.id, this, pay_day=5)
        duties.begin(session, office, add_months(this, -24))
        home = session.scalars(select(Household).where(Household.case_no == "100001")).one()
        for member in session.scalars(select(Member)):
            member.created_at, member.situation = long_ago, Situation.SEEKING
        # Both have been here long: the town's worker may open the other months at any moment, and does so for both.
        facts = {"name": "見本　太郎", "kana": "みほん　たろう", "is_head": False, "situation": Situation.WORKING}
        session.add(Member(office_id=office.id, household_id=home.id, created_at=long_ago, **facts))
        session.flush()
        duties.open_month(session, office.id, add_months(this, -2))

    phone.sign_in(town.code)
    main = phone.page.locator("main")
    expect(main).to_contain_text("仕事をさがしている人は、毎月出します。")
    expect(main).to_contain_text("だれの分：")
    expect(main).to_contain_text("つぎの支給日")
    found = looking.faults(phone.page, "phone-home-why")
    assert looking.words_that_say_too_much(phone.page) == []

    desk = Desk(open_page(DESK), town.staff)
    desk.sign_in("kamiya", PASSWORD)
    desk.page.get_by_role("link", name="提出待ち", exact=True).click()
    expect(desk.page.locator("h1")).to_have_text("提出待ち")
    line = desk.page.locator("tbody tr").filter(has_text="100001").filter(has_text="収入申告書")
    expect(line.first).to_contain_text("見本　太郎")
    desk.page.locator("summary").click()
    expect(desk.page.locator("details")).to_contain_text("例野 太郎")
    found += looking.faults(desk.page, "desk-owed")
    with desk.page.expect_download() as download:
        desk.page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    desk.page.locator("#kind").select_option("room_photos")
    desk.press("表示")
    expect(desk.page.locator("main")).to_contain_text("待っているものはありません")
    found += looking.faults(desk.page, "desk-owed-empty")
    assert found == []
