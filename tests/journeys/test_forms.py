"""Declared forms on a phone, with and without scripts: a check-in that somebody must see first, photos for a repair,
one of them replaced after sending, a withdrawal, a message answered with a photo, a paper that comes later.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import PASSWORD, PHONE, Town
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


def room(phone: Phone, desk: Desk, town: Town, photo: Path, another: Path, third: Path) -> None:
    """Photos for a repair; then one of them is replaced, unasked; then all is taken back."""
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
    phone.look("form-shots")
    phone.shoot("whole", photo)
    phone.shoot("detail", another)
    phone.wait_until_looked_at(2)
    phone.look("form-files")
    phone.go_on_to_check()
    number = phone.send()
    desk.sign_in("reino", PASSWORD)
    desk.open_and_take(desk.wait_for_line("見本　花子", "部屋の写真"))
    assert desk.documents() == [f"全体　{photo.name}", f"近くから　{another.name}"]
    assert "こわれたので、なおしたい" in desk.values()
    desk.press("決めずに一覧へ戻す")

    phone.page.get_by_role("button", name="なおす・たす").click()
    phone.page.get_by_role("link", name="写真やPDFを、たす").click()
    phone.press_on_row(photo.name, "とりのぞく")
    expect(phone.page.locator("#whole-state")).to_contain_text("まだです")
    phone.shoot("whole", third)
    phone.wait_until_looked_at(2)
    phone.go_on_to_check()
    assert phone.send() == number
    expect(phone.page.locator("main")).to_contain_text("第2版")
    desk.open_and_take(desk.wait_for_line("見本　花子", "（第2版）"))
    assert sorted(desk.documents()) == sorted([f"近くから　{another.name}", f"全体　{third.name}"])
    desk.page.get_by_role("link", name=re.compile("^第1版")).click()
    assert f"全体　{photo.name}" in desk.documents(), "the version before keeps its photo"
    desk.page.get_by_role("link", name=re.compile("^第2版")).click()

    phone.page.get_by_role("link", name="とりさげる").click()
    phone.look("withdraw")
    phone.page.get_by_role("button", name="とりさげる", exact=True).click()
    expect(phone.page.locator("main")).to_contain_text("とりさげました")
    phone.look("sent-withdrawn")
    desk.page.get_by_role("button", name="受理する").click()
    expect(desk.page.locator("main")).to_contain_text("見本　花子")
    expect(desk.page.locator("main")).to_contain_text("取下げ")


def message(phone: Phone, desk: Desk, town: Town, photo: Path, paper: Path) -> None:
    """The office asks, with a paper; she opens it and answers with words and a photo; the desk reads all of it."""
    phone.sign_in(town.code)
    check_in(phone, *CALM)
    desk.sign_in("reino", PASSWORD)
    desk.open_and_take(desk.wait_for_line("見本　花子", "今月のようす"))
    desk.page.locator("#text").fill("通帳の写真を見せてください。")
    desk.page.locator("#papers").set_input_files(str(paper))
    desk.press("本人に送る")
    expect(desk.page.locator("#messages + *")).to_contain_text(paper.name)
    phone.home()
    phone.page.get_by_role("link", name="新しい").click()
    link = phone.page.get_by_role("link", name="1ページ目を見る")
    for _ in range(40):
        if link.count():
            break
        phone.page.wait_for_timeout(500)
        phone.page.reload()
    phone.look("messages")
    opened = phone.page.request.get(f"{town.portal}{link.get_attribute('href')}")
    assert (opened.status, opened.headers["content-type"]) == (200, "image/jpeg"), "a page of our own pixels"
    phone.page.get_by_role("button", name="答える").click()
    phone.page.locator("#tell").fill("これで よいですか。")
    phone.next()
    phone.choose(photo)
    phone.wait_until_looked_at(1)
    phone.go_on_to_check()
    number = phone.send()
    phone.page.get_by_role("link", name="れんらく").click()
    expect(phone.page.locator("main")).to_contain_text(number)
    phone.look("messages-answered")
    desk.open_and_take(desk.wait_for_line("見本　花子", "職員への連絡"))
    assert "これで よいですか。" in desk.values()
    assert desk.documents() == [photo.name]
    thread = desk.page.locator("section", has=desk.page.locator("#messages"))
    expect(thread).to_contain_text("通帳の写真を見せてください。")
    expect(thread).to_contain_text(number)
    desk.look("review-message")
    desk.accept()
    phone.page.reload()
    expect(phone.page.locator("main")).to_contain_text("職員が読みました")


def promise(phone: Phone, desk: Desk, town: Town, photo: Path) -> None:
    """A paper that comes later: the desk knows, her list reminds her, and it goes as the next version."""
    phone.sign_in(town.code)
    open_form(phone, "変わったことの届け")
    choose(phone, "家賃が")
    phone.page.locator("#rent_now").fill("３万８千")
    phone.next()
    phone.page.locator("#since").fill("11/3")
    phone.next()
    phone.next()
    phone.page.get_by_text("書類がないとき").click()
    phone.page.locator("label.tile").filter(has_text="あとで").click()
    phone.look("absent")
    phone.page.get_by_role("button", name="職員に伝える").click()
    expect(phone.page.locator("#absent")).to_contain_text("このまま出せます")
    phone.page.get_by_role("link", name="このまま進む").click()
    phone.send()
    desk.sign_in("reino", PASSWORD)
    desk.wait_for_line("見本　花子", "ない書類：あとで")
    desk.look("queue-absent")
    phone.home()
    phone.look("home-owed")
    phone.page.get_by_role("button", name="書類を送る").click()
    phone.choose(photo)
    phone.wait_until_looked_at(1)
    phone.go_on_to_check()
    phone.send()
    desk.open_and_take(desk.wait_for_line("見本　花子", "（第2版）"))
    assert "38,000円" in desk.values()
    assert "ない書類" not in desk.values()
    phone.home()
    expect(phone.page.locator("main")).not_to_contain_text("あとで出すもの")


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_a_danger_answer_is_seen_first(
    phone: Phone, phone_without_script: Phone, desk: Desk, town: Town, *, script: bool
) -> None:
    thumb = phone if script else phone_without_script
    thumb.careful = desk.careful = script
    danger_is_seen_first(thumb, desk, town)
    assert thumb.looks + desk.looks == []


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_photos_for_a_repair_are_corrected_and_taken_back(
    phone: Phone,
    phone_without_script: Phone,
    desk: Desk,
    town: Town,
    payslip_photo: Path,
    payslip_pdf: Path,
    bright_photo: Path,
    *,
    script: bool,
) -> None:
    thumb = phone if script else phone_without_script
    thumb.careful = script
    room(thumb, desk, town, payslip_photo, payslip_pdf, bright_photo)
    assert thumb.looks == []


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_a_message_is_answered_with_a_photo(
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
    thumb.careful = desk.careful = script
    message(thumb, desk, town, payslip_photo, payslip_pdf)
    assert thumb.looks + desk.looks == []


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_a_promised_paper_stays_on_the_list_until_it_is_there(
    phone: Phone, phone_without_script: Phone, desk: Desk, town: Town, payslip_photo: Path, *, script: bool
) -> None:
    thumb = phone if script else phone_without_script
    thumb.careful = desk.careful = script
    promise(thumb, desk, town, payslip_photo)
    assert thumb.looks + desk.looks == []


def kept(phone: Phone) -> str:
    """What the page says of what is half written, once it says something new."""
    line = phone.page.locator("#kept [data-in=kept]")
    expect(line).to_be_visible()
    return line.inner_text()


def test_what_is_half_written_stands_on_another_phone_and_the_page_says_when_the_line_is_down(
    phone: Phone, open_page: Callable[..., Page], town: Town
) -> None:
    phone.careful = True
    phone.sign_in(town.code)
    phone.page.goto(f"{town.portal}/pin/choose")
    phone.page.locator("#pin").fill("7391 2846")
    phone.page.get_by_role("button", name="決める").click()
    open_form(phone, "変わったことの届け")
    choose(phone, "家賃が")
    field = phone.page.locator("#rent_now")
    field.press_sequentially("3万8")
    assert re.search(r"ここまで残りました　[0-9]+:[0-9]{2}$", kept(phone)), "a pause is enough"
    phone.look("half-written")

    phone.page.context.set_offline(True)
    field.press_sequentially("千")
    down = phone.page.locator("#kept [data-in=down]")
    expect(down).to_be_visible()
    phone.look("half-written-offline")
    phone.page.context.set_offline(False)
    expect(down).to_be_hidden()
    kept(phone)
    expect(phone.page.locator("#kept [role=status]")).to_contain_text("ここまで残りました")

    other = Phone(open_page(PHONE, script=False), town.portal, script=False)
    other.page.goto(town.portal)
    other.page.get_by_label("手紙の番号を入れてください").fill(town.code)
    other.next()
    other.page.locator("#pin").fill("7391 2846")
    other.page.get_by_role("button", name="入る").click()
    expect(other.page.locator("h1")).to_contain_text("今月やること")
    other.page.goto(phone.page.url)
    assert other.page.locator("#rent_now").input_value() == "3万8千"
    other.next()
    assert other.page.url.endswith("/since")
    assert phone.looks == []


def test_a_my_number_is_not_kept_and_the_page_says_so(phone: Phone, town: Town) -> None:
    phone.careful = True
    phone.sign_in(town.code)
    open_form(phone, "変わったことの届け")
    choose(phone, "そのほか")
    phone.page.goto(re.sub("/[a-z]+$", "/tell", phone.page.url))
    phone.page.locator("#tell").press_sequentially("6214 9832 0257")
    expect(phone.page.locator("#kept [data-in=refused]")).to_contain_text("マイナンバー")
    phone.look("half-written-refused")
    phone.page.reload()
    assert phone.page.locator("#tell").input_value() == ""
    assert phone.looks == []
