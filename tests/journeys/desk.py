"""The staff app as caseworkers and clerks use it: page object of the journeys."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.journeys import looking


class Desk:
    """What a mouse and a keyboard do. ``looks`` collects what axe finds on the way, if ``careful``."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.careful = False
        self.looks: list[str] = []

    def look(self, name: str) -> None:
        if self.careful:
            self.looks += looking.faults(self.page, f"desk-{name}")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def sign_in(self, login: str, password: str) -> None:
        self.page.goto(self.url)
        self.look("sign-in")
        self.page.locator("#login").fill(login)
        self.page.locator("#password").fill(password)
        self.press("入る")
        expect(self.page.locator("header.top")).to_contain_text("終わる", timeout=30_000)  # the first page of all

    def waiting(self) -> Locator:
        """The lines of the queue."""
        return self.page.locator("table.table tbody tr")

    def wait_for_line(self, *words: str) -> Locator:
        """The line that says all of ``words``, within seconds of its arrival."""
        for _ in range(40):
            self.page.goto(self.url)
            line = self.waiting()
            for word in words:
                line = line.filter(has_text=word)
            if line.count() == 1:
                return line
            self.page.wait_for_timeout(500)
        raise AssertionError(f"no line with {words} within 20 s: {self.page.locator('main').inner_text()}")

    def open_and_take(self, line: Locator) -> None:
        line.locator("a.who").click()
        expect(self.page.locator("table.table caption").first).to_have_text("申告された値")
        self.look("review")
        self.press("わたしが対応する")
        expect(self.page.locator("main")).to_contain_text("あなたが対応中")

    def take_next(self) -> None:
        self.page.goto(self.url)
        self.press("つぎの1件を開く")
        expect(self.page.locator("main")).to_contain_text("あなたが対応中")

    def values(self) -> str:
        """The declared values, as text."""
        return self.page.locator("table.table").first.inner_text()

    def documents(self) -> list[str]:
        """The names in the viewer."""
        return self.page.locator(".docs a").all_inner_texts()

    def safe_copies_shown(self) -> int:
        """How many page pictures have really been drawn."""
        pictures = self.page.locator(".viewer__doc img")
        pictures.first.wait_for()
        for at in range(pictures.count()):  # no function waits on a page without scripts
            expect(pictures.nth(at)).to_have_js_property("complete", value=True)
        drawn: int = self.page.evaluate(
            "[...document.querySelectorAll('.viewer__doc img')].filter((one) => one.naturalWidth > 300).length"
        )
        return drawn

    def ask_again(self, *, file: str, file_reason: str, file_detail: str, value: str, value_detail: str) -> None:
        """なおしてもらう: one file and one value."""
        self.page.get_by_role("link", name="なおしてもらう").click()
        self.look("return")
        self.press("送る")
        expect(self.page.locator(".errors")).to_contain_text("なおしてもらうものを、1つはえらんでください")
        self.look("return-error")
        paper = self.page.get_by_role("group", name=file).first
        paper.get_by_text("なおしてもらう", exact=True).click()
        paper.get_by_text(file_reason, exact=True).click()
        paper.locator("input[name$=-detail]").fill(file_detail)
        self.page.locator(f"#value-{value}").check()
        self.page.locator(f"#value-{value}-detail").fill(value_detail)
        self.press("本人の画面を見る")
        expect(self.page.locator("#phone")).to_contain_text("なおしてください")
        self.look("return-preview")
        self.press("送る")
        expect(self.page.get_by_role("status").first).to_be_visible()

    def accept(self) -> None:
        self.press("受理する")
        expect(self.page.get_by_role("status").first).to_contain_text("受理")

    def issue(self, number: str) -> None:
        """A clerk issues the certificate of ``number`` and waits until its PDF is there."""
        self.page.goto(f"{self.url}/receipts")
        self.look("receipts")
        self.page.locator("tr", has_text=number).locator("a.who").click()
        expect(self.page.locator("h1").first).to_contain_text("発行前の見本")
        self.look("receipt-preview")
        self.press("発行する")
        issued = self.page.locator("tr", has_text=number)
        for _ in range(40):
            if issued.get_by_role("link", name=re.compile("PDF")).count():
                break
            self.page.wait_for_timeout(500)
            self.page.goto(f"{self.url}/receipts?tab=issued")
        else:
            raise AssertionError("the PDF was not drawn within 20 s")
        self.look("receipts-issued")
