"""Words in what a person writes freely with which waiting could hurt. Pure; the list is a table, and an office's own.

Words are looked for as they sound and not as they are typed: any width, hiragana or katakana, spaces ignored. One that
is found in vain costs a caseworker a look; one that is missed may cost more, so the list errs on that side.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.rules import my_number
from shared.rules.forms import form
from shared.rules.forms.form import Ask, Form
from shared.rules.kana import hiragana

LONGEST: Final = 40  # characters of an office's own word
GAP: Final = "…"  # in a spelling: a few signs of the same sentence
_GAP: Final = "[^。、!?]{0,8}?"
_FREE: Final = (Ask.TEXT, Ask.TELL, Ask.KANA)


@dataclass(frozen=True)
class Word:
    """One row of the list. ``unless``: where a spelling stands inside of one of these, it means something else."""

    word: str
    also: tuple[str, ...] = ()  # other spellings
    unless: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True)
class OwnWord:
    """What an office says to the list: a word more, or with ``added=False`` a word less."""

    word: str
    about: str
    added: bool


class NotAWord(ValueError):
    """``code`` says why: too_short, too_long, my_number, unknown (taken out, but not in the list)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def fold(text: str) -> str:
    """A text as it is compared: one width, small letters, hiragana, and nothing between the signs."""
    plain = hiragana(unicodedata.normalize("NFKC", text).lower()).replace("無い", "ない").replace("無く", "なく")
    return "".join(sign for sign in plain if unicodedata.category(sign)[0] not in "ZC" and sign != "ー")


def checked(word: str) -> str:
    """An office's own word, as it is kept.

    :raises NotAWord: if it says too little, too much, or holds a My Number.
    """
    word = " ".join(word.split())
    if len(word) > LONGEST:
        raise NotAWord("too_long")
    if my_number.is_in(word):
        raise NotAWord("my_number")
    if min(len(fold(part)) for part in word.split(GAP)) < 1 or len(fold(word.replace(GAP, ""))) < 2:
        raise NotAWord("too_short")
    return word


def in_force(own: Iterable[OwnWord] = ()) -> tuple[Word, ...]:
    """The list as an office wants it: the table, without what it took out, and then what it added."""
    own = list(own)
    gone = {fold(one.word) for one in own if not one.added}
    added = tuple(Word(one.word, about=one.about) for one in own if one.added)
    return tuple(word for word in WORDS if fold(word.word) not in gone) + added


def found(text: str, words: Iterable[Word]) -> list[str]:
    """The words of the list that a text holds, in the list's order."""
    folded = fold(text)
    return [word.word for word in words if _holds(folded, word)]


def found_in(form_: Form, answers: Mapping[str, Any], words: Iterable[Word]) -> dict[str, list[str]]:
    """For each place of a form that is answered in free words: which words of the list stand there."""
    words, hits = tuple(words), {}
    for place, answer in form.places(form_, answers):
        if place.question.ask in _FREE and isinstance(answer, str) and (said := found(answer, words)):
            hits[place.id] = said
    return hits


def _holds(folded: str, word: Word) -> bool:
    spared = [hit.span() for one in word.unless for hit in re.finditer(re.escape(fold(one)), folded)]
    return any(
        not any(start <= hit.start() and hit.end() <= end for start, end in spared)
        for spelling in (word.word, *word.also)
        for hit in re.finditer(_pattern(spelling), folded)
    )


def _pattern(spelling: str) -> str:
    return _GAP.join(re.escape(fold(part)) for part in spelling.split(GAP))


def _read() -> tuple[Word, ...]:
    table = Path(__file__).parent.parent / "tables" / "danger_words.csv"
    with table.open(encoding="utf-8", newline="") as rows:
        return tuple(
            Word(row["word"], _several(row["also"]), _several(row["unless"]), row["about"])
            for row in csv.DictReader(rows)
        )


def _several(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


WORDS: Final = _read()
