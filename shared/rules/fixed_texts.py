"""Places in a fixed text: 〔氏名〕 and the like are filled in, and what nobody can fill in stays and is seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

KNOWN: Final = ("氏名", "月", "期限", "担当", "電話")
"""Her name; the month the report is about; until when she is asked; her caseworker; the office's telephone."""

SIGNS: Final = ("［", "］", "〔", "〕")
"""Where one of these is left, something has not been filled in."""

_PLACE: Final = re.compile("〔([^〔〕]*)〕")


def fill(text: str, facts: Mapping[str, str | None]) -> str:
    """``text`` with what is known. A place without a fact stays as it is."""
    return _PLACE.sub(lambda place: facts.get(place[1]) or place[0], text)


def by_hand(text: str) -> list[str]:
    """The places of ``text`` that are filled in by nobody but the writer, each once."""
    return [name for name in dict.fromkeys(_PLACE.findall(text)) if name not in KNOWN]


def left_open(text: str) -> bool:
    """Whether anything in ``text`` still waits to be filled in."""
    return any(sign in text for sign in SIGNS)
