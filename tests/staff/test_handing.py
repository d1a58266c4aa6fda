"""From one pair of hands to another, on the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock
from shared.model import Claim, Correction, Message, Note, Role, SignIn, State, Step
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk
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
def colleague(make_session: Make, scene: Scene) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, name="試田 美紀")


@pytest.fixture
def head(make_session: Make, scene: Scene) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR, name="頭野 恵")


def lease(make_session: Make, scene: Scene) -> Claim:
    with make_session() as session:
        return session.get_one(Claim, (scene.person.office_id, scene.submission_id))


def here(desk: Desk, scene: Scene, page: Answer, **given: str) -> Answer:
    """What the page's script does."""
    token = page.form("/signout").fields["csrf_token"]
    return desk.post(f"{scene.path}/here?answers=yes", {"csrf_token": token, "active": "yes", **given})


def test_what_a_colleague_has_is_asked_for_and_given(
    enter: Enter, scene: Scene, colleague: Staff, make_session: Make
) -> None:
    mine, hers = enter(scene.worker), enter(colleague)
    page = mine.open(scene.path)
    answer = hers.press(scene.path, f"{scene.path}/ask")
    assert answer.place == scene.path
    asked = hers.open(scene.path)
    assert "譲ってほしいと伝えました" in asked.html
    assert f"{scene.path}/ask" not in [form.action for form in asked.forms]
    banner = here(mine, scene, page)
    assert "試田 美紀さんが、これを対応したいそうです" in banner.html
    assert "試田 美紀さんが、これを対応したいそうです" in mine.open("/").html
    answer = mine.send(banner, f"{scene.path}/give")
    assert (answer.status, answer.place) == (303, "/")
    assert lease(make_session, scene).staff_id == colleague.staff_id
    queue = hers.open("/?scope=all")
    assert "例野 太郎さんから引きつぎました" in queue.html
    assert "あなたが対応中" in queue.html
    assert "（試田 美紀さんへ）" in hers.open(scene.path).html
    assert "例野 太郎さんから引きつぎました" not in hers.open("/?scope=all").html, "she has opened it"
    late = mine.send(page, f"{scene.path}/accept")
    assert late.status == 409


def test_who_needs_it_still_says_so(enter: Enter, scene: Scene, colleague: Staff, make_session: Make) -> None:
    mine, hers = enter(scene.worker), enter(colleague)
    hers.press(scene.path, f"{scene.path}/ask")
    assert mine.press(scene.path, f"{scene.path}/keep").place == scene.path
    assert "対応したいそうです" not in mine.open(scene.path).html.split("これまでのこと")[0].split("</header>")[1]
    assert "まだ使うそうです。" in hers.open(scene.path).html
    assert "例野 太郎さんは、まだ対応しています" in hers.open("/mentions").html
    assert lease(make_session, scene).staff_id == scene.worker.staff_id


def test_the_pages_sign_of_life_renews_ones_own_lease_only_while_one_works(
    enter: Enter, scene: Scene, colleague: Staff, make_session: Make
) -> None:
    mine, hers = enter(scene.worker), enter(colleague)
    page, other = mine.open(scene.path), hers.open(scene.path)
    until = lease(make_session, scene).until
    with make_session() as session:
        before = session.execute(select(SignIn.seen_at, SignIn.expires_at).order_by(SignIn.id)).all()
    with clock.at(clock.now() + timedelta(minutes=5)):
        assert here(mine, scene, page, active="no").status == 200
        assert here(hers, scene, other).status == 200
        assert lease(make_session, scene).until == until
        assert here(mine, scene, page).status == 200
        assert lease(make_session, scene).until == clock.now() + timedelta(minutes=20)
        assert mine.open("/live").status == 200
    with make_session() as session:
        after = session.execute(select(SignIn.seen_at, SignIn.expires_at).order_by(SignIn.id)).all()
    assert after == before, "an open page keeps nobody signed in"


def test_it_is_handed_over_by_name_with_a_word_and_taken_back_at_once(
    enter: Enter, scene: Scene, colleague: Staff, make_session: Make
) -> None:
    mine, hers = enter(scene.worker), enter(colleague)
    form = mine.open(f"{scene.path}/hand-over")
    assert "試田 美紀" in form.html
    wrong = mine.send(form, f"{scene.path}/hand-over", words="番号は 1234 5678 9018")
    assert wrong.status == 422
    assert "引きつぐ人をえらんでください" in wrong.html
    assert "個人番号のような12けたの番号があります" in wrong.html
    to = str(colleague.staff_id)
    for _tap in range(2):
        answer = mine.send(wrong, f"{scene.path}/hand-over", to=to, words="あとは電話だけです")
        assert (answer.status, answer.place) == (303, "/")
    queue = mine.open("/")
    assert "試田 美紀さんに引きつぎました" in queue.html
    assert mine.send(queue, f"{scene.path}/undo").place == scene.path
    assert "引きつぎを、もとに戻しました" in mine.open(scene.path).html
    assert lease(make_session, scene).staff_id == scene.worker.staff_id
    mine.send(mine.open(f"{scene.path}/hand-over"), f"{scene.path}/hand-over", to=to, words="あとは電話だけです")
    assert hers.press("/?scope=all", "/next").place == scene.path
    assert "例野 太郎さんから引きつぎました「あとは電話だけです」" in hers.open(scene.path).html
    assert mine.open(f"{scene.path}/hand-over").place == scene.path, "what is hers no more has no form"


def test_a_supervisor_takes_over_and_what_the_former_holder_wrote_is_not_lost(
    enter: Enter, scene: Scene, head: Staff, make_session: Make
) -> None:
    mine, hers = enter(scene.worker), enter(head)
    review, correction = mine.open(scene.path), mine.open(f"{scene.path}/return")
    hold, hand = mine.open(f"{scene.path}/hold"), mine.open(f"{scene.path}/hand-over")
    form = hers.open(f"{scene.path}/take-over")
    assert "例野 太郎さんが" in form.html
    wrong = hers.send(form, f"{scene.path}/take-over")
    assert (wrong.status, "引きとる理由を書いてください" in wrong.html) == (422, True)
    assert hers.send(form, f"{scene.path}/take-over", words="急ぎのため").place == scene.path
    assert "引きとりました「急ぎのため」" in hers.open(scene.path).html
    moved = here(mine, scene, review)
    assert "頭野 恵さんが" in mine.open(f"{scene.path}").html
    assert moved.status == 200
    value = {"value-jobs-0-gross_yen": "y", "value-jobs-0-gross_yen-detail": "手当をたしてください"}
    soon = (clock.today() + timedelta(days=3)).isoformat()
    late = {
        "電話を待つ": mine.send(hold, f"{scene.path}/hold", until=soon, reason="電話を待つ"),
        "手当をたしてください": mine.send(correction, f"{scene.path}/return", **value, memo="電話ずみ"),
        "来週、電話します": mine.send(review, f"{scene.path}/message#messages", text="来週、電話します"),
        "あとはお願いします": mine.send(
            hand, f"{scene.path}/hand-over", to=str(head.staff_id), words="あとはお願いします"
        ),
    }
    for words, answer in late.items():
        assert answer.status == 409, words
        assert words in answer.html
        assert "頭野 恵さんが" in answer.html
        assert f'href="{scene.path}"' in answer.html
    assert "電話ずみ" in late["手当をたしてください"].html
    page = late["手当をたしてください"]
    assert mine.send(page, f"{scene.path}/notes", text="手当をたしてください").place == f"{scene.path}#notes"
    with make_session() as session:
        assert session.scalars(select(Note.text)).all() == ["手当をたしてください"]
        assert session.scalars(select(Correction)).all() == []
        assert session.scalars(select(Message)).all() == []
        assert submission(session, scene).state is State.IN_REVIEW


def test_only_a_supervisor_is_offered_to_take_over(enter: Enter, scene: Scene, colleague: Staff, head: Staff) -> None:
    assert "/take-over" not in enter(colleague).open(scene.path).html
    assert f"{scene.path}/take-over" in enter(head).open(scene.path).html


def test_what_nobody_holds_any_more_is_said_calmly(
    enter: Enter, scene: Scene, colleague: Staff, head: Staff, make_session: Make
) -> None:
    mine, hers, over = enter(scene.worker), enter(colleague), enter(head)
    page, form = hers.open(scene.path), over.open(f"{scene.path}/take-over")
    mine.press(scene.path, f"{scene.path}/release")
    hers.send(page, f"{scene.path}/ask")
    assert "いまは、だれも対応していません" in hers.open(scene.path).html
    assert over.send(form, f"{scene.path}/take-over").place == scene.path, "it is taken like any other"
    assert over.open(f"{scene.path}/take-over").place == scene.path
    with make_session() as session:
        assert session.scalars(select(Step.handed_to).where(Step.handed_to.is_not(None))).all() == []


@pytest.mark.parametrize("asker", ["", "x", str(UUID(int=7))])
def test_an_answer_to_nobody_changes_nothing(enter: Enter, scene: Scene, make_session: Make, asker: str) -> None:
    desk = enter(scene.worker)
    token = desk.open(scene.path).form("/signout").fields["csrf_token"]
    fields = {"csrf_token": token, "attempt": str(uuid4()), "asker": asker}
    assert desk.post(f"{scene.path}/give", fields).status in (400, 404)
    assert desk.post(f"{scene.path}/keep", fields).status in (400, 303)
    assert lease(make_session, scene).staff_id == scene.worker.staff_id
