from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pypdfium2
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared.model import LogEntry, Receipt, Role, State
from shared.receipts import UNNUMBERED
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, accepted, clerk, drawn, issued, set_out, submission
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage) -> Scene:
    with make_session.begin() as session:
        return set_out(session, bytes_kept)


@pytest.fixture
def kaoru(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return clerk(session)


def test_what_is_accepted_stands_in_the_list_until_it_is_issued(
    enter: Enter, scene: Scene, kaoru: Staff, make_session: Make
) -> None:
    desk, path = enter(kaoru), f"/receipts/{scene.submission_id}"
    assert scene.number not in desk.open("/receipts").html
    with make_session.begin() as session:
        accepted(session, scene)
    assert f'href="{path}"' in desk.open("/receipts").html
    assert desk.press(path, f"{path}/issue").place == "/receipts"
    after = desk.open("/receipts").html
    assert "を発行しました" in after
    assert f'href="{path}"' not in after
    assert "PDFを作っています" in desk.open("/receipts?tab=issued").html


def test_the_preview_shows_what_will_be_printed_and_takes_no_number(
    enter: Enter, scene: Scene, kaoru: Staff, make_session: Make
) -> None:
    with make_session.begin() as session:
        accepted(session, scene)
    page = enter(kaoru).open(f"/receipts/{scene.submission_id}")
    for said in (scene.number, "発行前", "（発行のときに付きます）", "85,400円", "給与明細 10月.pdf", "SHA-256"):
        assert said in page.html
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Receipt)) == 0
        looks = session.scalars(select(LogEntry.actor_id).where(LogEntry.event == "submission.viewed")).all()
        assert looks == [kaoru.staff_id]


def test_the_paper_can_be_looked_at_before_it_is_issued(
    enter: Enter, scene: Scene, kaoru: Staff, make_session: Make
) -> None:
    with make_session.begin() as session:
        accepted(session, scene)
    with enter(kaoru).client.get(f"/receipts/{scene.submission_id}/draft.pdf") as answer:
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        with pypdfium2.PdfDocument(answer.data) as drawn:
            text = drawn[0].get_textpage().get_text_bounded()
    assert "発行前" in text
    assert UNNUMBERED in text


def test_a_double_tap_issues_one_certificate(enter: Enter, scene: Scene, kaoru: Staff, make_session: Make) -> None:
    with make_session.begin() as session:
        accepted(session, scene)
    desk, path = enter(kaoru), f"/receipts/{scene.submission_id}"
    page = desk.open(path)
    assert [desk.send(page, f"{path}/issue").place for _tap in range(2)] == ["/receipts", "/receipts"]
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Receipt)) == 1
        assert submission(session, scene).state is State.RECEIPTED


def test_two_clerks_issue_one_certificate(enter: Enter, scene: Scene, kaoru: Staff, make_session: Make) -> None:
    with make_session.begin() as session:
        accepted(session, scene)
        other = factories.staff(session, Role.CLERK, name="仮山 進")
    path = f"/receipts/{scene.submission_id}"
    mine, hers = enter(kaoru), enter(other)
    old = mine.open(path)
    assert hers.press(path, f"{path}/issue").status == 303
    answer = mine.send(old, f"{path}/issue")
    assert answer.status == 409
    assert "仮山 進さんが手を入れました" in answer.html
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Receipt)) == 1
    assert mine.open(path).place == "/receipts", "the way back from issuing leads to the list"
    assert "仮山 進さんが発行しました" in mine.open("/receipts").html


def test_a_supervisor_looks_and_does_not_issue(enter: Enter, scene: Scene, make_session: Make) -> None:
    with make_session.begin() as session:
        accepted(session, scene)
        head = factories.staff(session, Role.SUPERVISOR)
    desk, path = enter(head), f"/receipts/{scene.submission_id}"
    page = desk.open(path)
    assert page.status == 200
    assert f"{path}/issue" not in [form.action for form in page.forms]
    token = page.form("/signout").fields["csrf_token"]
    assert desk.post(f"{path}/issue", {"csrf_token": token, "seen": "1"}).status == 403


def test_the_certificate_is_a_download_with_a_name_people_can_read(
    enter: Enter, scene: Scene, kaoru: Staff, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        receipt = issued(session, scene, kaoru)
    desk, path = enter(kaoru), f"/receipts/{receipt.id}.pdf"
    early = desk.open(path)
    assert early.status == 202
    assert "PDFを作っています" in early.html
    with make_session.begin() as session:
        drawn(session.merge(receipt), bytes_kept, b"%PDF-1.7 ours")
    answer = desk.open(path)
    assert answer.response.data == b"%PDF-1.7 ours"
    assert answer.response.headers["Content-Type"] == "application/pdf"
    disposition = answer.response.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert f"filename*=UTF-8''{quote(f'受領証_{scene.number}.pdf')}" in disposition
    assert f'href="{path}"' in desk.open("/receipts?tab=issued").html


def test_another_offices_clerk_finds_nothing(enter: Enter, scene: Scene, kaoru: Staff, make_session: Make) -> None:
    with make_session.begin() as session:
        receipt = issued(session, scene, kaoru)
        other = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    desk = enter(other)
    assert desk.open(f"/receipts/{receipt.id}.pdf").status == 404
    assert desk.open(f"/receipts/{scene.submission_id}").status == 404
    assert scene.number not in desk.open("/receipts").html


def test_what_is_not_accepted_has_no_certificate(enter: Enter, scene: Scene, kaoru: Staff) -> None:
    assert enter(kaoru).open(f"/receipts/{scene.submission_id}").status == 404
