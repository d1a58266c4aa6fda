"""確認の結果 on the pages: told in words, the queue narrowed by it, overridden with a note; and danger words."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from config.office.services import PROJECT
from shared import drafts, filled, intake, likeness
from shared.model import Check, DutyKind, LogEntry, Role, Rule
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk
from tests.staff.scene import Scene, accepted, set_out, submission, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage) -> Scene:
    """A report that says a month for the second time, with a file that was sent before."""
    with make_session.begin() as session:
        first = set_out(session, bytes_kept)
        row = factories.draft(session, first.person)
        file = factories.file(session, first.person, row, name="前と同じ.pdf")
        file.sha256 = session.get_one(type(file), (file.office_id, first.file_id)).sha256
        likeness.note_same(session, file)
        factories.make_safe(session, file)
        intake.send(session, first.person, row.id, attempt=uuid4())
        return Scene(first.worker, first.person, row.id, file.id, row.number or "")


def checks(make_session: Make, scene: Scene) -> dict[Rule, UUID]:
    with make_session() as session:
        version = drafts.sent_version(session, submission(session, scene))
        return {row.rule: row.id for row in session.scalars(select(Check).where(Check.version_id == version.id))}


def override(desk: Desk, scene: Scene, check: UUID, note: str) -> Answer:
    return desk.send(desk.open(scene.path), f"{scene.path}/checks/{check}#checks", note=note)


def lines(html: str) -> list[str]:
    return re.findall(r'class="who" href="/review/([^"]+)"', html)


def test_each_check_says_the_rule_what_was_expected_and_what_was_found(
    enter: Enter, scene: Scene, make_session: Make
) -> None:
    page = enter(scene.worker).open(scene.path).html
    for said in (
        "月のぬけ・重なり",
        "令和8年10月分は1つ",
        "もう1つ届いています",
        "前と同じ書類",
        "「前と同じ.pdf」は、",
        "と同じファイルです",
        "金額と日数",
        "ありえる金額と日数",
    ):
        assert said in page
    assert re.findall(r"</svg>(一致|不一致|確認できず)</span>", page) == ["不一致", "不一致", "一致"]
    with make_session() as session:
        other = session.scalars(select(Check.found).where(Check.id == checks(make_session, scene)[Rule.MONTH])).one()
    assert f'href="/review/{other["findings"][0]["submission"]}"' in page


def test_one_is_overridden_with_a_note_and_stands_again_by_hand(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk, check = enter(scene.worker), checks(make_session, scene)[Rule.MONTH]
    assert override(desk, scene, check, "2か所で働いている").place == f"{scene.path}#checks"
    page = desk.open(scene.path)
    assert "問題なし：2か所で働いている" in page.html
    assert "例野 太郎" in page.html
    assert "確認：不一致1" in desk.open("/").html, "the other one stands"
    assert desk.send(page, f"{scene.path}/checks/{check}/stands").place == f"{scene.path}#checks"
    assert "2か所で働いている" not in desk.open(scene.path).html
    assert "確認：不一致2" in desk.open("/").html
    with make_session() as session:
        events = session.scalars(select(LogEntry.event).order_by(LogEntry.id)).all()
        assert [event for event in events if event.startswith("check.")] == ["check.overridden", "check.stands_again"]


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("", "問題なしとする理由を書いてください"),
        ("あ" * 201, "200文字までにしてください"),
        ("番号は 1234 5678 9018", "個人番号のような12けたの番号があります"),
    ],
)
def test_a_refused_note_is_said_at_its_field_and_kept(
    enter: Enter, scene: Scene, make_session: Make, note: str, said: str
) -> None:
    check = checks(make_session, scene)[Rule.MONTH]
    answer = override(enter(scene.worker), scene, check, note)
    assert answer.status == 422
    assert said in answer.html
    assert f'value="{note}"' in answer.html
    assert f'aria-describedby="note-{check}-error" autofocus' in answer.html
    with make_session() as session:
        assert session.get_one(Check, (scene.worker.office_id, check)).overridden_by is None


def test_a_colleague_who_was_quicker_is_named_and_nothing_typed_is_lost(
    enter: Enter, scene: Scene, make_session: Make
) -> None:
    check = checks(make_session, scene)[Rule.MONTH]
    with make_session.begin() as session:
        other = factories.staff(session, name="試田 美紀")
    desk = enter(scene.worker)
    page = desk.open(scene.path)
    override(enter(other), scene, check, "先に見ました")
    answer = desk.send(page, f"{scene.path}/checks/{check}#checks", note="あとから書いた理由")
    assert answer.status == 422
    for words in ("試田 美紀さんが先に", "先に見ました", "あとから書いた理由"):
        assert words in answer.html


def test_what_the_checks_say_hinders_no_decision_and_afterwards_nothing_is_overridden(
    enter: Enter, scene: Scene, make_session: Make
) -> None:
    desk, check = enter(scene.worker), checks(make_session, scene)[Rule.MONTH]
    page = desk.open(scene.path)
    with make_session.begin() as session:
        accepted(session, scene)
    late = desk.send(page, f"{scene.path}/checks/{check}#checks", note="あとから")
    assert late.status == 409
    assert f"/checks/{check}" not in desk.open(scene.path).html


def test_the_recipient_is_told_nothing_of_it(scene: Scene, make_session: Make) -> None:
    """Neither the portal nor what it reads knows checks or words."""
    for path in [*(PROJECT / "portal").rglob("*.*"), PROJECT / "shared/slips.py"]:
        if path.suffix in (".py", ".html"):
            text = path.read_text(encoding="utf-8")
            assert "danger_words" not in text and "shared.checks" not in text and "import checks" not in text, path


def test_another_office_and_another_submission_find_no_check(enter: Enter, scene: Scene, make_session: Make) -> None:
    check = checks(make_session, scene)[Rule.MONTH]
    with make_session.begin() as session:
        stranger = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    desk = enter(stranger)
    fields = {**desk.open("/").form("/signout").fields, "attempt": str(uuid4()), "note": "よい"}
    assert desk.post(f"{scene.path}/checks/{check}", fields).status == 404
    assert desk.post(f"{scene.path}/checks/{check}/stands", fields).status == 404
    hers = enter(scene.worker)
    fields |= hers.open("/").form("/signout").fields
    assert hers.post(f"{scene.path}/checks/{uuid4()}", fields).status == 404
    assert hers.post(f"{scene.path}/checks/{check}", {**fields, "attempt": "x"}).status == 400


def test_the_queue_is_narrowed_by_check(enter: Enter, scene: Scene) -> None:
    desk = enter(scene.worker)
    everything = lines(desk.open("/").html)
    assert len(everything) == 2
    failing = desk.open("/?check=fail")
    assert lines(failing.html) == [str(scene.submission_id)]
    assert '<option value="fail" selected>' in failing.html
    assert "check=fail" in failing.html.split('class="tabs"')[1], "the tabs keep it"
    assert lines(desk.open("/?check=pass").html) == [one for one in everything if one != str(scene.submission_id)]
    assert lines(desk.open("/?check=cant_tell").html) == []
    assert len(lines(desk.open("/?check=nonsense").html)) == 2


@pytest.fixture
def worried(make_session: Make, scene: Scene) -> Scene:
    """A message of the same person."""
    with make_session.begin() as session:
        row = filled.start(session, scene.person, DutyKind.MESSAGE, factories.OCTOBER)
        filled.write(session, scene.person, row.id, "tell", {"tell": "きのうから タベモノガない です"})
        intake.send(session, scene.person, row.id, attempt=uuid4())
        return Scene(scene.worker, scene.person, row.id, scene.file_id, row.number or "")


def test_a_danger_word_stands_first_in_the_queue_and_says_where_it_was_written(
    enter: Enter, worried: Scene, make_session: Make
) -> None:
    desk = enter(worried.worker)
    queue = desk.open("/").html
    assert lines(queue)[0] == str(worried.submission_id)
    assert "気になることば：食べるものがない（内容）" in queue
    assert "すぐに見てほしい答え" not in queue, "it says which word instead"
    page = desk.open(worried.path).html
    assert "気になることば「食べるものがない」" in page
    assert re.search(r'<tr data-tone="bad"><th scope="row">内容</th>.*気になることば：食べるものがない', page)
    with make_session.begin() as session:
        taken(session, worried)
    assert f"{worried.path}/accept" in [form.action for form in desk.open(worried.path).forms]
