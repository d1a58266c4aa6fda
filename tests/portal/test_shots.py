"""Guided photos: the page asks for the whole room and the detail one by one, and staff see which is which."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import drafts, filled, intake
from shared.model import MACHINE, CorrectionItem, DutyKind, Reason, State, StoredFile, Submission
from shared.rules.forms.form import SHOTS
from tests import factories
from tests.portal.line import BODY, Line
from tests.portal.phone import JPEG, Sent, Somebody

Make = sessionmaker[Session]


@pytest.fixture
def room(hanako: Somebody, make_session: Make) -> UUID:
    """Photos of her bath, with everything answered."""
    answers = {"place": "bath", "why": "show", "asked_by": "staff", "shown": "yes"}
    with make_session.begin() as session:
        row = filled.start(session, hanako.who, DutyKind.ROOM_PHOTOS, factories.OCTOBER)
        for key, answer in answers.items():
            filled.write(session, hanako.who, row.id, key, {key: answer})
    return row.id


def shots(make_session: Make) -> list[str | None]:
    with make_session() as session:
        return list(session.scalars(select(StoredFile.shot).order_by(StoredFile.received_at, StoredFile.id)))


def picker_of(hanako: Somebody, room: UUID, shot: str) -> dict[str, str]:
    """What the form of one picker says beside the file."""
    page = hanako.phone.open(f"/forms/{room}/files")
    return next(form.fields for form in page.forms if form.fields.get("shot") == shot)


def test_each_photo_is_asked_for_by_itself_and_carries_which_it_is(
    hanako: Somebody, room: UUID, make_session: Make
) -> None:
    page = hanako.phone.open(f"/forms/{room}/files")
    assert "散らかっていても、かまいません" in page.text
    assert "人の顔や手紙は、写さないでください" in page.text
    assert page.by_id("whole-state").text == "まだです"
    assert "書類がないとき" not in page.text, "a photo is no paper; that she takes none was asked before"
    for shot in SHOTS:
        fields = picker_of(hanako, room, shot)
        assert hanako.phone.post_files(f"/forms/{room}/files", fields, Sent(f"{shot}.jpg", JPEG + shot.encode())).place
    assert shots(make_session) == ["whole", "detail"]
    page = hanako.phone.open(f"/forms/{room}/files")
    assert page.by_id("whole-state").text == "届きました　1つ"
    assert "全体　whole.jpg" in page.text
    assert "近くから　detail.jpg" in hanako.phone.open(f"/forms/{room}/check").text
    hanako.phone.press()
    page = hanako.phone.open(f"/sent/{room}")
    assert "近くから　detail.jpg" in page.text
    assert "/forms/room_photos/new" in page.links, "another place is another sending"


def test_a_script_says_it_too_and_what_nobody_asked_for_is_no_shot(
    hanako: Somebody, room: UUID, make_session: Make
) -> None:
    line = Line(hanako.phone, room)
    for shot in ("detail", "ceiling", None, "<b>"):
        content = JPEG + str(shot).encode()
        assert line.create(content, body=content, headers=BODY, shot=shot).status_code == 201
    assert shots(make_session) == ["detail", None, None, None]


def test_a_photo_taken_again_is_what_the_one_before_was(hanako: Somebody, room: UUID, make_session: Make) -> None:
    fields = picker_of(hanako, room, "detail")
    hanako.phone.post_files(f"/forms/{room}/files", fields, Sent("dark.jpg"))
    with make_session.begin() as session:
        file = session.scalars(select(StoredFile)).one()
        factories.make_safe(session, file)
        row = intake.send(session, hanako.who, room, attempt=uuid4())
        row.move(State.IN_REVIEW, MACHINE)
        items = [CorrectionItem(file_id=file.id, reason=Reason.DARK, detail="")]
        intake.ask_again(session, row, drafts.sent_version(session, row), items, by=MACHINE)
        wanted = str(file.id)
    page = hanako.phone.open(f"/correct/{room}")
    fields = next(form.fields for form in page.forms if form.fields.get("replaces") == wanted)
    assert hanako.phone.post_files(f"/correct/{room}", fields, Sent("light.jpg", JPEG + b"light")).status == 303
    assert shots(make_session) == ["detail", "detail"]
    with make_session() as session:
        row = session.scalars(select(Submission)).one()
        (held,) = drafts.files_of(session, drafts.latest_version(session, row))
        assert held.name == "light.jpg"
