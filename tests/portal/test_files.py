"""One's own papers: as safe copies only, and only one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from shared import drafts, slips
from tests import factories
from tests.portal.pages import without_tokens
from tests.portal.phone import Somebody
from uploads.storage import FolderStorage

Make = sessionmaker[Session]
ORIGINAL = b"%PDF-1.7 /JavaScript what a stranger made"


@dataclass(frozen=True)
class Paper:
    """A file of two pages; each page's bytes say which it is."""

    id: UUID
    submission_id: UUID

    def page(self, number: object) -> str:
        return f"/files/{self.id}/{number}.jpg"

    def thumb(self, number: object) -> str:
        return f"/files/{self.id}/{number}/thumb.jpg"


def keep(files: Path, key: str, content: bytes) -> None:
    source = files.with_name("source")
    source.write_bytes(content)
    FolderStorage(files).put(key, source, "image/jpeg")


@pytest.fixture
def paper(hanako: Somebody, make_session: Make, files: Path) -> Paper:
    with make_session.begin() as session:
        row = factories.draft(session, hanako.who)
        file = factories.file(session, hanako.who, row)
        keep(files, file.key, ORIGINAL)
        factories.make_safe(session, file, pages=2)
        for copy in slips.pages_of(session, file.office_id, file.id):
            keep(files, copy.key, b"\xff\xd8\xff page %d" % copy.page)
            keep(files, copy.thumb_key, b"\xff\xd8\xff thumb %d" % copy.page)
        return Paper(file.id, row.id)


def test_the_person_sees_her_pages_as_pictures(hanako: Somebody, paper: Paper) -> None:
    for path, content in (
        (paper.page(1), b"\xff\xd8\xff page 1"),
        (paper.page(2), b"\xff\xd8\xff page 2"),
        (paper.thumb(1), b"\xff\xd8\xff thumb 1"),
    ):
        page = hanako.phone.open(path)
        assert page.status == 200
        assert page.body == content
        assert page.headers["Content-Type"] == "image/jpeg"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store", "no cache on the way may keep a person's paper"
        assert "Expires" not in page.headers


def test_no_address_gives_the_original(hanako: Somebody, paper: Paper, make_session: Make) -> None:
    with make_session() as session:
        key = slips.pages_of(session, hanako.who.office_id, paper.id)[0].key
    for path in (
        paper.page(0),
        paper.page(3),
        paper.page(10**30),
        paper.page("-1"),
        paper.page("1 "),
        paper.page("１"),
        f"/files/{paper.id}",
        f"/files/{paper.id}/original",
        f"/files/{paper.id}/1.pdf",
        f"/files/{key}",
        f"/files/../{key}",
        f"/files/{paper.id}/../../original/1.jpg",
    ):
        page = hanako.phone.open(path)
        assert ORIGINAL not in page.body
        assert page.status in (200, 404), path
        assert page.status == 404 or page.body == b"\xff\xd8\xff page 1", path


def test_a_file_that_is_not_safe_yet_has_no_picture(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        row = factories.draft(session, hanako.who)
        file = factories.file(session, hanako.who, row)
    assert hanako.phone.open(f"/files/{file.id}/1.jpg").status == 404
    page = hanako.phone.open(hanako.path(row.id, "files"))
    assert "中を確かめています" in page.text
    assert not page.all("img")


def test_anothers_paper_is_as_unknown_as_an_unknown_one(hanako: Somebody, jiro: Somebody, paper: Paper) -> None:
    for pattern in ("/files/{}/1.jpg", "/files/{}/1/thumb.jpg"):
        assert hanako.phone.open(pattern.format(paper.id)).status == 200
        another, unknown = jiro.phone.open(pattern.format(paper.id)), jiro.phone.open(pattern.format(uuid4()))
        assert another.status == unknown.status == 404
        assert without_tokens(another.html) == without_tokens(unknown.html)


def test_another_of_the_same_household_is_another_person(jiro: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        home = factories.household(session)
        mine = factories.recipient(session, home)
        brother = factories.recipient(session, home, name="見本　次郎", is_head=False)
        row = factories.draft(session, mine)
        file = factories.file(session, mine, row)
        factories.make_safe(session, file)
        token = factories.signed_in_token(session, brother)
    with jiro.phone.client.session_transaction() as cookie:
        cookie["_user_id"] = token
    for path in (f"/files/{file.id}/1.jpg", f"/forms/{row.id}/jobs/0/employer", f"/forms/{row.id}/files"):
        assert jiro.phone.open(path).status == 404


def test_bytes_that_are_away_are_a_page_and_not_a_crash(hanako: Somebody, paper: Paper, files: Path) -> None:
    for held in (files / "safe").iterdir():
        held.unlink()
    page = hanako.phone.open(paper.page(1))
    assert page.status == 404
    assert page.heading == "このページは見つかりません"
    assert hanako.phone.open(hanako.path(paper.submission_id, "files")).status == 200


def test_a_file_that_was_taken_out_is_still_only_hers(
    hanako: Somebody, jiro: Somebody, paper: Paper, make_session: Make
) -> None:
    with make_session.begin() as session:
        drafts.remove(session, hanako.who, paper.submission_id, paper.id)
    assert jiro.phone.open(paper.page(1)).status == 404
