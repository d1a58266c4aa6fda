"""世帯状況変動届: what has changed in the household. Source: 生活保護法 61条; items as on the offices' usual forms."""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import N_, Ask, Form, Option, Question, Screen, when

CHANGE_NOTICE: Final = Form(
    kind=DutyKind.CHANGE_NOTICE,
    version=1,
    name=N_("変わったことの届け"),
    lead=N_("家族や住まい、仕事などが変わったときに出します。2分くらいです。わかるところだけで かまいません。"),
    files=N_("あれば、紙の写真を 送ってください"),
    screens=(
        Screen(
            "what",
            (
                Question(
                    "what",
                    Ask.CHOICE,
                    N_("何が 変わりましたか"),
                    N_("変わったこと"),
                    options=(
                        Option("moved_in", N_("いっしょに住む人が ふえた")),
                        Option("moved_out", N_("いっしょに住む人が へった")),
                        Option("address", N_("引っこした・引っこす")),
                        Option("birth", N_("子どもが 生まれた")),
                        Option("death", N_("家族が 亡くなった")),
                        Option("school", N_("入学・卒業・学校をやめた")),
                        Option("hospital_in", N_("入院した")),
                        Option("hospital_out", N_("退院した")),
                        Option("work_begins", N_("仕事が はじまった")),
                        Option("work_ends", N_("仕事が 終わった")),
                        Option("rent", N_("家賃が 変わった")),
                        Option("other", N_("そのほか")),
                    ),
                ),
            ),
        ),
        Screen(
            "who",
            (
                Question(
                    "who",
                    Ask.MEMBER,
                    N_("だれの ことですか"),
                    N_("だれのこと"),
                    needed=False,
                    hint=N_("ここにいない人のことは、つぎの画面で書いてください。"),
                ),
            ),
            when=when(
                "what",
                "moved_out",
                "death",
                "school",
                "hospital_in",
                "hospital_out",
                "work_begins",
                "work_ends",
                "other",
            ),
        ),
        Screen(
            "newcomer",
            (
                Question("newcomer_name", Ask.TEXT, N_("お名前"), N_("ふえた人の名前")),
                Question(
                    "newcomer_kana",
                    Ask.KANA,
                    N_("ふりがな（わかれば）"),
                    N_("ふえた人のふりがな"),
                    hint=N_("ひらがなでも、カタカナでも かまいません。"),
                    needed=False,
                ),
                Question(
                    "newcomer_born",
                    Ask.DAY,
                    N_("生まれた日（わかれば）"),
                    N_("ふえた人の生年月日"),
                    needed=False,
                ),
                Question(
                    "newcomer_kin",
                    Ask.TEXT,
                    N_("あなたとの つながり"),
                    N_("続柄"),
                    hint=N_("例：子ども、母、友人"),
                    needed=False,
                ),
            ),
            heading=N_("ふえた人のことを 教えてください"),
            when=when("what", "moved_in", "birth"),
        ),
        Screen(
            "place",
            (
                Question(
                    "place",
                    Ask.TEXT,
                    N_("どこですか"),
                    N_("場所・名前"),
                    hint=N_("例：新しい住所、病院の名前、学校の名前、会社の名前"),
                    needed=False,
                ),
            ),
            when=when("what", "address", "school", "hospital_in", "hospital_out", "work_begins", "work_ends"),
        ),
        Screen(
            "rent",
            (
                Question("rent_before", Ask.YEN, N_("これまでの家賃"), N_("前の家賃"), needed=False),
                Question("rent_now", Ask.YEN, N_("新しい家賃"), N_("新しい家賃")),
            ),
            heading=N_("家賃は いくらに なりましたか"),
            when=when("what", "rent", "address"),
        ),
        Screen("since", (Question("since", Ask.DAY, N_("いつ 変わりましたか・変わりますか"), N_("変わった日")),)),
        Screen(
            "tell",
            (
                Question(
                    "tell",
                    Ask.TELL,
                    N_("ほかに 伝えたいことが あれば 書いてください"),
                    N_("伝えたいこと"),
                    needed=False,
                ),
            ),
        ),
    ),
)
