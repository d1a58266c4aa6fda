"""Numbers and codes that people read aloud, write down and mistype."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Final

from stdnum.iso7064 import mod_11_10

from shared.rules.wareki import era_year, fiscal_year

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # 31 signs; no 0 O, no 1 I L
CODE_LENGTH: Final = 12
CHECK_LENGTH: Final = 8


def submission_number(office_code: str, day: date, serial: int) -> str:
    """受付番号, such as HB8-20417-6: office, year of the era in which the fiscal year began, serial, check digit.

    The digit (ISO 7064 MOD 11,10 over all before it) finds every single wrong figure, and most wrong letters and
    swapped signs: one digit cannot tell 26 letters apart.
    """
    return _numbered(f"{office_code}{era_year(date(fiscal_year(day), 4, 30))[1]}", serial)


def numbers_between(first: str, last: str) -> Iterator[str]:
    """Every 受付番号 from ``first`` to ``last`` of one fiscal year, both included."""
    begin, start, _digit = first.split("-")
    for serial in range(int(start), int(last.split("-")[1]) + 1):
        yield _numbered(begin, serial)


def _numbered(begin: str, serial: int) -> str:
    body = f"{begin}-{serial:05}"
    return f"{body}-{mod_11_10.calc_check_digit(_digits(body))}"


def is_submission_number(text: str) -> bool:
    """Whether ``text`` is formed like a 受付番号 and its check digit is right."""
    match = re.fullmatch(r"([A-Z]{2,4}[0-9]{1,2}-[0-9]{5,})-([0-9])", text)
    return bool(match) and mod_11_10.is_valid(_digits(match[1]) + match[2]) if match else False


def _digits(body: str) -> str:
    return "".join(str(int(sign, 36)) for sign in body if sign.isalnum())


def document_number(prefix: str, day: date, serial: int) -> str:
    """文書番号, such as ひ福生第 令8-03121 号."""
    era, year = era_year(date(fiscal_year(day), 4, 30))
    return f"{prefix} {era[0]}{year}-{serial:05} 号"


def short_number(document_no: str) -> str:
    """A 文書番号 without its letters around it: 令8-03121."""
    return document_no.split(" ")[-2]


def new_code() -> str:
    """A fresh code for one letter: 12 signs, about 59 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def grouped(code: str) -> str:
    """The code as the letter prints it: XXXX-XXXX-XXXX."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def read_code(text: str) -> str | None:
    """The code of a letter somebody typed, whatever its case, width, spaces or hyphens; None if it cannot be one."""
    return _read(text, CODE_LENGTH)


def read_check_code(text: str) -> str | None:
    """The check code of a 受領証 somebody typed, read like ``read_code``."""
    return _read(text, CHECK_LENGTH)


def _read(text: str, length: int) -> str | None:
    plain = unicodedata.normalize("NFKC", text).upper()
    plain = re.sub(r"[\s\-‐‑–—−ー_.・]", "", plain)
    return plain if len(plain) == length and set(plain) <= set(ALPHABET) else None


def code_hash(code: str) -> str:
    """What is kept of a code or a session token. Both are random enough for a plain SHA-256."""
    return hashlib.sha256(code.encode()).hexdigest()


def new_check_code() -> str:
    """What proves, beside its number, that somebody holds a 受領証 in her hand: 8 signs, about 39 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CHECK_LENGTH))


def new_check_token() -> str:
    """What the QR code of a 受領証 leads by: 128 bits, and nothing can be read from it."""
    return secrets.token_hex(16)


def new_token() -> str:
    """A session token: 256 bits."""
    return secrets.token_urlsafe(32)
