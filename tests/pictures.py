"""``make pictures``: takes the README's screenshots from the running product, with the made-up office of ./run."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2
from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.office.hibarino import PASSWORD
from config.office.services import PROJECT, free_port
from tests.journeys.conftest import DESK, PHONE, chromium
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone

PICTURES = PROJECT / "docs" / "pictures"


def main() -> int:
    program = chromium()
    if program is None:
        print("the pictures need Chromium: sudo apt install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        ports = free_port(), free_port()
        office, code = _start(Path(folder), *ports)
        try:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            _walk(browser, Path(folder), code, *(f"http://127.0.0.1:{port}" for port in ports))
            browser.close()
        finally:
            office.terminate()
            office.wait(30)
    return 0


def _start(folder: Path, portal: int, staff: int) -> tuple[subprocess.Popen[str], str]:
    """The office of ./run, and the code of the first letter it prints."""
    command = [sys.executable, "-m", "config.office", "run", "--var", str(folder / "var")]
    command += ["--portal-port", str(portal), "--staff-port", str(staff)]
    office = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    code = ""
    for line in office.stdout or []:
        print(line, end="")
        found = re.search(r"1001\s+(\w{4}-\w{4}-\w{4})", line)
        code = code or (found[1] if found else "")
        if "Ctrl-C" in line:
            return office, code
    raise RuntimeError("the office did not start")


def _page(browser: Browser, size: dict[str, int]) -> Page:
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, locale="ja-JP", timezone_id="Asia/Tokyo"
    )
    context.set_default_timeout(30_000)
    return context.new_page()


def _shoot(page: Page, name: str, *, full: bool = False) -> None:
    page.mouse.move(0, 0)
    size = page.viewport_size
    if full and size:  # a window as tall as the page: what sticks to the window's foot then stands at the page's
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
    page.screenshot(path=str(PICTURES / f"{name}.png"))
    if size:
        page.set_viewport_size(size)


def _walk(browser: Browser, folder: Path, code: str, portal: str, staff: str) -> None:
    samples = folder / "var" / "samples"
    phone = Phone(_page(browser, PHONE), portal)
    phone.page.goto(portal)
    _shoot(phone.page, "1-letter")
    phone.sign_in(code)
    _shoot(phone.page, "2-home")
    phone.begin()
    phone.worked()
    phone.page.locator("#employer").fill("株式会社みほん清掃")
    phone.next()
    phone.page.locator("#work_days").fill("18")
    phone.next()
    phone.page.locator("#gross_yen").fill("８４，５００円")
    _shoot(phone.page, "3-wage")
    phone.next()
    for field, amount in (("social_insurance_yen", "470"), ("income_tax_yen", "0"), ("commuting_yen", "2600")):
        phone.page.locator(f"#{field}").fill(amount)
    phone.next()
    phone.next()  # other costs
    phone.next()  # pay day
    phone.page.get_by_role("link", name="これで全部です").click()
    phone.page.get_by_role("button", name="どれもありません").click()
    phone.choose(samples / "給与明細.pdf")
    phone.choose(samples / "IMG_0417.jpg", camera=True)
    phone.wait_until_looked_at(2)
    _shoot(phone.page, "4-files", full=True)
    phone.go_on_to_check()
    number = phone.send()
    _shoot(phone.page, "5-slip", full=True)

    desk = Desk(_page(browser, DESK), staff)
    desk.sign_in("reino", PASSWORD)
    line = desk.wait_for_line("見本　花子")
    _shoot(desk.page, "6-queue")
    desk.open_and_take(line)
    desk.safe_copies_shown()
    _shoot(desk.page, "7-review")
    desk.ask_again(
        file="IMG_0417.jpg",
        file_reason="一部が切れている",
        file_detail="出勤の日数",
        value="jobs-0-gross_yen",
        value_detail="総支給額のところ",
    )
    phone.home()
    phone.page.get_by_role("link", name="なおす").click()
    _shoot(phone.page, "8-correction", full=True)
    phone.page.get_by_role("link", name="見なおして出す").click()
    phone.send()
    desk.open_and_take(desk.wait_for_line("見本　花子", "補正が届いた"))
    desk.accept()
    chief = Desk(_page(browser, DESK), staff)
    chief.sign_in("hikaeda", PASSWORD)
    chief.page.goto(f"{staff}/dashboard")
    _shoot(chief.page, "10-dashboard", full=True)
    clerk = Desk(_page(browser, DESK), staff)
    clerk.sign_in("shinami", PASSWORD)
    clerk.issue(number)
    _certificate(phone, number)


def _certificate(phone: Phone, number: str) -> None:
    phone.home()
    phone.page.get_by_role("link", name=re.compile(number)).click()
    link = phone.page.get_by_role("link", name="受領証を保存する（PDF）")
    expect(link).to_be_visible()
    with phone.page.expect_download() as download:
        link.click()
    document = pypdfium2.PdfDocument(download.value.path())
    document[0].render(scale=1.5).to_pil().save(PICTURES / "9-receipt.png")
    document.close()


if __name__ == "__main__":
    sys.exit(main())
