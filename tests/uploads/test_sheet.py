"""受付票 on paper and as a picture: what can be read back, in every language, with letters for every sign."""

from __future__ import annotations

import hashlib
import io
import re
from typing import Any

import pikepdf
import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from shared.rules.slip_words import LANGUAGES, tag, words
from tests.slip_fonts import CUTS, letters
from tests.uploads.test_receipt_pdf import A4, file, ink_outside, opened, texts
from uploads.receipt_pdf import FONTS, draw_sheet

VALUES = [
    ["会社（勤め先）", "株式会社みほん清掃"],
    ["10月の給料（引かれる前）", "85,400円"],
    ["働いた人", "髙橋 﨑子 𠮷田"],
]


def slip(language: str = "vi", **changes: Any) -> dict[str, Any]:
    ja, hers = words("ja"), words(language)

    def pair(key: str) -> tuple[str, str]:
        return ja[key], "" if language == "ja" else hers[key]

    facts = [
        {"label": pair(key), "lines": [value], "hers": pair(key)[1], "strong": key == "arrived"}
        for key, value in (
            ("thing", "収入申告書"),
            ("month", "令和8年10月分"),
            ("arrived", "令和8年11月19日(木)20時12分41秒（日本時間）"),
            ("state", "届きました"),
            ("office", "ひばり野市役所　3番窓口"),
            ("phone", "00-0000-0000"),
        )
    ]
    files = [{**file(number), "pages": ("1", "")} for number in (1, 2)]
    given = ("declared_label", "declared"), ("files_label", "files"), ("next_label", "next"), ("number_label", "number")
    plain = ("title", "official", "as_written", "file_name", "pages", "size", "no_files", "not_decision", "made_up")
    return {
        "language": language,
        "tag": tag(language),
        "number": "HB8-20417-6",
        "facts": facts,
        "declared": VALUES,
        "files": files,
        "next": [pair("next_certificate"), pair("keep")],
        "drawn": " ".join(filter(None, (*pair("drawn"), "2026-11-19 20:12:41 (UTC+09:00)"))),
        **{name: pair(key) for name, key in given},
        **{key: pair(key) for key in plain},
        **changes,
    }


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_a4_page_says_everything_in_japanese_and_in_her_language(language: str) -> None:
    drawn = draw_sheet(slip(language))
    (text,) = texts(drawn)
    found = squeezed(text)
    for words_of_it in (
        "HB8-20417-6",
        "令和8年11月19日(木)20時12分41秒（日本時間）",
        "収入申告書",
        "令和8年10月分",
        "株式会社みほん清掃",
        "85,400円",
        "髙橋﨑子𠮷田",
        hashlib.sha256(b"\1").hexdigest(),
        "412KB",
        "00-0000-0000",
        "これは「届いた」というしるしです。金額の決定ではありません。",
        "1/1",
    ):
        assert words_of_it in found
    with opened(drawn) as document:
        assert document[0].get_size() == A4
    if language not in ("ja", "ne"):  # the order of its signs is the shaper's, see below
        for key in ("title", "not_decision", "official", "next_certificate"):
            assert squeezed(words(language)[key]) in found, key


def test_nepali_is_shaped_and_none_of_its_signs_is_missing() -> None:
    (text,) = texts(draw_sheet(slip("ne")))
    assert set(re.findall(r"[\u0900-\u0963]", words("ne")["not_decision"])) <= set(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_tagged_for_those_who_listen_and_names_its_language(language: str) -> None:
    with pikepdf.open(io.BytesIO(draw_sheet(slip(language)))) as pdf:
        assert bool(pdf.Root.MarkInfo.Marked)
        assert str(pdf.Root.Lang).startswith("ja")
        assert "pdfuaid:part" in pdf.Root.Metadata.read_bytes().decode()
        assert str(pdf.docinfo["/Title"]) == "受付票 HB8-20417-6"
        roles = {
            str(obj.S)
            for obj in pdf.objects
            if isinstance(obj, pikepdf.Dictionary) and obj.get("/Type") == "/StructElem"
        }
        assert {"/H1", "/H2", "/Table", "/TR", "/TD", "/L"} <= roles
        if language not in ("ja", "ja-easy"):
            spoken = {str(obj.Lang) for obj in pdf.objects if isinstance(obj, pikepdf.Dictionary) and "/Lang" in obj}
            assert any(name.startswith(tag(language)[:2]) for name in spoken), spoken


def test_only_our_fonts_lie_in_it() -> None:
    allowed = {"NotoSansJP-Regular", "NotoSans", "NotoSansCJKsc", "NotoSansCJKkr", "NotoSansDevanagari"}
    for language in LANGUAGES:
        with pikepdf.open(io.BytesIO(draw_sheet(slip(language)))) as pdf:
            found = [obj for obj in pdf.objects if isinstance(obj, pikepdf.Dictionary) and "/FontName" in obj]
            assert found
            assert all("/FontFile3" in font or "/FontFile2" in font for font in found)
            names = {str(font.FontName).partition("+")[2] for font in found}
            assert {name if name in allowed else name.removesuffix("-Regular") for name in names} <= allowed, names


def test_every_sign_of_the_table_has_a_letter_in_the_font_its_language_is_drawn_with() -> None:
    japanese = set(TTFont(str(FONTS / "NotoSansJP-Regular.otf")).getBestCmap())
    covered = {"ja", "ja-easy"}
    for language in covered:
        assert {sign for sign in "".join(words(language).values()) if ord(sign) not in japanese} == set()
    for one in CUTS:
        own = set(TTFont(str(FONTS / one.name)).getBestCmap())
        assert {sign for sign in letters(one.languages) if ord(sign) not in own} <= set("（）／・、。「」") & {
            chr(code) for code in japanese
        }, f"make slip-fonts cuts {one.name} anew"
        assert (FONTS / one.name).stat().st_size < 150_000
        covered |= set(one.languages)
    assert covered == set(LANGUAGES)


def test_the_licences_lie_beside_the_fonts() -> None:
    for font in FONTS.glob("*.[ot]tf"):
        family = re.sub(r"(sc|kr)?-.*", "", font.stem)
        assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / f"{family}-OFL.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["ja", "vi", "ne", "zh-Hans"])
def test_the_picture_is_as_wide_as_a_phone_and_as_tall_as_it_must_be(language: str) -> None:
    picture = Image.open(io.BytesIO(draw_sheet(slip(language), as_picture=True)))
    assert 800 < picture.width < 900
    longer = slip(language, files=[{**file(number), "pages": ("1", "")} for number in range(1, 15)])
    assert Image.open(io.BytesIO(draw_sheet(longer, as_picture=True))).height > picture.height


def test_black_and_white_loses_nothing() -> None:
    """Nothing is said by a colour: what there is, is black, grey and white."""
    with opened(draw_sheet(slip("vi"))) as document:
        picture = document[0].render(scale=2).to_pil().convert("RGB")
    colours = picture.getcolors(maxcolors=1 << 20)
    assert colours
    assert max(max(colour) - min(colour) for _count, colour in colours) < 16
    assert min(max(colour) for _count, colour in colours) < 30, "and its letters are black"


def test_twenty_files_and_a_long_explanation_go_on_to_further_pages() -> None:
    content = slip(
        "es",
        files=[{**file(number), "pages": ("1", "")} for number in range(1, 21)],
        declared=[*VALUES, ["説明", "手当は11月にもらいました。" * 40]],
    )
    drawn = draw_sheet(content)
    pages = texts(drawn)
    assert len(pages) >= 2
    assert all("HB8-20417-6" in page for page in pages)
    together = squeezed("".join(pages))
    for number in range(1, 21):
        assert together.count(hashlib.sha256(bytes([number])).hexdigest()) == 1
    assert not ink_outside(drawn, 42, 42)


@pytest.mark.parametrize(
    "text", ["W" * 300, '#panic("x")', "] *b* $x$ \\", "<script>alert(1)</script>", "slip\u202egpj.exe\0"]
)
def test_what_people_write_is_printed_letter_by_letter(text: str) -> None:
    content = slip(files=[{**file(1, text), "pages": ("1", "")}], declared=[["説明", text]])
    drawn = draw_sheet(content)
    shown = squeezed(text.replace("\u202e", "").replace("\0", "〓"))
    assert squeezed("".join(texts(drawn))).count(shown) == 2
    assert not ink_outside(drawn, 42, 42)
    assert draw_sheet(content, as_picture=True)


def test_the_same_content_gives_the_same_bytes_and_a_missing_part_is_an_error() -> None:
    assert draw_sheet(slip()) == draw_sheet(slip())
    content = slip()
    del content["not_decision"]
    with pytest.raises(ValueError, match="not_decision"):
        draw_sheet(content)


def test_pdfium_opens_what_is_drawn() -> None:
    assert len(pypdfium2.PdfDocument(draw_sheet(slip(files=[])))) == 1
