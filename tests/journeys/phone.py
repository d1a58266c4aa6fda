"""The portal as a person with a phone uses it: page object of the journeys."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys import looking

ANSWERS = {
    "employer": "株式会社みほん清掃",
    "work_days": "１８",
    "gross_yen": "８４，５００円",
    "social_insurance_yen": "470",
    "income_tax_yen": "0",
    "commuting_yen": "2,600",
}
SCREENS = (
    ("employer",),
    ("work_days",),
    ("gross_yen",),
    ("social_insurance_yen", "income_tax_yen", "commuting_yen"),
)


class Phone:
    """What a thumb does. ``looks`` collects what axe finds on the way, if ``careful``."""

    def __init__(self, page: Page, url: str, *, script: bool = True) -> None:
        self.page, self.url, self.script = page, url, script
        self.careful = False
        self.looks: list[str] = []

    def look(self, name: str) -> None:
        assert looking.words_that_say_too_much(self.page) == []
        if self.careful:
            self.looks += looking.faults(self.page, f"phone-{name}")

    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def next(self) -> None:
        self.page.get_by_role("button", name="つぎへ").click()

    def sign_in(self, code: str) -> None:
        self.page.goto(self.url)
        self.look("sign-in")
        self.page.get_by_label("手紙の番号を入れてください").fill(code)
        self.next()
        expect(self.page.locator("h1")).to_contain_text("今月やること")
        self.look("home")

    def begin(self) -> None:
        self.page.get_by_role("button", name=re.compile("^書く")).click()

    def answer_all(self, **given: str) -> None:
        """Answer every question, one screen after the other."""
        for fields in SCREENS:
            self.look(fields[0])
            for field in fields:
                self.page.locator(f"#{field}").fill(given.get(field, ANSWERS[field]))
            self.next()
        expect(self.page.locator("h1")).to_contain_text("給与明細を送ってください")

    def choose(self, *paths: Path, camera: bool = False) -> None:
        """Choose files; with a script they go at once, without one a button appears."""
        form = self.page.locator("form:has(input[type=file])").nth(0 if camera else 1)
        picker = form.locator("input[type=file]")
        if self.script:
            with self.page.expect_navigation():
                picker.set_input_files([str(path) for path in paths])
        else:
            picker.set_input_files([str(path) for path in paths])
            form.get_by_role("button", name="えらんだものを送る").click()

    def wait_until_looked_at(self, count: int) -> None:
        """Until ``count`` files show their pages. Without a script the person opens the page again."""
        looked_at = self.page.locator("#rows .file", has_text=re.compile("ページ　"))
        for _ in range(60):
            if looked_at.count() >= count:
                return
            self.page.wait_for_timeout(500)
            if not self.script:
                self.page.goto(self.page.url)
        raise AssertionError(f"not looked at within 30 s: {self.page.locator('#rows').inner_text()}")

    def go_on_to_check(self) -> None:
        self.page.get_by_role("link", name="つぎへ").click()
        expect(self.page.locator("h1")).to_contain_text("これでよいか")

    def send(self) -> str:
        """Send, and return the number on the slip."""
        self.look("check")
        self.page.get_by_role("button", name="この内容で出す").click()
        expect(self.page.locator("h1")).to_have_text("届きました")
        self.look("sent")
        return self.page.locator(".slip__no b").inner_text()

    def home(self) -> None:
        self.page.goto(f"{self.url}/home")

    def errors(self) -> list[str]:
        return self.page.locator(".errors li").all_inner_texts()
