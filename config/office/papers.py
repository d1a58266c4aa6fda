"""Sample papers for the made-up office and for tests: a payslip as a PDF, and the same one photographed.

People, firms and amounts are whatever the caller makes up. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final, cast

import pypdfium2
import typst
from PIL import Image, ImageChops, ImageFilter, ImageOps
from PIL.ExifTags import GPS, IFD, Base

from shared.rules.wareki import japanese_date, japanese_month

TEMPLATE: Final = Path(__file__).with_name("payslip.typ")
FONTS: Final = Path(__file__).resolve().parents[2] / "uploads" / "fonts"
PHOTO: Final = (1600, 2100)  # pixels, as it is looked at; stored lying on its side, as phones do
TURNED: Final = 6  # EXIF: turn a quarter to the right before showing


@dataclass(frozen=True, kw_only=True)
class Payslip:
    """One month's wages. Amounts are whole yen."""

    company: str
    name: str
    month: date  # any day of the month that was worked
    paid_on: date
    days: int
    hours: float
    hourly_yen: int
    base_yen: int
    commuting_yen: int = 0
    allowance_yen: int = 0
    employment_insurance_yen: int = 0
    health_insurance_yen: int = 0
    pension_yen: int = 0
    income_tax_yen: int = 0

    @property
    def gross_yen(self) -> int:
        return self.base_yen + self.commuting_yen + self.allowance_yen

    @property
    def social_insurance_yen(self) -> int:
        return self.employment_insurance_yen + self.health_insurance_yen + self.pension_yen

    @property
    def deductions_yen(self) -> int:
        return self.social_insurance_yen + self.income_tax_yen

    @property
    def net_yen(self) -> int:
        return self.gross_yen - self.deductions_yen


def payslip_pdf(slip: Payslip, *, multi_page: bool = False) -> bytes:
    """An electronic payslip with a text layer. ``multi_page``: a second page lists the days worked."""
    inputs = {"slip": json.dumps(_words(slip, multi_page=multi_page), ensure_ascii=False)}
    made = datetime.combine(slip.paid_on, time(), tzinfo=UTC)
    return cast("bytes", _compiler().compile(format="pdf", sys_inputs=inputs, timestamp=made))


def payslip_photo(slip: Payslip, seed: int, *, dark: bool = False) -> bytes:
    """A phone's picture of the printed payslip on a table, with the place where it was taken in its EXIF.

    :param seed: another seed is another table, angle and light.
    :param dark: taken in a dim room.
    :returns: a JPEG below 700 KB, about 1600 x 2100 pixels when turned upright.
    """
    chance = random.Random(seed)  # noqa: S311 a picture, not a secret
    table = _table(chance)
    paper, mask = _lying(_printed(slip), chance)
    shadow = _soft(ImageChops.offset(mask, 14, 20), 10).point([int(255 - v * 0.55) for v in range(256)])
    picture = ImageChops.multiply(table, Image.merge("RGB", [shadow] * 3))
    picture.paste(paper, mask=mask)
    picture = ImageChops.multiply(picture, _light(chance, dark=dark))
    picture = picture.filter(ImageFilter.BoxBlur(0.6))
    picture = _with_noise(picture, chance, strength=26 if dark else 12)
    out = io.BytesIO()
    stored = picture.transpose(Image.Transpose.ROTATE_90)
    stored.save(out, "JPEG", quality=74, exif=_exif(slip, chance))
    return out.getvalue()


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(input=str(TEMPLATE), font_paths=[str(FONTS)], ignore_system_fonts=True)


def _words(slip: Payslip, *, multi_page: bool) -> dict[str, object]:
    """What the template prints, word for word."""
    earnings = [("基本給", slip.base_yen), ("通勤手当", slip.commuting_yen), ("特別手当", slip.allowance_yen)]
    deductions = [
        ("健康保険", slip.health_insurance_yen),
        ("厚生年金", slip.pension_yen),
        ("雇用保険", slip.employment_insurance_yen),
        ("所得税", slip.income_tax_yen),
    ]
    return {
        "title": "給与支給明細書",
        "company": slip.company,
        "name": slip.name,
        "month": f"{japanese_month(slip.month)}分",
        "paid": f"支給日　{japanese_date(slip.paid_on, weekday=False)}",
        "number": "社員番号 0000",
        "attendance": [
            ("出勤日数", f"{slip.days} 日"),
            ("労働時間", f"{slip.hours:.1f} 時間"),
            ("時給", f"{slip.hourly_yen:,} 円"),
            ("有給", "0 日"),
        ],
        "earnings": [(word, f"{yen:,}") for word, yen in earnings if yen or word == "基本給"],
        "deductions": [(word, f"{yen:,}") for word, yen in deductions if yen or word in ("雇用保険", "所得税")],
        "gross": ("総支給額", f"{slip.gross_yen:,}"),
        "deducted": ("控除合計", f"{slip.deductions_yen:,}"),
        "net": ("差引支給額", f"{slip.net_yen:,}"),
        "foot": "この明細は見本です。会社も人も架空です。",
        "days": _days(slip) if multi_page else [],
    }


def _days(slip: Payslip) -> list[tuple[str, str, str, str]]:
    """Spread the hours evenly over the first days of the month that are no Sundays."""
    first = slip.month.replace(day=1)
    minutes = round(slip.hours * 60 / max(slip.days, 1))
    rows: list[tuple[str, str, str, str]] = []
    for day in (first + timedelta(days=n) for n in range(31)):
        if day.month == first.month and day.weekday() < 6 and len(rows) < slip.days:
            ends = datetime.combine(day, time(9)) + timedelta(minutes=minutes)
            rows.append((f"{day.month}月{day.day}日", "9:00", f"{ends:%H:%M}", f"{minutes // 60}:{minutes % 60:02}"))
    return rows


def _printed(slip: Payslip) -> Image.Image:
    document = pypdfium2.PdfDocument(payslip_pdf(slip))
    try:
        page = cast("Image.Image", document[0].render(scale=3.2).to_pil()).convert("RGB")
    finally:
        document.close()
    return ImageChops.multiply(page, Image.new("RGB", page.size, "#f7f4ec"))


def _table(chance: random.Random) -> Image.Image:
    """Wood: noise drawn out along the grain."""
    grain = Image.frombytes("L", (10, 420), chance.randbytes(4200)).filter(ImageFilter.BoxBlur(1))
    grain = grain.resize(PHOTO, Image.Resampling.BICUBIC)
    dark, bright = chance.choice([("#4a3b2d", "#8c7358"), ("#5d5a55", "#8f8b84"), ("#7b5a3c", "#b58d62")])
    return ImageOps.colorize(grain, dark, bright)


def _lying(page: Image.Image, chance: random.Random) -> tuple[Image.Image, Image.Image]:
    """The page as the camera sees it, slightly turned and not quite from above, and where it lies."""
    wide, high = PHOTO
    corners = [
        (x + chance.uniform(-45, 45), y + chance.uniform(-55, 55))
        for x, y in (
            (0.1 * wide, 0.08 * high),
            (0.91 * wide, 0.07 * high),
            (0.94 * wide, 0.93 * high),
            (0.06 * wide, 0.94 * high),
        )
    ]
    numbers = _perspective(corners, page.size)
    how = Image.Transform.PERSPECTIVE
    whole = Image.new("L", page.size, 255)
    mask = whole.transform(PHOTO, how, numbers, Image.Resampling.BILINEAR)
    return page.transform(PHOTO, how, numbers, Image.Resampling.BILINEAR), mask


def _perspective(corners: Sequence[tuple[float, float]], size: tuple[int, int]) -> list[float]:
    """The eight numbers that lead from a point of the picture back to the page; Gauss, with pivots."""
    wide, high = size
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(corners, ((0, 0), (wide, 0), (wide, high), (0, high)), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for i in range(8):
        pivot = max(range(i, 8), key=lambda row: abs(rows[row][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(8):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[8] for row in rows]


def _soft(image: Image.Image, radius: int) -> Image.Image:
    """Blurred; on a small copy, because nobody sees the difference and it is fifty times faster."""
    small = image.resize((image.width // 8, image.height // 8), Image.Resampling.BOX)
    return small.filter(ImageFilter.GaussianBlur(radius / 4)).resize(image.size, Image.Resampling.BILINEAR)


def _light(chance: random.Random, *, dark: bool) -> Image.Image:
    """A lamp from one side, and the shadow of the hand that holds the phone."""
    low, high = (38, 105) if dark else (178, 255)
    spots = [high, chance.randint((low + high) // 2, high), chance.randint(low, (low + high) // 2), low]
    chance.shuffle(spots)
    light = Image.frombytes("L", (2, 2), bytes(spots)).resize((100, 132), Image.Resampling.BICUBIC)
    light = light.resize(PHOTO, Image.Resampling.BILINEAR)
    return Image.merge(
        "RGB",
        (light, light.point([int(v * 0.985) for v in range(256)]), light.point([int(v * 0.94) for v in range(256)])),
    )


def _with_noise(picture: Image.Image, chance: random.Random, *, strength: int) -> Image.Image:
    wide, high = PHOTO[0] // 2, PHOTO[1] // 2
    noise = Image.frombytes("L", (wide, high), chance.randbytes(wide * high)).point(
        [v * strength // 255 for v in range(256)]
    )
    grey = noise.resize(PHOTO, Image.Resampling.BILINEAR)
    return ImageChops.subtract(picture, Image.merge("RGB", [grey] * 3), offset=strength // 2)


def _exif(slip: Payslip, chance: random.Random) -> Image.Exif:
    """What a phone writes: how it was held, when, and where. The place is open sea, south of Honshu."""
    exif = Image.Exif()
    exif[Base.Orientation] = TURNED
    exif[Base.Make], exif[Base.Model] = "Mihon", "Phone 1"
    exif[Base.DateTime] = f"{slip.paid_on:%Y:%m:%d} 20:{chance.randrange(60):02}:00"
    exif.get_ifd(IFD.GPSInfo).update(
        {
            GPS.GPSLatitudeRef: "N",
            GPS.GPSLatitude: (33.0, 12.0, float(chance.randrange(60))),
            GPS.GPSLongitudeRef: "E",
            GPS.GPSLongitude: (138.0, 40.0, float(chance.randrange(60))),
        }
    )
    return exif
