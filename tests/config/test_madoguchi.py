"""``./madoguchi``, run as the keeper of an office runs it: on servers by the environment, on one desk by its folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from config.office import services
from config.office.children import Crew
from config.office.folder import Folder
from config.settings import Settings
from shared import clock
from shared.model import Duty, DutyKind, DutyRule, Situation, SweepRun, WelfareOffice
from shared.rules.months import add_months
from shared.session import engine_for, sessions
from tests import factories
from uploads.storage import MARKER, FolderStorage

OFFICE = [
    *("add-office", "KK", "--name", "架空市福祉事務所", "--title", "架空市福祉事務所長", "--city", "架空市役所"),
    *("--counter", "2番窓口", "--phone", "00-0000-0001", "--document-prefix", "架福"),
]


@dataclass
class Keeper:
    """Somebody at a terminal, in some folder."""

    environ: dict[str, str]
    here: Path

    def says(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(services.PROJECT / "madoguchi"), *arguments]
        return subprocess.run(
            command, env=self.environ, cwd=self.here, capture_output=True, text=True, timeout=60, check=False
        )


def bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MADOGUCHI_")}


@pytest.fixture
def keeper(settings: Settings, database_url: str, tmp_path: Path) -> Keeper:
    """The keeper of servers, as the owner of the tables. The queue server is away."""
    chosen = {
        "MADOGUCHI_DATABASE_URL": database_url,
        "MADOGUCHI_REDIS_URL": settings.redis_url,
        "MADOGUCHI_STORAGE_URL": settings.storage_url,
        "MADOGUCHI_INCOMING": str(settings.incoming),
        "MADOGUCHI_SECRET_KEY": settings.secret_key,
    }
    return Keeper({**bare(), **chosen}, tmp_path)


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "files")


@pytest.fixture
def desk(tmp_path: Path, migrated_sqlite: Path) -> tuple[Keeper, Folder]:
    """The keeper of one desk, whose office ./run has made and stopped."""
    folder = Folder(tmp_path / "var")
    with folder.first_time():
        shutil.copy(migrated_sqlite, folder.database)
        FolderStorage(folder.data / "files").prepare()
    return Keeper(bare(), tmp_path), folder


def stray(storage: FolderStorage, tmp_path: Path) -> str:
    key = f"original/{uuid4()}"
    (tmp_path / "coming").write_bytes(b"x")
    storage.put(key, tmp_path / "coming", "application/pdf")
    return key


def test_help_tells_every_verb(keeper: Keeper) -> None:
    done = keeper.says("--help")
    assert done.returncode == 0
    for verb in ("migrate", "add-office", "add-staff", "add-household", "invite", "sweep", "work", "duties"):
        assert f"  {verb} " in done.stdout
    assert "--fix" in keeper.says("sweep", "--help").stdout


def test_a_sweep_ends_with_0_where_all_is_well_and_with_1_where_anything_was_found(
    keeper: Keeper, storage: FolderStorage, tmp_path: Path
) -> None:
    done = keeper.says("sweep")
    assert (done.returncode, done.stdout) == (0, "")
    assert "all is well" in done.stderr
    assert "queue server not asked" in done.stderr
    key = stray(storage, tmp_path)
    assert keeper.says("sweep").returncode == 0  # too young
    done = keeper.says("sweep", "--young", "0")
    assert (done.returncode, done.stdout) == (1, f"bytes_without_row  {key}\n")
    done = keeper.says("sweep", "--young", "0", "--fix", "--quick")
    assert (done.returncode, done.stdout) == (1, f"bytes_without_row  {key}  mended\n")
    assert "found: 1 bytes_without_row; mended: 1" in done.stderr
    assert '"event": "sweep.found"' in done.stderr
    assert keeper.says("sweep", "--young", "0").returncode == 0
    engine = engine_for(keeper.environ["MADOGUCHI_DATABASE_URL"])
    with sessions(engine)() as session:
        assert [run.mended for run in session.scalars(select(SweepRun).order_by(SweepRun.at))] == [0, 0, 0, 1, 0]
    engine.dispose()


def test_a_sweep_that_cannot_run_says_why_and_ends_with_2(keeper: Keeper, tmp_path: Path, database_url: str) -> None:
    (tmp_path / "files").rename(tmp_path / "unplugged")
    done = keeper.says("sweep", "--fix")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Is its disk mounted?" in done.stderr
    (tmp_path / "unplugged").rename(tmp_path / "files")
    keeper.environ["MADOGUCHI_DATABASE_URL"] = database_url + "_gone"
    done = keeper.says("sweep")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the database cannot be asked" in done.stderr
    del keeper.environ["MADOGUCHI_STORAGE_URL"]
    done = keeper.says("sweep")
    assert done.returncode == 2
    assert "MADOGUCHI_STORAGE_URL is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_prepares_a_new_storage_and_refuses_one_that_should_not_be_empty(
    keeper: Keeper, storage: FolderStorage, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "files")
    assert keeper.says("migrate").returncode == 0
    storage.check()
    engine = engine_for(keeper.environ["MADOGUCHI_DATABASE_URL"])
    with sessions(engine).begin() as session:
        who = factories.recipient(session)
        factories.file(session, who, factories.draft(session, who))
    engine.dispose()
    (tmp_path / "files" / MARKER).unlink()
    done = keeper.says("migrate")
    assert done.returncode == 1
    assert "Is its disk mounted?" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "files").iterdir()) == []


def test_without_settings_it_keeps_the_office_of_the_folder(desk: tuple[Keeper, Folder], tmp_path: Path) -> None:
    keeper, folder = desk
    key = stray(FolderStorage(folder.data / "files"), tmp_path)
    done = keeper.says("--var", "var", "sweep", "--young", "0")
    assert (done.returncode, done.stdout) == (1, f"bytes_without_row  {key}\n")
    assert "queue server not asked" in done.stderr
    done = keeper.says("--var", "var", *OFFICE)
    assert done.returncode == 0, done.stderr
    engine = engine_for(f"sqlite:///{folder.database}")
    with sessions(engine)() as session:
        assert session.scalars(select(WelfareOffice.code)).all() == ["KK"]
    engine.dispose()


def test_where_there_is_neither_it_says_what_is_missing(tmp_path: Path) -> None:
    done = Keeper(bare(), tmp_path).says("--var", "nowhere", "sweep")
    assert done.returncode == 2
    assert " is not set. See docs/config.md" in done.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("deep", [False, True])
def test_it_reaches_the_queue_server_of_a_running_office(
    desk: tuple[Keeper, Folder], deep: bool, tmp_path: Path
) -> None:
    """Also where the folder's path is too long for a socket."""
    keeper, folder = desk
    if deep:
        folder = Folder(tmp_path / ("d" * 60) / ("e" * 60))
        shutil.copytree(tmp_path / "var", folder.root)
    with folder.locked(), Crew(folder.log, print) as crew:
        crew.start(services.Valkey.at(folder).service)
        done = keeper.says("--var", str(folder.root), "sweep")
    assert (done.returncode, done.stdout) == (0, "")
    assert "queue server not asked" not in done.stderr


def test_duties_are_opened_in_every_office_once(keeper: Keeper, settings: Settings) -> None:
    assert keeper.says(*OFFICE).returncode == 0
    engine = engine_for(settings.database_url)
    with sessions(engine).begin() as session:
        office_id = session.scalars(select(WelfareOffice.id)).one()
        assert {rule.kind for rule in session.scalars(select(DutyRule))} >= {DutyKind.INCOME_REPORT}
        session.execute(update(DutyRule).values(from_month=date(2025, 4, 1)))
        home = factories.household(session, factories.staff(session, office_id=office_id))
        factories.recipient(session, home, situation=Situation.WORKING)
    month = add_months(clock.today(), -1)
    asked = ["duties", "--month", f"{month:%Y-%m}"]
    dry = keeper.says(*asked, "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, "HB  0\nKK  1\n")
    assert "would open: 1" in dry.stderr
    said = [keeper.says(*asked) for _ in range(2)]
    assert [(one.returncode, one.stdout) for one in said] == [(0, "HB  0\nKK  1\n"), (0, "HB  0\nKK  0\n")]
    assert ["opened: 1" in one.stderr for one in said] == [True, False]
    for wrong, sentence in (("October", "2026-10"), ("2099-01", "not begun"), ("2020-01", "long ago")):
        refused = keeper.says("duties", "--month", wrong)
        assert refused.returncode == 2
        assert sentence in refused.stderr
        assert "Traceback" not in refused.stderr
    with sessions(engine)() as session:
        assert session.scalars(select(Duty.month)).all() == [month]
    engine.dispose()


def test_duties_without_a_database_are_one_sentence(keeper: Keeper) -> None:
    nowhere = {"MADOGUCHI_DATABASE_URL": "postgresql+psycopg://x@127.0.0.1:1/x"}
    done = Keeper({**keeper.environ, **nowhere}, keeper.here).says("duties")
    assert done.returncode == 1
    assert "cannot be asked" in done.stderr
    assert "Traceback" not in done.stderr
