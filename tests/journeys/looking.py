"""Looking at a page as people with other eyes and hands do: axe at both widths, and words that must not stand there."""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS = (390, 1440)
NEVER_IN_THE_PORTAL = ("生活保護", "福祉事務所")
PICTURES = os.environ.get("MADOGUCHI_PICTURES")  # a folder: keep a picture of every page that is looked at


def faults(page: Page, name: str, widths: tuple[int, ...] = WIDTHS) -> list[str]:
    """What axe finds at 390 and 1440 px, or other widths, with the window as tall as the page; empty is good."""
    before = page.viewport_size
    page.wait_for_load_state()
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": max(844, height)})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{name} at {width} px: scrolls sideways to {wide} px")
        results = Axe().run(page)
        for violation in results.response["violations"]:
            what = f"{name} at {width} px: {violation['id']}"
            found += [f"{what}: {node['target']} {node['html'][:120]}" for node in violation["nodes"]]
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"))
    if before:
        page.set_viewport_size(before)
    return found


def words_that_say_too_much(page: Page) -> list[str]:
    """Words a bystander must not read on a portal page, title included."""
    text = page.title() + page.content()
    return [word for word in NEVER_IN_THE_PORTAL if word in text]
