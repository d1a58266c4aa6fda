from __future__ import annotations

import io
import time
from dataclasses import replace
from datetime import date

import pypdfium2
import pytest
from PIL import Image, ImageOps, ImageStat
from PIL.ExifTags import GPS, IFD, Base

from config.office.papers import PHOTO, Payslip, payslip_pdf, payslip_photo

SLIP = Payslip(
    company="株式会社みほん清掃（架空）",
    name="見本　花子",
    month=date(2026, 10, 1),
    paid_on=date(2026, 10, 23),
    days=18,
    hours=78.0,
    hourly_yen=1050,
    base_yen=81_900,
    commuting_yen=2_600,
    allowance_yen=900,
    employment_insurance_yen=470,
    health_insurance_yen=3_000,
    pension_yen=6_000,
    income_tax_yen=120,
)


def text_of(pdf: bytes) -> list[str]:
    """The text layer, a string a page."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_range() for page in document]


def upright(photo: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))


def test_the_sums_are_what_an_employer_would_print() -> None:
    assert SLIP.gross_yen == 85_400
    assert SLIP.social_insurance_yen == 9_470
    assert SLIP.deductions_yen == 9_590
    assert SLIP.net_yen == 75_810


def test_every_value_stands_in_the_text_layer_of_the_pdf() -> None:
    (page,) = text_of(payslip_pdf(SLIP))
    for words in (
        "給与支給明細書",
        "株式会社みほん清掃（架空）",
        "令和8年10月分",
        "令和8年10月23日",
        "見本　花子　様",
        "基本給 81,900",
        "通勤手当 2,600",
        "特別手当 900",
        "総支給額 85,400",
        "健康保険 3,000",
        "厚生年金 6,000",
        "雇用保険 470",
        "所得税 120",
        "控除合計 9,590",
        "差引支給額 75,810",
    ):
        assert words in page


def test_a_long_payslip_lists_the_days_worked_on_a_second_page() -> None:
    first, second = text_of(payslip_pdf(SLIP, multi_page=True))
    assert "総支給額" in first
    assert second.count("9:00") == SLIP.days


def test_what_looks_like_markup_is_printed_as_it_is() -> None:
    name = '#panic("x") $y$ *z* \\'
    (page,) = text_of(payslip_pdf(replace(SLIP, name=name)))
    assert name in page


def test_rare_characters_of_names_are_printed() -> None:
    (page,) = text_of(payslip_pdf(replace(SLIP, name="髙橋　﨑子𠮷")))
    assert "髙橋　﨑子𠮷" in page


@pytest.mark.parametrize("dark", [False, True])
def test_the_same_seed_gives_the_same_photo_and_another_seed_another(dark: bool) -> None:
    assert payslip_pdf(SLIP) == payslip_pdf(SLIP)
    assert payslip_photo(SLIP, 7, dark=dark) == payslip_photo(SLIP, 7, dark=dark)
    assert payslip_photo(SLIP, 7, dark=dark) != payslip_photo(SLIP, 8, dark=dark)


def test_a_photo_lies_on_its_side_and_carries_the_place_as_a_phone_writes_it() -> None:
    photo = payslip_photo(SLIP, 1)
    stored = Image.open(io.BytesIO(photo))
    exif = stored.getexif()
    assert (stored.format, stored.size) == ("JPEG", PHOTO[::-1])
    assert exif[Base.Orientation] == 6
    assert exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitudeRef] == "N"
    assert upright(photo).size == PHOTO


def test_a_photo_is_small_and_quickly_made() -> None:
    payslip_photo(SLIP, 1)  # the first one also opens the font
    began = time.process_time()
    photo = payslip_photo(SLIP, 2)
    assert time.process_time() - began < 1.5
    assert len(photo) < 700_000


def test_a_dark_photo_is_darker_than_a_dark_table() -> None:
    def brightness(photo: bytes) -> float:
        return ImageStat.Stat(upright(photo).convert("L")).mean[0]

    bright, dark = (brightness(payslip_photo(SLIP, 3, dark=dark)) for dark in (False, True))
    assert dark < 70 < 110 < bright


def test_the_paper_of_a_photo_can_be_read_where_it_lies() -> None:
    """Bright paper in the middle, with dark ink on it; the table at the edge is neither."""
    grey = upright(payslip_photo(SLIP, 5)).convert("L")
    paper = grey.crop((250, 300, 1350, 1000))
    darkest, brightest = paper.getextrema()
    assert isinstance(darkest, int | float)
    assert isinstance(brightest, int | float)
    assert brightest - darkest > 120
    assert ImageStat.Stat(grey.crop((0, 0, 60, 2100))).mean[0] < ImageStat.Stat(paper).mean[0] - 30
