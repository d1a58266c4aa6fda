"""A slip and a certificate are saved by a link, and passed on where the phone has a menu for files."""

from __future__ import annotations

import re
from datetime import date
from uuid import uuid4

from playwright.sync_api import expect
from sqlalchemy import select

from shared import filled, intake, receipts, review
from shared.model import DutyKind, Receipt, Role
from shared.rules.forms.check_in import CHECK_IN
from shared.session import sessions
from tests import factories
from tests.journeys.conftest import Town
from tests.journeys.phone import Phone
from tests.shared.fill import fill

ONE_DATABASE = True  # what differs between the databases stands in tests/shared
MENU = """
window.passed = [];
navigator.canShare = ({ files }) => files.every((one) => /png|pdf$/.test(one.type));
navigator.share = async ({ files }) => passed.push(...files.map((one) => `${one.name} ${one.type} ${one.size > 900}`));
"""


def certified(town: Town) -> str:
    """A check-in of 見本　花子, sent and certified. Returns its number."""
    with sessions(town.engine).begin() as session:
        who = factories.recipient_named(session, "見本　花子")
        row = filled.start(session, who, DutyKind.STATUS_CHECK_IN, date(2026, 10, 1))
        answers = next(fill(CHECK_IN, ""))
        for screen in CHECK_IN.screens:
            given = {question.key: answers[question.key] for question in screen.questions if question.key in answers}
            filled.write(session, who, row.id, screen.key, given)
        intake.send(session, who, row.id, attempt=uuid4())
        worker = factories.caseworker_of(session, row)
        review.claim(session, worker, row.id)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
        clerk = factories.staff(session, Role.CLERK)
        receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
        return str(row.number)


def until_drawn(town: Town, phone: Phone) -> None:
    for _ in range(60):
        with sessions(town.engine)() as session:
            if session.scalars(select(Receipt.pdf_key)).one():
                return
        phone.page.wait_for_timeout(500)
    raise AssertionError("the certificate was not drawn within 30 s")


def test_slip_and_certificate_are_saved_and_passed_on(phone: Phone, town: Town) -> None:
    number = certified(town)
    phone.careful = True
    phone.page.add_init_script(MENU)
    phone.sign_in(town.code)
    until_drawn(town, phone)
    phone.page.get_by_role("link", name="りれき").click()
    phone.look("history")
    phone.page.get_by_role("link", name="受領証だけを見る").click()
    phone.look("receipts")
    with phone.page.expect_download() as saved:
        phone.page.get_by_role("link", name="保存する（PDF）").click()
    assert saved.value.suggested_filename == f"受領証 {number}.pdf"
    phone.page.get_by_role("button", name="ほかの人に送る").click()
    phone.page.wait_for_function("() => passed.length === 1")
    phone.page.get_by_role("link", name="出したものを見る").click()
    with phone.page.expect_download() as picture:
        phone.page.get_by_role("link", name="ひかえを画像で保存する").click()
    assert picture.value.suggested_filename == f"受付のひかえ {number}.png"
    phone.page.get_by_role("button", name="ほかの人に送る").click()
    phone.page.wait_for_function("() => passed.length === 1")
    assert phone.page.evaluate("passed") == [f"受付のひかえ {number}.png image/png true"]
    phone.look("sent-certified")

    phone.page.goto(f"{town.portal}/forms/status_check_in/new")
    phone.page.get_by_role("button", name="はじめる", exact=True).click()
    phone.look("check-in-again")
    phone.page.get_by_role("button", name=re.compile("^前（10月）と同じ")).click()
    expect(phone.page.locator("h1")).to_contain_text("ごはん")
    assert phone.looks == []


def test_without_a_menu_for_files_there_is_only_the_link(phone: Phone, town: Town) -> None:
    certified(town)
    phone.page.add_init_script("delete Navigator.prototype.canShare")
    phone.sign_in(town.code)
    until_drawn(town, phone)
    phone.page.goto(f"{town.portal}/receipts")
    expect(phone.page.get_by_role("link", name="保存する（PDF）")).to_be_visible()
    expect(phone.page.get_by_role("button", name="ほかの人に送る")).to_be_hidden()
