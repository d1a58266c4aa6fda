"""Names of files: kept as they were written, shown so that they cannot pretend, handed back without harm."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, String, bindparam, select

from shared.rules.names import LONGEST, disposition, kept, read, shown

ANY = st.one_of(
    st.text(st.characters(exclude_categories=())),  # halves of characters, too
    st.binary(),
    st.text(st.sampled_from('か\u3099辻\U000e0100👩\u200d👧🏽\u202e\r\n\x00"\\/%あa'), min_size=280, max_size=320),
)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("給与明細 10月.jpg", "給与明細 10月.jpg"),
        ("給与明細.jpg".encode(), "給与明細.jpg"),
        ("給与明細表.pdf".encode("cp932"), "給与明細表.pdf"),
        ("①㈱髙﨑.pdf".encode("cp932"), "①㈱髙﨑.pdf"),
        (b"na\xefve \x81", "naïve \x81"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\x00b", "a␀b"),
        ("\ud83d.jpg", "?.jpg"),
        ("", "—"),
        (b"", "—"),
        (" ", " "),
        ("葛\U000e0101飾.jpg", "葛\U000e0101飾.jpg"),
        ("あ" * 301, "あ" * 300),
        ("あ" * 299 + "辻\U000e0100", "あ" * 299),
        ("あ" * 299 + "か\u3099", "あ" * 299),
        ("あ" * 298 + "👩\u200d👧", "あ" * 298),
        ("\u3099" * 400, "\u3099" * 300),
    ],
)
def test_a_name_is_kept_as_it_was_written(raw: str | bytes, name: str) -> None:
    assert kept(raw) == name


@given(ANY)
def test_whatever_a_name_is_it_is_kept_once_and_for_all(raw: str | bytes) -> None:
    name = kept(raw)
    assert 1 <= len(name) <= LONGEST
    assert kept(name) == name
    assert kept(name.encode()) == name
    assert "\x00" not in name
    name.encode()


@given(raws=st.lists(ANY, min_size=1, max_size=20))
def test_what_is_kept_comes_back_from_the_database_as_it_was(common_engine: Engine, raws: list[str | bytes]) -> None:
    names = [kept(raw) for raw in raws]
    with common_engine.connect() as connection:
        row = connection.execute(select(*(bindparam(None, name, type_=String()) for name in names))).one()
    assert list(row) == names


@given(ANY)
def test_what_is_shown_hides_nothing_and_turns_nothing_around(raw: str | bytes) -> None:
    name = shown(kept(raw))
    assert name.strip()
    assert shown(name) == name
    for sign in name:
        assert unicodedata.category(sign) not in ("Cc", "Zl", "Zp", "Cs")
        assert unicodedata.bidirectional(sign) not in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("明細\u202egpj.exe", "明細�gpj.exe"),
        ("a\r\nb\t", "a␍␊b␉"),
        ("x\u200b\ufeff\x7f", "x���"),
        ("👩\u200d👧.jpg", "👩\u200d👧.jpg"),
        ("葛\U000e0101.jpg", "葛\U000e0101.jpg"),
        ("\u3000", "—"),
        ("\ud800", "�"),
    ],
)
def test_what_cannot_be_seen_stands_there_as_a_sign(name: str, seen: str) -> None:
    assert shown(name) == seen


@given(ANY, st.sampled_from([".jpg", ".pdf", ".tif"]))
def test_the_header_of_a_download_is_one_line_with_one_name_that_says_what_it_is(
    raw: str | bytes, extension: str
) -> None:
    header = disposition(kept(raw), extension)
    header.encode("ascii")
    found = re.fullmatch(r"""attachment; filename="([ -~]*)"; filename\*=UTF-8''([A-Za-z0-9%._~-]+)""", header)
    assert found is not None
    plain, whole = found[1], unquote(found[2])
    assert not set(plain) & set('"\\/%;')
    assert plain.lower().endswith(extension)
    assert whole.lower().endswith(extension)
    assert whole in (shown(kept(raw)), shown(kept(raw)) + extension)


def test_a_download_has_the_name_the_person_gave_it() -> None:
    assert (
        disposition('給与"明細.PDF', ".pdf")
        == "attachment; filename=\"_____.PDF\"; filename*=UTF-8''%E7%B5%A6%E4%B8%8E%22%E6%98%8E%E7%B4%B0.PDF"
    )
    assert disposition("photo.exe", ".jpg") == "attachment; filename=\"photo.exe.jpg\"; filename*=UTF-8''photo.exe.jpg"


@given(st.binary())
def test_any_bytes_are_some_text(raw: bytes) -> None:
    assert isinstance(read(raw), str)
