"""Draws what the office prints: the certificate 受領証, the letter of invitation, and the slip, whole and short.

What people wrote goes to typst as data and never as source, so nothing in it can be an instruction. The same
content gives the same bytes.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import typst

_HERE: Final = Path(__file__).parent
FONTS: Final = _HERE / "fonts"
_SHARP: Final = 160.0  # points to the inch: the slip is about 870 pixels wide
# Signs that turn the direction of writing: on paper they would make one file name look like another.
_TURNS: Final = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def draw_receipt(content: Mapping[str, Any]) -> bytes:
    """Return a PDF of one or more A4 pages.

    :param content: strings ready to be read: number, document_no, issued_on, addressee, office_title, office_phone,
        next_text; received and declared, lists of ``[label, value]``; files, a list of mappings with name, pages,
        size, sha256; demo, a bool; and, if this is not the first version, version_note.
    :raises ValueError: if something of this is missing.
    """
    return _drawn("receipt.typ", content)


def draw_letter(content: Mapping[str, Any]) -> bytes:
    """Return a PDF of one A4 page. Who opens the envelope of somebody else learns nothing from it.

    :param content: strings ready to be read: city, counter, phone, addressee, url, code (12 characters, with or
        without hyphens), valid_until; and demo, a bool.
    :raises ValueError: if something of this is missing.
    """
    code = str(content.get("code", "")).replace("-", "")
    groups = "-".join(code[at : at + 4] for at in range(0, len(code), 4))
    return _drawn("letter.typ", {**content, "code": groups})


def draw_slip(content: Mapping[str, Any]) -> bytes:
    """Return a PNG of the 受付のひかえ: that something has arrived, not what it says.

    :param content: strings ready to be read: heading, number_label, number, arrived, version, state, thing, next_text,
        office, phone, demo; and files, a list of mappings with name, about, sha256. Empty ones are left out.
    :raises ValueError: if something of this is missing.
    """
    return _drawn("slip.typ", content, as_picture=True)


# The letters that the Japanese font has not; cut to what shared/tables/slip_words.csv says (make slip-fonts).
_LATIN: Final = ("Noto Sans",)
_FONTS_OF: Final = {
    "zh-Hans": ("Noto Sans CJK SC",),
    "ko": ("Noto Sans CJK KR",),
    "ne": ("Noto Sans Devanagari",),
    "ja-easy": (),
}


def draw_sheet(content: Mapping[str, Any], *, as_picture: bool = False) -> bytes:
    """Return the 受付票, with what was declared: a PDF of A4 pages for all readers, or one PNG as wide as a phone.

    :param content: what ``shared.sheet.sheet`` says.
    :raises ValueError: if something of this is missing.
    """
    language, _, region = str(content.get("tag", "")).partition("-")
    drawing = {
        "paper": "phone" if as_picture else "a4",
        "lang": language,
        "region": "cn" if region == "Hans" else "",
        "fonts": _FONTS_OF.get(str(content.get("language", "")), _LATIN),
    }
    return _drawn("sheet.typ", {**content, **drawing}, as_picture=as_picture, for_all_readers=True)


def _drawn(
    template: str, content: Mapping[str, Any], *, as_picture: bool = False, for_all_readers: bool = False
) -> bytes:
    """:param for_all_readers: refuse to draw a PDF that is not PDF/UA-1, as far as typst can tell."""
    compiler = typst.Compiler(
        input=_HERE / template,
        root=_HERE,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"content": json.dumps(_printable(dict(content)), ensure_ascii=False)},
    )
    try:
        if as_picture:
            drawn = compiler.compile(format="png", ppi=_SHARP)
        else:
            drawn = compiler.compile(format="pdf", pdf_standards=["ua-1"] if for_all_readers else [])
    except typst.TypstError as error:
        raise ValueError(f"{template} cannot be drawn from this content: {error.message}") from error
    if not isinstance(drawn, bytes):
        raise TypeError("typst returned no page")
    return drawn


@functools.cache
def _fonts() -> typst.Fonts:
    """Ours and no other: a receipt looks the same whatever the machine has."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


def _printable(value: Any) -> Any:
    """Return ``value`` with what cannot stand on paper replaced or left out, in every string of it."""
    if isinstance(value, str):
        return "".join(_shown(sign) for sign in value if sign not in _TURNS)
    if isinstance(value, Mapping):
        return {name: _printable(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(inner) for inner in value]
    return value


def _shown(sign: str) -> str:
    return "〓" if unicodedata.category(sign) in {"Cc", "Cs"} and sign != "\n" else sign
