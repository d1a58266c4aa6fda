"""Who works in ひばり野市, what it pays, and the papers that show it. The same month gives the same payslip."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final
from uuid import UUID

from config.office.diary import Ending
from config.office.hibarino import table
from config.office.papers import Payslip, payslip_pdf, payslip_photo
from shared.rules.months import is_open_day

_PAYDAY: Final = 25
_INSURED_FROM: Final = 88_000  # yen a month
_TAXED_FROM: Final = 105_000


class Flaw(StrEnum):
    """What is wrong with a report at first."""

    DARK = "dark"  # the photo is too dark to read
    DIFFERS = "differs"  # two digits of the wage are swapped


@dataclass(frozen=True)
class Story:
    """How one month's report has gone."""

    ending: Ending
    flaw: Flaw | None


@dataclass(frozen=True)
class Work:
    """Somebody's work. Yen an hour; hours a day; days a month; yen a day for the way there and back."""

    case_no: str
    employer: str
    hourly_yen: int
    hours: float
    days: int
    fare_yen: int
    insured: bool
    paper: str  # pdf, pages (two of them), photo, both
    stories: tuple[Story | None, ...]  # one for each of ``diary.months``


@dataclass(frozen=True)
class Paper:
    """A file as a person sends it. ``make`` gives its bytes; a photo takes half a second."""

    name: str
    make: Callable[[], bytes]
    photo: bool


def works() -> list[Work]:
    """Everybody who works, in the order of the table."""
    return [
        Work(
            case_no=row["case_no"],
            employer=row["employer"],
            hourly_yen=int(row["hourly_yen"]),
            hours=float(row["hours"]),
            days=int(row["days"]),
            fare_yen=int(row["fare_yen"]),
            insured=row["insured"] == "yes",
            paper=row["paper"],
            stories=tuple(_story(row[month]) for month in ("oldest", "middle", "newest")),
        )
        for row in table("wages")
    ]


def _story(words: str) -> Story | None:
    ending, _, flaw = words.partition(":")
    return Story(Ending(ending), Flaw(flaw) if flaw else None) if words else None


def payslip(work: Work, name: str, month: date, before: date) -> Payslip:
    """What the employer of ``work`` paid for ``month``, on the 25th or an open day earlier, and before ``before``."""
    chance = _chance(work, month)
    days = work.days + chance.randint(-2, 2)
    hours = days * work.hours
    base = round(hours * work.hourly_yen)
    fares = days * work.fare_yen
    extra = chance.choice((0, 0, 0, 900, 1_500))
    gross = base + fares + extra
    insured = work.insured and gross >= _INSURED_FROM
    return Payslip(
        company=work.employer,
        name=name,
        month=month,
        paid_on=_payday(month, before),
        days=days,
        hours=hours,
        hourly_yen=work.hourly_yen,
        base_yen=base,
        commuting_yen=fares,
        allowance_yen=extra,
        employment_insurance_yen=gross * 55 // 10_000,
        health_insurance_yen=gross * 5 // 100 if insured else 0,
        pension_yen=gross * 915 // 10_000 if insured else 0,
        income_tax_yen=max(gross - _TAXED_FROM, 0) * 3 // 100 // 10 * 10,
    )


def answers(slip: Payslip, worker: UUID, others: Sequence[str], flaw: Flaw | None = None) -> dict[str, Any]:
    """What the person writes into 収入申告書 with the payslip beside her.

    :param others: members of the household who are no longer at school and do not work.
    """
    return {
        "worked": "yes",
        "jobs": [_job(slip, worker, flaw)],
        "pension": "no",
        "remittance": "no",
        "other": "no",
        "expected": "no",
        "all_work": "no" if others else "yes",
        "without": [{"member": member, "reason": "caring"} for member in others],
    }


def _job(slip: Payslip, worker: UUID, flaw: Flaw | None) -> dict[str, str | int]:
    return {
        "worker": str(worker),
        "employer": slip.company,
        "work_days": slip.days,
        "gross_yen": swapped(slip.gross_yen) if flaw is Flaw.DIFFERS else slip.gross_yen,
        "social_insurance_yen": slip.social_insurance_yen,
        "income_tax_yen": slip.income_tax_yen,
        "commuting_yen": slip.commuting_yen,
        "paid_on": slip.paid_on.isoformat(),
    }


def swapped(yen: int) -> int:
    """The amount with its second and third digit the wrong way round, as hands do: 85,400 becomes 84,500.

    Where both are the same, the third is one too low or, at nought, one too high.
    """
    digits = list(str(yen))
    if digits[1] == digits[2]:
        digits[2] = str(int(digits[2]) - 1) if digits[2] != "0" else "1"
    else:
        digits[1], digits[2] = digits[2], digits[1]
    return int("".join(digits))


def papers(work: Work, slip: Payslip, flaw: Flaw | None = None) -> list[Paper]:
    """The files that go with a report, as this person usually sends them."""
    chance = _chance(work, slip.month)
    found = []
    if work.paper in ("pdf", "pages", "both"):
        make = partial(payslip_pdf, slip, multi_page=work.paper == "pages")
        found.append(Paper(f"給与明細_{slip.month.month}月.pdf", make, photo=False))
    if work.paper in ("photo", "both"):
        found.append(photo(slip, chance.randrange(1000), dark=flaw is Flaw.DARK))
    return found


def photo(slip: Payslip, seed: int, *, dark: bool) -> Paper:
    """A picture of the payslip. Another seed is another picture, with another number of the phone's."""
    return Paper(f"IMG_{4000 + seed}.JPG", partial(payslip_photo, slip, seed, dark=dark), photo=True)


def _chance(work: Work, month: date) -> random.Random:
    return random.Random(f"{work.case_no} {month}")  # noqa: S311  made-up wages, no secrets


def _payday(month: date, before: date) -> date:
    day = min(month.replace(day=_PAYDAY), before - timedelta(days=1))
    while not is_open_day(day):
        day -= timedelta(days=1)
    return day
