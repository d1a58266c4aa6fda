from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import intake, journal, review
from shared.model import FileState, LogEntry, Reason, Role, State, Step
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
        return set_out(session, bytes_kept)


def test_the_papers_stand_beside_the_values(enter: Enter, scene: Scene) -> None:
    page = enter(scene.worker).open(scene.path)
    assert page.status == 200
    assert f'src="/files/{scene.file_id}/1.jpg"' in page.html
    assert f'src="/files/{scene.file_id}/2.jpg"' in page.html
    for said in (scene.number, scene.person.name, "株式会社みほん清掃", "18日", "85,400円", "2,600円", "令和8年10月"):
        assert said in page.html


def test_each_look_is_written_down(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    desk.open(scene.path)
    desk.open(scene.path)
    with make_session() as session:
        looks = session.scalars(
            select(LogEntry).where(LogEntry.event == "submission.viewed").order_by(LogEntry.seq)
        ).all()
        assert [(look.subject_id, look.actor_id) for look in looks] == [
            (scene.submission_id, scene.worker.staff_id)
        ] * 2
        assert journal.first_broken(session, scene.worker.office_id) is None


def test_a_file_that_cannot_be_shown_is_said_in_words(enter: Enter, scene: Scene, make_session: Make) -> None:
    with make_session.begin() as session:
        row = taken(session, scene)
        asked = review.AskAgain(seen=row.revision, attempt=uuid4(), files={scene.file_id: (Reason.DARK, "")})
        review.send_back(session, scene.worker, row.id, asked)
        locked = factories.file(session, scene.person, row, name="鍵つき.pdf")
        slow = factories.file(session, scene.person, row, name="あとから.pdf")
        intake.send(session, scene.person, row.id, attempt=uuid4())
        locked.move(FileState.REFUSED, because="locked")
    desk = enter(scene.worker)
    assert "鍵（パスワード）がかかっていて開けません" in desk.open(f"{scene.path}?file={locked.id}").html
    assert "安全な写しを作っています" in desk.open(f"{scene.path}?file={slow.id}").html


def test_a_version_of_before_stays_readable_but_is_not_decided(enter: Enter, scene: Scene, make_session: Make) -> None:
    with make_session.begin() as session:
        row = taken(session, scene)
        asked = review.AskAgain(
            seen=row.revision,
            attempt=uuid4(),
            values={"jobs-0-gross_yen": (Reason.DIFFERS, "総支給額")},
            memo="電話ずみ",
        )
        review.send_back(session, scene.worker, row.id, asked)
        factories.write(session, scene.person, row.id, {"gross_yen": 91_000})
    desk = enter(scene.worker)
    assert desk.open(f"{scene.path}?version=2").status == 404, "what she is still writing is hers alone"
    assert "91,000円" not in desk.open(scene.path).html
    with make_session.begin() as session:
        intake.send(session, scene.person, scene.submission_id, attempt=uuid4())
        taken(session, scene)
    new, old = desk.open(scene.path), desk.open(f"{scene.path}?version=1")
    assert "91,000円" in new.html
    assert "なおした" in new.html
    assert "電話ずみ" in new.html
    assert "「総支給額」" in new.html
    assert f"{scene.path}/accept" in [form.action for form in new.forms]
    assert "91,000円" not in old.html
    assert "前の版です" in old.html
    assert f"{scene.path}/accept" not in [form.action for form in old.forms]


def test_nothing_can_be_decided_before_it_is_taken(enter: Enter, scene: Scene) -> None:
    desk = enter(scene.worker)
    page = desk.open(scene.path)
    assert f"{scene.path}/accept" not in [form.action for form in page.forms]
    assert desk.send(page, f"{scene.path}/take").place == scene.path
    assert "あなたが対応中" in desk.open(scene.path).html


def acts(page: Answer) -> list[str]:
    """Where its forms lead that change something."""
    return [form.action for form in page.forms if form.method == "post"]


def test_accepting_leads_back_to_the_queue_with_a_sentence(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    desk.press(scene.path, f"{scene.path}/take")
    assert desk.press(scene.path, f"{scene.path}/accept").place == "/"
    assert "「収入申告書　10月分」を受理しました" in desk.open("/").html
    with make_session() as session:
        assert submission(session, scene).state is State.ACCEPTED
    after = desk.open(scene.path)
    assert "受理" in after.html
    assert acts(after) == ["/signout", f"{scene.path}/message#messages", f"{scene.path}/notes", "/next"]


def test_a_double_tap_accepts_once(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    desk.press(scene.path, f"{scene.path}/take")
    page = desk.open(scene.path)
    assert [desk.send(page, f"{scene.path}/accept").status for _tap in range(2)] == [303, 303]
    with make_session() as session:
        steps = select(func.count()).select_from(Step).where(Step.became == State.ACCEPTED)
        assert session.scalar(steps) == 1


def test_a_page_that_has_grown_old_changes_nothing_and_says_who_was_quicker(
    enter: Enter, scene: Scene, make_session: Make
) -> None:
    desk = enter(scene.worker)
    desk.press(scene.path, f"{scene.path}/take")
    page = desk.open(scene.path)
    with make_session.begin() as session:
        review.release(session, scene.worker, scene.submission_id)
        head = factories.staff(session, Role.SUPERVISOR, name="頭野 恵")
        taken(session, scene, head)
    answer = desk.send(page, f"{scene.path}/accept")
    assert answer.status == 409
    assert "頭野 恵さんが手を入れました" in answer.html
    assert "いまは「対応中」です" in answer.html
    with make_session() as session:
        assert submission(session, scene).state is State.IN_REVIEW


def test_what_a_colleague_has_cannot_be_taken(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    page = desk.open(scene.path)
    with make_session.begin() as session:
        taken(session, scene, factories.staff(session, name="試田 美紀"))
    answer = desk.send(page, f"{scene.path}/take")
    assert answer.status == 409
    assert "試田 美紀さんが" in answer.html
    looked = desk.open(scene.path)
    assert "試田 美紀さんが対応中" in looked.html
    offered = [f"{scene.path}/message#messages", f"{scene.path}/notes", f"{scene.path}/ask"]
    assert acts(looked) == ["/signout", *offered]


def test_giving_it_back_puts_it_into_the_queue_again(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    desk.press(scene.path, f"{scene.path}/take")
    assert desk.press(scene.path, f"{scene.path}/release").place == "/"
    with make_session() as session:
        assert submission(session, scene).state is State.WAITING
    assert "一覧に戻しました" in desk.open(scene.path).html


def test_a_colleague_may_look_unless_the_household_is_protected(
    enter: Enter, scene: Scene, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        shy = set_out(session, bytes_kept, protected=True)
        colleague = factories.staff(session)
        head = factories.staff(session, Role.SUPERVISOR)
    assert enter(colleague).open(scene.path).status == 200
    assert enter(colleague).open(shy.path).status == 404
    assert enter(shy.worker).open(shy.path).status == 200
    assert enter(head).open(shy.path).status == 200


@pytest.mark.parametrize("fields", [{"seen": "neu"}, {"attempt": "x"}, {"seen": ""}, {"seen": "9" * 5000}])
def test_a_form_that_is_not_ours_is_refused(enter: Enter, scene: Scene, fields: dict[str, str]) -> None:
    desk = enter(scene.worker)
    desk.press(scene.path, f"{scene.path}/take")
    assert desk.send(desk.open(scene.path), f"{scene.path}/accept", **fields).status == 400


@pytest.mark.parametrize(
    "question", ["version=0", "version=99999999999999999999", "file=00000000-0000-0000-0000-000000000000"]
)
def test_a_version_or_file_that_is_not_there_is_not_found(enter: Enter, scene: Scene, question: str) -> None:
    assert enter(scene.worker).open(f"{scene.path}?{question}").status == 404
