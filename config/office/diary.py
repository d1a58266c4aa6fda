"""When things happen in the made-up office: three months, told backwards from today.

Pure: a day and a seed in, a list of entries out. Every entry lies before today; staff act on open days in office
hours, people write in the evening and on closed days too.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from shared.clock import TOKYO
from shared.rules.due import USUAL
from shared.rules.months import add_months, is_open_day


class Deed(StrEnum):
    """What somebody does."""

    LETTER = "letter"  # the office sends the code
    ENTER = "enter"  # a person uses it
    DUTY = "duty"  # a report becomes due
    BEGIN = "begin"  # a person begins one and stops half-way
    SEND = "send"
    LOOK = "look"  # a caseworker takes one and gives it back
    SEND_BACK = "send_back"
    SEND_AGAIN = "send_again"
    ACCEPT = "accept"
    ISSUE = "issue"  # a clerk issues the certificate


class Ending(StrEnum):
    """How far a month's report has come."""

    TODO = "todo"
    DRAFT = "draft"
    WAITING = "waiting"
    LOOKED = "looked"
    RETURNED = "returned"
    CAME_BACK = "came_back"
    ACCEPTED = "accepted"
    RECEIPTED = "receipted"
    CORRECTED = "corrected"  # receipted after a correction


# The deeds of each, one an open day.
_DEEDS: Final[Mapping[Ending, tuple[Deed, ...]]] = {
    Ending.TODO: (),
    Ending.DRAFT: (Deed.BEGIN,),
    Ending.WAITING: (Deed.SEND,),
    Ending.LOOKED: (Deed.SEND, Deed.LOOK),
    Ending.RETURNED: (Deed.SEND, Deed.SEND_BACK),
    Ending.CAME_BACK: (Deed.SEND, Deed.SEND_BACK, Deed.SEND_AGAIN),
    Ending.ACCEPTED: (Deed.SEND, Deed.ACCEPT),
    Ending.RECEIPTED: (Deed.SEND, Deed.ACCEPT, Deed.ISSUE),
    Ending.CORRECTED: (Deed.SEND, Deed.SEND_BACK, Deed.SEND_AGAIN, Deed.ACCEPT, Deed.ISSUE),
}
_BY_STAFF: Final = frozenset({Deed.LOOK, Deed.SEND_BACK, Deed.ACCEPT, Deed.ISSUE})
_LONGEST: Final = max(len(deeds) for deeds in _DEEDS.values())


@dataclass(frozen=True, order=True)
class Entry:
    """One deed for one household. ``month`` is what the report is about; for letters the month they are sent in."""

    at: datetime
    case_no: str
    deed: Deed
    month: date


def months(today: date) -> tuple[date, date, date]:
    """The months reported, the oldest first; the newest is the one before this."""
    return add_months(today, -3), add_months(today, -2), add_months(today, -1)


def opening(today: date) -> datetime:
    """The morning on which the office begins to use the counter."""
    return _at(USUAL.next_open(months(today)[0]), time(8, 30))


def diary(today: date, endings: Mapping[str, Sequence[Ending | None]], chance: random.Random) -> list[Entry]:
    """Everything that has happened, in order.

    :param endings: for each case number how the report of each of ``months`` stands; None where none was due.
    """
    entries = list(_letters(today, endings, chance))
    for at, month in enumerate(months(today)):
        is_newest = month == months(today)[-1]
        for case_no, ends in endings.items():
            ending = ends[at]
            if ending is None:
                continue
            entries.append(Entry(_due_from(month, today), case_no, Deed.DUTY, month))
            deeds = _DEEDS[ending]
            days = _last_days(today, len(deeds), chance) if is_newest else _days_after(month, chance)
            entries += [Entry(_moment(deed, n, days, chance), case_no, deed, month) for n, deed in enumerate(deeds)]
    return sorted(entries)


def _letters(today: date, cases: Iterable[str], chance: random.Random) -> Iterable[Entry]:
    begins, month = opening(today), months(today)[0]
    for number, case_no in enumerate(cases):
        yield Entry(begins + timedelta(minutes=30 + 4 * number), case_no, Deed.LETTER, month)
        day = begins.date() + timedelta(days=chance.randint(2, 7))
        yield Entry(_evening(day, chance), case_no, Deed.ENTER, month)


def _due_from(month: date, today: date) -> datetime:
    """The first open morning after the month; a few days earlier where the month has only just ended."""
    return _at(min(USUAL.next_open(add_months(month, 1)), _open_days_before(today, _LONGEST + 1)[0]), time(8, 30))


def _days_after(month: date, chance: random.Random) -> list[date]:
    day = USUAL.after(USUAL.next_open(add_months(month, 1)), chance.randint(0, 9))
    return [USUAL.after(day, count) for count in range(_LONGEST + 1)]


def _last_days(today: date, count: int, chance: random.Random) -> list[date]:
    """Open days until yesterday for so many deeds, and today, which has none."""
    return [*_open_days_before(today, count + chance.randint(0, 2 if count == 1 else 1)), today]


def _open_days_before(today: date, count: int) -> list[date]:
    days: list[date] = []
    day = today
    while len(days) < count:
        day -= timedelta(days=1)
        if is_open_day(day):
            days.insert(0, day)
    return days


def _moment(deed: Deed, number: int, days: Sequence[date], chance: random.Random) -> datetime:
    day, following = days[number], days[number + 1]
    if deed in _BY_STAFF:
        return _at(day, time(9, 30)) + timedelta(seconds=chance.randrange(6 * 3600))
    return _evening(day + timedelta(days=chance.randrange((following - day).days)), chance)


def _evening(day: date, chance: random.Random) -> datetime:
    return _at(day, time(17, 40)) + timedelta(seconds=chance.randrange(5 * 3600))


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, TOKYO)
