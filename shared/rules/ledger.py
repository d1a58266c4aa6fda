"""受付簿: which arrivals belong to which day, and whether a number is missing. Pure.

A closed day is a stretch of the office's journal. Every arrival writes its entry in the transaction that numbers it,
and holds the journal until that is committed; the closing does the same. So each arrival stands on one side of a
closing, whatever its own clock had said, and the numbers on each side follow one another. Before the first closing, and
for what no closing has taken yet, the day is the one on the office's wall.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from shared.rules.numbers import numbers_between
from shared.rules.office_days import OfficeDays

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Closed:
    """A day that was closed: what was written into the journal behind ``after_seq``, up to ``until_seq``."""

    day: date
    after_seq: int
    until_seq: int


@dataclass(frozen=True)
class Stretch:
    """What belongs to one day of the ledger: arrivals whose entry lies behind ``after_seq``, up to ``until_seq``.

    Of what is not closed also only those that came from ``since`` until ``until``, both included.
    """

    day: date
    closed: bool = False
    goes_to: date | None = None  # the day has no ledger of its own: what came on it stands in that one
    since: date | None = None
    until: date | None = None
    after_seq: int = 0
    until_seq: int | None = None


@dataclass(frozen=True)
class Book:
    """The office's closings, the oldest first, and its calendar."""

    closings: Sequence[Closed]
    calendar: OfficeDays

    @property
    def last(self) -> Closed | None:
        """The newest closing."""
        return self.closings[-1] if self.closings else None

    def stretch(self, day: date) -> Stretch:
        """What belongs to ``day``."""
        later = next((one for one in self.closings if one.day >= day), None)
        last = self.last
        if last is None:
            return Stretch(day, since=day, until=day)
        if later is None:
            return self._open(day, last)
        if later.day == day:
            return Stretch(day, closed=True, after_seq=later.after_seq, until_seq=later.until_seq)
        if later is self.closings[0]:
            return Stretch(day, since=day, until=day, until_seq=later.after_seq)
        return Stretch(day, goes_to=later.day)

    def _open(self, day: date, last: Closed) -> Stretch:
        if not self.calendar.is_open(day):
            return Stretch(day, goes_to=self.calendar.next_open(day))
        before = self.calendar.last_open(day - _DAY)
        since = before + _DAY if before > last.day else None  # the first day takes all that came late
        return Stretch(day, since=since, until=day, after_seq=last.until_seq)

    def day_of(self, arrived_on: date, seq: int) -> date:
        """The day in whose ledger something stands that came on a day and is entry ``seq`` of the journal."""
        for one in self.closings:
            if seq <= one.until_seq:
                return one.day if seq > one.after_seq else arrived_on
        if self.last is None:
            return arrived_on
        return self.calendar.next_open(max(arrived_on, self.last.day + _DAY))

    def may_close(self, day: date, today: date) -> bool:
        """Whether a day can be closed: days follow one another, and none is closed before it has come."""
        return day <= today and (self.last is None or day > self.last.day)

    def not_closed(self, today: date) -> list[date]:
        """Open days since the last closing, before today, that nobody has closed. Empty before the first closing."""
        if self.last is None:
            return []
        days = (self.last.day + _DAY * count for count in range(1, (today - self.last.day).days))
        return [day for day in days if self.calendar.is_open(day)]


@dataclass(frozen=True)
class Run:
    """Numbers of one fiscal year, the first and the last of them, and those between that are not there."""

    first: str
    last: str
    count: int
    missing: tuple[str, ...]


def runs(numbers: Collection[str]) -> list[Run]:
    """受付番号 in their order, by fiscal year."""
    found: dict[str, Run] = {}
    for number in numbers:
        year = number.partition("-")[0]
        run = found.get(year) or Run(number, number, 0, ())
        found[year] = replace(run, last=number, count=run.count + 1)
    there = set(numbers)
    return [
        replace(run, missing=tuple(one for one in numbers_between(run.first, run.last) if one not in there))
        for run in found.values()
    ]


def days(first: date, last: date) -> Iterator[date]:
    """Every day from one to another, both included."""
    return (first + _DAY * count for count in range((last - first).days + 1))
