"""What was chosen in a list for one act on many: all that match, the page, or the ticked lines."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import request


def picked(most: int, matching: Callable[[], tuple[list[UUID], int]]) -> tuple[list[UUID], int]:
    """The ids, in the order of the page, and how many were wanted.

    :param most: no more than so many are taken.
    :param matching: the first ``most`` of all that match, and how many these are.
    """
    which = request.form.get("which")
    if which == "all":
        return matching()
    given = request.form.getlist("on_page" if which == "page" else "id", type=UUID)
    ids = list(dict.fromkeys(given))[:most]
    return ids, len(ids)
