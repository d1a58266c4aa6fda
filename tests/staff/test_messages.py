"""本人とのやりとり on the review page."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import slips
from shared.model import Job, Message, MessageFile, StoredFile, Submission, Task
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk
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


PDF = b"%PDF-1.7\n" + b"about the rent " * 40


def attach(desk: Desk, scene: Scene, *files: tuple[str, bytes], text: str = "家賃の紙です。") -> Answer:
    """Press 本人に送る with files chosen."""
    fields = desk.open(scene.path).form(f"{scene.path}/message#messages").fields
    parts = [(io.BytesIO(content), name) for name, content in files]
    return Answer(desk.client.post(f"{scene.path}/message", data={**fields, "text": text, "file": parts}))


def test_a_paper_goes_the_way_of_every_file_and_is_shown_when_it_is_safe(
    desk: Desk, scene: Scene, make_session: Make, bytes_kept: FolderStorage
) -> None:
    assert attach(desk, scene, ("家賃.pdf", PDF)).status == 303
    with make_session.begin() as session:
        file = session.scalars(select(StoredFile).join(MessageFile, MessageFile.file_id == StoredFile.id)).one()
        with bytes_kept.open(file.key) as kept:
            assert kept.read() == PDF
        task = session.scalars(select(Task).where(Task.subject_id == file.id)).one()
        assert task.job is Job.MAKE_SAFE_COPY
        assert "安全な写しを作っています" in desk.open(scene.path).html
        assert desk.open(f"/files/{file.id}/1.jpg").status == 404
        factories.make_safe(session, file)
    assert f"/files/{file.id}/1.jpg" in desk.open(scene.path).html
    assert desk.open(f"/files/{file.id}/1.jpg").response.mimetype == "image/svg+xml", "the row is there, no bytes are"
    with make_session() as session:
        slip = slips.slip(
            session, session.scalars(select(Submission).where(Submission.id == scene.submission_id)).one()
        )
        assert file.id not in [one.id for one in slip.files], "it is hers to read, and no part of what she has sent"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("tool.exe", b"MZ" + b"\0" * 90)], "写真かPDFではないようです"),
        ([("家賃.pdf", PDF), ("empty.pdf", b"")], "中身がありません"),
        ([(f"{no}.pdf", PDF + bytes([no])) for no in range(4)], "3つまで"),
    ],
)
def test_what_cannot_be_taken_is_said_and_nothing_of_the_message_is_kept(
    desk: Desk, scene: Scene, make_session: Make, tmp_path: Path, files: list[tuple[str, bytes]], said: str
) -> None:
    before = sorted(path for path in (tmp_path / "files" / "original").rglob("*") if path.is_file())
    answer = attach(desk, scene, *files)
    assert answer.status == 422
    assert said in answer.html
    assert "家賃の紙です。" in answer.html
    assert count(make_session) == 0
    assert sorted(path for path in (tmp_path / "files" / "original").rglob("*") if path.is_file()) == before


def test_a_second_tap_keeps_no_second_paper(desk: Desk, scene: Scene, make_session: Make, tmp_path: Path) -> None:
    fields = desk.open(scene.path).form(f"{scene.path}/message#messages").fields
    for _ in range(2):
        data = {**fields, "text": "家賃の紙です。", "file": (io.BytesIO(PDF), "家賃.pdf")}
        assert desk.client.post(f"{scene.path}/message", data=data).status_code == 303
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(MessageFile)) == 1
        keys = session.scalars(select(StoredFile.key)).all()
    there = {str(path.relative_to(tmp_path / "files")) for path in (tmp_path / "files").rglob("*") if path.is_file()}
    assert {key for key in there if key.startswith("original/")} <= set(keys)
