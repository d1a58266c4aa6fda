"""Lists for a spreadsheet: CSV that it opens as what it says."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

MARK: Final = "\ufeff"  # by which spreadsheets know UTF-8


def line(cells: Iterable[str]) -> str:
    """One line. A cell that would be a formula is kept a word."""
    out = io.StringIO()
    csv.writer(out).writerow([_word(cell) for cell in cells])
    return out.getvalue()


def _word(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
