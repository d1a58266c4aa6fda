"""文字・ことば: how large the letters are, how strong the contrast, and which language stands beside the Japanese of a
slip. Kept in cookies of the phone, nowhere else.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from config.web import public
from portal.access import me
from shared.rules import slip_words

bp = Blueprint("display", __name__)
COOKIE: Final = "madoguchi_view"
LANGUAGE: Final = "madoguchi_language"
YEAR: Final = 400 * 24 * 3600
TEXTS: Final = ("m", "l", "xl")
THEMES: Final = ("light", "contrast")


def chosen() -> dict[str, Any]:
    """What the person chose, for the page's root element."""
    text, _, theme = request.cookies.get(COOKIE, "").partition(".")
    return {
        "view_text": text if text in TEXTS else TEXTS[0],
        "view_theme": theme if theme in THEMES else THEMES[0],
    }


def language() -> str:
    """The language to stand beside the Japanese: as chosen, or the first one of ours that the browser names."""
    picked = request.cookies.get(LANGUAGE, "")
    return picked if picked in slip_words.LANGUAGES else slip_words.read_by(request.headers.get("Accept-Language", ""))


def keep_language(answer: Response, picked: str) -> None:
    """Keep a choice; on a phone that others use, until the browser is closed."""
    if picked in slip_words.LANGUAGES:
        answer.set_cookie(
            LANGUAGE,
            picked,
            max_age=None if me().shared_device else YEAR,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )


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
            max_age=YEAR,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
    return answer
