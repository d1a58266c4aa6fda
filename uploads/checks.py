"""What a file is, told from its own first bytes. Its name and the type the sender claims are never asked.

Pure. Whether the rest of the file keeps what its beginning promises is found out in the locked room.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final


class Kind(StrEnum):
    """What is accepted. The value is stored in rows."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"
    AVIF = "avif"
    TIFF = "tiff"
    PDF = "pdf"

    @property
    def media_type(self) -> str:
        return "application/pdf" if self is Kind.PDF else f"image/{self}"

    @property
    def extension(self) -> str:
        """With its dot, for a name we give to a download."""
        return {Kind.JPEG: ".jpg", Kind.TIFF: ".tif"}.get(self, f".{self}")


class NotAccepted(Exception):
    """A file we do not take. The pages find their sentence by ``reason``."""

    reason: ClassVar[str]


class Empty(NotAccepted):
    """0 bytes: the phone sent the name and nothing else."""

    reason = "empty"


class OfficeFile(NotAccepted):
    """A document of Word, Excel, Pages and their like. Saved as PDF it would be welcome."""

    reason = "office"


class Archive(NotAccepted):
    """Files packed into one. Sent one by one they would be welcome."""

    reason = "archive"


class UnknownKind(NotAccepted):
    """Anything else: a web page, a film, a text."""

    reason = "unknown"


_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"heif"})
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_TIFF: Final = (b"II*\0", b"MM\0*")
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OFFICE_INSIDE_ZIP: Final = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"opendocument", b".iwa")
_OFFICE: Final = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf")
_PACKED: Final = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_PDF_WITHIN: Final = 1024  # bytes a reader of PDF skips until the header; some printers put a line before it


def what_is(head: bytes, size: int) -> Kind:
    """Return the kind of a file.

    :param head: its first bytes, 4096 or all there are.
    :param size: bytes of the whole file.
    :raises NotAccepted: one of its subclasses, which says why.
    """
    if size == 0:
        raise Empty
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head.startswith(_TIFF):
        return Kind.TIFF
    if kind := _by_brand(head):
        return kind
    if head.startswith(_OFFICE) or (head.startswith(_ZIP) and any(mark in head for mark in _OFFICE_INSIDE_ZIP)):
        raise OfficeFile
    if head.startswith((*_ZIP, *_PACKED)) or head[257:262] == b"ustar" or head[2:5] == b"-lh":
        raise Archive
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return Kind.PDF
    raise UnknownKind


def _by_brand(head: bytes) -> Kind | None:
    """Tell by the brands in the first box: HEIC, AVIF and films share its shape, and ``mif1`` alone says nothing."""
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    for brand in brands:  # the first that is known: a file may claim to be readable as both
        if brand in _AVIF_BRANDS:
            return Kind.AVIF
        if brand in _HEIC_BRANDS:
            return Kind.HEIC
    return None
