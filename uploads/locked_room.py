"""Where strangers' files are opened: a child process with limits, ended as a group, believed only after a look.

A crash, a hang or a bomb costs one file and ends as ``Refused("crashed")``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.settings import MEBIBYTE
from uploads.checks import Kind

_CHILD: Final = Path(__file__).with_name("locked_child.py")
_REASONS: Final = frozenset({"unreadable", "locked", "too_big", "too_many_pages"})
_MANIFEST_BYTES: Final = 64 * 1024
_JPEG: Final = b"\xff\xd8\xff"


@dataclass(frozen=True)
class SafePage:
    """One page: its picture and thumbnail, both JPEG, with the picture's pixels, bytes and SHA-256 (hex)."""

    picture: Path
    thumb: Path
    width: int
    height: int
    size: int
    sha256: str


@dataclass(frozen=True)
class SafeCopies:
    """All pages of one file, in order."""

    pages: tuple[SafePage, ...]


@dataclass(frozen=True)
class Refused:
    """No safe copy can be made. ``reason``: unreadable, locked, too_big, too_many_pages or crashed."""

    reason: str


def make_safe_copies(
    source: Path, kind: Kind, into: Path, *, seconds: int = 30, memory: int = 1024 * MEBIBYTE
) -> SafeCopies | Refused:
    """Draw the pages of ``source`` into the empty folder ``into``.

    :param seconds: of wall time and of processor time.
    :param memory: bytes of address space.
    :returns: what was made, or why nothing was; ``into`` may then hold leftovers, which are nobody's safe copy.
    :raises OSError: if ``source`` cannot be read, which is our fault and not the sender's.
    """
    source.open("rb").close()
    limits = (str(os.getpid()), str(seconds), str(memory))
    # -I: neither the environment nor the folder we happen to stand in can slip a module in.
    command = [sys.executable, "-I", str(_CHILD), *limits, str(source.absolute()), kind.value, str(into.absolute())]
    manifest = run(command, seconds)
    if manifest is None:
        return Refused("crashed")
    try:
        return _believed(json.loads(manifest), into)
    except (ValueError, TypeError, KeyError, OSError):
        return Refused("crashed")


def run(command: list[str], seconds: float) -> bytes | None:
    """Run a command in a session of its own, with nothing to read, and end everything it started.

    :returns: what it printed; None if it failed, took longer than ``seconds`` or printed more than 64 KiB.
    """
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        try:
            in_time = _ended(process.pid, time.monotonic() + seconds)
        finally:
            # Not collected yet, so its number still means it and its group, and cannot have become a stranger's.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        if not in_time or status != 0:
            return None
        printed.seek(0)
        answer = printed.read(_MANIFEST_BYTES + 1)
        return answer if len(answer) <= _MANIFEST_BYTES else None


def _ended(pid: int, deadline: float) -> bool:
    """Wait for the child without collecting it."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.005)
    return True


def _believed(manifest: Any, into: Path) -> SafeCopies | Refused:
    """Check what the child says against what lies in the folder. It may have been taken over by what it read.

    :raises ValueError: if the two differ; TypeError, KeyError or OSError if they cannot even be compared.
    """
    if "refused" in manifest:
        if manifest["refused"] not in _REASONS:
            raise ValueError("no such reason")
        return Refused(manifest["refused"])
    pages = []
    for number, facts in enumerate(manifest["pages"], start=1):
        page = SafePage(
            into / f"page-{number:03}.jpg",
            into / f"thumb-{number:03}.jpg",
            **{name: int(facts[name]) for name in ("width", "height", "size")},
            sha256=str(facts["sha256"]),
        )
        picture, thumb = _jpeg(page.picture), _jpeg(page.thumb)
        if len(picture) != page.size or hashlib.sha256(picture).hexdigest() != page.sha256 or not thumb:
            raise ValueError("the page is not the one that was announced")
        pages.append(page)
    if not pages:
        raise ValueError("no pages")
    return SafeCopies(tuple(pages))


def _jpeg(path: Path) -> bytes:
    """:raises OSError: for a symbolic link, too, which could lead to any file of ours."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        content = file.read()
    if not content.startswith(_JPEG):
        raise ValueError(f"{path.name} is not a JPEG")
    return content
