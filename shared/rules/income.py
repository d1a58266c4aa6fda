"""What of an income report is worth a second look before it is sent: expected beside found. Nothing here blocks.

Source of what is expected: 収入申告書 itself (each earner, each employer, one payslip a month), the report before, and
the text that stands on the papers. It is said to the person in kind words, and to staff in the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

Job = Mapping[str, Any]

_FAR: Final = 3  # times as much, or as little, as the month before: often a digit too many
_MONTH: Final = re.compile(r"(?:(?:令和|R)?(\d{1,4}|元)年)?(\d{1,2})月分")
_REIWA: Final = 2018  # the year before its first


class Seen(StrEnum):
    """What is worth a look."""

    TAKEN_OFF = "taken_off"  # more is taken off than was paid
    FAR = "far"  # far more, or far less, than the month before
    GONE = "gone"  # work of the month before is not here
    UNSAID = "unsaid"  # nothing is said of a member of the household
    PAPERS = "papers"  # fewer papers than jobs
    NO_PAPERS = "no_papers"
    MONTH = "month"  # the papers are about other months
    AMOUNT = "amount"  # no paper shows the amount


@dataclass(frozen=True)
class Remark:
    """One thing worth a look. ``place`` is the answer it is about, as ``forms.Place.id`` says it; empty for none."""

    seen: Seen
    place: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Papers:
    """What came with the report: how many files, the text of each page that has one, whether a reason was given."""

    files: int
    texts: Sequence[str]
    explained: bool  # she has said why a paper is not there


def remarks(
    answers: Mapping[str, Any],
    month: date,
    *,
    before: Mapping[str, Any] | None,
    members: Mapping[str, str],
    papers: Papers,
) -> list[Remark]:
    """What is worth a second look.

    :param before: the answers for the month before, if there was a report.
    :param members: id and name of those of whom the report should say something: not of children at school.
    """
    jobs: Sequence[Job] = answers.get("jobs", ()) if answers.get("worked") == "yes" else ()
    earlier: Sequence[Job] = before.get("jobs", ()) if before else ()
    return [
        *_of_jobs(jobs, earlier),
        *_gone(jobs, earlier),
        *_unsaid(answers, jobs, members),
        *_of_papers(jobs, month, papers),
    ]


def _of_jobs(jobs: Sequence[Job], earlier: Sequence[Job]) -> Iterator[Remark]:
    for row, job in enumerate(jobs):
        gross = job.get("gross_yen")
        if gross is None:
            continue
        taken = job.get("social_insurance_yen", 0) + job.get("income_tax_yen", 0)
        if taken > gross:
            yield Remark(Seen.TAKEN_OFF, f"jobs-{row}-gross_yen", {"taken": taken, "gross": gross})
        was = next((one.get("gross_yen") for one in earlier if _work(one) == _work(job)), None)
        if was and gross and max(was, gross) >= _FAR * min(was, gross):
            yield Remark(Seen.FAR, f"jobs-{row}-gross_yen", {"was": was, "gross": gross})


def _gone(jobs: Sequence[Job], earlier: Sequence[Job]) -> Iterator[Remark]:
    here = {_work(job) for job in jobs}
    for job in earlier:
        if _work(job) not in here:
            yield Remark(Seen.GONE, facts={"employer": job.get("employer", "")})


def _work(job: Job) -> tuple[Any, Any]:
    return job.get("worker"), job.get("employer")


def _unsaid(answers: Mapping[str, Any], jobs: Sequence[Job], members: Mapping[str, str]) -> Iterator[Remark]:
    without = answers.get("without", ()) if answers.get("worked") == "no" or answers.get("all_work") == "no" else ()
    said = {job.get("worker") for job in jobs} | {one.get("member") for one in without}
    for id_, name in members.items():
        if id_ not in said:
            yield Remark(Seen.UNSAID, facts={"name": name})


def _of_papers(jobs: Sequence[Job], month: date, papers: Papers) -> Iterator[Remark]:
    paid = [(row, job["gross_yen"]) for row, job in enumerate(jobs) if job.get("gross_yen")]
    if papers.files < len(paid) and not papers.explained:
        seen = Seen.PAPERS if papers.files else Seen.NO_PAPERS
        yield Remark(seen, facts={"needed": len(paid), "found": papers.files})
    texts = [_plain(text) for text in papers.texts if text.strip()]
    months = {found for text in texts for found in _months(text, month)}
    if months and month not in months:
        yield Remark(Seen.MONTH, facts={"months": sorted(months)})
    for row, gross in paid if texts else ():
        if not any(re.search(rf"(?<!\d){gross}(?!\d)", text.replace(",", "")) for text in texts):
            yield Remark(Seen.AMOUNT, f"jobs-{row}-gross_yen", {"gross": gross})


def _plain(text: str) -> str:
    return re.sub(r"[ \t\u3000]", "", unicodedata.normalize("NFKC", text))


def _months(text: str, month: date) -> Iterator[date]:
    """The months a text says it is about; without a year, of the year of ``month``."""
    for year, number in _MONTH.findall(text):
        if 1 <= int(number) <= 12:
            yield date(_year(year, month), int(number), 1)


def _year(said: str, month: date) -> int:
    if not said:
        return month.year
    number = 1 if said == "元" else int(said)
    return number if number > 1900 else _REIWA + number
