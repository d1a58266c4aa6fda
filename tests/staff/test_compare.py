"""くらべる and さがす without a script: the server marks where the papers say it, or says that they do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, intake, slips
from shared.model import StoredFile
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
LINES = [["給与支給明細書", 0.1, 0.05, 0.4, 0.02], ["総支給額　８５,４００", 0.5, 0.25, 0.4, 0.02]]
RECT = re.compile(r'<rect( id="found")? x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"')


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage) -> Scene:
    """A report with three papers: one with places, one of an older release, one photo."""
    with make_session.begin() as session:
        worker = factories.staff(session)
        who = factories.recipient(session, factories.household(session, worker))
        row = factories.draft(session, who, paid_on="2026-10-25")
        files = [factories.file(session, who, row, name=name) for name in ("明細.pdf", "古い.pdf", "写真.jpg")]
        for file in files:
            factories.make_safe(session, file)
        (with_places,), (old,), _photo = (slips.pages_of(session, file.office_id, file.id) for file in files)
        with_places.text, with_places.lines = "給与支給明細書\n総支給額　８５,４００", LINES
        old.text = "出勤日数 18日"
        intake.send(session, who, row.id, attempt=uuid4())
        return Scene(worker, who, row.id, files[0].id, str([file.id for file in files[1:]]))


def others(scene: Scene) -> list[str]:
    return re.findall(r"UUID\('([^']+)'\)", scene.number)


def marked(html: str) -> list[tuple[str, ...]]:
    """The rectangles over the pages: whether it is the first, x, y, width, height."""
    overlays = re.findall(r'<svg class="marks".*?</svg>', html, re.DOTALL)
    return [rect for overlay in overlays for rect in RECT.findall(overlay)]


def status(html: str) -> str:
    found = re.search(r'<div role="status" id="sought">(.*?)</div>', html, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[1])).strip()


def test_a_declared_amount_is_marked_where_the_paper_says_it(enter: Enter, scene: Scene) -> None:
    desk = enter(scene.worker)
    plain = desk.open(scene.path).html
    assert marked(plain) == []
    link = re.search(r'<a class="compare[^"]*" id="compare-jobs-0-gross_yen" href="([^"]+)"', plain)
    assert link is not None
    page = desk.open(link[1].replace("&amp;", "&")).html
    ((first, x, y, wide, high),) = marked(page)
    assert first
    assert 0.5 * 1200 < float(x) < float(x) + float(wide) <= 0.9 * 1200 + 5
    assert 0.25 * 1600 - 5 <= float(y) <= float(y) + float(high) <= 0.27 * 1600 + 5
    assert "85,400円：1か所にあります" in status(page)
    assert re.search(r'id="compare-jobs-0-gross_yen"[^>]*aria-current="true"', page)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("jobs-0-paid_on", "この書類の文字の中には見つかりません"),
        ("jobs-0-work_days", "この書類には見つかりません。ほかの書類にあります 古い.pdf"),
    ],
)
def test_what_this_paper_does_not_say_is_said(enter: Enter, scene: Scene, value: str, said: str) -> None:
    page = enter(scene.worker).open(f"{scene.path}?compare={value}").html
    assert said in status(page)
    assert marked(page) == []


def test_a_photo_and_a_page_of_an_older_release_say_what_is_lacking(enter: Enter, scene: Scene) -> None:
    old, photo = others(scene)
    desk = enter(scene.worker)
    photo_says = status(desk.open(f"{scene.path}?file={photo}&compare=jobs-0-income_tax_yen").html)
    assert "この書類には文字の情報がありません" in photo_says
    old_says = status(desk.open(f"{scene.path}?file={old}&compare=jobs-0-work_days").html)
    assert "この書類の文字の中にあります。場所の記録はありません" in old_says


def test_one_key_walks_from_value_to_value(enter: Enter, scene: Scene) -> None:
    desk, path, walked = enter(scene.worker), scene.path, []
    for _ in range(12):
        page = desk.open(path).html
        ((value, href),) = re.findall(r'id="compare-([^"]+)" href="([^"]+)"[^>]* data-key="c"', page)
        walked.append(value)
        path = href.replace("&amp;", "&")
    assert walked[:4] == ["jobs-0-worker", "jobs-0-employer", "jobs-0-work_days", "jobs-0-gross_yen"]
    assert len(set(walked)) < len(walked), "after the last one the first"


@pytest.mark.parametrize(("typed", "count"), [("給与 シキュウ", 0), ("総支給", 1), ("支給", 2), ("85400", 1), (" ", 0)])
def test_words_that_are_typed_are_marked(enter: Enter, scene: Scene, typed: str, count: int) -> None:
    page = enter(scene.worker).open(f"{scene.path}?find={typed}").html
    assert len(marked(page)) == count
    assert len(re.findall('id="found"', page)) == min(count, 1)
    if typed.strip():
        assert f'value="{typed}"' in page


@pytest.mark.parametrize(
    "address", ["compare=nonsense", "compare=worked", "compare=", "find=%00%00", "find=" + "あ" * 999, "find=<b>x"]
)
def test_an_address_that_asks_for_nothing_shows_the_page(enter: Enter, scene: Scene, address: str) -> None:
    page = enter(scene.worker).open(f"{scene.path}?{address}")
    assert page.status == 200
    assert "<b>x" not in page.html


def test_what_was_destroyed_is_not_looked_into(enter: Enter, scene: Scene, make_session: Make) -> None:
    with make_session.begin() as session:
        session.get_one(StoredFile, (scene.worker.office_id, scene.file_id)).copies_destroyed_at = clock.now()
    page: Any = enter(scene.worker).open(f"{scene.path}?compare=jobs-0-gross_yen")
    assert page.status == 200
    assert marked(page.html) == []
