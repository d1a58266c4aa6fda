"""収入申告書 on a phone, with and without scripts: the same as last month, somebody who looks for work, two earners
with three employers. Taps are counted and printed: what is typed is one tap into the field, and the typing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import intake
from shared.model import Member, PortalAccount
from shared.rules.months import add_months
from shared.session import sessions
from shared.sign_in import Recipient
from tests import factories
from tests.journeys.conftest import PASSWORD, Town
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone

ONE_DATABASE = True  # what differs between the databases stands in tests/shared
FEW = 12  # taps from 今月やること to the slip


class Thumb:
    """Counts what a thumb does."""

    def __init__(self, phone: Phone) -> None:
        self.phone, self.taps = phone, 0

    def tap(self, what: Locator) -> None:
        what.click()
        self.taps += 1

    def button(self, name: str) -> None:
        self.tap(self.phone.page.get_by_role("button", name=re.compile(name)).first)

    def link(self, name: str) -> None:
        self.tap(self.phone.page.get_by_role("link", name=re.compile(name)).first)

    def write(self, field: str, text: str) -> None:
        self.tap(self.phone.page.locator(f"#{field}"))
        self.phone.page.locator(f"#{field}").fill(text)

    def choose(self, label: str, *, within: str = "") -> None:
        tiles = self.phone.page.locator(f"{within} label.tile")
        self.tap(tiles.filter(has_text=re.compile(f"^{label}")).first)


def person(session: Session) -> Recipient:
    """Whose letter the town has."""
    member = session.scalars(select(Member).where(Member.name == "見本　花子")).one()
    account = session.scalars(select(PortalAccount).where(PortalAccount.member_id == member.id)).one()
    return Recipient(member.office_id, uuid4(), account.id, member.id, member.household_id, member.name, False, False)


def as_last_month(phone: Phone, desk: Desk, town: Town) -> None:
    with sessions(town.engine).begin() as session:
        who = person(session)
        before = factories.draft(session, who, add_months(town.month, -1))
        intake.send(session, who, before.id, attempt=uuid4())
    phone.sign_in(town.code)
    thumb = Thumb(phone)
    thumb.link("^書く.*収入申告書")
    thumb.button("同じところから")
    thumb.write("work_days", "17")
    thumb.button("^つぎへ")
    phone.look("as-before-gross")
    thumb.write("gross_yen", "８１，０００円")
    thumb.button("^つぎへ")
    phone.look("as-before-deductions")
    thumb.button("前（.*）と\\s*同じ")
    thumb.button("どれもありません")
    thumb.link("このまま進む")
    phone.look("as-before-check")
    main = phone.page.locator("main")
    expect(main).to_contain_text("株式会社みほん清掃")
    expect(main).to_contain_text("写真やPDFは、まだありません")
    thumb.button("この内容で出す")
    expect(phone.page.locator("h1")).to_have_text("届きました")
    print(f"\nthe same as last month: {thumb.taps} taps")
    assert thumb.taps <= FEW
    desk.sign_in("reino", PASSWORD)
    desk.open_and_take(desk.wait_for_line("見本　花子", f"{town.month.month}月分"))
    for said in ("81,000円", "17日", "株式会社みほん清掃"):
        assert said in desk.values()


def job_seeker(phone: Phone, desk: Desk, town: Town) -> None:
    """No wages, and the report of the search with it."""
    phone.sign_in(town.code)
    phone.begin()
    thumb = Thumb(phone)
    thumb.choose("ありません")
    thumb.button("^つぎへ")
    thumb.button("どれもありません")
    phone.look("without")
    thumb.choose("仕事をさがしている")
    thumb.button("^つぎへ")
    phone.look("without-rows")
    thumb.link("これで全部です")
    thumb.link("このまま進む")
    phone.look("check-without")
    thumb.button("この内容で出す")
    expect(phone.page.locator("h1")).to_have_text("届きました")
    print(f"\nwithout income: {thumb.taps} taps")
    search(thumb)
    print(f"with the report of the search: {thumb.taps} taps")
    desk.sign_in("reino", PASSWORD)
    desk.open_and_take(desk.wait_for_line("見本　花子", "仕事さがしの報告"))
    assert "れいだい食堂" in desk.values()
    desk.accept()
    desk.open_and_take(desk.wait_for_line("見本　花子", "収入申告書"))
    assert "仕事をさがしているところ" in desk.values()
    desk.look("review-without")


def search(thumb: Thumb) -> None:
    """求職活動状況報告書: one application."""
    phone = thumb.phone
    phone.home()
    thumb.link("仕事さがしの報告")
    thumb.button("はじめる")
    for _screen in range(20):
        heading = phone.heading()
        phone.look(f"search-{_screen}")
        if "これでよいか" in heading:
            break
        answer_somehow(thumb)
    thumb.button("この内容で出す")
    expect(phone.page.locator("h1")).to_have_text("届きました")


def answer_somehow(thumb: Thumb) -> None:
    """The first answer to each question that needs one; a name where a name is asked."""
    page = thumb.phone.page
    for at in range(page.locator("fieldset[data-question]").count()):
        tiles = page.locator("fieldset[data-question]").nth(at).locator("label.tile")
        if tiles.first.is_visible():
            thumb.tap(tiles.first)
    for at in range(page.locator("[data-question] input[type=text], [data-question] textarea").count()):
        field = page.locator("[data-question] input[type=text], [data-question] textarea").nth(at)
        if field.is_visible():
            is_count = field.get_attribute("inputmode") == "numeric"
            is_day = "input--short" in (field.get_attribute("class") or "")
            field.fill("1" if is_count else "11/3" if is_day else "れいだい食堂")
    if page.get_by_role("button", name="つぎへ").count():
        thumb.button("^つぎへ")
    elif page.get_by_role("link", name="これで全部です").count():
        thumb.link("これで全部です")
    else:
        thumb.link("つぎへ|このまま進む")


def job(thumb: Thumb, worker: str, employer: str, gross: str) -> None:
    phone = thumb.phone
    thumb.choose(worker)
    thumb.button("^つぎへ")
    thumb.write("employer", employer)
    thumb.button("^つぎへ")
    thumb.write("work_days", "8")
    thumb.button("^つぎへ")
    expect(phone.page.locator("main")).to_contain_text(employer)
    thumb.write("gross_yen", gross)
    thumb.button("^つぎへ")
    for field in ("social_insurance_yen", "income_tax_yen", "commuting_yen"):
        thumb.write(field, "0")
    thumb.button("^つぎへ")
    thumb.button("^つぎへ")  # other costs
    thumb.button("^つぎへ")  # pay day


def two_earners(phone: Phone, desk: Desk, town: Town) -> None:
    with sessions(town.engine).begin() as session:
        who = person(session)
        mother = Member(
            office_id=who.office_id,
            household_id=who.household_id,
            name="見本　和子",
            kana="みほん　かずこ",
            is_head=False,
        )
        session.add(mother)
    phone.sign_in(town.code)
    phone.begin()
    thumb = Thumb(phone)
    thumb.choose("あります")
    thumb.button("^つぎへ")
    phone.look("worker")
    job(thumb, "見本　花子", "株式会社みほん清掃", "4万")
    thumb.link("もう1つ")
    job(thumb, "見本　花子", "れいだい食堂", "30000")
    thumb.link("もう1つ")
    job(thumb, "見本　和子", "かくう園芸", "20,000")
    phone.look("jobs-three")
    thumb.link("これで全部です")
    thumb.choose("あります", within="[data-question=pension]")
    for question in ("remittance", "other", "expected"):
        thumb.choose("ありません", within=f"[data-question={question}]")
    thumb.button("^つぎへ")
    phone.look("pensions")
    thumb.choose("児童手当", within="[data-question=kind]")
    thumb.choose("見本　花子", within="[data-question=recipient]")
    thumb.write("amount_yen", "1万")
    thumb.choose("1か月分", within="[data-question=per]")
    thumb.button("^つぎへ")
    thumb.link("これで全部です")
    phone.look("all-work")
    thumb.choose("いません")
    thumb.button("^つぎへ")
    thumb.link("このまま進む")
    phone.look("check-three")
    thumb.button("この内容で出す")
    expect(phone.page.locator("h1")).to_have_text("届きました")
    print(f"\ntwo earners, three employers: {thumb.taps} taps")
    desk.sign_in("reino", PASSWORD)
    desk.open_and_take(desk.wait_for_line("見本　花子", f"{town.month.month}月分"))
    values = desk.values()
    for said in ("れいだい食堂", "かくう園芸", "40,000円", "30,000円", "20,000円", "児童手当", "見本　和子"):
        assert said in values
    desk.look("review-three")


@pytest.mark.parametrize("walk", [as_last_month, job_seeker, two_earners], ids=lambda walk: walk.__name__)
def test_with_a_script(phone: Phone, desk: Desk, town: Town, walk: Callable[[Phone, Desk, Town], None]) -> None:
    for person_ in (phone, desk):
        person_.careful = True
    walk(phone, desk, town)
    assert phone.looks + desk.looks == []


@pytest.mark.parametrize("walk", [as_last_month, job_seeker, two_earners], ids=lambda walk: walk.__name__)
def test_without_any_script(
    phone_without_script: Phone,
    desk_without_script: Desk,
    town: Town,
    walk: Callable[[Phone, Desk, Town], None],
) -> None:
    walk(phone_without_script, desk_without_script, town)
