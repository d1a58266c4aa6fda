"""How a name is read aloud: typed in any kana of any width, kept in hiragana. Everything else stays as it is."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_HALF_WIDTH: Final = re.compile("[\uff61-\uff9f]+")  # ｶﾞ are two signs and become one
_LONG: Final = re.compile("(?<=[\u3041-\u3096\u30fc])[-‐‑–—−－〜～]")  # what keyboards give in place of ー
_FIRST, _LAST, _APART = ord("ァ"), ord("ヶ"), ord("ァ") - ord("ぁ")


def hiragana(text: str) -> str:
    """ﾐﾎﾝ　ハナコ is みほん　はなこ. What is no kana is kept: a name may have no kana at all."""
    whole = _HALF_WIDTH.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    turned = "".join(chr(ord(sign) - _APART) if _FIRST <= ord(sign) <= _LAST else sign for sign in whole)
    return _LONG.sub("ー", turned)
