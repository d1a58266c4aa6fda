"""Points a piece of work passes, by name. Nothing happens there, unless a test has put somebody at one of them."""

from __future__ import annotations

from collections.abc import Callable


def _nobody(_point: str) -> None:
    """Nobody waits at any point."""


waiting: Callable[[str], None] = _nobody


def passed(point: str) -> None:
    """Say that ``point`` has been reached: ``file.written``, ``file.fsynced``, ``row.committed`` …"""
    waiting(point)
