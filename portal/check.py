"""確かめる: whether a 受領証 stands, for anybody who holds it: by its QR code, or by its number and code.

These pages say the same to everybody and set no cookie. They name neither a person nor what the paper is about. The
address behind the QR code is a secret: no log line of ours has it, and no page elsewhere is told of it.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.web import public, reading, transaction
from shared import public_check
from shared.public_check import Checked, Limit

bp = Blueprint("check", __name__)
TOKEN: Final = re.compile(r"[0-9a-f]{32}")


@bp.get("/check")
@public
def ask() -> ResponseReturnValue:
    """The form for those who cannot scan."""
    return _page("check.html")


@bp.post("/check")
@public
def typed() -> ResponseReturnValue:
    """Look by number and code. It changes nothing and asks nobody who she is, so the form has no token."""
    number, code = request.form.get("number", "").strip(), request.form.get("code", "").strip()
    given = {"number": number[: public_check.LONGEST], "code": code[: public_check.LONGEST]}
    missing = {name: _("紙に書いてあるとおりに、入れてください。") for name, value in given.items() if not value}
    if missing:
        return _page("check.html", 422, errors=missing, **given)
    limits = [public_check.of_address(request.remote_addr or ""), *public_check.of_typed(number)]
    if wait := _wait(limits):
        return _later(wait, **given)
    with reading() as session:
        found = public_check.by_code(session, number, code)
    return _answer(found, limits, **given)


@bp.get("/r/<token>")
@public
def scanned(token: str) -> ResponseReturnValue:
    """Where the QR code leads."""
    limits = [public_check.of_address(request.remote_addr or "")]
    if wait := _wait(limits):
        return _later(wait)
    with reading() as session:
        found = public_check.by_token(session, token if TOKEN.fullmatch(token) else "")
    return _answer(found, limits)


def _wait(limits: list[Limit]) -> timedelta | None:
    with reading() as session:
        return public_check.wait_of(session, limits)


def _later(wait: timedelta, **given: str) -> Response:
    minutes = math.ceil(wait / timedelta(minutes=1))
    page = _page("check.html", 429, minutes=minutes, **given)
    page.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return page


def _answer(found: Checked | None, limits: list[Limit], **given: str) -> Response:
    if found:
        return _page("checked.html", found=found)
    with transaction() as session:
        public_check.count_wrong(session, limits)
    return _page("check.html", 404, unknown=True, **given)


def _page(template: str, status: int = 200, **facts: Any) -> Response:
    facts = {"errors": {}, "unknown": False, "minutes": 0, "number": "", "code": "", **facts}
    page = make_response(render_template(template, **facts), status)
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return page
