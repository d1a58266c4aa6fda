"""The pages of a PDF as pictures with their text. Runs only in the locked room; this PDFium runs no script."""

from __future__ import annotations

import contextlib
import ctypes
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

TEXT_LENGTH: Final = 20_000  # characters of one page
LINES: Final = 3000
_PIECES: Final = 10_000
_SAME: Final = 0.4  # of a line's height
_DPI: Final = 170
_UNITS_AN_INCH: Final = 72
_END_WITHIN: Final = 2048  # bytes after the last mark; some servers hang a line or two of theirs behind it
_NO_TEXT: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


Edges = tuple[float, float, float, float]  # left, bottom, right, top, in the page's own units
Line = tuple[float, float, float, float, str]  # left, top, right, bottom in pixels of the picture, and the text


class NotDrawn(Exception):
    """The text is the reason's code: unreadable, locked or too_many_pages."""


@dataclass(frozen=True)
class Page:
    image: Image.Image
    dpi: float
    text: str
    lines: list[Line]


def pages(content: bytes, *, most: int, long_side: int) -> Iterator[Page]:
    """Draw each page, no more than ``long_side`` pixels long.

    :raises NotDrawn: if it is locked, cut off, broken, or has more than ``most`` pages.
    """
    if b"%%EOF" not in content.rstrip(b"\0\r\n\t ")[-_END_WITHIN:]:
        raise NotDrawn("unreadable")  # PDFium would show what arrived, with pages missing
    try:
        with contextlib.closing(pypdfium2.PdfDocument(content)) as document:
            document.init_forms()  # what a person filled in is drawn
            count = len(document)
            if count > most:
                raise NotDrawn("too_many_pages")
            if count == 0:
                raise NotDrawn("unreadable")
            for at in range(count):
                with contextlib.closing(document[at]) as page:
                    yield _drawn(page, long_side)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD
        raise NotDrawn("locked" if locked else "unreadable") from None


def _drawn(page: pypdfium2.PdfPage, long_side: int) -> Page:
    longest = max(page.get_size())
    if not (math.isfinite(longest) and longest > 0):
        raise NotDrawn("unreadable")
    scale = min(_DPI / _UNITS_AN_INCH, (long_side - 1) / longest)
    # Four bytes a pixel, in the order Pillow has: its picture is PDFium's own memory, without a copy.
    bitmap = page.render(scale=scale, may_draw_forms=True, draw_annots=True, rev_byteorder=True, prefer_bgrx=True)
    image: Image.Image = bitmap.to_pil()
    text, lines = _read(page, image.width, image.height)
    return Page(image if image.mode == "RGBX" else image.convert("RGB"), scale * _UNITS_AN_INCH, text, lines)


def _read(page: pypdfium2.PdfPage, width: int, height: int) -> tuple[str, list[Line]]:
    """The text as a program would copy it, and its pieces with their places on the picture."""
    with contextlib.closing(page.get_textpage()) as words:
        count = words.count_chars()
        if count <= 0:
            return "", []
        text = _clean(words.get_text_range(0, min(count, TEXT_LENGTH)))[:TEXT_LENGTH]
        lines: list[Line] = []
        length = 0
        for edges in _joined(words.get_rect(at) for at in range(min(words.count_rects(), _PIECES))):
            line = _clean(words.get_text_bounded(*edges)).replace("\n", " ").strip()
            box = _placed(page, edges, width, height)
            length += len(line)
            if length > TEXT_LENGTH or len(lines) == LINES:
                break
            if line and box:
                lines.append((*box, line))
    return text, lines


def _joined(pieces: Iterable[Edges]) -> Iterator[Edges]:
    """Put together what stands side by side: programs write a line in pieces, and a word may be cut by them."""
    line: Edges | None = None
    for piece in pieces:
        if line is not None:
            high = line[3] - line[1]
            near = abs(piece[1] - line[1]) < _SAME * high and abs(piece[3] - line[3]) < _SAME * high
            if near and -_SAME * high < piece[0] - line[2] < high:
                line = (line[0], min(line[1], piece[1]), max(line[2], piece[2]), max(line[3], piece[3]))
                continue
            yield line
        line = piece
    if line is not None:
        yield line


def _placed(page: pypdfium2.PdfPage, edges: Edges, width: int, height: int) -> tuple[float, float, float, float] | None:
    """Where a box of the page lies on its picture, which may be turned; nothing if it lies beside it."""
    left, bottom, right, top = edges
    corners = []
    for x, y in ((left, top), (right, bottom)):
        across, down = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page, 0, 0, width * 8, height * 8, 0, x, y, across, down)
        corners.append((across.value / 8, down.value / 8))
    xs, ys = sorted(min(max(x, 0), width) for x, _ in corners), sorted(min(max(y, 0), height) for _, y in corners)
    return (xs[0], ys[0], xs[1], ys[1]) if xs[0] < xs[1] and ys[0] < ys[1] else None


def _clean(text: str) -> str:
    """Without what is no sign: NUL, controls, halves of signs."""
    return _NO_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x02", "-"))
