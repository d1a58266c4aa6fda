"""The locks of the room, one function each. What the kernel does not give is said by the word ``none``.

Linux is asked directly: no namespace, Landlock or prctl stands in Python's library. Nothing here is tried before it
is called, so that the module can be imported anywhere.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

NONE: Final = "none"
OUTPUT_BYTES: Final = 128 * 1024 * 1024
_OPEN_FILES: Final = 32

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_THREAD = 0x10000000, 0x40000000, 0x00010000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_PR_SET_SECCOMP, _SECCOMP_FILTER = 22, 2
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MADV_HUGEPAGE, _LARGE_PAGE = 14, 1 << 21
_AT_EMPTY_PATH, _PROT_EXEC = 0x1000, 4

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_ASK_VERSION, _LANDLOCK_PATH_BENEATH = 1, 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}  # rights of files that are known from this version on
_NET_FROM, _SCOPE_FROM = 4, 6  # TCP; signals and abstract sockets outside

# What decoding needs: its own memory, the two descriptors it was given, the clock, and its end.
_CALLS: Final = (
    *("read", "pread64", "readv", "write", "writev", "lseek", "fstat", "close"),
    *("munmap", "mremap", "madvise", "brk", "futex", "sched_yield", "sched_getaffinity", "getrandom"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "set_robust_list", "rseq"),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "getpid", "gettid"),
    *("getrusage", "restart_syscall", "exit", "exit_group"),
)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Be killed when the process ``parent``, which started this one, ends."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def no_new_privileges() -> None:
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def one_heap() -> None:
    """Let all threads take from the same memory. Before there is a second one."""
    if sys.platform == "linux":
        _libc().mallopt(_M_ARENA_MAX, 1)


def touch_memory(size: int, more: int) -> None:
    """Have ``size`` bytes at hand, and the next ``more`` for a quick asking.

    The kernel gives memory page by page, which costs more than it seems, so let it give large ones where it can.
    """
    if sys.platform != "linux":
        return
    libc = _libc()
    for what in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):  # what is freed is kept for the next picture
        libc.mallopt(what, 1 << 30)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    block = libc.malloc(_LARGE_PAGE + size + more)
    start = -(-block // _LARGE_PAGE) * _LARGE_PAGE
    libc.madvise(start, size + more, _MADV_HUGEPAGE)
    ctypes.memset(block, 0, start - block + size)
    libc.free(block)


def limits(seconds: int, memory: int) -> None:
    """Get no more than this processor time and address space (bytes), and little output and few files."""
    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_AS, memory),
    ):
        resource.setrlimit(what, (limit, limit))


def network() -> str:
    """Move into a world with no network. Wants a process with one thread."""
    if sys.platform != "linux":
        return NONE
    unshare = _libc().unshare
    # As a nobody of an own world of users first: it needs no privilege, and takes root's away.
    return "namespace" if unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 or unshare(_CLONE_NEWNET) == 0 else NONE


def files(readable: Iterable[Path]) -> str:
    """Write nowhere any more, and read only below these folders. Open descriptors stay as they are."""
    if sys.platform != "linux":
        return NONE
    ask = _libc().syscall
    version = ask(_LANDLOCK_CREATE, None, 0, _LANDLOCK_ASK_VERSION)
    if version < 1:
        return NONE
    rights = (1 << _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= version)]) - 1
    handled = struct.pack("QQQ", rights, 3 if version >= _NET_FROM else 0, 3 if version >= _SCOPE_FROM else 0)
    length = 8 if version < _NET_FROM else 16 if version < _SCOPE_FROM else 24
    rules = ask(_LANDLOCK_CREATE, handled, ctypes.c_size_t(length), 0)
    if rules < 0:
        return NONE
    try:
        for folder in readable:
            at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            ask(_LANDLOCK_ADD, rules, _LANDLOCK_PATH_BENEATH, struct.pack("=Qi", _READ_FILE | _READ_FOLDER, at), 0)
            os.close(at)
        return f"landlock {version}" if ask(_LANDLOCK_RESTRICT, rules, 0) == 0 else NONE
    finally:
        os.close(rules)


def calls() -> Callable[[], None] | None:
    """Prepare the filter of system calls, to be put on once by the function returned; None where there is none.

    What is not on its list answers "not permitted"; a thread may be started, a process may not.
    """
    if sys.platform != "linux":
        return None
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError):  # it wants the machine's libseccomp
        return None
    chosen: Any = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))

    def allow(name: str, *conditions: Any) -> None:
        try:
            chosen.add_rule(pyseccomp.ALLOW, name, *conditions)
        except OSError as unknown:
            if unknown.errno not in (errno.EDOM, errno.EFAULT, errno.EINVAL):
                raise

    def masked(argument: int, mask: int, value: int) -> Any:
        return pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, mask, value)

    for name in _CALLS:
        allow(name)
    allow("mmap", masked(2, _PROT_EXEC, 0))
    allow("mprotect", masked(2, _PROT_EXEC, 0))
    allow("newfstatat", masked(3, _AT_EMPTY_PATH, _AT_EMPTY_PATH))  # how the C library asks about an open file
    allow("clone", masked(0, _CLONE_THREAD, _CLONE_THREAD))
    chosen.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be seen; clone is tried next
    program = _written(chosen)

    def put_on() -> None:
        if _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(program), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the filter of system calls was not taken")

    return put_on


class _Program(ctypes.Structure):
    """``struct sock_fprog``: how many instructions of eight bytes, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _written(chosen: Any) -> _Program:
    """The filter as the kernel reads it, written once: the library would work it out anew for each child."""
    with tempfile.TemporaryFile() as file:
        chosen.export_bpf(file)
        file.seek(0)
        instructions = file.read()
    return _Program(len(instructions) // 8, instructions)
