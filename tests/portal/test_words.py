from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from config.words import nth, pieces


@pytest.mark.parametrize(
    ("number", "how_many", "which"),
    [(1, "1つ", "1つめ"), (9, "9つ", "9つめ"), (10, "10個", "10番め"), (30, "30個", "30番め")],
)
def test_from_ten_on_things_are_counted_another_way(
    open_door: Callable[..., Flask], number: int, how_many: str, which: str
) -> None:
    with open_door().test_request_context():
        assert (pieces(number), nth(number)) == (how_many, which)
