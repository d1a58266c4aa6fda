"""The portal as a person with a phone uses it: page object of the journeys."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

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
        self.page.wait_for_load_state()
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
        """Begin the income report that is due."""
        self.page.get_by_role("link", name=re.compile("^書く.*収入申告書")).click()
        self.look("new")
        self.page.get_by_role("button", name="はじめる", exact=True).click()

    def worked(self) -> None:
        """On to the questions about the first job."""
        self.page.get_by_label("あります", exact=True).check()
        self.next()

    def answer_all(self, **given: str) -> None:
        """Answer every question, one screen after the other."""
        self.look("worked")
        self.worked()
        for fields in SCREENS:
            self.look(fields[0])
            for field in fields:
                self.page.locator(f"#{field}").fill(given.get(field, ANSWERS[field]))
            self.next()
        for name in ("costs", "paid"):  # nothing of these is needed
            self.look(name)
            self.next()
        self.look("jobs")
        self.page.get_by_role("link", name="これで全部です").click()
        self.look("more")
        self.page.get_by_role("button", name="どれもありません").click()
        expect(self.page.locator("h1")).to_contain_text("給与明細を送ってください")

    def picker(self, *, camera: bool = False) -> Locator:
        return self.page.locator("form[data-pick] input[type=file]").nth(0 if camera else 1)

    def shoot(self, shot: str, path: Path) -> None:
        """Take the photo that the page asks for by this name, and wait until it is there."""
        card = self.page.locator("section.card").filter(has=self.page.locator(f"#{shot}-heading"))
        picker = card.locator("form[data-pick] input[type=file]").nth(0)
        picker.set_input_files(str(path))
        if self.script:
            self.wait_until_sent()
        else:
            picker.locator("xpath=ancestor::form").get_by_role("button", name="えらんだものを送る").click()
        expect(self.page.locator(f"#{shot}-state")).to_contain_text("届きました")

    def choose(self, *paths: Path, camera: bool = False, anyway: bool = False) -> None:
        """Choose files and wait until none is under way. With a script they go at once; without one a button appears.

        :param anyway: the photo is not good, and the person sends it as it is.
        """
        picker = self.picker(camera=camera)
        picker.set_input_files([str(path) for path in paths])
        if not self.script:
            picker.locator("xpath=ancestor::form").get_by_role("button", name="えらんだものを送る").click()
            return
        if anyway:
            self.press_on_row(paths[0].name, "このまま送る")
        self.wait_until_sent()

    def going(self, name: str = "") -> Locator:
        """The rows of what is on its way."""
        return self.page.locator("[data-going] .file", has_text=name)

    def arrived(self) -> Locator:
        """The rows of what the office has."""
        return self.page.locator("#rows .file")

    def press_on_row(self, name: str, button: str) -> None:
        self.page.locator(".file", has_text=name).get_by_role("button", name=button).click()

    def wait_until_sent(self) -> None:
        """Until no row is under way: each has arrived, or waits for the person."""
        self.page.wait_for_function(
            """() => [...document.querySelectorAll('[data-pick] [type=file]')].every((one) => !one.files.length)
                && !document.querySelector('[data-state=preparing], [data-state=queued], [data-state=sending]')"""
        )

    def wait_for_row(self, name: str, state: str) -> None:
        """Until the row of ``name`` says ``state``, to be seen: the words of the other states stand there, hidden."""
        expect(self.going(name)).to_contain_text(state, use_inner_text=True)

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
