"""受付票: its fixed sentences in the languages it is given in, and which of them somebody reads.

Japanese is the text of the office; every other language stands beside it and says so itself.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from shared.model import DutyKind

JAPANESE: Final = "ja"
EASY: Final = "ja-easy"
# What each is called in itself: a choice that nobody can read is none.
LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        JAPANESE: "日本語",
        EASY: "やさしい日本語",
        "en": "English",
        "zh-Hans": "中文（简体）",
        "ko": "한국어",
        "vi": "Tiếng Việt",
        "pt": "Português",
        "tl": "Tagalog",
        "es": "Español",
        "ne": "नेपाली",
    }
)
TABLE: Final = Path(__file__).parents[1] / "tables" / "slip_words.csv"
_SAME: Final = {"zh": "zh-Hans", "fil": "tl"}  # what browsers call a language of ours
_LONGEST: Final = 500  # letters of a header that are worth reading


@cache
def words(language: str) -> Mapping[str, str]:
    """The sentences of one language, by key.

    :raises KeyError: for a language that is not in ``LANGUAGES``.
    """
    with TABLE.open(encoding="utf-8", newline="") as table:
        return MappingProxyType({row["key"]: row[language] for row in csv.DictReader(table)})


def thing(language: str, kind: DutyKind) -> str:
    """What a form is called."""
    return words(language)[kind.value]


def tag(language: str) -> str:
    """The language as HTML and PDF name it."""
    return JAPANESE if language == EASY else language


def read_by(accepted: str) -> str:
    """The first language of ours that a browser says (``Accept-Language``) its owner reads; else Japanese."""
    weighed = []
    for place, part in enumerate(accepted[:_LONGEST].split(",")):
        name, _, weight = part.partition(";")
        weighed.append((-_weight(weight), place, name.strip()))
    for minus_weight, _place, name in sorted(weighed):
        primary = name.lower().partition("-")[0]
        language = _SAME.get(primary, primary)
        if minus_weight < 0 and language in LANGUAGES:
            return language
    return JAPANESE


def _weight(text: str) -> float:
    name, _, number = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(number)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0  # also keeps NaN out
