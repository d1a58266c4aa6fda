from __future__ import annotations

import csv
import re

import pytest

from shared.model import DutyKind
from shared.rules import slip_words
from shared.rules.slip_words import EASY, JAPANESE, LANGUAGES, TABLE, read_by, tag, thing, words

KANJI = re.compile(r"[\u4e00-\u9fff]")


def test_every_sentence_stands_in_every_language() -> None:
    with TABLE.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert list(rows[0]) == ["key", *LANGUAGES]
    assert len({row["key"] for row in rows}) == len(rows) > 40
    for row in rows:
        for language in LANGUAGES:
            said = row[language]
            assert said, (row["key"], language)
            assert said == said.strip()
            assert set(re.findall(r"{.*?}", said)) == set(re.findall(r"{.*?}", row[JAPANESE])), (row["key"], language)


def test_what_must_not_be_read_over_a_shoulder_stands_in_no_language() -> None:
    for language in LANGUAGES:
        together = " ".join(words(language).values()).lower()
        for word in (
            "生活保護",
            "福祉",
            "welfare",
            "public assistance",
            "复利",
            "低保",
            "기초생활",
            "phúc lợi",
            "bienestar",
        ):
            assert word not in together, (language, word)


@pytest.mark.parametrize("kind", DutyKind)
def test_every_form_has_its_name_in_every_language(kind: DutyKind) -> None:
    for language in LANGUAGES:
        assert thing(language, kind)


def test_easy_japanese_has_fewer_kanji_and_spaces_between_its_words() -> None:
    plain, easy = ("".join(words(name).values()) for name in (JAPANESE, EASY))
    assert len(KANJI.findall(easy)) / len(easy) < 0.75 * len(KANJI.findall(plain)) / len(plain)
    assert easy.count(" ") > 50 > plain.count(" ")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "ja"),
        ("ja,en-US;q=0.9,en;q=0.8", "ja"),
        ("vi-VN,vi;q=0.9,ja;q=0.5", "vi"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans-CN;q=0.9, en;q=0.2", "zh-Hans"),
        ("fil-PH,fil;q=0.9", "tl"),
        ("pt-BR,pt;q=0.9", "pt"),
        ("ES", "es"),
        ("de-DE,de;q=0.9,ne;q=0.4,en;q=0.3", "ne"),
        ("en;q=0.1,ko;q=0.9", "ko"),
        ("de,fr", "ja"),
        ("en;q=0", "ja"),
        ("*", "ja"),
        ("en;q=nan,ko;q=0.1", "ko"),
        ("en;q=inf;x,ko", "ko"),
        (",,;;q=,=", "ja"),
        ("x" * 5000 + ",en", "ja"),
        ("ja-easy", "ja"),
    ],
)
def test_the_browser_says_which_language_stands_beside(accepted: str, language: str) -> None:
    assert read_by(accepted) == language


def test_a_language_is_named_as_html_names_it() -> None:
    assert {tag(language) for language in LANGUAGES} == {"ja", "en", "zh-Hans", "ko", "vi", "pt", "tl", "es", "ne"}
    with pytest.raises(KeyError):
        words("de")
    assert slip_words.LANGUAGES["ko"] == "한국어"
