"""Resumable uploads, spoken as a phone's script speaks them, against the real app and a real database."""

from __future__ import annotations

import gc
import hashlib
import io
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from config.settings import MEBIBYTE
from shared import clock, intake, sign_in
from shared.errors import IllegalMove
from shared.model import SignIn, StoredFile, Task, Upload, UploadPart, VersionFile
from tests import factories
from tests.portal.frame import ALWAYS
from tests.portal.line import BODY, Line, b64, checksum
from tests.portal.phone import JPEG, Sent, Somebody
from tests.portal.test_upload import replaced_by_a_file, writing_fails_after

Make = sessionmaker[Session]
Rows = Callable[[], list[StoredFile]]
Keys = Callable[[], list[str]]
Count = Callable[..., int]

PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 40
LONG = PHOTO * (3 * MEBIBYTE // len(PHOTO))  # a little less than three stretches
SHA = hashlib.sha256(PHOTO).hexdigest()


@pytest.fixture
def line(hanako: Somebody, report: UUID) -> Line:
    return Line(hanako.phone, report)


def place(answer: TestResponse) -> str:
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def reason(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["reason"]


def is_there(rows: Rows, files: Path, content: bytes) -> None:
    """Exactly this file is in the draft, and its bytes in the storage."""
    (file,) = rows()
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.size == len(content)
    assert (files / file.key).read_bytes() == content


# ---- what is offered ----


def test_both_addresses_say_what_they_can(line: Line) -> None:
    for url in (line.to, place(line.create(PHOTO))):
        answer = line.ask("OPTIONS", url, {"Tus-Resumable": None, "X-CSRFToken": None})
        assert answer.status_code == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,checksum,expiration,termination"
        assert answer.headers["Tus-Max-Size"] == "20000000"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_each_answer_says_what_every_page_of_ours_says_to_browsers(line: Line) -> None:
    url = place(line.create(PHOTO))
    for method, where in (("OPTIONS", url), ("POST", line.to), ("HEAD", url), ("GET", url)):
        answer = line.ask(method, where)
        assert ALWAYS.items() <= dict(answer.headers).items(), method
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
    refused = line.ask("PUT", line.to)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "OPTIONS, POST")
    for elsewhere in ("/uploads/to/nobody", f"{url}/x", "/uploads/"):
        page = line.ask("POST", elsewhere)
        assert (page.status_code, page.mimetype) == (404, "text/html")


def test_another_version_of_the_protocol_is_not_spoken(line: Line, count: Count) -> None:
    url = place(line.create(PHOTO))
    for said in (None, "", "0.2.2", "1.0"):
        for method, where in (("POST", line.to), ("HEAD", url), ("PATCH", url), ("DELETE", url)):
            answer = line.ask(method, where, {"Tus-Resumable": said, "Upload-Length": "10"})
            assert answer.status_code == 412
            assert answer.headers["Tus-Version"] == "1.0.0"
            assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert count(Upload) == 1


# ---- from the first byte to the last ----


def test_a_file_that_comes_whole_in_one_request_is_a_file_of_the_draft(
    line: Line, rows: Rows, files: Path, kept: Keys, count: Count
) -> None:
    answer = line.create(PHOTO, body=PHOTO, name="給与明細　10月.jpg", attempt=uuid4(), sha256=SHA)
    url = place(answer)
    assert url.startswith("/uploads/")
    assert answer.headers["Upload-Offset"] == str(len(PHOTO))
    assert answer.headers["Madoguchi-File"] == str(rows()[0].id)
    assert answer.headers["Cache-Control"] == "no-store"
    is_there(rows, files, PHOTO)
    assert rows()[0].name == "給与明細　10月.jpg"
    assert len(kept()) == count(Task) == 1
    assert count(UploadPart) == 0


def test_a_file_that_comes_in_stretches_is_put_together(
    line: Line, rows: Rows, files: Path, kept: Keys, evening: datetime
) -> None:
    answer = line.create(PHOTO, body=PHOTO[:100], sha256=SHA)
    url = place(answer)
    assert answer.headers["Upload-Offset"] == "100"
    assert answer.headers["Upload-Expires"] == "Thu, 26 Nov 2026 11:12:41 GMT"
    for start, end in ((100, 5_000), (5_000, 9_999)):
        answer = line.patch(url, start, PHOTO[start:end])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(end))
        assert "Upload-Expires" in answer.headers
        assert "Madoguchi-File" not in answer.headers
        head = line.head(url)
        assert (head.status_code, head.headers["Upload-Offset"]) == (200, str(end))
        assert head.headers["Upload-Length"] == str(len(PHOTO))
        assert head.headers["Cache-Control"] == "no-store"
        assert head.headers["Upload-Metadata"] == f"filename {b64('明細.jpg')}"
        assert rows() == []
    answer = line.patch(url, 9_999, PHOTO[9_999:])
    assert answer.headers["Madoguchi-File"] == str(rows()[0].id)
    is_there(rows, files, PHOTO)
    assert kept() == [rows()[0].key], "the parts are gone"


def test_a_long_stretch_is_kept_a_mebibyte_at_a_time(line: Line, rows: Rows, files: Path, kept: Keys) -> None:
    url = place(line.create(LONG))
    answer = line.patch_cut_off(url, 0, LONG, 2 * MEBIBYTE + 1_000)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(2 * MEBIBYTE + 1_000))
    assert sorted((files / key).stat().st_size for key in kept()) == [1_000, MEBIBYTE, MEBIBYTE]
    assert line.offset(url) == 2 * MEBIBYTE + 1_000
    assert line.patch(url, line.offset(url), LONG[line.offset(url) :]).status_code == 204
    is_there(rows, files, LONG)


def test_where_only_get_and_post_come_through_the_method_is_said_in_a_header(
    line: Line, rows: Rows, files: Path
) -> None:
    url = place(line.create(PHOTO))
    for method in ("PATCH", "patch"):
        said = {**BODY, "X-HTTP-Method-Override": method, "Upload-Offset": str(line.offset(url))}
        half = PHOTO[line.offset(url) :][:5_140]
        assert line.ask("POST", url, said, half).status_code == 204
    is_there(rows, files, PHOTO)
    url = place(line.create(PHOTO))
    assert line.ask("POST", url, {"X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert line.head(url).status_code == 410
    for method in ("", "PUT", "TRACE"):
        assert reason(line.ask("POST", url, {"X-HTTP-Method-Override": method})) == (405, "method")


# ---- lines that break ----


def test_what_has_arrived_when_the_line_breaks_is_kept(line: Line, rows: Rows, files: Path) -> None:
    url = place(line.create(PHOTO))
    for end in (0, 1, 700, 701, len(PHOTO) - 1):
        start = line.offset(url)
        line.patch_cut_off(url, start, PHOTO[start:], end - start)
        assert line.offset(url) == end
    assert line.patch(url, len(PHOTO) - 1, PHOTO[-1:]).status_code == 204
    is_there(rows, files, PHOTO)


def test_under_a_checksum_a_stretch_that_breaks_off_or_differs_is_dropped(
    line: Line, rows: Rows, files: Path, kept: Keys
) -> None:
    url = place(line.create(PHOTO))
    half = PHOTO[:5_000]
    cut = line.patch_cut_off(url, 0, half, 4_000, **checksum(half))
    assert reason(cut) == (460, "checksum")
    cut_right = line.patch_cut_off(url, 0, half, 4_000, **checksum(half[:4_000]))
    assert reason(cut_right) == (460, "checksum"), "not all that was meant to come has come"
    for algorithm in ("sha1", "sha256"):
        assert reason(line.patch(url, 0, half, checksum(PHOTO, algorithm))) == (460, "checksum")
    assert line.offset(url) == 0
    assert kept() == []
    assert line.patch(url, 0, half, checksum(half, "sha1")).status_code == 204
    assert line.patch(url, 5_000, PHOTO[5_000:], checksum(PHOTO[5_000:])).status_code == 204
    is_there(rows, files, PHOTO)


def test_a_whole_that_is_not_what_was_announced_begins_again(line: Line, rows: Rows, files: Path, kept: Keys) -> None:
    url = place(line.create(PHOTO, sha256=SHA))
    line.patch(url, 0, PHOTO[:5_000])
    wrong = line.patch(url, 5_000, PHOTO[5_000:-1] + b"x")
    assert reason(wrong) == (460, "checksum")
    assert wrong.headers["Upload-Offset"] == "0"
    assert line.offset(url) == 0
    assert kept() == []
    assert rows() == []
    assert reason(line.create(PHOTO, body=PHOTO[:-1] + b"x", sha256=SHA)) == (460, "checksum")
    assert line.patch(url, 0, PHOTO).status_code == 204
    is_there(rows, files, PHOTO)


def test_a_gap_or_a_step_back_is_refused_with_the_true_offset(line: Line, kept: Keys) -> None:
    url = place(line.create(PHOTO, body=PHOTO[:700]))
    before = kept()
    for start in (0, 699, 701, len(PHOTO), 10**14):
        answer = line.patch(url, start, PHOTO[:10])
        assert reason(answer) == (409, "offset")
        assert answer.headers["Upload-Offset"] == "700"
    assert kept() == before


def test_a_stretch_beyond_the_end_is_refused_whole(line: Line, rows: Rows, kept: Keys) -> None:
    url = place(line.create(PHOTO))
    assert reason(line.patch(url, 0, PHOTO + b"x")) == (400, "past_the_end")
    assert reason(line.create(PHOTO, body=PHOTO + b"x")) == (400, "past_the_end")
    assert line.offset(url) == 0
    assert kept() == []
    assert rows() == []


def test_an_answer_that_was_lost_is_given_again(line: Line, rows: Rows, kept: Keys, count: Count) -> None:
    attempt = uuid4()
    first = line.create(PHOTO, body=PHOTO, attempt=attempt)
    file = first.headers["Madoguchi-File"]
    for answer in (
        line.create(PHOTO, body=PHOTO, attempt=attempt),
        line.create(PHOTO, attempt=attempt),
        line.create(PHOTO, body=PHOTO[:10], attempt=attempt),
        line.patch(place(first), len(PHOTO), b""),
        line.head(place(first)),
    ):
        assert answer.status_code in (200, 201, 204)
        assert answer.headers["Madoguchi-File"] == file
        assert answer.headers["Upload-Offset"] == str(len(PHOTO))
        assert answer.headers.get("Location") in (None, place(first))
    assert reason(line.patch(place(first), 0, PHOTO)) == (409, "offset")
    assert [count(table) for table in (Upload, StoredFile, VersionFile, Task)] == [1, 1, 1, 1]
    assert len(kept()) == 1


def test_another_page_goes_on_with_the_same_attempt(line: Line, rows: Rows, files: Path) -> None:
    attempt = uuid4()
    first = place(line.create(PHOTO, body=PHOTO[:700], attempt=attempt))
    again = line.create(PHOTO, body=PHOTO[:700], attempt=attempt)
    assert place(again) == first
    assert again.headers["Upload-Offset"] == "700"
    assert line.patch(first, 700, PHOTO[700:]).headers["Madoguchi-File"]
    is_there(rows, files, PHOTO)


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ends=st.lists(st.integers(0, len(PHOTO)), max_size=6),
    acts=st.lists(
        st.sampled_from(["plain", "sha1", "sha256", "cut", "again", "gap", "back", "wrong", "begin"]), max_size=14
    ),
    first=st.integers(0, len(PHOTO)),
)
def test_whatever_the_order_the_sizes_and_the_faults_the_end_is_the_file_or_a_refusal(
    line: Line, files: Path, make_session: Make, ends: list[int], acts: list[str], first: int
) -> None:
    attempt = uuid4()
    url = place(line.create(PHOTO, body=PHOTO[:first], attempt=attempt, sha256=SHA))
    stops = iter([*ends, *[len(PHOTO)] * len(acts)])
    for act in acts:
        at, to = line.offset(url), next(stops)
        assert 0 <= at <= len(PHOTO)
        to = max(at, to)
        stretch = PHOTO[at:to]
        match act:
            case "plain" | "again":
                assert line.patch(url, at, stretch).status_code == 204
                if act == "again":
                    assert line.patch(url, at, stretch).status_code == (409 if stretch else 204)
                assert line.offset(url) == to
            case "sha1" | "sha256":
                assert line.patch(url, at, stretch, checksum(stretch, act)).status_code == 204
                assert line.offset(url) == to
            case "cut":
                line.patch_cut_off(url, at, stretch, len(stretch) // 2)
                assert line.offset(url) == at + len(stretch) // 2
            case "gap":
                assert line.patch(url, at + 1, PHOTO[at + 1 : to]).status_code in (400, 409)
            case "back":
                assert line.patch(url, max(at - 1, 0), PHOTO[:1]).status_code == (409 if at else 204)
            case "wrong":
                assert line.patch(url, at, stretch, checksum(b"x" + stretch)).status_code in (204, 460)
            case _:
                assert place(line.create(PHOTO, attempt=attempt, sha256=SHA)) == url
    if line.offset(url) < len(PHOTO):
        assert line.patch(url, line.offset(url), PHOTO[line.offset(url) :]).status_code == 204
    file_id = UUID(line.head(url).headers["Madoguchi-File"])
    with make_session.begin() as session:
        file = session.scalars(select(StoredFile).where(StoredFile.id == file_id)).one()
        assert (files / file.key).read_bytes() == PHOTO
        assert file.sha256 == SHA
    assert line.ask("DELETE", url).status_code == 204


def test_two_requests_for_the_same_stretch_one_is_kept_and_the_other_leaves_nothing(
    hanako: Somebody, report: UUID, rows: Rows, files: Path, kept: Keys
) -> None:
    line = Line(hanako.phone, report)
    url = place(line.create(PHOTO))
    twins = [Line(hanako.phone.twin(), report) for _ in range(5)]
    start = threading.Barrier(5)

    def send(twin: Line) -> int:
        start.wait(20)
        return twin.patch(url, 0, PHOTO[:5_000]).status_code

    with ThreadPoolExecutor(5) as hands:
        assert sorted(hands.map(send, twins)) == [204, 409, 409, 409, 409]
    assert line.offset(url) == 5_000
    assert len(kept()) == 1
    assert line.patch(url, 5_000, PHOTO[5_000:]).status_code == 204
    is_there(rows, files, PHOTO)


@pytest.mark.parametrize("taps", [2, 5, 20])
def test_many_taps_at_once_are_one_file(
    hanako: Somebody, report: UUID, rows: Rows, files: Path, kept: Keys, count: Count, taps: int
) -> None:
    attempt = uuid4()
    twins = [Line(hanako.phone.twin() if at else hanako.phone, report) for at in range(taps)]
    start = threading.Barrier(taps)

    def send(twin: Line) -> tuple[str, str]:
        start.wait(20)
        answer = twin.create(PHOTO, body=PHOTO, attempt=attempt)
        return place(answer), answer.headers["Madoguchi-File"]

    with ThreadPoolExecutor(taps) as hands:
        assert len(set(hands.map(send, twins))) == 1
    is_there(rows, files, PHOTO)
    assert [count(table) for table in (Upload, StoredFile, VersionFile, Task)] == [1, 1, 1, 1]
    assert len(kept()) == 1


# ---- what is not taken ----

ZIP = b"PK\x03\x04" + b"x" * 10_000
WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 10_000


@pytest.mark.parametrize(("content", "code", "says"), [(ZIP, "archive", "ZIP"), (WORD, "office", "PDF")])
def test_a_file_of_no_kind_of_ours_is_refused_as_soon_as_its_first_bytes_show_it(
    line: Line, rows: Rows, kept: Keys, count: Count, content: bytes, code: str, says: str
) -> None:
    answer = line.create(content, body=content)
    assert reason(answer) == (415, code)
    assert says in answer.get_json()["sentence"]
    assert count(Upload) == 0
    url = place(line.create(content))
    assert reason(line.patch(url, 0, content[:5_000])) == (415, code)
    late = line.patch(url, 0, content[:5_000])
    assert reason(late) == (410, code)
    assert says in late.get_json()["sentence"]
    assert line.head(url).status_code == 410
    url = place(line.create(content))
    assert line.patch(url, 0, content[:100]).status_code == 204, "too little to tell"
    assert reason(line.patch(url, 100, content[100:])) == (415, code)
    assert rows() == []
    assert kept() == []


def test_an_empty_and_a_far_too_large_file_are_refused_before_they_are_sent(line: Line, count: Count) -> None:
    for size, status, code, says in ((0, 415, "empty", "0バイト"), (20_000_001, 413, "too_big", "大きすぎ")):
        answer = line.create(size)
        assert reason(answer) == (status, code)
        assert says in answer.get_json()["sentence"]
    assert line.create(20_000_000).status_code == 201
    assert count(Upload) == 1


def test_a_full_report_a_full_day_and_a_sent_report_say_so(
    meet: Callable[..., Somebody], open_door: Callable[..., Flask], make_session: Make, kept: Keys
) -> None:
    one = meet("見本　花子", open_door(files_limit=2, day_limit=50_000))
    with make_session.begin() as session:
        report = factories.draft(session, one.who).id
    line = Line(one.phone, report)
    assert place(line.create(PHOTO, body=PHOTO))
    begun = [place(line.create(PHOTO)) for _ in range(2)]
    assert line.patch(begun[0], 0, PHOTO).status_code == 204
    too_many = line.patch(begun[1], 0, PHOTO)
    assert reason(too_many) == (422, "too_many")
    assert "一度に出せるのは2つまでです" in too_many.get_json()["sentence"]
    assert reason(line.create(PHOTO)) == reason(line.create(PHOTO, body=PHOTO)) == (422, "too_many")
    assert line.head(begun[1]).status_code == 410
    assert len(kept()) == 2
    with make_session.begin() as session:
        late = factories.draft(session, one.who, factories.OCTOBER.replace(month=9)).id
    line = Line(one.phone, late)
    for too_much in (line.create(45_000), line.create(JPEG * 60, body=JPEG * 60)):
        assert reason(too_much) == (429, "too_much_today")
        assert "きょう受け取れる量をこえました" in too_much.get_json()["sentence"]
    url = place(line.create(JPEG))
    with make_session.begin() as session:
        intake.send(session, one.who, late, attempt=uuid4())
    for answer in (line.create(JPEG), line.create(JPEG, body=JPEG), line.patch(url, 0, JPEG), line.patch(url, 0, JPEG)):
        assert reason(answer) == (410, "already_sent")
        assert "もう出してあります" in answer.get_json()["sentence"]
    assert len(kept()) == 2


def test_the_plain_form_says_that_it_is_too_much_for_today(
    meet: Callable[..., Somebody], open_door: Callable[..., Flask], make_session: Make, kept: Keys
) -> None:
    one = meet("見本　花子", open_door(day_limit=1_000))
    with make_session.begin() as session:
        report = factories.draft(session, one.who).id
    assert one.picker(report).send(Sent("a.jpg")).status == 303
    page = one.picker(report).send(Sent("b.jpg"))
    assert page.status == 422
    assert "きょう受け取れる量をこえました" in page.text
    assert len(kept()) == 1


def test_a_new_page_takes_the_place_of_the_one_it_replaces(line: Line, rows: Rows, kept: Keys) -> None:
    ids = [line.create(PHOTO, body=PHOTO, name=name).headers["Madoguchi-File"] for name in ("1", "2", "3")]
    url = place(line.create(PHOTO, name="よい", replaces=ids[1]))
    assert [file.name for file in rows()] == ["1", "2", "3"]
    assert line.patch(url, 0, PHOTO).status_code == 204
    assert [file.name for file in rows()] == ["1", "よい", "3"]
    assert line.create(PHOTO, body=PHOTO, name="なお", replaces=uuid4()).status_code == 201
    assert [file.name for file in rows()] == ["1", "よい", "3", "なお"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Length": None},
        {"Upload-Length": ""},
        {"Upload-Length": "-1"},
        {"Upload-Length": "+1"},
        {"Upload-Length": "1.5"},
        {"Upload-Length": "１０"},
        {"Upload-Length": "9" * 40},
        {"Upload-Length": None, "Upload-Defer-Length": "1"},
        {"Upload-Metadata": "filename !!!"},
        {"Upload-Metadata": "filename 44Oh44Oi,filename 44Oh44Oi"},
        {"Upload-Metadata": " "},
        {"Upload-Metadata": f"attempt {b64('no uuid')}"},
        {"Upload-Metadata": "attempt /w=="},
        {"Upload-Metadata": f"replaces {b64('7')}"},
        {"Upload-Metadata": f"sha256 {b64('abc')}"},
        {"Upload-Checksum": "md5 x", **BODY},
        {"Upload-Checksum": "sha256", **BODY},
        {"Upload-Checksum": "sha256 !", **BODY},
    ],
)
def test_what_cannot_be_read_is_a_400_and_begins_nothing(
    line: Line, count: Count, kept: Keys, headers: dict[str, str | None]
) -> None:
    sent = {name: value.encode().decode("latin-1") if value else value for name, value in headers.items()}
    answer = line.create(PHOTO, headers=sent, body=PHOTO if "Content-Type" in headers else None)
    expected = 460 if headers.get("Upload-Checksum") == "sha256" else 400
    assert answer.status_code == expected, answer.text
    assert answer.get_json()["reason"]
    assert count(Upload) == 0
    assert kept() == []


def test_metadata_may_hold_what_nobody_knows_and_names_in_any_writing(line: Line, rows: Rows) -> None:
    for pairs, name in (
        ("", "—"),
        ("is_confidential,filetype aW1hZ2UvanBlZw==,filename", "—"),
        (f"filename {b64('給与明細表.pdf'.encode('cp932'))}", "給与明細表.pdf"),
        ("name " + b64("../明細\u202e\x00.jpg"), "../明細\u202e␀.jpg"),
        (f"filename {b64('あ' * 400)}", "あ" * 300),
    ):
        answer = line.create(PHOTO, body=PHOTO, headers={"Upload-Metadata": pairs})
        assert answer.status_code == 201, answer.text
        assert rows()[-1].name == name


def test_a_stretch_must_say_where_and_what_it_is(line: Line) -> None:
    url = place(line.create(PHOTO))
    for offset in (None, "", "-1", "x", "0x10", "9" * 30):
        assert line.ask("PATCH", url, {**BODY, "Upload-Offset": offset}, PHOTO[:10]).status_code == 400
    for kind in (None, "image/jpeg", "application/octet-stream"):
        answer = line.ask("PATCH", url, {"Content-Type": kind, "Upload-Offset": "0"}, PHOTO[:10])
        assert reason(answer) == (415, "content_type")
    assert line.offset(url) == 0


# ---- whose it is ----


def test_anothers_upload_is_as_unknown_as_an_unknown_one(
    hanako: Somebody, jiro: Somebody, report: UUID, kept: Keys, rows: Rows
) -> None:
    hers, his = Line(hanako.phone, report), Line(jiro.phone, report)
    url = place(hers.create(PHOTO, body=PHOTO[:700]))
    for method in ("HEAD", "PATCH", "DELETE"):
        said = []
        for where in (url, f"/uploads/{uuid4()}"):
            answer = his.ask(method, where, {**BODY, "Upload-Offset": "700"}, PHOTO[700:])
            said.append((answer.status_code, answer.get_data(), sorted(answer.headers)))
        assert said[0] == said[1]
        assert said[0][0] == 404
    for body in (None, PHOTO):
        for to in (hers.to, f"/uploads/to/{uuid4()}"):
            his.to = to
            assert reason(his.create(PHOTO, body=body)) == (404, "not_there")
    assert hers.offset(url) == 700
    assert len(kept()) == 1


def test_without_a_session_a_script_hears_it_and_after_signing_in_again_goes_on(
    hanako: Somebody, report: UUID, rows: Rows, files: Path, make_session: Make, app: Flask
) -> None:
    line = Line(hanako.phone, report)
    url = place(line.create(PHOTO, body=PHOTO[:700]))
    with make_session.begin() as session:
        session.execute(update(SignIn).values(ended_at=clock.now()))
    for method, where in (("POST", line.to), ("HEAD", url), ("PATCH", url), ("DELETE", url), ("OPTIONS", url)):
        answer = line.ask(method, where, {**BODY, "Upload-Offset": "700", "Upload-Length": "10"}, PHOTO[700:])
        assert answer.status_code == 401
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert "Location" not in answer.headers
        assert method == "HEAD" or answer.get_json() == {"reason": "sign_in"}
    with make_session.begin() as session:
        token = factories.signed_in_token(session, hanako.who)
    with hanako.phone.client.session_transaction() as cookie:
        cookie["_user_id"] = token
    line = Line(hanako.phone, report)
    assert line.patch(url, line.offset(url), PHOTO[700:]).status_code == 204
    is_there(rows, files, PHOTO)


def test_uploading_keeps_the_session_alive(line: Line, make_session: Make, evening: datetime) -> None:
    url = place(line.create(PHOTO))
    moment = evening
    for _ in range(3):
        moment += sign_in.OWN_PHONE - timedelta(minutes=1)
        with clock.at(moment), make_session.begin() as session:
            session.execute(update(Upload).values(expires_at=moment + timedelta(days=1)))
        with clock.at(moment):
            first, second = line.head(url), line.head(url)
            assert (first.status_code, second.status_code) == (200, 200)
            assert line.phone.app.config["SESSION_COOKIE_NAME"] in first.headers["Set-Cookie"], (
                "it lives on with the row"
            )
            assert "Set-Cookie" not in second.headers


def test_no_request_of_another_site_changes_anything(line: Line, count: Count) -> None:
    url = place(line.create(PHOTO))
    for token in (None, "", "x", line.token[:-1]):
        for method, where in (("POST", line.to), ("PATCH", url), ("DELETE", url), ("POST", url)):
            said = {**BODY, "X-CSRFToken": token, "Upload-Offset": "0", "Upload-Length": "10"}
            assert reason(line.ask(method, where, said, b"x")) == (403, "token")
    assert line.offset(url) == 0
    assert count(Upload) == 1


# ---- its end ----


def test_taken_back_it_is_gone_with_its_bytes(line: Line, rows: Rows, kept: Keys) -> None:
    url = place(line.create(PHOTO, body=PHOTO[:700]))
    assert len(kept()) == 1
    for _ in range(2):
        assert line.ask("DELETE", url).status_code == 204
    assert kept() == []
    assert line.head(url).status_code == 410
    gone = line.patch(url, 700, PHOTO[700:])
    assert reason(gone) == (410, "removed")
    assert "sentence" not in gone.get_json(), "a phone may begin anew"
    url = place(line.create(PHOTO, body=PHOTO))
    assert line.ask("DELETE", url).status_code == 204
    assert rows() == []


def test_after_its_time_it_is_gone_and_the_same_attempt_begins_anew(line: Line, evening: datetime) -> None:
    attempt = uuid4()
    url = place(line.create(PHOTO, body=PHOTO[:700], attempt=attempt))
    with clock.at(evening + timedelta(days=7)):
        assert line.head(url).status_code == 410
        assert reason(line.patch(url, 700, PHOTO[700:])) == (410, "expired")
        fresh = line.create(PHOTO, attempt=attempt)
        assert place(fresh) != url
        assert fresh.headers["Upload-Offset"] == "0"


# ---- machines that fail ----


def test_what_came_is_let_go_with_the_answer_and_waits_for_no_collector(line: Line) -> None:
    class Sent(io.BytesIO):
        pass

    sent = Sent(PHOTO)
    left = weakref.ref(sent)
    environ = line.environ("POST", line.to, {**BODY, "Upload-Length": str(len(PHOTO))})
    environ |= {"wsgi.input": sent, "CONTENT_LENGTH": str(len(PHOTO))}
    del sent
    gc.collect()
    gc.disable()
    heard: list[str] = []

    def hears(status: str, *_: object) -> Callable[[bytes], object]:
        heard.append(status)
        return heard.__contains__

    try:
        list(line.phone.app(environ, hears))
        del environ
        assert heard == ["201 Created"]
        assert left() is None
    finally:
        gc.enable()


def fails_with(error: Exception) -> Callable[..., None]:
    def fails(*_: object, **__: object) -> None:
        raise error

    return fails


@pytest.mark.parametrize("error", [IllegalMove("open", "open"), StaleDataError("a row that another one has moved")])
def test_where_another_hand_was_quicker_the_phone_asks_where_it_stands(line: Line, error: Exception) -> None:
    url = place(line.create(PHOTO))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("portal.tus.uploads.finish", fails_with(error))
        assert reason(line.patch(url, 0, PHOTO)) == (409, "changed")
    assert line.patch(url, line.offset(url), PHOTO).status_code == 204


def test_a_fault_inside_is_an_answer_that_says_nothing_of_it(line: Line) -> None:
    url = place(line.create(PHOTO))
    with capture_logs() as lines, pytest.MonkeyPatch.context() as patch:
        patch.setattr("portal.tus.uploads.of", fails_with(RuntimeError("the secret inside")))
        answer = line.ask("PATCH", url, {**BODY, "Upload-Offset": "0"}, PHOTO)
    assert reason(answer) == (500, "request")
    assert "secret" not in answer.text
    assert [(entry["event"], entry["error"]) for entry in lines] == [("request.failed", "RuntimeError")]
    assert line.patch(url, 0, PHOTO).status_code == 204


@pytest.mark.parametrize("trouble", ["disk full", "no incoming folder", "no storage"])
def test_when_the_disk_fails_the_phone_is_told_to_try_later_and_nothing_is_lost(
    line: Line, rows: Rows, files: Path, kept: Keys, app: Flask, trouble: str
) -> None:
    settings = app.extensions["madoguchi"].settings
    url = place(line.create(PHOTO, body=PHOTO[:200]))
    where = settings.incoming if trouble == "no incoming folder" else files
    with capture_logs(), writing_fails_after(300) if trouble == "disk full" else replaced_by_a_file(where):
        for answer in (
            line.patch(url, 200, PHOTO[200:]),
            line.patch(url, 200, PHOTO[200:900]),
            line.create(PHOTO, body=PHOTO),
        ):
            assert reason(answer) == (503, "not_kept")
            assert answer.headers["Retry-After"] == "5"
    assert rows() == []
    assert line.offset(url) == 200
    assert len(kept()) == 1
    assert line.patch(url, 200, PHOTO[200:]).status_code == 204
    is_there(rows, files, PHOTO)


def test_neither_logs_nor_problems_name_a_file(line: Line) -> None:
    with capture_logs() as lines:
        place(line.create(PHOTO, body=PHOTO, name="秘密の明細.jpg"))
        line.create(ZIP, body=ZIP, name="秘密の明細.zip")
        line.ask("DELETE", place(line.create(PHOTO, name="秘密の明細.jpg")))
    assert {entry["event"] for entry in lines} == {"file.received", "file.refused", "upload.begun", "upload.ended"}
    assert "秘密" not in str(lines)
