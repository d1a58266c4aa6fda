"""What goes wrong on the way: a clear sentence, typed words kept, nothing stored twice, never an error page."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select, update

from shared import clock
from shared.model import SignIn, StoredFile, Submission, SubmissionVersion
from shared.session import sessions
from tests.journeys.conftest import PASSWORD, Town
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone


def says(phone: Phone, sentence: str, name: str) -> None:
    """The page says ``sentence`` at its top, and axe finds nothing."""
    expect(phone.page.locator(".errors")).to_contain_text(sentence)
    phone.look(name)


def count(town: Town, table: type) -> int:
    with sessions(town.engine)() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def careful(phone: Phone, town: Town) -> Phone:
    phone.careful = town.engine.dialect.name == "postgresql"
    return phone


def test_a_wrong_and_a_used_up_code(careful: Phone, town: Town) -> None:
    phone = careful
    phone.page.goto(town.portal)
    phone.page.locator("#code").fill("ABCD-EFGH-2345")
    phone.next()
    says(phone, "この番号は見つかりませんでした", "wrong-code")
    assert phone.page.locator("#code").input_value() == "ABCD-EFGH-2345"
    phone.sign_in(town.code.lower())
    phone.page.get_by_role("button", name="すぐ閉じる").click()
    phone.page.wait_for_url("**/no-letter")  # the weather of this town
    phone.page.goto(f"{town.portal}/home")
    expect(phone.page.locator("h1")).to_contain_text("手紙の番号")
    phone.page.locator("#code").fill(town.code)
    phone.next()
    says(phone, "この番号は、もう使われています", "used-code")
    assert phone.looks == []


def test_amounts_and_months_that_cannot_be(careful: Phone, town: Town) -> None:
    phone = careful
    phone.sign_in(town.code)
    phone.page.goto(f"{town.portal}/forms/income_report/new")
    phone.look("month")
    phone.page.evaluate("document.querySelector('[name=month]').value = '2099-01'")
    phone.page.locator("[name=month]").first.check()
    phone.next()
    says(phone, "まだ来ていない月です", "future-month")
    phone.home()
    phone.begin()
    phone.next()
    says(phone, "1つ えらんでください", "worked")
    phone.worked()
    phone.page.locator("#employer").fill("")
    phone.next()
    says(phone, "書いてください", "no-employer")
    phone.page.locator("#employer").fill("株式会社みほん清掃")
    phone.next()
    phone.page.locator("#work_days").fill("32")
    phone.next()
    says(phone, "31日までです", "days")
    phone.page.locator("#work_days").fill("18")
    phone.next()
    for typed, sentence in (
        ("-5", "マイナスはつけないで"),
        ("8万くらい", "「8万くらい」と書いてあります"),
        ("99999999999", "数字が多すぎるようです"),
    ):
        phone.page.locator("#gross_yen").fill(typed)
        phone.next()
        says(phone, sentence, "gross")
        assert phone.page.locator("#gross_yen").input_value() == typed
        assert phone.page.locator("#gross_yen").get_attribute("aria-invalid") == "true"
    assert phone.looks == []


def test_files_that_are_not_taken(careful: Phone, town: Town, payslip_pdf: Path, tmp_path: Path) -> None:
    phone = careful
    phone.sign_in(town.code)
    phone.begin()
    phone.answer_all()
    program = tmp_path / "meisai.jpg"
    program.write_bytes(b"MZ" + b"\x00" * 500)
    empty = tmp_path / "IMG_1.jpg"
    empty.write_bytes(b"")
    big = tmp_path / "scan.pdf"
    big.write_bytes(b"%PDF-1.7\n" + b"0" * 1_000_001)
    for path, sentence in (
        (program, "写真かPDFではないようです"),
        (empty, "中身がありません（0バイト）"),
        (big, "大きすぎて受け取れません"),
    ):
        phone.choose(path)
        phone.wait_for_row(path.name, sentence)
        phone.look(f"refused-{path.suffix[1:]}-{path.stem}")
        phone.press_on_row(path.name, "とりのぞく")
        expect(phone.going()).to_have_count(0)
    assert count(town, StoredFile) == 0
    for _ in range(3):
        phone.choose(payslip_pdf)
    phone.choose(payslip_pdf)
    phone.wait_for_row(payslip_pdf.name, "一度に出せるのは3つまでです")
    phone.look("too-many")
    assert count(town, StoredFile) == 3
    assert phone.looks == []


def test_the_session_is_gone_in_the_middle(phone: Phone, town: Town) -> None:
    phone.sign_in(town.code)
    phone.page.goto(f"{town.portal}/pin/choose")
    phone.page.locator("#pin").fill("ひばり2026")
    phone.page.get_by_role("button", name="決める").click()
    expect(phone.page.locator("h1")).to_contain_text("今月やること")
    phone.begin()
    with sessions(town.engine).begin() as session:
        session.execute(update(SignIn).values(ended_at=clock.now()))
    phone.page.locator("#employer").fill("有限会社かくう商店")
    phone.next()
    expect(phone.page.locator("main")).to_contain_text("書いたものは残っています")
    phone.page.locator("#code").fill(town.code)
    phone.next()
    phone.page.locator("#pin").fill("ひばり2026")
    phone.page.get_by_role("button", name="入る").click()
    assert phone.page.locator("#employer").input_value() == "有限会社かくう商店"
    phone.next()
    expect(phone.page.locator("#work_days")).to_be_visible()


def test_a_double_tap_sends_once_and_back_leads_to_the_slip(phone_without_script: Phone, town: Town) -> None:
    phone = phone_without_script
    before = count(town, SubmissionVersion)
    phone.sign_in(town.code)
    phone.begin()
    phone.answer_all()
    phone.page.get_by_role("link", name="このまま進む").click()
    phone.page.get_by_role("button", name="この内容で出す").dblclick()
    expect(phone.page.locator("h1")).to_have_text("届きました")
    number = phone.page.locator(".slip__no b").inner_text()
    assert count(town, SubmissionVersion) == before + 1
    check = phone.page.url.replace("/sent/", "/forms/") + "/check"
    phone.page.go_back()
    phone.page.goto(check)
    expect(phone.page.locator(".slip__no b")).to_have_text(number)
    assert count(town, SubmissionVersion) == before + 1


def test_another_persons_paper_is_not_there(careful: Phone, town: Town) -> None:
    phone = careful
    phone.sign_in(town.code)
    with sessions(town.engine)() as session:
        others = session.scalars(select(Submission.id)).all()
    for path in [f"/sent/{others[0]}", f"/forms/{others[0]}/jobs/0/gross", f"/sent/{uuid4()}", "/receipts/1.pdf"]:
        answer = phone.page.goto(town.portal + path)
        assert answer is not None
        assert answer.status == 404
        expect(phone.page.locator("h1")).to_contain_text("見つかりません")
    phone.look("not-there")
    assert phone.looks == []


def test_what_goes_wrong_at_the_desk_is_said_in_words(desk: Desk, clerk: Desk, town: Town) -> None:
    first, second = desk, clerk
    careful = town.engine.dialect.name == "postgresql"
    first.page.goto(town.staff)
    first.page.locator("#login").fill("shida")
    first.page.locator("#password").fill("not the password")
    first.press("入る")
    expect(first.page.locator("main")).to_contain_text("名前かパスワードがちがいます")
    first.careful = careful
    first.look("wrong-password")
    first.careful = False
    first.sign_in("shida", PASSWORD)
    second.sign_in("reino", PASSWORD)
    second.careful = careful
    line = first.wait_for_line("別野　人子")
    second.page.goto(f"{town.staff}/?scope=all")
    second.waiting().filter(has_text="別野　人子").locator("a.who").click()  # her page shows it as free
    first.open_and_take(line)
    second.press("わたしが対応する")
    expect(second.page.locator("h1")).to_contain_text("ほかの人が対応しています")
    expect(second.page.locator("main")).to_contain_text("試田 美紀さんが")
    second.look("taken")
    answer = second.page.goto(f"{town.staff}/review/{uuid4()}")
    assert answer is not None
    assert answer.status == 404
    second.look("not-there")
    assert first.looks + second.looks == []
