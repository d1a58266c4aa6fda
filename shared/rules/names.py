"""What people call their files: kept as they wrote it, shown so that it cannot pretend, handed back in a header."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote

LONGEST: Final = 300  # characters kept of a name
NAMELESS: Final = "—"
_JOINER: Final = "\u200d"
_JOINERS: Final = frozenset({_JOINER, "\u200c"})  # they build one sign out of several, and hide nothing
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})  # controls, marks of direction, breaks of a line
_MARK: Final = "\N{REPLACEMENT CHARACTER}"
_NOT_PLAIN: Final = re.compile(r'[^ -~]|["\\/%;]')


def kept(raw: str | bytes) -> str:
    """The name as it was written, as a database can keep it: 300 characters at most, never empty, no NUL."""
    text = raw if isinstance(raw, str) else read(raw)
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{SYMBOL FOR NULL}")
    return _cut(text) or NAMELESS


def shown(name: str) -> str:
    """The name for people's eyes: what cannot be seen, or turns the letters around, stands there as a sign."""
    return "".join(_visible(sign) for sign in name) if name.strip() else NAMELESS


def disposition(name: str, extension: str) -> str:
    """A ``Content-Disposition`` that saves a file under its own name (RFC 5987), ending in what it really is.

    :param extension: with its dot.
    """
    name = shown(name)
    if not name.lower().endswith(extension):
        name += extension
    plain = _NOT_PLAIN.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def read(raw: bytes) -> str:
    """Text of somebody who does not say how it is written: UTF-8, else old Windows, else byte by byte. Never fails."""
    for encoding in ("utf-8", "cp932"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _cut(text: str) -> str:
    """The first 300 characters, less those of a sign that would be torn apart."""
    end = min(LONGEST, len(text))
    while 0 < end < len(text) and (_leans(text[end]) or text[end - 1] == _JOINER):
        end -= 1
    return text[: end or LONGEST]


def _leans(sign: str) -> bool:
    """Whether a character belongs to the one before it."""
    return sign == _JOINER or unicodedata.category(sign) in ("Mn", "Mc", "Me", "Sk")


def _visible(sign: str) -> str:
    if unicodedata.category(sign) not in _UNSEEN or sign in _JOINERS:
        return sign
    if sign < " ":
        return chr(0x2400 + ord(sign))
    return _MARK
