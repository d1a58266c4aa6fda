"""When an income report says enough to be sent. Late, odd or differing is fine; only gaps are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# The fields of one wage line in the order they are asked.
WAGE_FIELDS: Final = (
    "employer",
    "work_days",
    "gross_yen",
    "social_insurance_yen",
    "income_tax_yen",
    "commuting_yen",
)


def gaps(line: Mapping[str, object]) -> dict[str, str]:
    """Fields of a wage line that still need an answer, each with the code ``missing``.

    A deduction larger than the pay is named ``more_than_gross``: nobody is paid less than nothing.
    Source: 収入申告書, section 1 (earned income): employer, days, gross, expenses.
    """
    found = {field: "missing" for field in WAGE_FIELDS if line.get(field) in (None, "")}
    amounts = [line.get(field) for field in ("gross_yen", "social_insurance_yen", "income_tax_yen")]
    gross, insurance, tax = (amount if isinstance(amount, int) else None for amount in amounts)
    if gross is not None and insurance is not None and tax is not None and insurance + tax > gross:
        found["social_insurance_yen"] = "more_than_gross"
    return found
