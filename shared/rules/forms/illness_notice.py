"""傷病届: somebody is ill or hurt and sees, or wants to see, a doctor.

Source: the offices' usual 傷病届; 医療扶助運営要領. A third party (traffic, work) matters because another insurance
may pay (生活保護法 4条, 76条の2).
"""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import N_, Ask, Form, Option, Question, Screen, when

ILLNESS_NOTICE: Final = Form(
    kind=DutyKind.ILLNESS_NOTICE,
    version=1,
    name=N_("病気・けがの届け"),
    lead=N_("病気やけがで、病院に行きたいとき、行ったときに出します。2分くらいです。"),
    note=N_("いますぐ苦しいときは、待たずに119に電話してください。病院に行くのに、この届けを待つ必要はありません。"),
    files=N_("あれば、病院の紙の写真を 送ってください"),
    screens=(
        Screen("who", (Question("who", Ask.MEMBER, N_("だれが 病気・けがですか"), N_("病気・けがの人")),)),
        Screen(
            "what",
            (
                Question(
                    "what",
                    Ask.TELL,
                    N_("どこが どう わるいですか"),
                    N_("症状"),
                    hint=N_("例：3日前から おなかが痛い。病名は わからなくて かまいません。"),
                ),
            ),
        ),
        Screen("since", (Question("since", Ask.DAY, N_("いつからですか"), N_("いつから"), needed=False),)),
        Screen(
            "doctor",
            (
                Question(
                    "doctor",
                    Ask.CHOICE,
                    N_("病院は どうしますか"),
                    N_("受診"),
                    options=(
                        Option("goes", N_("もう 通っています")),
                        Option("went", N_("一度 行きました")),
                        Option("wants", N_("これから 行きたいです")),
                        Option("now", N_("すぐに 行きたいのに、行けません"), "face-bad", danger=True),
                        Option("unsure", N_("行くか まよっています")),
                    ),
                ),
            ),
        ),
        Screen(
            "clinic",
            (
                Question(
                    "clinic",
                    Ask.TEXT,
                    N_("どこの 病院ですか"),
                    N_("病院"),
                    hint=N_("決まっていなければ、書かなくて かまいません。"),
                    needed=False,
                ),
            ),
        ),
        Screen(
            "cause",
            (
                Question(
                    "cause",
                    Ask.CHOICE,
                    N_("どうして なりましたか"),
                    N_("原因"),
                    options=(
                        Option("illness", N_("病気です")),
                        Option("fall", N_("自分で けがをしました")),
                        Option("work", N_("仕事中・通勤中の けがです")),
                        Option("traffic", N_("交通事故です")),
                        Option("person", N_("ほかの人に けがを させられました"), danger=True),
                        Option("unknown", N_("わかりません")),
                    ),
                ),
            ),
        ),
        Screen(
            "way",
            (
                Question(
                    "way",
                    Ask.CHOICE,
                    N_("病院まで 一人で 行けますか"),
                    N_("通院の方法"),
                    options=(
                        Option("alone", N_("行けます")),
                        Option("bus", N_("バスや電車が いります")),
                        Option("taxi", N_("歩けないので、車が いります")),
                        Option("help", N_("だれかに つきそってほしいです")),
                    ),
                ),
                Question(
                    "way_why",
                    Ask.TEXT,
                    N_("その わけ"),
                    N_("通院の事情"),
                    needed=False,
                    when=when("way", "bus", "taxi", "help"),
                ),
            ),
        ),
    ),
)
