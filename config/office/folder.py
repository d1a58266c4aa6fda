"""The folder that holds everything one desk keeps: data, secrets, logs. By default ``var/`` in the project.

data/      the database, the files, what the queue server remembers: the office's memory
letters/   invitations as PDF, each with a code: to be printed and thrown away
samples/   a made-up payslip as PDF and as photo, to try the portal with
secrets/   one key an app, and the seals of the office, made once, readable by nobody else
run/       the lock, the queue server's socket and settings
log/       one file a process, and install.log
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.office.children import CannotGoOn

ROOM: Final = 200 * 1024 * 1024  # bytes that must be free for a start


@dataclass(frozen=True)
class Folder:
    """Paths are absolute. Nothing is made before ``locked``."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def seals(self) -> Path:
        """The keys the office signs with, and the CA that certifies them."""
        return self.root / "secrets" / "seals"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def database(self) -> Path:
        return self.data / "madoguchi.db"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the folder to ourselves. The lock goes with the process, however that ends.

        :raises CannotGoOn: when another process keeps it.
        """
        for folder in (self.run, self.log):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.run / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotGoOn(
                    f"このフォルダーでは、もう動いています（{self.root}）。先に Ctrl-C で止めてください。\n"
                    f"It is already running in this folder ({self.root}). Stop that one first with Ctrl-C."
                ) from None
            yield

    def need_room(self) -> None:
        """:raises CannotGoOn: when the disk is all but full."""
        if shutil.disk_usage(self.root).free < ROOM:
            raise CannotGoOn(
                f"ディスクの空きが足りません。{ROOM >> 20} MB 以上あけてください。\n"
                f"The disk is almost full. Please free at least {ROOM >> 20} MB."
            )

    def empty(self) -> None:
        """Forget everything the office knows. Logs and downloaded packages stay.

        :raises CannotGoOn: when ``data`` is a folder that we did not make.
        """
        if self.data.exists() and not (self.database.exists() or self._unfinished.exists()):
            raise CannotGoOn(
                f"{self.data} はこのプログラムのデータではないようなので、消しません。\n"
                f"{self.data} does not look like our data, so it is not emptied."
            )
        for folder in (self.data, self.root / "secrets", self.root / "letters", self.root / "samples"):
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def first_time(self) -> Iterator[bool]:
        """Say whether there is no office yet. A first time that was cut short does not count as one."""
        if self._unfinished.exists():
            self.empty()
        fresh = not self.database.exists()
        for folder in (self.data / "files", self.data / "incoming", self.data / "queue"):
            folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            self._unfinished.touch()
        yield fresh
        self._unfinished.unlink(missing_ok=True)

    def secret(self, name: str) -> str:
        """64 characters, the same at every start until ``empty``."""
        path = self.root / "secrets" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            new = path.with_suffix(".new")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            new.replace(path)
        return path.read_text().strip()

    @property
    def _unfinished(self) -> Path:
        return self.data / "unfinished"
