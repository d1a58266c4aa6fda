"""Bytes on their way in: names that are only shown, disks that fail, connections that break, doors that are shut."""

from __future__ import annotations

import io
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from config.settings import Settings
from shared import intake
from shared.model import State, StoredFile, Submission
from tests import factories
from tests.portal.phone import JPEG, MULTIPART, Phone, Sent, Somebody

Make = sessionmaker[Session]
Keys = Callable[[], list[str]]
Rows = Callable[[], list[StoredFile]]
PHOTO = Sent("IMG_0417.jpg")


NAMES = [  # as the phone sends them, as they are kept, and as they are shown where that differs
    (Sent("給与明細 10月（前半）.jpg"), "給与明細 10月（前半）.jpg", ""),
    (Sent("../../etc/passwd"), "../../etc/passwd", ""),
    (Sent("C:\\Users\\\\hanako\\明細.jpg"), "C:\\Users\\\\hanako\\明細.jpg", ""),
    (Sent("<img src=x onerror=alert(1)>.jpg"), "<img src=x onerror=alert(1)>.jpg", ""),
    (Sent("明細\u202egpj.exe"), "明細\u202egpj.exe", "明細�gpj.exe"),
    (Sent("あ" * 400 + ".jpg"), "あ" * 300, ""),
    (Sent("💐.jpg"), "💐.jpg", ""),
    (Sent("CON"), "CON", ""),
    (Sent('a"b.jpg'), 'a"b.jpg', ""),
    (Sent("a\r\nb.jpg"), "a\r\nb.jpg", "a␍␊b.jpg"),
    (Sent("x", name_as='filename="a\\"b.jpg"'), 'a"b.jpg', ""),
    (Sent("x", name_as='filename="a;b=c.jpg"; x="y"'), "a;b=c.jpg", ""),
    (Sent("x", name_as="filename*=UTF-8''a%20%22b%22.jpg"), 'a "b".jpg', ""),
    (Sent("x", name_as='filename="a\x00b.jpg"'), "a␀b.jpg", ""),
    (Sent("x", name_as='filename="\x00"'), "␀", ""),
    (
        Sent("x", name_as=b'filename="\x8b\x8b\x97^\x96\xbe\x8d\xd7\x95\\"'),
        "給与明細表",
        "",
    ),  # its last byte is a backslash
    (Sent("x", name_as=b'filename="na\xefve \x81.jpg"'), "naïve \x81.jpg", "naïve �.jpg"),
]


def test_a_name_is_only_shown_and_never_obeyed(hanako: Somebody, report: UUID, rows: Rows, kept: Keys) -> None:
    for sent, name, shown in NAMES:
        assert hanako.picker(report).send(sent).status == 303, sent
        assert rows()[-1].name == name, sent
        page = hanako.phone.follow()
        assert page.status == 200
        assert " ".join((shown or name).split()) in " ".join(page.text.split()), sent
        assert not page.all("img")
        scripts = [one.attributes["src"].rpartition("/")[2] for one in page.all("script")]
        assert scripts == ["phone.js", "files.js"]
    assert kept() == sorted(file.key for file in rows())
    for key in kept():
        kind, _, name = key.partition("/")
        assert kind == "original"
        assert str(UUID(name)) == name, "a key says nothing of a name"


@contextmanager
def writing_fails_after(size: int) -> Iterator[None]:
    """Let every file of this process be at most ``size`` bytes, as on a disk that fills up half-way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def replaced_by_a_file(place: Path) -> Iterator[None]:
    aside = place.with_suffix(".aside")
    if place.exists():
        place.rename(aside)
    place.write_bytes(b"not a folder")
    try:
        yield
    finally:
        place.unlink()
        if aside.exists():
            aside.rename(place)


@pytest.mark.parametrize("trouble", ["disk full", "no incoming folder", "no storage", "no storage from the start"])
def test_when_the_disk_fails_the_person_is_told_and_can_send_again(
    hanako: Somebody, report: UUID, rows: Rows, kept: Keys, files: Path, settings: Settings, trouble: str
) -> None:
    phone = hanako.picker(report)
    if trouble == "no storage":
        assert phone.send(PHOTO).status == 303
    phone = hanako.picker(report)
    form = phone.page.form()
    before = [file.id for file in rows()]
    place = settings.incoming if trouble == "no incoming folder" else files
    with writing_fails_after(300) if trouble == "disk full" else replaced_by_a_file(place):
        page = phone.post_files(form.action, form.fields, Sent("明細.jpg"))
    assert page.status == 422
    assert "明細.jpg：" in page.text
    assert "受け取る機械がいっぱいです" in page.text
    assert [file.id for file in rows()] == before
    assert len(kept()) == len(before)
    assert phone.post_files(form.action, form.fields, Sent("明細.jpg")).status == 303
    assert len(rows()) == len(kept()) == len(before) + 1


def test_a_connection_that_is_lost_half_way_leaves_nothing(
    hanako: Somebody, report: UUID, kept: Keys, count: Callable[..., int], incoming: Keys
) -> None:
    phone = hanako.picker(report)
    form = phone.page.form()
    big = Sent("big.jpg", JPEG * 200)
    for arriving in (0, 10, 400, 2_000, 70_000, 120_000):
        page = phone.post_cut_off(form.action, form.fields, big, arriving)
        assert page.status == 400, arriving
        assert incoming() == [], arriving
    assert count(StoredFile) == 0
    assert kept() == []


def test_a_request_above_the_limit_is_a_sentence(
    meet: Callable[..., Somebody], open_door: Callable[..., Flask], make_session: Make, kept: Keys
) -> None:
    one = meet("見本　花子", open_door(request_limit=5000))
    with make_session.begin() as session:
        report = factories.draft(session, one.who).id
    page = one.picker(report).send(Sent("a.jpg", JPEG * 10))
    assert page.status == 413
    assert page.heading == "一度に送るには、大きすぎます"
    assert "1つずつ送ってください" in page.text
    assert kept() == []
    assert one.picker(report).send(PHOTO).status == 303


class Counted(io.BytesIO):
    """A body that knows how much of it was asked for."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        self.asked += len(got)
        return got


def test_the_upload_of_a_stranger_is_not_even_read(phone: Phone, report: UUID, kept: Keys) -> None:
    token = phone.open("/").form().fields["csrf_token"]
    for path, status in ((f"/forms/{report}/files", 303), (f"/correct/{report}", 303), ("/nowhere", 404)):
        body = Counted(JPEG * 100)
        size = len(body.getvalue())
        answer = phone.client.post(path, input_stream=body, content_length=size, content_type=MULTIPART)
        assert answer.status_code == status
        assert body.asked == 0
    big = Sent("big.jpg", JPEG * 1000)
    for path in ("/", "/display", "/pin"):
        assert phone.post_files(path, {"csrf_token": token, "code": "x"}, big).status == 413, path
    assert kept() == []


def test_nothing_is_added_to_what_was_sent(
    hanako: Somebody, report: UUID, rows: Rows, kept: Keys, make_session: Make
) -> None:
    phone = hanako.picker(report)
    phone.send(PHOTO)
    form = hanako.picker(report).page.form()
    phone.open(hanako.path(report, "check"))
    assert phone.press().place == f"/sent/{report}"
    page = phone.post_files(form.action, form.fields, Sent("late.jpg"))
    assert page.status in (303, 409)
    page = phone.post(f"/forms/{report}/files/{rows()[0].id}/remove", form.fields)
    assert page.status in (303, 409)
    assert len(rows()) == len(kept()) == 1
    with make_session() as session:
        assert session.scalars(select(Submission)).one().state is State.ARRIVED


def test_sent_from_another_phone_while_the_upload_runs_keeps_no_bytes(
    hanako: Somebody, report: UUID, kept: Keys, make_session: Make, app: Flask
) -> None:
    phone = hanako.picker(report)
    storage = app.extensions["madoguchi"].storage
    put = type(storage).put

    class Overtaken(type(storage)):  # type: ignore[misc]
        """A storage that is slow: before it is done, the other phone has sent the report."""

        def put(self, key: str, source: Path, media_type: str, **more: Any) -> None:
            put(self, key, source, media_type, **more)
            with make_session.begin() as session:
                intake.send(session, hanako.who, report, attempt=uuid4())

    app.extensions["madoguchi"].storage = Overtaken(storage.root)
    page = phone.send(PHOTO)
    app.extensions["madoguchi"].storage = storage
    assert page.status == 409
    assert page.heading == "これは、もう出してあります"
    assert kept() == []


def test_a_database_that_breaks_off_after_the_row_never_costs_the_bytes(
    hanako: Somebody, report: UUID, rows: Rows, kept: Keys, app: Flask
) -> None:
    phone = hanako.picker(report)
    form = phone.page.form()

    def break_off(session: Session) -> None:
        if any(isinstance(row, StoredFile) for row in session.identity_map.values()):
            raise OperationalError("COMMIT", {}, ConnectionError("the answer to the commit was lost"))

    writing = app.extensions["madoguchi"].sessions
    event.listen(writing, "after_commit", break_off)
    try:
        assert phone.post_files(form.action, form.fields, PHOTO).status == 503
    finally:
        event.remove(writing, "after_commit", break_off)
    assert kept() == [file.key for file in rows()]
    assert phone.post_files(form.action, form.fields, PHOTO).status == 303
    assert kept() == [file.key for file in rows()]
    assert len(rows()) == 1
