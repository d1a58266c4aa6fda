"""Draws what the office prints: the certificate 受領証, the letter of invitation, and the slip, whole and short.

What people wrote goes to typst as data and never as source, so nothing in it can be an instruction. The same
content gives the same bytes.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import segno
import typst

from shared.rules.numbers import grouped
from uploads.storage import NotStored, Storage

if TYPE_CHECKING:
    from typst import PDFStandard

_HERE: Final = Path(__file__).parent
FONTS: Final = _HERE / "fonts"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_SHARP: Final = 160.0  # points to the inch: the slip is about 870 pixels wide
_ZWSP: Final = "\u200b"
# What is written in these may break anywhere: Han, kana, Hangul. Not the mark that lengthens a vowel.
_BREAKS: Final = (
    r"\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    r"\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff\uff66-\uff6f\uff71-\uff9d"
    r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff"
)
# Signs that turn the direction of writing: on paper they would make one file name look like another.
_TURNS: Final = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Issue:
    """What stands on an issued certificate, or lies in it, besides its content."""

    at: datetime
    check_code: str  # eight signs
    portal_url: str | None  # without one there is no page to check at, and no QR code
    token: str
    said: str  # the content as JSON, exactly as it was hashed: becomes content.json
    proof: str  # becomes proof.json

    def in_words(self) -> dict[str, Any]:
        at = self.at.astimezone(UTC)
        return {
            "moment": {part: getattr(at, part) for part in ("year", "month", "day", "hour", "minute", "second")},
            "code": grouped(self.check_code),
            "page": _soft(f"{self.portal_url.partition('//')[2]}/check", 28) if self.portal_url else "",
            "alt": f"確認のページを開くQRコード。{self.check_url}",
        }

    @property
    def check_url(self) -> str:
        return f"{self.portal_url}/r/{self.token}" if self.portal_url else ""


def draw_receipt(
    content: Mapping[str, Any],
    pictures: Mapping[str, bytes] = MappingProxyType({}),
    issue: Issue | None = None,
    *,
    draft: bool = False,
) -> bytes:
    """Return a PDF of one or more A4 pages: PDF/UA-1, and PDF/A-3a once it is issued, as typst writes them.

    :param content: strings ready to be read: number, document_no, issued_on, addressee, office_title, office_phone,
        next_text; received and declared, lists of ``[label, value]``; files, a list of mappings with name, pages,
        size, sha256; demo, a bool; and, if they are wanted, version_note, and stamp and signature, the storage keys
        of PNG pictures.
    :param pictures: what lies under the storage keys of ``content``.
    :param issue: what an issued one has besides; None before the issue.
    :param draft: write 発行前 across the page.
    :raises ValueError: if something of this is missing, or a picture is none.
    """
    drawings = {
        name: _as_svg(pictures[content[name]]) for name in ("stamp", "signature") if content.get(name) in pictures
    }
    whole = {
        **_softened(content, 28, "office_title", "addressee", "version_note"),
        "received": _soft_pairs(_there(content, "received"), 14, 28),
        "declared": _soft_pairs(_there(content, "declared"), 14, 28),
        "files": [_softened(file, 28, "name") for file in _there(content, "files")],
        "draft": draft,
        "pictures": drawings,
    }
    if issue:
        whole["issue"] = issue.in_words()
        if issue.portal_url:
            drawings["qr"] = _qr(issue.check_url)
    if issue is None:  # PDF/A wants a date, and one that was not issued has none
        return _drawn("receipt.typ", whole, standards=("ua-1",))
    return _drawn("receipt.typ", whole, standards=("a-3a", "ua-1"), said=issue.said, proof=issue.proof)


def pictures_of(storage: Storage, content: Mapping[str, Any]) -> dict[str, bytes]:
    """The stamp and the signature. One that is gone leaves its place empty: the electronic signature is what counts."""
    found = {}
    for key in (content.get("stamp"), content.get("signature")):
        if key:
            with suppress(NotStored), storage.open(key) as stored:
                found[key] = stored.read()
    return found


def draw_letter(content: Mapping[str, Any]) -> bytes:
    """Return a PDF of one A4 page. Who opens the envelope of somebody else learns nothing from it.

    :param content: strings ready to be read: city, counter, phone, addressee, url, code (12 characters, with or
        without hyphens), valid_until; and demo, a bool.
    :raises ValueError: if something of this is missing.
    """
    code = str(content.get("code", "")).replace("-", "")
    groups = "-".join(code[at : at + 4] for at in range(0, len(code), 4))
    soft = _softened(content, 28, "city", "counter", "addressee", "url")
    return _drawn("letter.typ", {**soft, "code": groups})


def draw_slip(content: Mapping[str, Any]) -> bytes:
    """Return a PNG of the 受付のひかえ: that something has arrived, not what it says.

    :param content: strings ready to be read: heading, number_label, number, arrived, version, state, thing, next_text,
        office, phone, demo; and files, a list of mappings with name, about, sha256. Empty ones are left out.
    :raises ValueError: if something of this is missing.
    """
    files = [_softened(file, 18, "name") for file in _there(content, "files")]
    return _drawn("slip.typ", {**_softened(content, 18, "thing"), "files": files}, as_picture=True)


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
    soft = {
        "facts": [
            {**fact, "lines": [_soft(line, 24) for line in _there(fact, "lines")]} for fact in _there(content, "facts")
        ],
        "declared": _soft_pairs(_there(content, "declared"), 14, 24),
        "files": [_softened(file, 24, "name") for file in _there(content, "files")],
    }
    standards: tuple[PDFStandard, ...] = () if as_picture else ("ua-1",)
    return _drawn("sheet.typ", {**content, **soft, **drawing}, as_picture=as_picture, standards=standards)


def _drawn(
    template: str,
    content: Mapping[str, Any],
    *,
    as_picture: bool = False,
    standards: Sequence[PDFStandard] = (),
    **exact: str,
) -> bytes:
    compiler = typst.Compiler(
        input=_HERE / template,
        root=_HERE,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"content": json.dumps(_printable(dict(content)), ensure_ascii=False), **exact},
    )
    try:
        if as_picture:
            drawn = compiler.compile(format="png", ppi=_SHARP)
        else:
            drawn = compiler.compile(format="pdf", pdf_standards=list(standards))
    except typst.TypstError as error:
        raise ValueError(f"{template} cannot be drawn from this content: {error.message}") from error
    if not isinstance(drawn, bytes):
        raise TypeError("typst returned no page")
    return drawn


def _there(content: Mapping[str, Any], name: str) -> Any:
    if name not in content:
        raise ValueError(f"{name} is missing")
    return content[name]


def _soft(string: str, most: int) -> str:
    """What has no place to break would run over its cell: it may break after every ``most`` signs.

    Not in typst: there a pattern like this costs a third of the time that a whole certificate takes.
    """
    return _runs_of(most).sub(lambda run: run[0] + _ZWSP, string)


@functools.cache
def _runs_of(most: int) -> re.Pattern[str]:
    return re.compile(rf"[^\s{_BREAKS}]{{{most}}}")


def _softened(content: Mapping[str, Any], most: int, *names: str) -> dict[str, Any]:
    """The same, and what stands under these names may break."""
    return {**content, **{name: _soft(content[name], most) for name in names if content.get(name)}}


def _soft_pairs(rows: Sequence[Sequence[str]], narrow: int, wide: int) -> list[list[str]]:
    """Labels and values, all of which may break."""
    return [[_soft(label, narrow), _soft(value, wide)] for label, value in rows]


def _as_svg(png: bytes) -> str:
    """A picture as text, which is all that typst takes as data."""
    if not png.startswith(_PNG):
        raise ValueError("a stamp or a signature must be a PNG")
    width, height = (int.from_bytes(png[at : at + 4]) for at in (16, 20))
    inside = f'<image width="{width}" height="{height}" href="data:image/png;base64,{b64encode(png).decode()}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{inside}</svg>'


def _qr(url: str) -> str:
    """A QR code as one path, with the quiet zone around it."""
    # One mask for all: an address with a random token has no large patches, and trying the eight takes four times as
    # long. Readers find the mask in the code.
    code = segno.make(url, error="m", micro=False, mask=2)
    return str(code.svg_inline(border=4, omitsize=True))


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
