"""The portal with somebody waiting at one of its points. Only tests start it."""

from __future__ import annotations

import os
import signal

from flask import Flask

from config import points
from config.settings import Settings
from portal import create_app


def portal() -> Flask:
    """The portal of this environment; at ``FAIL_AT=point:n`` everything that serves it is killed, the n-th time."""
    point, _, times = os.environ.get("FAIL_AT", "").partition(":")
    left = int(times or 0)

    def kill(passed: str) -> None:
        nonlocal left
        if passed == point:
            left -= 1
            if left == 0:
                os.killpg(os.getpgid(0), signal.SIGKILL)

    points.waiting = kill
    return create_app(Settings.from_environ())
