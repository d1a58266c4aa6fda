"""Log lines help those who keep the servers, and never stand in anybody's way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.log import log

PROGRAM = """
from config.log import configure, log
configure("test")
log("worker.started")
print("and on it goes")
"""


def test_a_full_log_disk_takes_an_answer_from_nobody() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=full, text=True, timeout=60, check=False
        )
    assert done.stdout == "and on it goes\n"


def test_an_event_that_nobody_listed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"made\.up"):
        log("made.up")
