from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from shared import drafts, intake, review
from shared.model import Household, How, Likeness, Reason, Role, SafeCopy, StoredFile
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, keep, picture, set_out, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage) -> Scene:
    with make_session.begin() as session:
        return set_out(session, bytes_kept)


def paths(file_id: object, page: int = 1) -> list[str]:
    return [f"/files/{file_id}/{page}.jpg", f"/files/thumb/{file_id}/{page}.jpg"]


def test_pages_and_thumbs_are_our_own_pictures_and_nobody_keeps_them(enter: Enter, scene: Scene) -> None:
    desk = enter(scene.worker)
    for path, content in zip(paths(scene.file_id), [picture(), picture(size=(60, 80))], strict=True):
        answer = desk.open(path)
        assert answer.status == 200
        assert answer.response.data == content
        headers = answer.response.headers
        assert headers["Content-Type"] == "image/jpeg"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "private, no-store"
        assert headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize("page", [0, 3, 99999999999999999999])
def test_a_page_that_is_not_there_is_not_found(enter: Enter, scene: Scene, page: int) -> None:
    assert [enter(scene.worker).open(path).status for path in paths(scene.file_id, page)] == [404, 404]


def test_no_address_leads_to_what_a_stranger_made(enter: Enter, scene: Scene, make_session: Make) -> None:
    desk = enter(scene.worker)
    tried = [f"/files/{scene.file_id}", f"/files/{scene.file_id}.pdf", f"/files/{scene.file_id}/original"]
    assert [desk.open(path).status for path in tried] == [404, 404, 404]


def test_a_file_that_is_not_sent_yet_is_the_persons_alone(
    enter: Enter, scene: Scene, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        row = taken(session, scene)
        asked = review.AskAgain(seen=row.revision, attempt=uuid4(), files={scene.file_id: (Reason.DARK, "")})
        review.send_back(session, scene.worker, row.id, asked)
        new = factories.file(session, scene.person, row)
        factories.make_safe(session, new)
    desk = enter(scene.worker)
    assert [desk.open(path).status for path in paths(new.id)] == [404, 404]
    assert [desk.open(path).status for path in paths(scene.file_id)] == [200, 200]
    with make_session.begin() as session:
        drafts.remove(session, scene.person, scene.submission_id, scene.file_id)
        intake.send(session, scene.person, scene.submission_id, attempt=uuid4())
    assert desk.open(paths(scene.file_id)[0]).status == 200, "a version that was sent stays readable"


def test_pages_of_a_protected_household_are_for_its_own_people(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        shy = set_out(session, bytes_kept, protected=True)
        colleague, head = factories.staff(session), factories.staff(session, Role.SUPERVISOR)
        elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    asked = {who: [enter(who).open(path).status for path in paths(shy.file_id)] for who in (colleague, elsewhere)}
    assert list(asked.values()) == [[404, 404], [404, 404]]
    assert [enter(head).open(path).status for path in paths(shy.file_id)] == [200, 200]


def test_a_copy_that_is_gone_from_the_storage_is_not_found(
    enter: Enter, scene: Scene, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session() as session:
        for copy in session.query(SafeCopy):
            bytes_kept.delete(copy.key)
    assert enter(scene.worker).open(paths(scene.file_id)[0]).status == 404


def test_a_page_whose_bytes_are_missing_says_so_in_its_place(
    enter: Enter, scene: Scene, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session() as session:
        for copy in session.query(SafeCopy):
            bytes_kept.delete(copy.key)
    answer = enter(scene.worker).open(paths(scene.file_id)[0])
    assert answer.response.mimetype == "image/svg+xml", "a browser draws it where the page would be"
    assert "このページの写しが、保管庫に見つかりません" in answer.html


@pytest.fixture
def with_pdf(scene: Scene, make_session: Make, bytes_kept: FolderStorage) -> Scene:
    with make_session.begin() as session:
        file = session.get_one(StoredFile, (scene.person.office_id, scene.file_id))
        file.copy_key = f"copy/{uuid4()}"
        keep(bytes_kept, file.copy_key, b"%PDF-1.7 drawn by us")
        for copy in session.query(SafeCopy):
            copy.text = "給与支給明細書 <総支給額>"
    return scene


def test_the_safe_pdf_opens_in_the_browsers_own_viewer_and_in_nothing_else(enter: Enter, with_pdf: Scene) -> None:
    answer = enter(with_pdf.worker).open(f"/files/{with_pdf.file_id}.pdf")
    assert (answer.status, answer.response.data) == (200, b"%PDF-1.7 drawn by us")
    headers = answer.response.headers
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"].startswith("inline")
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "private, no-store"


def test_the_pdf_of_a_protected_household_is_for_its_own_people(
    enter: Enter, with_pdf: Scene, make_session: Make
) -> None:
    with make_session.begin() as session:
        session.execute(update(Household).values(protected=True))
        colleague = factories.staff(session)
    assert enter(colleague).open(f"/files/{with_pdf.file_id}.pdf").status == 404


def test_the_review_leads_to_the_pdf_and_shows_the_words_to_copy(enter: Enter, with_pdf: Scene) -> None:
    html = enter(with_pdf.worker).open(with_pdf.path).html
    assert f'href="/files/{with_pdf.file_id}.pdf"' in html
    assert "文字を見る" in html
    assert "給与支給明細書 &lt;総支給額&gt;" in html


def test_without_words_or_a_pdf_the_review_offers_neither(enter: Enter, scene: Scene) -> None:
    html = enter(scene.worker).open(scene.path).html
    assert "文字を見る" not in html
    assert f"/files/{scene.file_id}.pdf" not in html


@pytest.mark.parametrize(("how", "said"), [(How.SAME, "同じファイルが、"), (How.ALIKE, "似た書類が、")])
def test_a_file_like_an_earlier_one_leads_to_the_report_that_holds_it(
    enter: Enter, scene: Scene, make_session: Make, bytes_kept: FolderStorage, how: How, said: str
) -> None:
    with make_session.begin() as session:
        again = set_out(session, bytes_kept, scene.worker)
        session.add(
            Likeness(office_id=scene.person.office_id, file_id=again.file_id, earlier_id=scene.file_id, how=how)
        )
    html = enter(scene.worker).open(again.path).html
    assert said in html
    assert f'href="{scene.path}"' in html
    assert scene.number in html


def test_a_file_like_one_that_nobody_has_sent_tells_the_office_nothing(
    enter: Enter, scene: Scene, make_session: Make
) -> None:
    with make_session.begin() as session:
        unsent = factories.file(session, scene.person, factories.draft(session, scene.person, date(2026, 9, 1)))
        session.add(Likeness(office_id=unsent.office_id, file_id=scene.file_id, earlier_id=unsent.id, how=How.SAME))
    html = enter(scene.worker).open(scene.path).html
    assert "同じファイルが" not in html
