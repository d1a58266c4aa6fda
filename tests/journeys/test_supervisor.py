"""The supervisor's morning: figures and what is behind them, second looks, a reason in new words, a fixed text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pypdfium2
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from shared import clock, fixed_texts, review, second_look, sign_in
from shared.model import Household, Reason, Role, StaffMember, State
from shared.session import sessions
from shared.sign_in import Staff
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, PHONE, Town
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone

ONE_DATABASE = True  # both databases are walked by every other journey
WIDTHS = (768, 1440)


@pytest.fixture
def waiting(town: Town) -> UUID:
    """A morning with a past: reasons, looks, two acceptances that are drawn; and 見本　花子's report, which waits."""
    with sessions(town.engine).begin() as session:
        office, hanako = factories.office(session), factories.recipient_named(session, "見本　花子")
        chief = factories.staff(session, Role.SUPERVISOR, login="kamiya", name="仮山 百合")
        sign_in.set_password(session, session.get_one(StaffMember, (office.id, chief.staff_id)), PASSWORD)
        fixed_texts.begin(session, office.id)
        home = session.scalars(select(Household).where(Household.case_no == "100001")).one()
        worker = session.get_one(StaffMember, (office.id, home.caseworker_id))
        hers = Staff(office.id, uuid4(), worker.id, worker.name, worker.role)
        for at, state in enumerate((State.WAITING, State.ON_HOLD, State.WAITING, State.RETURNED, State.WAITING)):
            with clock.at(clock.now() - timedelta(days=at * 4)):
                factories.submission(session, state, factories.recipient(session, factories.household(session, hers)))
        second_look.set_rule(session, office.id, 100, clock.today())
        for name in ("一野　花子", "二野　花子"):
            who = factories.recipient(session, factories.household(session, hers), name=name)
            row = factories.submission(session, State.WAITING, who)
            review.claim(session, hers, row.id)
            review.accept(session, hers, row.id, seen=row.revision, attempt=uuid4())
        return factories.submission(session, State.WAITING, hanako).id


@pytest.fixture
def chief(town: Town, waiting: UUID, open_page: Callable[..., Page]) -> Desk:
    desk = Desk(open_page(DESK), town.staff)
    desk.sign_in("kamiya", PASSWORD)
    return desk


@pytest.fixture
def caseworker(town: Town, waiting: UUID, open_page: Callable[..., Page]) -> Desk:
    desk = Desk(open_page(DESK), town.staff)
    desk.sign_in("reino", PASSWORD)
    return desk


def rows(page: Page) -> int:
    return page.locator("a.who").count()


def dashboard(desk: Desk) -> Page:
    desk.page.locator("header.top").get_by_role("link", name="係の状況", exact=True).click()
    expect(desk.page.locator("h1")).to_have_text("係の状況")
    return desk.page


def test_three_figures_open_their_lists_by_mouse_and_by_keyboard_and_the_page_prints(chief: Desk) -> None:
    page = dashboard(chief)
    found = looking.faults(page, "supervisor-dashboard", WIDTHS)
    tile = page.get_by_role("link", name=re.compile("^見る期限をすぎた"))
    late = int(re.findall(r"\d+", tile.inner_text())[0])
    assert late > 0
    tile.click()
    expect(page.get_by_role("link", name=re.compile("^期限超過")).first).to_have_attribute("aria-current", "page")
    assert rows(page) == late

    page = dashboard(chief)
    mark = page.locator("section[aria-labelledby=ages] svg a").first
    label = mark.get_attribute("aria-label") or ""
    mark.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("の確認待ち")
    assert rows(page) == int(label.rpartition(" ")[2])
    found += looking.faults(page, "supervisor-list", WIDTHS)
    page.keyboard.press("Escape")

    page = dashboard(chief)
    page.get_by_text("どの書類で多いか").click()
    number = page.locator("section[aria-labelledby=reasons] table a.cell").first
    count = int(number.inner_text())
    number.click()
    expect(page.locator("h1")).to_contain_text("補正の理由「書類の数字とちがうよう」")
    assert rows(page) == count
    found += looking.faults(page, "supervisor-list-reasons", WIDTHS)

    page = dashboard(chief)
    pdf = pypdfium2.PdfDocument(io.BytesIO(page.pdf(format="A4")))
    text = "".join(sheet.get_textpage().get_text_range() for sheet in pdf)
    assert 1 <= len(pdf) <= 3
    assert "受信箱を開く" not in text
    assert f"見る約束の日をすぎたものが{late}件" in text
    pdf.close()
    assert found == []


def test_two_second_looks_one_fine_and_one_to_talk_about(chief: Desk, caseworker: Desk) -> None:
    page = dashboard(chief)
    page.get_by_role("link", name="二度目の確認", exact=True).click()
    found = looking.faults(page, "supervisor-second-looks", WIDTHS)
    assert rows(page) == 2
    page.keyboard.press("n")
    expect(page.locator("h1")).to_contain_text("一野　花子")
    found += looking.faults(page, "supervisor-second-look", WIDTHS)
    chief.press("よい")
    expect(page.locator("h1")).to_contain_text("二野　花子")
    chief.press("話し合いたい")
    expect(page.locator("#note-error")).to_contain_text("話し合いたいことを書いてください")
    found += looking.faults(page, "supervisor-second-look-wrong", WIDTHS)
    page.locator("#note").fill("交通費の書き方を、一緒に見たいです。")
    chief.press("話し合いたい")
    expect(page.get_by_role("status")).to_contain_text("担当に伝えました")
    page = dashboard(chief)
    expect(page.locator("#second")).to_have_text("二度目の確認では、50%がそのままでよいものでした")

    hers = caseworker.page
    hers.goto(caseworker.url)
    expect(hers.locator("main")).to_contain_text("仮山 百合さんが話し合いたいそうです")
    expect(hers.locator("main")).to_contain_text("交通費の書き方を、一緒に見たいです。")
    found += looking.faults(hers, "supervisor-talk", WIDTHS)
    hers.get_by_role("button", name=re.compile("^読みました")).click()
    expect(hers.locator("main")).not_to_contain_text("話し合いたいそうです")
    assert found == []


def test_a_reason_in_the_offices_words_reaches_the_person(
    town: Town, chief: Desk, caseworker: Desk, waiting: UUID, open_page: Callable[..., Page]
) -> None:
    page = dashboard(chief)
    page.get_by_role("link", name="補正の理由", exact=True).click()
    found = looking.faults(page, "supervisor-reasons", WIDTHS)
    page.get_by_role("link", name="書類の数字とちがうよう").click()
    page.get_by_label("数字や答えについて", exact=True).fill("")
    chief.press("保存する")
    expect(page.locator(".errors")).to_contain_text("本人が読むことばを書いてください")
    found += looking.faults(page, "supervisor-reason-wrong", WIDTHS)
    page.get_by_label("数字や答えについて", exact=True).fill("明細の いちばん上の 金額を 見てください")
    chief.press("保存する")
    expect(page.get_by_role("status")).to_contain_text("理由を保存しました")

    hers = caseworker.page
    hers.goto(f"{town.staff}/review/{waiting}")
    caseworker.press("わたしが対応する")
    hers.get_by_role("link", name="なおしてもらう").click()
    hers.locator("#value-jobs-0-gross_yen").check()
    hers.locator("#value-jobs-0-gross_yen-reason").select_option(Reason.DIFFERS)
    caseworker.press("本人の画面を見る")
    expect(hers.locator("#phone")).to_contain_text("明細のいちばん上の金額を見てください")
    caseworker.press("送る")
    expect(hers.get_by_role("status").first).to_be_visible()

    phone = Phone(open_page(PHONE), town.portal)
    phone.sign_in(town.code)
    phone.page.goto(f"{town.portal}/correct/{waiting}")
    expect(phone.page.locator("#item-1")).to_contain_text("明細のいちばん上の金額を見てください")
    phone.careful = True
    phone.look("supervisor-correction")
    assert found + phone.looks == []


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
def test_a_fixed_text_goes_only_when_nothing_is_left_open(
    town: Town, waiting: UUID, open_page: Callable[..., Page], script: bool
) -> None:
    desk = Desk(open_page(DESK, script=script), town.staff)
    desk.sign_in("reino", PASSWORD)
    page = desk.page
    page.goto(f"{town.staff}/review/{waiting}")
    page.locator("#text").fill("急ぎません。")
    page.locator("#fixed").select_option(label="足りない書類")
    desk.press("文を入れる")
    field = page.locator("#text")
    expect(field).to_have_value(re.compile("^見本　花子さん\n.*〔書類の名前〕.*\n\n急ぎません。$", re.DOTALL))
    if script:
        chosen = page.evaluate("document.activeElement.value.slice(document.activeElement.selectionStart)")
        assert chosen.startswith("〔書類の名前〕")
    desk.press("本人に送る")
    expect(page.locator("#text-error")).to_contain_text("〔 〕や［ ］のところを、書きかえるか消してください")
    found = looking.faults(page, "supervisor-text-refused", WIDTHS) if script else []
    field.fill(field.input_value().replace("〔書類の名前〕", "家賃の領収書"))
    desk.press("本人に送る")
    expect(page.locator("main")).to_contain_text("あと家賃の領収書があると、手続きが進みます。")

    phone = Phone(open_page(PHONE), town.portal)
    phone.sign_in(town.code)
    phone.page.goto(f"{town.portal}/messages")
    expect(phone.page.locator("main")).to_contain_text("あと家賃の領収書があると、手続きが進みます。")
    assert found == []


def test_the_texts_are_kept_by_the_supervisor(chief: Desk) -> None:
    page = dashboard(chief)
    page.get_by_role("link", name="定型文", exact=True).click()
    found = looking.faults(page, "supervisor-texts", WIDTHS)
    page.get_by_role("link", name="加える").click()
    page.get_by_label("名前（職員だけが見ます）").fill("金額の確認")
    page.get_by_label("本人に送ることば").fill("〔氏名〕さん\n〔月〕分の金額は〔金額〕ですか。")
    chief.press("本人の画面を見る")
    expect(page.locator(".phone")).to_contain_text("10月分の金額は〔金額〕ですか。")
    found += looking.faults(page, "supervisor-text", WIDTHS)
    chief.press("保存する")
    expect(page.get_by_role("status")).to_contain_text("定型文を加えました")
    page.get_by_role("button", name="「金額の確認」を1つ上へ").click()
    expect(page.locator("tbody tr").nth(4)).to_contain_text("金額の確認")
    assert found == []
