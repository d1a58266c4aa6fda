"""What the supervisor's charts count, once the database has given its sums. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LAST: Final = 5  # days; the last bar holds what is older, too


@dataclass(frozen=True)
class Age:
    """What waits since so many open days. ``late``: of these, longer than the office promised."""

    days: int
    count: int
    late: int


def by_age(waiting: Iterable[tuple[int, bool]]) -> list[Age]:
    """One bar a day, the empty ones too: a gap is news.

    :param waiting: for each thing that waits its open days and whether it is late.
    """
    found = [(min(days, LAST), late) for days, late in waiting]
    return [
        Age(step, sum(days == step for days, _ in found), sum(late for days, late in found if days == step))
        for step in range(LAST + 1)
    ]


def in_steps(days: Iterable[int]) -> list[int]:
    """How many of 0, 1, 2 … days; the last: or more."""
    counts = [0] * (LAST + 1)
    for one in days:
        counts[min(one, LAST)] += 1
    return counts


def median(days: list[int]) -> int | None:
    """The lower middle: half of all are not above it."""
    return sorted(days)[(len(days) - 1) // 2] if days else None


def share(part: int, whole: int) -> int:
    """A percentage. What is not all is never 100, and what is something never 0."""
    if not whole or part in (0, whole):
        return 100 if whole and part else 0
    return min(99, max(1, round(100 * part / whole)))
