"""Asks ClamAV about a file: clamd over its socket, the bytes as a stream, so that it needs no right to read our disk.

Whatever is not a plain answer is no "clean".
"""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.settings import MEBIBYTE

SECONDS: Final = 60  # of silence until the scanner is taken for stuck; a 13 MB PDF takes it less than one
_PATIENCE: Final = 3  # seconds for a connection and for a sign of life
_LONGEST: Final = 4096  # bytes of an answer
_SAID: Final = re.compile(r"stream: (?:(OK)|(\S+) FOUND)")
_NOT_A_VIRUS: Final = {
    "Heuristics.Limits.": "unreadable",  # packed too deep or too large to be looked at to its end, as bombs are
    "Heuristics.Broken.": "unreadable",
    "Heuristics.Encrypted.": "locked",
}


class ScannerUnreachable(Exception):
    """Nobody answers there: no file can be scanned. Trying later helps, and it says nothing about the file."""


class ScannerFailed(Exception):
    """The scanner is there but gave no answer about this file: it is longer than StreamMaxLength, or breaks it."""


@dataclass(frozen=True)
class Found:
    """A signature that matched, and for which reason the file is refused.

    ``infected`` for every signature. ClamAV's own alarms that it could not look at the whole file are no virus: they
    are ``unreadable`` or ``locked``, and the person gets the sentence that helps.
    """

    signature: str

    @property
    def reason(self) -> str:
        return next((why for begin, why in _NOT_A_VIRUS.items() if self.signature.startswith(begin)), "infected")


def scan(clamd: str, file: Path) -> Found | None:
    """Return what the scanner at ``clamd`` found in ``file``; None if it says that the file is clean.

    :raises ScannerUnreachable: if no file could be scanned now.
    :raises ScannerFailed: if it is this file that got no answer.
    """
    with _connected(clamd) as line:
        line.settimeout(SECONDS)
        try:
            answer = _streamed(line, file)
        except TimeoutError as silence:
            # Stuck with this file, or altogether? A scanner that hangs must not cost everybody's files.
            if state(clamd) == "ok":
                raise ScannerFailed("timeout") from silence
            raise ScannerUnreachable("timeout") from silence
        except ConnectionError as broken:
            raise ScannerFailed(type(broken).__name__) from broken
    said = _SAID.fullmatch(answer)
    if said is None:
        raise ScannerFailed(answer[:100] or "no answer")
    return Found(said[2]) if said[2] else None


def state(clamd: str | None) -> str:
    """``off`` if none is configured, ``ok`` if it gives a sign of life, ``unreachable`` else."""
    if clamd is None:
        return "off"
    try:
        with _connected(clamd) as line:
            line.sendall(b"zPING\0")
            return "ok" if _answer(line) == "PONG" else "unreachable"
    except (ScannerUnreachable, OSError):
        return "unreachable"


def _streamed(line: socket.socket, file: Path) -> str:
    with file.open("rb") as stream:
        try:
            line.sendall(b"zINSTREAM\0")
            while piece := stream.read(MEBIBYTE):
                line.sendall(struct.pack("!L", len(piece)) + piece)
            line.sendall(struct.pack("!L", 0))
        except (BrokenPipeError, ConnectionResetError):
            return _answer(line)  # it hung up, and may have said why
    return _answer(line)


def _answer(line: socket.socket) -> str:
    said = b""
    while not said.endswith(b"\0") and len(said) < _LONGEST and (more := line.recv(_LONGEST)):
        said += more
    return said.rstrip(b"\0").decode("utf-8", "replace")


def _connected(clamd: str) -> socket.socket:
    scheme, _, place = clamd.partition(":")
    try:
        if scheme == "tcp":
            host, _, port = place.removeprefix("//").rpartition(":")
            return socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE)
        line = socket.socket(socket.AF_UNIX)
        try:
            line.settimeout(_PATIENCE)
            line.connect(place)
        except OSError:
            line.close()
            raise
        return line
    except (OSError, ValueError) as error:
        raise ScannerUnreachable(type(error).__name__) from error
