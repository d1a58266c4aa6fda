"""Cells of a table that a spreadsheet will open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

MARK: Final = "\ufeff"  # by which spreadsheets know UTF-8
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what makes a cell a formula


def harmless(cell: str) -> str:
    """The cell as text: whatever somebody has written into it, nothing of it is calculated."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def csv_line(cells: Iterable[str]) -> str:
    """One line of CSV, each cell harmless."""
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) for cell in cells])
    return out.getvalue()
