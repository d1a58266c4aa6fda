"""The made-up office, loaded once as the first start does it, with the clock of the machine."""

from __future__ import annotations

import hashlib
import itertools
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from itertools import accumulate, pairwise
from pathlib import Path

import pypdfium2
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from config import points
from config.office import demo, services
from config.office.diary import Deed, Entry, diary, months
from config.office.hibarino import PASSWORD
from config.office.wages import payslip, swapped, works
from config.settings import Settings
from shared import clock, duties, journal, queue, receipt_lists, sign_in, slips
from shared.audit import Audit
from shared.errors import NotThere
from shared.model import (
    ActorKind,
    Base,
    Claim,
    Duty,
    FileState,
    FilledForm,
    Household,
    LogEntry,
    Member,
    Receipt,
    Role,
    SafeCopy,
    StaffMember,
    State,
    Step,
    StoredFile,
    Submission,
    Task,
    WelfareOffice,
    new_id,
)
from shared.model.base import UtcTime
from shared.model.states import NEXT
from shared.rules.months import is_open_day
from shared.session import engine_for, sessions
from shared.sign_in import Recipient, Staff
from uploads.storage import Storage, storage_from

CODE = re.compile(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}")
AHEAD = {"expires_at", "until", "wait_until"}  # columns that may name a moment to come


def settings_at(root: Path) -> Settings:
    """An office in ``root``, laid out as ./run does it."""
    return Settings(
        database_url=f"sqlite:///{root / 'data' / 'madoguchi.db'}",
        redis_url="redis://127.0.0.1:1",
        storage_url=f"folder:{root / 'data' / 'files'}",
        secret_key="for tests only, long enough to be accepted",
        incoming=root / "data" / "incoming",
        secure_cookies=False,
        demo=True,
        seals=root / "secrets" / "seals",
    )


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, said: list[str]) -> Settings:
    """The office, loaded. No test changes it: those that must take ``own``."""
    root = tmp_path_factory.mktemp("var")
    (root / "data").mkdir()
    shutil.copy(migrated_sqlite, root / "data" / "madoguchi.db")
    settings = settings_at(root)
    points.waiting, before = _Stumble(), points.waiting
    try:
        demo.load(settings, said.append)
    finally:
        points.waiting = before
    return settings


class _Stumble:
    """One of the jobs fails at its first try."""

    def __init__(self) -> None:
        self._held = itertools.count()

    def __call__(self, point: str) -> None:
        if point == "task.held" and next(self._held) == 20:
            raise TimeoutError("a slow machine")


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[Engine]:
    engine = engine_for(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """What is done in it is undone afterwards."""
    with sessions(engine)() as session:
        yield session


@pytest.fixture(scope="module")
def storage(settings: Settings) -> Storage:
    return storage_from(settings)


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """A copy of the database and of the sheet with the sign-ins, for one test."""
    copy = settings_at(tmp_path)
    (tmp_path / "data").mkdir()
    shutil.copy(settings.incoming.parent / "sign-ins.txt", tmp_path / "data")
    source, target = (url.database_url.removeprefix("sqlite:///") for url in (settings, copy))
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    return copy


def staff(session: Session, login: str) -> Staff:
    row = session.scalars(select(StaffMember).where(StaffMember.login == login)).one()
    return Staff(row.office_id, new_id(), row.id, row.name, row.role)


def come_in(session: Session, code: str) -> Recipient:
    token = sign_in.open_letter(session, code, shared_device=False)
    assert token is not None
    person = sign_in.recipient_of(session, token)
    assert person is not None
    return person


def codes(lines: list[str]) -> dict[str, str]:
    """The letters of the sheet: case number to code."""
    return {line.split()[0]: found[0] for line in lines if (found := CODE.search(line))}


def sha256(storage: Storage, key: str) -> str:
    with storage.open(key) as content:
        return hashlib.sha256(content.read()).hexdigest()


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return "".join(page.get_textpage().get_text_range() for page in document)


def test_it_has_sixty_households_and_a_staff_of_seven(session: Session) -> None:
    (office,) = session.scalars(select(WelfareOffice))
    assert (office.code, office.city, office.due_day) == ("HB", "ひばり野市役所", 28)
    roles = Counter(session.scalars(select(StaffMember.role)))
    assert roles == {Role.CASEWORKER: 3, Role.CLERK: 2, Role.SUPERVISOR: 1, Role.ADMINISTRATOR: 1}
    households = Counter(session.scalars(select(Household.caseworker_id)))
    assert sorted(households.values()) == [20, 20, 20]
    assert session.scalar(select(func.count()).where(Household.protected)) == 2
    districts = Counter(session.scalars(select(Household.district)))
    assert len(districts) == 6
    assert all(districts)
    heads = session.scalars(select(Member).where(Member.is_head)).all()
    assert len({head.household_id for head in heads}) == len(heads) == 60
    everybody = session.scalars(select(Member)).all()
    assert len(everybody) > 60
    assert all("　" in member.name and "　" in member.kana for member in everybody)
    names = "".join(member.name for member in everybody)
    assert all(rare in names for rare in "髙﨑𠮷")


def test_every_submission_came_where_it_stands_by_allowed_steps(session: Session) -> None:
    rows = session.scalars(select(Submission)).all()
    assert len(rows) > 60
    for row in rows:
        steps = session.scalars(select(Step).where(Step.submission_id == row.id).order_by(Step.id)).all()
        states = [State.DRAFT, *(step.became for step in steps)]
        assert [step.was for step in steps] == states[:-1]
        assert all(became in NEXT[was] for was, became in pairwise(states))
        assert row.state is states[-1]
        assert [step.at for step in steps] == sorted(step.at for step in steps)


def test_every_promised_job_is_done(session: Session) -> None:
    tasks = session.scalars(select(Task)).all()
    assert len(tasks) > 100
    assert not [(task.job, task.failed_because) for task in tasks if task.gave_up_at or not task.done_at]
    assert max(task.tries for task in tasks) > 1, "one had failed once"


def test_every_file_is_there_with_its_hash_and_a_safe_copy_of_each_page(session: Session, storage: Storage) -> None:
    files = session.scalars(select(StoredFile)).all()
    assert {file.kind for file in files} == {"pdf", "jpeg"}
    for file in files:
        assert file.state is FileState.SAFE
        assert (sha256(storage, file.key), storage.size(file.key)) == (file.sha256, file.size)
        pages = session.scalars(select(SafeCopy).where(SafeCopy.file_id == file.id)).all()
        assert len(pages) == file.pages
        for page in pages:
            assert (sha256(storage, page.key), storage.size(page.key)) == (page.sha256, page.size)
            assert storage.size(page.thumb_key) > 0


def test_every_certificate_is_drawn_and_its_hash_is_right(session: Session, storage: Storage) -> None:
    receipts = session.scalars(select(Receipt)).all()
    receipted = select(func.count()).where(Submission.state == State.RECEIPTED)
    assert len(receipts) > 40
    assert len(receipts) == session.scalar(receipted)
    for receipt in receipts:
        assert receipt.pdf_key is not None
        assert sha256(storage, receipt.pdf_key) == receipt.pdf_sha256


def test_the_journal_is_whole_and_its_clock_goes_back_by_minutes_at_most(session: Session) -> None:
    office_id = session.scalars(select(WelfareOffice.id)).one()
    audit = Audit(session, session.get_one(WelfareOffice, office_id), lambda _head: None)
    assert list(audit.damage()) == [], "each step of a year has its entry, and each entry its rows"
    assert (audit.entries, audit.older) == (journal.length(session, office_id), 0)
    # The machine has two hands, each with a clock of the past that it tells of: people wait for neither.
    people = LogEntry.actor_kind != ActorKind.MACHINE
    moments = session.scalars(select(LogEntry.at).where(people).order_by(LogEntry.seq)).all()
    assert len(moments) > 200
    # What led to a decision is told with the decision: somebody had it in hand some minutes before.
    assert all(
        at > latest - timedelta(minutes=10) for latest, at in zip(accumulate(moments, max), moments, strict=True)
    )


def test_numbers_were_given_in_the_order_of_arrival(session: Session) -> None:
    arrived = select(Submission.number).where(Submission.number.is_not(None)).order_by(Submission.arrived_at)
    by_year: dict[str, list[str]] = {}
    for number in session.scalars(arrived):
        assert number is not None
        by_year.setdefault(number.split("-")[0], []).append(number)
    for numbers in by_year.values():
        assert numbers == sorted(numbers)
        assert numbers[-1].split("-")[1] == f"{len(numbers):05}"


def test_nothing_lies_in_the_future(session: Session) -> None:
    columns = [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, UtcTime) and column.name not in AHEAD
    ]
    assert len(columns) > 25
    newest = {str(column): session.scalar(select(func.max(column))) for column in columns}
    assert {name: moment for name, moment in newest.items() if moment and moment > clock.now()} == {}


def test_the_newest_month_has_something_of_everything(session: Session) -> None:
    newest = months(clock.today())[-1]
    states = Counter(session.scalars(select(Submission.state).where(Submission.month == newest)))
    assert states == {
        State.RECEIPTED: 4,
        State.ACCEPTED: 3,
        State.WAITING: 10,
        State.RETURNED: 2,
        State.DRAFT: 1,
    }
    assert session.scalar(select(func.count()).select_from(Duty).where(Duty.month == newest)) == 23
    assert session.scalar(select(func.count()).select_from(Claim)) == 0


def test_each_caseworker_has_a_queue_and_a_correction_that_came_back_stands_first(session: Session) -> None:
    queues = [queue.waiting(session, staff(session, login)) for login in ("reino", "shida", "kariyama")]
    assert [len(rows) for rows in queues] == [4, 3, 3]
    assert [row.version_no for row in queues[0]] == [2, 1, 1, 1]
    assert all(row.files and row.holder is None for rows in queues for row in rows)
    assert len(receipt_lists.ready(session, staff(session, "shinami"))) == 3


def test_a_report_may_differ_from_its_payslip(session: Session, storage: Storage) -> None:
    differs = []
    for row in queue.waiting(session, staff(session, "reino")):
        found = slips.slip(session, session.get_one(Submission, (staff(session, "reino").office_id, row.id)))
        for file in found.files:
            if file.kind == "pdf":
                key = session.scalars(select(StoredFile.key).where(StoredFile.id == file.id)).one()
                with storage.open(key) as pdf:
                    gross = next(said.answer for said in found.said if said.id == "jobs-0-gross_yen")
                    differs.append(f"総支給額 {gross:,}" not in text_of(pdf.read()))
    assert Counter(differs) == {True: 1, False: 1}


def test_amounts_are_those_of_people_who_work_some_hours(session: Session) -> None:
    jobs = [job for answers in session.scalars(select(FilledForm.answers)) for job in answers.get("jobs", ())]
    amounts = [job["gross_yen"] for job in jobs if "gross_yen" in job]
    assert amounts
    assert all(30_000 < amount < 250_000 for amount in amounts)


def test_all_roles_are_listed_and_their_password_opens(settings: Settings, session: Session) -> None:
    lines = demo.sign_ins(settings)
    listed = [line.split() for line in lines if line.startswith("    ") and PASSWORD in line]
    assert len(listed) == 7
    for word in ("caseworker", "supervisor", "clerk", "administrator"):
        assert word in {words[-1] for words in listed}
    assert isinstance(sign_in.enter_password(session, listed[0][0], PASSWORD), str)
    assert (settings.incoming.parent / "sign-ins.txt").stat().st_mode & 0o777 == 0o600


def test_three_letters_open_and_lead_to_what_they_promise(settings: Settings, session: Session) -> None:
    letters = codes(demo.sign_ins(settings))
    assert list(letters) == ["1001", "1002", "1003"]
    today = clock.today()
    newest = months(today)[-1]
    people = {case_no: come_in(session, code) for case_no, code in letters.items()}
    hanako, nguyen, ichiro = people.values()
    assert hanako.name == "見本　花子"
    (due,) = duties.to_do(session, hanako, today)
    assert (due.month, due.draft_id) == (newest, None)
    assert [row.state for row in slips.sent_by(session, hanako)] == [State.RECEIPTED, State.RECEIPTED]
    (begun,) = duties.to_do(session, nguyen, today)
    assert (begun.month, begun.answered) == (newest, 3)
    assert duties.to_do(session, ichiro, today) == []
    assert slips.sent_by(session, ichiro)[0].state is State.RETURNED


def test_a_letter_that_was_used_says_so_at_the_next_start(own: Settings) -> None:
    engine = engine_for(own.database_url)
    with sessions(engine).begin() as session:
        come_in(session, codes(demo.sign_ins(own))["1001"])
    lines = demo.sign_ins(own)
    after = lines[next(n for n, line in enumerate(lines) if "1001" in line) + 1]
    assert "Used." in after
    assert f"config.office invite 1001 --var {own.incoming.parent.parent}" in after
    assert sum("Used" in line for line in lines) == 1
    with sessions(engine).begin() as session, clock.at(clock.now() + timedelta(minutes=1)):
        sign_in.choose_pin(session, come_in(session, codes(demo.sign_ins(own))["1002"]), "hibari-417")
    assert sum("PIN" in line for line in demo.sign_ins(own)) == 1
    with clock.at(clock.now() + timedelta(days=61)):
        assert sum("Expired." in line for line in demo.sign_ins(own)) == 1
    engine.dispose()


def test_a_new_letter_opens_ends_the_old_one_and_says_nothing_to_whoever_finds_it(own: Settings) -> None:
    old = codes(demo.sign_ins(own))["1003"]
    code = demo.invite(own, "1003", portal="http://127.0.0.1:8123/")
    engine = engine_for(own.database_url)
    with sessions(engine)() as session:
        assert come_in(session, code).name == "架空　一郎"
    engine.dispose()
    letter = demo.letter_path(own, "1003")
    assert letter == own.incoming.parent.parent / "letters" / "1003.pdf"
    assert letter.stat().st_mode & 0o777 == 0o600
    text = text_of(letter.read_bytes())
    assert code in text
    assert "http://127.0.0.1:8123/" in text
    assert "生活保護" not in text
    assert "福祉事務所" not in text
    assert codes(demo.sign_ins(own))["1003"] == code != old


def test_somebody_who_has_never_had_a_letter_can_get_one(own: Settings) -> None:
    """By the command, beside whatever else runs on the folder."""
    root = own.incoming.parent.parent
    command = [sys.executable, "-m", "config.office", "invite", "1060", "--var", str(root)]
    ran = subprocess.run(command, cwd=services.PROJECT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    found = CODE.search(ran.stdout)
    assert found is not None
    assert str(root / "letters" / "1060.pdf") in ran.stdout
    engine = engine_for(own.database_url)
    with sessions(engine)() as session:
        assert duties.to_do(session, come_in(session, found[0]), clock.today()) == []
    engine.dispose()


@pytest.mark.parametrize(("case_no", "office"), [("9999", True), ("1001", False)])
def test_a_letter_for_nobody_is_one_sentence(own: Settings, tmp_path: Path, case_no: str, office: bool) -> None:
    root = tmp_path if office else tmp_path / "elsewhere"
    command = [sys.executable, "-m", "config.office", "invite", case_no, "--var", str(root)]
    ran = subprocess.run(command, cwd=services.PROJECT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ("9999" if office else "./run") in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_its_sheet_it_says_how_to_get_a_letter(own: Settings) -> None:
    (own.incoming.parent / "sign-ins.txt").unlink()
    (line,) = demo.sign_ins(own)
    assert "config.office invite" in line
    with pytest.raises(NotThere):
        demo.invite(own, "0000")


def test_progress_is_told_in_a_few_sentences(said: list[str], settings: Settings) -> None:
    assert 5 <= len(said) <= 12
    assert any(re.search(r"\d+/\d+", sentence) for sentence in said)


def told(today: date, seed: int) -> list[Entry]:
    endings = {work.case_no: [story.ending if story else None for story in work.stories] for work in works()}
    return diary(today, endings, random.Random(seed))


def test_on_any_day_everything_has_happened_before_it_in_a_believable_order() -> None:
    """Every other day of four years: month ends, holidays, the turn of a year, a leap day."""
    for count in range(0, 4 * 366, 2):
        today = date(2026, 1, 1) + timedelta(days=count)
        last: dict[tuple[str, date], Entry] = {}
        for entry in told(today, count):
            at = entry.at.astimezone(clock.TOKYO)
            assert at.date() < today
            if entry.deed in (Deed.ACCEPT, Deed.SEND_BACK, Deed.LOOK, Deed.ISSUE):
                assert is_open_day(at.date())
                assert 9 <= at.hour < 17
                assert last[entry.case_no, entry.month].at.date() < at.date()
            if entry.deed is Deed.SEND:
                assert entry.month < at.date()
                assert last[entry.case_no, entry.month].deed is Deed.DUTY
            last[entry.case_no, entry.month] = entry


@pytest.mark.parametrize("month", range(1, 13))
def test_nobody_sends_a_payslip_before_payday(month: int) -> None:
    """Also on the first of a month, when the newest reports are but days old."""
    working = {work.case_no: work for work in works()}
    for entry in told(date(2027, month, 1), month):
        if entry.deed is Deed.SEND:
            sent = entry.at.astimezone(clock.TOKYO).date()
            paid = payslip(working[entry.case_no], "見本　花子", entry.month, before=sent).paid_on
            assert paid < sent
            assert (paid.year, paid.month) == (entry.month.year, entry.month.month)
            assert is_open_day(paid)


def test_the_same_day_and_seed_tell_the_same_story() -> None:
    assert told(date(2027, 3, 1), 1) == told(date(2027, 3, 1), 1) != told(date(2027, 3, 1), 2)


@pytest.mark.parametrize(("yen", "typed"), [(85_400, 84_500), (84_400, 84_300), (100_500, 101_500), (72_072, 70_272)])
def test_two_digits_the_wrong_way_round(yen: int, typed: int) -> None:
    assert swapped(yen) == typed
