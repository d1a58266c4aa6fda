"""Where a page says what somebody declared, or what is looked for. Pure.

A page's text comes in lines with boxes (``SafeCopy.lines``); what is found is marked by the part of its line's box that
its signs take up: an East Asian sign is twice as wide as a Latin one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate, islice
from typing import Any, Final

from shared.rules.kana import hiragana

Box = tuple[float, float, float, float]
"""x, y, width, height in parts of the page, from its upper left corner."""

_REIWA: Final = 2018  # the year before its first
_DOWNWARDS: Final = 2  # so many times taller than wide, a line is written downwards
_LEFT_OUT: Final = frozenset(",，'’")
_THOUSANDS: Final = re.compile(r"\d{3}(?!\d)")
MOST: Final = 300  # marks on a page; more would help nobody to find anything


def number(value: int) -> re.Pattern[str]:
    """An amount or a count, however it is written: 85,400, ８５４００, ￥85,400-, 18.0."""
    return re.compile(rf"(?<![0-9])(?<![0-9]\.)0*{value}(?:\.0+)?(?!\.?[0-9])")


def day(value: date) -> re.Pattern[str]:
    """A day, in our era or the common one, with or without its year."""
    month, at = f"0?{value.month}", f"0?{value.day}"
    years = f"(?:(?:令和|r)?0?{value.year - _REIWA}|{value.year})"
    between = "[-/.]"
    return re.compile(
        rf"(?<![0-9])(?:{years}年|(?<!年)){month}月{at}日|(?<![0-9/.-])(?:{years}{between})?{month}{between}{at}(?![0-9/.-])"
    )


def words(text: str) -> re.Pattern[str] | None:
    """What somebody types to find it, in any width, kana and spacing; None if that says nothing."""
    plain = "".join(sign for sign, _ in _plain(text))
    return re.compile(re.escape(plain)) if plain.strip() else None


def holds(text: str, sought: re.Pattern[str]) -> bool:
    """Whether a text without places says it."""
    return any(sought.search("".join(sign for sign, _ in _plain(line))) for line in text.splitlines())


def boxes(lines: Iterable[Sequence[Any]], sought: re.Pattern[str], *, aspect: float) -> list[Box]:
    """Where on a page it stands.

    :param lines: ``[text, x, y, width, height]`` each.
    :param aspect: the page's height for a width of 1.
    """
    found = (box for text, *place in lines for box in _boxes(text, place, sought, aspect))
    return list(islice(found, MOST))


def _boxes(text: str, place: Sequence[float], sought: re.Pattern[str], aspect: float) -> Iterator[Box]:
    plain = list(_plain(text))
    widths = (2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
    edges = list(accumulate(widths, initial=0))
    for hit in sought.finditer("".join(sign for sign, _ in plain)):
        first, last = plain[hit.start()][1], plain[hit.end() - 1][1]
        yield _part(edges[first] / edges[-1], edges[last + 1] / edges[-1], len(text), place, aspect)


def _plain(text: str) -> Iterator[tuple[str, int]]:
    """Each sign as it is compared, with its place in ``text``.

    Spaces count between figures only: 18 85,400 are two. So does a comma that no three figures follow: 85,400,3,200.
    """
    before, gap = "", False
    for at, cluster in _clusters(text):
        if cluster.isspace():
            gap = True
            continue
        if cluster in _LEFT_OUT:
            gap = gap or not _THOUSANDS.match(text, at + 1)
            continue
        for sign in _signs(cluster):
            if gap and before.isdecimal() and sign.isdecimal():
                yield " ", at
            gap = False
            yield sign, at
            before = sign


@lru_cache(maxsize=10_000)
def _signs(cluster: str) -> str:
    return hiragana(unicodedata.normalize("NFKC", cluster).lower())


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Signs with the marks that hang on them: ｶﾞ are two and mean one."""
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and text[end] in "ﾞﾟ\u3099\u309a":
            end += 1
        yield at, text[at:end]
        at = end


def _part(start: float, end: float, signs: int, place: Sequence[float], aspect: float) -> Box:
    x, y, wide, high = place
    if signs > 1 and high * aspect > _DOWNWARDS * wide:
        return x, y + start * high, wide, (end - start) * high
    return x + start * wide, y, (end - start) * wide, high
