"""Cookies and tokens that come again with every request: what is signed is read once, and then known for a while.

Nothing is believed longer than without this: who is signed in is asked of the database each time, and the age of a
cookie is looked at each time.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from flask import Flask, Request, current_app
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import same_origin
from itsdangerous import BadData, BadSignature, URLSafeTimedSerializer

KNOWN: Final = 2_000  # people at once
SHORT: Final = 1_000  # letters of a header with our cookie in it, and few of anybody else
_Plain = (str, int, type(None))


class KnownCookies(SecureCookieSessionInterface):
    """Flask's cookies. One whose signature was right is not read again while it comes unchanged."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[dict[str, Any], int]] = {}  # header: what it says, and when it was signed

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        header = request.environ.get("HTTP_COOKIE", "")
        said, signed_at = self._known.get(header) or self._read(app, request, header)
        age = int(time.time()) - signed_at
        if not 0 <= age <= app.permanent_session_lifetime.total_seconds():
            return self.session_class()
        return self.session_class(said)

    def _read(self, app: Flask, request: Request, header: str) -> tuple[dict[str, Any], int]:
        signed = request.cookies.get(self.get_cookie_name(app))
        serializer = self.get_signing_serializer(app)
        if not signed or serializer is None:
            return {}, 0
        try:
            said, at = serializer.loads(signed, return_timestamp=True)
        except BadSignature:
            return {}, 0
        found = said, int(at.timestamp())
        plain = all(isinstance(value, _Plain) for value in said.values())  # nothing in it that a request could change
        if plain and len(header) <= SHORT:
            if len(self._known) >= KNOWN:
                self._known.clear()
            self._known[header] = found
        return found


def has_our_token(asked: Request, session: Mapping[str, Any]) -> bool:
    """Whether a script of our own pages asks: the token it sends is the session's. As Flask-WTF judges a form."""
    try:
        said = _signed(current_app.secret_key, asked.headers.get("X-CSRFToken", ""))
    except BadData:
        return False
    if not hmac.compare_digest(str(session.get("csrf_token", "")).encode(), said.encode()):
        return False
    return not asked.is_secure or same_origin(asked.referrer or "", f"https://{asked.host}/")


@lru_cache(maxsize=KNOWN)
def _signed(secret: str, token: str) -> str:
    """What a token of ours says. One that is wrong raises, and is not kept."""
    return str(URLSafeTimedSerializer(secret, salt="wtf-csrf-token").loads(token))
