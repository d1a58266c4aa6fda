"""A report has its slip at once; its certificate is checked by whoever holds it, by QR code and by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import select

from shared import clock, receipts
from shared.model import Receipt, ReceiptState, Role, State, Submission
from shared.rules.numbers import grouped
from shared.rules.slip_words import words
from shared.session import sessions
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import DESK, PHONE, Town
from tests.journeys.phone import Phone

ONE_DATABASE = True  # what differs between the databases stands in tests/shared


def accepted(town: Town) -> Submission:
    with sessions(town.engine).begin() as session:
        who = factories.recipient_named(session, "見本　花子")
        return factories.submission(session, State.ACCEPTED, who)


def certified(town: Town, row: Submission) -> None:
    with sessions(town.engine).begin() as session:
        clerk = factories.staff(session, Role.CLERK)
        receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)


def until_drawn(town: Town, page: Page) -> Receipt:
    for _ in range(60):
        with sessions(town.engine)() as session:
            receipt = session.scalars(select(Receipt)).one()
            if receipt.pdf_key:
                return receipt
        page.wait_for_timeout(500)
    raise AssertionError("the certificate was not drawn within 30 s")


def void(town: Town) -> None:
    with sessions(town.engine).begin() as session:
        receipt = session.scalars(select(Receipt)).one()
        receipt.move(ReceiptState.VOIDED)
        receipt.voided_at, receipt.voided_by, receipt.void_reason = clock.now(), receipt.issued_by, "書類の取りちがえ"


def saved(page: Page, link: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    path = folder / f"{uuid4().hex[:6]} {download.value.suggested_filename}"
    download.value.save_as(path)
    return path


def text_of(pdf: Path) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return re.sub(r"\s", "", text)


def address_on(pdf: Path) -> str:
    """What a camera reads from the printed sheet."""
    document = pypdfium2.PdfDocument(pdf)
    pictures = [page.render(scale=2.5).to_pil().convert("L") for page in document]
    document.close()
    (code,) = [code for picture in pictures for code in zxingcpp.read_barcodes(picture)]
    return str(code.text)


def look(page: Page, name: str, script: bool = True) -> list[str]:
    """What axe finds; it is a script itself."""
    page.wait_for_load_state()
    assert looking.words_that_say_too_much(page) == []
    return looking.faults(page, name) if script else []


def test_she_keeps_her_slip_in_two_languages(phone: Phone, town: Town, tmp_path: Path) -> None:
    row = accepted(town)
    phone.careful = True
    phone.sign_in(town.code)
    phone.page.goto(f"{town.portal}/sent/{row.id}")
    phone.look("slip-ja")
    japanese = text_of(saved(phone.page, "受付票を PDFで保存する", tmp_path))
    assert str(row.number) in japanese
    assert "85,400円" in japanese
    phone.page.get_by_label("ことば").select_option(label="Tiếng Việt")
    phone.page.get_by_role("button", name="これにする").click()
    expect(phone.page.locator("h1")).to_contain_text(words("vi")["state_arrived"])
    phone.look("slip-vi")
    vietnamese = text_of(saved(phone.page, "受付票を PDFで保存する", tmp_path))
    assert re.sub(r"\s", "", words("vi")["not_decision"]) in vietnamese
    assert re.sub(r"\s", "", words("ja")["not_decision"]) in vietnamese
    with Image.open(saved(phone.page, "受付票を画像で保存する", tmp_path)) as picture:
        assert picture.width > 800
    file = saved(phone.page, "受付票をページのまま保存する", tmp_path)
    phone.page.context.set_offline(True)
    phone.page.goto(file.as_uri())
    expect(phone.page.locator("h1")).to_contain_text(words("vi")["title"])
    expect(phone.page.locator("body")).to_contain_text("85,400円")
    phone.looks += looking.faults(phone.page, "slip-file")
    assert phone.looks == []


def test_she_opens_what_the_qr_code_says_and_her_file_is_the_one_that_was_issued(
    phone: Phone, town: Town, tmp_path: Path
) -> None:
    certified(town, accepted(town))
    phone.careful = True
    phone.sign_in(town.code)
    receipt = until_drawn(town, phone.page)
    phone.page.goto(f"{town.portal}/receipts")
    phone.look("receipts-check")
    paper = saved(phone.page, "保存する（PDF）", tmp_path)
    address = address_on(paper)
    assert address == f"{town.portal}/r/{receipt.token}"
    phone.page.get_by_role("link", name="だれかに見せる・確かめてもらう").click()
    assert phone.page.url == address
    expect(phone.page.locator("h1")).to_contain_text("この受領証は、有効です")
    phone.look("checked")

    asked: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.url))
    phone.page.get_by_label("受領証のファイル（PDF）をえらんでください").set_input_files(paper)
    expect(phone.page.get_by_text("同じファイルです", exact=True)).to_be_visible()
    phone.look("checked-same")
    changed = bytearray(paper.read_bytes())
    changed[len(changed) // 2] ^= 1
    other = tmp_path / "changed.pdf"
    other.write_bytes(changed)
    phone.page.get_by_label("受領証のファイル（PDF）をえらんでください").set_input_files(other)
    expect(phone.page.get_by_text("同じファイルではありません", exact=True)).to_be_visible()
    expect(phone.page.get_by_text("同じファイルです", exact=True)).to_be_hidden()
    phone.look("checked-differs")
    assert [url for url in asked if not url.startswith("data:")] == [], "nothing leaves while a file is compared"
    assert phone.looks == []


@pytest.mark.parametrize("script", [True, False])
def test_a_third_person_with_the_paper_of_a_voided_one_learns_that_it_is_void(
    open_page: Callable[..., Page], town: Town, tmp_path: Path, script: bool
) -> None:
    certified(town, accepted(town))
    page = open_page(PHONE if script else DESK, script=script)
    receipt = until_drawn(town, page)
    void(town)
    page.goto(f"{town.portal}/check")
    found = look(page, "check", script)
    page.get_by_label("文書番号").fill(receipt.document_no.replace(" ", "").replace("号", ""))
    page.get_by_label("確認番号").fill("2222-3333")
    page.get_by_role("button", name="確かめる").click()
    expect(page.get_by_role("alert")).to_contain_text("見つかりませんでした")
    found += look(page, "check-unknown", script)
    page.get_by_label("確認番号").fill(grouped(receipt.check_code).lower())
    page.get_by_role("button", name="確かめる").click()
    expect(page.locator("h1")).to_contain_text("この受領証は、取り消されています")
    found += look(page, "checked-void", script)
    expect(page.get_by_label("受領証のファイル（PDF）をえらんでください")).to_be_visible(visible=script)
    page.locator("summary").click()
    expect(page.locator("#sha256")).to_be_visible()
    assert page.locator("#sha256").inner_text().replace(" ", "") == receipt.pdf_sha256
    found += look(page, "checked-by-hand", script)
    assert page.context.cookies() == []
    assert found == []
