"""Where strangers' files are opened: in children of a keeper, behind every lock the kernel gives.

A crash, a hang or a bomb costs one file and ends as ``Refused("crashed")``. What comes out is believed only after a
look, because what made it may have been taken over by what it read.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from config.log import log
from config.settings import MEBIBYTE
from uploads import safe_pdf
from uploads.checks import Kind
from uploads.room_frames import FRAMES_A_PAGE, NotBelieved, facts, frames, jpeg_size
from uploads.room_locks import NONE, OUTPUT_BYTES

SECONDS: Final = 60  # a photo from an iPhone takes three on a slow machine; thirty scanned pages take twenty
MEMORY: Final = 1024 * MEBIBYTE
TEXT_LENGTH: Final = 20_000  # characters of one page
LINES: Final = 3000  # of text on one page

_SCRIPT: Final = Path(__file__).with_name("room_keeper.py")
_START_SECONDS: Final = 30
_GRACE_SECONDS: Final = 10  # for the keeper to end a child and say so
_REASONS: Final = ("unreadable", "locked", "too_big", "too_many_pages")
_END_BYTES: Final = 1024
_FACTS_BYTES: Final = 512 * 1024
_PAGES: Final = 30
_LONG_SIDE: Final = 2400
_LOOK: Final = re.compile(r"[0-9a-f]{61}")
_NO_TEXT: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class RoomClosed(OSError):
    """The room cannot be entered at all, or its keeper ended. No file's fault: it may be tried again."""


class RoomIncomplete(Exception):
    """A lock is missing and every one of them was required. No file's fault."""


@dataclass(frozen=True)
class SafePage:
    """One page: its picture and thumbnail, both JPEG, with the picture's pixels, bytes and SHA-256 (hex).

    ``text``: what could be read of it without guessing, or nothing; ``lines``: where that stands. ``look``: see
    ``uploads.look``.
    """

    picture: Path
    thumb: Path
    width: int
    height: int
    size: int
    sha256: str
    text: str
    lines: tuple[safe_pdf.Line, ...]
    look: str


@dataclass(frozen=True)
class SafeCopies:
    """All pages of one file, in order, and one PDF of them with the text laid behind."""

    pages: tuple[SafePage, ...]
    pdf: Path


@dataclass(frozen=True)
class Refused:
    """No safe copy can be made. ``reason``: unreadable, locked, too_big, too_many_pages or crashed."""

    reason: str


@dataclass(frozen=True)
class Done:
    """How a child ended: ``well`` or in any other way; ``memory``: bytes it held at most."""

    well: bool
    memory: int


class Keeper:
    """A keeper of the room and the line to it. One file at a time; safe to call from several threads."""

    def __init__(self, script: Path = _SCRIPT, *more: str) -> None:
        self._script, self._more = script, more
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._started_by = 0
        self._layers: dict[str, str] = {}

    def layers(self) -> dict[str, str]:
        """Say what the kernel gives: limits, network, files and calls, a word each, ``none`` where it is missing.

        :raises RoomClosed: if no keeper can be started.
        """
        with self._lock:
            self._started()
            return dict(self._layers)

    def draw(self, source: int, out: int, kind: str, *, seconds: int, memory: int) -> Done:
        """Do ``drawing`` to its end, and say how it was."""
        with self.drawing(source, out, kind, seconds=seconds, memory=memory) as end:
            return end()

    @contextlib.contextmanager
    def drawing(self, source: int, out: int, kind: str, *, seconds: int, memory: int) -> Iterator[Callable[[], Done]]:
        """Let a child read the descriptor ``source`` and write frames to ``out``.

        The block begins when it says that they are all there: what it is given waits for the child's end and says how
        that was. Only then are they more than a claim. After the block nothing of it runs.

        :raises RoomClosed: if there is no keeper, or it ended meanwhile.
        """
        with self._lock:
            line = self._started()
            wanted = {"kind": kind, "seconds": seconds, "cpu": math.ceil(seconds), "memory": memory}
            heard = _heard(line, seconds + _GRACE_SECONDS)
            with self._closed_if_broken():
                socket.send_fds(line, [json.dumps(wanted).encode()], [source, out])
                said = next(heard)

            def end() -> Done:
                nonlocal said
                with self._closed_if_broken():
                    while "well" not in said:
                        said = next(heard)
                    return Done(well=bool(said["well"]), memory=int(said["memory"]))

            try:
                yield end
            finally:
                end()

    @contextlib.contextmanager
    def _closed_if_broken(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, KeyError, StopIteration) as broken:
            self._ended()
            raise RoomClosed("the keeper of the locked room ended") from broken

    def close(self) -> None:
        """End the keeper. The next file starts another."""
        with self._lock:
            self._ended()

    def _started(self) -> socket.socket:
        alive = self._process is not None and self._started_by == os.getpid() and self._process.poll() is None
        if alive and self._line is not None:
            return self._line
        self._ended()
        ours, its = socket.socketpair()
        # -I: neither the environment nor the folder we happen to stand in can slip a module in.
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(self._script), str(its.fileno()), *self._more],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"LC_ALL": "C.UTF-8"},
                pass_fds=[its.fileno()],
                start_new_session=True,  # a signal to our group is no reason to leave a file half drawn
            )
        self._line, self._started_by = ours, os.getpid()
        atexit.register(self.close)
        try:
            self._layers = {str(name): str(word) for name, word in next(_heard(ours, _START_SECONDS))["layers"].items()}
        except (OSError, ValueError, KeyError) as broken:
            self._ended()
            raise RoomClosed("the keeper of the locked room does not start") from broken
        if NONE in self._layers.values():
            log("room.degraded", level="warning", **self._layers)
        else:
            log("room.opened", **self._layers)
        return ours

    def _ended(self) -> None:
        if self._line is not None:
            self._line.close()  # which alone would end it, once it has ended its child
        if self._process is not None and self._started_by == os.getpid():
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
        self._process = self._line = None
        atexit.unregister(self.close)


_KEEPER: Final = Keeper()


def layers() -> dict[str, str]:
    """See ``Keeper.layers``."""
    return _KEEPER.layers()


def make_safe_copies(
    source: Path,
    kind: Kind,
    into: Path,
    *,
    seconds: int = SECONDS,
    memory: int = MEMORY,
    required: bool = False,
    keeper: Keeper = _KEEPER,
) -> SafeCopies | Refused:
    """Draw the pages of ``source`` into the empty folder ``into``.

    :param seconds: of wall time and of processor time.
    :param memory: bytes of address space.
    :param required: open no file unless every lock is there.
    :returns: what was made, or why nothing was; ``into`` may then hold leftovers, which are nobody's safe copy.
    :raises OSError: if ``source`` cannot be read or ``into`` not be written; RoomClosed if there is no room.
    :raises RoomIncomplete: if a lock is missing and ``required``.
    """
    if required and NONE in keeper.layers().values():
        raise RoomIncomplete(", ".join(name for name, word in keeper.layers().items() if word == NONE))
    with (
        source.open("rb") as file,
        tempfile.TemporaryFile(dir=into) as out,
        keeper.drawing(file.fileno(), out.fileno(), kind.value, seconds=seconds, memory=memory) as end,
    ):
        out.seek(0)
        made = memoryview(out.read(OUTPUT_BYTES))  # our own from here on, whatever the child may still do
        try:
            found = _believed(made, into)
        except NotBelieved:
            found = Refused("crashed")
        return found if end().well else Refused("crashed")


def _heard(line: socket.socket, seconds: float) -> Iterator[dict[str, Any]]:
    """What is said on the line, one after the other.

    :raises OSError: if nothing whole came in time; ValueError if it cannot be read.
    """
    deadline = time.monotonic() + seconds
    said = b""
    while True:
        *whole, said = said.split(b"\n")
        for one in whole:
            heard: dict[str, Any] = json.loads(one)
            yield heard
        line.settimeout(max(deadline - time.monotonic(), 0.001))
        more = line.recv(4096)
        if not more:
            raise ConnectionResetError
        said += more


def _believed(made: memoryview, into: Path) -> SafeCopies | Refused:
    """Check what the child handed out, and write it down.

    :raises NotBelieved: if it cannot be what ``uploads.safe_copies`` makes.
    """
    *parts, last = frames(made)
    end = facts(last, _END_BYTES)
    if "refused" in end:
        if end["refused"] not in _REASONS:
            raise NotBelieved
        return Refused(end["refused"])
    count = len(parts) // FRAMES_A_PAGE
    if end != {"pages": count} or len(parts) != count * FRAMES_A_PAGE or not 0 < count <= _PAGES:
        raise NotBelieved
    pages, sheets = [], []
    for at in range(count):
        picture, thumb, said = parts[at * FRAMES_A_PAGE : (at + 1) * FRAMES_A_PAGE]
        size = jpeg_size(picture)
        if max(size) > _LONG_SIDE or max(jpeg_size(thumb)) > _LONG_SIDE:
            raise NotBelieved
        sheet, text, look = _sheet(facts(said, _FACTS_BYTES), size, bytes(picture))
        page = SafePage(
            into / f"page-{at + 1:03}.jpg",
            into / f"thumb-{at + 1:03}.jpg",
            *size,
            size=len(picture),
            sha256=sha256(picture).hexdigest(),
            text=text,
            lines=sheet.lines,
            look=look,
        )
        page.picture.write_bytes(picture)
        page.thumb.write_bytes(thumb)
        pages.append(page)
        sheets.append(sheet)
    safe_pdf.write(into / "pages.pdf", sheets)
    return SafeCopies(tuple(pages), into / "pages.pdf")


def _sheet(said: dict[str, Any], size: tuple[int, int], picture: bytes) -> tuple[safe_pdf.Sheet, str, str]:
    """:raises NotBelieved: if a number is none, a line lies beside its page or a text holds what no text holds."""
    try:
        dpi, text, look = float(said["dpi"]), said["text"], said["look"]
        lines = [_line(*line) for line in said["lines"]]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise NotBelieved from None
    width, height = size
    if not (
        _is_text(text, TEXT_LENGTH)
        and isinstance(look, str)
        and _LOOK.fullmatch(look)
        and len(lines) <= LINES
        and 0.0001 <= dpi <= 10_000  # a box of 2,000,000 units, as some programs write, has 0.09
        and all(0 <= line.left < line.right <= width and 0 <= line.top < line.bottom <= height for line in lines)
        and all(_is_text(line.text, TEXT_LENGTH) for line in lines)
        and sum(len(line.text) for line in lines) <= 2 * TEXT_LENGTH
    ):
        raise NotBelieved
    return safe_pdf.Sheet(picture, width, height, dpi, tuple(lines)), text, look


def _line(left: float, top: float, right: float, bottom: float, text: str) -> safe_pdf.Line:
    """:raises TypeError: and ValueError or OverflowError, if these are no numbers."""
    return safe_pdf.Line(float(left), float(top), float(right), float(bottom), text)


def _is_text(said: Any, longest: int) -> bool:
    return isinstance(said, str) and len(said) <= longest and not _NO_TEXT.search(said)
