"""給与明細: what is taken, what is not and why, and what is taken out again."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared.model import StoredFile, Task, VersionFile
from tests import factories
from tests.portal.phone import JPEG, PDF, Sent, Somebody

Make = sessionmaker[Session]
Keys = Callable[[], list[str]]
Rows = Callable[[], list[StoredFile]]
PHOTO = Sent("IMG_0417.jpg")


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, b"inside")
    return out.getvalue()


def test_a_photo_is_kept_as_it_came_and_shown_by_its_name(
    hanako: Somebody, report: UUID, rows: Rows, kept: Keys, files: Path
) -> None:
    phone = hanako.picker(report)
    assert "まだありません" in phone.page.text
    assert phone.send(PHOTO).place == hanako.path(report, "files")
    page = phone.follow()
    assert "送ったもの 1つ" in page.text.replace("　", " ")
    assert "IMG_0417.jpg" in page.text
    assert page.by_id("rows").attributes.get("data-pending") == ""
    (file,) = rows()
    assert kept() == [file.key]
    assert (files / file.key).read_bytes() == JPEG
    assert (file.size, file.sha256) == (len(JPEG), hashlib.sha256(JPEG).hexdigest())
    assert file.kind == "jpeg"


def test_a_file_and_the_promise_of_its_safe_copy_are_one(
    hanako: Somebody, report: UUID, rows: Rows, make_session: Make
) -> None:
    hanako.picker(report).send(PHOTO, Sent("b.pdf", PDF, "application/pdf"))
    with make_session() as session:
        assert {task.subject_id for task in session.scalars(select(Task))} == {file.id for file in rows()}


NOT_TAKEN = [
    (Sent("給与明細.jpg", b"MZ\x90\x00" + b"\x00" * 200), "写真かPDFではないようです"),
    (Sent("給与明細.pdf", b"<!doctype html><script>alert(1)</script>", "application/pdf"), "写真かPDFではない"),
    (Sent("photo.jpg", b"just words"), "写真かPDFではないようです"),
    (Sent("photo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), "写真かPDFではない"),
    (Sent("photo.gif", b"GIF89a" + b"\x00" * 50, "image/gif"), "写真かPDFではないようです"),
    (Sent("明細.zip", zipped("a.jpg"), "application/zip"), "まとめたファイル"),
    (Sent("明細.pdf", zipped("word/document.xml"), "application/pdf"), "WordやExcelのファイルは"),
    (Sent("明細.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 50), "WordやExcelのファイルは"),
    (Sent("空.jpg", b""), "中身がありません"),
]


def test_what_it_is_decides_and_not_what_it_is_called(hanako: Somebody, report: UUID, rows: Rows, kept: Keys) -> None:
    for file, sentence in NOT_TAKEN:
        page = hanako.picker(report).send(file)
        assert page.status == 422, file.name
        assert page.title.startswith("届いていないものがあります")
        assert f"{file.name}：" in page.text
        assert sentence in page.text, file.name
    assert rows() == []
    assert kept() == []


def test_pictures_and_pdfs_of_every_accepted_kind_are_taken(hanako: Somebody, report: UUID, rows: Rows) -> None:
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1" + b"\x00" * 40
    contents = {
        "jpeg": JPEG,
        "png": b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
        "webp": b"RIFF\x28\x00\x00\x00WEBP" + b"\x00" * 40,
        "heic": heic,
        "pdf": PDF,
    }
    page = hanako.picker(report).send(*(Sent("name.says-nothing", body, "text/html") for body in contents.values()))
    assert page.status == 303
    assert [file.kind for file in rows()] == list(contents)


def test_nothing_chosen_is_a_sentence(hanako: Somebody, report: UUID, count: Callable[..., int]) -> None:
    phone = hanako.picker(report)
    for files in ((), (Sent("", b""),)):
        page = phone.send(*files)
        assert page.status == 422
        assert "写真かPDFをえらんでください" in page.text
    assert count(StoredFile) == 0


def test_the_good_ones_are_kept_when_one_is_not(hanako: Somebody, report: UUID, rows: Rows, kept: Keys) -> None:
    page = hanako.picker(report).send(Sent("1.jpg"), Sent("2.exe", b"MZ"), Sent("3.pdf", PDF), Sent("4.jpg", b""))
    assert page.status == 422
    assert [file.name for file in rows()] == ["1.jpg", "3.pdf"]
    assert len(kept()) == 2
    assert "2.exe：" in page.text
    assert "4.jpg：" in page.text
    assert "1.jpg：" not in page.by_id("errors-heading").text
    assert "ほかに届いたものは、そのまま残っています" in page.text
    assert "送ったもの　2つ" in page.text


def test_a_file_above_the_limit_is_refused_in_words_and_one_at_the_limit_is_not(
    meet: Callable[..., Somebody], open_door: Callable[..., Flask], make_session: Make, count: Callable[..., int]
) -> None:
    one = meet("見本　花子", open_door(file_limit=2000))
    with make_session.begin() as session:
        report = factories.draft(session, one.who).id
    page = one.picker(report).send(Sent("大きい.jpg", JPEG + b"x" * (2001 - len(JPEG))), PHOTO)
    assert page.status == 422
    assert "大きい.jpg：" in page.text
    assert "大きすぎて受け取れません" in page.text
    assert "1つにつき2 KBまで" in page.text
    assert count(StoredFile) == 1
    assert one.picker(report).send(Sent("ちょうど.jpg", JPEG + b"x" * (2000 - len(JPEG)))).status == 303


def test_no_more_files_than_the_office_allows(
    meet: Callable[..., Somebody], open_door: Callable[..., Flask], make_session: Make, kept: Keys
) -> None:
    one = meet("見本　花子", open_door(files_limit=2))
    with make_session.begin() as session:
        report = factories.draft(session, one.who).id
    page = one.picker(report).send(Sent("1.jpg"), Sent("2.jpg"), Sent("3.jpg"))
    assert page.status == 422
    assert "3.jpg：" in page.text
    assert "一度に出せるのは2つまでです" in page.text
    assert len(kept()) == 2
    taken_out = next(form.action for form in page.forms if form.action.endswith("/remove"))
    assert one.phone.press(taken_out).status == 303
    assert one.picker(report).send(Sent("3.jpg")).status == 303


def test_a_second_tap_of_the_same_form_is_the_same_files(
    hanako: Somebody, report: UUID, rows: Rows, kept: Keys
) -> None:
    phone = hanako.picker(report)
    form = phone.page.form()
    for _ in range(3):
        assert phone.post_files(form.action, form.fields, Sent("1.jpg"), Sent("2.pdf", PDF)).status == 303
    assert [file.name for file in rows()] == ["1.jpg", "2.pdf"]
    assert kept() == sorted(file.key for file in rows())


def test_another_photo_in_a_form_the_back_button_kept_is_another_file(
    hanako: Somebody, report: UUID, rows: Rows, kept: Keys
) -> None:
    phone = hanako.picker(report)
    form = phone.page.form()
    for content in (JPEG, JPEG + b" of the other side"):
        assert phone.post_files(form.action, form.fields, Sent("image.jpg", content)).status == 303
    assert len(rows()) == len(kept()) == 2


def test_a_photo_that_was_taken_out_can_come_back_with_the_same_form(
    hanako: Somebody, report: UUID, rows: Rows
) -> None:
    phone = hanako.picker(report)
    form = phone.page.form()
    for _ in range(3):
        assert phone.post_files(form.action, form.fields, PHOTO).status == 303
        assert len(rows()) == 1
        phone.follow()
        assert phone.press(f"/forms/{report}/files/{rows()[0].id}/remove").status == 303
        assert rows() == []


def test_taps_at_the_same_moment_are_one_file_and_leave_no_bytes_behind(
    hanako: Somebody, report: UUID, rows: Rows, kept: Keys
) -> None:
    phone = hanako.picker(report)
    tabs = [phone.twin() for _ in range(4)]
    with ThreadPoolExecutor(len(tabs)) as taps:
        sent = [taps.submit(copy_context().run, tab.send, PHOTO) for tab in tabs]
    assert {page.result().status for page in sent} == {303}
    assert kept() == [file.key for file in rows()]
    assert len(rows()) == 1


def test_a_file_is_taken_out_and_out_it_stays(
    hanako: Somebody, report: UUID, rows: Rows, count: Callable[..., int]
) -> None:
    phone = hanako.picker(report)
    phone.send(Sent("1.jpg"), Sent("2.jpg"))
    page = phone.follow()
    action = f"/forms/{report}/files/{rows()[0].id}/remove"
    for _ in range(2):
        assert phone.post(action, page.form(action).fields).place == hanako.path(report, "files")
    assert [file.name for file in rows()] == ["2.jpg"]
    assert count(VersionFile) == 1
    assert phone.post(f"/forms/{report}/files/{uuid4()}/remove", page.form(action).fields).status == 303


def test_nobody_takes_out_what_is_anothers(
    hanako: Somebody, jiro: Somebody, report: UUID, rows: Rows, make_session: Make
) -> None:
    hanako.picker(report).send(PHOTO)
    with make_session.begin() as session:
        his = factories.draft(session, jiro.who).id
    fields = jiro.picker(his).page.form().fields
    file_id = rows()[0].id
    assert jiro.phone.post(f"/forms/{report}/files/{file_id}/remove", fields).status == 404
    jiro.phone.post(f"/forms/{his}/files/{file_id}/remove", fields)
    assert [file.id for file in rows()] == [file_id]


def test_files_change_places_without_a_script(hanako: Somebody, report: UUID) -> None:
    hanako.picker(report).send(Sent("1.jpg"), Sent("2.pdf", PDF), Sent("3.jpg", JPEG + b"x"))
    page = hanako.phone.open(hanako.path(report, "files"))
    moves = [one for one in page.all("button") if one.attributes.get("formaction")]
    assert [one.attributes["name"] for one in moves] == ["down", "up", "down", "up"], "nothing leads out of the list"
    token = page.form("/leave").fields["csrf_token"]
    for move in (moves[0], moves[3]):  # the first goes down, then the last goes up
        fields = {"csrf_token": token, move.attributes["name"]: move.attributes["value"]}
        answer = hanako.phone.post(move.attributes["formaction"], fields)
        assert answer.status == 303
    names = [heading.text for heading in hanako.phone.follow().all("h3")]
    assert [name for name in names if name] == ["2.pdf", "3.jpg", "1.jpg"]


def test_a_page_says_whose_it_is_without_saying_who(hanako: Somebody, jiro: Somebody) -> None:
    def word(one: Somebody) -> str:
        page = one.phone.open("/home")
        return next(meta.attributes["content"] for meta in page.all("meta") if meta.attributes.get("name") == "owner")

    assert word(hanako) == word(hanako) != word(jiro)
    assert len(word(hanako)) == 32
    assert str(hanako.who.account_id).replace("-", "") not in word(hanako)
    before = [meta.attributes.get("name") for meta in hanako.phone.twin().open("/no-letter").all("meta")]
    assert "owner" in before, "signed in, on any page"


def test_leaving_clears_what_the_phone_has_kept(hanako: Somebody) -> None:
    hanako.phone.open("/home")
    answer = hanako.phone.press("/leave")
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    names = [meta.attributes.get("name") for meta in hanako.phone.open("/no-letter").all("meta")]
    assert "owner" not in names
