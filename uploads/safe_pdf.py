"""One PDF of safe pages: our own pictures, and behind each the text it shows, so that it can be searched and copied.

Made outside of the locked room from what was believed of it: nothing of the source's own structure gets in, so
there is no script, form, link, attachment or word about who made it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name

_UNITS_AN_INCH: Final = 72
_SHORTEST, _LONGEST = 3.01, 14_399  # units a side: what the format allows
_EM: Final = 1000
_SIGNS: Final = 60_000  # different ones in a file; further ones are left out
_MAPPED_AT_ONCE: Final = 100  # the format's limit


@dataclass(frozen=True)
class Line:
    """Text and the box it stands in, in pixels of the picture, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


@dataclass(frozen=True)
class Sheet:
    """A page: a JPEG in grey or three colours, its pixels, how many of them make an inch, and its text."""

    picture: bytes
    width: int
    height: int
    dpi: float
    lines: tuple[Line, ...] = ()


def write(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write the PDF. The same sheets give the same bytes."""
    codes: dict[str, int] = {}
    with pikepdf.new() as pdf:
        font = pdf.make_indirect(Dictionary())
        for sheet in sheets:
            _add(pdf, sheet, font, codes)
        if codes:
            font.update(_font(pdf, codes))
        with path.open("wb") as file:  # by a path it would write another first, and put that in its place
            pdf.save(file, static_id=True)


def _add(pdf: pikepdf.Pdf, sheet: Sheet, font: pikepdf.Object, codes: dict[str, int]) -> None:
    point = max(_UNITS_AN_INCH / sheet.dpi, _SHORTEST / min(sheet.width, sheet.height))
    point = min(point, _LONGEST / max(sheet.width, sheet.height))
    picture = pdf.make_stream(b"")
    picture.write(sheet.picture, filter=Name.DCTDecode)
    for key, value in (
        (Name.Type, Name.XObject),
        (Name.Subtype, Name.Image),
        (Name.Width, sheet.width),
        (Name.Height, sheet.height),
        (Name.ColorSpace, Name.DeviceRGB),
        (Name.BitsPerComponent, 8),
    ):
        picture[key] = value
    wide, high = sheet.width * point, sheet.height * point
    page = pdf.add_blank_page(page_size=(round(wide, 3), round(high, 3)))
    parts = [f"q {wide:.3f} 0 0 {high:.3f} 0 0 cm /P Do Q"]
    page.obj.Resources = Dictionary(XObject=Dictionary(P=picture))
    if sheet.lines:
        page.obj.Resources.Font = Dictionary(T=font)
        parts.append("BT 3 Tr")  # neither filled nor stroked
        parts += [_laid(line, high, point, codes) for line in sheet.lines]
        parts.append("ET")
    page.obj.Contents = pdf.make_stream("\n".join(parts).encode())


def _laid(line: Line, high: float, point: float, codes: dict[str, int]) -> str:
    """Stretch the text over its box: across, or, where it is taller than wide, downwards."""
    shown = [codes.setdefault(sign, len(codes) + 1) for sign in line.text if sign in codes or len(codes) < _SIGNS]
    if not shown:
        return ""
    wide, tall = (line.right - line.left) * point, (line.bottom - line.top) * point
    left, bottom = line.left * point, high - line.bottom * point
    if tall > 2 * wide and len(shown) > 1:
        size, length = wide, tall
        place = f"0 -1 1 0 {left:.3f} {high - line.top * point:.3f}"
    else:
        size, length = tall, wide
        place = f"1 0 0 1 {left:.3f} {bottom:.3f}"
    stretched = 100 * length / (size * len(shown))
    text = "".join(f"{code:04x}" for code in shown)
    return f"/T {size:.3f} Tf {stretched:.3f} Tz {place} Tm <{text}> Tj"


def _font(pdf: pikepdf.Pdf, codes: dict[str, int]) -> Dictionary:
    """A font in which every sign is one em wide and shows nothing; it only says which sign each code means."""
    file = pdf.make_stream(_no_glyphs())
    file.Length1 = len(_no_glyphs())
    described = Dictionary(
        Type=Name.FontDescriptor,
        FontName=Name.NoGlyphs,
        Flags=4,
        FontBBox=Array([0, 0, _EM, _EM]),
        ItalicAngle=0,
        Ascent=_EM,
        Descent=0,
        CapHeight=_EM,
        StemV=80,
        FontFile2=file,
    )
    under = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=Name.NoGlyphs,
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
        FontDescriptor=pdf.make_indirect(described),
        DW=_EM,
        CIDToGIDMap=pdf.make_stream(bytes(2 * (len(codes) + 1))),
    )
    return Dictionary(
        Type=Name.Font,
        Subtype=Name.Type0,
        BaseFont=Name.NoGlyphs,
        Encoding=Name("/Identity-H"),
        DescendantFonts=Array([pdf.make_indirect(under)]),
        ToUnicode=pdf.make_stream(_meanings(codes)),
    )


def _meanings(codes: dict[str, int]) -> bytes:
    rows = [f"<{code:04x}> <{sign.encode('utf-16-be').hex()}>" for sign, code in codes.items()]
    blocks = [rows[at : at + _MAPPED_AT_ONCE] for at in range(0, len(rows), _MAPPED_AT_ONCE)]
    mapped = "".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{mapped}endcmap CMapName currentdict /CMap defineresource pop end end\n"
    ).encode()


@cache
def _no_glyphs() -> bytes:
    """The smallest TrueType font a reader takes: one glyph, a line from corner to corner of its em.

    Filled, a line shows nothing; but a reader that marks what was found marks the whole em.
    """
    line = struct.pack(">h4h2H2B4hx", 1, 0, 0, _EM, _EM, 1, 0, 1, 1, 0, _EM, 0, _EM) + b"\0"
    tables = {
        b"glyf": line,
        b"head": struct.pack(
            ">IIIIHHQQhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 0, _EM, 0, 0, 0, 0, _EM, _EM, 0, 8, 2, 0, 0
        ),
        b"hhea": struct.pack(">IhhhHhhhhhh8xhH", 0x10000, _EM, 0, 0, _EM, 0, 0, _EM, 1, 0, 0, 0, 1),
        b"hmtx": struct.pack(">Hh", _EM, 0),
        b"loca": struct.pack(">HH", 0, len(line) // 2),
        b"maxp": struct.pack(">IH13H", 0x10000, 1, 2, 1, 0, 0, 1, *[0] * 8),
    }
    head = struct.pack(">IHHHH", 0x10000, len(tables), 64, 2, len(tables) * 16 - 64)
    at, listed, bodies = len(head) + 16 * len(tables), b"", b""
    for name, body in tables.items():
        padded = body + bytes(-len(body) % 4)
        checked = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        listed += name + struct.pack(">III", checked, at + len(bodies), len(body))
        bodies += padded
    return head + listed + bodies
