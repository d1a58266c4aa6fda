"""When two pages look like each other: the same paper photographed again, or the same picture saved anew. Pure.

A photographed payslip of the next month from the same employer looks the same as a second photo of this month's. So a
look alone says something only within one person's report of one month; elsewhere the letters or the very picture must
agree. The numbers are measured: see ``uploads.look``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SAME_PAPER: Final = 80  # bits in which two photos of one paper may differ; of another layout it is 92 and more
SAME_PICTURE: Final = 24  # the same for one picture made smaller, brighter or saved again
LETTERS: Final = 40  # a page that says less than that is told by its look


@dataclass(frozen=True)
class Page:
    """What is remembered of a safe page: ``look`` is the hex of a perceptual hash, ``text`` its own text layer."""

    look: str | None
    text: str | None


def nearness(one: Page, other: Page, within: int) -> int | None:
    """Bits between two pages that are alike, at most ``within``; None for pages that are not.

    Where both say something in letters, the letters decide and the looks do not.
    """
    letters, others = _letters(one.text), _letters(other.text)
    if min(len(letters), len(others)) >= LETTERS:
        return 0 if letters == others else None
    if not (_says_something(one.look) and _says_something(other.look)):
        return None
    bits = (int(one.look or "", 16) ^ int(other.look or "", 16)).bit_count()
    return bits if len(one.look or "") == len(other.look or "") and bits <= within else None


def nearest(pages: Iterable[Page], others: Iterable[Page], within: int) -> int | None:
    """Bits between the two pages of two files that are most alike; None if no page of one is like one of the other."""
    others = list(others)
    found = [bits for page in pages for other in others if (bits := nearness(page, other, within)) is not None]
    return min(found, default=None)


def _says_something(look: str | None) -> bool:
    """An empty page has a look of zeros, as every other empty page."""
    return bool(look) and set(look or "") != {"0"}


def _letters(text: str | None) -> str:
    """The text without what a printer changes: spaces, line ends, full and half width."""
    return "".join(unicodedata.normalize("NFKC", text or "").split())
