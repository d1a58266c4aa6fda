"""What stands on the paper, read back from the PDF."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp

from uploads.receipt_pdf import Issue, draw_letter, draw_receipt

A4 = pytest.approx((595.28, 841.89), abs=0.1)


def file(number: int, name: str | None = None, pages: str = "1") -> dict[str, str]:
    return {
        "name": name or f"給与明細 {number}（写真）",
        "pages": pages,
        "size": "412 KB",
        "sha256": hashlib.sha256(bytes([number])).hexdigest(),
    }


def receipt(**changes: Any) -> dict[str, Any]:
    return {
        "number": "HB8-20417-6",
        "document_no": "ひ福生第 令8-00001 号",
        "issued_on": "令和8年11月24日",
        "addressee": "見本　花子",
        "office_title": "架空県ひばり野市福祉事務所長",
        "office_phone": "00-0000-0000",
        "received": [
            ["書類", "収入申告書　令和8年10月分"],
            ["届いた日時", "令和8年11月19日（木）20時12分41秒（日本時間）"],
        ],
        "declared": [["10月の給料（総支給額）", "84,500円　株式会社みほん清掃　働いた日 18日"]],
        "files": [file(1), file(2, pages="—")],
        "next_text": "大切に保管してください。",
        "demo": True,
    } | changes


def letter(**changes: Any) -> dict[str, Any]:
    return {
        "city": "ひばり野市役所",
        "counter": "3番窓口",
        "phone": "00-0000-0000",
        "addressee": "見本　花子",
        "url": "https://madoguchi.example/",
        "code": "K7P49MWXR3TD",
        "valid_until": "令和8年12月24日（木）",
        "demo": True,
    } | changes


@contextmanager
def opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        yield document
    finally:
        document.close()


def texts(pdf: bytes) -> list[str]:
    """The text of each page, without the places where a line may break and those where one does."""
    with opened(pdf) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return [text.replace("\r\n", "").replace("\u200b", "") for text in pages]


def ink_outside(pdf: bytes, left: float, right: float) -> bool:
    """Whether anything is drawn nearer to the edges of a page than the margins, in points."""
    with opened(pdf) as document:
        for page in document:
            picture = page.render(scale=1).to_pil().convert("L")
            width, height = picture.size
            edges = picture.crop((0, 0, int(left), height)), picture.crop((int(width - right), 0, width, height))
            if any(edge.getextrema()[0] < 200 for edge in edges):
                return True
    return False


def test_a_receipt_is_one_a4_page_that_says_all_of_its_content() -> None:
    drawn = draw_receipt(receipt())
    (text,) = texts(drawn)
    for words in (
        "HB8-20417-6",
        "ひ福生第 令8-00001 号",
        "令和8年11月24日",
        "見本　花子　様",
        "架空県ひばり野市福祉事務所長",
        "収入申告書　令和8年10月分",
        "令和8年11月19日（木）20時12分41秒（日本時間）",
        "84,500円　株式会社みほん清掃　働いた日 18日",
        "ファイル（2つ）",
        "給与明細 1（写真）",
        hashlib.sha256(b"\1").hexdigest(),
        hashlib.sha256(b"\2").hexdigest(),
        "412 KB",
        "大切に保管してください。",
        "この受領証についてのお問い合わせ",
        "架空県ひばり野市福祉事務所　電話 00-0000-0000",
        "1 / 1 ページ",
        "見本。人・会社・数字は、すべて架空のものです。",
    ):
        assert words in text
    with opened(drawn) as document:
        assert document[0].get_size() == A4


def test_the_same_content_gives_the_same_bytes_and_other_content_others() -> None:
    assert draw_receipt(receipt()) == draw_receipt(receipt())
    assert draw_letter(letter()) == draw_letter(letter())
    assert draw_receipt(receipt()) != draw_receipt(receipt(number="HB8-20417-7"))


def test_only_our_font_is_used_and_lies_in_the_file() -> None:
    for drawn in (draw_receipt(receipt()), draw_letter(letter())):
        with pikepdf.open(io.BytesIO(drawn)) as pdf:
            fonts = [obj for obj in pdf.objects if isinstance(obj, pikepdf.Dictionary) and "/FontFile3" in obj]
            assert {str(font.FontName).partition("+")[2] for font in fonts} == {"NotoSansJP-Regular"}
            assert "/CreationDate" not in pdf.docinfo


def test_twenty_files_go_on_to_further_pages_under_a_repeated_heading() -> None:
    pages = texts(draw_receipt(receipt(files=[file(number) for number in range(1, 21)])))
    assert len(pages) >= 2
    assert all("名前と指紋" in page for page in pages[:2])
    for number, page in enumerate(pages, start=1):
        assert f"{number} / {len(pages)} ページ" in page
        assert "受付番号 HB8-20417-6" in page
    together = "".join(pages)
    assert "ファイル（20個）" in together
    for number in range(1, 21):
        assert together.count(hashlib.sha256(bytes([number])).hexdigest()) == 1


@pytest.mark.parametrize(
    "name",
    ["a" * 296 + ".pdf", "W" * 300, "名" * 300, "ｱ" * 300, "明細_" * 75, "-" * 300, "a b" * 100],
)
def test_a_name_of_300_letters_stays_in_its_cell(name: str) -> None:
    drawn = draw_receipt(receipt(files=[file(1, name)], declared=[["説明", name], ["手当", "なし"]]))
    together = "".join(texts(drawn)).replace(" ", "")
    assert name.replace(" ", "") in together
    assert not ink_outside(drawn, 48, 48)


@pytest.mark.parametrize(
    "name",
    [
        "髙橋 﨑子 𠮷田.jpg",
        "葛\U000e0100城.jpg",
        '#panic("x")',
        "$x$ #sys.inputs",
        "] *b* _i_ `c` @r <l> \\ // /* -- ~",
        '"}], "number": "X',
        "<script>alert(1)</script>",
        "../../etc/passwd",
        '#image("/etc/passwd")',
        "https://example.com",
    ],
)
def test_what_people_write_is_printed_letter_by_letter(name: str) -> None:
    drawn = draw_receipt(receipt(addressee=name, files=[file(1, name)], declared=[[name, name]], next_text=name))
    together = "".join(texts(drawn))
    assert together.count(name) == 5
    with pikepdf.open(io.BytesIO(drawn)) as pdf:
        assert not any("/Annots" in page.obj for page in pdf.pages)


def test_signs_that_would_turn_or_hide_a_name_are_taken_out() -> None:
    (text,) = texts(draw_receipt(receipt(files=[file(1, "slip\u202egpj.exe\0\x1b")])))
    assert "slipgpj.exe〓〓" in text


def test_lines_of_an_explanation_stay_lines() -> None:
    drawn = draw_receipt(receipt(declared=[["説明", "一行目\n二行目"]]))
    with opened(drawn) as document:
        assert "一行目\r\n二行目" in document[0].get_textpage().get_text_range()


def test_a_later_version_says_so_and_a_real_receipt_is_no_sample() -> None:
    (text,) = texts(draw_receipt(receipt(version_note="2回目に出したもの", demo=False, files=[])))
    assert "2回目に出したもの" in text
    assert "見本。" not in text
    assert "ファイルはありません。" in text


ISSUED = Issue(
    at=datetime(2026, 11, 24, 0, 20, tzinfo=UTC),
    check_code="K7P49MWX",
    portal_url="https://madoguchi.example",
    token="0123456789abcdef" * 2,
    said="{}",
    proof="{}",
)


def test_an_issued_one_says_how_it_is_checked_on_the_same_page() -> None:
    rows = [["書類", "収入申告書"], ["出した人", "見本　花子"], ["届いた日時", "令和8年"], ["受理", "x"], ["発行", "y"]]
    drawn = draw_receipt(receipt(received=rows, declared=rows[:3], files=[file(1), file(2), file(3)]), {}, ISSUED)
    (text,) = texts(drawn)
    assert text.count("確認番号 K7P4-9MWX") == 2
    assert "madoguchi.example/check で" in text
    with opened(drawn) as document:
        picture = document[0].render(scale=3).to_pil().convert("L")
    (found,) = zxingcpp.read_barcodes(picture)
    assert found.text == f"https://madoguchi.example/r/{ISSUED.token}"


def test_without_an_address_there_is_no_code_to_scan_but_one_to_say() -> None:
    (text,) = texts(draw_receipt(receipt(), {}, replace(ISSUED, portal_url=None)))
    assert "確認番号 K7P4-9MWX を、上の役所に電話で伝えてください。" in text
    assert "QRコード" not in text


def test_a_draft_says_that_it_is_one_and_has_nothing_to_check() -> None:
    (text,) = texts(draw_receipt(receipt(), draft=True))
    assert "発行前" in text
    assert "確認番号" not in text
    assert "発行前" not in texts(draw_receipt(receipt(), {}, ISSUED))[0]


def test_a_stamp_that_is_no_png_is_an_error() -> None:
    with pytest.raises(ValueError, match="PNG"):
        draw_receipt(receipt(stamp="k"), {"k": b"GIF89a"})


def test_a_missing_part_of_the_content_is_an_error_and_no_half_receipt() -> None:
    content = receipt()
    del content["document_no"]
    with pytest.raises(ValueError, match="document_no"):
        draw_receipt(content)


@pytest.mark.parametrize("code", ["K7P49MWXR3TD", "K7P4-9MWX-R3TD"])
def test_a_letter_shows_the_way_in_three_steps(code: str) -> None:
    (text,) = texts(draw_letter(letter(code=code)))
    for words in (
        "見本　花子　様",
        "ひばり野市役所",
        "3番窓口",
        "電話 00-0000-0000",
        "https://madoguchi.example/",
        "K7P4-9MWX-R3TD",
        "令和8年12月24日（木）まで使えます",
        "紙で出すこともできます。",
        "見本。人・会社・数字は、すべて架空のものです。",
    ):
        assert words in text


def test_a_letter_says_nothing_about_what_the_counter_is_for() -> None:
    drawn = draw_letter(letter())
    (text,) = texts(drawn)
    for words in ("生活保護", "福祉", "保護", "受給", "ケースワーカー"):
        assert words not in text
    with pikepdf.open(io.BytesIO(drawn)) as pdf:
        assert str(pdf.docinfo["/Title"]) == "スマホで書類を出せます"


def test_a_letter_with_long_names_stays_on_its_page() -> None:
    drawn = draw_letter(letter(addressee="見本" * 30, url="https://madoguchi.example/" + "a" * 120))
    assert len(texts(drawn)) == 1
    assert not ink_outside(drawn, 66, 66)


def test_a_months_report_with_two_files_is_one_sheet_with_its_qr_code() -> None:
    declared = [[f"聞いたこと {number}", "ありません"] for number in range(12)]
    received = [[f"受領 {number}", "令和8年11月26日(木)11時12分"] for number in range(6)]
    said = "内容を確かめて、必要なときに連絡します。" * 4
    content = receipt(declared=declared, received=received, files=[file(1), file(2)], next_text=said)
    assert len(texts(draw_receipt(content, {}, ISSUED))) == 1
