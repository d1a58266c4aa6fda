"""Child processes: started in order, watched, started again when one dies, and stopped all together.

Every child leads a session of its own, so that Ctrl-C reaches only us and we decide the order of the end; it
wears a leash (``leash.py``), so that it ends even when we are killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

LEASH: Final = Path(__file__).with_name("leash.py")
GRACE: Final = 10.0  # seconds between the request to end and the end by force
DEATHS: Final = 3  # so often a child is started again …
WITHIN: Final = 60.0  # … within so many seconds
BIG_LOG: Final = 10 * 1024 * 1024  # bytes; a bigger log is put aside at the next start

Say = Callable[[str], None]


class CannotGoOn(Exception):
    """The text is for the person at the terminal: what is wrong and what to do, in two languages."""


class Asked(BaseException):
    """Somebody asks us to end: Ctrl-C, SIGTERM, a closed terminal. Not an error, so not an ``Exception``."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One program to run, and how to see that it is ready."""

    name: str  # also the name of its log file
    command: Sequence[str]  # the first is an absolute path
    environ: Mapping[str, str]
    ready: Callable[[], bool] = lambda: True  # asked again and again while the process lives; raises nothing
    patience: float = 60.0  # seconds to become ready


@dataclass
class Child:
    """A running service. ``started`` and ``died`` are seconds of a clock that never goes back."""

    service: Service
    log: Path
    died: list[float] = field(default_factory=list)

    def start(self) -> None:
        wrapped = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *self.service.command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                wrapped,
                env=dict(self.service.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def has_ended(self) -> bool:
        """Look without burying: until ``bury`` the kernel gives this process id to nobody else."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self.process.poll() is not None
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def bury(self) -> None:
        """End by force whatever the child left behind in its session, then take leave of the child."""
        _kill_session(self.process.pid)
        self.process.wait()


class Crew:
    """All children of one office. Use it as a context: leaving it stops everything, last started first."""

    def __init__(self, logs: Path, say: Say) -> None:
        self.logs, self.say = logs, say
        self.stages: list[list[Child]] = []

    def start(self, *services: Service) -> None:
        """Start ``services`` side by side and wait until each is ready.

        :raises CannotGoOn: when one ends or is not ready in time.
        """
        stage: list[Child] = []
        self.stages.append(stage)
        for service in services:
            child = Child(service, _fresh_log(self.logs / f"{service.name}.log"))
            child.start()
            stage.append(child)
        for child in stage:
            self._wait(child)
        for child in stage:
            if child.has_ended():
                raise _never_began(child)

    def watch(self) -> None:
        """Start again whoever dies.

        :raises CannotGoOn: when one dies too often. Otherwise it ends only by ``Asked``.
        """
        while True:
            time.sleep(0.2)
            for child in self._children():
                if child.has_ended():
                    self._start_again(child)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        with deaf():
            for stage in reversed(self.stages):
                _stop(stage)
            self.stages.clear()

    def _children(self) -> Iterator[Child]:
        return (child for stage in self.stages for child in stage)

    def _wait(self, child: Child) -> None:
        until = time.monotonic() + child.service.patience
        while not child.service.ready():
            if child.has_ended() or time.monotonic() > until:
                raise _never_began(child)
            time.sleep(0.05)

    def _start_again(self, child: Child) -> None:
        child.bury()
        name, now = child.service.name, time.monotonic()
        child.died = [then for then in child.died if now - then < WITHIN] + [now]
        if len(child.died) > DEATHS:
            raise CannotGoOn(
                f"{name} が何度も止まるので、終わります。くわしくは {child.log}\n"
                f"{name} keeps stopping, so everything ends here. Details: {child.log}"
            )
        self.say(f"{name} が止まったので、もう一度始めます。 {name} stopped and is started again.")
        time.sleep(0.5 * (len(child.died) - 1))
        child.start()


@contextmanager
def hearing() -> Iterator[None]:
    """While inside, a request to end raises ``Asked``, wherever the program stands."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        raise Asked

    before = {number: signal.getsignal(number) for number in _REQUESTS}
    for number, handler in before.items():
        if number != signal.SIGHUP or handler is not signal.SIG_IGN:  # nohup means it
            signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deaf() -> Iterator[None]:
    """While inside, requests to end are not heard: an orderly end is already under way."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _REQUESTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_REQUESTS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _never_began(child: Child) -> CannotGoOn:
    return CannotGoOn(
        f"{child.service.name} を始められませんでした。くわしくは {child.log}\n"
        f"{child.service.name} could not be started. Details: {child.log}"
    )


def _stop(stage: Sequence[Child]) -> None:
    for child in stage:
        if not child.has_ended():
            with suppress(ProcessLookupError):
                os.kill(child.process.pid, signal.SIGTERM)
    until = time.monotonic() + GRACE
    while time.monotonic() < until and not all(child.has_ended() for child in stage):
        time.sleep(0.02)
    for child in stage:
        child.bury()


def _kill_session(leader: int) -> None:
    """End by force every process of the session of ``leader``, groups that it made inside included."""
    until = time.monotonic() + 2.0  # one that hangs in the kernel cannot be waited for
    while (members := _session(leader)) and time.monotonic() < until:
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _session(leader: int) -> list[int]:
    """The living processes of a session, where /proc tells; else the leader's own group, if it lives."""
    if not Path("/proc/self/stat").exists():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, _parent, _group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == leader and state not in "ZX":
                    found.append(int(entry.name))
    return found


def _fresh_log(path: Path) -> Path:
    if path.exists() and path.stat().st_size > BIG_LOG:
        path.replace(path.with_suffix(".old.log"))
    return path
