"""れんらく: the office asks, the phone shows it, the answer arrives with a number and a photo."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import messages
from shared.model import DutyKind, FilledForm, State, StoredFile, Submission
from tests import factories
from tests.portal.phone import Sent, Somebody

Make = sessionmaker[Session]


@pytest.fixture
def asked(hanako: Somebody, make_session: Make) -> UUID:
    """A question about her report."""
    with make_session.begin() as session:
        row = factories.submission(session, State.WAITING, hanako.who)
        worker = factories.caseworker_of(session, row)
        return messages.send(session, worker, row.id, "もう1まい <b>写真</b>を", attempt=uuid4()).id


def test_a_question_is_news_until_it_is_opened(hanako: Somebody, asked: UUID) -> None:
    assert "新しいれんらくが 1つあります" in hanako.phone.open("/home").text
    page = hanako.phone.open("/messages")
    assert "もう1まい <b>写真</b>を" in page.text
    assert "<b>写真" not in page.html, "what staff write is text"
    assert "新しいれんらく" not in hanako.phone.open("/home").text


def test_it_is_answered_with_words_and_a_photo_and_arrives(hanako: Somebody, asked: UUID, make_session: Make) -> None:
    phone = hanako.phone
    phone.open("/messages")
    place = phone.press(f"/messages/{asked}/answer").place
    draft = place.split("/")[2]
    phone.open(place)
    phone.open(phone.press(tell="とりなおしました").place)
    phone.send(Sent("紙.jpg"), action=f"/forms/{draft}/files")
    phone.open(f"/forms/{draft}/check")
    assert phone.press().place == f"/sent/{draft}"
    page = phone.open("/messages")
    assert "とりなおしました" in page.text
    assert "写真・PDF　1つ" in page.text
    with make_session() as session:
        row = session.scalars(select(Submission).where(Submission.kind == DutyKind.MESSAGE)).one()
        assert row.number
        assert row.number in page.text
        assert session.scalars(select(FilledForm.message_id).where(FilledForm.message_id.is_not(None))).one() == asked


def test_she_can_write_unasked_and_an_empty_thread_says_so(hanako: Somebody, make_session: Make) -> None:
    page = hanako.phone.open("/messages")
    assert "まだ、やりとりはありません" in page.text
    assert hanako.phone.press("/messages/write").place.endswith("/tell")


def test_somebody_elses_question_is_not_there(jiro: Somebody, hanako: Somebody, asked: UUID) -> None:
    page = jiro.phone.open("/messages")
    assert "もう1まい" not in page.text
    token = next(form.fields["csrf_token"] for form in page.forms if "csrf_token" in form.fields)
    assert jiro.phone.post(f"/messages/{asked}/answer", {"csrf_token": token}).status == 404


def test_a_paper_of_the_office_is_hers_to_open_once_it_is_safe_and_nobody_elses(
    hanako: Somebody, jiro: Somebody, make_session: Make
) -> None:
    with make_session.begin() as session:
        row = factories.submission(session, State.WAITING, hanako.who)
        worker = factories.caseworker_of(session, row)
        paper = factories.arrived_file(name="家賃.pdf")
        messages.send(session, worker, row.id, "家賃の紙です。", attempt=uuid4(), papers=[paper])
        file = session.scalars(select(StoredFile).where(StoredFile.key == paper.key)).one()
        path = f"/files/{file.id}/1.jpg"
    page = hanako.phone.open("/messages")
    assert "家賃.pdf" in page.text
    assert "用意しています" in page.text
    assert path not in page.links
    with make_session.begin() as session:
        factories.make_safe(session, session.get_one(StoredFile, (file.office_id, file.id)), pages=2)
    page = hanako.phone.open("/messages")
    assert path in page.links
    assert path.replace("/1.jpg", "/2.jpg") in page.links
    assert "/files/" not in jiro.phone.open("/messages").html
    assert jiro.phone.open(path).status == 404
    assert "家賃.pdf" not in hanako.phone.open(f"/sent/{row.id}").text
