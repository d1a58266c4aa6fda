"""Our client against a real clamd: what is clean, what is not, and what is neither."""

from __future__ import annotations

import random
import socket
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clamd import SIGN, SIGNATURE, STREAM_LIMIT, Clamd
from tests.uploads.conftest import pdf, photo
from uploads import scan as scanning
from uploads.scan import Found, ScannerFailed, ScannerUnreachable, scan, state


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "original"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("door", ["unix", "tcp"])
def test_a_clean_file_is_clean_and_a_sign_is_found_at_both_doors(
    clamd: Clamd, file: Callable[[bytes], Path], door: str
) -> None:
    address = clamd.unix if door == "unix" else clamd.tcp
    assert state(address) == "ok"
    assert scan(address, file(pdf())) is None
    assert scan(address, file(photo()[:900_000] + SIGN)) == Found(SIGNATURE)
    assert Found(SIGNATURE).reason == "infected"


def test_it_looks_into_what_is_packed(clamd: Clamd, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "packed", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inside", SIGN * 3)
    assert SIGN not in (tmp_path / "packed").read_bytes()
    assert scan(clamd.unix, tmp_path / "packed") == Found(SIGNATURE)


def test_an_empty_stream_and_one_longer_than_a_piece_are_answered(clamd: Clamd, file: Callable[[bytes], Path]) -> None:
    assert scan(clamd.unix, file(b"")) is None
    found = scan(clamd.unix, file(random.Random(1).randbytes(1_500_000)))
    assert found is not None and found.reason == "unreadable"  # over MaxFileSize: looked at in part only


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("Heuristics.Limits.Exceeded.MaxFileSize", "unreadable"),
        ("Heuristics.Broken.Media.JPEG", "unreadable"),
        ("Heuristics.Encrypted.PDF", "locked"),
        ("Heuristics.Phishing.Email.SpoofedDomain", "infected"),
        ("Win.Test.EICAR_HDB-1", "infected"),
    ],
)
def test_an_alarm_that_is_no_virus_accuses_nobody(signature: str, reason: str) -> None:
    assert Found(signature).reason == reason


@pytest.mark.parametrize("door", ["unix", "tcp"])
def test_a_file_above_the_stream_limit_is_never_clean(clamd: Clamd, file: Callable[[bytes], Path], door: str) -> None:
    with pytest.raises(ScannerFailed):
        scan(clamd.unix if door == "unix" else clamd.tcp, file(bytes(4 * STREAM_LIMIT)))
    assert state(clamd.unix) == "ok"


def test_where_nobody_listens_it_is_an_outage(tmp_path: Path, file: Callable[[bytes], Path]) -> None:
    for address in (f"unix:{tmp_path}/nobody", "tcp://127.0.0.1:1", "tcp://nonsense", "unix:"):
        assert state(address) == "unreachable"
        with pytest.raises(ScannerUnreachable):
            scan(address, file(b"anything"))
    assert state(None) == "off"


def test_a_scanner_that_ends_is_an_outage_from_then_on(
    start_clamd: Callable[[], tuple[Clamd, subprocess.Popen[bytes]]], file: Callable[[bytes], Path]
) -> None:
    clamd, process = start_clamd()
    assert scan(clamd.tcp, file(b"anything")) is None
    process.kill()
    process.wait()
    assert state(clamd.tcp) == state(clamd.unix) == "unreachable"
    with pytest.raises(ScannerUnreachable):
        scan(clamd.tcp, file(b"anything"))


def test_a_scanner_that_falls_silent_is_an_outage(
    tmp_path: Path, file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "SECONDS", 0.2)
    monkeypatch.setattr(scanning, "_PATIENCE", 0.2)
    with ExitStack() as stack:
        silent = stack.enter_context(socket.socket(socket.AF_UNIX))
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        with pytest.raises(ScannerUnreachable):
            scan(f"unix:{tmp_path}/s", file(b"anything"))
