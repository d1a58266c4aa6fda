"""Cells of a table that a spreadsheet will open."""

from __future__ import annotations

from typing import Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what makes a cell a formula


def harmless(cell: str) -> str:
    """The cell as text: whatever somebody has written into it, nothing of it is calculated."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
