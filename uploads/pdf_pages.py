"""The pages of a PDF as pictures with their text. Runs only in the locked room; this PDFium runs no script."""

from __future__ import annotations

import contextlib
import ctypes
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
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
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the picture
Line = tuple[float, float, float, float, str]  # left, top, right, bottom in pixels of the picture, and the text


class NotDrawn(Exception):
    """The text is the reason's code: unreadable, locked or too_many_pages."""


Words = tuple[str, list[Line]]  # the text as a program would copy it, and its pieces where they are seen


@dataclass(frozen=True)
class Page:
    """A page that was drawn. ``read`` gives its text, until the next page is asked for."""

    image: Image.Image
    dpi: float
    read: Callable[[], Words]


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
    image = image if image.mode == "RGBX" else image.convert("RGB")
    return Page(image, scale * _UNITS_AN_INCH, partial(_read, page, image.width, image.height))


def _read(page: pypdfium2.PdfPage, width: int, height: int) -> Words:
    with contextlib.closing(page.get_textpage()) as words:
        count = words.count_chars()
        if count <= 0:
            return "", []
        text = _clean(words.get_text_range(0, min(count, TEXT_LENGTH)))[:TEXT_LENGTH]
        lines: list[Line] = []
        length = 0
        within, placed = _within(words), _placed(page, width, height)
        for edges in _joined(words.get_rect(at) for at in range(min(words.count_rects(), _PIECES))):
            line = _clean(within(edges)).replace("\n", " ").strip()
            box = placed(edges)
            length += len(line)
            if length > TEXT_LENGTH or len(lines) == LINES:
                break
            if line and box:
                lines.append((*box, line))
    return text, lines


def _within(words: pypdfium2.PdfTextPage) -> Callable[[Edges], str]:
    """Return what reads the text in a box. PDFium looks at every sign of the page for it, so it is asked once only."""
    buffer = (ctypes.c_ushort * (2 * TEXT_LENGTH))()

    def within(edges: Edges) -> str:
        left, bottom, right, top = edges
        length = pdfium.FPDFText_GetBoundedText(words.raw, left, top, right, bottom, buffer, len(buffer))
        return bytes(memoryview(buffer)[:length]).decode("utf-16-le", "ignore")

    return within


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


def _placed(page: pypdfium2.PdfPage, width: int, height: int) -> Callable[[Edges], Box | None]:
    """Return what says where a box of the page lies on its picture, which may be turned; None if it lies beside it.

    PDFium is asked once, for three corners of the picture: what lies between them is worked out here.
    """
    (x0, y0), *ends = (_under(page, width, height, *corner) for corner in ((0, 0), (width, 0), (0, height)))
    (across_x, across_y), (down_x, down_y) = ((x - x0, y - y0) for x, y in ends)
    area = (across_x * down_y - across_y * down_x) or math.inf

    def placed(edges: Edges) -> Box | None:
        left, bottom, right, top = edges
        xs, ys = [], []
        for x, y in ((left - x0, top - y0), (right - x0, bottom - y0)):
            across, down = (x * down_y - y * down_x) / area, (y * across_x - x * across_y) / area
            xs.append(min(max(round(across * width, 2), 0.0), width))
            ys.append(min(max(round(down * height, 2), 0.0), height))
        box = (min(xs), min(ys), max(xs), max(ys))
        return box if box[0] < box[2] and box[1] < box[3] else None

    return placed


def _under(page: pypdfium2.PdfPage, width: int, height: int, across: int, down: int) -> tuple[float, float]:
    """The point of the page that is seen at this place of its picture."""
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDF_DeviceToPage(page, 0, 0, width, height, 0, across, down, x, y)
    return x.value, y.value


def _clean(text: str) -> str:
    """Without what is no sign: NUL, controls, halves of signs."""
    return _NO_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x02", "-"))
