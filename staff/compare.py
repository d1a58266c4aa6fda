"""くらべる: where the papers say a declared value, or words that are typed. Read only, from the address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.words import answer, label
from shared.model import DutyKind, SafeCopy
from shared.rules import compare
from shared.rules.compare import Box
from shared.rules.forms.form import Ask
from shared.slips import FileRow, SaidRow, Slip

LONGEST: Final = 60  # characters of what is looked for


class Sought(StrEnum):
    """How a look ended."""

    FOUND = "found"
    NO_PLACE = "no_place"  # the text says it; a release before ours has kept no places
    ELSEWHERE = "elsewhere"  # in another file of the same version
    NOT_FOUND = "not_found"
    NO_TEXT = "no_text"


@dataclass(frozen=True)
class Look:
    """What was looked for in a file, and where it stands. ``value`` is empty for words that were typed."""

    value: str
    name: str
    text: str
    how: Sought
    marks: dict[int, list[Box]]  # by page
    files: tuple[FileRow, ...]  # other ones that say it

    @property
    def count(self) -> int:
        return sum(map(len, self.marks.values()))


@dataclass(frozen=True)
class _Page:
    """A page as far as it can be read."""

    page: int
    text: str
    lines: list[Any] | None
    aspect: float


def comparable(slip: Slip) -> list[str]:
    """The declared values that a paper may say, by id, in the order of the page."""
    if slip.kind is not DutyKind.INCOME_REPORT:
        return []
    return [row.id for row in slip.said if row.is_said and _pattern(row) is not None]


def after(values: Sequence[str], value: str) -> str:
    """Which value a key compares next; after the last one, the first."""
    if not values:
        return ""
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]


def look(session: Session, office_id: UUID, slip: Slip, file: FileRow | None, value: str, typed: str) -> Look | None:
    """Look for a declared value, or for words that were typed, in a file; None where nothing is asked for.

    :param value: the id of a declared value; one that cannot be compared asks for nothing.
    """
    if file is None:
        return None
    said = next((row for row in slip.said if row.id == value and value in comparable(slip)), None)
    if said is not None:
        pattern, name, text = _pattern(said), label(said), answer(said)
    else:
        value, name, text = "", "", typed.strip()[:LONGEST]
        pattern = compare.words(text)
    if pattern is None:
        return None
    pages = _pages(session, office_id, file)
    marks = {
        page.page: found for page in pages if (found := compare.boxes(page.lines or (), pattern, aspect=page.aspect))
    }
    others: tuple[FileRow, ...] = ()
    if not marks and not _says(pages, pattern):
        others = tuple(
            one for one in slip.files if one.id != file.id and _says(_pages(session, office_id, one), pattern)
        )
    return Look(value, name, text, _how(pages, marks, others, pattern), marks, others)


def _how(
    pages: list[_Page], marks: dict[int, list[Box]], others: tuple[FileRow, ...], pattern: re.Pattern[str]
) -> Sought:
    if marks:
        return Sought.FOUND
    if _says(pages, pattern):
        return Sought.NO_PLACE
    if others:
        return Sought.ELSEWHERE
    return Sought.NOT_FOUND if any(page.text for page in pages) else Sought.NO_TEXT


def _pattern(said: SaidRow) -> re.Pattern[str] | None:
    match said.question.ask, said.answer:
        case ((Ask.YEN | Ask.COUNT), int(value)):
            return compare.number(value)
        case Ask.DAY, str(value):
            return compare.day(date.fromisoformat(value))
        case ((Ask.TEXT | Ask.KANA), str(value)):
            return compare.words(value)
        case Ask.MEMBER, str():
            return compare.words(said.member)
    return None


def _says(pages: Iterable[_Page], pattern: re.Pattern[str]) -> bool:
    return any(compare.holds(page.text, pattern) for page in pages)


def _pages(session: Session, office_id: UUID, file: FileRow) -> list[_Page]:
    if file.copies_destroyed_at:
        return []
    found = session.execute(
        select(SafeCopy.page, SafeCopy.text, SafeCopy.lines, SafeCopy.width, SafeCopy.height)
        .where(SafeCopy.office_id == office_id, SafeCopy.file_id == file.id)
        .order_by(SafeCopy.page)
    )
    return [_Page(row.page, row.text or "", row.lines, row.height / row.width) for row in found]
