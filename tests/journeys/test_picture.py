"""What the browser makes of a photo before it is sent, and what it says about it."""

from __future__ import annotations

import functools
import http.server
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageFilter, ImageOps
from PIL.ExifTags import IFD
from playwright.sync_api import Page

from config.office import papers
from tests.journeys.conftest import PHONE
from tests.journeys.test_tus import STATIC, Quiet

SEEDS = range(20, 26)


@dataclass(frozen=True)
class Prepared:
    fault: str | None
    kind: str
    bytes: bytes
    thumb: bool

    @property
    def image(self) -> Image.Image:
        return Image.open(io.BytesIO(self.bytes))


@pytest.fixture(scope="module")
def lens(browser: object) -> Iterator[Callable[[bytes, str], Prepared]]:
    """The module in a real browser: bytes and a media type in, what would be sent out."""
    page: Page = browser.new_page(viewport=PHONE)  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(STATIC))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.evaluate("async () => { window.picture = await import('/picture.js'); }")

        def prepare(content: bytes, kind: str = "image/jpeg") -> Prepared:
            page.set_content("<input type=file>")
            page.set_input_files("input", {"name": "photo", "mimeType": kind, "buffer": content})
            with page.expect_download() as download:
                said = page.evaluate(
                    """async () => {
                        const made = await picture.prepare(document.querySelector("input").files[0]);
                        const link = document.createElement("a");
                        Object.assign(link, { href: URL.createObjectURL(made.blob), download: "made" });
                        link.click();
                        return [made.fault, made.blob.type, made.thumb !== null];
                    }"""
                )
            return Prepared(said[0], said[1], Path(download.value.path()).read_bytes(), said[2])

        yield prepare
        server.shutdown()
    page.close()


Lens = Callable[..., Prepared]


def jpeg(image: Image.Image, **more: object) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=92, **more)
    return out.getvalue()


def upright(photo: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_good_photo_is_never_doubted(lens: Lens, payslip: papers.Payslip, seed: int) -> None:
    photo = papers.payslip_photo(payslip, seed=seed)
    assert lens(photo).fault is None
    far = ImageOps.expand(upright(photo).resize((800, 1050)), border=(400, 500), fill=(60, 55, 50))
    assert lens(jpeg(far)).fault is None, "the paper is small on a dark table, but bright and sharp"
    assert lens(jpeg(upright(photo).filter(ImageFilter.GaussianBlur(1.5)))).fault is None, "a little soft"


@pytest.mark.parametrize("seed", SEEDS)
def test_dark_and_blurred_photos_are_noticed(lens: Lens, payslip: papers.Payslip, seed: int) -> None:
    assert lens(papers.payslip_photo(payslip, seed=seed, dark=True)).fault == "dark"
    sharp = upright(papers.payslip_photo(payslip, seed=seed))
    assert lens(jpeg(sharp.filter(ImageFilter.GaussianBlur(5)))).fault == "blurred"


def test_a_picture_too_small_to_read_is_noticed(lens: Lens, payslip: papers.Payslip) -> None:
    thumbnail = upright(papers.payslip_photo(payslip, seed=1)).resize((300, 394))
    assert lens(jpeg(thumbnail)).fault == "small"


def test_screenshots_are_not_doubted_and_stay_as_sharp_as_they_are(lens: Lens) -> None:
    for ground, ink in (("white", "black"), ("#101014", "#f0f0f0")):
        screen = Image.new("RGB", (1080, 2000), ground)
        from PIL import ImageDraw

        pen = ImageDraw.Draw(screen)
        for line in range(20):
            pen.text((80, 90 + line * 90), f"line {line}: 84,500 yen", fill=ink, font_size=40)
        out = io.BytesIO()
        screen.save(out, "PNG")
        made = lens(out.getvalue(), "image/png")
        assert made.fault is None
        assert made.bytes == out.getvalue()


def test_twelve_megapixels_lying_on_their_side_arrive_upright_small_and_without_a_place(
    lens: Lens, payslip: papers.Payslip
) -> None:
    photo = papers.payslip_photo(payslip, seed=3)
    source = Image.open(io.BytesIO(photo))
    exif = source.getexif()
    assert exif[0x0112] == papers.TURNED
    assert exif.get_ifd(IFD.GPSInfo)
    large = jpeg(source.resize((4032, 3024)), exif=exif.tobytes())
    made = lens(large)
    assert made.fault is None
    assert made.kind == "image/jpeg"
    assert made.image.size == (1536, 2048)
    assert not made.image.getexif()
    assert len(made.bytes) < len(large) / 2
    expected = upright(photo).resize((96, 128)).convert("L")
    difference = [
        abs(a - b) for a, b in zip(expected.tobytes(), made.image.resize((96, 128)).convert("L").tobytes(), strict=True)
    ]
    assert sum(difference) / len(difference) < 6, "the same picture, the right way up"
    assert made.thumb


def test_what_the_browser_cannot_draw_goes_as_it_is(lens: Lens, payslip: papers.Payslip) -> None:
    for content, kind in (
        (papers.payslip_pdf(payslip), "application/pdf"),
        (b"\x00\x00\x00\x18ftypheic" + b"x" * 99, ""),
    ):
        made = lens(content, kind)
        assert (made.bytes, made.fault, made.thumb) == (content, None, False)


def test_what_would_not_get_smaller_goes_as_it_is(lens: Lens, payslip: papers.Payslip) -> None:
    out = io.BytesIO()
    upright(papers.payslip_photo(payslip, seed=2)).resize((900, 1181)).save(out, "JPEG", quality=20)
    assert lens(out.getvalue()).bytes == out.getvalue()
