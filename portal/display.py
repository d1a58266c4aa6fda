"""文字: how large the letters are and how strong the contrast. Kept in a cookie of the phone, nowhere else."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from config.web import public

bp = Blueprint("display", __name__)
COOKIE: Final = "madoguchi_view"
TEXTS: Final = ("m", "l", "xl")
THEMES: Final = ("light", "contrast")


def chosen() -> dict[str, Any]:
    """What the person chose, for the page's root element."""
    text, _, theme = request.cookies.get(COOKIE, "").partition(".")
    return {
        "view_text": text if text in TEXTS else TEXTS[0],
        "view_theme": theme if theme in THEMES else THEMES[0],
    }


@bp.get("/display")
@public
def show() -> ResponseReturnValue:
    return render_template("display.html")


@bp.post("/display")
@public
def choose() -> ResponseReturnValue:
    text, theme = request.form.get("text", ""), request.form.get("theme", "")
    answer: Response = make_response(redirect(url_for("display.show"), 303))
    if text in TEXTS and theme in THEMES:
        answer.set_cookie(
            COOKIE,
            f"{text}.{theme}",
            max_age=400 * 24 * 3600,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
    return answer
