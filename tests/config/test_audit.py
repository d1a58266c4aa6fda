"""docs/audit.md, done by its own words: each block of it runs as it stands there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, delete, text, update
from sqlalchemy.orm import Session, sessionmaker

from config.office import services
from config.settings import Settings
from shared import audit_rows, journal, log_tree
from shared.model import Actor, LogEntry, LogNode
from tests import factories
from tests.config.test_madoguchi import Keeper, bare
from uploads.signing import Seals
from uploads.worker import tend_journals

PAGE = services.PROJECT / "docs" / "audit.md"
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def auditor(settings: Settings, make_session: sessionmaker[Session], tmp_path: Path) -> Keeper:
    """Somebody in a folder with the office's certificates and the command."""
    seals = Seals(tmp_path / "seals")
    seals.make("HB", "架空県ひばり野市福祉事務所長")
    with make_session.begin() as session:
        office_id = factories.office(session).id
        for count in range(5):
            journal.record(session, office_id, Actor.staff(uuid4()), "thing.done", uuid4(), n=count)
    tend_journals(make_session, seals)
    here = tmp_path / "desk"
    here.mkdir()
    (here / "office.pem").write_text(seals.of("HB").pem, encoding="ascii")
    command = here / "madoguchi"  # what the one in the project's folder does, without installing first
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m config.office.madoguchi "$@"\n', encoding="ascii")
    command.chmod(0o755)
    chosen = {
        "PYTHONPATH": str(services.PROJECT),
        "MADOGUCHI_DATABASE_URL": settings.database_url,
        "MADOGUCHI_REDIS_URL": settings.redis_url,
        "MADOGUCHI_STORAGE_URL": settings.storage_url,
        "MADOGUCHI_INCOMING": str(settings.incoming),
        "MADOGUCHI_SECRET_KEY": settings.secret_key,
    }
    return Keeper({**bare(), **chosen}, here)


def run(auditor: Keeper, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=auditor.environ, cwd=auditor.here, capture_output=True, text=True, timeout=120, check=False
    )


def verify(auditor: Keeper, *options: str) -> tuple[int, list[str]]:
    said = run(auditor, "./madoguchi", "audit", "verify", *options)
    return said.returncode, said.stdout.splitlines()


def without_triggers(engine: Engine, *acts: object) -> None:
    """What the owner of the database can do."""
    with engine.begin() as connection:
        for table in ("log_entry", "log_node"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        for act in acts:
            connection.execute(act)  # type: ignore[call-overload]


def test_the_page_of_the_audit_is_true_word_for_word(auditor: Keeper) -> None:
    assert [kind for kind, _ in BLOCKS].count("sh") >= 6
    said = ""
    for kind, block in BLOCKS:
        shell = ["bash", "-euo", "pipefail", "-c"] if kind == "sh" else [sys.executable, "-c"]
        ran = run(auditor, *shell, block)
        assert ran.returncode == 0, block + ran.stderr
        said = ran.stdout
    assert (auditor.here / "head.txt").read_text(encoding="ascii").startswith("madoguchi log head 1\noffice: HB\n")
    proof = json.loads((auditor.here / "proof.json").read_text(encoding="utf-8"))
    assert (proof["office"], proof["seq"], proof["size"]) == ("HB", 4, 6)
    assert "entry 4 is in the journal of 6 entries" in said
    consistency = json.loads((auditor.here / "consistency.json").read_text(encoding="utf-8"))
    assert log_tree.Consistency(
        consistency["office"],
        log_tree.Head(**consistency["first"]),
        log_tree.Head(**consistency["second"]),
        consistency["path"],
    ).holds()


def test_every_kind_of_damage_is_in_the_table_of_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [kind.value for kind in audit_rows.Kind if f"`{kind.value}`" not in page] == []


def test_damage_is_said_line_by_line_and_by_the_exit_code(auditor: Keeper, engine: Engine) -> None:
    assert verify(auditor) == (0, [])
    without_triggers(engine, update(LogEntry).where(LogEntry.seq == 3).values(event="lie.told"))
    assert verify(auditor) == (1, ["HB  3  lie.told  changed  it is not what its hash says"])


def test_a_head_on_paper_finds_what_nothing_else_can(
    auditor: Keeper, engine: Engine, make_session: sessionmaker[Session]
) -> None:
    head = run(auditor, "./madoguchi", "audit", "head", "HB").stdout
    (auditor.here / "head.txt").write_text(head, encoding="ascii")
    without_triggers(
        engine,
        text("ALTER TABLE tree_head DISABLE TRIGGER ALL"),
        text("DELETE FROM tree_head"),
        delete(LogEntry).where(LogEntry.seq >= 5),
        text("UPDATE number_series SET next_serial = 5"),
        delete(LogNode),
    )
    with make_session.begin() as session:
        office = factories.office(session).id
        for _ in range(2):
            journal.record(session, office, Actor.staff(uuid4()), "lie.told")
        log_tree.grow(session, office)
    assert verify(auditor) == (0, [])
    status, lines = verify(auditor, "--head", "head.txt")
    assert status == 1
    (line,) = lines
    assert line.startswith("HB  1-5  -  rewritten  ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--office", "XX"), "no office has the code XX"),
        (("verify", "--head", "office.pem"), "not the text of a log head"),
        (("head", "HB", "--day", "2020-01-01"), "no head was signed on that day"),
        (("proof", "HB", "99"), "not in that tree"),
        (("consistency", "HB", "5", "3"), "the first tree"),
    ],
)
def test_what_cannot_be_done_ends_with_two_and_a_sentence(
    auditor: Keeper, arguments: tuple[str, ...], said: str
) -> None:
    ran = run(auditor, "./madoguchi", "audit", *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_a_proof_of_a_broken_journal_says_where_it_breaks(auditor: Keeper, engine: Engine) -> None:
    without_triggers(engine, delete(LogNode), update(LogEntry).where(LogEntry.seq == 3).values(event="lie.told"))
    ran = run(auditor, "./madoguchi", "audit", "proof", "HB", "1")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "the journal is broken at entry 3" in ran.stderr


def test_a_database_that_is_not_there_is_no_whole_journal(auditor: Keeper) -> None:
    auditor.environ["MADOGUCHI_DATABASE_URL"] = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    assert verify(auditor)[0] == 2
