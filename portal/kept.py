"""To whom belongs what a phone keeps until it has arrived: files that were chosen and could not be sent yet."""

from __future__ import annotations

import hmac
from typing import Any, Final

from flask_login import current_user

from config.web import settings
from portal.access import me

OWN_PHONE: Final = 7 * 24  # hours
SHARED_PHONE: Final = 1


def owner() -> dict[str, Any]:
    """For every page: a word that stands for the person and tells nobody who it is, and how long to keep."""
    if not (current_user and current_user.is_authenticated):
        return {"owner": "", "owner_hours": 0}
    who = me()
    word = hmac.new(settings().secret_key.encode(), f"kept:{who.office_id}:{who.account_id}".encode(), "sha256")
    return {"owner": word.hexdigest()[:32], "owner_hours": SHARED_PHONE if who.shared_device else OWN_PHONE}
