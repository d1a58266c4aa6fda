"""The one seam for time: the machine's clock in UTC, the office's day in Asia/Tokyo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

TOKYO: Final = ZoneInfo("Asia/Tokyo")
_fixed: ContextVar[datetime | None] = ContextVar("fixed_time", default=None)


def now() -> datetime:
    """The moment, aware, in UTC."""
    return _fixed.get() or datetime.now(UTC)


def today() -> date:
    """The day on the office's wall."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The office's day at a moment."""
    return moment.astimezone(TOKYO).date()


def start_of(day: date) -> datetime:
    """The midnight with which a day of the office begins."""
    return datetime.combine(day, time(), TOKYO)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be ``moment`` inside the block: for histories of the demo office and for tests."""
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)
