"""A day or a month as an address or a field says it."""

from __future__ import annotations

from datetime import date


def day_in(text: str) -> date | None:
    """2026-11-19; None for anything else, and for days of other centuries, on which nobody has sent anything."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if 2000 <= day.year < 2100 else None


def month_in(text: str) -> date | None:
    """2026-11, as the first day of that month; None for anything else."""
    return day_in(f"{text}-01")
