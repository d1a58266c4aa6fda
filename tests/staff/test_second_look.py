"""二度目の確認 at the desk: the list, the page to be read only, and the note at the caseworker's queue."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import review, second_look
from shared.model import LogEntry, Role, SecondLook, SecondLookRule
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, accepted, set_out, submission
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """Thursday, 19 November 2026."""
    return evening


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        who = factories.staff(session, Role.SUPERVISOR, name="仮山 百合")
        second_look.set_rule(session, who.office_id, 100, date(2026, 11, 19))
        return who


@pytest.fixture
def scenes(make_session: Make, bytes_kept: FolderStorage, chief: Staff) -> list[Scene]:
    """Two of one caseworker, accepted and drawn."""
    with make_session.begin() as session:
        first = set_out(session, bytes_kept)
        both = [first, set_out(session, bytes_kept, first.worker)]
        for scene in both:
            accepted(session, scene)
        return both


def paths(desk: Desk) -> list[str]:
    return re.findall(r'<a class="who" href="(/second-looks/[^"]+)"', desk.open("/second-looks").html)


def test_two_looks_one_fine_and_one_to_talk_about(
    enter: Enter, make_session: Make, chief: Staff, scenes: list[Scene]
) -> None:
    desk, hers = enter(chief), enter(scenes[0].worker)
    first, second = paths(desk)
    assert "話し合いたいそうです" not in hers.open("/").html
    page = desk.open(first)
    assert "85,400円" in page.html
    assert f"/files/{scenes[0].file_id}/2.jpg" in page.html
    assert "例野 太郎さんが11/19 20:12に受理（第1版）" in page.html
    assert not [form.action for form in page.forms if form.action.startswith("/review/")], "it is to be read only"
    assert desk.send(page, first, finding="fine").place == second
    done = desk.send(desk.open(second), second, finding="talk", note="金額を\n一緒に見たい")
    assert done.place == "/second-looks"
    assert "二度目の確認を待っているものはありません" in desk.open("/second-looks").html
    queue = hers.open("/")
    assert "仮山 百合さんが話し合いたいそうです" in queue.html
    assert "金額を\n一緒に見たい" in queue.html
    assert queue.html.count("読みました") == 2  # the button and its name
    assert "話し合いたいそうです" not in enter(chief).open("/?scope=all").html
    assert hers.press("/", f"{second}/read").place == "/"
    assert "話し合いたいそうです" not in hers.open("/").html
    with make_session() as session:
        viewed = select(func.count()).where(LogEntry.event == "submission.viewed", LogEntry.actor_id == chief.staff_id)
        assert session.scalar(viewed) == 2
        assert submission(session, scenes[0]).revision == submission(session, scenes[1]).revision


def test_to_talk_without_words_is_refused_at_the_field(
    enter: Enter, make_session: Make, chief: Staff, scenes: list[Scene]
) -> None:
    desk = enter(chief)
    path = paths(desk)[0]
    for note, said in (
        (" ", "話し合いたいことを書いてください"),
        ("あ" * 501, "500文字までにしてください"),
        ("1234 5678 9018", "個人番号のような12けたの番号があります"),
    ):
        page = desk.send(desk.open(path), path, finding="talk", note=note)
        assert page.status == 422
        assert said in page.html
        assert note.strip() in page.html
    form = desk.open(path).form(path)
    assert desk.post(path, {**form.fields, "note": "x"}).status == 400, "no button of ours"
    with make_session() as session:
        assert session.scalars(select(SecondLook.finding)).all() == [None, None]


def test_a_second_tap_is_one_look_and_a_slower_colleague_keeps_what_she_wrote(
    enter: Enter, make_session: Make, chief: Staff, scenes: list[Scene]
) -> None:
    with make_session.begin() as session:
        other = factories.staff(session, Role.SUPERVISOR, name="別山 二")
    desk, hers = enter(chief), enter(other)
    path = paths(desk)[0]
    mine, late = desk.open(path), hers.open(path)
    for _tap in range(2):
        assert desk.send(mine, path, finding="fine").status == 303
    page = hers.send(late, path, finding="talk", note="日付を見たい")
    assert page.status == 409
    assert "仮山 百合さんが11/19 20:12に見ました" in page.html
    assert "日付を見たい" in page.html
    with make_session() as session:
        assert [str(one) for one in session.scalars(select(SecondLook.finding)) if one] == ["fine"]


def test_what_was_taken_back_is_on_no_list(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, chief: Staff
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        row = review.open_for(session, scene.worker, scene.submission_id)
        review.claim(session, scene.worker, row.id)
        attempt: UUID = factories.unknown_id()
        review.accept(session, scene.worker, row.id, seen=row.revision, attempt=attempt)
    desk = enter(chief)
    (path,) = paths(desk)
    page = desk.open(path)
    with make_session.begin() as session:
        review.undo(session, scene.worker, scene.submission_id, attempt=attempt)
    assert paths(desk) == []
    assert desk.open(path).status == 404
    assert desk.send(page, path, finding="fine").status == 404


def test_the_share_is_set_from_a_day_on(enter: Enter, make_session: Make, chief: Staff) -> None:
    desk = enter(chief)
    for typed, said in (
        ({"percent": ""}, "割合を書いてください"),
        ({"percent": "101"}, "0から100までの数字で書いてください"),
        ({"percent": "-1"}, "0から100までの数字で書いてください"),
        ({"percent": "すこし"}, "0から100までの数字で書いてください"),
        ({"percent": "5", "from_day": "2026-11-18"}, "すぎた日付です"),
        ({"percent": "5", "from_day": "あした"}, "日付を「2027-04-01」のように書いてください"),
        ({"percent": "5", "from_day": "2026-11-19"}, "もう始まっています"),
    ):
        page = desk.send(desk.open("/second-looks"), "/second-looks", **typed)
        assert page.status == 422
        assert said in page.html
    for _tap in range(2):
        typed = {"percent": "１０％", "from_day": "2026-12-01"}
        assert desk.send(desk.open("/second-looks"), "/second-looks", **typed).status == 303
    assert "10%" in desk.open("/second-looks").html
    with make_session() as session:
        rules = session.execute(select(SecondLookRule.percent, SecondLookRule.set_by).order_by(SecondLookRule.from_day))
        assert [tuple(row) for row in rules] == [(100, None), (10, chief.staff_id)]


def test_another_offices_look_and_a_colleagues_note_are_not_there(
    enter: Enter, make_session: Make, chief: Staff, scenes: list[Scene]
) -> None:
    with make_session.begin() as session:
        elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
        colleague = factories.staff(session)
    desk = enter(chief)
    path = paths(desk)[0]
    desk.send(desk.open(path), path, finding="talk", note="金額を一緒に見たい")
    assert enter(elsewhere).open(path).status == 404
    hers = enter(colleague)
    token = hers.open("/keys").form("/keys").fields["csrf_token"]
    assert hers.post(f"{path}/read", {"csrf_token": token}).status == 404
