"""Draws a stranger's file anew: pictures made of our own pixels, upright, sRGB, with nothing else in them.

Runs only in the child that ``uploads.locked_child`` has locked in. A page may be 2,400 pixels on its long side:
an A4 page at about 200 dpi, on which the small print of a payslip can be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pi_heif
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageCms, ImageOps

from uploads.checks import Kind

LONG_SIDE: Final = 2400  # pixels of a page
THUMB_SIDE: Final = 360  # pixels of its thumbnail
PIXELS: Final = 80_000_000  # a photo of more is refused; phones make up to 50 million, and 200 rarely
PAGES: Final = 30
_DPI: Final = 170
_PDF_UNITS_AN_INCH: Final = 72
_PHOTO_QUALITY: Final = 82
_PDF_QUALITY: Final = 85  # flat paper and small print show JPEG's ringing sooner
_DECODER: Final = {Kind.JPEG: "JPEG", Kind.PNG: "PNG", Kind.WEBP: "WEBP", Kind.HEIC: "HEIF"}


class _Refused(Exception):
    """The file cannot be drawn. The text is the reason's code."""


def make(source: Path, kind: Kind, into: Path) -> str:
    """Write ``page-001.jpg`` and ``thumb-001.jpg`` and so on into the folder ``into``.

    :returns: JSON: ``{"pages": [{"width", "height", "size", "sha256"}]}``, pixels and bytes of each page, or
        ``{"refused": code}`` with unreadable, locked, too_big or too_many_pages; ``into`` is then of no use.
    """
    try:
        if kind is Kind.PDF:
            pages = [_save(page, into, at, _PDF_QUALITY) for at, page in enumerate(_pdf_pages(source), start=1)]
        else:
            pages = [_save(_photo(source, kind), into, 1, _PHOTO_QUALITY)]
    except _Refused as refusal:
        return json.dumps({"refused": str(refusal)})
    except MemoryError:
        return json.dumps({"refused": "too_big"})
    return json.dumps({"pages": pages})


def _photo(source: Path, kind: Kind) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    try:
        with Image.open(source, formats=(_DECODER[kind],)) as image:
            image.draft(None, (LONG_SIDE, LONG_SIDE))
            image.load()
            if kind is not Kind.HEIC:  # its decoder has turned it already
                ImageOps.exif_transpose(image, in_place=True)
            return _plain(image)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _Refused("too_big") from None
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError):
        # Each decoder has its own way of saying that the bytes are not what their beginning promised.
        raise _Refused("unreadable") from None


def _plain(image: Image.Image) -> Image.Image:
    """Return the picture as sRGB, on white where it was transparent, no larger than a page may be."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        image = image.point(lambda grey: grey / 256).convert("L")
    elif image.mode in {"P", "PA", "LA"} or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode not in {"L", "RGB", "RGBA", "CMYK"}:
        image = image.convert("RGB")
    image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    if image.mode == "RGBA":
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        image = paper
    if profile:
        # A profile that does not fit its picture is a scanner's mistake, not the sender's: go without it.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            return _in_srgb(image, profile)
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    turned = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return turned or image.convert("RGB")


def _pdf_pages(source: Path) -> Iterator[Image.Image]:
    try:
        with contextlib.closing(pypdfium2.PdfDocument(source)) as document:
            document.init_forms()  # what a person filled in is drawn; this PDFium runs no script
            count = len(document)
            if count > PAGES:
                raise _Refused("too_many_pages")
            if count == 0:
                raise _Refused("unreadable")
            for at in range(count):
                with contextlib.closing(document[at]) as page:
                    yield _drawn(page)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD
        raise _Refused("locked" if locked else "unreadable") from None


def _drawn(page: pypdfium2.PdfPage) -> Image.Image:
    longest = max(page.get_size())
    if not (math.isfinite(longest) and longest > 0):
        raise _Refused("unreadable")
    scale = min(_DPI / _PDF_UNITS_AN_INCH, (LONG_SIDE - 1) / longest)
    bitmap = page.render(scale=scale, may_draw_forms=True, draw_annots=True, rev_byteorder=True)
    drawn: Image.Image = bitmap.to_pil()
    return drawn.convert("RGB")


def _save(image: Image.Image, into: Path, number: int, quality: int) -> dict[str, Any]:
    """Write one page and its thumbnail. ``info`` holds what the source said about itself, and is left behind."""
    image.info = {}
    path = into / f"page-{number:03}.jpg"
    image.save(path, "JPEG", quality=quality, optimize=True)
    written = path.read_bytes()
    facts = {
        "width": image.width,
        "height": image.height,
        "size": len(written),
        "sha256": hashlib.sha256(written).hexdigest(),
    }
    image.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
    image.save(into / f"thumb-{number:03}.jpg", "JPEG", quality=75, optimize=True)
    return facts
