"""A real clamd with signatures of our own: it knows one sign in files and nothing else of the world's viruses."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.office.services import free_port

SIGN = b"MADOGUCHI-TEST-SIGN-OF-NO-VIRUS"
SIGNATURE = "Madoguchi.Test.Sign.UNOFFICIAL"
STREAM_LIMIT = 2_000_000  # bytes; above it clamd hangs up


@dataclass(frozen=True)
class Clamd:
    """The two addresses of one scanner, as settings name them."""

    unix: str
    tcp: str


@pytest.fixture(scope="session")
def start_clamd() -> Iterator[Callable[[], tuple[Clamd, subprocess.Popen[bytes]]]]:
    """Start a clamd; what still runs at the end is ended."""
    program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no clamd in CI")
        pytest.skip("waits for ClamAV: sudo apt install clamav-daemon")
    running: list[subprocess.Popen[bytes]] = []
    # A short path: a socket's may have 107 bytes. Started by root clamd becomes another user unless told who to be.
    with tempfile.TemporaryDirectory(prefix="clamd-") as name:

        def start() -> tuple[Clamd, subprocess.Popen[bytes]]:
            folder = Path(name) / str(len(running))
            folder.mkdir()
            (folder / "signs").mkdir()
            (folder / "signs" / "ours.ndb").write_text(f"Madoguchi.Test.Sign:0:*:{SIGN.hex()}\n")
            port = free_port()
            (folder / "clamd.conf").write_text(
                f"Foreground yes\nLocalSocket {folder}/s\nTCPSocket {port}\nTCPAddr 127.0.0.1\n"
                f"DatabaseDirectory {folder}/signs\nStreamMaxLength {STREAM_LIMIT}\nAlertExceedsMax yes\n"
                f"MaxScanSize 1M\nMaxFileSize 1M\nTemporaryDirectory {folder}\nLogFile {folder}/log\n"
            )
            process = subprocess.Popen([program, "-c", folder / "clamd.conf"], stdout=subprocess.DEVNULL)
            running.append(process)
            clamd = Clamd(f"unix:{folder}/s", f"tcp://127.0.0.1:{port}")
            until = time.monotonic() + 30
            while not _answers(folder / "s"):
                assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
            return clamd, process

        yield start
        for process in running:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def clamd(start_clamd: Callable[[], tuple[Clamd, subprocess.Popen[bytes]]]) -> Clamd:
    """One for all tests that leave it running."""
    return start_clamd()[0]


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(place))
        except OSError:
            return False
        line.sendall(b"zPING\0")
        return line.recv(10) == b"PONG\0"
