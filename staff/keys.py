"""キー操作: the list of single keys, and their switch."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.web import transaction
from shared import sign_in
from shared.model import Role
from staff.access import DECIDING, me, needs

READING: Final = (*DECIDING, Role.CLERK)  # whoever works through lists
bp = Blueprint("keys", __name__, url_prefix="/keys")

KEYS: Final = (
    (("J", "K"), lazy_gettext("受信箱で、下の行・上の行")),
    (("1", "2", "3", "4", "5"), lazy_gettext("受信箱で、期限超過・本日・7日以内・保留・すべて")),
    (("Enter",), lazy_gettext("えらんだ行を開く")),
    (("X",), lazy_gettext("受信箱で、いまの行をえらぶ・やめる")),
    (("/",), lazy_gettext("さがす")),
    (("N",), lazy_gettext("つぎの1件を開く。自分の対応にする")),
    (("A",), lazy_gettext("受理してつぎへ")),
    (("R",), lazy_gettext("なおしてもらう")),
    (("H",), lazy_gettext("保留")),
    (("W",), lazy_gettext("引きつぐ")),
    (("E",), lazy_gettext("職員だけのメモを書く")),
    (("M",), lazy_gettext("本人に送ることを書く")),
    (("U",), lazy_gettext("もとに戻す")),
    (("[", "]"), lazy_gettext("前の書類・つぎの書類")),
    (("C",), lazy_gettext("申告された値を、書類とくらべる（もう一度で、つぎの値）")),
    (("F",), lazy_gettext("書類の文字をさがす")),
    (("O",), lazy_gettext("不一致を「問題なし」とする理由を書く")),
    (("+", "-", "0"), lazy_gettext("大きく・小さく・全体")),
    (("T",), lazy_gettext("書類を回す")),
    (("1", "2", "3", "4"), lazy_gettext("受領証で、発行できる・発行済み・届け中・取消し")),
    (("N",), lazy_gettext("受領証で、えらんだものをまとめて発行する画面へ")),
    (("[", "]"), lazy_gettext("まとめて発行で、前の見本・つぎの見本")),
    (("X",), lazy_gettext("まとめて発行で、えらんだもの（なければ見本のもの）を除外")),
    (("Esc",), lazy_gettext("書いているらんを出る。前の画面に戻る")),
    (("?",), lazy_gettext("この一覧")),
)


@bp.get("")
@needs(*READING)
def show() -> ResponseReturnValue:
    """The list as a page of its own."""
    return render_template("keys.html", KEYS=KEYS)


@bp.post("")
@needs(*READING)
def switch() -> ResponseReturnValue:
    """On or off, for this person on every computer, until she says otherwise."""
    on = request.form.get("keys") == "on"
    with transaction() as rows:
        sign_in.use_keys(rows, me(), on=on)
    flash(_("キー操作を使います。") if on else _("キー操作を切りました。"))
    return redirect(url_for("keys.show"), 303)
