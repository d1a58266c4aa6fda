"""The first lines a child process runs: it locks itself in, and only then meets a stranger's bytes.

Started by ``uploads.locked_room`` as a script, never imported. The limits are set here and not between fork and
exec, because the process that starts us has threads.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_OUTPUT_BYTES = 64 * 1024 * 1024  # one file it writes
_OPEN_FILES = 64


def lock(parent: int, seconds: int, memory: int) -> None:
    """Die with ``parent`` (its process id); get no more than this processor time and address space (bytes)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the parent is gone already")
    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, _OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_AS, memory),
    ):
        resource.setrlimit(what, (limit, limit))


def main(parent: str, seconds: str, memory: str, source: str, kind: str, into: str) -> None:
    lock(int(parent), int(seconds), int(memory))
    # Python was started alone (-I) and knows nothing of us; and no decoder is loaded before the door is shut.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from uploads import safe_copies
    from uploads.checks import Kind

    print(safe_copies.make(Path(source), Kind(kind), Path(into)))


if __name__ == "__main__":
    main(*sys.argv[1:])
