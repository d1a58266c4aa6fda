"""What a safe copy shows, and what it no longer carries: through the real room. Its locks: ``test_locked_room.py``."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from fpdf import FPDF
from PIL import Image, ImageCms, ImageDraw, JpegImagePlugin

from uploads.checks import Kind
from uploads.locked_room import Refused, SafeCopies, make_safe_copies

SAMPLES = Path(__file__).with_name("samples")
RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 160, 30), (30, 30, 220), (240, 220, 40)
# How a camera turns a picture before it stores it, for each value of the EXIF tag.
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


PHOTOS = [Kind.JPEG, Kind.PNG, Kind.WEBP, Kind.HEIC, Kind.AVIF, Kind.TIFF]


def corners(width: int = 96, height: int = 128) -> Image.Image:
    """A picture whose four quarters tell which way is up."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for at, colour in enumerate((RED, GREEN, BLUE, YELLOW)):
        left, top = at % 2 * width // 2, at // 2 * height // 2
        draw.rectangle((left, top, left + width // 2, top + height // 2), fill=colour)
    return image


def is_upright(path: Path) -> bool:
    with Image.open(path) as image:
        width, height = image.size
        spots = [(width // 4 + x * width // 2, height // 4 + y * height // 2) for y in (0, 1) for x in (0, 1)]
        seen = [image.getpixel(spot) for spot in spots]
    return all(near(was, meant) for was, meant in zip(seen, (RED, GREEN, BLUE, YELLOW), strict=True))


def near(was: Any, meant: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(one - other) <= by for one, other in zip(was, meant, strict=True))


def where_it_was_taken() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "MihonPhone"
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (35.0, 41.0, 22.0), "E", (139.0, 41.0, 30.0)
    return exif.tobytes()


def make(source: Path, kind: Kind, into: Path) -> Any:
    into.mkdir(exist_ok=True)
    made = make_safe_copies(source, kind, into)
    if isinstance(made, Refused):
        return {"refused": made.reason}
    return {"pages": [{"width": page.width, "height": page.height, "size": page.size} for page in made.pages]}


@pytest.mark.parametrize("orientation", TURNS)
def test_a_photo_is_upright_whichever_way_the_phone_was_held(orientation: int, tmp_path: Path) -> None:
    turn, exif = TURNS[orientation], Image.Exif()
    exif[0x0112] = orientation
    stored = corners() if turn is None else corners().transpose(turn)
    stored.save(tmp_path / "photo.jpg", quality=95, exif=exif)
    manifest = make(tmp_path / "photo.jpg", Kind.JPEG, tmp_path / "into")
    assert [(page["width"], page["height"]) for page in manifest["pages"]] == [(96, 128)]
    assert is_upright(tmp_path / "into/page-001.jpg")
    assert is_upright(tmp_path / "into/thumb-001.jpg")


def test_an_iphone_photo_is_turned_once_by_its_decoder_and_not_again_by_its_tag(tmp_path: Path) -> None:
    manifest = make(SAMPLES / "turned.heic", Kind.HEIC, tmp_path / "into")
    assert [(page["width"], page["height"]) for page in manifest["pages"]] == [(96, 128)]
    assert is_upright(tmp_path / "into/page-001.jpg")


@pytest.mark.parametrize("kind", PHOTOS)
def test_no_safe_copy_says_where_and_with_what_a_photo_was_taken(kind: Kind, tmp_path: Path) -> None:
    source = tmp_path / f"photo.{kind}"
    said: dict[str, Any] = {"exif": where_it_was_taken(), "icc_profile": srgb(), "xmp": b"<MihonXmp/>"}
    if kind is Kind.JPEG:
        said["comment"] = b"MihonComment"
    if kind is Kind.HEIC:
        source = SAMPLES / "turned.heic"
    else:
        corners().save(source, kind.value, dpi=(300, 300), **said)
    with source.open("ab") as stream:
        stream.write(b"MihonTail" if kind is not Kind.HEIC else b"")
    assert b"Mihon" in source.read_bytes()
    make(source, kind, tmp_path / "into")
    assert len(list((tmp_path / "into").iterdir())) == 3
    for path in (tmp_path / "into").iterdir():
        assert b"Mihon" not in path.read_bytes()
        if path.suffix == ".pdf":
            continue
        with Image.open(path) as image:
            assert dict(image.getexif()) == {}
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_large_photo_is_shrunk_and_a_small_one_is_left_as_it_is(tmp_path: Path) -> None:
    corners(4000, 3000).save(tmp_path / "large.jpg")
    corners(40, 30).save(tmp_path / "small.jpg")
    large = make(tmp_path / "large.jpg", Kind.JPEG, tmp_path / "a")["pages"][0]
    small = make(tmp_path / "small.jpg", Kind.JPEG, tmp_path / "b")["pages"][0]
    assert (large["width"], large["height"]) == (2400, 1800)
    assert (small["width"], small["height"]) == (40, 30)
    with Image.open(tmp_path / "a/thumb-001.jpg") as thumb:
        assert thumb.size == (360, 270)


def test_the_page_says_what_lies_in_the_folder(tmp_path: Path) -> None:
    corners().save(tmp_path / "photo.png")
    page = make(tmp_path / "photo.png", Kind.PNG, tmp_path / "into")["pages"][0]
    written = (tmp_path / "into/page-001.jpg").read_bytes()
    assert page == {"width": 96, "height": 128, "size": len(written)}
    names = ["page-001.jpg", "pages.pdf", "thumb-001.jpg"]
    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == names


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16"])
def test_every_kind_of_png_comes_out_with_the_colours_it_was_seen_with(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        image = Image.new("I;16", (64, 64), 40_000)
        seen = (156, 156, 156)
    elif mode in {"RGBA", "LA", "P"}:
        image = Image.new("RGBA", (64, 64), (0, 0, 0, 0)).convert(mode)
        seen = (255, 255, 255)
    else:
        image = Image.new(mode, (64, 64), 0)
        seen = (0, 0, 0)
    image.save(tmp_path / "image.png", "PNG", **({"transparency": 0} if mode == "P" else {}))
    make(tmp_path / "image.png", Kind.PNG, tmp_path / "into")
    with Image.open(tmp_path / "into/page-001.jpg") as page:
        assert page.mode == "RGB"
        assert near(page.getpixel((32, 32)), seen, by=2)


def test_colours_of_another_profile_are_turned_into_ours(tmp_path: Path) -> None:
    swapped = srgb().replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    for name, encoder, kind in (("p3.jpg", "JPEG", Kind.JPEG), ("p3.png", "PNG", Kind.PNG)):
        Image.new("RGB", (64, 64), RED).save(tmp_path / name, encoder, icc_profile=swapped)
        make(tmp_path / name, kind, tmp_path / "into")
        with Image.open(tmp_path / "into/page-001.jpg") as page:
            assert near(page.getpixel((32, 32)), BLUE)


def test_a_profile_that_does_not_fit_its_picture_is_left_aside(tmp_path: Path) -> None:
    cmyk = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    cmyk.save(tmp_path / "cmyk.jpg", icc_profile=srgb())
    make(tmp_path / "cmyk.jpg", Kind.JPEG, tmp_path / "into")
    with Image.open(tmp_path / "into/page-001.jpg") as page:
        assert near(page.getpixel((32, 32)), (254, 0, 0))


@pytest.mark.parametrize("kind", PHOTOS)
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_a_photo_cut_off_on_its_way_is_refused_and_not_shown_half(kind: Kind, kept: float, tmp_path: Path) -> None:
    if kind is Kind.HEIC:
        whole = (SAMPLES / "turned.heic").read_bytes()
    else:
        stream = io.BytesIO()
        noise(400, 300).save(stream, kind.value)
        whole = stream.getvalue()
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * kept)])
    assert make(tmp_path / "cut", kind, tmp_path / "into") == {"refused": "unreadable"}


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def test_a_file_of_another_kind_than_its_beginning_promised_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xd8\xff<script>alert(1)</script>")
    assert make(tmp_path / "x", Kind.JPEG, tmp_path / "into") == {"refused": "unreadable"}
    corners().save(tmp_path / "real.png")
    assert make(tmp_path / "real.png", Kind.JPEG, tmp_path / "into") == {"refused": "unreadable"}
    assert make(tmp_path / "real.png", Kind.PDF, tmp_path / "into") == {"refused": "unreadable"}


def document(pages: int = 1, **options: Any) -> FPDF:
    made = FPDF(**options)
    made.set_font("helvetica", size=40)
    for number in range(1, pages + 1):
        made.add_page()
        made.set_fill_color(*RED)
        made.rect(0, 0, 105, 40, style="F")
        made.text(20, 100, f"PAYSLIP {number}")
    return made


def test_each_page_of_a_pdf_becomes_one_picture_that_can_be_read(tmp_path: Path) -> None:
    document(3).output(str(tmp_path / "slip.pdf"))
    manifest = make(tmp_path / "slip.pdf", Kind.PDF, tmp_path / "into")
    assert [(page["width"], page["height"]) for page in manifest["pages"]] == [(1406, 1988)] * 3
    with Image.open(tmp_path / "into/page-003.jpg") as page:
        assert near(page.getpixel((300, 100)), RED)
        assert near(page.getpixel((1300, 100)), (255, 255, 255))
    with Image.open(tmp_path / "into/thumb-003.jpg") as thumb:
        assert max(thumb.size) == 360


@pytest.mark.parametrize(("kind", "quality"), [(Kind.PDF, 85), (Kind.JPEG, 82)])
def test_pages_are_packed_as_well_as_they_always_were(kind: Kind, quality: int, tmp_path: Path) -> None:
    if kind is Kind.PDF:
        document().output(str(tmp_path / "source"))
    else:
        corners(1200, 1600).save(tmp_path / "source", "JPEG")
    make(tmp_path / "source", kind, tmp_path / "into")
    for name, as_good_as in (("page-001.jpg", quality), ("thumb-001.jpg", 75)):
        model = io.BytesIO()
        Image.new("RGB", (16, 16)).save(model, "JPEG", quality=as_good_as)
        with Image.open(tmp_path / "into" / name) as picture, Image.open(model) as meant:
            assert isinstance(picture, JpegImagePlugin.JpegImageFile)
            assert isinstance(meant, JpegImagePlugin.JpegImageFile)
            assert (picture.mode, picture.quantization) == ("RGB", meant.quantization)


def test_what_was_filled_into_a_form_and_notes_on_a_page_are_drawn(tmp_path: Path) -> None:
    made = document()
    made.output(str(tmp_path / "plain.pdf"))
    with pikepdf.open(tmp_path / "plain.pdf") as pdf:
        box = [300, 300, 500, 400]
        drawn = pikepdf.Stream(pdf, b"0 0 1 rg 0 0 200 100 re f")
        drawn.Type, drawn.Subtype, drawn.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, pikepdf.Array([0, 0, 200, 100])
        look = pikepdf.Dictionary(N=pdf.make_indirect(drawn))
        field = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Widget,
                FT=pikepdf.Name.Tx,
                T="wage",
                V="84500",
                F=4,
                Rect=box,
                AP=look,
            )
        )
        note = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Stamp, F=4, Rect=[50, 100, 250, 200], AP=look
        )
        pdf.pages[0].obj.Annots = pikepdf.Array([field, pdf.make_indirect(note)])
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]))
        pdf.save(tmp_path / "form.pdf")
    make(tmp_path / "form.pdf", Kind.PDF, tmp_path / "into")
    scale = 1988 / 842
    with Image.open(tmp_path / "into/page-001.jpg") as page:
        field_at, note_at = [(int(x * scale), int((842 - y) * scale)) for x, y in ((450, 350), (150, 150))]
        assert not near(page.getpixel(field_at), (255, 255, 255), by=40)
        assert near(page.getpixel(note_at), (0, 0, 255))


def test_a_pdf_with_a_password_is_locked_and_one_that_only_forbids_printing_is_not(tmp_path: Path) -> None:
    document().output(str(tmp_path / "open.pdf"))
    with pikepdf.open(tmp_path / "open.pdf") as pdf:
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(user="himitsu", owner="himitsu"))
        pdf.save(tmp_path / "owned.pdf", encryption=pikepdf.Encryption(user="", owner="himitsu"))
    assert make(tmp_path / "locked.pdf", Kind.PDF, tmp_path / "a") == {"refused": "locked"}
    assert len(make(tmp_path / "owned.pdf", Kind.PDF, tmp_path / "b")["pages"]) == 1


def test_thirty_pages_are_drawn_and_thirty_one_are_too_many(tmp_path: Path) -> None:
    document(30, format=(50, 50)).output(str(tmp_path / "30.pdf"))
    document(31, format=(50, 50)).output(str(tmp_path / "31.pdf"))
    assert len(make(tmp_path / "30.pdf", Kind.PDF, tmp_path / "a")["pages"]) == 30
    assert make(tmp_path / "31.pdf", Kind.PDF, tmp_path / "b") == {"refused": "too_many_pages"}


@pytest.mark.parametrize("content", [b"%PDF-1.7\n", b"%PDF-1.7\n" + bytes(5000), b"%PDF-1.7\n1 0 obj<</Type/Catalog>>"])
def test_a_pdf_that_is_only_a_beginning_is_unreadable(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(content)
    assert make(tmp_path / "broken.pdf", Kind.PDF, tmp_path / "into") == {"refused": "unreadable"}


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_a_pdf_cut_off_on_its_way_is_refused_and_not_shown_with_pages_missing(kept: float, tmp_path: Path) -> None:
    whole = bytes(document(3).output())
    (tmp_path / "cut.pdf").write_bytes(whole[: int(len(whole) * kept)])
    assert make(tmp_path / "cut.pdf", Kind.PDF, tmp_path / "into") == {"refused": "unreadable"}
    (tmp_path / "whole.pdf").write_bytes(whole + b"\r\n<!-- sent by a gateway -->\n" + bytes(5000))
    assert len(make(tmp_path / "whole.pdf", Kind.PDF, tmp_path / "whole")["pages"]) == 3


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", [Kind.PNG, Kind.WEBP, Kind.AVIF, Kind.TIFF])
def test_every_kind_is_upright(kind: Kind, orientation: int, tmp_path: Path) -> None:
    turn, exif = TURNS[orientation], Image.Exif()
    exif[0x0112] = orientation
    stored = corners() if turn is None else corners().transpose(turn)
    stored.save(tmp_path / "photo", kind.value, exif=exif, **({"lossless": True} if kind is Kind.WEBP else {}))
    assert make(tmp_path / "photo", kind, tmp_path / "into")["pages"][0]["width"] == 96
    assert is_upright(tmp_path / "into/page-001.jpg")


def test_a_scan_of_several_pages_becomes_several_and_small_copies_between_them_none(tmp_path: Path) -> None:
    scans = [Image.new("1", (300, 400), at % 2) for at in range(3)]
    scans[0].save(tmp_path / "scan.tif", save_all=True, append_images=scans[1:], compression="group4")
    assert [page["width"] for page in make(tmp_path / "scan.tif", Kind.TIFF, tmp_path / "a")["pages"]] == [300] * 3
    small = Image.new("L", (30, 40))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    scans[0].save(tmp_path / "small.tif", save_all=True, append_images=[small, scans[2]])
    assert [page["width"] for page in make(tmp_path / "small.tif", Kind.TIFF, tmp_path / "b")["pages"]] == [300] * 2


def test_thirty_one_scans_in_one_file_are_too_many(tmp_path: Path) -> None:
    scans = [Image.new("1", (8, 8))] * 31
    scans[0].save(tmp_path / "31.tif", save_all=True, append_images=scans[1:])
    scans[0].save(tmp_path / "30.tif", save_all=True, append_images=scans[2:])
    assert make(tmp_path / "31.tif", Kind.TIFF, tmp_path / "a") == {"refused": "too_many_pages"}
    assert len(make(tmp_path / "30.tif", Kind.TIFF, tmp_path / "b")["pages"]) == 30


def test_a_scan_whose_second_page_was_lost_on_the_way_is_refused(tmp_path: Path) -> None:
    scans = [noise(200, 200), noise(200, 200)]
    scans[0].save(tmp_path / "scan.tif", save_all=True, append_images=scans[1:])
    whole = (tmp_path / "scan.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) * 3 // 5])
    assert make(tmp_path / "cut.tif", Kind.TIFF, tmp_path / "into") == {"refused": "unreadable"}


@pytest.mark.parametrize("kind", [Kind.WEBP, Kind.PNG, Kind.AVIF])
def test_of_a_moving_picture_the_first_one_is_shown(kind: Kind, tmp_path: Path) -> None:
    still, next_one = Image.new("RGB", (64, 64), RED), Image.new("RGB", (64, 64), BLUE)
    still.save(tmp_path / "moving", kind.value, save_all=True, append_images=[next_one], duration=100)
    assert len(make(tmp_path / "moving", kind, tmp_path / "into")["pages"]) == 1
    with Image.open(tmp_path / "into/page-001.jpg") as page:
        assert near(page.getpixel((32, 32)), RED)


def test_a_photo_with_a_second_picture_behind_it_is_a_photo(tmp_path: Path) -> None:
    corners().save(tmp_path / "photo.jpg", "MPO", save_all=True, append_images=[noise(96, 128)])
    assert len(make(tmp_path / "photo.jpg", Kind.JPEG, tmp_path / "into")["pages"]) == 1
    assert is_upright(tmp_path / "into/page-001.jpg")


def test_sixteen_bits_a_colour_are_shown_with_eight(tmp_path: Path) -> None:
    row = b"\0" + struct.pack(">HHH", 0xDC1E, 0x1E1E, 0x1E1E) * 32
    header = struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(row * 32)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts]
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    make(tmp_path / "deep.png", Kind.PNG, tmp_path / "into")
    with Image.open(tmp_path / "into/page-001.jpg") as page:
        assert near(page.getpixel((16, 16)), RED)


def display_p3() -> bytes:
    """sRGB's profile with the primaries of an iPhone's screen, as its makers publish them, adapted to D50."""
    changed = bytearray(srgb())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for at in range(132, 132 + 12 * int.from_bytes(changed[128:132], "big"), 12):
        start = int.from_bytes(changed[at + 4 : at + 8], "big")
        if colour := primaries.get(bytes(changed[at : at + 4])):
            changed[start + 8 : start + 20] = struct.pack(">3i", *(round(value * 65536) for value in colour))
    return bytes(changed)


def test_the_wider_colours_of_an_iphone_are_turned_into_those_of_every_screen(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (200, 60, 60)).save(tmp_path / "p3.png", icc_profile=display_p3())
    make(tmp_path / "p3.png", Kind.PNG, tmp_path / "into")
    with Image.open(tmp_path / "into/page-001.jpg") as page:
        assert near(page.getpixel((32, 32)), (218, 41, 52), by=3)


def text_pdf(path: Path, operators: bytes, font: dict[str, Any], turned: int = 0) -> None:
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(595, 842)).obj
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=pdf.make_indirect(pikepdf.Dictionary(font))))
        page.Contents = pdf.make_stream(operators)
        page.Rotate = turned
        pdf.save(path)


MS_GOTHIC = {
    "/Type": pikepdf.Name.Font,
    "/Subtype": pikepdf.Name.Type0,
    "/BaseFont": pikepdf.Name("/MS-Gothic"),
    "/Encoding": pikepdf.Name("/90ms-RKSJ-H"),
    "/DescendantFonts": [
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font,
            Subtype=pikepdf.Name.CIDFontType2,
            BaseFont=pikepdf.Name("/MS-Gothic"),
            CIDSystemInfo=pikepdf.Dictionary(Registry=b"Adobe", Ordering=b"Japan1", Supplement=2),
            DW=1000,
            FontDescriptor=pikepdf.Dictionary(
                Type=pikepdf.Name.FontDescriptor,
                FontName=pikepdf.Name("/MS-Gothic"),
                Flags=4,
                FontBBox=[0, -136, 1000, 859],
                ItalicAngle=0,
                Ascent=859,
                Descent=-140,
                CapHeight=769,
                StemV=78,
            ),
        )
    ],
}


def test_japanese_without_its_font_is_shown_in_ours_and_its_text_is_kept(tmp_path: Path) -> None:
    said = "差引支給額".encode("cp932").hex()
    text_pdf(tmp_path / "bare.pdf", f"BT /F 60 Tf 60 600 Td <{said}> Tj ET".encode(), MS_GOTHIC)
    (tmp_path / "into").mkdir()
    made = make_safe_copies(tmp_path / "bare.pdf", Kind.PDF, tmp_path / "into")
    assert isinstance(made, SafeCopies)
    assert made.pages[0].text == "差引支給額"
    with Image.open(made.pages[0].picture) as page:
        each = [page.convert("L").crop((142 + at * 142, 420, 142 + at * 142 + 141, 580)) for at in range(5)]
    ink = [sum(one.point([value < 128 for value in range(256)]).tobytes()) for one in each]
    assert min(ink) > 1000  # each of the five signs is there
    assert len({one.tobytes() for one in each}) == 5  # and they are no boxes of one look


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_the_text_of_a_turned_page_stands_where_it_is_seen(turned: int, tmp_path: Path) -> None:
    font = {"/Type": pikepdf.Name.Font, "/Subtype": pikepdf.Name.Type1, "/BaseFont": pikepdf.Name.Helvetica}
    text_pdf(tmp_path / "turned.pdf", b"BT /F 40 Tf 100 700 Td (WAGES) Tj ET", font, turned)
    (tmp_path / "into").mkdir()
    made = make_safe_copies(tmp_path / "turned.pdf", Kind.PDF, tmp_path / "into")
    assert isinstance(made, SafeCopies)
    with Image.open(made.pages[0].picture) as page:
        seen = page.convert("L").point([255 * (value < 128) for value in range(256)]).getbbox()
    with pypdfium2.PdfDocument(made.pdf) as pdf:
        page_of = pdf[0]
        words = page_of.get_textpage()
        assert words.count_rects() == 1
        left, bottom, right, top = words.get_rect(0)
        high, scale = page_of.get_height(), 170 / 72
    box = (left * scale, (high - top) * scale, right * scale, (high - bottom) * scale)
    assert seen is not None
    assert all(abs(one - other) < 40 for one, other in zip(box, seen, strict=True)), (box, seen)


def test_nothing_that_a_pdf_could_do_is_left_in_the_safe_one(tmp_path: Path) -> None:
    made = document()
    made.link(20, 90, 100, 20, "https://example.com/MihonLink")
    made.set_author("MihonAuthor")
    made.output(str(tmp_path / "plain.pdf"))
    with pikepdf.open(tmp_path / "plain.pdf") as pdf:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('MihonScript')")
        pdf.Root.OpenAction = script
        pdf.Root.AA = pikepdf.Dictionary(WC=script)
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[], XFA=pdf.make_stream(b"MihonForm"))
        pdf.attachments["MihonFile.txt"] = b"MihonFile"
        pdf.save(tmp_path / "armed.pdf", compress_streams=False)
    (tmp_path / "into").mkdir()
    safe = make_safe_copies(tmp_path / "armed.pdf", Kind.PDF, tmp_path / "into")
    assert isinstance(safe, SafeCopies)
    assert b"Mihon" not in safe.pdf.read_bytes()
    with pikepdf.open(safe.pdf) as pdf:
        assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
        assert set(pdf.pages[0].obj.keys()) <= {"/Type", "/Parent", "/MediaBox", "/Resources", "/Contents"}
        assert "/Info" not in pdf.trailer
        assert not pdf.attachments
    with pypdfium2.PdfDocument(safe.pdf) as read:
        assert "PAYSLIP 1" in read[0].get_textpage().get_text_range()


def test_a_page_with_too_much_text_keeps_its_beginning(tmp_path: Path) -> None:
    font = {"/Type": pikepdf.Name.Font, "/Subtype": pikepdf.Name.Type1, "/BaseFont": pikepdf.Name.Helvetica}
    rows = b"".join(b"1 0 0 1 10 %d Tm (%s) Tj " % (830 - row * 2, b"wage " * 40) for row in range(400))
    text_pdf(tmp_path / "long.pdf", b"BT /F 2 Tf " + rows + b"ET", font)
    (tmp_path / "into").mkdir()
    made = make_safe_copies(tmp_path / "long.pdf", Kind.PDF, tmp_path / "into")
    assert isinstance(made, SafeCopies)
    assert 19_000 < len(made.pages[0].text) <= 20_000
