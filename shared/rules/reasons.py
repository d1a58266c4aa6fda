"""Why something is asked for again: the built-in reasons in plain Japanese, and the languages of an office's own words.

What the person reads never blames, and says what was not visible. A space between two Japanese words is a place where a
heading may break.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.model import Reason
from shared.rules.forms.form import N_

OWN: Final = "own_"  # begins the code of a reason that an office has added
LANGUAGES: Final = {  # as <html lang> says it, and as its readers call it; Japanese is the fallback and not among them
    "en": "English",
    "zh-Hans": "中文",
    "ko": "한국어",
    "fil": "Filipino",
    "pt": "Português",
    "vi": "Tiếng Việt",
    "es": "Español",
}
ALWAYS: Final = frozenset({Reason.UNREADABLE, Reason.OTHER})  # the machine's, and the one for what fits no other


@dataclass(frozen=True)
class Words:
    """What staff choose, and what the person reads about a file or about a value."""

    label: str
    about_file: str
    about_value: str


_UNREAD: Final = N_("書類から 読めませんでした。 もう一度見てください")
_AGAIN: Final = N_("もう一度見てください")
BUILT_IN: Final = {
    Reason.DARK: Words(N_("暗い・ぼやけている"), N_("暗くて 読めないところが ありました"), _UNREAD),
    Reason.CUT_OFF: Words(N_("一部が切れている"), N_("はしが切れていて、 見えないところが ありました"), _UNREAD),
    Reason.WRONG_MONTH: Words(N_("ちがう月のもの"), N_("ちがう月の 書類のようです"), N_("ちがう月の 数字のようです")),
    Reason.MISSING_PAGE: Words(
        N_("ページが足りない"), N_("ほかのページも 見せてください"), N_("書類に 見あたりませんでした")
    ),
    Reason.NO_NAME: Words(N_("名前が見えない"), N_("名前のところが 見えませんでした"), _AGAIN),
    Reason.DIFFERS: Words(
        N_("書類の数字とちがうよう"), N_("書いた数字と ちがうようです"), N_("給与明細の数字と ちがうようです")
    ),
    Reason.UNREADABLE: Words(N_("開けなかった"), N_("ファイルを 開けませんでした"), _AGAIN),
    Reason.OTHER: Words(N_("そのほか"), N_("もう一度見せてください"), _AGAIN),
}
