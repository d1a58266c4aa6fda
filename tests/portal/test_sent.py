"""出したもの: the slip, the history, and the certificate as a download."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import intake, receipts
from shared.model import Receipt, Role, State, Submission
from tests import factories
from tests.portal.pages import without_tokens
from tests.portal.phone import Somebody
from uploads.storage import FolderStorage

Make = sessionmaker[Session]
CERTIFICATE = b"%PDF-1.7 a certificate"


def certificate(make_session: Make, one: Somebody, files: Path, *, drawn: bool = True) -> UUID:
    """Bring a report as far as its certificate, and let the worker draw it."""
    with make_session.begin() as session:
        row = factories.submission(session, State.ACCEPTED, one.who)
        clerk = factories.staff(session, Role.CLERK)
        receipt = receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
        if drawn:
            receipt.pdf_key = f"receipt/{receipt.id}.pdf"
            receipt.pdf_sha256 = hashlib.sha256(CERTIFICATE).hexdigest()
            source = files.with_name("drawn.pdf")
            source.write_bytes(CERTIFICATE)
            FolderStorage(files).put(receipt.pdf_key, source, "application/pdf")
        return receipt.id


def submission_of(session: Session, receipt_id: UUID) -> UUID:
    return session.scalars(select(Receipt.submission_id).where(Receipt.id == receipt_id)).one()


def test_the_slip_says_what_arrived_when_and_under_which_number(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        row = factories.draft(session, hanako.who)
        file = factories.file(session, hanako.who, row, name="給与明細 <10月>.pdf", size=412_000)
        intake.send(session, hanako.who, row.id, attempt=uuid4())
    page = hanako.phone.open(f"/sent/{row.id}")
    assert page.heading == "届きました"
    for said in (
        str(row.number),
        "11月19日(木)20時12分",
        "株式会社みほん清掃",
        "18日",
        "85,400円",
        "給与明細 <10月>.pdf",
    ):
        assert said in page.text
    assert "412 KB" in page.text
    assert file.sha256 in page.text.replace(" ", "")
    assert "金額の決定ではありません" in page.text


def test_the_history_is_grouped_by_the_month_of_arrival(hanako: Somebody, make_session: Make) -> None:
    assert "まだ出したものはありません" in hanako.phone.open("/sent").text
    with make_session.begin() as session:
        first, second = (factories.submission(session, State.WAITING, hanako.who) for _ in range(2))
        back = factories.submission(session, State.RETURNED, hanako.who)
    page = hanako.phone.open("/sent")
    assert page.first("h2").text == "令和8年11月"
    for row in (first, second):
        assert f"/sent/{row.id}" in page.links
    assert f"/correct/{back.id}" in page.links


def test_every_state_after_arrival_has_its_page(hanako: Somebody, make_session: Make, files: Path) -> None:
    for state in State:
        if state in (State.DRAFT, State.RECEIPTED):
            continue
        with make_session.begin() as session:
            row = factories.submission(session, state, hanako.who)
        assert hanako.phone.open(f"/sent/{row.id}").status == 200, state
    certificate(make_session, hanako, files)
    assert hanako.phone.open("/sent").status == 200
    assert hanako.phone.open("/home").status == 200


def test_what_is_not_sent_has_no_slip(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        row = factories.draft(session, hanako.who)
    assert hanako.phone.open(f"/sent/{row.id}").status == 404


def test_after_a_correction_the_slip_keeps_number_and_first_arrival(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        row = factories.submission(session, State.RETURNED, hanako.who)
        factories.write(session, hanako.who, row.id, {"gross_yen": 85_000})
        intake.send(session, hanako.who, row.id, attempt=uuid4())
    page = hanako.phone.open(f"/sent/{row.id}")
    assert "第2版" in page.text
    assert "はじめに届いた日時は変わりません" in page.text
    assert "85,000円" in page.text


def test_the_certificate_is_a_download_with_a_japanese_name(hanako: Somebody, make_session: Make, files: Path) -> None:
    receipt_id = certificate(make_session, hanako, files)
    with make_session() as session:
        number = str(session.get_one(Submission, (hanako.who.office_id, submission_of(session, receipt_id))).number)
        page = hanako.phone.open(f"/sent/{submission_of(session, receipt_id)}")
    assert f"/receipts/{receipt_id}.pdf" in page.links
    page = hanako.phone.open(f"/receipts/{receipt_id}.pdf")
    assert page.status == 200
    assert page.body == CERTIFICATE
    assert page.headers["Content-Type"] == "application/pdf"
    said = page.headers["Content-Disposition"]
    assert said.startswith("attachment;")
    assert f"filename*=UTF-8''{quote(f'受領証 {number}.pdf')}" in said
    assert page.headers["Cache-Control"] == "no-store", "no cache on the way may keep a person's paper"
    assert "Expires" not in page.headers


def test_a_certificate_that_is_still_being_drawn_is_announced(
    hanako: Somebody, make_session: Make, files: Path
) -> None:
    receipt_id = certificate(make_session, hanako, files, drawn=False)
    with make_session() as session:
        page = hanako.phone.open(f"/sent/{submission_of(session, receipt_id)}")
    assert "受領証を作っています" in page.text
    assert hanako.phone.open(f"/receipts/{receipt_id}.pdf").status == 404


def test_a_certificate_whose_bytes_are_away_is_a_page_and_not_a_crash(
    hanako: Somebody, make_session: Make, files: Path
) -> None:
    receipt_id = certificate(make_session, hanako, files)
    next((files / "receipt").iterdir()).unlink()
    page = hanako.phone.open(f"/receipts/{receipt_id}.pdf")
    assert page.status == 404
    assert page.heading == "このページは見つかりません"


def test_anothers_slip_and_certificate_are_as_unknown_as_an_unknown_one(
    hanako: Somebody, jiro: Somebody, make_session: Make, files: Path
) -> None:
    receipt_id = certificate(make_session, hanako, files)
    with make_session() as session:
        submission_id = submission_of(session, receipt_id)
    for pattern, hers in (("/sent/{}", submission_id), ("/receipts/{}.pdf", receipt_id)):
        assert hanako.phone.open(pattern.format(hers)).status == 200
        another, unknown = jiro.phone.open(pattern.format(hers)), jiro.phone.open(pattern.format(uuid4()))
        assert another.status == unknown.status == 404
        assert without_tokens(another.html) == without_tokens(unknown.html)
        assert jiro.phone.open(pattern.format("not-an-id")).status == 404
