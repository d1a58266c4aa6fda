"""What a file is, by its first bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from uploads.checks import Archive, Empty, Kind, NotAccepted, OfficeFile, UnknownKind, what_is

SAMPLES = Path(__file__).with_name("samples")


def picture(encoder: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, encoder)
    return stream.getvalue()


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


def tarred() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return stream.getvalue()


def pdf() -> bytes:
    document = FPDF()
    document.add_page()
    return bytes(document.output())


def ask(content: bytes) -> Kind:
    return what_is(content[:4096], len(content))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture("JPEG"), Kind.JPEG),
        (picture("PNG"), Kind.PNG),
        (picture("WEBP"), Kind.WEBP),
        (SAMPLES.joinpath("turned.heic").read_bytes(), Kind.HEIC),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", Kind.HEIC),
        (b"\0\0\0\x1cftypmsf1\0\0\0\0msf1hevcmiaf", Kind.HEIC),
        (b"\0\0\0\x14ftypheif\0\0\0\0mif1", Kind.HEIC),
        (picture("AVIF"), Kind.AVIF),
        (b"\0\0\0\x1cftypavis\0\0\0\0avismsf1miaf", Kind.AVIF),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Kind.AVIF),
        (picture("TIFF"), Kind.TIFF),
        (b"MM\0*\0\0\0\x08", Kind.TIFF),
        (pdf(), Kind.PDF),
        (picture("JPEG") + zipped("word/document.xml"), Kind.JPEG),
        (picture("PNG") + pdf(), Kind.PNG),
        (b"\xef\xbb\xbf" + pdf(), Kind.PDF),
        (b"\x1b%-12345X@PJL\r\n" + pdf(), Kind.PDF),
    ],
)
def test_a_file_is_what_its_beginning_says(content: bytes, kind: Kind) -> None:
    assert ask(content) is kind


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", Empty),
        (zipped("[Content_Types].xml", "word/document.xml"), OfficeFile),
        (zipped("xl/workbook.xml"), OfficeFile),
        (zipped("Index/Document.iwa"), OfficeFile),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), OfficeFile),
        (b"{\\rtf1 x}", OfficeFile),
        (zipped("payslip.jpg"), Archive),
        (zipped(), Archive),
        (b"Rar!\x1a\x07\x01\x00", Archive),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", Archive),
        (gzip.compress(b"x", mtime=0), Archive),
        (tarred(), Archive),
        (b"\x1e\x00-lh5-", Archive),
        (b"<!doctype html><script>alert(1)</script>", UnknownKind),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnknownKind),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", UnknownKind),
        (b"\0\0\0\x10ftypmif1\0\0\0\0mif1heic", UnknownKind),
        (b"II+\0", UnknownKind),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ", UnknownKind),
        (b"GIF89a", UnknownKind),
        (b"MZ", UnknownKind),
        (b"x" * 2000 + b"%PDF-1.7", UnknownKind),
        ("給与明細".encode("cp932"), UnknownKind),
    ],
)
def test_what_is_not_taken_says_why(content: bytes, why: type[NotAccepted]) -> None:
    with pytest.raises(why) as refusal:
        ask(content)
    assert refusal.value.reason == why.reason


STARTS = [b"", b"\xff\xd8\xff", b"\0\0\0\x18ftyp", b"\xff\xff\xff\xffftypmif1", b"RIFF", b"PK\x03\x04", b"%P", b"II*"]


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes_at_all_get_one_of_the_answers(start: bytes, tail: bytes) -> None:
    gets_one_of_the_answers(start + tail)


REAL = [
    picture("AVIF"),
    picture("WEBP"),
    pdf(),
    zipped("xl/workbook.xml"),
    SAMPLES.joinpath("turned.heic").read_bytes(),
]


@given(st.sampled_from(REAL), st.integers(0, 300), st.binary(max_size=8), st.integers(0, 4096))
def test_a_real_file_with_some_bytes_changed_or_cut_gets_one_of_the_answers(
    real: bytes, at: int, put: bytes, kept: int
) -> None:
    gets_one_of_the_answers((real[:at] + put + real[at + len(put) :])[:kept])


def gets_one_of_the_answers(content: bytes) -> None:
    try:
        assert ask(content) in Kind
    except NotAccepted as refusal:
        assert refusal.reason in {"empty", "office", "archive", "unknown"}


def test_every_kind_has_its_media_type_and_extension() -> None:
    assert {kind.value: (kind.media_type, kind.extension) for kind in Kind} == {
        "jpeg": ("image/jpeg", ".jpg"),
        "png": ("image/png", ".png"),
        "webp": ("image/webp", ".webp"),
        "heic": ("image/heic", ".heic"),
        "avif": ("image/avif", ".avif"),
        "tiff": ("image/tiff", ".tif"),
        "pdf": ("application/pdf", ".pdf"),
    }
