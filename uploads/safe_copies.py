"""Draws a stranger's file anew: pictures made of our own pixels, upright, sRGB, with nothing else in them.

Runs only in a child of ``uploads.room_keeper``, which can open nothing: all comes from the bytes it is given and goes
into the one stream. A page may be 2,400 pixels on its long side: an A4 page at about 200 dpi, on which the small
print of a payslip can be read.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import warnings
from _thread import start_new_thread
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, BinaryIO, Final, TypeVar, cast

import pi_heif
from PIL import AvifImagePlugin, Image, ImageCms, MpoImagePlugin

from uploads import pdf_fonts, pdf_pages
from uploads.checks import Kind
from uploads.look import look_of
from uploads.room_frames import put, put_facts, put_made

_T = TypeVar("_T")

LONG_SIDE: Final = 2400  # pixels of a page
THUMB_SIDE: Final = 360  # pixels of its thumbnail
PIXELS: Final = 80_000_000  # a photo of more is refused; phones make up to 50 million, and 200 rarely
PAGES: Final = 30
_PHOTO_DPI: Final = 200  # a photo of a page of A4 then has about its size
_PHOTO_QUALITY: Final = 82
_THUMB_QUALITY: Final = 75
_PDF_QUALITY: Final = 85  # flat paper and small print show JPEG's ringing sooner
_DECODER: Final = {
    Kind.JPEG: "JPEG",
    Kind.PNG: "PNG",
    Kind.WEBP: "WEBP",
    Kind.HEIC: "HEIF",
    Kind.AVIF: "AVIF",
    Kind.TIFF: "TIFF",
}
_TURNED: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION, _SMALLER_COPY = 0x0112, 254
_ALSO_JPEG: Final = MpoImagePlugin.MpoImageFile  # loaded late by Pillow when a camera hung a second picture on


class Refusal(Exception):
    """The file cannot be drawn. The text is the reason's code: unreadable, locked, too_big or too_many_pages."""


def _no_words() -> pdf_pages.Words:
    return "", []


@dataclass(frozen=True)
class Drawn:
    """A page: its picture, how many pixels of it make an inch, and how its text is read."""

    image: Image.Image
    quality: int
    dpi: float = _PHOTO_DPI
    read: Callable[[], pdf_pages.Words] = _no_words


def prepare() -> None:
    """Load every decoder, and all it would otherwise look for when the room is shut already."""
    Image.MAX_IMAGE_PIXELS = PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    pi_heif.options.DECODE_THREADS = 0
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pdf_fonts.use_ours()
    for coding in ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "cp1252", "shift_jis"):
        codecs.lookup(coding)
    for kind in (Kind.JPEG, Kind.PNG, Kind.WEBP, Kind.AVIF, Kind.TIFF):
        sample = io.BytesIO()
        Image.new("RGB", (16, 16), "white").save(sample, _DECODER[kind], icc_profile=_srgb().tobytes())
        make(sample.getvalue(), kind, io.BytesIO())
    make(pdf_fonts.SAMPLE, Kind.PDF, io.BytesIO())


def warm_up() -> None:
    """Draw a little page of our own: a process that was just forked pays for each first time."""
    make(pdf_fonts.SHORT_SAMPLE, Kind.PDF, io.BytesIO())


def make(content: bytes, kind: str, out: BinaryIO) -> None:
    """Write frames: for each page a picture, a thumbnail and facts, then ``{"pages": count}`` or ``{"refused": why}``.

    Facts of a page: dpi, text, lines (each ``[left, top, right, bottom, text]`` in pixels) and look.

    Two threads pack the picture, straight into ``out``, and make the thumbnail while this one reads the text.
    """
    count = 0
    try:
        for page in _drawn(content, Kind(kind)):
            with (
                _meanwhile(partial(put_made, out, partial(_pack, page.image, page.quality))),
                _meanwhile(partial(_small, page.image)) as small,
                _refusals(),
            ):
                text, lines = page.read()
            ((thumb, look),) = small
            put(out, thumb)
            put_facts(out, {"dpi": page.dpi, "text": text, "lines": lines, "look": look})
            count += 1
    except Refusal as refusal:
        put_facts(out, {"refused": str(refusal)})
    else:
        put_facts(out, {"pages": count})


@contextlib.contextmanager
def _meanwhile(work: Callable[[], _T]) -> Iterator[list[_T]]:
    """Let another thread do ``work`` during the block; after it, what came of that is in the list given.

    The thread is a new one each time: one that was there before the last lock would not get it.
    """
    made: list[_T] = []
    ended: SimpleQueue[Exception | None] = SimpleQueue()

    def do() -> None:
        try:
            made.append(work())
        except Exception as error:  # noqa: BLE001 it is raised where it is waited for
            ended.put(error)
        else:
            ended.put(None)

    start_new_thread(do, ())
    try:
        yield made
    finally:
        if (error := ended.get()) is not None:
            raise error


def _small(image: Image.Image) -> tuple[bytes, str]:
    """The thumbnail of a page, and its look."""
    small, packed = _shrunk(image, THUMB_SIDE, Image.Resampling.BICUBIC), io.BytesIO()
    _pack(small, _THUMB_QUALITY, packed)
    return packed.getvalue(), look_of(small)


def _pack(image: Image.Image, quality: int, out: BinaryIO) -> None:
    image.save(out, "JPEG", quality=quality)


def _drawn(content: bytes, kind: Kind) -> Iterator[Drawn]:
    """:raises Refusal: and nothing else, whatever a decoder may raise."""
    with _refusals():
        if kind is Kind.PDF:
            for page in pdf_pages.pages(content, most=PAGES, long_side=LONG_SIDE):
                yield Drawn(page.image, _PDF_QUALITY, page.dpi, page.read)
        else:
            for image in _photos(content, kind):
                yield Drawn(image, _PHOTO_QUALITY)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Whatever a decoder may raise is a refusal."""
    try:
        yield
    except (Refusal, pdf_pages.NotDrawn) as refusal:
        raise Refusal(str(refusal)) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError, MemoryError):
        raise Refusal("too_big") from None
    except Exception:  # noqa: BLE001 each decoder has its own way to say that the bytes break their promise
        raise Refusal("unreadable") from None


def _photos(content: bytes, kind: Kind) -> Iterator[Image.Image]:
    with Image.open(io.BytesIO(content), formats=(_DECODER[kind],)) as image:
        for at in _places(image) if kind is Kind.TIFF else (0,):
            image.seek(at)
            image.draft(None, (LONG_SIDE, LONG_SIDE))
            image.load()
            page = _plain(image)
            turn = None if kind is Kind.HEIC else _TURNED.get(_orientation(image))  # its decoder has turned it
            yield page if turn is None else page.transpose(turn)


def _places(image: Any) -> list[int]:
    """Where the pages of a scan are. A program's own small copies between them are left out."""
    places = []
    for at in range(2 * PAGES + 1):
        try:
            image.seek(at)
        except EOFError:
            break
        if not image.tag_v2.get(_SMALLER_COPY, 0) & 1:
            places.append(at)
    if len(places) > PAGES:
        raise Refusal("too_many_pages")
    return places or [0]


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 a tag that cannot be read turns nothing
        return 1


def _plain(image: Image.Image) -> Image.Image:
    """Return the picture as sRGB, on white where it was transparent, no larger than a page may be."""
    profile = image.info.get("icc_profile")
    image = _eight_bit(image)
    if image.mode in {"P", "PA", "LA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode not in {"L", "RGB", "RGBA", "CMYK"}:
        image = image.convert("RGB")
    image = _shrunk(image, LONG_SIDE, Image.Resampling.LANCZOS)
    if image.mode == "RGBA":
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        image = paper
    if profile:
        # A profile that does not fit its picture is a scanner's mistake, not the sender's: go without it.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            return _in_srgb(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return image.point(lambda grey: grey / 256).convert("L")
    if image.mode in {"I", "F"}:  # measured light: from the darkest to the brightest there is
        low, high = (float(end) for end in cast("tuple[float, float]", image.getextrema()))
        scale = 255 / (high - low) if high > low else 0.0
        return image.point(lambda grey: grey * scale - low * scale).convert("L")
    return image


def _shrunk(image: Image.Image, longest: int, how: Image.Resampling) -> Image.Image:
    """No longer than ``longest``. A new picture, and never the decoder's own."""
    if max(image.size) <= longest:
        return image.copy()
    wide, high = (max(1, round(side * longest / max(image.size))) for side in image.size)
    return image.resize((wide, high), how, reducing_gap=1.1)


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    turned = ImageCms.profileToProfile(image, given, _srgb(), outputMode="RGB")
    return turned or image.convert("RGB")
