"""A keeper whose children do what a file that took over its decoder might try. Started by tests only.

The kind asked for is the attempt. What it managed to do, or why not, is its one frame. After its first argument,
the line, follow the locks that this kernel shall not give.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from uploads import room_keeper, room_locks, safe_copies
from uploads.room_frames import put

KEEPER = os.getpid()


def connect() -> None:
    socket.socket().connect(("127.0.0.1", 9))


def name_server() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 53))


def local_socket() -> None:
    socket.socket(socket.AF_UNIX)


def read_passwd() -> None:
    os.open("/etc/passwd", os.O_RDONLY)


def write_file() -> None:
    os.open(f"/tmp/madoguchi-hostile-{KEEPER}", os.O_WRONLY | os.O_CREAT)  # noqa: S108 what an intruder would try


def remove_file() -> None:
    os.unlink("/tmp/madoguchi-nothing")  # noqa: S108, PTH108 what an intruder would try


def fork() -> None:
    if os.fork() == 0:
        time.sleep(60)


def run_program() -> None:
    os.execv("/bin/true", ["true"])  # noqa: S606 what an intruder would try


def start_program() -> None:
    subprocess.run(["/bin/true"], check=True)


def kill_keeper() -> None:
    os.kill(KEEPER, signal.SIGKILL)


def kill_group() -> None:
    os.killpg(KEEPER, signal.SIGKILL)


def trace_keeper() -> None:
    if room_locks._libc().ptrace(16, KEEPER, 0, 0) != 0:
        raise PermissionError


def own_session() -> None:
    os.setsid()


def raise_limits() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))


def runnable_memory() -> None:
    import mmap

    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def outlive_keeper() -> None:
    room_locks._libc().prctl(1, 0, 0, 0, 0)
    raise PermissionError if room_locks._libc().prctl(1, 0, 0, 0, 0) != 0 else RuntimeError


def start_thread() -> None:
    thread = threading.Thread(target=list)
    thread.start()
    thread.join()


def read_in_thread() -> None:
    """A thread has the locks of what started it."""
    caught: list[OSError] = []

    def read() -> None:
        try:
            read_passwd()
        except OSError as refused:
            caught.append(refused)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    raise caught[0]


def open_many() -> None:
    for _ in range(100):
        os.dup(0)


def environment() -> None:
    raise PermissionError(json.dumps([*sorted(os.environ), *sorted(left())]))


def left() -> list[str]:
    """Descriptors that still lead somewhere."""
    found = []
    for descriptor in range(100):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            found.append(str(descriptor))
    return found


def eat_memory() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(16 << 20))


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(600)


def crash() -> None:
    import ctypes

    ctypes.string_at(0)


def give_up() -> None:
    os._exit(3)


def claim() -> None:
    """Say that all is there, as often as it goes into the pipe."""
    (pipe,) = [descriptor for descriptor in range(3, 32) if is_pipe(descriptor)]
    for _ in range(3):
        os.write(pipe, room_keeper._MADE * 1000)


def is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def work(content: bytes, kind: str, out: BinaryIO) -> None:
    if kind in ("jpeg", "pdf", "png", "webp"):
        safe_copies.make(content, "pdf" if kind == "pdf" else "jpeg", out)
        if kind in ("png", "webp"):
            out.flush()
            claim()
        if kind == "png":
            time.sleep(60)
        if kind == "webp":
            out.seek(0)
            out.write(bytes(1000))  # it was something else
        return
    if kind == "flood":
        while True:
            out.write(bytes(1 << 20))
    attempt: Callable[[], Any] = globals()[kind]
    try:
        attempt()
        said = "done"
    except MemoryError:
        said = "MemoryError"
    except (OSError, ValueError) as refused:
        said = f"{type(refused).__name__} {refused}"
    put(out, said.encode())


def no_files(readable: Iterable[Path]) -> str:
    return room_locks.NONE


def without(missing: list[str]) -> None:
    """Take locks away, as an older kernel would."""
    if "network" in missing:
        room_locks.network = lambda: room_locks.NONE
    if "files" in missing:
        room_locks.files = no_files
    if "calls" in missing:
        room_locks.calls = lambda: None
    if "broken" in missing:
        room_locks.calls = lambda: lambda: None


if __name__ == "__main__":
    without(sys.argv[2:])
    safe_copies.prepare()
    with contextlib.closing(socket.socket(fileno=int(sys.argv[1]))) as line:
        room_keeper.keep(line, work)
