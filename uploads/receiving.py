"""Bytes on their way in: written once to our disk while they are counted, hashed and looked at.

A web app's ``Request._get_file_stream`` returns an ``Incoming`` for each part of a form; Werkzeug writes into it,
seeks to 0 and closes it when the request ends. Whoever wants the file calls ``keep`` before that. A stretch of a
resumable upload is written by ``receive``, and ``join`` puts the stretches together.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

from config import points
from config.log import log
from config.settings import MEBIBYTE
from uploads.storage import Storage

HEAD: Final = 4096  # bytes kept in memory, enough to see what a file is
_AT_ONCE: Final = MEBIBYTE  # bytes asked of the sender at a time; who breaks off has still given what came


class Incoming(io.RawIOBase):
    """One part of a form. Above ``limit`` bytes, or when the disk fails, it goes on swallowing.

    So the request is read to its end and the person gets a sentence; a refusal half-way would reach a phone as
    a broken connection.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        super().__init__()
        self.path = folder / f"{uuid4()}.part"
        self.limit = limit  # bytes; just so many are accepted
        self.size = 0  # bytes that came, whether they were kept or not
        self.head = b""
        self.too_big = False
        self.failed = False
        self._digest = hashlib.sha256()
        self._file: io.FileIO | None = None  # opened by the first byte: a field left empty costs nothing

    @property
    def sha256(self) -> str:
        """Hex, of what was written. Means nothing when ``too_big`` or ``failed``."""
        return self._digest.hexdigest()

    def keep(self, storage: Storage, key: str, media_type: str) -> None:
        """Move the file into ``storage``. When this returns it is durable and no longer ours.

        :raises ValueError: for a part that is empty, too big or failed; ask those first.
        :raises StorageError: as ``Storage.put`` does; the file is then dropped with the request.
        """
        if self._file is None:
            raise ValueError("there is no whole file to keep")
        points.passed("file.written")
        storage.put(key, self.path, media_type, own=self._file)
        self._file.close()
        self._file = None

    def discard(self) -> None:
        """Drop what was written. What has been kept is safe from this."""
        file, self._file = self._file, None
        if file is not None:
            self.path.unlink(missing_ok=True)
            file.close()

    def write(self, data: Any, /) -> int:
        """Take the next bytes, all of them, always."""
        count = len(data)
        self.size += count
        if self.size > self.limit:
            self.too_big = True
            self.discard()
        elif not self.failed and count:
            self._store(data)  # first: the disk works while we count
            self._digest.update(data)
            self.head += bytes(data[: HEAD - len(self.head)])
        return count

    def readinto(self, buffer: Any, /) -> int:
        return self._file.readinto(buffer) if self._file else 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence) if self._file else 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Drop the file unless it was kept. Python calls this too when nobody holds the object any more."""
        if not self.closed:
            self.discard()
        super().close()

    def _store(self, data: Any) -> None:
        try:
            if self._file is None:
                self._file = _made(self.path)
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
            _begin_writing(self._file, self.size - len(data), len(data))
        except OSError as error:
            self.failed = True
            self.discard()
            log("file.refused", level="error", reason="disk", error=error.strerror)


def _begin_writing(file: io.FileIO, start: int, size: int) -> None:
    """Let the disk begin with these bytes now, so that the fsync at the end has little left to wait for.

    Linux does that with what it is told nobody needs in memory; what is on its way to the disk it keeps there.
    """
    with suppress(AttributeError, OSError):  # a system or a disk that knows no such thing keeps the bytes as well
        os.posix_fadvise(file.fileno(), start, size, os.POSIX_FADV_DONTNEED)


def _made(path: Path) -> io.FileIO:
    try:
        return io.FileIO(path, "x+", opener=_private)
    except FileNotFoundError:  # the first file of all
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return io.FileIO(path, "x+", opener=_private)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Digest(Protocol):
    """What ``hashlib`` makes."""

    def update(self, data: bytes, /) -> None: ...


def receive(incoming: Incoming, read: Callable[[int], bytes], most: int, digest: Digest | None = None) -> bool:
    """Write what comes, up to ``most`` bytes. Returns whether so many came; fewer, and the sender has stopped.

    :param digest: told every byte, too.
    """
    left = most
    while left:
        data = read(min(left, _AT_ONCE))
        if not data:
            return False
        if digest:
            digest.update(data)
        incoming.write(data)
        left -= len(data)
    return True


def join(into: Incoming, storage: Storage, keys: Iterable[str], last: Incoming) -> None:
    """Write the stored stretches and then the last one into ``into``.

    :raises StorageError: for a stretch that cannot be read.
    """
    for key in keys:
        with closing(storage.open(key)) as stretch:
            shutil.copyfileobj(stretch, into, MEBIBYTE)
    last.seek(0)
    while data := last.read(MEBIBYTE):
        into.write(data)
