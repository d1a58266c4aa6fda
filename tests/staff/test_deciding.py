"""Putting aside, taking back, and going on to the next item, on the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, review
from shared.model import Role, State
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, set_out, submission, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage) -> Scene:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        taken(session, scene)
        return scene


@pytest.fixture
def behind(make_session: Make, bytes_kept: FolderStorage, scene: Scene) -> Scene:
    """Another item of the same caseworker, which waits."""
    with make_session.begin() as session:
        return set_out(session, bytes_kept, scene.worker)


def state(make_session: Make, scene: Scene) -> State:
    with make_session() as session:
        return submission(session, scene).state


def in_days(count: int) -> str:
    return (clock.today() + timedelta(days=count)).isoformat()


def test_put_aside_with_a_day_and_a_reason_colleagues_read_both(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    form = desk.open(f"{scene.path}/hold")
    answer = desk.send(form, f"{scene.path}/hold", until=in_days(3), reason="勤め先に電話して待つ")
    assert (answer.status, answer.place) == (303, "/")
    assert "まで保留にしました" in desk.open("/").html
    assert state(make_session, scene) is State.ON_HOLD
    with make_session.begin() as session:
        who = factories.staff(session)
    colleague = enter(who)
    page = colleague.open(scene.path)
    assert "勤め先に電話して待つ" in page.html
    assert "まで保留" in page.html
    assert colleague.send(page, f"{scene.path}/resume").place == scene.path
    again = colleague.open(scene.path)
    assert "あなたが対応中" in again.html
    assert "保留をやめて、対応をはじめました" in again.html


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"reason": ""}, "保留にする理由を書いてください"),
        ({"until": ""}, "いつまで保留にするかを入れてください"),
        ({"until": in_days(0)}, "明日か、それよりあとの日にしてください"),
        ({"until": "2020-01-01"}, "すぎた日付です"),
        ({"until": "9999-12-31"}, "1年より先の日付です"),
        ({"until": "12月2日"}, "日付を「2026-12-02」のように書いてください"),
        ({"reason": "番号は 1234 5678 9018"}, "個人番号のような12けたの番号があります"),
        ({"reason": "あ" * 201}, "200文字までにしてください"),
    ],
)
def test_what_is_missing_for_putting_aside_is_said_at_its_place(
    enter: Enter, scene: Scene, make_session: Make, typed: dict[str, str], said: str
) -> None:
    desk = enter(scene.worker)
    form = desk.open(f"{scene.path}/hold")
    answer = desk.send(form, f"{scene.path}/hold", **{"until": in_days(3), "reason": "電話を待つ", **typed})
    assert answer.status == 422
    assert said in answer.html
    assert (typed.get("reason") or "電話を待つ") in answer.html or typed.get("reason") == ""
    assert state(make_session, scene) is State.IN_REVIEW


def test_who_has_not_taken_it_is_sent_from_the_form_to_the_page(enter: Enter, scene: Scene, make_session: Make) -> None:
    with make_session.begin() as session:
        colleague = factories.staff(session)
    assert enter(colleague).open(f"{scene.path}/hold").place == scene.path


def decide(desk: Desk, scene: Scene, way: str, **typed: str) -> str:
    """Take one of the four ways, and say where it leads."""
    if way == "return":
        typed = {"value-jobs-0-gross_yen": "y", **typed}
    if way == "hold":
        typed = {"until": in_days(3), "reason": "電話を待つ", **typed}
    page = desk.open(f"{scene.path}/{way}" if way in ("return", "hold") else scene.path)
    return desk.send(page, f"{scene.path}/{way}", **typed).place


@pytest.mark.parametrize("way", ["accept", "return", "hold", "release"])
def test_each_decision_can_be_taken_back_from_the_next_page(
    enter: Enter, scene: Scene, make_session: Make, way: str
) -> None:
    desk = enter(scene.worker)
    assert decide(desk, scene, way) == "/"
    assert state(make_session, scene) is not State.IN_REVIEW
    queue = desk.open("/")
    assert "もとに戻す" in queue.html
    for _tap in range(2):
        assert desk.send(queue, f"{scene.path}/undo").place == scene.path
    assert state(make_session, scene) is State.IN_REVIEW
    page = desk.open(scene.path)
    assert "もとに戻しました。あなたが対応中です。" in page.html
    assert f"{scene.path}/accept" in [form.action for form in page.forms]
    assert "もとに戻す" not in page.html


def test_too_late_is_said_and_changes_nothing(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    decide(desk, scene, "accept")
    queue = desk.open("/")
    with clock.at(clock.now() + review.UNDO_WITHIN + timedelta(seconds=1)):
        assert desk.send(queue, f"{scene.path}/undo").place == scene.path
        assert "もう、もとに戻せません" in desk.open(scene.path).html
    assert state(make_session, scene) is State.ACCEPTED


@pytest.mark.parametrize("way", ["accept", "return", "hold"])
def test_a_decision_may_lead_straight_to_the_next_item_with_the_way_back_above_it(
    enter: Enter, scene: Scene, behind: Scene, make_session: Make, way: str
) -> None:
    desk = enter(scene.worker)
    assert decide(desk, scene, way, then="next") == behind.path
    page = desk.open(behind.path)
    assert "あなたが対応中" in page.html
    assert state(make_session, behind) is State.IN_REVIEW
    assert desk.send(page, f"{scene.path}/undo").place == scene.path
    assert state(make_session, scene) is State.IN_REVIEW


def test_where_a_colleague_is_quicker_for_the_next_item_the_decision_stands(
    enter: Enter, scene: Scene, behind: Scene, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_session.begin() as session:
        review.claim(session, factories.staff(session), behind.submission_id)
    desk = enter(scene.worker)
    page = desk.open(scene.path)
    # what next_for has seen a moment before the colleague's commit
    monkeypatch.setattr("staff.after.queue.next_for", lambda *_given: behind.submission_id)
    assert desk.send(page, f"{scene.path}/accept", then="next").place == "/"
    assert state(make_session, scene) is State.ACCEPTED


def test_without_a_next_item_it_leads_back_to_the_list(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    assert decide(desk, scene, "accept", then="next") == "/"
    assert state(make_session, scene) is State.ACCEPTED
    assert desk.open("/").html.count("もとに戻す") == 1


def test_a_decision_for_now_leaves_what_waits_alone(
    enter: Enter, scene: Scene, behind: Scene, make_session: Make
) -> None:
    assert decide(enter(scene.worker), scene, "accept") == "/"
    assert state(make_session, behind) is State.WAITING


def test_another_offices_item_is_neither_put_aside_nor_taken_up_nor_taken_back(
    enter: Enter, scene: Scene, make_session: Make
) -> None:
    with make_session.begin() as session:
        stranger = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    desk = enter(stranger)
    token = desk.open("/").form("/signout").fields["csrf_token"]
    fields = {"csrf_token": token, "attempt": str(factories.unknown_id()), "seen": "1"}
    for door in ("hold", "resume", "undo"):
        assert desk.post(f"{scene.path}/{door}", {**fields, "until": in_days(3), "reason": "x"}).status == 404
    assert desk.open(f"{scene.path}/hold").status == 404


def test_keys_are_switched_off_for_one_person_on_every_computer(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk, elsewhere = enter(scene.worker), enter(scene.worker)
    with make_session.begin() as session:
        who = factories.staff(session)
    colleague = enter(who)
    assert "keys.js" in elsewhere.open("/").html
    assert desk.send(desk.open("/keys"), "/keys", keys="off").place == "/keys"
    assert "いまは、切ってあります" in desk.open("/keys").html
    assert "keys.js" not in elsewhere.open(scene.path).html
    assert "keys.js" in colleague.open("/").html
    desk.send(desk.open("/keys"), "/keys", keys="on")
    assert "keys.js" in elsewhere.open("/").html
