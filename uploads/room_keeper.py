"""The keeper of the locked room: started once by ``uploads.locked_room``, it locks itself in and forks for each file.

Run as a script by Python alone (-I), so that neither the environment nor a folder can slip a module in. It has one
thread, knows no secret, and ends with the process that started it. What it forks meets a stranger's bytes, but only
after the last lock is shut.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from uploads import room_locks

Work = Callable[[bytes, str, BinaryIO], None]  # the bytes of a file, its kind, and where the frames go
Lock = Callable[[], None]
_MESSAGE_BYTES: Final = 4096
_ALL_DESCRIPTORS: Final = 1 << 20


def keep(line: socket.socket, work: Work) -> None:
    """Lock this process in, say over ``line`` which locks there are, and let a child do ``work`` for each request."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    layers, last_lock = _locked_in()
    os.dup2(nowhere, 2)  # what decoders complain about is made of a stranger's bytes and belongs in no log
    _say(line, {"layers": layers})
    gc.collect()
    gc.freeze()  # a child that collects must not touch, and so copy, all we have
    while True:
        said, descriptors, _flags, _from = socket.recv_fds(line, _MESSAGE_BYTES, 2)
        if not said:
            return
        _say(line, _one(json.loads(said), line, descriptors, last_lock, work))


def _locked_in() -> tuple[dict[str, str], Lock | None]:
    last_lock = room_locks.calls()  # it asks the machine for a library: before the machine is out of reach
    room_locks.no_new_privileges()
    network = room_locks.network()
    packages = (Path(part) for part in sys.path if part.endswith("-packages"))
    readable = {Path(os.__file__).parent, Path(__file__).resolve().parent, *packages}
    files = room_locks.files([folder for folder in readable if folder.is_dir()])
    if last_lock is not None and not _holds(last_lock):
        last_lock = None
    filtered = last_lock is not None
    words = [*([network] if network != room_locks.NONE else []), *(["filter"] if filtered else [])]
    layers = {
        "limits": "ok",
        "network": "+".join(words) or room_locks.NONE,
        "files": "filter" if files == room_locks.NONE and filtered else files,
        "calls": "seccomp" if filtered else room_locks.NONE,
    }
    return layers, last_lock


def _holds(last_lock: Lock) -> bool:
    """Try the filter in a child: it must not be able to open what it could open before."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(OSError):
            Path(os.__file__).stat()
            last_lock()
            try:
                os.open(os.__file__, os.O_RDONLY)
            except PermissionError:
                status = 0
        os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def _say(line: socket.socket, what: dict[str, Any]) -> None:
    line.sendall(json.dumps(what).encode() + b"\n")


def _one(
    wanted: dict[str, Any], line: socket.socket, descriptors: list[int], last_lock: Lock | None, work: Work
) -> dict[str, Any]:
    """Let a child do it, and end it with all it started: when it is done, when its time is over, when nobody waits."""
    alive, held = os.pipe()
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        _draw(wanted, keeper, [*descriptors, held], last_lock, work)
    for descriptor in (*descriptors, held):
        os.close(descriptor)
    ready, _, _ = select.select([alive, line.fileno()], [], [], wanted["seconds"])
    os.close(alive)
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(child, signal.SIGKILL)
    _pid, status, used = os.wait4(child, 0)
    return {"well": alive in ready and status == 0, "memory": used.ru_maxrss * 1024}


def _draw(wanted: dict[str, Any], keeper: int, kept: list[int], last_lock: Lock | None, work: Work) -> None:
    """Be the child. Never returns: the process ends, and its status says whether it went well."""
    status = 1
    try:
        room_locks.die_with(keeper)
        os.setsid()
        for below, above in pairwise([2, *sorted(kept), _ALL_DESCRIPTORS]):  # the line to our parent above all
            os.closerange(below + 1, above)
        room_locks.limits(wanted["cpu"], wanted["memory"])
        gc.disable()
        source, out, _held = kept
        with open(source, "rb") as file, open(out, "wb") as frames:  # noqa: PTH123 descriptors, not paths
            content = file.read()
            if last_lock is not None:
                last_lock()
            work(content, wanted["kind"], frames)
        status = 0
    finally:
        os._exit(status)


def main(line: str) -> None:
    from uploads import safe_copies

    safe_copies.prepare()
    with socket.socket(fileno=int(line)) as to_parent:
        keep(to_parent, safe_copies.make)


if __name__ == "__main__":
    main(*sys.argv[1:])
