from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session, sessionmaker

from shared import clock, intake, review
from shared.model import Reason, Role, State
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, set_out, submission, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


def order(html: str) -> list[str]:
    return re.findall(r'class="who" href="(/review/[^"]+)"', html)


def corrected(session: Session, scene: Scene) -> None:
    """Asked again, and answered."""
    row = taken(session, scene)
    asked = review.AskAgain(seen=row.revision, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.DIFFERS, "")})
    review.send_back(session, scene.worker, row.id, asked)
    factories.write(session, scene.person, row.id, {"gross_yen": 85_500})
    intake.send(session, scene.person, row.id, attempt=uuid4())


def test_corrections_come_first_and_then_the_longest_waiting(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        late = set_out(session, bytes_kept, worker)
        with clock.at(evening - timedelta(days=7)):
            early = set_out(session, bytes_kept, worker)
        back = set_out(session, bytes_kept, worker)
        corrected(session, back)
    page = enter(worker).open("/")
    assert order(page.html) == [back.path, early.path, late.path]
    assert "補正が届いた" in page.html
    assert "見る期限をすぎた" in page.html
    assert "収入申告書　10月分・ファイル1つ（第2版）" in page.html


def test_what_is_due_today_says_so(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session, clock.at(evening - timedelta(days=2)):
        scene = set_out(session, bytes_kept)
    page = enter(scene.worker).open("/")
    assert "見る期限は今日" in page.html
    assert "本日まで" in page.html


def test_one_sees_ones_own_households_and_on_request_all_of_the_office(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        mine, others = set_out(session, bytes_kept), set_out(session, bytes_kept)
        shy = set_out(session, bytes_kept, protected=True)
        elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
        far = set_out(session, bytes_kept, elsewhere)
        head = factories.staff(session, Role.SUPERVISOR)
    desk = enter(mine.worker)
    assert order(desk.open("/").html) == [mine.path]
    assert order(desk.open("/?scope=all").html) == [mine.path, others.path]
    assert order(desk.open("/?scope=nonsense").html) == [mine.path]
    assert order(enter(head).open("/").html) == [mine.path, others.path, shy.path]
    assert order(enter(elsewhere).open("/?scope=all").html) == [far.path]


def test_an_empty_queue_says_so_and_offers_no_button(enter: Enter, make_session: Make) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
    page = enter(worker).open("/")
    assert "いま、待っているものはありません" in page.html
    assert "/next" not in [form.action for form in page.forms]


def test_the_next_one_is_taken_and_opened(enter: Enter, make_session: Make, bytes_kept: FolderStorage) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
    desk = enter(scene.worker)
    assert desk.press("/", "/next").place == scene.path
    with make_session() as session:
        assert submission(session, scene).state is State.IN_REVIEW
    assert "あなたが対応中" in desk.open("/").html


def test_two_people_get_two_different_ones(enter: Enter, make_session: Make, bytes_kept: FolderStorage) -> None:
    with make_session.begin() as session:
        first = set_out(session, bytes_kept)
        second = set_out(session, bytes_kept, first.worker)
        head = factories.staff(session, Role.SUPERVISOR, name="頭野 恵")
    mine, hers = enter(first.worker), enter(head)
    assert mine.press("/", "/next").place == first.path
    assert hers.press("/", "/next").place == second.path
    assert "頭野 恵さんが対応中" in mine.open("/").html


def test_a_button_of_an_old_page_finds_an_empty_queue_calmly(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
    desk = enter(scene.worker)
    page = desk.open("/")
    with make_session.begin() as session:
        taken(session, scene, factories.staff(session, Role.SUPERVISOR))
    assert desk.send(page, "/next").place == "/"
    assert "いま、待っているものはありません。" in desk.open("/").html
