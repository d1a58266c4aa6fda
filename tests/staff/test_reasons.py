"""補正の理由: the supervisor words them, the caseworker asks with them, the person reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import reasons
from shared.model import CorrectionItem, CorrectionReason, Reason, Role
from shared.reasons import Sentences, Wording
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import set_out, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
NEW = {"label": "日付が見えない", "ja-file": "日付のところを 見せてください", "ja-value": "日付を もう一度見てください"}


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR)


def test_a_reason_of_the_offices_own_goes_all_the_way(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, chief: Staff
) -> None:
    desk = enter(chief)
    form = desk.open("/reasons/new")
    for _tap in range(2):
        assert desk.send(form, "/reasons/new", **NEW).place == "/reasons"
    assert desk.open("/reasons").html.count("日付が見えない") == 1
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        taken(session, scene)
    hers = enter(scene.worker)
    page = hers.open(f"{scene.path}/return")
    assert page.html.count("日付が見えない") > 1
    key = f"file-{scene.file_id.hex}"
    asked = {key: "again", f"{key}-reason": "own_1", f"{key}-detail": "右上"}
    looked = hers.send(page, f"{scene.path}/return", do="look", **asked)
    assert "日付のところを<wbr>見せてください" in looked.html
    assert hers.send(page, f"{scene.path}/return", **asked).status == 303
    with make_session() as session:
        item = session.scalars(select(CorrectionItem)).one()
        assert (item.reason, item.said) == ("own_1", NEW["ja-file"])
    desk.send(desk.open("/reasons/own_1"), "/reasons/own_1", **{"label": "日付がない", "ja-file": "べつのことば"})
    assert "：日付がない「右上」" in hers.open(scene.path).html


def test_what_is_switched_off_is_offered_no_more_and_is_not_taken(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, chief: Staff
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        taken(session, scene)
    hers, desk = enter(scene.worker), enter(chief)
    before = hers.open(f"{scene.path}/return")
    for code in (Reason.DARK, Reason.DIFFERS):
        page = desk.open(f"/reasons/{code}")
        fields = {name: value for name, value in page.form(f"/reasons/{code}").fields.items() if name != "active"}
        assert desk.post(f"/reasons/{code}", fields).place == "/reasons"
    assert "暗い・ぼやけている" not in hers.open(f"{scene.path}/return").html
    asked = {"value-jobs-0-gross_yen": "y", "value-jobs-0-gross_yen-reason": "differs"}
    late = hers.send(before, f"{scene.path}/return", **asked)
    assert late.status == 422
    assert "理由をえらんでください" in late.html
    page = desk.open("/reasons/other")
    assert "この理由は、いつも使います" in page.html
    assert desk.send(page, "/reasons/other").place == "/reasons"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"label": " "}, "ことばを書いてください"),
        ({"label": "そのほか"}, "同じことばの理由が、もうあります"),
        ({"label": "あ" * 31}, "30文字までにしてください"),
        ({"ja-file": ""}, "本人が読むことばを書いてください"),
        ({"ja-value": ""}, "本人が読むことばを書いてください"),
        ({"en-file": "Please show the date"}, "本人が読むことばを書いてください"),
        ({"ja-file": "あ" * 101}, "100文字までにしてください"),
        ({"ja-file": "123456789018"}, "個人番号のような12けたの番号があります"),
        ({"vi-file": "123456789018", "vi-value": "x"}, "個人番号のような12けたの番号があります"),
    ],
)
def test_what_cannot_be_kept_is_said_at_its_field_and_stays_typed(
    enter: Enter, make_session: Make, chief: Staff, typed: dict[str, str], said: str
) -> None:
    desk = enter(chief)
    page = desk.send(desk.open("/reasons/new"), "/reasons/new", **{**NEW, **typed})
    assert page.status == 422
    assert said in page.html
    assert all(value in page.html for value in typed.values())
    with make_session() as session:
        assert session.scalars(select(CorrectionReason)).all() == []


def test_other_languages_are_kept_and_signs_of_html_and_formats_are_only_signs(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, chief: Staff
) -> None:
    desk = enter(chief)
    wild = {"label": "<b>50%</b> %s", "ja-file": "<i>50%</i> %(x)s", "ja-value": "50%"}
    english = {"en-file": "Show the date", "en-value": "Check the date"}
    desk.send(desk.open("/reasons/dark"), "/reasons/dark", **wild, **english)
    with make_session.begin() as session:
        row = reasons.of(session, chief.office_id)["dark"]
        assert row.said["en"] == Sentences("Show the date", "Check the date")
        scene = set_out(session, bytes_kept)
        taken(session, scene)
    hers = enter(scene.worker)
    page = hers.open(f"{scene.path}/return")
    key = f"file-{scene.file_id.hex}"
    looked = hers.send(page, f"{scene.path}/return", do="look", **{key: "again", f"{key}-reason": "dark"})
    hers.send(page, f"{scene.path}/return", **{key: "again", f"{key}-reason": "dark"})
    pages = [desk.open("/reasons"), desk.open("/reasons/dark"), page, looked, hers.open(scene.path)]
    for one in (*pages, desk.open("/dashboard"), desk.open("/dashboard/list?of=asked&reason=dark")):
        assert one.status == 200
        assert "<b>50" not in one.html
        assert "<i>50" not in one.html
        assert "&lt;b&gt;50%&lt;/b&gt; %s" in one.html
    with make_session() as session:
        assert session.scalars(select(CorrectionItem.said_in)).one() == {"en": "Show the date"}


def test_a_code_the_office_does_not_have_is_not_there(enter: Enter, make_session: Make, chief: Staff) -> None:
    with make_session.begin() as session:
        elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
        reasons.add(session, elsewhere, Wording("よその", {"ja": Sentences("あ", "い")}))
    desk = enter(chief)
    for code in ("own_1", "nothing", "' OR 1=1"):
        assert desk.open(f"/reasons/{code}").status == 404
    assert "よその" not in desk.open("/reasons").html
