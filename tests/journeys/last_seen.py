"""What a journey that failed had before its eyes: its pages, what they still waited for, what the office logged.

Printed below the failure, because a journey that fails once in a thousand is seen once, on a machine that is gone.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response
from sqlalchemy import Engine, text

WORDS: Final = 1_500  # signs of a page
LINES: Final = 300  # of a log


class Watch:
    """Over one browser of a journey, from its first page on."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self._waiting: dict[Request, float] = {}
        self._told: list[str] = []
        context.on("request", self._asked)
        context.on("response", self._answered)
        context.on("requestfinished", self._ended)
        context.on("requestfailed", self._failed)
        context.on("console", self._said)

    def _asked(self, request: Request) -> None:
        self._waiting[request] = time.monotonic()
        if request.is_navigation_request():
            self._tell(f"{request.method} {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 or response.request.is_navigation_request():
            self._tell(f"{response.status} {response.url}")

    def _ended(self, request: Request) -> None:
        self._waiting.pop(request, None)

    def _failed(self, request: Request) -> None:
        self._waiting.pop(request, None)
        self._tell(f"failed: {request.method} {request.url}: {request.failure}")

    def _said(self, message: ConsoleMessage) -> None:
        self._tell(f"console: {message.text}")

    def _tell(self, line: str) -> None:
        self._told.append(f"{time.strftime('%H:%M:%S')} {line}")

    def report(self) -> str:
        """Every page that is open, in words."""
        return "\n".join(_page(page) for page in self.context.pages) + "\n" + "\n".join([*self._open(), *self._last()])

    def _open(self) -> list[str]:
        now = time.monotonic()
        return [f"waits since {now - begun:.1f} s: {one.method} {one.url}" for one, begun in self._waiting.items()]

    def _last(self) -> list[str]:
        return ["last of all:", *self._told[-LINES:]]


def _page(page: Page) -> str:
    words = "(cannot be read)"
    with suppress(Error):
        ready = page.evaluate("document.readyState")
        words = f"{ready}\n{page.locator('body').inner_text(timeout=2_000)[:WORDS]}"
    return f"== {page.url} {words}"


def logs(folder: Path) -> str:
    """The ends of what the processes of an office have written, and where each thread of its web servers stands."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"config.office.web:" in (process / "cmdline").read_bytes() and _is_of(process, folder):
                os.kill(int(process.name), signal.SIGUSR1)
    time.sleep(1)
    return "\n".join(
        "\n".join([f"== {log.name}", *log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:]])
        for log in sorted(folder.glob("*.log"))
    )


def questions(engine: Engine) -> str:
    """What the connections to a PostgreSQL do at this moment, and which of them wait for which."""
    if engine.dialect.name != "postgresql":
        return "(a file: nobody can be asked)"
    asked = text(
        "SELECT pid, pg_blocking_pids(pid) AS waits_for, state, now() - state_change AS since,"
        " wait_event_type, wait_event, left(query, 300) AS question"
        " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY state_change"
    )
    with engine.connect() as connection:
        return "\n".join(str(dict(row)) for row in connection.execute(asked).mappings())


def _is_of(process: Path, folder: Path) -> bool:
    """Whether it writes into a log of this folder, and is the child of its server: the server itself would end."""
    parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
    logs = [(Path("/proc") / pid / "fd" / "2").readlink() for pid in (process.name, parent)]
    return all(log.is_relative_to(folder.resolve()) for log in logs)
