"""What ``make sure`` asks of the code, asked by the tests too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CHECKS = {
    "the rules of ruff are kept": ["ruff", "check", "."],
    "ruff would lay nothing out differently": ["ruff", "format", "--check", "."],
    "mypy finds nothing in strict mode": ["mypy"],
}


@pytest.mark.parametrize("command", CHECKS.values(), ids=CHECKS.keys())
def test_the_tools_have_nothing_to_say(command: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-m", *command], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
