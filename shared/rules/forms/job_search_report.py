"""求職活動状況報告書: what somebody did in a month to find work. Source: 局長通知 第11 (working ability)."""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import N_, Ask, Form, Option, Question, Screen, when

JOB_SEARCH_REPORT: Final = Form(
    kind=DutyKind.JOB_SEARCH_REPORT,
    version=1,
    name=N_("仕事さがしの報告"),
    lead=N_(
        "1か月の仕事さがしのことを書きます。3分くらいです。何もできなかった月も、そのまま書いて だいじょうぶです。"
    ),
    monthly=True,
    files=N_("あれば、求人票や 応募の写真を 送ってください"),
    screens=(
        Screen(
            "searched",
            (
                Question(
                    "searched",
                    Ask.CHOICE,
                    N_("この月に 仕事を さがしましたか"),
                    N_("仕事さがし"),
                    options=(
                        Option("yes", N_("さがしました")),
                        Option("little", N_("すこし さがしました")),
                        Option("no", N_("さがせませんでした")),
                    ),
                ),
                Question(
                    "why_not",
                    Ask.TELL,
                    N_("わけを 教えてください"),
                    N_("さがせなかった事情"),
                    hint=N_("例：体の調子が悪かった、家族の世話があった"),
                    needed=False,
                    when=when("searched", "no", "little"),
                ),
            ),
        ),
        Screen(
            "visits",
            (
                Question(
                    "hello_work", Ask.COUNT, N_("ハローワークに 行った回数"), N_("ハローワーク"), unit=N_("回"), most=31
                ),
                Question(
                    "other_days", Ask.COUNT, N_("ほかに さがした日の数"), N_("ほかの日数"), unit=N_("日"), most=31
                ),
                Question(
                    "how",
                    Ask.SEVERAL,
                    N_("どうやって さがしましたか"),
                    N_("さがし方"),
                    needed=False,
                    options=(
                        Option("counter", N_("ハローワークの窓口")),
                        Option("web", N_("インターネット")),
                        Option("paper", N_("新聞・ちらし")),
                        Option("friend", N_("知りあいの紹介")),
                        Option("support", N_("就労支援の人と")),
                        Option("other", N_("そのほか")),
                    ),
                ),
            ),
            heading=N_("どのくらい さがしましたか"),
            when=when("searched", "yes", "little"),
        ),
        Screen(
            "applied_any",
            (
                Question(
                    "applied_any",
                    Ask.CHOICE,
                    N_("応募や 面接を しましたか"),
                    N_("応募・面接"),
                    options=(Option("no", N_("していません")), Option("yes", N_("しました"))),
                ),
            ),
            when=when("searched", "yes", "little"),
        ),
        Screen(
            "applications",
            (
                Question("applied_on", Ask.DAY, N_("いつ"), N_("応募した日"), needed=False),
                Question("company", Ask.TEXT, N_("会社や お店の名前"), N_("応募先")),
                Question("job", Ask.TEXT, N_("仕事の内容"), N_("仕事の内容"), needed=False),
                Question(
                    "result",
                    Ask.CHOICE,
                    N_("どうなりましたか"),
                    N_("結果"),
                    options=(
                        Option("waiting", N_("返事を 待っています")),
                        Option("hired", N_("決まりました")),
                        Option("refused", N_("だめでした")),
                        Option("declined", N_("自分から ことわりました")),
                    ),
                ),
            ),
            heading=N_("応募した所を 教えてください"),
            rows=N_("応募"),
            when=when("applied_any", "yes"),
        ),
        Screen(
            "hard",
            (
                Question(
                    "hard",
                    Ask.SEVERAL,
                    N_("こまっていることは ありますか"),
                    N_("こまっていること"),
                    needed=False,
                    options=(
                        Option("health", N_("体や 心の調子")),
                        Option("care", N_("子どもや 家族の世話")),
                        Option("fare", N_("交通費や 服")),
                        Option("none_fits", N_("合う仕事が ない")),
                        Option("age", N_("年れい")),
                        Option("words", N_("ことば")),
                    ),
                ),
                Question("hard_tell", Ask.TELL, N_("ほかに あれば"), N_("そのほか"), needed=False),
            ),
            heading=N_("こまっていることは ありますか"),
        ),
        Screen(
            "next",
            (
                Question(
                    "next",
                    Ask.TELL,
                    N_("つぎの月は どうしたいですか"),
                    N_("つぎの予定"),
                    hint=N_("例：週に1回 ハローワークに行く、しばらく休んで病院に通う"),
                    needed=False,
                ),
                Question(
                    "wants_help",
                    Ask.CHOICE,
                    N_("仕事さがしを 手つだってほしいですか"),
                    N_("手つだいの希望"),
                    options=(Option("no", N_("いいえ")), Option("yes", N_("はい"))),
                ),
            ),
            heading=N_("これからのことを 教えてください"),
        ),
    ),
)
