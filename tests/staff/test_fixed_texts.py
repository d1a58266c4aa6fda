"""定型文 at the desk: kept by the supervisor, filled in where one writes, and never sent half filled."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import fixed_texts
from shared.model import FixedText, Message, Role
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, set_out
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
NEW = {"title": "金額の確認", "text": "〔氏名〕さん\r\n〔月〕分の金額は〔金額〕ですか。〔電話〕"}


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR)


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage) -> Scene:
    with make_session.begin() as session:
        return set_out(session, bytes_kept)


def added(desk: Desk, make_session: Make) -> UUID:
    desk.send(desk.open("/fixed-texts/new"), "/fixed-texts/new", **NEW)
    with make_session() as session:
        return session.scalars(select(FixedText.id)).one()


def written(html: str) -> str:
    (text,) = re.findall(r'<textarea[^>]*id="text"[^>]*>(.*?)</textarea>', html, re.DOTALL)
    return str(text).strip()


def test_a_text_is_filled_in_above_what_is_typed_and_goes_only_when_it_is_whole(
    enter: Enter, make_session: Make, chief: Staff, scene: Scene
) -> None:
    key, hers = added(enter(chief), make_session), enter(scene.worker)
    page = hers.open(scene.path)
    assert "金額の確認" in page.html
    message = page.form(f"{scene.path}/message#messages")
    filled = hers.post(f"{scene.path}/fill", {**message.fields, "fixed": str(key), "text": "急ぎません。"})
    assert filled.status == 200
    said = "見本　花子さん\n10月分の金額は〔金額〕ですか。00-0000-0000\n\n急ぎません。"
    assert written(filled.html) == said
    refused = hers.send(filled, f"{scene.path}/message#messages", text=said)
    assert refused.status == 422
    assert "〔 〕や［ ］のところを、書きかえるか消してください" in refused.html
    assert written(refused.html) == said
    whole = said.replace("〔金額〕", "85,400円")
    assert hers.send(refused, f"{scene.path}/message#messages", text=whole).status == 303
    with make_session() as session:
        assert session.scalars(select(Message.text)).one() == whole


def test_a_script_gets_the_text_alone_and_nothing_is_chosen_without_a_choice(
    enter: Enter, make_session: Make, chief: Staff, scene: Scene
) -> None:
    key, hers = added(enter(chief), make_session), enter(scene.worker)
    fields = hers.open(scene.path).form(f"{scene.path}/message#messages").fields
    answer = hers.client.post(
        f"{scene.path}/fill", data={**fields, "fixed": str(key)}, headers={"Accept": "text/plain"}
    )
    assert answer.mimetype == "text/plain"
    assert answer.get_data(as_text=True).startswith("見本　花子さん\n")
    plain = hers.post(f"{scene.path}/fill", {**fields, "text": "そのまま"})
    assert (plain.status, written(plain.html)) == (200, "そのまま")
    for wrong in (str(factories.unknown_id()), "nothing"):
        assert hers.post(f"{scene.path}/fill", {**fields, "fixed": wrong}).status == 404
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_the_supervisor_adds_changes_orders_and_switches_off(enter: Enter, make_session: Make, chief: Staff) -> None:
    with make_session.begin() as session:
        fixed_texts.begin(session, chief.office_id)
    desk = enter(chief)
    form = desk.open("/fixed-texts/new")
    for _tap in range(2):
        assert desk.send(form, "/fixed-texts/new", **NEW).place == "/fixed-texts"
    listed = desk.open("/fixed-texts")
    names = re.findall(r"<strong>([^<]+)</strong></a>", listed.html)
    assert len(names) == 6
    (up,) = re.findall(
        r'action="([^"]+)"[^>]*><input[^>]*><button[^>]*aria-label="「金額の確認」を1つ上へ"', listed.html
    )
    desk.send(listed, up)
    again = desk.open("/fixed-texts").html
    assert re.findall(r"<strong>([^<]+)</strong></a>", again)[-2:] == ["金額の確認", names[4]]
    (path,) = re.findall(r'href="(/fixed-texts/[^"]+)"><strong>金額の確認', again)
    fields = {name: value for name, value in desk.open(path).form(path).fields.items() if name != "active"}
    assert desk.post(path, {**fields, **NEW, "title": "金額"}).place == "/fixed-texts"
    assert '<tr class="off">' in desk.open("/fixed-texts").html
    with make_session() as session:
        assert "金額" not in [row.title for row in fixed_texts.of(session, chief)]


def test_it_can_be_read_as_a_person_would_before_it_is_kept(enter: Enter, make_session: Make, chief: Staff) -> None:
    desk = enter(chief)
    form = desk.open("/fixed-texts/new")
    looked = desk.send(form, "/fixed-texts/new", do="look", **NEW)
    assert looked.status == 200
    assert "見本　花子さん\n10月分の金額は〔金額〕ですか。00-0000-0000" in looked.html
    assert "送るときに、書く人が入れるところ：〔金額〕" in looked.html
    with make_session() as session:
        assert session.scalars(select(FixedText)).all() == []
    assert desk.send(looked, "/fixed-texts/new").status == 422  # the textarea's words are no field of this parser


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"title": ""}, "名前を書いてください"),
        ({"title": "あ" * 41}, "40文字までにしてください"),
        ({"text": " "}, "本人に送ることばを書いてください"),
        ({"text": "あ" * 1001}, "1000文字までにしてください"),
        ({"text": "1234-5678-9018"}, "個人番号のような12けたの番号があります"),
    ],
)
def test_what_cannot_be_kept_is_said_at_its_field_and_stays_typed(
    enter: Enter, make_session: Make, chief: Staff, typed: dict[str, str], said: str
) -> None:
    desk = enter(chief)
    page = desk.send(desk.open("/fixed-texts/new"), "/fixed-texts/new", **{**NEW, **typed})
    assert page.status == 422
    assert said in page.html
    assert all(value in page.html for value in typed.values())
    with make_session() as session:
        assert session.scalars(select(FixedText)).all() == []


def test_the_fifty_first_is_refused_in_words(enter: Enter, make_session: Make, chief: Staff) -> None:
    desk = enter(chief)
    form = desk.open("/fixed-texts/new")
    with make_session.begin() as session:
        for at in range(50):
            one = fixed_texts.NewText(str(at), "あ")
            fixed_texts.add(session, chief, one, attempt=factories.unknown_id())
    page = desk.send(form, "/fixed-texts/new", **NEW)
    assert page.status == 422
    assert "50こまでです" in page.html
    assert "/fixed-texts/new" not in desk.open("/fixed-texts").html


def test_another_offices_text_is_not_there(enter: Enter, make_session: Make, chief: Staff) -> None:
    with make_session.begin() as session:
        elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
        fixed_texts.begin(session, elsewhere.office_id)
        key = fixed_texts.of(session, elsewhere)[0].id
    assert enter(chief).open(f"/fixed-texts/{key}").status == 404
