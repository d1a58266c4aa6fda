"""本人とのやりとり on the review page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared.model import Message
from shared.sign_in import Staff
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, set_out
from uploads.storage import FolderStorage

Make = sessionmaker[Session]


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage) -> Scene:
    with make_session.begin() as session:
        return set_out(session, bytes_kept)


@pytest.fixture
def desk(enter: Callable[[Staff], Desk], scene: Scene) -> Desk:
    return enter(scene.worker)


def count(make_session: Make) -> int:
    with make_session() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def test_a_question_is_sent_once_and_stands_in_the_thread(desk: Desk, scene: Scene, make_session: Make) -> None:
    page = desk.open(scene.path)
    for _ in range(2):
        assert desk.send(page, f"{scene.path}/message#messages", text="明細の2まいめは <i>ありますか").status == 303
    assert count(make_session) == 1
    html = desk.open(scene.path).html
    assert "明細の2まいめは &lt;i&gt;ありますか" in html
    assert "まだ読んでいません" in html


@pytest.mark.parametrize("text", ["", "［日付］までに", "あ" * 2001])
def test_what_is_no_message_keeps_what_was_typed_and_sends_nothing(
    desk: Desk, scene: Scene, make_session: Make, text: str
) -> None:
    answer = desk.send(desk.open(scene.path), f"{scene.path}/message#messages", text=text)
    assert answer.status == 422
    assert 'id="text-error"' in answer.html
    assert text in answer.html
    assert count(make_session) == 0
