"""Straight to the next item: what a decision answers takes the page's place, with its pictures drawn already."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from shared import intake, review, slips
from shared.model import StaffMember, State, Step, Submission
from shared.session import sessions
from shared.sign_in import Staff
from tests import factories
from tests.journeys.conftest import DESK, PASSWORD, Town
from tests.journeys.desk import Desk
from tests.staff.scene import picture

ONE_DATABASE = True  # what differs between the databases stands in tests/shared


@pytest.fixture
def items(town: Town) -> list[str]:
    """Three items of 例野 太郎 that wait, each with one paper."""
    with sessions(town.engine).begin() as session:
        row = session.scalars(select(StaffMember).where(StaffMember.login == "reino")).one()
        worker = Staff(row.office_id, uuid4(), row.id, row.name, row.role)
        ids = []
        for _ in range(3):
            who = factories.recipient(session, factories.household(session, worker))
            draft = factories.draft(session, who)
            factories.make_safe(session, factories.file(session, who, draft))
            intake.send(session, who, draft.id, attempt=uuid4())
            ids.append(str(draft.id))
        return ids


@pytest.fixture
def at(town: Town, open_page: Callable[..., Page], items: list[str]) -> Desk:
    """At the first item; what is in the storage for its pages is not asked for here."""
    desk = Desk(open_page(DESK), town.staff)
    desk.page.route("**/files/**", lambda route: route.fulfill(content_type="image/jpeg", body=picture()))
    desk.sign_in("reino", PASSWORD)
    desk.take_next()
    desk.page.wait_for_url(f"**/review/{items[0]}")
    return desk


def pictures_of(town: Town, key: str) -> list[str]:
    with sessions(town.engine)() as session:
        office_id = factories.office(session).id
        return [
            f"/files/{copy.file_id}/{copy.page}.jpg" for copy in slips.first_pages(session, office_id, UUID(key), 2)
        ]


def test_the_next_item_takes_the_place_and_its_pictures_came_before(town: Town, at: Desk, items: list[str]) -> None:
    page, (first, second, third) = at.page, items
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(town.staff)))
    page.reload()  # what is asked for from here on is known
    [paper] = pictures_of(town, second)
    for _ in range(100):  # while the first one is read
        if paper in asked:
            break
        page.wait_for_timeout(100)
    assert paper in asked
    page.wait_for_load_state("networkidle")
    page.evaluate("globalThis.stays = true")
    asked.clear()
    page.keyboard.press("a")
    page.wait_for_url(f"**/review/{second}")
    assert page.evaluate("globalThis.stays")
    assert paper not in asked
    assert page.evaluate("document.querySelector('.leaf img').naturalWidth") > 0
    assert page.title().startswith("見本")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("t")
    expect(page.locator(".viewer__doc")).to_have_attribute("data-turn", "1")
    page.locator("a.skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.evaluate("globalThis.stays"), "a link to a place on the page loads nothing"
    page.keyboard.press("u")  # the way back is there
    page.wait_for_url(f"**/review/{first}")
    page.keyboard.press("a")
    page.wait_for_url(lambda url: url.endswith((second, third)))
    page.go_back()
    page.wait_for_url(f"**/review/{first}")
    expect(page.locator("main")).to_contain_text("受理")


def test_who_was_overtaken_reads_so_on_the_same_page(town: Town, at: Desk, items: list[str]) -> None:
    with sessions(town.engine).begin() as session:
        row = session.scalars(select(StaffMember).where(StaffMember.login == "reino")).one()
        review.release(session, Staff(row.office_id, uuid4(), row.id, row.name, row.role), UUID(items[0]))
    at.page.keyboard.press("a")
    expect(at.page.locator("main")).to_contain_text("開いている間に、変わりました")
    at.careful = True
    at.look("overtaken")
    assert at.looks == []


def test_a_line_that_breaks_after_the_decision_decides_once(town: Town, at: Desk, items: list[str]) -> None:
    broken: list[str] = []

    def breaks(route: Route) -> None:
        if broken:
            route.continue_()
            return
        route.fetch(max_redirects=0)  # the office has it; the answer is lost on the way
        broken.append(route.request.url)
        route.abort()

    at.page.route("**/accept", breaks)
    at.page.keyboard.press("a")
    at.page.wait_for_url(lambda url: "/review/" in url and not url.endswith((items[0], "/accept")))
    with sessions(town.engine)() as session:
        decided = session.scalars(select(Step).where(Step.became == State.ACCEPTED)).all()
        assert [str(step.submission_id) for step in decided] == [items[0]]
        states = dict(session.execute(select(Submission.id, Submission.state)).all())
        assert states[UUID(items[0])] is State.ACCEPTED
