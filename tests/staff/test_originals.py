"""The original leaves only for an administrator with a written reason, and the log is there before the first byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, journal, originals
from shared.errors import Destroyed, NotThere
from shared.model import LogEntry, OriginalFetch, Role, StoredFile
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, set_out
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
BYTES = b"%PDF-1.7 what a stranger made"
REASON = "裁判所への提出のため（文書番号 ひ12）"


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage) -> Scene:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        session.execute(update(StoredFile).values(sha256=hashlib.sha256(BYTES).hexdigest()))
        return scene


@pytest.fixture
def keeper(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.ADMINISTRATOR, name="架里 守")


def path(scene: Scene) -> str:
    return f"/originals/{scene.file_id}"


def fetches(make_session: Make) -> list[OriginalFetch]:
    with make_session() as session:
        return list(session.scalars(select(OriginalFetch).order_by(OriginalFetch.id)))


def alter(make_session: Make, **values: object) -> None:
    with make_session.begin() as session:
        session.execute(update(StoredFile).values(**values))


def test_a_number_leads_to_its_files_however_it_was_typed(enter: Enter, scene: Scene, keeper: Staff) -> None:
    wide = scene.number.translate({ord(sign): ord(sign) + 0xFEE0 for sign in scene.number})
    for typed in (scene.number, f"  {scene.number.lower()} ", wide):
        page = enter(keeper).client.get("/originals", query_string={"number": typed})
        html = page.get_data(as_text=True)
        assert path(scene) in html
        assert "給与明細 10月.pdf" in html
        assert "安全な写しがあります" in html
    assert "この番号のファイルは見つかりません" in enter(keeper).open("/originals?number=HB8-99999-9").html


def test_it_leaves_as_a_download_that_no_browser_opens_and_the_log_says_why(
    enter: Enter, scene: Scene, keeper: Staff, make_session: Make
) -> None:
    desk = enter(keeper)
    answer = desk.send(desk.open(path(scene)), path(scene), reason=REASON)
    assert (answer.status, answer.response.data) == (200, BYTES)
    headers = answer.response.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert quote("給与明細 10月.pdf") in headers["Content-Disposition"]
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in headers["Cache-Control"]
    (fetch,) = fetches(make_session)
    assert (fetch.file_id, fetch.staff_id, fetch.reason) == (scene.file_id, keeper.staff_id, REASON)
    with make_session() as session:
        entry = session.scalars(select(LogEntry).where(LogEntry.event == "original.fetched")).one()
        assert (entry.subject_id, entry.actor_id) == (scene.file_id, keeper.staff_id)
        assert entry.facts == {
            "household": str(scene.person.household_id),
            "submission": str(scene.submission_id),
            "from_address": "127.0.0.1",
            "why": str(fetch.id),
        }
        assert journal.first_broken(session, keeper.office_id) is None
    page = desk.open(path(scene)).html
    assert "架里 守" in page
    assert REASON in page


def test_the_log_is_durable_before_the_first_byte_leaves(
    enter: Enter, scene: Scene, keeper: Staff, make_session: Make
) -> None:
    desk = enter(keeper)
    fields = {**desk.open(path(scene)).form(path(scene)).fields, "reason": REASON}
    answer = desk.client.post(path(scene), data=fields, buffered=False)
    assert len(fetches(make_session)) == 1, "the answer has begun, and nobody has read a byte of it"
    assert answer.get_data() == BYTES
    answer.close()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "取り出す理由を書いてください"),
        ("　 ", "取り出す理由を書いてください"),
        ("裁判のため", "10文字以上で書いてください"),
        ("裁" * 501, "500文字までにしてください"),
    ],
)
def test_without_a_real_reason_nothing_leaves_and_what_was_typed_stays(
    enter: Enter, scene: Scene, keeper: Staff, make_session: Make, reason: str, said: str
) -> None:
    desk = enter(keeper)
    answer = desk.send(desk.open(path(scene)), path(scene), reason=reason)
    assert answer.status == 422
    assert said in answer.html
    assert reason in answer.html
    assert fetches(make_session) == []


def test_a_double_tap_is_one_fetch_and_a_later_one_is_another(
    enter: Enter, scene: Scene, keeper: Staff, make_session: Make
) -> None:
    desk = enter(keeper)
    page = desk.open(path(scene))
    for _tap in range(2):
        assert desk.send(page, path(scene), reason=REASON).response.data == BYTES
    assert len(fetches(make_session)) == 1
    alter_fetches(make_session)
    assert desk.send(page, path(scene), reason=REASON).response.data == BYTES
    assert len(fetches(make_session)) == 2


def alter_fetches(make_session: Make) -> None:
    with make_session.begin() as session:
        session.execute(update(OriginalFetch).values(created_at=clock.now() - timedelta(minutes=11)))


def test_a_form_that_is_not_ours_is_refused(enter: Enter, scene: Scene, keeper: Staff, make_session: Make) -> None:
    desk = enter(keeper)
    answer = desk.send(desk.open(path(scene)), path(scene), reason=REASON, attempt="x")
    assert answer.status == 400
    assert fetches(make_session) == []


def test_bytes_that_are_not_what_came_are_said_and_not_served(
    enter: Enter, scene: Scene, keeper: Staff, make_session: Make
) -> None:
    alter(make_session, sha256="b" * 64)
    desk = enter(keeper)
    answer = desk.send(desk.open(path(scene)), path(scene), reason=REASON)
    assert answer.status == 409
    assert "中身が、届いたときと変わっています" in answer.html
    assert fetches(make_session) == []


def test_bytes_that_are_missing_are_said(
    enter: Enter, scene: Scene, keeper: Staff, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session() as session:
        bytes_kept.delete(session.scalars(select(StoredFile.key)).one())
    desk = enter(keeper)
    answer = desk.send(desk.open(path(scene)), path(scene), reason=REASON)
    assert answer.status == 404
    assert "中身が見つかりません" in answer.html


def test_a_destroyed_original_has_a_page_that_says_when(
    enter: Enter, scene: Scene, keeper: Staff, make_session: Make
) -> None:
    desk = enter(keeper)
    before = desk.open(path(scene))
    alter(make_session, original_destroyed_at=clock.now())
    page = desk.open(path(scene))
    assert "保存期間がすぎたので" in page.html
    assert "理由を残して取り出す" not in page.html
    assert desk.send(before, path(scene), reason=REASON).status == 410
    assert fetches(make_session) == []


def test_another_offices_file_an_unknown_one_and_one_not_sent_are_not_there(
    enter: Enter, scene: Scene, keeper: Staff, make_session: Make
) -> None:
    with make_session.begin() as session:
        elsewhere = factories.staff(session, Role.ADMINISTRATOR, office_id=factories.office(session, "XX").id)
        who = factories.recipient(session)
        unsent = factories.file(session, who, factories.draft(session, who))
    assert enter(elsewhere).open(path(scene)).status == 404
    assert path(scene) not in enter(elsewhere).open(f"/originals?number={scene.number}").html
    assert [enter(keeper).open(f"/originals/{key}").status for key in (unsent.id, uuid4())] == [404, 404]


def test_a_protected_households_original_leaves_for_its_offices_administrator_and_is_logged(
    enter: Enter, keeper: Staff, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        shy = set_out(session, bytes_kept, protected=True)
        session.execute(update(StoredFile).values(sha256=hashlib.sha256(BYTES).hexdigest()))
    desk = enter(keeper)
    assert desk.send(desk.open(path(shy)), path(shy), reason=REASON).response.data == BYTES
    assert len(fetches(make_session)) == 1


def test_an_infected_file_warns_before_it_leaves(enter: Enter, scene: Scene, keeper: Staff, make_session: Make) -> None:
    alter(make_session, state="refused", refused_because="infected")
    assert "けっして開かないでください" in enter(keeper).open(path(scene)).html


def test_a_name_that_pretends_is_shown_harmless(enter: Enter, scene: Scene, keeper: Staff, make_session: Make) -> None:
    alter(make_session, name='"><script>\u202egpj.exe\r\nX: y')
    desk = enter(keeper)
    page = desk.open(path(scene))
    assert "<script>\u202e" not in page.html
    assert "\u202e" not in page.html
    answer = desk.send(page, path(scene), reason=REASON)
    assert answer.status == 200
    assert "X" not in answer.response.headers


def test_the_command_itself_asks_for_the_role_the_reason_and_a_file_that_is_still_there(
    make_session: Make, scene: Scene, keeper: Staff
) -> None:
    with make_session.begin() as session:
        with pytest.raises(NotThere):
            originals.fetch(session, replace(keeper, role=Role.SUPERVISOR), scene.file_id, REASON, attempt=uuid4())
        with pytest.raises(ValueError, match="reason"):
            originals.fetch(session, keeper, scene.file_id, "短い", attempt=uuid4())
        session.execute(update(StoredFile).values(original_destroyed_at=clock.now()))
        with pytest.raises(Destroyed):
            originals.fetch(session, keeper, scene.file_id, REASON, attempt=uuid4())
