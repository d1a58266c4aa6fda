"""A list of households with their caseworkers and districts, as a spreadsheet writes and reads it. Pure.

One line a household: its case number, the login of its caseworker and, if there is such a column, its district. What
spreadsheets do to a list is undone where it can be: the mark before UTF-8, Shift_JIS, quotes, tabs, full-width figures,
and the apostrophe that keeps a word from being a formula.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.rules import my_number
from shared.rules.cells import FORMULA, MARK, harmless

MOST: Final = 6_000  # lines: the households of one office
LONGEST: Final = {"case_no": 20, "login": 60, "district": 20}  # characters of a cell
NONE: Final = "-"  # in the column of districts: no district any more; an empty cell leaves it as it is
COLUMNS: Final = {
    "case_no": ("ケース番号", "世帯番号", "case_no"),
    "login": ("担当のログイン", "担当者のログイン", "担当", "caseworker", "login"),
    "district": ("地区", "district"),
}


@dataclass(frozen=True)
class Line:
    """What one line says. ``district``: None leaves it as it is, and an empty one takes it away."""

    no: int  # of the file, the head is 1
    case_no: str
    login: str
    district: str | None = None

    @property
    def fault(self) -> str | None:
        """What is wrong with it whoever lives there: case_missing, login_missing, too_long or my_number."""
        if not self.case_no:
            return "case_missing"
        if not self.login:
            return "login_missing"
        cells = {"case_no": self.case_no, "login": self.login, "district": self.district or ""}
        if any(len(cell) > LONGEST[name] for name, cell in cells.items()):
            return "too_long"
        return "my_number" if my_number.is_in(self.district or "") else None


class NotAList(ValueError):
    """Nothing of it can be read. ``code``: coding, columns, empty, too_many or broken."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def decoded(content: bytes) -> str:
    """The text of a file, as Excel and others write it.

    :raises NotAList: if it is neither UTF-8 nor Shift_JIS nor UTF-16 with its mark.
    """
    for coding in ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp932"]:
        try:
            return content.decode(coding)
        except UnicodeDecodeError:
            continue
    raise NotAList("coding")


def read(text: str) -> list[Line]:
    """The lines of a list; empty ones are passed over.

    :raises NotAList: without its two columns, without lines, or with too many.
    """
    head = text.lstrip(f"{MARK}\r\n").partition("\n")[0]
    rows = csv.reader(io.StringIO(text.lstrip(MARK), newline=""), delimiter="\t" if "\t" in head else ",")
    columns: dict[str, int] | None = None
    found: list[Line] = []
    begins = 1
    try:
        for row in rows:
            no, begins = begins, rows.line_num + 1
            cells = [_plain(cell) for cell in row]
            if not any(cells):
                continue
            if columns is None:
                columns = _columns(cells)
                continue
            if len(found) == MOST:
                raise NotAList("too_many")
            found.append(_line(no, cells, columns))
    except csv.Error:
        raise NotAList("broken") from None
    if not found:
        raise NotAList("columns" if columns is None else "empty")
    return found


def _columns(cells: list[str]) -> dict[str, int]:
    at = {name: cells.index(word) for name, words in COLUMNS.items() for word in reversed(words) if word in cells}
    if not {"case_no", "login"} <= at.keys():
        raise NotAList("columns")
    return at


def _line(no: int, cells: list[str], columns: dict[str, int]) -> Line:
    said = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
    short = {name: cell[: LONGEST[name] + 1] for name, cell in said.items()}
    district = short.get("district") or None
    return Line(no, short["case_no"], short["login"], "" if district == NONE else district)


def _plain(cell: str) -> str:
    cell = unicodedata.normalize("NFKC", cell.replace("\x00", "")).strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell


def written(lines: Iterable[Line], head: tuple[str, str, str]) -> str:
    """The same list for a spreadsheet: with the mark by which it knows UTF-8, and no cell a formula.

    Each line stands where it stood: what was passed over between two of them is empty.
    """
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(head)
    stands = 1
    for line in lines:
        for _ in range(stands + 1, line.no):
            write.writerow([])
        stands = line.no
        district = "" if line.district is None else line.district or NONE
        write.writerow(
            [harmless(line.case_no), harmless(line.login), district if district == NONE else harmless(district)]
        )
    return MARK + out.getvalue()
