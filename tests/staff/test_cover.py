"""代わり, over HTTP: who asks whom, what the queue then shows, who is told, and what the forms refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import duties
from shared.model import Cover, Household, Role
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
TODAY = date(2026, 11, 19)


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    return evening


@pytest.fixture
def sato(make_session: Make, worker: Staff) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, name="佐藤 一", office_id=worker.office_id)


@pytest.fixture
def chief(make_session: Make, worker: Staff) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR, name="控田 百合", office_id=worker.office_id)


def waits(make_session: Make, worker: Staff, name: str = "見本　花子", *, protected: bool = False) -> UUID:
    with make_session.begin() as session:
        home = factories.household(session, worker, protected=protected)
        who = factories.recipient(session, home, name=name)
        duties.open_duty(session, factories.office(session), home.id, who.member_id, date(2026, 9, 1))
        return factories.submission(session, who=who).id


def take(desk: Desk, whom: Staff, until: str = "2026-11-20") -> Answer:
    page = desk.open("/cover")
    return desk.send(page, "/cover/take", **{"take-colleague": str(whom.staff_id), "take-until": until})


def ask(desk: Desk, stands_in: Staff, **more: str) -> Answer:
    typed = {"ask-stands_in": str(stands_in.staff_id), "ask-from_day": "2026-11-19", "ask-until_day": "2026-11-20"}
    return desk.send(desk.open("/cover"), "/cover", **typed, **more)


def count(make_session: Make) -> int:
    with make_session() as session:
        return session.scalar(select(func.count()).select_from(Cover)) or 0


def test_a_colleagues_queue_is_taken_over_at_once_and_she_is_told(
    enter: Enter, make_session: Make, worker: Staff, sato: Staff
) -> None:
    wanted = waits(make_session, sato)
    desk, hers = enter(worker), enter(sato)
    assert f"/review/{wanted}" not in desk.open("/").html
    assert "今日" not in desk.open("/cover").form("/cover/take").fields["take-until"]
    assert desk.open("/cover").form("/cover/take").fields["take-until"] == "2026-11-19", "today, unless one says more"
    assert take(desk, sato).place == "/"
    page = desk.open("/").html
    assert "11月20日(金)まで、佐藤 一さんの代わりをします。本人に知らせました。" in page
    assert f'href="/review/{wanted}"' in page
    assert "佐藤 一さんの代わり" in page
    assert "佐藤 一さんの代わり" in desk.open("/owed").html
    assert "佐藤 一さんの代わり" in desk.open("/households").html
    assert desk.press("/", "/next").place == f"/review/{wanted}"
    told = hers.open("/")
    assert "例野 太郎さんが、11月19日(木)から11月20日(金)まで、あなたの担当を代わりに見ます。" in told.html
    (away,) = [form for form in told.forms if form.action.startswith("/cover/told/")]
    for _ in range(2):
        assert hers.post(away.action, away.fields).status == 303
    assert "代わりに見ます" not in hers.open("/").html
    assert desk.post(away.action, {"csrf_token": desk.open("/cover").form("/cover").fields["csrf_token"]}).status == 404


def test_one_lets_a_colleague_stand_in_who_is_told_and_either_ends_it(
    enter: Enter, make_session: Make, worker: Staff, sato: Staff
) -> None:
    wanted = waits(make_session, worker)
    desk, hers = enter(worker), enter(sato)
    assert ask(desk, sato).place == "/cover"
    page = hers.open("/")
    assert "例野 太郎さんの代わりをおねがいします" in page.html
    assert f'href="/review/{wanted}"' in page.html
    standing = desk.open("/cover").html
    assert "代わり中" in standing
    assert "決めた人 例野 太郎" in standing
    (end,) = [form.action for form in hers.open("/cover").forms if form.action.endswith("/end")]
    hers.press("/cover", end)
    assert f'href="/review/{wanted}"' not in hers.open("/").html
    assert "佐藤 一さんとの代わり" in desk.open("/").html
    assert "代わりは、決まっていません" in desk.open("/cover").html


def test_protected_households_are_a_supervisors_to_give(
    enter: Enter, make_session: Make, worker: Staff, sato: Staff, chief: Staff
) -> None:
    wanted = waits(make_session, sato, "隠野　静", protected=True)
    desk, leading = enter(worker), enter(chief)
    said = desk.open("/cover").html
    assert "配慮が必要な世帯は、ふくみません。ふくめるときは、査察指導員が決めます。" in said
    assert 'name="ask-protected"' not in said
    ask(enter(sato), worker, **{"ask-protected": "y", "ask-absent": str(sato.staff_id)})
    assert desk.open(f"/review/{wanted}").status == 404
    for form in enter(sato).open("/cover").forms:
        if form.action.endswith("/end"):
            enter(sato).press("/cover", form.action)
    done = ask(leading, worker, **{"ask-protected": "y", "ask-absent": str(sato.staff_id)})
    assert done.place == "/cover"
    assert "配慮が必要な世帯もふくみます。" in desk.open("/").html
    assert desk.open(f"/review/{wanted}").status == 200
    with make_session() as session:
        home = session.scalars(select(Household.id).where(Household.protected)).one()
    assert desk.open(f"/households/{home}").status == 200
    assert "配慮が必要な世帯です" in desk.open(f"/households/{home}").html, "and still asks why"
    assert "/cover/take" not in [form.action for form in leading.open("/cover").forms]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"ask-stands_in": ""}, "だれかを、えらんでください"),
        ({"ask-stands_in": "00000000-0000-0000-0000-000000000000"}, "だれかを、えらんでください"),
        ({"ask-stands_in": "<b>"}, "だれかを、えらんでください"),
        ({"ask-from_day": "2026-11-18"}, "すぎた日付です"),
        ({"ask-until_day": ""}, "いつまでかを入れてください"),
        ({"ask-from_day": "2026-11-25", "ask-until_day": "2026-11-24"}, "はじめの日より前です"),
        ({"ask-until_day": "2030-01-01"}, "1年より先の日付です"),
        ({"ask-until_day": "あした"}, "日付を「2026-12-02」のように書いてください"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    enter: Enter, make_session: Make, worker: Staff, sato: Staff, typed: dict[str, str], said: str
) -> None:
    desk = enter(worker)
    usual = {"ask-stands_in": str(sato.staff_id), "ask-from_day": "2026-11-19", "ask-until_day": "2026-11-20"}
    answer = desk.send(desk.open("/cover"), "/cover", **{**usual, **typed})
    assert answer.status == 422
    assert said in answer.html
    assert answer.html.count('class="error mark"') == 1
    assert count(make_session) == 0
    again = desk.send(answer, "/cover", **usual)
    assert again.status == 303, "the same page can be sent again"


def test_the_same_two_on_the_same_day_and_oneself_are_refused(
    enter: Enter, make_session: Make, worker: Staff, sato: Staff, chief: Staff
) -> None:
    desk = enter(worker)
    take(desk, sato)
    answer = take(desk, sato)
    assert answer.status == 422
    assert "その日にもう決まっています" in answer.html
    leading = enter(chief)
    same = ask(leading, sato, **{"ask-absent": str(sato.staff_id)})
    assert same.status == 422
    assert "本人とはちがう人を" in same.html
    assert count(make_session) == 1
    assert re.search(
        r'aria-invalid="true"[^>]*id="ask-stands_in"|id="ask-stands_in"[^>]*aria-invalid="true"', same.html
    )


def test_a_double_tap_is_one_cover(enter: Enter, make_session: Make, worker: Staff, sato: Staff) -> None:
    desk = enter(worker)
    page = desk.open("/cover")
    for _ in range(2):
        sent = desk.send(page, "/cover/take", **{"take-colleague": str(sato.staff_id)})
        assert sent.status == 303
    assert count(make_session) == 1
