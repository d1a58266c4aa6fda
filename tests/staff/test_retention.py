"""The pages about keeping and destroying: what they say, what they refuse, and that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, destruction, retention
from shared.model import MACHINE, Disposal, DisposalState, Household, Kept, LegalHold, RetentionRule, Role, State
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, accepted, set_out
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
LISTS = "/retention/disposals"


@pytest.fixture
def keeper(make_session: Make) -> Staff:
    with make_session.begin() as session:
        who = factories.staff(session, Role.ADMINISTRATOR, name="架里 守")
        retention.begin(session, who.office_id)
        return who


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR, name="仮山 百合")


@pytest.fixture
def old(make_session: Make, bytes_kept: FolderStorage, keeper: Staff) -> Scene:
    """A report that was closed nine years ago."""
    with make_session.begin() as session, clock.at(clock.now() - timedelta(days=3300)):
        scene = set_out(session, bytes_kept)
        accepted(session, scene).move(State.RECEIPTED, MACHINE)
        return scene


def proposed(desk: Desk) -> str:
    answer = desk.press(LISTS, LISTS)
    assert answer.status == 303
    return answer.place


def state(make_session: Make) -> list[DisposalState]:
    with make_session() as session:
        return list(session.scalars(select(Disposal.state)))


def test_one_proposes_and_another_approves_what_the_page_showed(
    enter: Enter, keeper: Staff, chief: Staff, old: Scene, make_session: Make
) -> None:
    hers, his = enter(keeper), enter(chief)
    assert "廃棄の名簿を作る" in hers.open(LISTS).html
    path = proposed(hers)
    page = hers.open(path)
    assert old.number in page.html
    assert "まだ何も消えていません" in page.html
    assert "廃棄を承認する" not in page.html
    theirs = his.open(path)
    assert "3件の廃棄を承認する" in theirs.html
    assert "承認を待つ名簿があります" in hers.open("/").html
    for _tap in range(2):
        assert his.send(theirs, f"{path}/approve").status == 303
    assert state(make_session) == [DisposalState.APPROVED]
    assert "廃棄しています" in hers.open(path).html


def test_whoever_proposed_is_told_that_another_must_approve(
    enter: Enter, keeper: Staff, chief: Staff, old: Scene, make_session: Make
) -> None:
    hers, his = enter(keeper), enter(chief)
    path = proposed(hers)
    fields = his.open(path).form(f"{path}/approve").fields
    token = hers.open(path).form(f"{path}/drop").fields["csrf_token"]
    answer = hers.post(f"{path}/approve", {**fields, "csrf_token": token})
    assert answer.status == 409
    assert "提案した人は、承認できません" in answer.html
    assert state(make_session) == [DisposalState.PROPOSED]


def test_a_list_somebody_has_decided_meanwhile_says_who(
    enter: Enter, keeper: Staff, chief: Staff, old: Scene, make_session: Make
) -> None:
    hers, his = enter(keeper), enter(chief)
    path = proposed(hers)
    page = his.open(path)
    assert hers.press(path, f"{path}/drop").status == 303
    answer = his.send(page, f"{path}/approve")
    assert answer.status == 409
    assert "架里 守さんが手を入れました" in answer.html
    assert his.send(page, f"{path}/approve", seen="many").status == 400


def test_proposing_twice_is_one_list_and_nothing_due_is_none(
    enter: Enter, keeper: Staff, chief: Staff, old: Scene, make_session: Make
) -> None:
    desk = enter(keeper)
    page = desk.open(LISTS)
    places = {desk.send(page, LISTS).place for _tap in range(2)}
    assert len(places) == 1
    assert "承認を待っている名簿があります" in desk.open(LISTS).html
    path = places.pop()
    desk.press(path, f"{path}/drop")
    with make_session.begin() as session:
        session.execute(delete(RetentionRule))
    assert desk.send(page, LISTS).place == LISTS
    assert "いま、廃棄できるものはありません" in desk.open(LISTS).html


def test_the_log_says_what_became_of_each_thing_page_by_page(
    enter: Enter, keeper: Staff, chief: Staff, old: Scene, make_session: Make
) -> None:
    path = proposed(enter(keeper))
    his = enter(chief)
    his.press(path, f"{path}/approve")
    end(make_session, keeper.office_id)
    page = his.open("/retention/log").html
    assert page.count("廃棄しました") == 3
    assert old.number in page
    assert "架里 守" in page
    assert "仮山 百合" in page
    assert old.person.name not in page
    assert "1 / 1 ページ" in page
    for odd in ("2", "0", "-4", "x", "99999999999999999999"):
        assert his.open(f"/retention/log?page={odd}").status == 200
    assert "終わりました" in his.open(path).html


def end(make_session: Make, office_id: UUID) -> None:
    with make_session.begin() as session:
        disposal_id = session.scalars(select(Disposal.id)).one()
        for item_id in destruction.approved_items(session, office_id, disposal_id):
            destruction.condemn(session, office_id, item_id)
            destruction.destroyed(session, office_id, item_id)
        destruction.finish(session, office_id, disposal_id)


def test_destroyed_pages_are_said_where_they_stood(
    enter: Enter, keeper: Staff, chief: Staff, old: Scene, make_session: Make
) -> None:
    path = proposed(enter(keeper))
    enter(chief).press(path, f"{path}/approve")
    end(make_session, keeper.office_id)
    desk = enter(old.worker)
    page = desk.open(old.path)
    assert page.status == 200
    assert "保存期間がすぎたので廃棄しました" in page.html
    assert "<img" not in page.html
    assert "85,400円" in page.html, "what was declared stays"
    for gone in (f"/files/{old.file_id}/1.jpg", f"/files/thumb/{old.file_id}/1.jpg"):
        answer = desk.open(gone)
        assert (answer.status, answer.response.mimetype) == (410, "image/svg+xml")
        assert "廃棄しました" in answer.html
    assert desk.open(f"/files/{old.file_id}.pdf").status == 404


RULE = {"what": "original", "days": "400", "from_day": "2030-04-01", "source": "文書管理規程 第12条"}


def test_a_rule_from_a_day_on_stands_beside_the_one_that_counts(
    enter: Enter, keeper: Staff, make_session: Make
) -> None:
    desk = enter(keeper)
    page = desk.open("/retention")
    assert page.html.count("いまの決まり") == len(Kept)
    for _tap in range(2):
        answer = desk.send(page, "/retention", **RULE)
        assert answer.status == 303, answer.html
    after = desk.open("/retention").html
    assert "これから" in after
    assert "文書管理規程 第12条" in after
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(RetentionRule)) == len(Kept) + 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"days": ""}, "日数を書いてください"),
        ({"days": "0"}, "1から36500までの数字で書いてください"),
        ({"days": "五年"}, "1から36500までの数字で書いてください"),
        ({"days": "-5"}, "1から36500までの数字で書いてください"),
        ({"days": "99999999999999999999"}, "1から36500までの数字で書いてください"),
        ({"from_day": "来年"}, "日付を「2027-04-01」のように書いてください"),
        ({"from_day": "2020-04-01"}, "すぎた日付です"),
        ({"from_day": "9999-04-01"}, "先すぎる日付です"),
        ({"from_day": ""}, "いつからかを書いてください"),
        ({"source": " "}, "よりどころ（規程の名前など）を書いてください"),
        ({"source": "規" * 301}, "300文字までにしてください"),
        ({"what": "everything"}, "何を保存するかをえらんでください"),
    ],
)
def test_a_rule_that_cannot_be_is_explained_and_stays_in_the_form(
    enter: Enter, keeper: Staff, make_session: Make, typed: dict[str, str], said: str
) -> None:
    desk = enter(keeper)
    answer = desk.send(desk.open("/retention"), "/retention", **{**RULE, **typed})
    assert answer.status == 422
    assert said in answer.html
    for name, value in {**RULE, **typed}.items():
        if name != "what":
            assert f'value="{value}"' in answer.html, name
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(RetentionRule)) == len(Kept)


def test_days_may_be_typed_wide(enter: Enter, keeper: Staff, make_session: Make) -> None:
    desk = enter(keeper)
    assert desk.send(desk.open("/retention"), "/retention", **{**RULE, "days": "３６５"}).status == 303
    with make_session() as session:
        assert 365 in session.scalars(select(RetentionRule.days)).all()


def test_a_rule_that_has_begun_today_is_not_changed(enter: Enter, keeper: Staff) -> None:
    desk = enter(keeper)
    today = clock.today().isoformat()
    answer = desk.send(desk.open("/retention"), "/retention", **{**RULE, "from_day": today})
    assert answer.status == 422
    assert "その日からの決まりは、もう始まっています" in answer.html


def test_a_hold_is_placed_by_number_and_lifted(enter: Enter, keeper: Staff, old: Scene, make_session: Make) -> None:
    with make_session() as session:
        case_no = session.get_one(Household, (keeper.office_id, old.person.household_id)).case_no
    desk = enter(keeper)
    page = desk.open("/retention/holds")
    for _tap in range(2):
        assert desk.send(page, "/retention/holds", case_no=case_no, reason="審査請求のため").status == 303
    listed = desk.open("/retention/holds")
    assert case_no in listed.html
    assert "停止中のため残しているもの 3件" in desk.open(LISTS).html
    with make_session() as session:
        hold_id = session.scalars(select(LegalHold.id)).one()
    for _tap in range(2):
        assert desk.send(listed, f"/retention/holds/{hold_id}/lift").status == 303
    assert "架里 守さんが終わりにしました" in desk.open("/retention/holds").html


@pytest.mark.parametrize(
    ("case_no", "reason", "said"),
    [
        ("999999", "審査請求のため", "この番号の世帯は見つかりません"),
        ("", "審査請求のため", "世帯番号を書いてください"),
        (" ", "審査請求のため", "世帯番号を書いてください"),
        ("100001", "", "停止する理由を書いてください"),
        ("100001", "審" * 301, "300文字までにしてください"),
    ],
)
def test_a_hold_that_cannot_be_is_explained(
    enter: Enter, keeper: Staff, make_session: Make, case_no: str, reason: str, said: str
) -> None:
    desk = enter(keeper)
    answer = desk.send(desk.open("/retention/holds"), "/retention/holds", case_no=case_no, reason=reason)
    assert answer.status == 422
    assert said in answer.html
    assert reason in answer.html
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(LegalHold)) == 0


def test_another_offices_lists_and_holds_are_not_there(
    enter: Enter, keeper: Staff, old: Scene, make_session: Make
) -> None:
    path = proposed(enter(keeper))
    with make_session.begin() as session:
        elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    desk = enter(elsewhere)
    assert desk.open(path).status == 404
    assert path not in desk.open(LISTS).html
    token = desk.open(LISTS).forms[0].fields["csrf_token"]
    assert desk.post(f"{path}/drop", {"csrf_token": token}).status == 404
    assert state(make_session) == [DisposalState.PROPOSED]
