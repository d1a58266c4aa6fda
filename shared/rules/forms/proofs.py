"""Bank-book pages, notices and other papers, sent when they come. The paper is named; what it says staff read."""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import N_, Ask, Form, Option, Question, Screen

PROOFS: Final = Form(
    kind=DutyKind.PROOFS,
    version=1,
    name=N_("通帳や書類の写真"),
    lead=N_("通帳や、役所・会社・病院から来た紙を、写真で送れます。1分くらいです。"),
    files=N_("紙の写真を 送ってください"),
    files_needed=True,
    screens=(
        Screen(
            "paper",
            (
                Question(
                    "paper",
                    Ask.CHOICE,
                    N_("何の 紙ですか"),
                    N_("書類の種類"),
                    options=(
                        Option("bankbook", N_("通帳")),
                        Option("pension", N_("年金・手当の通知")),
                        Option("wage", N_("給与明細・働いた証明")),
                        Option("rent", N_("家賃・契約書")),
                        Option("insurance", N_("保険の紙")),
                        Option("medical", N_("病院の紙")),
                        Option("school", N_("学校の紙")),
                        Option("tax", N_("税金・請求書")),
                        Option("other", N_("そのほか・わからない")),
                    ),
                ),
            ),
        ),
        Screen("whose", (Question("whose", Ask.MEMBER, N_("だれの 紙ですか"), N_("だれの書類"), needed=False),)),
        Screen(
            "about",
            (
                Question(
                    "about",
                    Ask.TELL,
                    N_("ひとこと あれば 書いてください"),
                    N_("ひとこと"),
                    hint=N_("例：9月から11月のページです"),
                    needed=False,
                ),
            ),
        ),
    ),
)
