"""The arrows between the rooms: the contracts stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def test_every_import_contract_is_kept() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "0 broken" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr
