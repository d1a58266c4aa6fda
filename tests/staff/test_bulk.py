"""まとめて, over HTTP: what is chosen, what the page says before, while and after, and what the forms refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import bulk, clock, queue, review
from shared.model import Bulk, BulkState, Household, Role, State, Submission, Task, WorkerSighting
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


def waiting(make_session: Make, worker: Staff, count: int, **given: object) -> list[UUID]:
    with make_session.begin() as session:
        rows = [
            factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))
            for _ in range(count)
        ]
        for row in rows:
            for name, value in given.items():
                setattr(row, name, value)
        return [row.id for row in rows]


def choose(desk: Desk, act: str, which: str = "chosen", path: str = "/", **more: object) -> Answer:
    """Press one of the buttons of the bar."""
    fields: dict[str, object] = {**desk.open(path).form("/bulk").fields, "act": act, "which": which, **more}
    sent = Answer(desk.client.post("/bulk", data=fields))
    assert sent.status == 303, sent.html
    return desk.open(sent.place)


def bulk_of(make_session: Make) -> Bulk:
    with make_session() as session:
        return session.scalars(select(Bulk)).one()


def work(make_session: Make) -> None:
    """What the worker does."""
    row = bulk_of(make_session)
    with make_session.begin() as session:
        undoing = row.state is BulkState.UNDOING
        todo = bulk.done if undoing else bulk.waiting
        for item in todo(session, row.office_id, row.id):
            (bulk.undo_one if undoing else bulk.do_one)(session, row.office_id, item)
        bulk.finish(session, row.office_id, row.id)


def states(make_session: Make) -> set[State]:
    with make_session() as session:
        return set(session.scalars(select(Submission.state)))


def path(make_session: Make) -> str:
    return f"/bulk/{bulk_of(make_session).id}"


def test_three_ways_to_choose_and_each_says_its_count_before_anything_happens(
    enter: Enter, make_session: Make, worker: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE", 3)
    ids = waiting(make_session, worker, 5)
    desk = enter(worker)
    first = desk.open("/").html
    assert "このページの3件" in first
    assert "この一覧の全部 5件" in first
    assert "<h1>2件を受理します</h1>" in choose(desk, "accept", id=[str(ids[0]), str(ids[4])]).html
    on_page = re.findall(r'name="on_page" value="([^"]+)"', first)
    assert "<h1>3件を受理します</h1>" in choose(desk, "accept", "page", on_page=on_page).html
    page = choose(desk, "accept", "all")
    assert "<h1>5件を受理します</h1>" in page.html
    assert "まだ何も変えていません" in page.html
    assert states(make_session) == {State.WAITING}
    assert bulk_of(make_session).matched == 5, "a new choice takes the old one's place"


def test_a_filter_narrows_what_all_of_them_means_and_is_still_there_afterwards(
    enter: Enter, make_session: Make, worker: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE", 1)
    ids = waiting(make_session, worker, 3)
    with make_session.begin() as session:
        for at in (0, 1):
            row = session.get_one(Submission, (worker.office_id, ids[at]))
            session.get_one(Household, (row.office_id, row.household_id)).district = "本町"
    desk = enter(worker)
    assert "この条件の全部 2件" in desk.open("/?district=本町").html
    page = choose(desk, "accept", "all", "/?district=本町")
    assert "<h1>2件を受理します</h1>" in page.html
    assert "district=%E6%9C%AC%E7%94%BA" in page.html
    assert "district=" in desk.send(page, f"{path(make_session)}/drop").place
    assert "やめました。何も変えていません。" in desk.open("/").html


def test_nothing_chosen_says_what_to_do(enter: Enter, make_session: Make, worker: Staff) -> None:
    waiting(make_session, worker, 1)
    page = choose(enter(worker), "accept")
    assert "行がえらばれていません" in page.html
    assert enter(worker).post("/bulk", {"act": "shred", "attempt": str(uuid4())}).status == 400
    assert enter(worker).post("/bulk", {"act": "accept", "attempt": "x"}).status == 400


def test_what_is_left_out_is_listed_with_its_reason_and_a_link(enter: Enter, make_session: Make, worker: Staff) -> None:
    fine, taken = waiting(make_session, worker, 2)
    (urgent,) = waiting(make_session, worker, 1, urgent=True)
    with make_session.begin() as session:
        review.claim(session, factories.staff(session), taken)
    desk = enter(worker)
    page = choose(desk, "accept", "page", on_page=[str(one) for one in (fine, taken, urgent)])
    assert "<h1>1件を受理します</h1>" in page.html
    assert "ふくまないもの　2件" in page.html
    assert "すぐに見てほしい答えがあります" in page.html
    assert "ほかの人が対応しています" in page.html
    for one in (fine, taken, urgent):
        assert f'href="/review/{one}"' in page.html
    only = choose(desk, "accept", id=str(urgent))
    assert "まとめてできるものがありません" in only.html
    assert not any(form.action.endswith("/start") for form in only.forms)


def test_the_way_from_the_choice_over_the_bar_to_the_list_and_back(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    ids = waiting(make_session, worker, 3)
    desk = enter(worker)
    page = choose(desk, "accept", "page", on_page=[str(one) for one in ids])
    here = path(make_session)
    for _ in range(2):
        assert desk.send(page, f"{here}/start").place.startswith(here)
    assert desk.send(page, f"{here}/drop").place == here, "it has begun: nobody is told that nothing has changed"
    running = desk.open(here)
    assert "もう始まっています" in running.html
    assert "何も変えていません" not in running.html
    assert "<progress" in running.html
    assert "裏で働く機械が、いま止まっています" in running.html
    assert "表示しなおす" in running.html
    assert desk.open(f"{here}/progress").response.json == {
        "state": "running",
        "done": 0,
        "of": 3,
        "words": "3件のうち、0件が終わりました",
    }
    with make_session.begin() as session:
        session.add(WorkerSighting(worker="h:1", started_at=clock.now(), seen_at=clock.now(), room={}, scanner="off"))
        review.claim(session, factories.staff(session), ids[2])
    assert "裏で働く機械が" not in desk.open(here).html
    work(make_session)
    done = desk.open(here)
    assert "<h1>2件を受理しました</h1>" in done.html
    assert "できなかったもの　1件" in done.html
    assert "ほかの人が対応しています" in done.html
    assert "<progress" not in done.html
    desk.send(done, f"{here}/undo")
    assert "もとに戻しています" in desk.open(here).html
    work(make_session)
    assert "<h1>2件をもとに戻しました</h1>" in desk.open(here).html
    assert states(make_session) == {State.WAITING, State.IN_REVIEW}


def test_after_ten_minutes_the_button_is_gone_and_a_late_press_is_answered(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    (one,) = waiting(make_session, worker, 1)
    desk = enter(worker)
    here_page = choose(desk, "accept", id=str(one))
    here = path(make_session)
    desk.send(here_page, f"{here}/start")
    work(make_session)
    done = desk.open(here)
    with clock.at(clock.now() + bulk.UNDO_WITHIN):
        assert f"{here}/undo" not in [form.action for form in desk.open(here).forms]
        desk.send(done, f"{here}/undo")
        assert "もう、まとめてもとに戻せません" in desk.open(here).html
    assert states(make_session) == {State.ACCEPTED}


@pytest.mark.parametrize(
    ("until", "reason", "said"),
    [
        ("", "電話を待つ", "いつまで保留にするかを入れてください"),
        ("2020-01-01", "電話を待つ", "すぎた日付です"),
        ("きのう", "電話を待つ", "日付を「2026-12-02」のように書いてください"),
        ("2099-01-01", "", "保留にする理由を書いてください"),
        ("", "123456789018", "個人番号のような12けたの番号があります"),
    ],
)
def test_a_hold_wants_its_day_and_reason_and_keeps_what_was_typed(
    enter: Enter, make_session: Make, worker: Staff, until: str, reason: str, said: str
) -> None:
    (one,) = waiting(make_session, worker, 1)
    desk = enter(worker)
    page = choose(desk, "hold", id=str(one))
    refused = desk.send(page, f"{path(make_session)}/start", until=until, reason=reason)
    assert refused.status == 422
    assert said in refused.html
    assert f'value="{reason}"' in refused.html
    assert bulk_of(make_session).state is BulkState.CHOSEN


def test_a_hold_is_put_aside_until_its_day(enter: Enter, make_session: Make, worker: Staff, evening: object) -> None:
    (one,) = waiting(make_session, worker, 1)
    desk = enter(worker)
    page = choose(desk, "hold", id=str(one))
    desk.send(page, f"{path(make_session)}/start", until="2026-11-30", reason="通帳を待つ")
    work(make_session)
    html = desk.open(path(make_session)).html
    assert "<h1>1件を保留にしました</h1>" in html
    assert "通帳を待つ" in html
    assert states(make_session) == {State.ON_HOLD}
    assert "まとめて一覧に戻す" in desk.open("/?tab=held").html


def test_what_the_worker_gave_up_is_said_and_can_go_on(enter: Enter, make_session: Make, worker: Staff) -> None:
    (one,) = waiting(make_session, worker, 1)
    desk = enter(worker)
    desk.send(choose(desk, "accept", id=str(one)), f"{path(make_session)}/start")
    with make_session.begin() as session:
        session.scalars(select(Task).where(Task.subject_id == bulk_of(make_session).id)).one().gave_up_at = clock.now()
    page = desk.open(path(make_session))
    assert "最後まで進めませんでした" in page.html
    desk.send(page, f"{path(make_session)}/go-on")
    assert "最後まで進めませんでした" not in desk.open(path(make_session)).html


def test_it_is_nobody_elses(enter: Enter, make_session: Make, worker: Staff) -> None:
    (one,) = waiting(make_session, worker, 1)
    choose(enter(worker), "accept", id=str(one))
    with make_session.begin() as session:
        others = [factories.staff(session), factories.staff(session, Role.SUPERVISOR)]
        others.append(factories.staff(session, office_id=factories.office(session, "XX").id))
    here = path(make_session)
    for other in others:
        desk = enter(other)
        token = re.findall(r'name="csrf_token" value="([^"]+)"', desk.open("/keys").html)[0]
        assert [desk.open(here).status, desk.open(f"{here}/progress").status] == [404, 404]
        for act in ("start", "undo", "go-on"):
            assert desk.post(f"{here}/{act}", {"csrf_token": token}).status == 404
        desk.post(f"{here}/drop", {"csrf_token": token})
    assert bulk_of(make_session).state is BulkState.CHOSEN


def test_of_a_household_one_may_not_open_any_more_only_the_number_stands_there(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    with make_session.begin() as session:
        colleague = factories.staff(session)
        who = factories.recipient(session, factories.household(session, colleague), name="隠野　静")
        row = factories.submission(session, who=who)
    desk = enter(worker)
    page = choose(desk, "accept", "page", "/?scope=all", on_page=str(row.id))
    assert "隠野　静" in page.html
    with make_session.begin() as session:
        session.get_one(Household, (row.office_id, row.household_id)).protected = True
    page = desk.open(path(make_session))
    assert "隠野　静" not in page.html
    assert str(row.number) in page.html
