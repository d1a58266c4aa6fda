"""The font PDFium takes where a paper brings none: ours, from memory. In the locked room no file can be opened.

Most Japanese offices' programs leave MS-Gothic and its like out of the file. Latin letters PDFium brings itself.
"""

from __future__ import annotations

import ctypes
import mmap
from pathlib import Path
from typing import Any, Final

import pypdfium2.raw as pdfium

_FONT: Final = Path(__file__).with_name("fonts") / "NotoSansJP-Regular.otf"
_EAST_ASIAN: Final = frozenset({128, 129, 134, 136})  # Windows character sets: Japan, Korea, both Chinas
_HANDLE: Final = 1
_PLAIN: Final = ("Helvetica", "Helvetica-Bold", "Times-Roman", "Times-Bold", "Courier", "Courier-Bold")


def _sample(*names: str, shown: str) -> bytes:
    """A paper that brings no font."""
    fonts = [f"/F{at} << /Type /Font /Subtype /Type1 /BaseFont /{name} >>" for at, name in enumerate(names)]
    under = (
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /MS-Gothic /DW 1000 /CIDSystemInfo"
        " << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> /FontDescriptor << /Type /FontDescriptor"
        " /FontName /MS-Gothic /Flags 4 /FontBBox [0 -136 1000 859] /ItalicAngle 0 /Ascent 859 /Descent -140"
        " /StemV 78 >> >>"
    )
    fonts.append(
        f"/J << /Type /Font /Subtype /Type0 /BaseFont /MS-Gothic /Encoding /90ms-RKSJ-H /DescendantFonts [{under}] >>"
    )
    text = " ".join([*(f"/F{at} 9 Tf (ABC abc 123) Tj" for at in range(len(names))), shown])
    return (
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"
        "2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n"
        "3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 400 40] /Contents 4 0 R"
        f" /Resources << /Font << {' '.join(fonts)} >> >> >> endobj\n"
        f"4 0 obj << /Length {len(text) + 20} >> stream\nBT 9 9 Td {text} ET\nendstream endobj\n"
        "trailer << /Root 1 0 R >>\n%%EOF\n"
    ).encode()


SAMPLE: Final = _sample(*_PLAIN, shown="/J 9 Tf <8b8b> Tj")  # drawn before the room is shut: then every font is open
SHORT_SAMPLE: Final = _sample(
    *_PLAIN, shown="2 2 m 9 9 l S"
)  # ours is four megabytes, which no child should carry for nothing
_kept: list[Any] = []  # what PDFium points to, for as long as the process lives


def use_ours() -> None:
    """Let PDFium ask us for fonts, and no folder of the machine. Once a process."""
    # Mapped and not read: then a fork has nothing of it to copy, and a child's end nothing of it to give back.
    with _FONT.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    start = ctypes.addressof(ctypes.c_char.from_buffer(content))
    tables = _tables(content)

    def mapped(*asked: Any) -> int | None:
        return _HANDLE if asked[3] in _EAST_ASIAN else None

    def named(*_asked: Any) -> None:
        return None

    def data(_info: Any, _font: Any, table: int, buffer: Any, room: int) -> int:
        at, length = (0, len(content)) if table == 0 else tables.get(table, (0, 0))
        if buffer and length <= room:
            ctypes.memmove(buffer, start + at, length)
        return length

    def face(_info: Any, _font: Any, buffer: Any, room: int) -> int:
        name = b"Noto Sans JP\0"
        if buffer and len(name) <= room:
            ctypes.memmove(buffer, name, len(name))
        return len(name)

    answers = {
        "Release": lambda _info: None,
        "EnumFonts": lambda _info, _mapper: None,
        "MapFont": mapped,
        "GetFont": named,
        "GetFontData": data,
        "GetFaceName": face,
        "GetFontCharset": lambda _info, _font: 128,
        "DeleteFont": lambda _info, _font: None,
    }
    types = dict(pdfium.FPDF_SYSFONTINFO._fields_)
    info = pdfium.FPDF_SYSFONTINFO(version=1, **{name: types[name](answer) for name, answer in answers.items()})
    _kept.extend((content, info))
    pdfium.FPDF_SetSystemFontInfo(info)


def _tables(content: mmap.mmap) -> dict[int, tuple[int, int]]:
    """Where each table of a font begins, and its length."""
    found = {}
    for at in range(12, 12 + 16 * int.from_bytes(content[4:6], "big"), 16):
        tag, _sum, start, length = (int.from_bytes(content[at + n : at + n + 4], "big") for n in (0, 4, 8, 12))
        found[tag] = start, length
    return found
