"""What comes out of the room is told apart from what only looks like it, whatever bytes it is."""

from __future__ import annotations

import io
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from uploads import safe_copies
from uploads.locked_room import Refused, SafeCopies, _believed
from uploads.room_frames import NotBelieved, facts, frames, jpeg_size, put, put_facts


@cache
def made() -> bytes:
    """What a child hands out for a small photo."""
    photo, out = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(photo, "JPEG")
    safe_copies.make(photo.getvalue(), "jpeg", out)
    return out.getvalue()


def believed(content: bytes) -> SafeCopies | Refused:
    with tempfile.TemporaryDirectory() as folder:
        return _believed(memoryview(content), Path(folder))


def parts() -> list[bytes]:
    return [bytes(frame) for frame in frames(memoryview(made()))]


def joined(frames_of_it: list[bytes]) -> bytes:
    out = io.BytesIO()
    for frame in frames_of_it:
        put(out, frame)
    return out.getvalue()


def test_frames_come_back_as_they_were_put() -> None:
    assert [bytes(frame) for frame in frames(memoryview(joined([b"", b"a", b"b" * 300])))] == [b"", b"a", b"b" * 300]


def test_what_the_child_really_makes_is_believed() -> None:
    assert isinstance(believed(made()), SafeCopies)
    assert believed(joined([b'{"refused": "locked"}'])) == Refused("locked")


@given(st.binary(max_size=400))
def test_any_bytes_are_frames_or_not_believed(content: bytes) -> None:
    try:
        found = frames(memoryview(content))
    except NotBelieved:
        return
    assert sum(len(frame) + 4 for frame in found) == len(content)


@settings(max_examples=200)
@given(st.data())
def test_any_change_of_real_frames_is_believed_or_not_and_never_worse(data: st.DataObject) -> None:
    whole = made()
    at = data.draw(st.integers(0, len(whole)))
    put_in = data.draw(st.binary(max_size=6))
    skipped = data.draw(st.integers(0, 6))
    changed = whole[:at] + put_in + whole[at + skipped :]
    try:
        got = believed(changed)
    except NotBelieved:
        return
    assert isinstance(got, Refused) or [(page.width, page.height) for page in got.pages] != []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a\0\n給", max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["dpi", "text", "x"]), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("dpi", "text", "lines", "look", "more"), JSON)))
def test_any_facts_of_a_page_are_believed_or_not_and_never_worse(said: dict[str, object]) -> None:
    picture, thumb, true, end = parts()
    try:
        got = believed(joined([picture, thumb, json.dumps({**json.loads(true), **said}).encode(), end]))
    except NotBelieved:
        return
    assert isinstance(got, SafeCopies)


@pytest.mark.parametrize(
    "said",
    [
        {"dpi": float("nan")},
        {"dpi": float("inf")},
        {"dpi": 0},
        {"text": "a\0b"},
        {"text": "\ud842"},
        {"text": "x" * 20_001},
        {"text": ["x"]},
        {"look": "0" * 60},
        {"look": "../" + "0" * 58},
        {"lines": [[0, 0, 41, 10, "beside the page"]]},
        {"lines": [[0, 0, float("nan"), 10, "nowhere"]]},
        {"lines": [[10, 0, 5, 10, "backwards"]]},
        {"lines": [[0, 0, 5, 10, "a\x1bb"]]},
        {"lines": [[0, 0, 5, 10, 7]]},
        {"lines": [[0, 0, 5, 10, 5, "six"]]},
        {"lines": [[0, 0, 5, 10, "x"]] * 3001},
        {"lines": 7},
    ],
)
def test_facts_that_no_page_has_are_not_believed(said: dict[str, object]) -> None:
    picture, thumb, true, end = parts()
    with pytest.raises(NotBelieved):
        believed(joined([picture, thumb, json.dumps({**json.loads(true), **said}).encode(), end]))


@pytest.mark.parametrize(
    "end",
    [
        b"",
        b"[]",
        b"null",
        b'{"pages": 0}',
        b'{"pages": 2}',
        b'{"pages": 1, "more": 1}',
        b'{"refused": "because"}',
        b'{"refused": ["locked"]}',
        b'{"refused": {"locked": 1}}',
        b"[" * 1000,
        b" " * 1025,
        b'{"pages": ' + b"9" * 900 + b"}",
    ],
)
def test_an_end_that_does_not_fit_is_not_believed(end: bytes) -> None:
    with pytest.raises(NotBelieved):
        believed(joined([*parts()[:-1], end]))


def test_no_file_can_hold_more_pages_than_are_drawn() -> None:
    picture, thumb, said, _ = parts()
    with pytest.raises(NotBelieved):
        believed(joined([picture, thumb, said] * 31 + [b'{"pages": 31}']))


def with_more(where: str) -> bytes:
    """A JPEG with something in it that pictures of ours never hold."""
    picture, out = Image.new("RGB", (9, 7)), io.BytesIO()
    if where == "tail":
        picture.save(out, "JPEG")
        return out.getvalue() + b"<script>"
    exif = Image.Exif()
    exif[0x010F] = "Mihon"
    kinds: dict[str, dict[str, Any]] = {
        "exif": {"exif": exif},
        "comment": {"comment": b"x"},
        "icc": {"icc_profile": b"x"},
    }
    picture.save(out, "JPEG", **kinds[where])
    return out.getvalue()


@pytest.mark.parametrize("where", ["tail", "exif", "comment", "icc"])
def test_a_picture_with_more_in_it_than_a_picture_is_not_believed(where: str) -> None:
    with pytest.raises(NotBelieved):
        jpeg_size(memoryview(with_more(where)))


def test_the_size_of_a_picture_is_read_from_itself() -> None:
    out = io.BytesIO()
    Image.new("L", (9, 7)).save(out, "JPEG")
    assert jpeg_size(memoryview(out.getvalue())) == (9, 7)


@given(st.binary(max_size=60), st.integers(0, 700), st.integers(0, 8))
def test_any_bytes_are_a_picture_or_not_believed(put_in: bytes, at: int, skipped: int) -> None:
    picture = parts()[0]
    for content in (put_in, b"\xff\xd8" + put_in + b"\xff\xd9", picture[:at] + put_in + picture[at + skipped :]):
        try:
            wide, high = jpeg_size(memoryview(content))
        except NotBelieved:
            continue
        assert 0 < wide < 65536 and 0 < high < 65536


def test_facts_that_are_too_long_or_nested_too_deep_are_not_believed() -> None:
    out = io.BytesIO()
    put_facts(out, {"text": "x" * 100})
    (frame,) = frames(memoryview(out.getvalue()))
    assert facts(frame, 200) == {"text": "x" * 100}
    for content, most in ((frame, 50), (memoryview(b'{"a":' * 100_000), 1 << 20), (memoryview(b"\xff"), 9)):
        with pytest.raises(NotBelieved):
            facts(content, most)
