"""確かめる: anybody who holds a 受領証 learns whether it stands, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs

from shared import clock, public_check, receipts
from shared.model import Delivery, Receipt, ReceiptState, Role, State
from shared.rules.numbers import grouped
from tests import factories
from tests.portal.frame import look
from tests.portal.pages import Page, without_tokens
from tests.portal.phone import Phone, Somebody

Make = sessionmaker[Session]
SHA256 = "3b90266312b400b6283795ca17ba75adc0e758553f5aceef6bf20ac310793ac3"


class Paper:
    """A certificate as it lies on a table."""

    def __init__(self, row: Receipt) -> None:
        self.id, self.office_id = row.id, row.office_id
        self.number, self.code, self.token = row.document_no, row.check_code, row.token


def certificate(session: Session, one: Somebody, *, drawn: bool = True) -> Receipt:
    row = factories.submission(session, State.ACCEPTED, one.who)
    clerk = factories.staff(session, Role.CLERK, name="品見 薫")
    receipt = receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
    if drawn:
        receipt.pdf_key, receipt.pdf_sha256 = f"receipt/{receipt.id}.pdf", SHA256
    return receipt


@pytest.fixture
def paper(hanako: Somebody, make_session: Make) -> Paper:
    with make_session.begin() as session:
        return Paper(certificate(session, hanako))


def void(make_session: Make, paper: Paper) -> None:
    with make_session.begin() as session:
        row = session.get_one(Receipt, (paper.office_id, paper.id))
        row.move(ReceiptState.VOIDED)
        row.voided_at, row.voided_by, row.void_reason = clock.now(), row.issued_by, "別の人の書類を入れた"


def ask(phone: Phone, number: str, code: str) -> Page:
    phone.open("/check")
    return phone.press(number=number, code=code)


def test_the_qr_code_leads_to_number_date_office_and_state_and_to_no_person(phone: Phone, paper: Paper) -> None:
    page = phone.open(f"/r/{paper.token}")
    assert (page.status, page.heading) == (200, "この受領証は、有効ですThis certificate is valid")
    assert look(page) == []
    for said in (
        paper.number,
        "令和8年11月19日",
        "2026-11-19",
        "ひばり野市役所 3番窓口",
        "00-0000-0000",
        "有効",
        "Valid",
    ):
        assert said in page.text
    assert SHA256 in page.text.replace(" ", "")
    for word in ("見本", "花子", "品見", "収入", "申告", "HB8", "10月", "100001", paper.code, grouped(paper.code)):
        assert word not in page.html, word
    assert paper.token not in page.html


def test_no_cookie_comes_or_goes_and_no_place_elsewhere_hears_of_the_page(phone: Phone, paper: Paper) -> None:
    for page in (phone.open("/check"), phone.open(f"/r/{paper.token}"), ask(phone, paper.number, paper.code)):
        assert page.headers.getlist("Set-Cookie") == []
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page.headers["X-Robots-Tag"]
        robots = [
            element.attributes["content"] for element in page.all("meta") if element.attributes.get("name") == "robots"
        ]
        assert robots == ["noindex, nofollow"]


def test_who_is_signed_in_sees_what_everybody_sees(
    phone: Phone, hanako: Somebody, jiro: Somebody, paper: Paper
) -> None:
    pages = {one.open(f"/r/{paper.token}").html for one in (phone, hanako.phone, jiro.phone)}
    assert len(pages) == 1


@pytest.mark.parametrize(
    "typed", ["{number}", "ひ福生第令８－０００１号", "  ひ福生第　令8 00001号 ", "ひ福生第令8—00001"]
)
def test_the_number_is_read_however_it_is_typed(phone: Phone, paper: Paper, typed: str) -> None:
    number = typed.format(number=paper.number).replace("０００１", "００００１")
    page = ask(phone, number, paper.code)
    assert (page.status, page.heading[:10]) == (200, "この受領証は、有効で")
    assert look(page) == []


def test_the_code_is_read_however_it_is_typed(phone: Phone, paper: Paper) -> None:
    code = grouped(paper.code)
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in paper.code)
    for typed in (code, code.lower(), paper.code, f" {code.replace('-', ' ')} ", wide, code.replace("-", "ー")):
        assert ask(phone, paper.number, typed).status == 200, typed


def test_a_wrong_number_a_wrong_code_and_a_wrong_address_look_the_same(phone: Phone, paper: Paper) -> None:
    other = "ひ福生第 令8-00002 号"
    pages = [
        ask(phone, paper.number, "22223333"),
        ask(phone, other, paper.code),
        ask(phone, other, "22223333"),
        phone.open("/r/" + "0" * 32),
        phone.open("/r/x"),
    ]
    assert {page.status for page in pages} == {404}
    for page in pages:
        assert look(page) == []
        assert "見つかりませんでした" in page.text
    plain = {
        without_tokens(page.html).replace(page.typed("number"), "").replace(page.typed("code"), "")
        for page in pages[:3]
    }
    assert len(plain) == 1
    assert pages[0].typed("number") == paper.number, "what was typed stays"


def test_an_empty_field_is_said_at_the_field_and_counts_as_nothing(phone: Phone, paper: Paper) -> None:
    for _ in range(12):
        page = ask(phone, " ", paper.code)
        assert page.status == 422
        assert "紙に書いてあるとおりに" in page.by_id("number-error").text
        assert page.typed("code") == paper.code
        assert look(page) == []
    assert ask(phone, paper.number, paper.code).status == 200


@pytest.mark.parametrize(
    "typed", ["\x00", "令" * 500, "'; DROP TABLE receipt; --", "<script>alert(1)</script>", "🙂", "%s{0}"]
)
def test_nonsense_is_only_unknown(phone: Phone, paper: Paper, typed: str) -> None:
    page = ask(phone, f"第{typed}", f"K{typed}")
    assert page.status == 404
    assert look(page) == []
    assert "<script>alert" not in page.html


def test_a_voided_one_says_so_with_its_day_and_without_the_reason(
    phone: Phone, paper: Paper, make_session: Make
) -> None:
    void(make_session, paper)
    for page in (phone.open(f"/r/{paper.token}"), ask(phone, paper.number, paper.code)):
        assert page.status == 200
        assert look(page) == []
        assert "この受領証は、取り消されています" in page.heading
        assert "令和8年11月19日" in page.text
        assert "This certificate is valid" not in page.text
        assert "別の人" not in page.html
        assert "代わりの新しい受領証" not in page.text


def test_a_voided_one_with_another_in_its_place_says_that_there_is_one_and_not_which(
    phone: Phone, paper: Paper, make_session: Make
) -> None:
    void(make_session, paper)
    with make_session.begin() as session:
        old = session.get_one(Receipt, (paper.office_id, paper.id))
        new = Receipt(
            office_id=old.office_id,
            submission_id=old.submission_id,
            version_id=old.version_id,
            document_no="ひ福生第 令8-00002 号",
            state=ReceiptState.ISSUED,
            issued_by=old.issued_by,
            issued_at=clock.now(),
            content=old.content,
            token="f" * 32,
            check_code="22224444",
            replaces_id=old.id,
        )
        session.add(new)
    page = phone.open(f"/r/{paper.token}")
    assert "代わりの新しい受領証があります" in page.text
    assert "00002" not in page.html
    assert "f" * 32 not in page.html
    assert "有効" in phone.open("/r/" + "f" * 32).heading


def test_one_that_is_not_drawn_yet_says_so_kindly(phone: Phone, hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        token = certificate(session, hanako, drawn=False).token
    page = phone.open(f"/r/{token}")
    assert page.status == 200
    assert "ファイルは、いま作っています" in page.text
    assert "check.js" not in page.html


def test_ten_wrong_ones_from_one_place_wait_whatever_they_ask_then(phone: Phone, paper: Paper) -> None:
    for turn in range(10):
        assert phone.open(f"/r/{turn:032x}").status == 404
    for page in (phone.open(f"/r/{paper.token}"), ask(phone, paper.number, paper.code)):
        assert page.status == 429
        assert look(page) == []
        assert 0 < int(page.headers["Retry-After"]) <= 600
        assert "少し待ってください" in page.text
        assert "10分" in page.text
    elsewhere = Phone(phone.app)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert elsewhere.open(f"/r/{paper.token}").status == 200, "another place is not held up"
    with clock.at(clock.now() + public_check.WINDOW + timedelta(seconds=1)):
        assert phone.open(f"/r/{paper.token}").status == 200


def test_right_ones_are_never_counted(phone: Phone, paper: Paper) -> None:
    for _ in range(30):
        assert phone.open(f"/r/{paper.token}").status == 200


def test_five_wrong_codes_for_one_number_wait_from_wherever_they_come_and_the_qr_code_still_opens(
    phone: Phone, paper: Paper
) -> None:
    def from_place(number: int) -> Phone:
        one = Phone(phone.app)
        one.client.environ_base["REMOTE_ADDR"] = f"2001:db8:0:{number:x}::1"
        return one

    for place in range(5):
        assert ask(from_place(place), paper.number, "22223333").status == 404
    assert ask(from_place(9), paper.number, paper.code).status == 429
    assert ask(from_place(9), "ひ福生第 令8-00077 号", "22223333").status == 404, "another number has its own count"
    assert from_place(9).open(f"/r/{paper.token}").status == 200


def test_an_office_whose_numbers_are_guessed_from_everywhere_waits_as_a_whole(
    phone: Phone, paper: Paper, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = public_check.of_typed
    monkeypatch.setattr(
        public_check,
        "of_typed",
        lambda number: [public_check.Limit(one.name, min(one.most, 8)) for one in real(number)],
    )
    for turn in range(8):
        one = Phone(phone.app)
        one.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{turn}"
        assert ask(one, f"ひ福生第 令8-{turn + 500:05} 号", "22223333").status == 404
    assert ask(phone, paper.number, paper.code).status == 429
    assert ask(phone, "ほ福生第 令8-00001 号", "22223333").status == 404, "another office is not held up"


def test_the_proxy_of_the_office_is_believed_and_a_header_of_the_asker_is_not(
    open_door: Callable[..., Flask], paper: Paper
) -> None:
    behind = open_door(proxies=1)

    def come(app: Flask, said: str) -> int:
        return app.test_client().get("/r/" + "0" * 32, headers={"X-Forwarded-For": said}).status_code

    for turn in range(10):
        assert come(behind, f"203.0.113.{turn}, 198.51.100.9") == 404, "only the last one is our own proxy's word"
    assert come(behind, "203.0.113.99, 198.51.100.9") == 429
    assert come(behind, "198.51.100.10") == 404
    plain = open_door()
    for _ in range(10):
        come(plain, "198.51.100.44")
    assert come(plain, "198.51.100.45") == 429, "without a proxy nobody may say who he is"


def test_the_address_of_a_certificate_stands_in_no_log_line(
    phone: Phone, paper: Paper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as said:
        say_everything_once(phone, paper, monkeypatch)
    assert [line["path"] for line in said] == ["/r/<token>"] * 2
    assert "Exception on /r/<token> [GET]" in caplog.text, "Flask's own line, too"
    for secret in (paper.token, paper.code, paper.number, "127.0.0.1"):
        assert secret not in f"{said} {caplog.text}"


def say_everything_once(phone: Phone, paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    phone.open(f"/r/{paper.token}")
    ask(phone, paper.number, paper.code)
    ask(phone, paper.number, "22223333")

    def away(*_given: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(public_check, "by_token", away)
    assert phone.open(f"/r/{paper.token}").status == 503

    def broken(*_given: Any) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(public_check, "by_token", broken)
    assert phone.open(f"/r/{paper.token}").status == 500


def test_her_own_page_shows_number_code_and_the_way_to_the_check_page(
    hanako: Somebody, jiro: Somebody, paper: Paper, make_session: Make
) -> None:
    page = hanako.phone.open("/receipts")
    assert paper.number in page.text
    assert grouped(paper.code) in page.text
    assert f"/r/{paper.token}" in page.links
    assert "取り消されました" not in page.text
    assert look(page) == []
    assert paper.token not in jiro.phone.open("/receipts").html
    void(make_session, paper)
    page = hanako.phone.open("/receipts")
    assert "に取り消されました" in page.text
    assert "出したものは届いています" in page.text
    assert look(page) == []


def kinds(make_session: Make, receipt_id: UUID) -> set[str]:
    with make_session() as session:
        return {row.kind.value for row in session.query(Delivery).filter(Delivery.receipt_id == receipt_id)}


def test_what_she_sees_and_takes_is_known_to_the_clerk(
    hanako: Somebody, paper: Paper, make_session: Make, files: Any
) -> None:
    assert kinds(make_session, paper.id) == set()
    hanako.phone.open("/sent")
    assert kinds(make_session, paper.id) == set()
    hanako.phone.open("/receipts")
    hanako.phone.open("/receipts")
    assert kinds(make_session, paper.id) == {"seen"}
    assert hanako.phone.open(f"/receipts/{paper.id}.pdf").status == 404, "its bytes are not there"
    assert kinds(make_session, paper.id) == {"seen"}
    (files / "receipt").mkdir(exist_ok=True)
    (files / "receipt" / f"{paper.id}.pdf").write_bytes(b"%PDF-1.7")
    hanako.phone.client.head(f"/receipts/{paper.id}.pdf").close()
    assert kinds(make_session, paper.id) == {"seen"}
    assert hanako.phone.open(f"/receipts/{paper.id}.pdf").status == 200
    assert kinds(make_session, paper.id) == {"seen", "downloaded"}


def test_one_that_is_being_drawn_is_not_seen_yet(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        receipt_id = certificate(session, hanako, drawn=False).id
    hanako.phone.open("/receipts")
    assert kinds(make_session, receipt_id) == set()
