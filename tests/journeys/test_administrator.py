"""The administrator fetches an original with a reason; two people let what was kept long enough be destroyed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect

from shared import clock, intake, retention, sign_in, slips
from shared.model import MACHINE, Role, StaffMember, State
from shared.session import sessions
from tests import factories, s3
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk
from tests.staff.scene import picture
from uploads.storage import FolderStorage, NotStored, S3Storage, Storage

BYTES = b"%PDF-1.7 what a stranger made"
REASON = "裁判所への提出のため（ひ12号）"


@dataclass(frozen=True)
class Closed:
    """A report that was closed nine years ago, and where its bytes lie."""

    number: str
    file_id: UUID
    keys: list[str]
    storage: Storage


@pytest.fixture
def storage(town: Town, request: pytest.FixtureRequest) -> Storage:
    if not town.engine.dialect.name.startswith("postgresql"):
        return FolderStorage(town.folder / "var" / "data" / "files")
    endpoint = request.getfixturevalue("s3_endpoint")
    return S3Storage.at(s3.settings(town.folder, f"s3://{s3.BUCKET}", endpoint), s3.BUCKET)


@pytest.fixture
def closed(town: Town, storage: Storage) -> Closed:
    """And an administrator and a supervisor who can come in."""

    def put(key: str, content: bytes) -> None:
        source = town.folder / uuid4().hex
        source.write_bytes(content)
        storage.put(key, source, "application/octet-stream")

    with sessions(town.engine).begin() as session:
        people = [("kari", Role.ADMINISTRATOR, "架里 守"), ("kamiya", Role.SUPERVISOR, "仮山 百合")]
        for login, role, name in people:
            one = factories.staff(session, role, login=login, name=name)
            retention.begin(session, one.office_id)
            sign_in.set_password(session, session.get_one(StaffMember, (one.office_id, one.staff_id)), PASSWORD)
        with clock.at(clock.now() - timedelta(days=3300)):
            who = factories.recipient(session, name="古野　紙子")
            row = factories.draft(session, who)
            file = factories.file(session, who, row, size=len(BYTES), sha256=sha256(BYTES).hexdigest())
            factories.make_safe(session, file)
            intake.send(session, who, row.id, attempt=uuid4())
            row.move(State.VOIDED, MACHINE)
        pages = slips.pages_of(session, file.office_id, file.id)
        put(file.key, BYTES)
        for page in pages:
            put(page.key, picture())
            put(page.thumb_key, picture(size=(60, 80)))
        keys = [file.key, *(page.key for page in pages), *(page.thumb_key for page in pages)]
        return Closed(row.number or "", file.id, keys, storage)


@pytest.fixture
def keeper(town: Town, open_page: Callable[..., Page]) -> Desk:
    return Desk(open_page(DESK), town.staff)


@pytest.fixture
def chief(town: Town, open_page: Callable[..., Page]) -> Desk:
    return Desk(open_page(DESK), town.staff)


def test_an_original_leaves_with_a_reason_and_what_is_over_is_destroyed_by_two(
    town: Town, closed: Closed, keeper: Desk, chief: Desk
) -> None:
    keeper.careful = chief.careful = True
    keeper.sign_in("kari", PASSWORD)
    keeper.look("administrator")
    fetch(keeper, closed)

    path = propose(keeper)
    chief.sign_in("kamiya", PASSWORD)
    approve(chief, path, closed)
    for key in closed.keys:
        with pytest.raises(NotStored):
            closed.storage.size(key)

    keeper.page.goto(f"{town.staff}/originals/{closed.file_id}")
    expect(keeper.page.locator("main")).to_contain_text("原本はもうありません")
    expect(keeper.page.locator("main")).to_contain_text(REASON)
    keeper.look("original-destroyed")
    assert keeper.looks + chief.looks == []


def fetch(keeper: Desk, closed: Closed) -> None:
    """Look a file up by its number, be asked for a reason, and take it."""
    page = keeper.page
    page.get_by_role("link", name="動作のようす").first.click()
    expect(page.locator("h1")).to_have_text("動作のようす")
    for _ in range(40):  # the worker says that it lives within seconds of its start
        if page.locator("#workers").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator("main")).to_contain_text("していません（設定されていません）")
    keeper.look("status")
    page.get_by_role("link", name="原本", exact=True).first.click()
    page.locator("#number").fill(closed.number.lower())
    keeper.press("さがす")
    keeper.look("originals")
    page.locator("a.who").click()
    keeper.press("理由を残して取り出す")
    expect(page.locator(".errors")).to_contain_text("取り出す理由を書いてください")
    keeper.look("original-error")
    page.locator("#reason").fill(REASON)
    with page.expect_download() as download:
        keeper.press("理由を残して取り出す")
    assert download.value.suggested_filename == "給与明細 10月.pdf"
    assert Path(download.value.path()).read_bytes() == BYTES
    page.goto(f"{keeper.url}/originals/{closed.file_id}")
    expect(page.locator(".log")).to_contain_text("架里 守")
    keeper.look("original")


def propose(keeper: Desk) -> str:
    """Make the list. Whoever made it finds no button to approve it. Returns its address."""
    page = keeper.page
    page.get_by_role("link", name="保存と廃棄", exact=True).first.click()
    keeper.look("disposals-due")
    keeper.press("廃棄の名簿を作る")
    expect(page.locator("main")).to_contain_text("まだ何も消えていません")
    expect(page.get_by_role("button", name="承認する")).to_have_count(0)
    keeper.look("disposal-mine")
    for tab in ("holds", "", "log"):
        at = page.url
        page.goto(f"{keeper.url}/retention/{tab}".rstrip("/"))
        keeper.look(f"retention-{tab or 'rules'}")
        page.goto(at)
    return page.url


def approve(chief: Desk, path: str, closed: Closed) -> None:
    """Another person approves, the worker destroys, and the log says so."""
    page = chief.page
    page.goto(path)
    expect(page.locator("main")).to_contain_text(closed.number)
    chief.look("disposal-theirs")
    chief.press("3件の廃棄を承認する")
    for _ in range(60):
        if page.get_by_text("廃棄しました。").count():
            break
        page.wait_for_timeout(500)
        page.goto(path)
    expect(page.locator("main")).to_contain_text("廃棄しました。")
    chief.look("disposal-done")
    page.get_by_role("link", name="廃棄の記録を見る").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody")).to_contain_text("架里 守→仮山 百合")
    chief.look("destroyed")
