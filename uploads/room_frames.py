"""How the locked room hands out what it made: frames of four bytes length and the bytes, one after the other.

For each page its picture, its thumbnail and its facts; at the end one frame that says what this was. The writer may
have been taken over by what it read, so the reader believes nothing but its own count.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Final

FRAMES_A_PAGE: Final = 3
_LENGTH: Final = struct.Struct(">I")
_FRAMES: Final = 1000


class NotBelieved(Exception):
    """What came out of the room is not what it should be."""


def put(out: BinaryIO, content: bytes) -> None:
    out.write(_LENGTH.pack(len(content)))
    out.write(content)


def put_made(out: BinaryIO, make: Callable[[BinaryIO], None]) -> None:
    """Put what ``make`` writes to the end of ``out``, without a copy: its length is known only afterwards."""
    start = out.tell()
    put(out, b"")
    make(out)
    end = out.tell()
    out.seek(start)
    out.write(_LENGTH.pack(end - start - _LENGTH.size))
    out.seek(end)


def put_facts(out: BinaryIO, facts: dict[str, Any]) -> None:
    put(out, json.dumps(facts, ensure_ascii=False, allow_nan=False).encode())


def frames(content: memoryview) -> Sequence[memoryview]:
    """Divide ``content`` without a copy.

    :raises NotBelieved: if its lengths do not add up to it, or there is no frame or more than a thousand.
    """
    found: list[memoryview] = []
    at = 0
    while at < len(content):
        if len(content) - at < _LENGTH.size or len(found) == _FRAMES:
            raise NotBelieved
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        if length > len(content) - at:
            raise NotBelieved
        found.append(content[at : at + length])
        at += length
    if not found:
        raise NotBelieved
    return found


def facts(frame: memoryview, most: int) -> dict[str, Any]:
    """Read a frame of facts of at most ``most`` bytes.

    :raises NotBelieved: if it is longer, no JSON, or no object.
    """
    if len(frame) > most:
        raise NotBelieved
    try:
        said = json.loads(bytes(frame))
    except (ValueError, RecursionError):
        raise NotBelieved from None
    if not isinstance(said, dict):
        raise NotBelieved
    return said


def jpeg_size(content: memoryview) -> tuple[int, int]:
    """Return width and height of a JPEG that holds a picture and nothing else: no metadata, no comment, no tail.

    :raises NotBelieved: if it does.
    """
    size = None
    if bytes(content[:2]) != b"\xff\xd8" or bytes(content[-2:]) != b"\xff\xd9":
        raise NotBelieved
    at = 2
    while at + 4 <= len(content):
        mark, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if (
            content[at] != _MARK
            or mark not in _MARKS
            or (mark == _JFIF and bytes(content[at + 4 : at + 9]) != b"JFIF\0")
        ):
            raise NotBelieved
        if mark in _STARTS:
            size = int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        if mark == _SCAN and size and all(size):
            return size
        at += 2 + length
    raise NotBelieved


_MARK: Final = 0xFF
_JFIF: Final = 0xE0
_SCAN: Final = 0xDA
_STARTS: Final = (0xC0, 0xC1, 0xC2)
_MARKS: Final = frozenset({_JFIF, _SCAN, *_STARTS, 0xC4, 0xDB, 0xDD})  # …, tables, restart interval
