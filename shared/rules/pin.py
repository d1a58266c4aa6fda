"""Which 暗証番号 is good enough for a person who must remember it."""

from __future__ import annotations

import itertools
import unicodedata

SHORTEST = 6
LONGEST = 64


class WeakPin(ValueError):
    """``code`` says why: missing, too_short, too_long, too_simple."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_pin(text: str) -> str:
    """The same secret from any keyboard: full-width figures and letters count as their plain ones."""
    return unicodedata.normalize("NFKC", text).strip()


def good_pin(text: str) -> str:
    """Return the secret as it is to be kept.

    :raises WeakPin: shorter than 6 signs, longer than 64, all one sign, or counting up or down.
    """
    pin = read_pin(text)
    if not pin:
        raise WeakPin("missing")
    if len(pin) < SHORTEST:
        raise WeakPin("too_short")
    if len(pin) > LONGEST:
        raise WeakPin("too_long")
    gaps = {ord(right) - ord(left) for left, right in itertools.pairwise(pin)}
    if gaps in ({0}, {1}, {-1}):
        raise WeakPin("too_simple")
    return pin
