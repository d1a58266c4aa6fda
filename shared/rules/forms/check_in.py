"""生活状況: how somebody is, in two minutes. It never replaces a visit (局長通知 第12) nor an emergency call.

Questions: the office's own practice; the answers marked as danger are those where waiting for a visit would hurt.
"""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import N_, Ask, Form, Option, Question, Screen, when

_SKIP: Final = Option("skip", N_("今は 答えません"))


def _screen(key: str, label: str, short: str, *options: Option, hint: str = "") -> Screen:
    return Screen(key, (Question(key, Ask.CHOICE, label, short, hint=hint, options=(*options, _SKIP)),))


CHECK_IN: Final = Form(
    kind=DutyKind.STATUS_CHECK_IN,
    version=1,
    name=N_("今月のようす"),
    lead=N_("10ほどの質問に、ボタンを押して答えます。2分くらいです。答えたくないことは、とばせます。"),
    note=N_(
        "これは、職員がたずねて行くかわりではありません。急に悪くなったとき、あぶないときは、待たずに119に電話してください。"
    ),
    monthly=True,
    screens=(
        _screen(
            "health",
            N_("先月とくらべて、 体の調子は どうですか"),
            N_("体の調子"),
            Option("better", N_("よく なりました"), "face-glad"),
            Option("same", N_("同じです"), "face-calm"),
            Option("worse", N_("すこし 悪いです"), "face-low"),
            Option("bad", N_("とても 悪いです"), "face-bad", danger=True),
        ),
        _screen(
            "meals",
            N_("ごはんは 食べられていますか"),
            N_("食事"),
            Option("three", N_("1日に 3回くらい"), "face-glad"),
            Option("two", N_("1日に 2回くらい"), "face-calm"),
            Option("one", N_("1日に 1回くらい"), "face-low"),
            Option("none", N_("食べられない日が あります"), "face-bad", danger=True),
        ),
        _screen(
            "sleep",
            N_("よく 眠れていますか"),
            N_("睡眠"),
            Option("well", N_("眠れています"), "face-glad"),
            Option("some", N_("ときどき 眠れません"), "face-calm"),
            Option("badly", N_("ほとんど 眠れません"), "face-bad"),
        ),
        _screen(
            "clinic",
            N_("病院と 薬は どうですか"),
            N_("通院・薬"),
            Option("no_need", N_("通っていません")),
            Option("regular", N_("きまったとおりに 通っています"), "face-glad"),
            Option("gaps", N_("行けない日や、 飲めない薬が あります"), "face-low"),
            Option("stopped", N_("行くのを やめました"), "face-bad"),
            Option("cannot", N_("具合が悪いのに 行けません"), "face-bad", danger=True),
        ),
        _screen(
            "money",
            N_("つぎの支給日まで、 お金は たりそうですか"),
            N_("お金"),
            Option("enough", N_("たりそうです"), "face-glad"),
            Option("tight", N_("ぎりぎりです"), "face-calm"),
            Option("little", N_("たりないかもしれません"), "face-low"),
            Option("none", N_("もう ほとんど ありません"), "face-bad", danger=True),
        ),
        _screen(
            "warmth",
            N_("部屋の 暑さ・寒さは どうですか"),
            N_("冷暖房・電気・水道"),
            Option("fine", N_("だいじょうぶです"), "face-glad"),
            Option("saving", N_("お金のことを考えて、 がまんしています"), "face-low"),
            Option("broken", N_("エアコンや ストーブが ありません・こわれています"), "face-low"),
            Option("cut", N_("電気・ガス・水道が 止まっています"), "face-bad", danger=True),
        ),
        _screen(
            "people",
            N_("この1週間に、 だれかと 話しましたか"),
            N_("人との つながり"),
            Option("often", N_("よく 話しました"), "face-glad"),
            Option("some", N_("すこし 話しました"), "face-calm"),
            Option("none", N_("だれとも 話していません"), "face-low"),
            Option("afraid", N_("いっしょにいる人が こわいです"), "face-bad", danger=True),
        ),
        _screen(
            "work",
            N_("仕事や、 仕事さがしは どうですか"),
            N_("仕事・仕事さがし"),
            Option("working", N_("働いています")),
            Option("looking", N_("さがしています")),
            Option("resting", N_("いまは 休んでいます")),
            Option("not_now", N_("働くことは 考えていません")),
            Option("help", N_("仕事さがしを 手つだってほしいです")),
        ),
        _screen(
            "home",
            N_("住まいで こまっていることは ありますか"),
            N_("住まい"),
            Option("none", N_("ありません"), "face-glad"),
            Option("repair", N_("こわれた所が あります")),
            Option("neighbours", N_("近所や 大家さんのことで こまっています")),
            Option("leave", N_("出ていくように 言われています"), "face-bad", danger=True),
        ),
        Screen(
            "change",
            (
                Question(
                    "change",
                    Ask.CHOICE,
                    N_("家族や くらしに 変わったことは ありますか"),
                    N_("変わったこと"),
                    hint=N_("引っこし、家族がふえた・へった、入院、仕事がはじまった・終わった、など"),
                    options=(Option("no", N_("ありません")), Option("yes", N_("あります")), _SKIP),
                ),
                Question(
                    "change_what",
                    Ask.TELL,
                    N_("どんなことですか"),
                    N_("変わったことの内容"),
                    hint=N_("短くて かまいません。"),
                    needed=False,
                    when=when("change", "yes"),
                ),
            ),
        ),
        Screen(
            "call",
            (
                Question(
                    "call",
                    Ask.CHOICE,
                    N_("職員に 電話してほしいですか"),
                    N_("電話の希望"),
                    options=(
                        Option("no", N_("いいえ")),
                        Option("yes", N_("電話してほしいです"), "phone", call=True),
                    ),
                ),
                Question(
                    "call_when",
                    Ask.SEVERAL,
                    N_("いつがよいですか"),
                    N_("電話のよい時間"),
                    needed=False,
                    when=when("call", "yes"),
                    options=(
                        Option("morning", N_("午前")),
                        Option("noon", N_("12時から 3時")),
                        Option("evening", N_("3時から 5時")),
                        Option("any", N_("いつでも")),
                    ),
                ),
            ),
        ),
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
