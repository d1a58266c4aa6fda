"""What each deciding form carries: the state its page showed, and an id that makes a double tap one act."""

from __future__ import annotations

from uuid import UUID

from flask import request
from werkzeug.exceptions import BadRequest


def seen() -> int:
    """The revision of the submission that the page showed.

    :raises BadRequest: if the form was not one of ours.
    """
    try:
        return int(request.form["seen"])
    except ValueError:
        raise BadRequest from None


def attempt() -> UUID:
    """The id drawn into the form.

    :raises BadRequest: if the form was not one of ours.
    """
    try:
        return UUID(request.form["attempt"])
    except ValueError:
        raise BadRequest from None
