"""What a person tells the office, or answers to a question of her caseworker. It arrives like everything else."""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import N_, Ask, Form, Question, Screen

MESSAGE: Final = Form(
    kind=DutyKind.MESSAGE,
    version=1,
    name=N_("職員への連絡"),
    lead=N_("職員に伝えたいこと、聞きたいことを書けます。写真もつけられます。"),
    note=N_("急ぐときは、電話のほうが早くつながります。"),
    papers=False,
    files=N_("写真を つけるときは、 送ってください"),
    screens=(
        Screen(
            "tell",
            (
                Question(
                    "tell", Ask.TELL, N_("伝えたいことを 書いてください"), N_("内容"), hint=N_("短くて かまいません。")
                ),
            ),
        ),
    ),
)
