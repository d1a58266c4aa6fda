"""Declared forms on a phone, with and without scripts: a check-in that somebody must see first, photos for a repair,
a change after sending, a withdrawal.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PASSWORD, Town
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone

ONE_DATABASE = True  # what differs between the databases stands in tests/shared
CALM = (
    *("よく", "1日に 3回", "眠れています", "通っていません", "たりそうです", "だいじょうぶです", "よく 話しました"),
    *("働いています", "ありません", "ありません", "いいえ"),
)


def open_form(phone: Phone, name: str) -> None:
    phone.home()
    phone.page.get_by_role("link", name=name).click()
    phone.look(f"form-{name}")
    phone.page.get_by_role("button", name="はじめる").click()


def choose(phone: Phone, label: str) -> None:
    """Tap an answer, and go on."""
    pattern = re.compile("^" + re.escape(label).replace(r"\ ", r"\s*"))
    phone.page.locator("label.tile").filter(has_text=pattern).first.click()
    phone.next()


def check_in(phone: Phone, *answers: str) -> str:
    """A whole check-in. Returns its number."""
    open_form(phone, "今月のようす")
    for at, label in enumerate(answers):
        phone.look(f"check-in-{at}")
        choose(phone, label)
        if phone.page.url.endswith("/help"):
            phone.look("help")
            phone.page.get_by_role("link", name="つづきへ").click()
    phone.next()
    return phone.send()


def danger_is_seen_first(phone: Phone, desk: Desk, town: Town) -> None:
    phone.sign_in(town.code)
    phone.begin()
    phone.answer_all()
    phone.page.get_by_role("link", name="給与明細がない").click()
    report = phone.send()
    number = check_in(phone, CALM[0], "食べられない日が", *CALM[2:])
    desk.sign_in("reino", PASSWORD)
    line = desk.wait_for_line("見本　花子", "すぐに見てほしい答え")
    assert desk.waiting().count() == 2
    assert desk.waiting().first.inner_text() == line.inner_text(), f"{number} before {report}, which came earlier"
    desk.look("queue-urgent")
    desk.open_and_take(line)
    assert "食べられない日があります" in desk.values()
    desk.look("review-urgent")
    desk.accept()


def room(phone: Phone, desk: Desk, town: Town, photo: Path, another: Path) -> None:
    """Photos for a repair; then one more, unasked; then it is taken back."""
    phone.sign_in(town.code)
    open_form(phone, "部屋の写真")
    for label in ("おふろ", "こわれたので", "すこし こまって", "自分で"):
        choose(phone, label)
    phone.page.locator("#caption").fill("お湯が出ません。")
    phone.page.locator("#since").fill("3日")
    phone.next()
    assert phone.errors(), "a day that is none is asked for again"
    assert phone.page.locator("#caption").input_value() == "お湯が出ません。"
    phone.look("form-error")
    phone.page.locator("#since").fill("11/3")
    phone.next()
    choose(phone, "とります")
    phone.choose(photo)
    phone.wait_until_looked_at(1)
    phone.look("form-files")
    phone.go_on_to_check()
    number = phone.send()
    desk.sign_in("reino", PASSWORD)
    desk.wait_for_line("見本　花子", "部屋の写真")

    phone.page.get_by_role("button", name="なおす・たす").click()
    phone.page.get_by_role("link", name="写真やPDFを、たす").click()
    phone.choose(another)
    phone.wait_until_looked_at(2)
    phone.go_on_to_check()
    assert phone.send() == number
    expect(phone.page.locator("main")).to_contain_text("第2版")
    assert photo.name in phone.page.locator(".slip").inner_text()
    desk.open_and_take(desk.wait_for_line("見本　花子", "（第2版）"))
    assert len(desk.documents()) == 2

    phone.page.get_by_role("link", name="とりさげる").click()
    phone.look("withdraw")
    phone.page.get_by_role("button", name="とりさげる", exact=True).click()
    expect(phone.page.locator("main")).to_contain_text("とりさげました")
    phone.look("sent-withdrawn")
    desk.page.get_by_role("button", name="受理する").click()
    expect(desk.page.locator("main")).to_contain_text("見本　花子")
    expect(desk.page.locator("main")).to_contain_text("取下げ")


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_a_danger_answer_is_seen_first(
    phone: Phone, phone_without_script: Phone, desk: Desk, town: Town, *, script: bool
) -> None:
    thumb = phone if script else phone_without_script
    thumb.careful = desk.careful = script
    danger_is_seen_first(thumb, desk, town)
    assert thumb.looks + desk.looks == []


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_photos_for_a_repair_are_added_to_and_taken_back(
    phone: Phone,
    phone_without_script: Phone,
    desk: Desk,
    town: Town,
    payslip_photo: Path,
    payslip_pdf: Path,
    *,
    script: bool,
) -> None:
    thumb = phone if script else phone_without_script
    thumb.careful = script
    room(thumb, desk, town, payslip_photo, payslip_pdf)
    assert thumb.looks == []
