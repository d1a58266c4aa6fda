"""Coming to the desk and leaving it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from config.log import log
from config.web import Visitor, public, reading, transaction
from shared import sign_in
from shared.clock import TOKYO
from shared.errors import SignInRefused
from shared.model import Role
from staff.access import needs, own_path, visitor

bp = Blueprint("signin", __name__)


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Name and password. The name stays in the field after a mistake, the password does not."""

    login = StringField(
        lazy_gettext("名前"),
        [InputRequired(lazy_gettext("名前を入れてください"))],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        lazy_gettext("パスワード"),
        [InputRequired(lazy_gettext("パスワードを入れてください"))],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField()


@bp.route("/signin", methods=["GET", "POST"])
@public
def enter() -> ResponseReturnValue:
    if current_user.is_authenticated and request.method == "GET":
        return redirect(url_for("queue.show"), 303)
    form = SignInForm(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return render_template("signin.html", form=form), 422 if form.errors else 200
    with transaction() as rows:
        token = sign_in.enter_password(rows, form.login.data or "", form.password.data or "")
    if isinstance(token, SignInRefused):
        log("sign_in.refused", reason=token.reason)
        form.form_errors.append(_sentence(token))
        return render_template("signin.html", form=form), 422
    _begin(token)
    return redirect(own_path(form.next.data or "") or url_for("queue.show"), 303)


def _sentence(refusal: SignInRefused) -> str:
    if refusal.wait_until is None:
        return str(_("名前かパスワードがちがいます"))
    until = refusal.wait_until.astimezone(TOKYO)
    return str(
        _(
            "まちがいが続いたので、%(time)sまで待ってください。急ぐときは、管理者に相談してください。",
            time=f"{until.hour}:{until.minute:02}",
        )
    )


def _begin(token: str) -> None:
    """Let this browser carry ``token`` and nothing from before; whoever was signed in here is signed out."""
    if current_user.is_authenticated:
        _end(visitor().token)
    with reading() as rows:
        who = sign_in.staff_of(rows, token)
    session.clear()
    if who:
        login_user(Visitor(token, who))
        log("sign_in.succeeded", staff=who.staff_id)


def _end(token: str) -> None:
    with transaction() as rows:
        sign_in.end(rows, token)


@bp.post("/signout")
@needs(*Role)
def leave() -> ResponseReturnValue:
    _end(visitor().token)
    logout_user()
    session.clear()
    log("sign_in.ended")
    return redirect(url_for("signin.enter"), 303)
