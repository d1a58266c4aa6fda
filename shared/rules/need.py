"""Which of several things needs a human most, and why. Pure; the list in the database reckons with the same weights.

The order is the office's own practice: first where waiting could hurt somebody, then where somebody waits for an
answer, then what was promised for a day. Age alone only decides between equals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from shared.rules.office_days import OfficeDays


class Need(StrEnum):
    """Why somebody should look, the most pressing first."""

    DANGER = "danger"  # an answer with which waiting could hurt
    CALL = "call"  # please call me
    CAME_BACK = "came_back"  # a correction the office had asked for
    MESSAGE = "message"  # she wrote, and nobody has answered
    DUE_TODAY = "due_today"
    REFUSED = "refused"  # a file nobody can open
    OVERDUE = "overdue"  # the first look that was promised


WEIGHTS: Final = {need: 1 << at for at, need in enumerate(reversed(Need))}
"""Each weighs more than all that follow it together."""

MOST: Final = sum(WEIGHTS.values())
HELD: Final = MOST + 1  # what was put aside on purpose stands behind everything


@dataclass(frozen=True)
class Days:
    """What a day means for what was promised. A promise for a Friday is not broken before the next open day ends it."""

    today: date
    open: date  # today, or the last day before it on which the office worked
    soon: date  # the end of the next seven days


@dataclass(frozen=True)
class Facts:
    """What is known of one thing that waits."""

    look_by: date
    urgent: bool = False
    wants_call: bool = False
    came_back: bool = False
    unanswered: bool = False
    refused: bool = False
    held: bool = False


def days(today: date, calendar: OfficeDays) -> Days:
    """What today means at an office with this calendar."""
    return Days(today, calendar.last_open(today), today + timedelta(days=7))


def needs(facts: Facts, now: Days) -> tuple[Need, ...]:
    """Every reason for a look, the most pressing first."""
    holds = {
        Need.DANGER: facts.urgent,
        Need.CALL: facts.wants_call,
        Need.CAME_BACK: facts.came_back,
        Need.MESSAGE: facts.unanswered,
        Need.DUE_TODAY: now.open <= facts.look_by <= now.today,
        Need.REFUSED: facts.refused,
        Need.OVERDUE: facts.look_by < now.open,
    }
    return tuple(need for need in Need if holds[need])


def rank(facts: Facts, now: Days) -> int:
    """Where it stands: 0 before everything. Between equals the one that arrived first."""
    return (HELD if facts.held else 0) + MOST - sum(WEIGHTS[need] for need in needs(facts, now))


def reasons(rank: int) -> tuple[Need, ...]:
    """What a rank says: the same reasons it was made of."""
    points = MOST - rank % HELD
    return tuple(need for need in Need if points & WEIGHTS[need])
