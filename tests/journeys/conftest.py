"""A whole office for each journey: portal, staff app, worker and queue server as processes, and a real Chromium."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import Engine, NullPool, create_engine, text

from config.office import papers, services
from config.office.children import Child, Crew
from config.office.folder import Folder
from config.settings import Settings
from shared import clock, duties, sign_in
from shared.model import Role, StaffMember
from shared.rules.months import add_months
from shared.session import sessions
from tests import factories, s3
from tests.conftest import delete_all_rows
from tests.journeys.desk import Desk
from tests.journeys.phone import Phone
from uploads.signing import Seals
from uploads.storage import storage_from

expect.set_options(timeout=15_000)
PASSWORD = "a long password of the office"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@dataclass(frozen=True)
class Town:
    """A running office: where its two doors are, and who may come in."""

    portal: str
    staff: str
    engine: Engine
    code: str  # of the letter of 見本　花子, whose report for last month is due
    neighbour: str  # the code of 別野　人子's letter
    month: date
    house: House

    @property
    def folder(self) -> Path:
        return self.house.root

    @property
    def crew(self) -> Crew:
        return self.house.crew

    def kill(self, name: str) -> None:
        """End a process of the office by force, with all it has started."""
        self.house.kill(name)

    def start_again(self, name: str) -> None:
        """Start what was killed, and wait until it is ready."""
        self.house.start_again(name)


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


@dataclass
class House:
    """An office that runs from one journey to the next: to start it takes as long as many a journey."""

    root: Path
    database_url: str
    ports: tuple[int, int]
    crew: Crew
    empty_database: Callable[[], None]

    def make_ready(self, *, anew: bool) -> None:
        """Everybody is at work, and nothing is there yet.

        :param anew: start everybody again; the worker always is, for what it had in its hands is gone.
        """
        self._child("worker").bury()
        self.empty_database()
        for child in [child for stage in self.crew.stages for child in stage]:
            if child.service.name != "worker" and (anew or child.has_ended()):
                child.bury()
                child.start()
                self.wait_for(child)

    def open_again(self) -> None:
        """The worker comes when the people are there: at its start it looks after every office."""
        self._child("worker").start()

    def start_again(self, name: str) -> None:
        child = self._child(name)
        child.start()
        self.wait_for(child)

    def kill(self, name: str) -> None:
        self._child(name).bury()

    @staticmethod
    def wait_for(child: Child) -> None:
        while not child.service.ready():
            assert not child.has_ended()
            time.sleep(0.05)

    def _child(self, name: str) -> Child:
        return next(child for stage in self.crew.stages for child in stage if child.service.name == name)


def _bytes_of(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Beside PostgreSQL the bytes lie in S3, as on servers; beside SQLite in a folder. Only settings differ."""
    if kind != "postgresql":
        return {}
    return {
        "MADOGUCHI_STORAGE_URL": f"s3://{s3.BUCKET}",
        "MADOGUCHI_S3_ENDPOINT": request.getfixturevalue("s3_endpoint"),
        "MADOGUCHI_S3_ACCESS_KEY": "madoguchi",
        "MADOGUCHI_S3_SECRET_KEY": s3.SECRET,
    }


def _rows_of(kind: str, root: Path, request: pytest.FixtureRequest) -> tuple[str, Callable[[], None]]:
    """A migrated database, and what empties it while others hold it open."""
    if kind == "sqlite":
        template: Path = request.getfixturevalue("migrated_sqlite")
        database = root / "office.db"
        shutil.copy(template, database)

        def copy_anew() -> None:
            with closing(sqlite3.connect(template)) as empty, closing(sqlite3.connect(database, timeout=30)) as used:
                empty.backup(used)

        return f"sqlite:///{database}", copy_anew
    url: str = request.getfixturevalue("make_postgresql")(request.getfixturevalue("migrated_postgresql"))

    def delete_all() -> None:
        admin = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection, connection.begin():
            delete_all_rows(connection)
            # As in a new database: plans made for what was there lead astray, and what was deleted is in the way.
            connection.execute(text("VACUUM ANALYZE"))

    return url, delete_all


@contextmanager
def _house(kind: str, root: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    database_url, empty_database = _rows_of(kind, root, request)
    folder = Folder(root / "var")
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
            **_bytes_of(kind, request),
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
        yield House(root, database_url, ports, crew, empty_database)


@pytest.fixture(scope="session")
def houses(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], House]]:
    running: dict[str, House] = {}
    with ExitStack() as held:

        def house(kind: str) -> House:
            if kind not in running:
                running[kind] = held.enter_context(_house(kind, tmp_path_factory.mktemp("house"), request))
            return running[kind]

        yield house


@pytest.fixture
def house(request: pytest.FixtureRequest, houses: Callable[[str], House]) -> House:
    house, failed = houses(request.param), request.session.testsfailed
    house.make_ready(anew=failed != _failed_before.get(house.database_url, failed))
    _failed_before[house.database_url] = failed
    return house


_failed_before: dict[str, int] = {}


@pytest.fixture
def database_url(house: House) -> str:
    return house.database_url


@pytest.fixture
def town(house: House, engine: Engine) -> Town:
    code, neighbour, month = _people(engine)
    house.open_again()
    doors = [f"http://127.0.0.1:{port}" for port in house.ports]
    return Town(doors[0], doors[1], engine, code, neighbour, month, house)


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


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A fresh browser, as another person's would be."""
    contexts: list[BrowserContext] = []

    def open_one(width: dict[str, int], *, script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width["width"], "height": width["height"]},
            locale="ja-JP",
            timezone_id="Asia/Tokyo",
            java_script_enabled=script,
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
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
