"""Reading an amount the way people write it: ８５，０００円, 8万5千, ¥85,000."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MOST_YEN: Final = 9_999_999  # more than this at once is a slip of the finger
_UNITS: Final = {"万": 10_000, "千": 1_000}
# A single figure behind a unit (1万2) means thousands to some and ones to others: it is asked again.
_PARTS: Final = re.compile(r"(?:([0-9]+)万)?(?:([0-9]?)千)?([0-9]{2,4})?")


class NotAnAmount(ValueError):
    """``code`` says why: missing, not_a_number, fraction, negative, too_much."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def yen(text: str) -> int:
    """Return the amount in whole yen, 0 to 9,999,999.

    Full-width digits, commas, spaces, 円, ¥ and the units 万 and 千 are understood.

    :raises NotAnAmount: with a code that the page turns into a sentence.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    plain = re.sub(r"[\s,、¥\\]", "", plain)
    plain = plain.removesuffix("也").removesuffix("円")
    if not plain:
        raise NotAnAmount("missing")
    if re.match(r"[-−–—‐△▲]", plain):
        raise NotAnAmount("negative")
    if re.fullmatch(r"[0-9]+\.[0-9]+", plain):
        plain, _, behind = plain.partition(".")
        if behind not in ("0", "00"):  # 85.000 is eighty-five thousand to some: it is asked again
            raise NotAnAmount("fraction")
    amount = _whole(plain)
    if amount > MOST_YEN:
        raise NotAnAmount("too_much")
    return amount


def _whole(plain: str) -> int:
    if not plain.isascii():
        match = _PARTS.fullmatch(plain)
        if not match:
            raise NotAnAmount("not_a_number")
        man, sen, rest = match.groups()
        sen = "1" if sen == "" else sen
        return _int(man or "0") * _UNITS["万"] + int(sen or 0) * _UNITS["千"] + int(rest or 0)
    if not plain.isdigit():
        raise NotAnAmount("not_a_number")
    return _int(plain)


def _int(digits: str) -> int:
    """Whatever the number of digits: more than twelve are too much in any case, and Python reads no endless ones."""
    return int(digits.lstrip("0")[:12] or "0")


def days(text: str) -> int:
    """Return a number of days, 0 to 31.

    :raises NotAnAmount: missing, not_a_number, negative or too_much.
    """
    return count(text, 31)


def count(text: str, most: int) -> int:
    """Return a number of days, times, people or things, 0 to ``most``.

    :raises NotAnAmount: missing, not_a_number, negative or too_much.
    """
    plain = re.sub(r"(?:日間|日|回|人|つ|個|件|時間)$", "", unicodedata.normalize("NFKC", text).strip()).strip()
    if not plain:
        raise NotAnAmount("missing")
    if plain[0] in "-−–—‐△▲":
        raise NotAnAmount("negative")
    if not (plain.isascii() and plain.isdigit()):
        raise NotAnAmount("not_a_number")
    counted = _int(plain)
    if counted > most:
        raise NotAnAmount("too_much")
    return counted
