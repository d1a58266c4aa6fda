"""A wage report with a real payslip goes from a phone to a receipt, on both databases, with and without scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pypdfium2
from playwright.sync_api import Page, expect

from tests.journeys.conftest import PASSWORD, Town
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone


def report(phone: Phone, town: Town, pdf: Path, photo: Path) -> str:
    """From the letter to the slip; returns the number."""
    phone.sign_in(town.code)
    phone.begin()
    phone.answer_all()
    phone.choose(pdf)
    phone.choose(photo, camera=True, anyway=True)
    phone.wait_until_looked_at(2)
    phone.look("payslips")
    phone.go_on_to_check()
    return phone.send()


def correct(phone: Phone, photo: Path) -> str:
    """From なおしてください to the slip of the second version; returns the number."""
    phone.home()
    phone.look("home-returned")
    phone.page.get_by_role("link", name="なおす").click()
    expect(phone.page.locator("main")).to_contain_text("「出勤の日数」が入るようにとります")
    expect(phone.page.locator("main")).to_contain_text("に届いたことは、記録されています")
    phone.look("correction")
    phone.choose(photo)
    expect(phone.page.locator("main")).to_contain_text("新しいものが届きました")
    phone.page.locator("section", has_text="給料（引かれる前）").get_by_role("link", name="なおす").click()
    phone.page.locator("#gross_yen").fill("85400")
    phone.next()
    expect(phone.page.locator("main")).to_contain_text("（なおしました）")
    phone.look("correction-done")
    phone.page.get_by_role("link", name="見なおして出す").click()
    return phone.send()


def walk(phone: Phone, desk: Desk, clerk: Desk, town: Town, pdf: Path, dark: Path, photo: Path) -> None:
    number = report(phone, town, pdf, dark)
    assert re.fullmatch(r"HB\d+-\d{5}-\d", number)
    slip = phone.page.locator(".slip").inner_text()
    for said in ("84,500円", "18日", "給与明細.pdf", "IMG_0416.jpg", "1ページ", "KB", "SHA-256"):
        assert said in slip

    desk.sign_in("reino", PASSWORD)
    line = desk.wait_for_line("見本　花子")
    desk.look("queue")
    assert desk.waiting().count() == 1, "only her own households"
    desk.open_and_take(line)
    assert "84,500円" in desk.values()
    assert [name.strip() for name in desk.documents()] == ["給与明細.pdf", "IMG_0416.jpg"]
    assert desk.safe_copies_shown() == 1
    desk.ask_again(
        file="IMG_0416.jpg",
        file_reason="暗い・ぼやけている",
        file_detail="出勤の日数",
        value="jobs-0-gross_yen",
        value_detail="明細では85,400円",
    )

    assert correct(phone, photo) == number
    slip = phone.page.locator(".slip").inner_text()
    assert "第2版" in slip
    assert "85,400円" in slip
    assert "IMG_0416.jpg" not in slip

    desk.open_and_take(desk.wait_for_line("見本　花子", "補正が届いた"))
    assert "85,400円" in desk.values()
    desk.look("review-second-version")
    desk.accept()

    clerk.sign_in("shinami", PASSWORD)
    clerk.issue(number)
    certificate(phone, number)


def certificate(phone: Phone, number: str) -> None:
    """The person downloads the certificate; it says what was sent."""
    phone.home()
    phone.page.get_by_role("link", name=re.compile(number)).click()
    phone.look("sent-receipted")
    link = phone.page.get_by_role("link", name="受領証を保存する（PDF）")
    with phone.page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == f"受領証 {number}.pdf"
    document = pypdfium2.PdfDocument(download.value.path())
    text = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    for said in (number, "見本　花子", "株式会社みほん清掃", "85,400円", "給与明細.pdf", "IMG_0417.jpg", "ひ福生第"):
        assert said in text


def test_with_a_script(
    phone: Phone,
    desk: Desk,
    clerk: Desk,
    town: Town,
    payslip_pdf: Path,
    dark_photo: Path,
    payslip_photo: Path,
) -> None:
    everybody = phone, desk, clerk
    for person in everybody:
        person.careful = town.engine.dialect.name == "postgresql"  # looking at every page once is enough
    walk(*everybody, town, payslip_pdf, dark_photo, payslip_photo)
    assert [fault for person in everybody for fault in person.looks] == []


def test_without_any_script(
    phone_without_script: Phone,
    desk_without_script: Desk,
    clerk_without_script: Desk,
    town: Town,
    payslip_pdf: Path,
    dark_photo: Path,
    payslip_photo: Path,
) -> None:
    everybody = phone_without_script, desk_without_script, clerk_without_script
    walk(*everybody, town, payslip_pdf, dark_photo, payslip_photo)


def test_axe_sees_a_fault_where_there_is_one(browser_page: Page) -> None:
    from tests.journeys import looking

    browser_page.set_content("<html lang=ja><title>x</title><main><h1>x</h1><img src='data:,'></main></html>")
    assert any("image-alt" in fault for fault in looking.faults(browser_page, "planted"))
