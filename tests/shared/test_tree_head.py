from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.tree_head import NotAHead, SignedHead, read

HEAD = SignedHead("HB", date(2026, 11, 19), 1234, "5d" * 32, datetime(2026, 11, 19, 11, 12, 41, tzinfo=UTC))
TEXT = f"""madoguchi log head 1
office: HB
day: 2026-11-19
size: 1234
root: {"5d" * 32}
time: 2026-11-19T11:12:41Z
"""


def test_a_head_is_six_lines_of_ascii() -> None:
    assert HEAD.text() == TEXT
    assert TEXT.isascii()
    assert read(TEXT) == HEAD


@given(
    st.from_regex(r"[A-Z]{2,4}", fullmatch=True),
    st.dates(date(2000, 1, 1)),
    st.integers(0, 10**18 - 1),
    st.binary(min_size=32, max_size=32),
    st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  (the strategy adds the zone)
)
def test_what_is_written_is_read_again(code: str, day: date, size: int, root: bytes, at: datetime) -> None:
    head = SignedHead(code, day, size, root.hex(), at.replace(microsecond=0))
    assert read(head.text()) == head


@pytest.mark.parametrize(
    "text", [TEXT.replace("\n", "\r\n"), f"\n{TEXT}\n\n", TEXT.rstrip(), TEXT.replace("\n", " \n")]
)
def test_what_a_mail_does_to_it_is_forgiven(text: str) -> None:
    assert read(text) == HEAD


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT + "more: 1\n",
        TEXT.replace("head 1", "head 2"),
        TEXT.replace("1234", "01234"),
        TEXT.replace("1234", "-1"),
        TEXT.replace("5d", "5D"),
        TEXT.replace("11-19\n", "02-30\n"),
        TEXT.replace("HB", "hb"),
        TEXT.replace("size", "SIZE"),
        TEXT.replace("11:12:41Z", "25:12:41Z"),
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(NotAHead):
        read(text)
