"""A whole office for each journey: portal, staff app, worker and queue server as processes, and a real Chromium."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import Engine

from config.office import papers, services
from config.office.children import Child, Crew
from config.office.folder import Folder
from config.settings import Settings
from shared import clock, duties, sign_in
from shared.model import Role, StaffMember
from shared.rules.months import add_months
from shared.session import sessions
from tests import factories, s3
from tests.journeys import last_seen
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone
from uploads.signing import Seals
from uploads.storage import storage_from

expect.set_options(timeout=15_000)
PASSWORD = "a long password of the office"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
WATCHES = pytest.StashKey[list[last_seen.Watch]]()


@dataclass(frozen=True)
class Town:
    """A running office: where its two doors are, and who may come in."""

    portal: str
    staff: str
    engine: Engine
    code: str  # of the letter of 見本　花子, whose report for last month is due
    neighbour: str  # the code of 別野　人子's letter
    month: date
    folder: Path
    crew: Crew

    def kill(self, name: str) -> None:
        """End a process of the office by force, with all it has started."""
        self._child(name).bury()

    def start_again(self, name: str) -> None:
        """Start what was killed, and wait until it is ready."""
        child = self._child(name)
        child.start()
        while not child.service.ready():
            assert not child.has_ended()
            time.sleep(0.05)

    def _child(self, name: str) -> Child:
        return next(child for stage in self.crew.stages for child in stage if child.service.name == name)


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium in CI")
        pytest.skip("waits for Chromium: sudo apt install chromium")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*quiet, "--lang=ja"])
        yield browser
        browser.close()


def _storage(database_url: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Beside PostgreSQL the bytes lie in S3, as on servers; beside SQLite in a folder. Only settings differ."""
    if not database_url.startswith("postgresql"):
        return {}
    return {
        "MADOGUCHI_STORAGE_URL": f"s3://{s3.BUCKET}",
        "MADOGUCHI_S3_ENDPOINT": request.getfixturevalue("s3_endpoint"),
        "MADOGUCHI_S3_ACCESS_KEY": "madoguchi",
        "MADOGUCHI_S3_SECRET_KEY": s3.SECRET,
    }


@pytest.fixture
def town(database_url: str, engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Town]:
    code, neighbour, month = _people(engine)
    folder = Folder(tmp_path / "var")
    with folder.locked(), Crew(folder.log, print) as crew:
        for place in (folder.data / "queue", folder.root / "secrets"):
            place.mkdir(parents=True, exist_ok=True)
        valkey = services.Valkey.at(folder)
        crew.start(valkey.service)
        ports = services.free_port(), services.free_port()
        chosen = {
            "MADOGUCHI_DATABASE_URL": database_url,
            "MADOGUCHI_FILE_LIMIT": "1000000",
            "MADOGUCHI_FILES_LIMIT": "3",
            "MADOGUCHI_EXIT_URL": f"http://127.0.0.1:{ports[0]}/no-letter",  # no journey leaves this machine
            "MADOGUCHI_PORTAL_URL": f"http://127.0.0.1:{ports[0]}",  # where the QR code of a certificate leads
            **_storage(database_url, request),
        }
        variables = {
            name: {**services.environ(folder, name, valkey.url), **chosen} for name in ("portal", "staff", "worker")
        }
        storage_from(Settings.from_environ(variables["worker"])).prepare()
        Seals(folder.seals).make("HB", "架空県ひばり野市福祉事務所長")
        crew.start(
            services.web("portal", ports[0], variables["portal"]),
            services.web("staff", ports[1], variables["staff"]),
            services.worker(variables["worker"]),
        )
        yield Town(
            f"http://127.0.0.1:{ports[0]}",
            f"http://127.0.0.1:{ports[1]}",
            engine,
            code,
            neighbour,
            month,
            tmp_path,
            crew,
        )


def _people(engine: Engine) -> tuple[str, str, date]:
    month = add_months(clock.today(), -1)
    with sessions(engine).begin() as session:
        office = factories.office(session)
        caseworker = factories.staff(session, login="reino", name="例野 太郎")
        colleague = factories.staff(session, login="shida", name="試田 美紀")
        clerk = factories.staff(session, Role.CLERK, login="shinami", name="品見 薫")
        for one in (caseworker, colleague, clerk):
            row = session.get_one(StaffMember, (office.id, one.staff_id))
            sign_in.set_password(session, row, PASSWORD)
        who = factories.recipient(session, factories.household(session, caseworker, case_no="100001"))
        duties.open_duty(session, office, who.household_id, who.member_id, month)
        other = factories.recipient(session, factories.household(session, colleague), name="別野　人子")
        factories.submission(session, who=other)
        return factories.letter(session, who), factories.letter(session, other), month


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say below a failure what its browsers and its office have said, while they still live."""
    report = yield
    if report.when == "call" and report.failed:
        watches: list[last_seen.Watch] = item.stash.get(WATCHES, [])
        for at, watch in enumerate(watches):
            report.sections.append((f"browser {at}", watch.report()))
        town = getattr(item, "funcargs", {}).get("town")
        if town:
            report.sections.append(("the office", last_seen.logs(Folder(town.folder / "var").log)))
            report.sections.append(("the database", last_seen.questions(town.engine)))
    return report


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """A fresh browser, as another person's would be."""
    contexts: list[BrowserContext] = []
    watches = request.node.stash.setdefault(WATCHES, [])

    def open_one(width: dict[str, int], *, script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width["width"], "height": width["height"]},
            locale="ja-JP",
            timezone_id="Asia/Tokyo",
            java_script_enabled=script,
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        watches.append(last_seen.Watch(context))
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def phone(town: Town, open_page: Callable[..., Page]) -> Phone:
    return Phone(open_page(PHONE), town.portal)


@pytest.fixture
def phone_without_script(town: Town, open_page: Callable[..., Page]) -> Phone:
    return Phone(open_page(PHONE, script=False), town.portal, script=False)


@pytest.fixture
def desk_without_script(town: Town, open_page: Callable[..., Page]) -> Desk:
    return Desk(open_page(DESK, script=False), town.staff)


@pytest.fixture
def clerk_without_script(town: Town, open_page: Callable[..., Page]) -> Desk:
    return Desk(open_page(DESK, script=False), town.staff)


@pytest.fixture
def browser_page(open_page: Callable[..., Page]) -> Page:
    return open_page(DESK)


@pytest.fixture
def desk(town: Town, open_page: Callable[..., Page]) -> Desk:
    return Desk(open_page(DESK), town.staff)


@pytest.fixture
def clerk(town: Town, open_page: Callable[..., Page]) -> Desk:
    return Desk(open_page(DESK), town.staff)


@pytest.fixture(scope="session")
def payslip() -> papers.Payslip:
    month = add_months(clock.today(), -1)
    return papers.Payslip(
        company="株式会社みほん清掃",
        name="見本　花子",
        month=month,
        paid_on=month.replace(day=25),
        days=18,
        hours=78,
        hourly_yen=1050,
        base_yen=81_900,
        commuting_yen=2_600,
        allowance_yen=900,
        employment_insurance_yen=470,
    )


@pytest.fixture
def payslip_pdf(payslip: papers.Payslip, tmp_path: Path) -> Path:
    path = tmp_path / "給与明細.pdf"
    path.write_bytes(papers.payslip_pdf(payslip))
    return path


@pytest.fixture
def payslip_photo(payslip: papers.Payslip, tmp_path: Path) -> Path:
    path = tmp_path / "IMG_0417.jpg"
    path.write_bytes(papers.payslip_photo(payslip, seed=7))
    return path


@pytest.fixture
def bright_photo(payslip: papers.Payslip, tmp_path: Path) -> Path:
    """Another photo, taken again."""
    path = tmp_path / "IMG_0418.jpg"
    path.write_bytes(papers.payslip_photo(payslip, seed=9))
    return path


@pytest.fixture
def dark_photo(payslip: papers.Payslip, tmp_path: Path) -> Path:
    path = tmp_path / "IMG_0416.jpg"
    path.write_bytes(papers.payslip_photo(payslip, seed=8, dark=True))
    return path
