"""Who may use which page of the desk, said where the page is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, cast
from urllib.parse import urlsplit

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import Forbidden

from config.web import View, Visitor
from shared.model import Role
from shared.sign_in import Staff

DECIDING: Final = (Role.CASEWORKER, Role.SUPERVISOR)  # they look at papers and decide
KEEPING: Final = (Role.ADMINISTRATOR, Role.SUPERVISOR)  # they say what is kept how long, and see how the house stands
RECEIPTS: Final = (Role.CLERK, Role.SUPERVISOR)  # they see the certificates; only a clerk issues them


def needs(*roles: Role) -> Callable[[View], View]:
    """Let only these roles use a view. Strangers are sent to the sign-in, other roles get a 403."""

    def mark(view: View) -> View:
        view.__dict__["needs"] = frozenset(role.value for role in roles)
        view.__dict__["guard"] = partial(_guard, frozenset(roles))
        return view

    return mark


def visitor() -> Visitor:
    """Whoever is signed in, with the session's token. Only behind ``needs``."""
    return cast(Visitor, current_user)


def me() -> Staff:
    """Who is signed in. Only behind ``needs``."""
    who: Staff = visitor().who
    return who


def own_path(target: str) -> str | None:
    """``target`` if it is a path of this app and nothing else, or None.

    Browsers read ``\\`` as ``/`` and skip tabs and line ends, so that ``/\\t/evil.example`` leads away.
    """
    if not target.startswith("/") or target.startswith("//") or "\\" in target or not target.isprintable():
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def _guard(roles: frozenset[Role]) -> ResponseReturnValue | None:
    if not current_user.is_authenticated:
        wanted = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
        return redirect(url_for("signin.enter", next=wanted), 303)
    if me().role not in roles:
        raise Forbidden
    return None
