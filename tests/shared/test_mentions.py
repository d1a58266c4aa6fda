from __future__ import annotations

from uuid import uuid4

import pytest

from shared.rules.mentions import Mentions, mentioned

TARO, MIKI, JIRO, TANAKA, TA = (uuid4() for _ in range(5))
NAMES = {TARO: "例野 太郎", MIKI: "試田　美紀", JIRO: "例野 次郎", TANAKA: "田中 一", TA: "田 中子"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("電話しました", ()),
        ("@例野太郎 お願いします", (TARO,)),
        ("＠例野　太郎さん、お願いします", (TARO,)),
        ("@例野 太郎さんへ。@試田さんも見てください", (TARO, MIKI)),
        ("@試田さん @試田美紀", (MIKI,)),
        ("お願いします@試田", (MIKI,)),
        ("@田中さん", (TANAKA,)),
        ("@田中子さん", (TA,)),
        ("hanako@example.jp に書いた", ()),
        ("@", ()),
        ("3個 @ 100円", None),
    ],
)
def test_a_name_behind_an_at_sign_is_found_in_any_width(text: str, expected: tuple[object, ...] | None) -> None:
    found = mentioned(text, NAMES)
    assert (found.ids == expected) if expected is not None else found.nobody == "100円"


def test_a_name_nobody_has_and_one_that_two_have_are_said() -> None:
    assert mentioned("@見本さん、お願いします", NAMES) == Mentions(nobody="見本さん")
    assert mentioned("@例野さん、お願いします", NAMES) == Mentions(several="例野さん")
    assert mentioned("@例野太郎 @だれか", NAMES).ids == ()
    assert mentioned("@例野", {}) == Mentions(nobody="例野")
