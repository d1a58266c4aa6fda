"""One PDF of our own pictures, with the text laid behind them where it is seen."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from uploads import safe_pdf
from uploads.safe_pdf import Line, Sheet

JAPANESE = "髙橋﨑子 𠮷野家 ①㈱ ｱｲｳ 差引支給額84,500円"


def picture(width: int = 400, height: int = 600) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(out, "JPEG")
    return out.getvalue()


def sheet(*lines: Line, width: int = 400, height: int = 600, dpi: float = 100) -> Sheet:
    return Sheet(picture(width, height), width, height, dpi, lines)


def read(path: Path, page: int = 0) -> str:
    with pypdfium2.PdfDocument(path) as pdf:
        said: str = pdf[page].get_textpage().get_text_range()
        return said


def test_any_sign_comes_back_by_copying(tmp_path: Path) -> None:
    safe_pdf.write(tmp_path / "x.pdf", [sheet(Line(10, 10, 390, 30, JAPANESE))])
    assert read(tmp_path / "x.pdf").strip() == JAPANESE


def test_a_word_is_found_where_it_is_seen(tmp_path: Path) -> None:
    safe_pdf.write(tmp_path / "x.pdf", [sheet(Line(100, 200, 200, 220, "手取り"), Line(100, 400, 200, 420, "総支給"))])
    with pypdfium2.PdfDocument(tmp_path / "x.pdf") as pdf:
        page = pdf[0]
        words = page.get_textpage()
        found = words.search("総支給").get_next()
        assert found is not None
        assert words.count_rects(*found) == 1
        left, bottom, right, top = words.get_rect(0)
        high = page.get_height()
    point = 72 / 100
    meant = (100 * point, 400 * point, 200 * point, 420 * point)
    assert all(abs(one - other) < 2 for one, other in zip((left, high - top, right, high - bottom), meant, strict=True))


def test_text_from_top_to_bottom_is_kept_in_its_box(tmp_path: Path) -> None:
    safe_pdf.write(tmp_path / "x.pdf", [sheet(Line(300, 100, 320, 400, "縦書きの文"))])
    assert read(tmp_path / "x.pdf").replace("\r\n", "") == "縦書きの文"


def test_the_picture_is_kept_byte_for_byte_and_the_text_is_not_drawn(tmp_path: Path) -> None:
    safe_pdf.write(tmp_path / "x.pdf", [sheet(Line(0, 0, 400, 600, "X"))])
    with pikepdf.open(tmp_path / "x.pdf") as pdf:
        assert pdf.pages[0].obj.Resources.XObject.P.read_raw_bytes() == picture()
    with pypdfium2.PdfDocument(tmp_path / "x.pdf") as pdf:
        assert pdf[0].render(scale=1).to_pil().convert("L").getextrema() == (255, 255)
        assert pdf[0].get_size() == pytest.approx((288, 432))


def test_several_pages_share_one_font_and_hold_nothing_else(tmp_path: Path) -> None:
    sheets = [sheet(Line(0, 0, 90, 20, "一枚目")), sheet(), sheet(Line(0, 0, 90, 20, "三枚目"))]
    safe_pdf.write(tmp_path / "x.pdf", sheets)
    assert [read(tmp_path / "x.pdf", at).strip() for at in range(3)] == ["一枚目", "", "三枚目"]
    with pikepdf.open(tmp_path / "x.pdf") as pdf:
        assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
        assert "/Info" not in pdf.trailer
        assert "/Font" not in pdf.pages[1].obj.Resources
        assert pdf.pages[0].obj.Resources.Font.T == pdf.pages[2].obj.Resources.Font.T
        assert not pdf.check_pdf_syntax()


def test_the_same_sheets_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        safe_pdf.write(tmp_path / name, [sheet(Line(0, 0, 90, 20, JAPANESE))])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(("width", "height", "dpi"), [(1, 1, 200), (2400, 1, 170), (3, 2400, 0.1), (2400, 2400, 0.086)])
def test_a_page_is_never_smaller_or_larger_than_the_format_allows(
    width: int, height: int, dpi: float, tmp_path: Path
) -> None:
    safe_pdf.write(tmp_path / "x.pdf", [sheet(width=width, height=height, dpi=dpi)])
    with pikepdf.open(tmp_path / "x.pdf") as pdf:
        assert all(3 <= float(side) <= 14_400 for side in pdf.pages[0].mediabox[2:])


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_any_text_gives_a_pdf_that_can_be_opened(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        safe_pdf.write(Path(folder) / "x.pdf", [sheet(Line(1, 1, 300, 20, text))])
        with pikepdf.open(Path(folder) / "x.pdf") as pdf:
            assert not pdf.check_pdf_syntax()
