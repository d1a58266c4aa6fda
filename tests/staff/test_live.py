"""What the pages' script is told, and what the pages say without it."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import notes
from shared.model import Household, Role, SavedView
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk
from tests.staff.scene import set_out, submission, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


def poll(desk: Desk, page: Answer) -> Answer:
    """Ask as the page's script does."""
    found = re.search(r'data-poll="([^"]+)"', page.html)
    assert found
    return desk.open(found[1].replace("&amp;", "&"))


def at(answer: Answer, mark: str) -> str:
    """What stands at a mark, as text."""
    found = re.search(rf'<(\w+)[^>]* data-live="{mark}"[^>]*>(.*?)</\1>\s*(?:<|$)', answer.html, re.DOTALL)
    assert found, mark
    return " ".join(re.sub(r"<[^>]+>", " ", found[2]).split())


def test_the_queue_hears_who_is_where_and_what_has_come(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        mine = set_out(session, bytes_kept)
        second = set_out(session, bytes_kept, mine.worker)
        head = factories.staff(session, Role.SUPERVISOR, name="頭野 恵")
    desk, hers = enter(mine.worker), enter(head)
    page = desk.open("/")
    first = poll(desk, page)
    assert at(first, "count") == "2件"
    assert (at(first, "above"), at(first, f"row-{mine.submission_id}")) == ("", "まだ")
    hers.open(second.path)
    hers.press("/", "/next")
    with make_session.begin() as session:
        third = set_out(session, bytes_kept, mine.worker)
        row = submission(session, third)
        row.urgent = True
    now = poll(desk, page)
    assert at(now, "count") == "3件"
    assert at(now, "tab-all").startswith("3")
    assert at(now, "above") == "新しく1件 — 表示する"
    assert at(now, f"row-{second.submission_id}") == "まだ 頭野 恵さんが見ています"
    assert "頭野 恵さんが対応中" in desk.open("/").html
    assert f"row-{third.submission_id}" not in now.html, "what the page does not show is not told"
    assert "頭野 恵さんが見ています" in desk.open("/").html, "also without a script"


def test_a_line_that_a_colleague_has_decided_says_so(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        head = factories.staff(session, Role.SUPERVISOR)
    desk, hers = enter(scene.worker), enter(head)
    page = desk.open("/")
    hers.press(scene.path, f"{scene.path}/take")
    assert "さんが対応中" in at(poll(desk, page), f"row-{scene.submission_id}")
    hers.press(scene.path, f"{scene.path}/accept")
    now = poll(desk, page)
    assert "受理" in at(now, f"row-{scene.submission_id}")
    assert at(now, "count") == "0件"


def test_lines_one_may_not_open_are_told_to_nobody(enter: Enter, make_session: Make, bytes_kept: FolderStorage) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
        far = set_out(session, bytes_kept, elsewhere)
        colleague = factories.staff(session)
        home = session.get_one(Household, (scene.person.office_id, scene.person.household_id))
    desk = enter(colleague)
    path = f"/live?scope=all&rows={scene.submission_id},{far.submission_id},x,{uuid4()}"
    assert f"row-{scene.submission_id}" in desk.open(path).html
    assert f"row-{far.submission_id}" not in desk.open(path).html
    page = desk.open(scene.path)
    with make_session.begin() as session:
        session.merge(home).protected = True
    assert f"row-{scene.submission_id}" not in desk.open(path).html
    token = page.form("/signout").fields["csrf_token"]
    assert desk.post(f"{scene.path}/here", {"csrf_token": token}).status == 404


@pytest.mark.parametrize("asked", ["rows=", "rows=" + ",".join(["x"] * 900), "before=1_2_3&behind=x", "tab=x&q=%00"])
def test_a_bent_address_is_answered(enter: Enter, make_session: Make, asked: str) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
    assert enter(worker).open(f"/live?{asked}").status == 200


def test_the_review_page_says_who_else_looks_and_what_was_done_meanwhile(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        colleague = factories.staff(session, name="試田 美紀")
    mine, hers = enter(scene.worker), enter(colleague)
    page = mine.open(scene.path)
    assert "さんが見ています" not in page.html
    other = hers.open(scene.path)
    assert "例野 太郎さんが見ています" in other.html
    found = re.search(r'data-poll="([^"]+)"', page.html)
    assert found
    poll = found[1].replace("&amp;", "&")
    fields = {"csrf_token": page.form("/signout").fields["csrf_token"], "active": "yes"}
    answer = mine.post(poll, fields)
    assert at(answer, "looking") == "試田 美紀さんが見ています"
    assert at(answer, "moved") == ""
    hers.send(other, f"{scene.path}/take")
    answer = mine.post(poll, fields)
    assert "試田 美紀さんが手を入れました。いまは、試田 美紀さんが対応中です。" in at(answer, "moved")
    for form in ("return", "hold"):
        with make_session.begin() as session:
            taken(session, scene, colleague)
        assert "data-poll" in hers.open(f"{scene.path}/{form}").html, "the lease runs on while she writes"


def test_a_note_is_written_beside_the_papers_and_told_to_whom_it_names(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        colleague = factories.staff(session, name="試田 美紀")
    mine, hers = enter(scene.worker), enter(colleague)
    page = mine.open(scene.path)
    assert mine.send(page, f"{scene.path}/notes", text="@試田さん <b>家賃</b>を見て").place == f"{scene.path}#notes"
    assert "&lt;b&gt;家賃&lt;/b&gt;" in mine.open(scene.path).html
    assert re.search(r'data-live="menu-told"><span class="count"[^>]*>1<', hers.open("/owed").html)
    told = hers.open("/mentions")
    assert "例野 太郎さんから、あなたへのメモ" in told.html
    found = re.search(r'href="(/mentions/[^"]+)"', told.html)
    assert found
    assert mine.open(found[1]).status == 404, "somebody else's is not there"
    assert hers.open(found[1]).place == f"{scene.path}#notes"
    assert re.search(r'data-live="menu-told"></span>', hers.open("/owed").html)
    assert "まだ読んでいないもの 0件" in hers.open("/mentions").html
    mine.send(mine.open(scene.path), f"{scene.path}/notes", text="電話も", to=str(colleague.staff_id))
    assert hers.press("/mentions", "/mentions").place == "/mentions"
    assert "まだ読んでいないもの 0件" in hers.open("/mentions").html
    assert "電話も" in mine.open(f"/households/{scene.person.household_id}").html


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "メモを書いてください"),
        ("あ" * 2001, "2000文字までにしてください"),
        ("番号は 1234 5678 9018", "個人番号のような12けたの番号があります"),
        ("@見本さん、お願いします", "「@見本さん」という職員は見つかりません"),
        ("@例野さん、お願いします", "「@例野さん」という職員は何人かいます"),
        ("@品見さん、お願いします", "品見 薫さんは、この世帯を開けません"),
    ],
)
def test_what_is_wrong_with_a_note_is_said_at_its_field(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, text: str, said: str
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        factories.staff(session, name="例野 次郎")
        factories.staff(session, Role.CLERK, name="品見 薫")
    desk = enter(scene.worker)
    answer = desk.send(desk.open(scene.path), f"{scene.path}/notes", text=text)
    assert answer.status == 422
    assert said in answer.html
    assert text in answer.html
    with make_session() as session:
        assert notes.of(session, submission(session, scene)) == []


def test_a_number_nobody_could_have_chosen_is_never(enter: Enter, make_session: Make, worker: Staff) -> None:
    desk = enter(worker)
    for at, tell in enumerate(("00199999", "1" * 5000, "-1", "１")):
        form = desk.open("/views?kind=income_report")
        assert desk.send(form, "/views", name=f"一覧{at}", tell=tell).status == 303
    with make_session() as session:
        assert set(session.scalars(select(SavedView.tell_at))) == {None}


def test_a_choice_is_saved_under_a_name_and_tells_of_new_ones(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
    desk = enter(scene.worker)
    form = desk.open("/views?kind=income_report&q=みほん")
    assert desk.send(form, "/views", name="", tell="2").status == 422
    wrong = desk.send(form, "/views", name="あ" * 41, tell="2")
    assert "40文字までにしてください" in wrong.html
    assert "あ" * 41 in wrong.html
    assert wrong.form("/views").fields["q"] == "みほん", "the choice is not lost over it"
    saved, again = (desk.send(form, "/views", name="急ぎの収入申告", tell="2") for _tap in range(2))
    assert saved.place == again.place
    page = desk.open(saved.place)
    assert page.html.count(">急ぎの収入申告 <") == 1
    with make_session.begin() as session:
        set_out(session, bytes_kept, scene.worker)
    assert "に新しく" not in desk.open("/").html
    quiet = poll(desk, page)
    with make_session.begin() as session:
        set_out(session, bytes_kept, scene.worker)
    assert "「急ぎの収入申告」に新しく2件" in desk.open("/").html
    assert "「急ぎの収入申告」に新しく2件" in poll(desk, page).html
    assert "「急ぎの収入申告」に新しく" not in quiet.html
    assert "新しく2" in desk.open("/owed").html, "the menu says it on every page"
    link = re.search(r'href="(/views/[^"]+)"', page.html)
    assert link
    assert desk.open(link[1]).place == saved.place
    assert "に新しく" not in desk.open("/").html
    kept = desk.open("/views")
    wrong = desk.send(kept, link[1], name=" ")
    assert (wrong.status, "名前を書いてください" in wrong.html) == (422, True)
    assert desk.send(kept, link[1], name="収入", tell="").place == "/views"
    assert ">収入 <" in desk.open("/").html
    assert desk.send(desk.open("/views"), f"{link[1]}/delete").place == "/views"
    assert ">収入 <" not in desk.open("/").html


@pytest.mark.parametrize("tell", ["x", "-1", "0", "100", "9" * 40, "²", "٣"])
def test_a_wish_to_be_told_that_makes_no_sense_is_none(enter: Enter, make_session: Make, tell: str) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
    desk = enter(worker)
    assert desk.send(desk.open("/views"), "/views", name="急ぎ", tell=tell).status == 303
    assert '<option value="" selected' not in desk.open("/views").html
