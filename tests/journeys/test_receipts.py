"""The clerk's morning: three hundred certificates, a second person, the bar, the files, one voided and issued anew."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select, text, update

from shared import clock, receipt_rules, sign_in
from shared.model import Household, Receipt, Role, StaffMember, State, Submission
from shared.rules.numbers import short_number
from shared.session import sessions
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk

ONE_DATABASE = True  # what differs between the databases stands in tests/shared
COUNT = 300
WIDTHS = (768, 1440)  # the desk's own: a tablet and a screen


@pytest.fixture
def morning(town: Town) -> None:
    """Three hundred reports accepted, in two districts; the office wants two people; a supervisor is there."""
    with sessions(town.engine).begin() as session:
        office = factories.office(session)
        for _ in range(COUNT):
            factories.submission(session, State.ACCEPTED)
        for _ in range(3):
            factories.submission(session, State.ACCEPTED, factories.recipient(session, name="別区　人子"))
        session.execute(update(Household).values(district="本町"))
        other = session.scalars(select(Submission.household_id).where(Submission.state == State.ACCEPTED).limit(3))
        session.execute(update(Household).where(Household.id.in_(other.all())).values(district="南町"))
        chief = factories.staff(session, Role.SUPERVISOR, login="hikaeda", name="控田 百合")
        sign_in.set_password(session, session.get_one(StaffMember, (office.id, chief.staff_id)), PASSWORD)
        receipt_rules.set_rule(session, office.id, clock.today(), two_people=True)
        session.execute(text("ANALYZE"))  # as the server does by itself within a minute


def at(open_page: Callable[..., Page], town: Town, login: str) -> Desk:
    desk = Desk(open_page(DESK), town.staff)
    desk.sign_in(login, PASSWORD)
    return desk


def saved(page: Page, name: str, folder: Path) -> bytes:
    """What a link hands over."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path.read_bytes()


@pytest.mark.usefixtures("morning")
def test_three_hundred_certificates_in_a_morning(town: Town, open_page: Callable[..., Page], tmp_path: Path) -> None:
    clerk = at(open_page, town, "shinami")
    page = clerk.page
    page.goto(f"{town.staff}/receipts")
    found = looking.faults(page, "desk-receipts-many", WIDTHS)
    expect(page.locator(".tabs [aria-current]")).to_have_text(f"発行できる {COUNT + 3}")

    # narrow, choose everything that matches, leave two out
    page.locator("#district").select_option("本町")
    clerk.press("表示")
    expect(page.locator(".tabs [aria-current]")).to_have_text(f"発行できる {COUNT}")
    page.get_by_label(f"この条件の全部 {COUNT}件").check()
    page.get_by_role("button", name="まとめて発行…").click()
    expect(page.locator("h1")).to_have_text(f"{COUNT}件を発行します")
    expect(page.locator(".sheet--draft")).to_be_visible()
    boxes = page.locator("input[name=id]")
    boxes.nth(4).check()
    boxes.nth(6).check()
    expect(page.locator("#bulk-count")).to_have_text("2")
    page.locator("#reason").fill("住所を確認中")
    page.locator("#reason").blur()
    page.keyboard.press("x")
    expect(page.locator("h1")).to_have_text(f"{COUNT - 2}件を発行します")
    expect(page.locator("tr.off")).to_have_count(2)
    expect(page.locator(".acts-bar")).to_contain_text(
        f"番号（予定） {factories.document_no(1)}〜{factories.document_no(COUNT - 2)}"
    )
    page.keyboard.press("]")
    expect(page.locator("#sheet-heading")).to_contain_text("2件め")
    expect(page.locator(".sheet--draft")).to_contain_text(factories.document_no(2))
    found += looking.faults(page, "desk-batch-excluded", WIDTHS)
    clerk.press(f"{COUNT - 2}件の承認をもとめる")
    expect(page.locator("main")).to_contain_text("承認を待っています")

    # the second person agrees; the bar goes to its end by itself
    chief = at(open_page, town, "hikaeda")
    chief.page.goto(f"{town.staff}/receipts")
    chief.page.get_by_role("link", name="まとめて発行").click()
    found += looking.faults(chief.page, "desk-batch-to-approve", WIDTHS)
    chief.press(f"承認して{COUNT - 2}件を発行する")
    page.goto(page.url)
    found += looking.faults(page, "desk-batch-running", WIDTHS)
    expect(page.locator("h1")).to_have_text(f"{COUNT - 2}件を発行しました", timeout=90_000)
    expect(page.get_by_role("link", name="印刷用PDF")).to_be_visible(timeout=120_000)
    found += looking.faults(page, "desk-batch-issued", WIDTHS)

    # what is printed, and what is handed on
    with pikepdf.open(io.BytesIO(saved(page, "印刷用PDF", tmp_path))) as printed:
        assert len(printed.pages) == COUNT - 2
    archive = zipfile.ZipFile(io.BytesIO(saved(page, "ZIP・CSV", tmp_path)))
    assert len(archive.namelist()) == COUNT - 2 + 1
    lines = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode("utf-8-sig"))))
    assert [short_number(line["文書番号"]) for line in lines] == [
        factories.document_no(no) for no in range(1, COUNT - 1)
    ]
    assert archive.read(lines[0]["ファイル名"]).startswith(b"%PDF-")

    # one is found by its number, voided by two people, and issued anew
    page.goto(f"{town.staff}/receipts?tab=issued")
    page.locator("#q").fill(factories.document_no(7))
    clerk.press("表示")
    page.locator("a.who").click()
    found += looking.faults(page, "desk-certificate", WIDTHS)
    page.locator("#reason").fill("宛名の誤記")
    clerk.press("取消しの承認をもとめる")
    expect(page.locator("main")).to_contain_text("ほかの人が承認するまで")
    certificate = page.url
    chief.page.goto(certificate)
    chief.press("承認して取り消す")
    expect(chief.page.locator(".sheet")).to_have_attribute("data-mark", "取消し")
    found += looking.faults(chief.page, "desk-certificate-voided", WIDTHS)
    page.goto(f"{town.staff}/receipts?q=見本")
    again = page.locator("tr", has_text="再発行")
    again.locator("a.who").click()
    clerk.press("発行する")
    clerk.press("1件の承認をもとめる")
    chief.page.goto(page.url)
    chief.press("承認して1件を発行する")
    page.goto(certificate)
    expect(page.locator("main")).to_contain_text("番号は、ほかに使いません")
    for _ in range(60):
        if page.get_by_text(f"代わりの受領証：{factories.document_no(COUNT - 1)}").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator("main")).to_contain_text(f"代わりの受領証：{factories.document_no(COUNT - 1)}")

    # what was posted is on its way no more
    page.goto(f"{town.staff}/receipts?tab=on_way")
    expect(page.locator(".tabs [aria-current]")).to_have_text(f"届け中・再送 {COUNT - 2}")
    found += looking.faults(page, "desk-receipts-on-way", WIDTHS)
    page.locator("#bulk-rows").check()
    clerk.press("郵送した")
    expect(page.get_by_role("status").first).to_have_text("50件に「郵送」と記録しました。")
    expect(page.locator(".tabs [aria-current]")).to_have_text(f"届け中・再送 {COUNT - 52}")
    page.goto(f"{town.staff}/receipts?tab=voided")
    expect(page.locator("tbody")).to_contain_text("宛名の誤記")
    found += looking.faults(page, "desk-receipts-voided", WIDTHS)
    with sessions(town.engine)() as session:
        assert session.scalar(select(func.count()).select_from(Receipt)) == COUNT - 1
    assert found == []


def test_an_administrator_sends_the_offices_stamp(town: Town, open_page: Callable[..., Page], tmp_path: Path) -> None:
    from PIL import Image, ImageDraw

    with sessions(town.engine).begin() as session:
        admin = factories.staff(session, Role.ADMINISTRATOR, login="kanno", name="管野 守")
        sign_in.set_password(session, session.get_one(StaffMember, (admin.office_id, admin.staff_id)), PASSWORD)
        ready = factories.submission(session, State.ACCEPTED).id
    picture = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(picture).rectangle((20, 20, 280, 280), outline="red", width=16)
    picture.save(tmp_path / "stamp.png")
    desk = at(open_page, town, "kanno")
    page = desk.page
    page.goto(f"{town.staff}/stamp")
    found = looking.faults(page, "desk-stamp-empty", WIDTHS)
    page.get_by_label("公印", exact=True).check()
    page.locator("#file").set_input_files(tmp_path / "stamp.png")
    desk.press("送る")
    for _ in range(60):
        if page.get_by_text("いま使っています").count():
            break
        page.wait_for_timeout(500)
        page.goto(f"{town.staff}/stamp")
    expect(page.locator("table").first).to_contain_text("いま使っています")
    found += looking.faults(page, "desk-stamp", WIDTHS)
    clerk = at(open_page, town, "shinami")
    clerk.page.goto(f"{town.staff}/receipts/{ready}")
    shown = clerk.page.get_by_alt_text("公印")
    expect(shown).to_be_visible()
    assert shown.evaluate("(one) => one.naturalWidth") == 300
    found += looking.faults(clerk.page, "desk-receipt-stamp", WIDTHS)
    assert found == []
