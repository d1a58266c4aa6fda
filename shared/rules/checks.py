"""What can be compared in a report without reading its papers: months, files, sums. Pure.

Source of the bounds of ``sums``: what no wage or pension here has reached, and the calendar; beyond them a digit is
likely too many. Nothing here blocks anybody, and the person never sees it: the office looks.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from shared.model import How, Result, Rule
from shared.rules.months import add_months

MOST_A_MONTH: Final = 2_000_000  # yen of one work
MOST_A_DAY: Final = 100_000
MOST_PENSION: Final = 500_000  # a month
MOST_OTHER: Final = 5_000_000
_PER: Final = {"month": 1, "two_months": 2, "year": 12}
_MONTHS: Final = (("", 0), ("before1_", -1), ("before2_", -2), ("estimate_", 1))  # of one work, and how far away

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as expected, or cannot be told. Facts are codes, numbers, ids, and days as ISO 8601."""

    result: Result
    code: str
    expected: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of one rule; without findings all is as expected."""

    rule: Rule
    findings: tuple[Finding, ...] = ()

    @property
    def result(self) -> Result:
        """The worst of its findings."""
        results = {finding.result for finding in self.findings}
        return next((result for result in (Result.FAIL, Result.CANT_TELL) if result in results), Result.PASS)


@dataclass(frozen=True)
class Sent:
    """Another report of the same person in the same form, about the same month."""

    submission_id: UUID
    number: str


def months(month: date, earlier: Sequence[Sent], owed_since: date | None) -> Outcome:
    """Each month is reported once, and none is left out.

    :param earlier: what had arrived before and stands.
    :param owed_since: the due day of the month before, if that has passed and nothing has come.
    """
    twice = [
        Finding(
            Result.FAIL,
            "twice",
            {"month": month.isoformat()},
            {"submission": str(one.submission_id), "number": one.number},
        )
        for one in earlier
    ]
    before = add_months(month, -1).isoformat()
    missing = (
        [Finding(Result.FAIL, "missing", {"month": before}, {"since": owed_since.isoformat()})] if owed_since else []
    )
    return Outcome(Rule.MONTH, (*twice, *missing))


@dataclass(frozen=True)
class Paper:
    """One file of a version. ``how`` and what follows are about the earlier file that it is like, if there is one."""

    file_id: UUID
    looked_at: bool
    how: How | None = None
    submission_id: UUID | None = None
    here: bool = False  # the earlier one came with the same submission
    number: str = ""
    received_at: datetime | None = None


def files(papers: Sequence[Paper]) -> Outcome | None:
    """No file was sent before in the household; None for a report without any."""
    if not papers:
        return None
    alike = [_alike(paper) for paper in papers if paper.how]
    waiting = sum(not paper.looked_at for paper in papers)
    pending = [Finding(Result.CANT_TELL, "pending", {"files": len(papers)}, {"files": waiting})] if waiting else []
    return Outcome(Rule.SAME_FILE, (*alike, *pending))


def _alike(paper: Paper) -> Finding:
    how = "same" if paper.how is How.SAME else "alike"
    facts = {"file": str(paper.file_id), "submission": str(paper.submission_id), "number": paper.number}
    facts["on"] = paper.received_at.isoformat() if paper.received_at else ""
    return Finding(Result.FAIL, f"{how}_here" if paper.here else how, {}, facts)


def sums(answers: Answers, month: date) -> Outcome | None:
    """The amounts of an income report can be; None for one that declares none."""
    lines = [*_of_jobs(_rows(answers, "worked", "jobs"), month), *_of_others(answers)]
    if not lines:
        return None
    return Outcome(Rule.SUM, tuple(finding for found in lines for finding in found))


def _rows(answers: Answers, asked: str, key: str) -> Sequence[Answers]:
    rows: Sequence[Answers] = answers.get(key, ()) if answers.get(asked) == "yes" else ()
    return rows


def _of_jobs(jobs: Sequence[Answers], month: date) -> Iterator[list[Finding]]:
    for row, job in enumerate(jobs):
        for prefix, away in _MONTHS:
            if not prefix or f"{prefix}gross_yen" in job:
                yield list(_of_month(job, f"jobs-{row}-{prefix}", prefix, add_months(month, away)))
        if (bonus := job.get("bonus_yen")) is not None:
            yield list(_bounded(bonus, f"jobs-{row}-bonus_yen", MOST_OTHER))


def _of_month(job: Answers, place: str, prefix: str, month: date) -> Iterator[Finding]:
    """One work in one month."""
    gross, days = job.get(f"{prefix}gross_yen"), job.get(f"{prefix}work_days")
    if gross is None:
        yield Finding(Result.CANT_TELL, "no_amount", {}, {"place": f"{place}gross_yen"})
    else:
        yield from _bounded(gross, f"{place}gross_yen", MOST_A_MONTH)
        taken = sum(job.get(f"{prefix}{key}") or 0 for key in ("social_insurance_yen", "income_tax_yen"))
        if taken > gross >= 0:
            yield Finding(Result.FAIL, "taken_off", {"yen": gross}, {"yen": taken, "place": f"{place}gross_yen"})
    if days is not None:
        most = calendar.monthrange(month.year, month.month)[1]
        if not 0 <= days <= most:
            yield Finding(Result.FAIL, "days", {"days": most}, {"days": days, "place": f"{place}work_days"})
        elif days and gross is not None and MOST_A_DAY * days < gross <= MOST_A_MONTH:
            found = {"yen": gross // days, "place": f"{place}gross_yen"}
            yield Finding(Result.FAIL, "a_day", {"yen": MOST_A_DAY}, found)


def _of_others(answers: Answers) -> Iterator[list[Finding]]:
    """Pensions, what was sent, and everything else: a line each."""
    for row, line in enumerate(_rows(answers, "pension", "pensions")):
        most = MOST_PENSION * _PER.get(line.get("per", ""), 12)
        yield list(_line(line.get("amount_yen"), f"pensions-{row}-amount_yen", most))
    for asked, key, amount in (
        ("remittance", "remittances", "amount_yen"),
        ("other", "others", "amount_yen"),
        ("expected", "expectations", "expected_yen"),
    ):
        for row, line in enumerate(_rows(answers, asked, key)):
            yield list(_line(line.get(amount), f"{key}-{row}-{amount}", MOST_OTHER))


def _line(amount: int | None, place: str, most: int) -> Iterator[Finding]:
    if amount is None:
        yield Finding(Result.CANT_TELL, "no_amount", {}, {"place": place})
    else:
        yield from _bounded(amount, place, most)


def _bounded(amount: int, place: str, most: int) -> Iterator[Finding]:
    if amount < 0:
        yield Finding(Result.FAIL, "negative", {"yen": 0}, {"yen": amount, "place": place})
    elif amount > most:
        yield Finding(Result.FAIL, "too_much", {"yen": most}, {"yen": amount, "place": place})
