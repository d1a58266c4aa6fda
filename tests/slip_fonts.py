"""``make slip-fonts FONTS=folder``: cuts the letters that shared/tables/slip_words.csv needs out of whole Noto fonts.

The folder holds, as their makers give them: NotoSansCJK-Regular.ttc, NotoSans[wdth,wght].ttf and
NotoSansDevanagari[wdth,wght].ttf. Run it again when a sentence of the table gets a letter it did not have; a test of
uploads says so.
"""

from __future__ import annotations

import string
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from shared.rules.slip_words import words
from uploads import receipt_pdf

CJK: Final = "NotoSansCJK-Regular.ttc"


@dataclass(frozen=True)
class Cut:
    """One small font: what it is cut from, and for which languages."""

    source: str
    face: str  # of a collection; the family's name in a font of one face
    name: str  # of the file
    languages: tuple[str, ...]
    shapes: bool  # letters change their shape beside others: keep the rules for it


CUTS: Final = (
    Cut("NotoSans[wdth,wght].ttf", "Noto Sans", "NotoSans-slip.ttf", ("en", "vi", "pt", "tl", "es"), shapes=False),
    Cut(CJK, "Noto Sans CJK SC", "NotoSansCJKsc-slip.otf", ("zh-Hans",), shapes=False),
    Cut(CJK, "Noto Sans CJK KR", "NotoSansCJKkr-slip.otf", ("ko",), shapes=False),
    Cut(
        "NotoSansDevanagari[wdth,wght].ttf",
        "Noto Sans Devanagari",
        "NotoSansDevanagari-slip.ttf",
        ("ne",),
        shapes=True,
    ),
)


def letters(languages: tuple[str, ...]) -> str:
    """Every sign these languages need; with figures and Latin letters, for what is put into a sentence."""
    said = "".join(sentence for language in languages for sentence in words(language).values())
    return "".join(sorted(set(said + string.ascii_letters + string.digits + " .,:;()-–/%+")))


def cut(folder: Path, into: Path, one: Cut) -> None:
    source = folder / one.source
    if source.suffix == ".ttc":
        font = next(font for font in TTCollection(str(source)).fonts if font["name"].getDebugName(1) == one.face)
    else:
        font = instantiateVariableFont(TTFont(str(source)), {"wght": 400, "wdth": 100})
    options = Options(
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], name_languages=[0x409], notdef_outline=True, hinting=False
    )
    options.layout_features = ["*"] if one.shapes else []
    subsetter = Subsetter(options)
    subsetter.populate(text=letters(one.languages))
    subsetter.subset(font)
    font.save(str(into / one.name))


def main() -> None:
    for one in CUTS:
        cut(Path(sys.argv[1]), receipt_pdf.FONTS, one)


if __name__ == "__main__":
    main()
