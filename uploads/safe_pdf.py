"""One PDF of safe pages: our own pictures, and behind each the text it shows, so that it can be searched and copied.

Made outside of the locked room from what was believed of it: nothing of the source's own structure gets in, so
there is no script, form, link, attachment or word about who made it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

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
    with path.open("wb") as file:
        paper = _Paper(file)
        tree = paper.number()
        font = paper.number() if any(sheet.lines for sheet in sheets) else None
        pages = [_add(paper, sheet, tree, font, codes) for sheet in sheets]
        if font is not None:
            _add_font(paper, font, codes)
        kids = " ".join(f"{page} 0 R" for page in pages)
        paper.put(f"/Type /Pages /Count {len(pages)} /Kids [{kids}]", number=tree)
        paper.end(paper.put(f"/Type /Catalog /Pages {tree} 0 R"))


class _Paper:
    """A PDF on its way into a file: its objects, one after the other, and at the end the places where they begin.

    Written by hand, as there are ten kinds of objects, and no word in them but ours: text is there as numbers only.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places = [0]
        self._file.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")  # signs above 127: what carries it must not take it for text

    def number(self) -> int:
        """Take the next object's number, to speak of it before it is put."""
        self._places.append(0)
        return len(self._places) - 1

    def put(self, entries: str, stream: bytes | None = None, *, number: int | None = None) -> int:
        """Put a dictionary, with the stream it belongs to if there is one. Returns its number."""
        number = self.number() if number is None else number
        self._places[number] = self._file.tell()
        if stream is None:
            self._file.write(f"{number} 0 obj\n<< {entries} >>\nendobj\n".encode())
        else:
            self._file.write(f"{number} 0 obj\n<< {entries} /Length {len(stream)} >>\nstream\n".encode())
            self._file.write(stream)
            self._file.write(b"\nendstream\nendobj\n")
        return number

    def put_packed(self, entries: str, stream: bytes) -> int:
        return self.put(f"{entries} /Filter /FlateDecode".lstrip(), zlib.compress(stream))

    def end(self, root: int) -> None:
        start, count = self._file.tell(), len(self._places)
        places = "".join(f"{place:010} 00000 n \n" for place in self._places[1:])
        self._file.write(f"xref\n0 {count}\n0000000000 65535 f \n{places}".encode())
        self._file.write(f"trailer\n<< /Size {count} /Root {root} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())


def _add(paper: _Paper, sheet: Sheet, tree: int, font: int | None, codes: dict[str, int]) -> int:
    """Put a page, and return its number."""
    point = max(_UNITS_AN_INCH / sheet.dpi, _SHORTEST / min(sheet.width, sheet.height))
    point = min(point, _LONGEST / max(sheet.width, sheet.height))
    wide, high = sheet.width * point, sheet.height * point
    picture = paper.put(
        f"/Type /XObject /Subtype /Image /Width {sheet.width} /Height {sheet.height} /ColorSpace /DeviceRGB"
        " /BitsPerComponent 8 /Filter /DCTDecode",
        sheet.picture,
    )
    resources = f"/XObject << /P {picture} 0 R >>"
    parts = [f"q {wide:.3f} 0 0 {high:.3f} 0 0 cm /P Do Q"]
    if sheet.lines:
        resources += f" /Font << /T {font} 0 R >>"
        parts.append("BT 3 Tr")  # neither filled nor stroked
        parts += [_laid(line, high, point, codes) for line in sheet.lines]
        parts.append("ET")
    contents = paper.put_packed("", "\n".join(parts).encode())
    return paper.put(
        f"/Type /Page /Parent {tree} 0 R /MediaBox [0 0 {wide:.3f} {high:.3f}] /Resources << {resources} >>"
        f" /Contents {contents} 0 R"
    )


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
    text = struct.pack(f">{len(shown)}H", *shown).hex()
    return f"/T {size:.3f} Tf {stretched:.3f} Tz {place} Tm <{text}> Tj"


def _add_font(paper: _Paper, number: int, codes: dict[str, int]) -> None:
    """Put a font in which every sign is one em wide and shows nothing; it only says which sign each code means."""
    file = paper.put_packed(f"/Length1 {len(_no_glyphs())}", _no_glyphs())
    described = paper.put(
        f"/Type /FontDescriptor /FontName /NoGlyphs /Flags 4 /FontBBox [0 0 {_EM} {_EM}] /ItalicAngle 0 /Ascent {_EM}"
        f" /Descent 0 /CapHeight {_EM} /StemV 80 /FontFile2 {file} 0 R"
    )
    glyphs = paper.put_packed("", bytes(2 * (len(codes) + 1)))
    under = paper.put(
        "/Type /Font /Subtype /CIDFontType2 /BaseFont /NoGlyphs"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        f" /FontDescriptor {described} 0 R /DW {_EM} /CIDToGIDMap {glyphs} 0 R"
    )
    meanings = paper.put_packed("", _meanings(codes))
    paper.put(
        "/Type /Font /Subtype /Type0 /BaseFont /NoGlyphs /Encoding /Identity-H"
        f" /DescendantFonts [{under} 0 R] /ToUnicode {meanings} 0 R",
        number=number,
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
