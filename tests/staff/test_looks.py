"""閲覧の記録 on the desk: filters, paper, spreadsheet; and every event of the journal has words."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, journal, looks
from shared.model import Actor, BulkState, Household, LogEntry, Role, Submission
from shared.sign_in import Staff
from staff.event_words import EVENTS
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.test_ledger import lines, plain, sent

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
PROJECT = Path(__file__).resolve().parents[2]
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
RECORDING = ("record", "record_all", "record_step")


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """Thursday, 19 November, 20:12 in Tokyo."""
    return evening


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR, name="仮山 百合")


def viewed(make_session: Make, who: Staff, row: Submission) -> None:
    with make_session.begin() as session:
        facts = {"version": 1, "from_address": "10.1.2.3"}
        journal.record(session, who.office_id, Actor.staff(who.staff_id), "submission.viewed", row.id, **facts)


def case_no(make_session: Make, row: Submission) -> str:
    with make_session() as session:
        return session.get_one(Household, (row.office_id, row.household_id)).case_no


def test_todays_looks_are_told_and_so_is_this_one(
    enter: Enter, make_session: Make, worker: Staff, chief: Staff
) -> None:
    row = sent(make_session, worker)
    viewed(make_session, worker, row)
    desk = enter(chief)
    page = desk.open("/looks")
    (line,) = lines(page)
    for said in (
        "2026-11-19 20:12:41",
        "例野 太郎 ケースワーカー",
        "届いた書類を見た",
        case_no(make_session, row),
        "見本 花子",
        row.number or "",
        "10.1.2.3",
    ):
        assert said in line, said
    (mine,) = lines(desk.open("/looks?kind=lists"))
    assert "仮山 百合" in mine
    assert "閲覧の記録を見た" in mine
    with make_session() as session:
        assert len(session.scalars(select(LogEntry).where(LogEntry.event == "looks.viewed")).all()) == 2


def test_a_household_a_colleague_and_days_may_be_asked_for(
    enter: Enter, make_session: Make, worker: Staff, chief: Staff
) -> None:
    with make_session.begin() as session:
        colleague = factories.staff(session, name="試田 美紀")
    mine, other = sent(make_session, worker), sent(make_session, worker, "別野　人子")
    with clock.at(clock.now() - timedelta(days=30)):
        viewed(make_session, worker, mine)
    viewed(make_session, colleague, mine)
    viewed(make_session, colleague, other)
    desk = enter(chief)
    case = case_no(make_session, mine)
    assert len(lines(desk.open("/looks"))) == 2
    assert len(lines(desk.open(f"/looks?case_no={case}"))) == 1
    whole = desk.open(f"/looks?case_no={case}&first=2026-01-01&last=2026-11-19")
    assert ["例野" in line for line in lines(whole)] == [False, True], "the newest first"
    hers = desk.open(f"/looks?staff={worker.staff_id}&first=2026-01-01")
    assert len(lines(hers)) == 1
    assert f'<option value="{worker.staff_id}" selected>' in hers.html
    with make_session() as session:
        entry = session.scalars(
            select(LogEntry).where(LogEntry.event == "looks.viewed", LogEntry.subject_id == mine.household_id)
        ).first()
        assert entry is not None
        assert entry.actor_id == chief.staff_id


def test_an_administrator_reads_no_name(enter: Enter, make_session: Make, worker: Staff) -> None:
    row = sent(make_session, worker)
    viewed(make_session, worker, row)
    with make_session.begin() as session:
        admin = factories.staff(session, Role.ADMINISTRATOR)
    for path in ("/looks", "/looks/print", "/looks/list.csv"):
        page = enter(admin).open(path)
        assert str(row.number) in page.html
        assert "見本　花子" not in page.html, path


def test_page_follows_page_on_the_screen_and_paper_and_spreadsheet_have_all(
    enter: Enter, make_session: Make, worker: Staff, chief: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "PAGE", 2)
    monkeypatch.setattr("staff.looks.AT_ONCE", 2)
    rows = [sent(make_session, worker, "=cmd()　花子") for _ in range(5)]
    for row in rows:
        viewed(make_session, worker, row)
    newest_first = [row.number for row in rows[::-1]]
    desk, path, seen = enter(chief), "/looks", ""
    while path:
        page = desk.open(path)
        seen += " ".join(lines(page))
        assert "5件" in page.html
        following = re.findall(r'href="([^"]+)">つぎのページ', page.html)
        path = following[0].replace("&amp;", "&") if following else ""
    assert re.findall(r"HB8-[\d-]+", seen) == newest_first
    assert re.findall(r"HB8-[\d-]+", " ".join(lines(desk.open("/looks/print")))) == newest_first
    answer = desk.open("/looks/list.csv")
    assert answer.response.data.startswith(b"\xef\xbb\xbf")
    head, *found = csv.reader(io.StringIO(answer.html.removeprefix("\ufeff")))
    said = [dict(zip(head, line, strict=True)) for line in found]
    assert [one["受付番号・文書番号"] for one in said] == newest_first
    assert (said[0]["世帯主"], said[0]["どこから"], said[0]["したこと"]) == (
        "'=cmd()　花子",
        "10.1.2.3",
        "届いた書類を見た",
    )
    with make_session() as session:
        events = session.scalars(
            select(LogEntry.event).where(LogEntry.event.like("looks.%")).order_by(LogEntry.seq)
        ).all()
    assert set(events) == {"looks.viewed", "looks.printed", "looks.downloaded"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("case_no=000000", "このケース番号の世帯はありません"),
        ("first=きのう", "「2026-11-19」のように書いてください"),
        ("first=2026-11-19&last=2026-11-18", "終わりの日が、はじめの日より前です"),
        ("first=2001-01-01", "10年までにしてください"),
    ],
)
@pytest.mark.parametrize("path", ["/looks", "/looks/print", "/looks/list.csv"])
def test_what_cannot_be_asked_is_said_at_its_field(
    enter: Enter, make_session: Make, chief: Staff, path: str, query: str, said: str
) -> None:
    page = enter(chief).open(f"{path}?{query}")
    assert (page.status, said in page.html) == (422, True)
    with make_session() as session:
        assert session.scalars(select(LogEntry.id).where(LogEntry.event.like("looks.%"))).all() == []


def test_an_address_that_was_cut_short_is_the_usual_page(enter: Enter, chief: Staff) -> None:
    page = enter(chief).open("/looks?staff=x&kind=nothing&behind=y")
    assert page.status == 200
    assert "この期間の記録はありません" in plain(page.html)


# ---- words ----


def in_shared() -> Iterator[tuple[str, str]]:
    """Whatever looks like an event in a module of shared that writes the journal: some are handed on by name."""
    for path in sorted((PROJECT / "shared").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if path.stem == "journal" or not re.search(r"journal\.record", source):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and EVENT.fullmatch(node.value):
                yield node.value, path.name


def in_calls() -> Iterator[tuple[str, str]]:
    """What the other rooms write down, where they do it."""
    for room in ("staff", "portal", "uploads"):
        for path in sorted((PROJECT / room).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in RECORDING:
                    for given in node.args:
                        if isinstance(given, ast.Constant) and EVENT.fullmatch(str(given.value)):
                            yield str(given.value), path.name


def test_every_event_the_code_writes_down_has_words() -> None:
    written = {event: place for event, place in (*in_shared(), *in_calls()) if not event.endswith(".csv")}
    written |= {f"bulk.{state}": "bulk.py" for state in (BulkState.DONE, BulkState.UNDONE)}
    assert len(written) > 50
    assert {event: place for event, place in written.items() if event not in EVENTS} == {}


def test_what_counts_as_a_look_has_words() -> None:
    assert set(looks.LOOKS) | set(looks.LISTS) <= EVENTS.keys()
