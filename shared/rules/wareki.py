"""Dates as an office writes them: 令和8年11月22日(日). Eras are a dated table, not code."""

from __future__ import annotations

import csv
from datetime import date, datetime
from functools import cache
from pathlib import Path

from shared.clock import TOKYO

WEEKDAYS = "月火水木金土日"


@cache
def _eras() -> list[tuple[date, str]]:
    with (Path(__file__).parents[1] / "tables" / "eras.csv").open(encoding="utf-8") as table:
        eras = [(date.fromisoformat(row["start_date"]), row["era_ja"]) for row in csv.DictReader(table)]
    return sorted(eras, reverse=True)


def era_year(day: date) -> tuple[str, int]:
    """The era and its year.

    :raises ValueError: for a day before the first era of the table.
    """
    for start, era in _eras():
        if day >= start:
            return era, day.year - start.year + 1
    raise ValueError(f"{day} is before the first era of the table")


def _year(day: date) -> str:
    era, year = era_year(day)
    return f"{era}{'元' if year == 1 else year}年"


def japanese_date(day: date, *, weekday: bool = True) -> str:
    """令和8年11月22日(日)."""
    text = f"{_year(day)}{day.month}月{day.day}日"
    return f"{text}({WEEKDAYS[day.weekday()]})" if weekday else text


def japanese_month(month: date) -> str:
    """令和8年10月."""
    return f"{_year(month)}{month.month}月"


def short_date(day: date) -> str:
    """11月22日(日): where the year is plain from the place it stands in."""
    return f"{day.month}月{day.day}日({WEEKDAYS[day.weekday()]})"


def japanese_moment(moment: datetime, *, seconds: bool = False) -> str:
    """令和8年11月19日(木)20時12分, on the clock of Tokyo."""
    local = moment.astimezone(TOKYO)
    text = f"{japanese_date(local.date())}{local.hour}時{local.minute:02}分"
    return f"{text}{local.second:02}秒" if seconds else text


def short_moment(moment: datetime) -> str:
    """11月19日(木)20時12分."""
    local = moment.astimezone(TOKYO)
    return f"{short_date(local.date())}{local.hour}時{local.minute:02}分"


def fiscal_year(day: date) -> int:
    """The year in which the fiscal year of ``day`` began: it runs from April to March."""
    return day.year if day.month >= 4 else day.year - 1
