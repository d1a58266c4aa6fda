"""./run and ./test up to the point where they hand over to Python, in copies of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from config.office.services import PROJECT

SYSTEM = "/usr/bin:/bin"
PYTHONS = ("python3", "python3.11", "python3.12", "python3.13")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the two commands need, in a folder with a name that needs quoting."""
    folder = tmp_path / "窓口 copy"
    (folder / "config").mkdir(parents=True)
    for name in ("run", "test", "config/install.sh"):
        shutil.copy(PROJECT / name, folder / name)
    shutil.copytree(PROJECT / "config" / "lock", folder / "config" / "lock")
    return folder


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A folder in front of the system's programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def fake(folder: Path, name: str, body: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def start(folder: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": SYSTEM, "HOME": str(folder), "LANG": "C.UTF-8", **environ}
    return subprocess.run(
        command,
        cwd="/",
        env=variables,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def is_one_sentence(ran: subprocess.CompletedProcess[str], japanese: str, english: str) -> bool:
    """A failure said once in each language, and nothing else on standard error."""
    lines = ran.stderr.splitlines()
    return ran.returncode != 0 and len(lines) == 2 and japanese in lines[0] and english in lines[1]


@pytest.mark.parametrize("script", ["run", "test", "config/install.sh"])
def test_the_scripts_are_plain_sh(script: str) -> None:
    assert subprocess.run(["/bin/sh", "-n", PROJECT / script], check=False).returncode == 0


def test_the_commands_can_be_run() -> None:
    assert [name for name in ("run", "test", ".ci/run") if not os.access(PROJECT / name, os.X_OK)] == []


def test_help_installs_nothing(copy: Path) -> None:
    ran = start(copy, str(copy / "run"), "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "--portal-port" in ran.stdout
    assert sorted(path.name for path in copy.iterdir()) == ["config", "run", "test"]


@pytest.mark.parametrize("command", ["run", "test"])
def test_an_old_python_is_named(copy: Path, bin_folder: Path, command: str) -> None:
    for name in PYTHONS:
        fake(bin_folder, name, "case $2 in *print*) echo 3.8.18 ;; *) exit 1 ;; esac")
    ran = start(copy, str(copy / command), PATH=f"{bin_folder}:{SYSTEM}")
    assert is_one_sentence(ran, "Python 3.11 以上が必要です（見つかったもの：3.8.18）", "(found: 3.8.18)")


def test_no_python_at_all_is_said(copy: Path, bin_folder: Path) -> None:
    for name in PYTHONS:
        fake(bin_folder, name, "exit 127")
    ran = start(copy, str(copy / "run"), PATH=f"{bin_folder}:{SYSTEM}")
    assert is_one_sentence(ran, "Python 3.11 以上が必要です（見つかったもの：なし）", "(found: none)")


def test_a_python_without_venv_is_told_what_to_install(copy: Path, bin_folder: Path) -> None:
    for name in PYTHONS:
        fake(bin_folder, name, "case $2 in *venv*) exit 1 ;; *print*) echo 3.11.2 ;; esac")
    ran = start(copy, str(copy / "run"), PATH=f"{bin_folder}:{SYSTEM}")
    assert is_one_sentence(ran, "sudo apt install python3-venv", "sudo apt install python3-venv")


def test_too_little_disk_is_said_before_anything_is_fetched(copy: Path, bin_folder: Path) -> None:
    fake(bin_folder, "df", "echo Filesystem; echo /dev/vda 9 9 1400000 99% /")
    ran = start(copy, str(copy / "run"), PATH=f"{bin_folder}:{_pythons()}:{SYSTEM}")
    assert is_one_sentence(ran, "ディスクの空きが足りません", "Not enough free disk space")
    assert not (copy / ".venv-tools").exists()


def test_no_network_is_one_sentence_with_the_details_in_the_log(copy: Path) -> None:
    ran = start(
        copy,
        str(copy / "run"),
        PATH=f"{_pythons()}:{SYSTEM}",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_CONFIG_FILE="/dev/null",
    )
    assert is_one_sentence(ran, "インターネットにつながらない", "No network")
    assert "[1/3]" in ran.stdout
    assert "127.0.0.1" in (copy / "var" / "log" / "install.log").read_text()
    assert not (copy / ".venv" / "installed").exists()


def test_a_disk_that_fills_up_on_the_way_is_said(copy: Path, bin_folder: Path) -> None:
    for name in PYTHONS:
        fake(
            bin_folder,
            name,
            'case $2 in *print*) echo 3.11.9 ;; venv) echo "OSError: No space left on device" >&2; exit 1 ;; esac',
        )
    ran = start(copy, str(copy / "run"), PATH=f"{bin_folder}:{SYSTEM}")
    assert is_one_sentence(ran, "ディスクの空きが足りません", "disk is full")


def test_what_is_installed_is_not_installed_again_and_a_test_place_serves_both(copy: Path) -> None:
    """With a stand-in for .venv/bin/python, which says what it is asked."""
    (copy / ".venv" / "bin").mkdir(parents=True)
    fake(copy / ".venv" / "bin", "python", '[ "$1" = -V ] && echo Python 3.11.9 || echo "asked: $*"')
    key = 'cd "$1" && . ./config/install.sh && printf "%s %s" "$(mark test)" "$(.venv/bin/python -V)" >.venv/installed'
    assert start(copy, "/bin/sh", "-c", key, "sh", str(copy)).returncode == 0
    ran = start(copy, str(copy / "run"), "--portal-port", "8123")
    assert (ran.stdout, ran.stderr) == ("asked: -m config.office run --portal-port 8123\n", "")
    ran = start(copy, str(copy / "test"), "-k", "a b", CHROMIUM="/somewhere")
    assert (ran.stdout, ran.stderr) == ("asked: -m pytest -k a b\n", "")


def test_without_chromium_a_line_says_what_waits_and_ci_fails(copy: Path, bin_folder: Path) -> None:
    for name in ("sh", "dirname", "cat"):
        (bin_folder / name).symlink_to(shutil.which(name, path=SYSTEM) or name)
    for name in PYTHONS:
        fake(bin_folder, name, "exit 127")
    at_home = start(copy, "/bin/sh", str(copy / "test"), PATH=str(bin_folder))
    assert "apt install chromium" in at_home.stdout
    assert "tests/journeys" in at_home.stdout
    assert "Python 3.11" in at_home.stderr  # it went on
    in_ci = start(copy, "/bin/sh", str(copy / "test"), PATH=str(bin_folder), CI="true")
    assert is_one_sentence(in_ci, "CI では失敗", "failure in CI")


def _pythons() -> str:
    """The folder of the Python that runs the tests: the system's own may be too old or bare."""
    import sys

    return str(Path(sys.base_prefix) / "bin")
