"""The keeper of the locked room: started once by ``uploads.locked_room``, it locks itself in and forks for each file.

Run as a script by Python alone (-I), so that neither the environment nor a folder can slip a module in. It has one
thread, knows no secret, and ends with the process that started it. What it forks meets a stranger's bytes, but only
after the last lock is shut.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import select
import signal
import socket
import sys
import time
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
_TAKEN, _MADE = b"1", b"2"
_ALL_DESCRIPTORS: Final = 1 << 20
_AT_HAND: Final = 16 * 1024 * 1024  # bytes: about what a page of A4 takes; more is sooner asked for than touched
_SOON: Final = 32 * 1024 * 1024  # what a scanned one takes beside it


def keep(line: socket.socket, work: Work, warm_up: Lock = lambda: None) -> None:
    """Lock this process in, say over ``line`` which locks there are, and let a child do ``work`` for each request.

    The next child is made, and does ``warm_up``, while nobody waits for it. It has seen nothing of the file before.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    layers, last_lock = _locked_in()
    os.dup2(nowhere, 2)  # what decoders complain about is made of a stranger's bytes and belongs in no log
    _say(line, {"layers": layers})
    gc.collect()
    gc.freeze()  # a child that collects must not touch, and so copy, all we have
    waiting = _Child(last_lock, work, warm_up)
    while True:
        said, descriptors, _flags, _from = socket.recv_fds(line, _MESSAGE_BYTES, 2)
        if not said:
            return
        done = waiting.draw(said, descriptors, line)
        if done is None:  # it ended while it waited, and has seen nothing of the file: another will do
            done = _Child(last_lock, work, warm_up).draw(said, descriptors, line)
        for descriptor in descriptors:
            os.close(descriptor)
        _say(line, done or {"well": False, "memory": 0})
        waiting = _Child(last_lock, work, warm_up)


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


class _Child:
    """A child that waits for one file. All that can be done before there is one is done while it waits."""

    def __init__(self, last_lock: Lock | None, work: Work, warm_up: Lock) -> None:
        self._alive, held = os.pipe()
        self._line, its = socket.socketpair()
        keeper = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _wait_and_draw(keeper, its, held, last_lock, work, warm_up)
        its.close()
        os.close(held)

    def draw(self, wanted: bytes, descriptors: list[int], line: socket.socket) -> dict[str, Any] | None:
        """Let it do its file, and end it with all it started: when it is done, when its time is over, when nobody
        waits. It does no second one. None: it ended before it took the file.
        """
        with contextlib.suppress(OSError):  # it has ended
            socket.send_fds(self._line, [wanted], descriptors)
        until = time.monotonic() + json.loads(wanted)["seconds"]
        taken = made = ended = False
        while not ended:
            ready, _, _ = select.select([self._alive, line.fileno()], [], [], max(until - time.monotonic(), 0))
            if line.fileno() in ready or self._alive not in ready:  # nobody waits any more, or its time is over
                break
            said = os.read(self._alive, 1)
            ended = not said
            if said == _MADE and not made:
                _say(line, {"made": True})
            taken, made = taken or said == _TAKEN, made or said == _MADE
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self._pid, signal.SIGKILL)
        _pid, status, used = os.wait4(self._pid, 0)
        self._line.close()
        os.close(self._alive)
        if ended and not taken:
            return None
        return {"well": ended and status == 0, "memory": used.ru_maxrss * 1024}


def _wait_and_draw(
    keeper: int, line: socket.socket, held: int, last_lock: Lock | None, work: Work, warm_up: Lock
) -> None:
    """Be the child. Never returns: the process ends, and its status says whether it went well.

    ``held`` stays open as long as something of it lives; a byte there says that it took a file, another that it is done
    with it: an end takes its time, too.
    """
    status = 1
    try:
        room_locks.die_with(keeper)
        os.setsid()
        for below, above in pairwise(
            [2, *sorted((line.fileno(), held)), _ALL_DESCRIPTORS]
        ):  # our parent's line above all
            os.closerange(below + 1, above)
        gc.disable()
        room_locks.touch_memory(_AT_HAND, _SOON)
        warm_up()
        said, (source, out), _flags, _from = socket.recv_fds(line, _MESSAGE_BYTES, 2)
        os.write(held, _TAKEN)
        line.close()
        wanted = json.loads(said)
        room_locks.limits(wanted["cpu"] + math.ceil(time.process_time()), wanted["memory"])
        with open(source, "rb") as file, open(out, "wb") as frames:  # noqa: PTH123 descriptors, not paths
            content = file.read()
            if last_lock is not None:
                last_lock()
            work(content, wanted["kind"], frames)
        os.write(held, _MADE)
        status = 0
    finally:
        os._exit(status)


def main(line: str) -> None:
    from uploads import safe_copies

    room_locks.one_heap()
    safe_copies.prepare()
    with socket.socket(fileno=int(line)) as to_parent:
        keep(to_parent, safe_copies.make, safe_copies.warm_up)


if __name__ == "__main__":
    main(*sys.argv[1:])
