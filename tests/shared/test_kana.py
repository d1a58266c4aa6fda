"""A reading is converted, never refused; what is no kana is kept."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.kana import hiragana


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("みほん　はなこ", "みほん　はなこ"),
        ("ミホン ハナコ", "みほん はなこ"),
        ("ﾐﾎﾝ ﾊﾅｺ", "みほん はなこ"),
        ("ﾊﾞﾝﾄﾞｳ ﾋﾟﾉ", "ばんどう ぴの"),
        ("ヴァン・ｺﾞｰﾎ", "ゔぁん・ごーほ"),
        ("ニュ-ヨ−ク", "にゅーよーく"),
        ("Nguyễn Thị", "Nguyễn Thị"),
        ("髙﨑 𠮷", "髙﨑 𠮷"),
        ("葛\U000e0100城", "葛\U000e0100城"),
        ("", ""),
    ],
)
def test_any_kana_of_any_width_becomes_hiragana(typed: str, kept: str) -> None:
    assert hiragana(typed) == kept


@given(st.text())
def test_it_fails_on_nothing_and_twice_is_once(typed: str) -> None:
    once = hiragana(typed)
    assert hiragana(once) == once
    assert not any("KATAKANA LETTER" in unicodedata.name(sign, "") for sign in once if "ァ" <= sign <= "ヶ")
