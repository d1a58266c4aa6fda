"""個人番号: twelve figures that nobody may ask for or keep here. Whoever types one is told so, and it is not stored."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from stdnum.jp import in_

LENGTH: Final = 12
_LINE: Final = re.compile(r"[0-9]+(?:[\s\-‐‑–—−ー・.]{1,2}[0-9]+)*")  # figures, divided or not


def is_in(text: str) -> bool:
    """Whether ``text`` holds twelve figures, in any width and however divided, whose check digit is right."""
    lines = _LINE.findall(unicodedata.normalize("NFKC", text))
    return any(in_.is_valid(figures) for line in lines for figures in _twelves(re.findall("[0-9]+", line)))


def _twelves(groups: list[str]) -> list[str]:
    """Neighbouring groups that make twelve figures together: a telephone number may stand before them."""
    joined = (
        "".join(groups[start:end]) for start in range(len(groups)) for end in range(start + 1, start + LENGTH + 1)
    )
    return [figures for figures in joined if len(figures) == LENGTH]
