"""An office's own calendar: which days it works, where a due day falls, when it pays. Pure.

Source of what every office has: 地方自治法 4条の2 2項; see ``months.is_open_day``. The rest each office sets, dated.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from shared.rules.months import add_months, is_open_day


@dataclass(frozen=True)
class CalendarRule:
    """What holds from a month on; see ``model.CalendarRule``."""

    from_month: date
    due_before: bool
    pay_day: int | None


@dataclass(frozen=True)
class OfficeDays:
    """The calendar of one office. One that has set nothing has the days of every city office."""

    closed: frozenset[date] = frozenset()
    rules: tuple[CalendarRule, ...] = ()
    paid: Mapping[date, date] = field(default_factory=dict)  # months that are paid on another day than usual

    def is_open(self, day: date) -> bool:
        """Whether the office works."""
        return day not in self.closed and is_open_day(day)

    def next_open(self, day: date) -> date:
        """``day`` itself if the office is open, or the first open day after it."""
        while not self.is_open(day):
            day += timedelta(days=1)
        return day

    def last_open(self, day: date) -> date:
        """``day`` itself if the office is open, or the last open day before it."""
        while not self.is_open(day):
            day -= timedelta(days=1)
        return day

    def after(self, day: date, count: int) -> date:
        """The ``count``-th open day after ``day``; ``day`` itself is not counted."""
        for _ in range(count):
            day = self.next_open(day + timedelta(days=1))
        return day

    def late(self, due_on: date, today: date) -> int:
        """How many open days lie between a due day and today, today included; 0 until the day itself is over."""
        days = (due_on + timedelta(days=count) for count in range(1, (today - due_on).days + 1))
        return sum(self.is_open(day) for day in days)

    def due_on(self, month: date, due_day: int) -> date:
        """The office's day in the month after ``month``; on a closed day the next open one, or the one before.

        It never moves back into ``month``, which is not over then.
        """
        day = _day_of(add_months(month, 1), due_day)
        rule = self._rule(month)
        if rule is not None and rule.due_before and (before := self.last_open(day)) >= day.replace(day=1):
            return before
        return self.next_open(day)

    def paid_on(self, month: date) -> date | None:
        """The day on which ``month`` is paid, if the office has said so. On a closed day, the open day before it."""
        if month in self.paid:
            return self.paid[month]
        rule = self._rule(month)
        if rule is None or rule.pay_day is None:
            return None
        return self.last_open(_day_of(month, rule.pay_day))

    def next_payment(self, today: date) -> date | None:
        """The next day on which the office pays, today included."""
        months = (add_months(today, ahead) for ahead in range(3))
        days = (day for month in months if (day := self.paid_on(month)))
        return min((day for day in days if day >= today), default=None)

    def _rule(self, month: date) -> CalendarRule | None:
        begun = (rule for rule in self.rules if rule.from_month <= month)
        return max(begun, key=lambda rule: rule.from_month, default=None)


def _day_of(month: date, day: int) -> date:
    return month.replace(day=min(day, calendar.monthrange(month.year, month.month)[1]))
