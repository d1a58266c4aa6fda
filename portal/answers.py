"""Fields that understand how people write: amounts in any width, days, months. The sentence sits by its rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from wtforms import StringField

from shared.rules.yen import NotAnAmount, days, yen


class _NumberField(StringField):
    """A number written as text. What was typed stays in the field, right or wrong."""

    read: Callable[[str], int]

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = valuelist[0] if valuelist else ""
        self.typed = typed
        try:
            self.data: Any = type(self).read(typed)
        except NotAnAmount as wrong:
            self.data = None
            raise ValueError(self.sentence(wrong.code, typed)) from wrong

    def _value(self) -> str:
        typed: str | None = getattr(self, "typed", None)
        if typed is not None:
            return typed
        return "" if self.data is None else f"{self.data}"

    def sentence(self, code: str, typed: str) -> str:
        """What to do, for a code of ``NotAnAmount``."""
        raise NotImplementedError


class YenField(_NumberField):
    """Whole yen."""

    read = staticmethod(yen)

    def sentence(self, code: str, typed: str) -> str:
        sentences: dict[str, str] = {
            "missing": _("金額を書いてください。ないときは「0」と書いてください。"),
            "not_a_number": _("「%(typed)s」と書いてあります。数字だけで書いてください。例：80000", typed=typed[:30]),
            "fraction": _("「%(typed)s」と書いてあります。円より下はいりません。例：80000", typed=typed[:30]),
            "negative": _("マイナスはつけないで、数字だけで書いてください。例：80000"),
            "too_much": _("数字が多すぎるようです。もう一度見てください。1か月分の金額を書きます。"),
        }
        return sentences[code]


class DaysField(_NumberField):
    """Days of one month."""

    read = staticmethod(days)

    def sentence(self, code: str, typed: str) -> str:
        sentences: dict[str, str] = {
            "missing": _("働いた日の数を書いてください。なかったときは「0」と書いてください。"),
            "not_a_number": _("「%(typed)s」と書いてあります。数字だけで書いてください。例：18", typed=typed[:30]),
            "negative": _("マイナスはつけないで、数字だけで書いてください。例：18"),
            "too_much": _("1か月は31日までです。もう一度見てください。"),
        }
        return sentences[code]
