"""部屋の写真: a place shown instead of a camera carried to the home. It replaces no visit (局長通知 第12)."""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import DETAIL, N_, WHOLE, Ask, Form, Option, Question, Screen, when

ROOM_PHOTOS: Final = Form(
    kind=DutyKind.ROOM_PHOTOS,
    version=1,
    name=N_("部屋の写真"),
    lead=N_("こわれた所や部屋のようすを、写真で見せられます。散らかっていても、かまいません。1か所ずつ送ります。"),
    note=N_("ガスのにおいがするとき、火が出そうなときは、写真をとらずに、すぐに家を出て119に電話してください。"),
    files=N_("写真を とってください"),
    papers=False,
    shots=(WHOLE, DETAIL),
    screens=(
        Screen(
            "place",
            (
                Question(
                    "place",
                    Ask.CHOICE,
                    N_("どこの 写真ですか"),
                    N_("場所"),
                    options=(
                        Option("kitchen", N_("台所")),
                        Option("bath", N_("おふろ・洗面所")),
                        Option("toilet", N_("トイレ")),
                        Option("living", N_("居間・部屋")),
                        Option("bedroom", N_("寝るところ")),
                        Option("entrance", N_("げんかん・窓・かぎ")),
                        Option("outside", N_("家の外")),
                        Option("appliance", N_("家具・家電（エアコンなど）")),
                        Option("other", N_("そのほか")),
                    ),
                ),
                Question(
                    "place_other",
                    Ask.TEXT,
                    N_("そのほかのときは、どこですか"),
                    N_("場所（そのほか）"),
                    needed=False,
                    when=when("place", "other"),
                ),
            ),
        ),
        Screen(
            "why",
            (
                Question(
                    "why",
                    Ask.CHOICE,
                    N_("何のための 写真ですか"),
                    N_("目的"),
                    options=(
                        Option("repair", N_("こわれたので、なおしたい")),
                        Option("equipment", N_("なくて こまっている・買いたい")),
                        Option("moving", N_("引っこしのため")),
                        Option("show", N_("職員が 家で写真をとるかわりに")),
                        Option("other", N_("そのほか")),
                    ),
                ),
            ),
        ),
        Screen(
            "state",
            (
                Question(
                    "state",
                    Ask.CHOICE,
                    N_("いま くらしに こまっていますか"),
                    N_("こまり具合"),
                    options=(
                        Option("fine", N_("こまっていません"), "face-glad"),
                        Option("some", N_("すこし こまっています"), "face-low"),
                        Option("water", N_("水が止まらない・水が出ない"), "face-bad", danger=True),
                        Option("cold", N_("暑さ・寒さで 体が つらい"), "face-bad", danger=True),
                        Option("lock", N_("かぎが かからない"), "face-bad", danger=True),
                    ),
                ),
            ),
            when=when("why", "repair", "equipment", "other"),
        ),
        Screen(
            "asked_by",
            (
                Question(
                    "asked_by",
                    Ask.CHOICE,
                    N_("だれに たのまれましたか"),
                    N_("たのんだ人"),
                    options=(
                        Option("staff", N_("職員")),
                        Option("self", N_("自分で 決めました")),
                        Option("landlord", N_("大家さん・業者")),
                        Option("other", N_("そのほか")),
                    ),
                ),
            ),
        ),
        Screen(
            "caption",
            (
                Question(
                    "caption",
                    Ask.TELL,
                    N_("写真の せつめいを 書いてください"),
                    N_("せつめい"),
                    hint=N_("例：3日前から おふろの お湯が出ません。キーボードのマイクを押すと、声でも書けます。"),
                    needed=False,
                ),
                Question("since", Ask.DAY, N_("いつからですか（わかれば）"), N_("いつから"), needed=False),
            ),
            heading=N_("どんな ようすですか"),
        ),
        Screen(
            "shown",
            (
                Question(
                    "shown",
                    Ask.CHOICE,
                    N_("写真は とれますか"),
                    N_("写真"),
                    hint=N_("とりたくないときは、そう言って だいじょうぶです。"),
                    options=(
                        Option("yes", N_("とります"), "camera"),
                        Option("cannot", N_("うまく とれません")),
                        Option("no", N_("とりたくありません")),
                    ),
                ),
            ),
        ),
    ),
)
