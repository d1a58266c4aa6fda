"""Start a command that ends when the process that started it ends, however that one ends.

As a program: ``python leash.py PARENT COMMAND…``, where PARENT is the process id of the starter. As a
function for a process that some server forked: ``end_with_parent()``. Needs the standard library only.
The kernel's word for it exists on Linux; elsewhere an orderly stop still ends every child.
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


def end_with_parent(signal_number: int = signal.SIGTERM) -> None:
    """Have the kernel send ``signal_number`` to this process when its parent is gone; kept over an exec."""
    if sys.platform != "linux":
        return
    import ctypes  # Linux only, and slow enough to matter in a process that only execs

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def main() -> None:
    parent, *command = sys.argv[1:]
    end_with_parent()
    if os.getppid() != int(parent):
        sys.exit(0)  # it ended before the kernel knew whom to watch
    os.execv(command[0], command)  # noqa: S606 the whole purpose; the command is a list of ours


if __name__ == "__main__":
    main()
