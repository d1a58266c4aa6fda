from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, intake, review
from shared.model import Correction, CorrectionItem, Reason, Role, State
from shared.rules.due import USUAL
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
def desk(enter: Enter, scene: Scene) -> Desk:
    return enter(scene.worker)


def send(desk: Desk, scene: Scene, **typed: str) -> Answer:
    return send_page(desk, scene, desk.open(f"{scene.path}/return"), **typed)


def send_page(desk: Desk, scene: Scene, page: Answer, **typed: str) -> Answer:
    return desk.send(page, f"{scene.path}/return", **typed)


def file_again(scene: Scene, reason: str = "dark", detail: str = "出勤の日数") -> dict[str, str]:
    key = f"file-{scene.file_id.hex}"
    return {key: "again", f"{key}-reason": reason, f"{key}-detail": detail}


def value_again(detail: str = "85,500円では") -> dict[str, str]:
    return {
        "value-jobs-0-gross_yen": "y",
        "value-jobs-0-gross_yen-reason": "differs",
        "value-jobs-0-gross_yen-detail": detail,
    }


def nothing_stored(make_session: Make, scene: Scene) -> bool:
    with make_session() as session:
        asked = session.scalar(select(func.count()).select_from(Correction))
        return asked == 0 and submission(session, scene).state is State.IN_REVIEW


def test_a_file_and_a_value_are_asked_for_with_reason_and_detail(desk: Desk, scene: Scene, make_session: Make) -> None:
    until = clock.today() + timedelta(days=10)
    answer = send(desk, scene, **file_again(scene), **value_again(), answer_by=until.isoformat(), memo="電話で話した")
    assert answer.place == "/"
    assert "補正をおねがいしました" in desk.open("/").html
    with make_session() as session:
        row = submission(session, scene)
        assert (row.state, row.answer_by) == (State.RETURNED, until)
        items = session.scalars(select(CorrectionItem).order_by(CorrectionItem.id)).all()
        assert [(item.file_id, item.value, item.reason, item.detail) for item in items] == [
            (scene.file_id, None, Reason.DARK, "出勤の日数"),
            (None, "jobs-0-gross_yen", Reason.DIFFERS, "85,500円では"),
        ]
        assert session.scalars(select(Correction.memo)).one() == "電話で話した"


def test_until_when_is_five_open_days_unless_another_day_is_chosen(
    desk: Desk, scene: Scene, make_session: Make
) -> None:
    assert send(desk, scene, **value_again()).place == "/"
    with make_session() as session:
        assert submission(session, scene).answer_by == USUAL.after(clock.today(), 5)


def test_at_least_one_thing_must_be_chosen_and_what_was_typed_stays(
    desk: Desk, scene: Scene, make_session: Make
) -> None:
    answer = send(desk, scene, memo="書きかけのメモ", **{f"file-{scene.file_id.hex}-detail": "書きかけ"})
    assert answer.status == 422
    assert "なおしてもらうものを、1つはえらんでください" in answer.html
    fields = answer.form(f"{scene.path}/return").fields
    assert fields["memo"] == "書きかけのメモ"
    assert fields[f"file-{scene.file_id.hex}-detail"] == "書きかけ"
    assert nothing_stored(make_session, scene)


@pytest.mark.parametrize("reason", ["", "unreadable", "nonsense"])
def test_a_reason_must_be_one_of_the_list(desk: Desk, scene: Scene, make_session: Make, reason: str) -> None:
    answer = send(desk, scene, **file_again(scene, reason))
    assert answer.status == 422
    assert "理由をえらんでください" in answer.html
    assert nothing_stored(make_session, scene)


def test_another_reason_needs_words(desk: Desk, scene: Scene, make_session: Make) -> None:
    answer = send(desk, scene, **file_again(scene, "other", "　 "))
    assert answer.status == 422
    assert "何をなおすかを書いてください" in answer.html
    assert nothing_stored(make_session, scene)


def test_a_detail_has_two_hundred_characters_at_most(desk: Desk, scene: Scene, make_session: Make) -> None:
    long = "あ" * 201
    answer = send(desk, scene, **file_again(scene, detail=long))
    assert answer.status == 422
    assert "200文字までにしてください" in answer.html
    assert long in answer.html
    assert nothing_stored(make_session, scene)
    assert send(desk, scene, **file_again(scene, detail="あ" * 200)).status == 303


def test_a_memo_has_an_end_too(desk: Desk, scene: Scene) -> None:
    answer = send(desk, scene, **value_again(), memo="あ" * 501)
    assert answer.status == 422
    assert "500文字までにしてください" in answer.html


@pytest.mark.parametrize("place", ["detail", "memo"])
def test_a_my_number_is_not_kept_whoever_writes_it(desk: Desk, scene: Scene, make_session: Make, place: str) -> None:
    number = "番号 6214-9832-0257"
    fields = file_again(scene, detail=number) if place == "detail" else {**value_again(), "memo": number}
    answer = send(desk, scene, **fields)
    assert answer.status == 422
    assert "12けたの番号" in answer.html
    assert nothing_stored(make_session, scene)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("2020-01-01", "すぎた日付です"),
        ("あさって", "のように書いてください"),
        ("2026-02-31", "のように書いてください"),
        ("", "のように書いてください"),
        ("9999-12-31", "1年より先の日付です"),
    ],
)
def test_a_day_that_cannot_be_is_answered_at_its_field(
    desk: Desk, scene: Scene, make_session: Make, typed: str, sentence: str
) -> None:
    answer = send(desk, scene, **value_again(), answer_by=typed)
    assert answer.status == 422
    assert sentence in answer.html
    assert answer.form(f"{scene.path}/return").fields["answer_by"] == typed
    assert nothing_stored(make_session, scene)


def test_today_is_a_day_that_can_be(desk: Desk, scene: Scene) -> None:
    assert send(desk, scene, **value_again(), answer_by=clock.today().isoformat()).status == 303


def test_a_look_at_the_persons_page_sends_nothing(desk: Desk, scene: Scene, make_session: Make) -> None:
    answer = send(desk, scene, **file_again(scene), do="look")
    assert answer.status == 200
    assert "暗くて読めないところがありました" in answer.html.replace("<wbr>", "")
    assert "「出勤の日数」" in answer.html
    assert nothing_stored(make_session, scene)
    assert send_page(desk, scene, answer, do="send").place == "/"


def test_a_double_tap_asks_once(desk: Desk, scene: Scene, make_session: Make) -> None:
    page = desk.open(f"{scene.path}/return")
    assert [send_page(desk, scene, page, **value_again()).status for _tap in range(2)] == [303, 303]
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Correction)) == 1


def test_an_old_page_changes_nothing_and_says_who_was_quicker(desk: Desk, scene: Scene, make_session: Make) -> None:
    page = desk.open(f"{scene.path}/return")
    with make_session.begin() as session:
        review.release(session, scene.worker, scene.submission_id)
        taken(session, scene, factories.staff(session, Role.SUPERVISOR, name="頭野 恵"))
    for typed in (value_again(), {}):
        answer = send_page(desk, scene, page, **typed)
        assert answer.status == 409
        assert "頭野 恵さんが手を入れました" in answer.html
    assert nothing_stored(make_session, scene)


def test_an_old_page_is_old_even_when_the_files_have_changed(desk: Desk, scene: Scene, make_session: Make) -> None:
    page = desk.open(f"{scene.path}/return")
    with make_session.begin() as session:
        row = submission(session, scene)
        asked = review.AskAgain(seen=row.revision, attempt=uuid4(), files={scene.file_id: (Reason.DARK, "")})
        review.send_back(session, scene.worker, row.id, asked)
        drafts.remove(session, scene.person, row.id, scene.file_id)
        intake.send(session, scene.person, row.id, attempt=uuid4())
        taken(session, scene)
    assert send_page(desk, scene, page, **file_again(scene)).status == 409


def test_who_has_not_taken_it_gets_the_page_to_look_at(enter: Enter, scene: Scene, make_session: Make) -> None:
    with make_session.begin() as session:
        colleague = factories.staff(session)
    assert enter(colleague).open(f"{scene.path}/return").place == scene.path


def test_the_day_is_prefilled(desk: Desk, scene: Scene) -> None:
    fields = desk.open(f"{scene.path}/return").form(f"{scene.path}/return").fields
    assert date.fromisoformat(fields["answer_by"]) == USUAL.after(clock.today(), 5)
