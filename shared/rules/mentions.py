"""@名前: whom a note names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

_SIGN: Final = re.compile(r"(?<![A-Za-z0-9._+-])@\s?")  # but not the one inside a mail address
_WORD: Final = re.compile(r"[^\s@、。,.!?:;()「」]+")


@dataclass(frozen=True)
class Mentions:
    """Whom a text names. ``nobody``: what stands behind an @ and is no name; ``several``: what is more than one's."""

    ids: tuple[UUID, ...] = ()
    nobody: str = ""
    several: str = ""


def mentioned(text: str, names: Mapping[UUID, str]) -> Mentions:
    """Find whom a text names: as @例野太郎, as @例野 太郎 or, where only one is called so, as @例野さん.

    :param names: everybody who could be meant, the family name first, with a space behind it or without.
    """
    plain = unicodedata.normalize("NFKC", text)
    known = {key: unicodedata.normalize("NFKC", name).split() for key, name in names.items()}
    found: list[UUID] = []
    for sign in _SIGN.finditer(plain):
        rest = plain[sign.end() :]
        word = _WORD.match(rest)
        if word is None:
            continue
        whole = {key: "".join(name) for key, name in known.items()}
        family = {key: name[0] for key, name in known.items() if name}
        meant = _begins("".join(rest.split()), whole) or _begins(word[0], family)
        if not meant:
            return Mentions(nobody=word[0])
        if len(meant) > 1:
            return Mentions(several=word[0])
        found += [key for key in meant if key not in found]
    return Mentions(tuple(found))


def _begins(text: str, names: Mapping[UUID, str]) -> list[UUID]:
    """Whose name stands at the beginning of ``text``: the longest one there is."""
    there = {key: name for key, name in names.items() if name and text.startswith(name)}
    longest = max(map(len, there.values()), default=0)
    return [key for key, name in there.items() if len(name) == longest]
