"""Reading a day the way people write it: 令和8年11月22日, R8.11.22, 2026/11/22, 11月22日, 11/22."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

_ERAS: Final = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
_OLDEST: Final = 120  # years back: the oldest people of the country
_AHEAD: Final = 2  # years ahead: a child to be born, a lease to end
_PARTS: Final = re.compile(
    r"(?:(?P<era>令和|平成|昭和|[RHS])(?P<era_year>[0-9]{1,2}|元)[年./-]|(?P<year>[0-9]{4})[年./-])?"
    r"(?P<month>[0-9]{1,2})[月./-](?P<day>[0-9]{1,2})日?(?:[((][月火水木金土日][))])?"
)


class NotADay(ValueError):
    """``code`` says why: missing, not_a_day, far_away."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def day_of(text: str, *, today: date) -> date:
    """Return the day that ``text`` names. Without a year it is the one nearest to ``today``.

    :raises NotADay: also for a day more than 120 years back or 2 years ahead.
    """
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()
    if not plain:
        raise NotADay("missing")
    match = _PARTS.fullmatch(plain)
    if match is None:
        raise NotADay("not_a_day")
    month, day = int(match["month"]), int(match["day"])
    if match["year"]:
        years = [int(match["year"])]
    elif match["era"]:
        years = [_ERAS[match["era"]] + (1 if match["era_year"] == "元" else int(match["era_year"]))]
    else:
        years = [today.year - 1, today.year, today.year + 1]
    days = [found for year in years if (found := _day(year, month, day))]
    if not days:
        raise NotADay("not_a_day")
    nearest = min(days, key=lambda found: abs(found - today))
    if not today.year - _OLDEST <= nearest.year <= today.year + _AHEAD:
        raise NotADay("far_away")
    return nearest


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
