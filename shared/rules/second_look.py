"""Which acceptances are looked at a second time: a lot that nobody can reckon, and that comes out the same again."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from uuid import UUID

_OF: Final = 1 << 64


def is_drawn(secret: str, submission_id: UUID, version_no: int, *, percent: int) -> bool:
    """Whether this acceptance is one of ``percent`` in a hundred.

    The same version draws the same lot for as long as the rule stands: taking a decision back and making it again
    changes nothing.
    """
    ticket = f"{submission_id}/{version_no}".encode()
    lot = int.from_bytes(hmac.digest(secret.encode(), ticket, hashlib.sha256)[:8])
    return lot * 100 < percent * _OF
