"""Whom to call when an answer says danger. An office checks the numbers once a year, like every table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class HelpLine:
    """A number, who answers there, for what, and when."""

    number: str
    name: str
    when: str
    hours: str
    source: str


def _read() -> tuple[HelpLine, ...]:
    table = Path(__file__).parent.parent / "tables" / "help_lines.csv"
    with table.open(encoding="utf-8", newline="") as rows:
        return tuple(HelpLine(**row) for row in csv.DictReader(rows))


HELP_LINES: Final = _read()
