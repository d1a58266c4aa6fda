"""The verbs that bring up an office on servers, run as its keeper would, on an empty database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pypdfium2
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import office_days, sign_in
from shared.model import (
    DutyKind,
    DutyRule,
    EarlierSituation,
    FixedText,
    FormSetting,
    Household,
    Member,
    ReceiptRule,
    SecondLookRule,
    Situation,
    WelfareOffice,
)
from shared.rules.office_days import CalendarRule, OfficeDays
from shared.session import engine_for, sessions
from staff.__main__ import main

OFFICE = [
    *("add-office", "KK", "--name", "架空市福祉事務所", "--title", "架空市福祉事務所長", "--city", "架空市役所"),
    *("--counter", "2番窓口", "--phone", "00-0000-0001", "--document-prefix", "架福"),
]
CASEWORKER = ["add-staff", "KK", "caseworker", "reino", "--name", "例野 太郎", "--password", "twelve letters"]
HOUSEHOLD = ["add-household", "KK", "1", "--caseworker", "reino", "--head", "見本　花子", "--kana", "みほん　はなこ"]
INVITE = ["invite", "KK", "1", "--address", "https://madoguchi.example/"]


@pytest.fixture
def keeper(make_postgresql: Callable[..., str], tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has just made an empty database."""
    return {
        **os.environ,
        "MADOGUCHI_DATABASE_URL": make_postgresql(),
        "MADOGUCHI_REDIS_URL": "redis://127.0.0.1:1",
        "MADOGUCHI_STORAGE_URL": f"folder:{tmp_path / 'files'}",
        "MADOGUCHI_INCOMING": str(tmp_path / "incoming"),
        "MADOGUCHI_SECRET_KEY": "for tests only, long enough to be accepted",
    }


def run(keeper: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "staff", *arguments]
    return subprocess.run(command, env=keeper, capture_output=True, text=True, timeout=60, check=False)


def test_an_office_is_brought_up_from_an_empty_database(keeper: dict[str, str], tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    for arguments in (["migrate"], ["migrate"], OFFICE, CASEWORKER, HOUSEHOLD, [*INVITE, "--letter", str(letter)]):
        done = run(keeper, *arguments)
        assert done.returncode == 0, done.stderr
    assert letter.stat().st_mode & 0o077 == 0
    document = pypdfium2.PdfDocument(letter)
    text = document[0].get_textpage().get_text_range()
    document.close()
    assert "生活保護" not in text
    assert "福祉事務所" not in text
    code = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", text)
    assert code
    engine = engine_for(keeper["MADOGUCHI_DATABASE_URL"])
    with sessions(engine).begin() as session:
        assert sign_in.open_letter(session, code[0], shared_device=False)
        assert isinstance(sign_in.enter_password(session, "reino", "twelve letters"), str)
    engine.dispose()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add-office", "hb", *OFFICE[2:]], "capital letters"),
        (["add-staff", "XX", *CASEWORKER[2:]], "no office has the code XX"),
        ([*CASEWORKER[:-1], "short"], "at least 12"),
        (HOUSEHOLD, "signs in as reino"),
        ([*INVITE, "--letter", "x.pdf"], "has no household 1"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    keeper: dict[str, str], arguments: list[str], says: str, tmp_path: Path
) -> None:
    run(keeper, "migrate")
    run(keeper, *OFFICE)
    done = subprocess.run(
        [sys.executable, "-m", "staff", *arguments],
        env={**keeper, "PYTHONPATH": str(Path.cwd())},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_setting_is_named(keeper: dict[str, str]) -> None:
    del keeper["MADOGUCHI_DATABASE_URL"]
    done = run(keeper, "migrate")
    assert done.returncode == 1
    assert "MADOGUCHI_DATABASE_URL is not set" in done.stderr


def test_how_often_something_is_due_is_set_and_never_for_the_past(keeper: dict[str, str]) -> None:
    for arguments in (["migrate"], OFFICE, CASEWORKER, [*HOUSEHOLD, "--situation", "seeking"]):
        assert run(keeper, *arguments).returncode == 0
    rule = ["duty-rule", "KK", "status_check_in", "seeking", "--every", "1", "--day", "10"]
    past = run(keeper, *rule, "--from", "2026-01")
    assert past.returncode != 0
    assert "over" in past.stderr
    assert "2026-12" in run(keeper, *rule, "--from", "soon").stderr
    assert run(keeper, *rule, "--from", "2099-01").returncode == 0
    engine = engine_for(keeper["MADOGUCHI_DATABASE_URL"])
    with sessions(engine)() as session:
        (kept,) = session.scalars(select(DutyRule).where(DutyRule.kind == DutyKind.STATUS_CHECK_IN))
        assert (kept.situation, kept.every_months, kept.due_day) == (Situation.SEEKING, 1, 10)
        assert session.scalars(select(Member.situation)).all() == [Situation.SEEKING]
    engine.dispose()


def test_an_office_asks_its_own_questions_from_a_day_on(keeper: dict[str, str], tmp_path: Path) -> None:
    for arguments in (["migrate"], OFFICE):
        assert run(keeper, *arguments).returncode == 0
    wishes = tmp_path / "check-in.json"
    setting = ["form-setting", "KK", "status_check_in", str(wishes), "--from"]
    for text, day, said in (
        ("{", "2099-01-01", "not JSON"),
        ('{"leave_out": ["dreams"]}', "2099-01-01", "leave_out"),
        ("{}", "2026-01-01", "from tomorrow"),
        ("{}", "soon", "2026-12-01"),
    ):
        wishes.write_text(text, encoding="utf-8")
        done = run(keeper, *setting, day)
        assert done.returncode != 0
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    wishes.write_text('{"add": [{"key": "own_festival", "label": "まつりに 来ますか", "short": "まつり"}]}', "utf-8")
    done = run(keeper, *setting, "2099-01-01")
    assert done.returncode == 0, done.stderr
    assert "    bad !  とても 悪いです" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "own_festival  まつりに 来ますか"
    engine = engine_for(keeper["MADOGUCHI_DATABASE_URL"])
    with sessions(engine)() as session:
        assert session.scalars(select(FormSetting.from_day)).one().year == 2099
    engine.dispose()


def test_an_office_has_danger_words_of_its_own(keeper: dict[str, str]) -> None:
    for arguments in (["migrate"], OFFICE):
        assert said(keeper, *arguments).exit_code == 0
    listed = said(keeper, "danger-words", "KK")
    assert "死にたい  命" in listed.stdout.splitlines()
    for wrong, why in (
        (["--remove", "ないことば"], "not in the list"),
        (["--add", "あ"], "two signs"),
        (["--add", "1234 5678 9018"], "12-digit"),
    ):
        refused = said(keeper, "danger-words", "KK", *wrong)
        assert (refused.exit_code, why in refused.stderr) == (1, True)
    changed = said(keeper, "danger-words", "KK", "--add", "雪かきができない", "--about", "住まい", "--remove", "DV")
    assert changed.stdout.splitlines()[-1] == "雪かきができない  住まい"
    assert "DV  暴力" not in changed.stdout.splitlines()
    assert said(keeper, "danger-words", "KK").stdout == changed.stdout


def test_one_household_may_have_a_rule_of_its_own(keeper: dict[str, str]) -> None:
    for arguments in (["migrate"], OFFICE, CASEWORKER, HOUSEHOLD):
        assert said(keeper, *arguments).exit_code == 0
    case_no = HOUSEHOLD[2]
    rule = ["duty-rule", "KK", "asset_report", "head", "--every", "12", "--first-month", "9", "--from", "2099-01"]
    assert "no household 9999" in said(keeper, *rule, "--household", "9999").stderr
    assert said(keeper, *rule, "--household", case_no).exit_code == 0
    with looking(keeper) as session:
        home = session.scalars(select(Household.id)).one()
        kept = session.scalars(select(DutyRule).where(DutyRule.from_month == date(2099, 1, 1))).one()
        assert (kept.household_id, kept.first_month, kept.situation) == (home, 9, None)


def test_what_a_member_does_and_that_she_has_left_is_noted(keeper: dict[str, str]) -> None:
    for arguments in (["migrate"], OFFICE, CASEWORKER, HOUSEHOLD):
        assert said(keeper, *arguments).exit_code == 0
    case_no, name = HOUSEHOLD[2], HOUSEHOLD[HOUSEHOLD.index("--head") + 1]
    assert said(keeper, "situation", "KK", case_no, "other").exit_code == 0
    with looking(keeper) as session:
        assert session.scalars(select(Member.situation)).all() == [Situation.OTHER]
        assert session.scalars(select(EarlierSituation.situation)).all() == [Situation.WORKING]
    nobody = said(keeper, "left", "KK", case_no, "--name", "だれか", "--on", "2026-11-30")
    assert (nobody.exit_code, "0 members called だれか" in nobody.stderr) == (1, True)
    assert "such as 2026-12-28" in said(keeper, "left", "KK", case_no, "--name", name, "--on", "きのう").stderr
    assert said(keeper, "left", "KK", case_no, "--name", name, "--on", "2026-11-30").exit_code == 0
    with looking(keeper) as session:
        assert session.scalars(select(Member.left_on)).all() == [date(2026, 11, 30)]


def test_the_offices_own_days_are_set_and_what_is_over_is_refused(keeper: dict[str, str]) -> None:
    for arguments in (["migrate"], OFFICE):
        assert said(keeper, *arguments).exit_code == 0
    done = [
        said(keeper, "closed-day", "KK", "2099-12-10", "--why", "市制記念日"),
        said(keeper, "closed-day", "KK", "2099-12-11", "--why", "庁舎の点検"),
        said(keeper, "closed-day", "KK", "2099-12-11", "--open"),
        said(keeper, "calendar", "KK", "--from", "2099-12", "--pay-day", "5"),
        said(keeper, "calendar", "KK", "--from", "2100-01", "--due", "before"),
        said(keeper, "payment-day", "KK", "2100-01", "--on", "2099-12-25"),
    ]
    assert [one.exit_code for one in done] == [0] * 6, done
    with looking(keeper) as session:
        office_id = session.scalars(select(WelfareOffice.id)).one()
        assert office_days.of(session, office_id) == OfficeDays(
            frozenset({date(2099, 12, 10)}),
            (CalendarRule(date(2099, 12, 1), False, 5), CalendarRule(date(2100, 1, 1), True, 5)),
            {date(2100, 1, 1): date(2099, 12, 25)},
        )
    for wrong, sentence in (
        (["closed-day", "KK", "2020-01-06", "--why", "x"], "that day is over"),
        (["closed-day", "KK", "2099-12-10"], "say --why"),
        (["closed-day", "KK", "Monday", "--why", "x"], "such as 2026-12-28"),
        (["calendar", "KK", "--from", "2020-01", "--pay-day", "5"], "that month is over"),
        (["calendar", "KK", "--from", "2099-12"], "say --pay-day"),
        (["payment-day", "KK", "2099-13", "--on", "2099-12-25"], "such as 2026-12"),
        (["payment-day", "KK", "2020-01", "--on", "2019-12-25"], "that day is over"),
    ):
        refused = said(keeper, *wrong)
        assert refused.exit_code in (1, 2)
        assert isinstance(refused.exception, SystemExit), "a sentence, never a traceback"
        assert sentence in refused.stderr


def said(keeper: dict[str, str], *arguments: str) -> Result:
    """``run`` without a process for each: there are many sentences."""
    return CliRunner().invoke(main, arguments, env=keeper, prog_name="python -m staff")


@contextmanager
def looking(keeper: dict[str, str]) -> Iterator[Session]:
    """What stands in the office's database."""
    engine = engine_for(keeper["MADOGUCHI_DATABASE_URL"])
    with sessions(engine)() as session:
        yield session
    engine.dispose()


def test_a_share_of_second_looks_is_set_from_the_terminal(keeper: dict[str, str]) -> None:
    for arguments in (["migrate"], OFFICE, ["second-look", "KK", "--percent", "5"]):
        assert run(keeper, *arguments).returncode == 0
    assert run(keeper, "second-look", "KK", "--percent", "5").returncode == 0
    again = run(keeper, "second-look", "KK", "--percent", "6")
    assert (again.returncode, "begin with a later day" in again.stderr) == (1, True)
    assert run(keeper, "second-look", "KK", "--percent", "6", "--from", "2026-01-01").returncode == 1
    assert run(keeper, "second-look", "KK", "--percent", "101").returncode == 2
    engine = engine_for(keeper["MADOGUCHI_DATABASE_URL"])
    with sessions(engine)() as session:
        assert session.scalars(select(SecondLookRule.percent)).all() == [5]
        assert len(session.scalars(select(FixedText.title)).all()) == 5, "a new office has the usual texts"
    engine.dispose()


def test_a_second_person_for_certificates_is_asked_for_from_the_terminal(keeper: dict[str, str]) -> None:
    for arguments in (["migrate"], OFFICE, ["receipt-rule", "KK", "--two-people"]):
        assert run(keeper, *arguments).returncode == 0
    assert run(keeper, "receipt-rule", "KK", "--two-people").returncode == 0
    again = run(keeper, "receipt-rule", "KK", "--one-person")
    assert (again.returncode, "begin with a later day" in again.stderr) == (1, True)
    assert run(keeper, "receipt-rule", "KK", "--one-person", "--from", "2026-01-01").returncode == 1
    assert run(keeper, "receipt-rule", "KK").returncode == 2, "which of the two is said, never guessed"
    engine = engine_for(keeper["MADOGUCHI_DATABASE_URL"])
    with sessions(engine)() as session:
        assert session.scalars(select(ReceiptRule.two_people)).all() == [True]
    engine.dispose()
