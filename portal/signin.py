"""Coming in with the letter's code, choosing a 暗証番号, and leaving quickly."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError, validate_csrf
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import InputRequired, ValidationError

from config.log import log
from config.web import Visitor, public, reading, same_origin, settings, transaction
from portal.access import me, recipient_required
from shared import sign_in
from shared.errors import SignInRefused
from shared.rules.pin import LONGEST, SHORTEST, WeakPin
from shared.rules.wareki import short_moment

bp = Blueprint("signin", __name__)


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The code of the letter, in any case, width and grouping."""

    code = StringField(
        lazy_gettext("手紙の番号を 入れてください"),
        validators=[InputRequired(lazy_gettext("手紙の番号を書いてください。太いわくの中の12文字です。"))],
        render_kw={
            "autocomplete": "one-time-code",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "maxlength": "100",
        },
    )
    shared = BooleanField(lazy_gettext("このスマホは、ほかの人も使う"))


class PinForm(FlaskForm):  # type: ignore[misc]
    """The secret the person chose."""

    pin = PasswordField(
        lazy_gettext("暗証番号を 入れてください"),
        validators=[InputRequired(lazy_gettext("暗証番号を書いてください。"))],
        render_kw={"autocomplete": "current-password", "maxlength": "200"},
    )


class ChoosePinForm(FlaskForm):  # type: ignore[misc]
    """A new secret. Typed once: it can be shown, and a wrong one is mended by a new letter."""

    pin = PasswordField(
        lazy_gettext("つぎに入るときの 暗証番号を 決めてください"),
        validators=[InputRequired(lazy_gettext("暗証番号を書いてください。"))],
        render_kw={"autocomplete": "new-password", "maxlength": "200"},
    )


def _refusal(refused: SignInRefused) -> str:
    sentences: dict[str, str] = {
        "unknown": _("この番号は見つかりませんでした。手紙の太いわくの中の12文字を、もう一度見てください。"),
        "used": _("この番号は、もう使われています。新しい番号の手紙を送りますので、電話で知らせてください。"),
        "expired": _("この番号の期限がすぎました。新しい番号の手紙を送りますので、電話で知らせてください。"),
        "replaced": _("新しい手紙の番号があります。いちばん新しい手紙の番号を入れてください。"),
        "wrong": _("暗証番号がちがうようです。もう一度入れてください。"),
    }
    if refused.wait_until:
        sentences["wait"] = _(
            "まちがいが続いたので、%(until)sまで待ってください。忘れたときは、電話で知らせてください。",
            until=short_moment(refused.wait_until),
        )
    return sentences[refused.reason]


@bp.route("/", methods=["GET", "POST"])
@public
def show() -> ResponseReturnValue:
    """The first page: the code, or straight to what is due."""
    if current_user.is_authenticated:
        return redirect(url_for("home.show"), 303)
    form = CodeForm()
    if not form.validate_on_submit():
        return render_template("signin.html", form=form), 422 if form.errors else 200
    try:
        with transaction() as write:
            token = sign_in.open_letter(write, form.code.data or "", shared_device=form.shared.data)
    except SignInRefused as refused:
        log("sign_in.refused", reason=refused.reason)
        form.code.errors = [_refusal(refused)]
        return render_template("signin.html", form=form), 422
    if token is None:
        session["letter"], session["shared"] = (form.code.data or "")[:100], form.shared.data
        return redirect(url_for("signin.pin"), 303)
    return _come_in(token)


@bp.route("/pin", methods=["GET", "POST"])
@public
def pin() -> ResponseReturnValue:
    """The second page for somebody who has been here before."""
    letter = session.get("letter")
    if not letter:
        return redirect(url_for("signin.show"), 303)
    form = PinForm()
    if form.validate_on_submit():
        with transaction() as write:
            found = sign_in.enter_pin(write, letter, form.pin.data or "", shared_device=session.get("shared", False))
        if isinstance(found, str):
            return _come_in(found)
        log("sign_in.refused", reason=found.reason)
        form.pin.errors = [_refusal(found)]
    return render_template("pin.html", form=form), 422 if form.errors else 200


def _come_in(token: str) -> ResponseReturnValue:
    back, parked = session.get("back"), session.get("parked")
    session.clear()  # nothing of before the sign-in stays, so that nobody can have planted it
    if parked:
        session["parked"] = parked
    with reading() as look:
        who = sign_in.recipient_of(look, token)
    if who is None:
        return redirect(url_for("signin.show"), 303)
    session.permanent = not who.shared_device
    login_user(Visitor(token, who))
    log("sign_in.succeeded", account=who.account_id)
    return redirect(back or url_for("home.show"), 303)


@bp.route("/pin/choose", methods=["GET", "POST"])
@recipient_required
def choose_pin() -> ResponseReturnValue:
    """Choose the secret for the next time."""
    form = ChoosePinForm()
    if form.validate_on_submit():
        sentences = {
            "missing": _("暗証番号を書いてください。"),
            "too_short": _("%(count)s文字より長くしてください。数字でも文字でもかまいません。", count=SHORTEST - 1),
            "too_long": _("%(count)s文字までにしてください。", count=LONGEST),
            "too_simple": _("同じ数字だけや、123456のような順番は、ほかの人に当てられやすいです。かえてください。"),
        }
        try:
            with transaction() as write:
                sign_in.choose_pin(write, me(), form.pin.data or "")
        except WeakPin as weak:
            form.pin.errors = [sentences[weak.code]]
        else:
            flash(_("暗証番号を決めました。つぎは、手紙の番号と暗証番号で入れます。"), "ok")
            return redirect(url_for("home.show"), 303)
    return render_template("choose_pin.html", form=form), 422 if form.errors else 200


@bp.post("/leave")
@public
def leave() -> ResponseReturnValue:
    """すぐ閉じる: the session is dead before the next page is asked for.

    From an old page the token may be stale; then the browser's word that the page is ours is enough.
    """
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError as stale:
        if not same_origin():
            raise CSRFError(str(stale)) from stale
    if current_user.is_authenticated:
        with transaction() as write:
            sign_in.end(write, current_user.get_id())
        log("sign_in.ended", account=me().account_id)
    logout_user()
    session.clear()
    answer = current_app.make_response(redirect(url_for("signin.closed"), 303))
    answer.headers["Clear-Site-Data"] = (
        '"storage"'  # photos that had not arrived yet; phone.js does it where http is plain
    )
    return answer


@bp.get("/closed")
@public
def closed() -> ResponseReturnValue:
    """A page that says nothing, on the way to one about the weather."""
    answer = current_app.make_response(render_template("closed.html", exit_url=settings().exit_url))
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@bp.get("/no-letter")
@public
def no_letter() -> ResponseReturnValue:
    """What to do without a letter or without its code."""
    return render_template("no_letter.html")
