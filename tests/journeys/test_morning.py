"""A caseworker's morning: twenty things of every kind, cleared by the keyboard alone; a few of them on a tablet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, filled, intake
from shared.model import DutyKind, Message, StaffMember, State, Submission
from shared.rules.forms.check_in import CHECK_IN
from shared.rules.forms.form import Ask
from shared.session import sessions
from shared.sign_in import Recipient, Staff
from tests import factories
from tests.journeys import looking
from tests.journeys.conftest import PASSWORD, Town
from tests.journeys.desk import Desk

ONE_DATABASE = True  # what differs between the databases stands in tests/shared
TABLET = {"width": 820, "height": 1180}
MANY = 20
CALM = {
    question.key: question.options[0].key
    for screen in CHECK_IN.screens
    for question in screen.questions
    if question.ask is Ask.CHOICE
}


def twenty(town: Town) -> None:
    """Of twenty people: two dangers, three who want a call, three messages, two check-ins, ten wage reports."""
    with sessions(town.engine).begin() as session:
        row = session.scalars(select(StaffMember).where(StaffMember.login == "reino")).one()
        worker = Staff(row.office_id, uuid4(), row.id, row.name, row.role)
        people = [
            factories.recipient(
                session, factories.household(session, worker, case_no=f"3000{at:02}"), name=f"{name}　花"
            )
            for at, name in enumerate("一二三四五六七八九十百千万上下左右中大小")
        ]
        for at, who in enumerate(people[10:]):
            with clock.at(clock.now() - timedelta(days=10 - at)):
                draft = factories.draft(session, who)
                factories.make_safe(session, factories.file(session, who, draft))
                intake.send(session, who, draft.id, attempt=uuid4())
        for who, kind, answers in [
            *((who, DutyKind.STATUS_CHECK_IN, CALM | {"meals": "none"}) for who in people[:2]),
            *((who, DutyKind.STATUS_CHECK_IN, CALM | {"call": "yes"}) for who in people[2:5]),
            *((who, DutyKind.MESSAGE, {"tell": "ボーナスはいつ書きますか。"}) for who in people[5:8]),
            *((who, DutyKind.STATUS_CHECK_IN, CALM) for who in people[8:10]),
        ]:
            write(session, who, kind, answers)


def write(session: Session, who: Recipient, kind: DutyKind, answers: dict[str, str]) -> None:
    draft = filled.start(session, who, kind, clock.today().replace(day=1))
    filled.write_whole(session, who, draft.id, answers)
    intake.send(session, who, draft.id, attempt=uuid4())


def tab_to(page: Page, what: str) -> None:
    """Press Tab until ``what`` has the focus."""
    for _ in range(60):
        if page.evaluate("(what) => document.activeElement.matches(what)", what):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {what}")


def decide(page: Page, key: str) -> None:
    """Press a key that leads on, and wait until the next page stands there with its keys."""
    before = page.url
    page.keyboard.press(key)
    page.wait_for_url(lambda url: url != before)
    page.wait_for_load_state()


def test_twenty_things_are_cleared_by_the_keyboard_alone(town: Town, desk: Desk) -> None:
    twenty(town)
    page = desk.page
    page.goto(desk.url)
    tab_to(page, "#login")
    page.keyboard.type("reino")
    tab_to(page, "#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(desk.waiting()).to_have_count(MANY)
    page.wait_for_load_state()
    decide(page, "n")
    seen: list[str] = []
    keys: Counter[str] = Counter()
    for at in range(MANY):
        heading = page.locator("h1").inner_text()
        seen.append(heading)
        if at < 2:
            expect(page.locator("main")).to_contain_text("すぐに見てほしい")
        if at in (5, 6, 7):
            answer(page)
            keys["answered"] += 1
        if at == 10:
            ask_again(page)
            keys["asked again"] += 1
        elif at == 11:
            put_aside(page)
            keys["put aside"] += 1
        else:
            decide(page, "a")
            keys["a"] += 1
    assert len(set(seen)) == MANY, "nobody came twice"
    assert [name[0] for name in seen[:2]] == ["一", "二"], "a danger stands first"
    expect(desk.waiting()).to_have_count(1)
    expect(desk.waiting()).to_contain_text("保留")
    assert keys == {"a": MANY - 2, "answered": 3, "asked again": 1, "put aside": 1}
    with sessions(town.engine)() as session:
        mine = select(Submission.state).where(Submission.state != State.DRAFT, Submission.number.is_not(None))
        states = Counter(session.scalars(mine))
        assert (states[State.ACCEPTED], states[State.RETURNED], states[State.ON_HOLD]) == (MANY - 2, 1, 1)
        assert len(session.scalars(select(Message)).all()) == 3
    assert looking.faults(page, "desk-morning-cleared") == []


def answer(page: Page) -> None:
    page.keyboard.press("m")
    page.keyboard.type("12月分の欄に書いてください。")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("本人に送りました")
    page.wait_for_load_state()


def ask_again(page: Page) -> None:
    decide(page, "r")
    tab_to(page, "[type=radio][value=fine]")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[name$=-reason][type=radio]")
    page.keyboard.press("Space")
    tab_to(page, "[name^=file-][name$=-detail]")
    page.keyboard.type("名前のところ")
    tab_to(page, "button[name=then][value=next]")
    decide(page, "Enter")


def put_aside(page: Page) -> None:
    decide(page, "h")
    tab_to(page, "#reason")
    page.keyboard.type("勤め先の休み明けを待つ")
    tab_to(page, "button[name=then][value=next]")
    decide(page, "Enter")


def test_a_tablet_is_held_in_the_hand(town: Town, open_page: Callable[..., Page]) -> None:
    twenty(town)
    desk = Desk(open_page(TABLET), town.staff)
    desk.sign_in("reino", PASSWORD)
    desk.page.goto(desk.url)
    found = looking.faults(desk.page, "tablet-queue")
    desk.press("つぎの1件を開く")
    for _ in range(10):
        expect(desk.page.locator("main")).to_contain_text("あなたが対応中")
        box = desk.page.get_by_role("button", name="受理してつぎへ").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= TABLET["height"], "the decision is always under the thumb"
        assert min(box["width"], box["height"]) >= 44
        before = desk.page.url
        desk.press("受理してつぎへ")
        desk.page.wait_for_url(lambda url, was=before: url != was)  # type: ignore[misc]
    expect(desk.page.locator(".leaf")).to_have_count(1)
    found += looking.faults(desk.page, "tablet-review")
    desk.page.get_by_role("link", name="なおしてもらう").click()
    found += looking.faults(desk.page, "tablet-return")
    assert found == []
