"""受領証 and the slip as files of her own: to save, to pass on, nobody else's."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import receipts
from shared.model import Receipt, Role, State, Submission
from tests import factories
from tests.portal.phone import Somebody
from uploads import receipt_pdf

Make = sessionmaker[Session]


@pytest.fixture
def certified(hanako: Somebody, make_session: Make) -> UUID:
    with make_session.begin() as session:
        row = factories.submission(session, State.ACCEPTED, hanako.who)
        clerk = factories.staff(session, Role.CLERK)
        receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
        return row.id


def test_every_certificate_stands_in_a_list_with_what_happens_next(
    hanako: Somebody, certified: UUID, make_session: Make
) -> None:
    assert "/receipts" in hanako.phone.open("/sent").links
    page = hanako.phone.open("/receipts")
    with make_session.begin() as session:
        row = session.scalars(select(Submission)).one()
        receipt = session.scalars(select(Receipt)).one()
        assert str(row.number) in page.text
        assert "受領証を作っています" in page.text
        receipt.pdf_key, receipt.pdf_sha256 = f"receipt/{uuid4()}", "0" * 64
    page = hanako.phone.open("/receipts")
    assert f"/receipts/{receipt.id}.pdf" in page.links
    assert f"/sent/{certified}" in page.links
    assert "これからのこと" in page.text
    assert "令和8年" in page.text


def test_one_that_was_voided_says_so_kindly_and_the_new_one_stands_above_it(
    hanako: Somebody, certified: UUID, make_session: Make
) -> None:
    with make_session.begin() as session:
        receipt = session.scalars(select(Receipt)).one()
        receipt.pdf_key, receipt.pdf_sha256 = f"receipt/{uuid4()}", "0" * 64
        clerk = factories.staff(session, Role.CLERK)
        receipts.void(session, clerk, receipt.id, "宛名をまちがえた")
    page = hanako.phone.open("/receipts")
    for said in (
        "取り消されました",
        "出したものは届いています",
        "あなたがすることは、ありません",
        "できたらこのページに出ます",
    ):
        assert said in page.text
    assert "宛名をまちがえた" not in page.html, "the reason is the office's own"
    assert f"/receipts/{receipt.id}.pdf" not in page.links
    with make_session.begin() as session:
        row = session.scalars(select(Submission)).one()
        new = receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
        new.pdf_key, new.pdf_sha256 = f"receipt/{uuid4()}", "1" * 64
    page = hanako.phone.open("/receipts")
    assert "新しい受領証が、このページにあります" in page.text
    assert f"/receipts/{new.id}.pdf" in page.links
    assert page.text.index("出しなおした受領証") < page.text.index("取り消されました")


def test_who_has_none_is_told_where_it_will_be(jiro: Somebody, certified: UUID) -> None:
    page = jiro.phone.open("/receipts")
    assert "まだ受領証はありません" in page.text
    assert ".pdf" not in page.html


def test_the_slip_is_a_picture_as_wide_as_a_phone_and_says_nothing_of_the_answers(
    hanako: Somebody, certified: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = hanako.phone.open(f"/sent/{certified}")
    assert f"/sent/{certified}/slip.png" in page.links
    drawn: list[Mapping[str, Any]] = []
    draw = receipt_pdf.draw_slip

    def watched(content: Mapping[str, Any]) -> bytes:
        drawn.append(content)
        return draw(content)

    monkeypatch.setattr(receipt_pdf, "draw_slip", watched)
    answer = hanako.phone.open(f"/sent/{certified}/slip.png")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert Image.open(io.BytesIO(answer.body)).width > 800
    (content,) = drawn
    assert "84,500" not in str(content), "a picture wanders: what was answered is not on it"
    assert "事務所" not in str(content)


def test_a_draft_and_somebody_elses_have_no_picture(
    hanako: Somebody, jiro: Somebody, certified: UUID, report: UUID
) -> None:
    assert jiro.phone.open(f"/sent/{certified}/slip.png").status == 404
    assert hanako.phone.open(f"/sent/{report}/slip.png").status == 404
