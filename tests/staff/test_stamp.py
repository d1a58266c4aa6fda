"""公印・署名: an administrator sends a picture, and says whether a second person must agree."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, receipts, stamp
from shared.model import OfficeStamp, ReceiptRule, Role, StampState, State
from shared.sign_in import Staff
from staff import stamp as page
from tests import factories
from tests.staff.conftest import Answer, Desk
from tests.staff.scene import clerk, keep
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture
def admin(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.ADMINISTRATOR, name="管野 守")


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "red").save(out, "PNG")
    return out.getvalue()


def send(desk: Desk, content: bytes, name: str = "公印.png", **typed: str) -> Answer:
    fields = {**desk.open("/stamp").form("/stamp").fields, "kind": "stamp", **typed}
    return Answer(desk.client.post("/stamp", data={**fields, "file": (io.BytesIO(content), name)}, buffered=True))


def test_a_picture_is_kept_as_it_came_and_shown_only_when_it_was_drawn_anew(
    enter: Enter, make_session: Make, admin: Staff, bytes_kept: FolderStorage
) -> None:
    desk = enter(admin)
    assert "まだ画像がありません" in desk.open("/stamp").html
    assert send(desk, png()).place == "/stamp"
    page = desk.open("/stamp").html
    assert "安全な写しを作っています" in page
    with make_session() as session:
        row = session.scalars(select(OfficeStamp)).one()
    with bytes_kept.open(row.sent_key or "") as stream:
        assert stream.read() == png()
    assert desk.open(f"/stamp/{row.id}.png").status == 404
    key = f"stamp/{uuid4()}"
    keep(bytes_kept, key, b"drawn")
    with make_session.begin() as session:
        stamp.drawn(session, row.office_id, row.id, key, 5, "a" * 64)
    assert "いま使っています" in desk.open("/stamp").html
    answer = desk.open(f"/stamp/{row.id}.png").response
    assert (answer.data, answer.headers["Content-Type"]) == (b"drawn", "image/png")


def test_the_preview_shows_the_picture_of_today(
    enter: Enter, make_session: Make, admin: Staff, bytes_kept: FolderStorage
) -> None:
    send(enter(admin), png())
    key = f"stamp/{uuid4()}"
    keep(bytes_kept, key, b"drawn")
    with make_session.begin() as session:
        row = session.scalars(select(OfficeStamp)).one()
        stamp.drawn(session, row.office_id, row.id, key, 5, "a" * 64)
        kaoru = clerk(session)
        ready = factories.submission(session, State.ACCEPTED).id
    desk = enter(kaoru)
    assert 'src="/stamp/stamp/now.png"' in desk.open(f"/receipts/{ready}").html
    assert desk.open("/stamp/stamp/now.png").response.data == b"drawn"
    assert desk.open("/stamp/signature/now.png").status == 404
    with make_session.begin() as session:
        assert receipts.preview(session, kaoru, ready, demo=True)[1]["stamp"] == key


@pytest.mark.parametrize(
    ("content", "typed", "said"),
    [
        (b"", {}, "画像を開けませんでした"),
        (b"%PDF-1.7 no picture", {}, "画像を開けませんでした"),
        (b"MZ nothing we take", {}, "画像を開けませんでした"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100_001), {}, "5MBまで"),
        (png(), {"from_day": "2020-01-01"}, "すぎた日付です"),
        (png(), {"from_day": "あした"}, "2027-04-01"),
        (png(), {"kind": "face"}, "なおしてください"),
    ],
)
def test_what_cannot_be_taken_says_why_and_is_kept_nowhere(
    enter: Enter,
    make_session: Make,
    admin: Staff,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    typed: dict[str, str],
    said: str,
) -> None:
    monkeypatch.setattr(page, "LARGEST", 100_000)
    answer = send(enter(admin), content, **typed)
    assert (answer.status, said in answer.html) == (422, True), answer.html
    with make_session() as session:
        assert session.scalars(select(OfficeStamp)).all() == []


def test_without_a_file_the_page_says_so(enter: Enter, admin: Staff) -> None:
    answer = send(enter(admin), b"", name="")
    assert (answer.status, "画像のファイルをえらんでください" in answer.html) == (422, True)


def test_a_double_tap_keeps_one_picture(
    enter: Enter, make_session: Make, admin: Staff, bytes_kept: FolderStorage
) -> None:
    desk = enter(admin)
    fields = {**desk.open("/stamp").form("/stamp").fields, "kind": "signature"}
    for _tap in range(2):
        desk.client.post("/stamp", data={**fields, "file": (io.BytesIO(png()), "署名.png")}, buffered=True)
    with make_session() as session:
        row = session.scalars(select(OfficeStamp)).one()
    assert row.state is StampState.SENT
    assert [one.key for one in bytes_kept.listed("stamp-sent/")] == [row.sent_key]


def test_the_rule_of_two_people_is_set_from_a_day_on(enter: Enter, make_session: Make, admin: Staff) -> None:
    desk = enter(admin)
    page = desk.open("/stamp")
    assert "まだ決まりがない" in page.html
    assert desk.send(page, "/stamp/rule").status == 422
    assert desk.send(page, "/stamp/rule", people="two").place == "/stamp"
    changed = desk.send(page, "/stamp/rule", people="one")
    assert (changed.status, "もう始まっています" in changed.html) == (422, True)
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    assert desk.send(page, "/stamp/rule", people="one", first_day=tomorrow).place == "/stamp"
    with make_session() as session:
        rules = session.scalars(select(ReceiptRule).order_by(ReceiptRule.from_day)).all()
        assert [(rule.two_people, rule.set_by) for rule in rules] == [
            (True, admin.staff_id),
            (False, admin.staff_id),
        ]


def test_nobody_but_an_administrator_opens_the_page(enter: Enter, make_session: Make, worker: Staff) -> None:
    with make_session.begin() as session:
        kaoru = clerk(session)
    for who in (worker, kaoru):
        assert enter(who).open("/stamp").status == 403
