"""Months a report may be about, and the days that hang on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache

import jpholiday

MONTHS_BACK = 12


class NotAMonth(ValueError):
    """``code`` says why: missing, not_a_month, future, too_old."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def add_months(month: date, count: int) -> date:
    """The first day of the month ``count`` months after (or before) ``month``."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def month_of(text: str, *, today: date) -> date:
    """Read ``2026-10`` as the first of that month.

    :raises NotAMonth: also for a month that has not begun, or one more than twelve months back.
    """
    if not text.strip():
        raise NotAMonth("missing")
    match = re.fullmatch(r"(\d{4})-(\d{2})", text.strip(), flags=re.ASCII)
    if not match or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        raise NotAMonth("not_a_month")
    month = date(int(match[1]), int(match[2]), 1)
    if month > today:
        raise NotAMonth("future")
    if month < add_months(today, -MONTHS_BACK):
        raise NotAMonth("too_old")
    return month


def months_to_offer(today: date, count: int = 4) -> list[date]:
    """This month and the ones before it, newest first."""
    return [add_months(today, -back) for back in range(count)]


@cache
def is_open_day(day: date) -> bool:
    """Whether a city office works: no Saturday, Sunday, national holiday, nor 29 December to 3 January.

    Source: 地方自治法 4条の2 2項 (closed days of local bodies).
    """
    turn_of_year = (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
    is_holiday: Callable[[date], bool] = jpholiday.is_holiday
    return not (day.weekday() >= 5 or turn_of_year or is_holiday(day))
