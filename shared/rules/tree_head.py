"""The text an office signs once a day about its journal: short enough to print, to mail, to type.

    madoguchi log head 1
    office: HB
    day: 2026-11-19
    size: 1234
    root: 5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
    time: 2026-11-19T11:12:41Z

ASCII, every line ends with a line feed, and nothing else is in it: that is what the signature is over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

_TEXT = re.compile(
    r"madoguchi log head 1\noffice: (?P<office>[A-Z]{2,4})\nday: (?P<day>\d{4}-\d\d-\d\d)\n"
    r"size: (?P<size>0|[1-9]\d{0,17})\nroot: (?P<root>[0-9a-f]{64})\ntime: (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\n"
)


class NotAHead(ValueError):
    """A text that is no head."""


@dataclass(frozen=True)
class SignedHead:
    """What a head says."""

    office: str  # its code
    day: date
    size: int
    root: str
    at: datetime

    def text(self) -> str:
        """As it is signed."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"madoguchi log head 1\noffice: {self.office}\nday: {self.day.isoformat()}\nsize: {self.size}\n"
            f"root: {self.root}\ntime: {at}\n"
        )


def read(text: str) -> SignedHead:
    """What a text says; line ends that came from a mail, and blank lines around it, are forgiven.

    :raises NotAHead: if it is no head.
    """
    found = _TEXT.fullmatch("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")
    if found is None:
        raise NotAHead("not the text of a log head")
    try:
        day, at = date.fromisoformat(found["day"]), datetime.fromisoformat(found["at"])
    except ValueError as error:
        raise NotAHead("a day or a time that there is not") from error
    return SignedHead(found["office"], day, int(found["size"]), found["root"], at)
