"""What a step weighs on the line, counted by Chromium itself: headers and bodies, as they came."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from playwright.sync_api import Page

from tests.journeys.conftest import Town
from tests.journeys.phone import ANSWERS, Phone

ONE_DATABASE = True  # bytes on the line know no database
STEP = 30 * 1024  # bytes of a first visit: page, styles and scripts, with their headers
AGAIN = 6 * 1024  # of every step after it
SCRIPTS = 12 * 1024  # of them, in the bodies of the picker's scripts


class Scale:
    """Weighs what comes over the line. ``weights``: bytes by address, without versions and ids; ``bodies`` of them."""

    def __init__(self, page: Page) -> None:
        self.weights: Counter[str] = Counter()
        self.bodies: Counter[str] = Counter()
        self._asked: dict[str, str] = {}
        self._tools = page.context.new_cdp_session(page)
        self._tools.send("Network.enable")
        self._tools.on("Network.requestWillBeSent", self._asks)
        self._tools.on("Network.responseReceived", self._hears)
        self._tools.on("Network.loadingFinished", self._has)

    def first_visit(self, *, first: bool) -> None:
        """Begin anew; a first visit finds nothing kept on the phone."""
        self._tools.send("Network.setCacheDisabled", {"cacheDisabled": first})
        self.weights.clear()
        self.bodies.clear()

    def _asks(self, event: dict[str, Any]) -> None:
        before = event.get("redirectResponse")
        if before:
            self.weights["redirects"] += before["encodedDataLength"]
        path = re.sub(r"https?://[^/]+|\?.*", "", event["request"]["url"])
        self._asked[event["requestId"]] = re.sub(r"/[0-9a-f-]{12,}(?=/)", "", path)

    def _hears(self, event: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in event["response"]["headers"].items()}
        if address := self._asked.get(event["requestId"]):
            self.bodies[address] += int(headers["content-length"])

    def _has(self, event: dict[str, Any]) -> None:
        if address := self._asked.get(event["requestId"]):  # else it was under way before we began
            self.weights[address] += int(event["encodedDataLength"])

    def of(self, ending: str) -> int:
        return sum(weight for address, weight in self.weights.items() if address.endswith(ending))

    def said(self, name: str) -> int:
        """Print what was weighed. Returns the weight of page, styles and scripts."""
        wanted = sum(self.weights.values()) - self.of(".svg") - self.weights["redirects"]
        print(f"\n{name}: {wanted} bytes; scripts {self.of('.js')}, styles {self.of('.css')}")
        for address, weight in self.weights.most_common():
            print(f"  {weight:6} {address}")
        return wanted


def answer(phone: Phone, *fields: str) -> None:
    for field in fields:
        phone.page.locator(f"#{field}").fill(ANSWERS[field])
    phone.next()
    phone.page.wait_for_load_state("networkidle")


def test_a_step_and_the_picker_are_light(phone: Phone, town: Town) -> None:
    phone.sign_in(town.code)
    phone.begin()
    phone.worked()
    scale = Scale(phone.page)
    scale.first_visit(first=True)
    answer(phone, "employer")
    assert 5_000 < scale.said("a step, first visit") <= STEP
    assert scale.of(".css") > 5_000, "the scale sees the styles"

    scale.first_visit(first=False)
    answer(phone, "work_days")
    scale.first_visit(first=False)
    answer(phone, "gross_yen")
    assert 1_000 < scale.said("a step, afterwards") <= AGAIN
    assert (scale.of(".css"), scale.of(".js"), scale.of(".svg")) == (0, 0, 0), "kept"

    scale.first_visit(first=True)
    # as a tap on a link does it: what a page of ours asks for comes packed
    phone.page.evaluate("location.assign(location.href.replace(/[/]jobs[/].*$/, '/files'))")
    phone.page.wait_for_url("**/files")
    phone.page.wait_for_load_state("networkidle")
    assert phone.page.locator("#uploads").count() == 1
    assert scale.said("the picker, first visit") <= STEP
    scripts = [scale.bodies[f"/static/{name}.js"] for name in ("files", "tus", "picture", "keep")]
    assert all(scripts)
    assert sum(scripts) <= SCRIPTS
