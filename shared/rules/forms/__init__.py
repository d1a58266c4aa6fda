"""The declared forms, by kind. A new form is one file here and one line below."""

from __future__ import annotations

from datetime import date
from typing import Final

from shared.model import DutyKind
from shared.rules.forms.check_in import CHECK_IN
from shared.rules.forms.form import N_, Form
from shared.rules.wareki import japanese_month

FORMS: Final[dict[DutyKind, Form]] = {form.kind: form for form in (CHECK_IN,)}
INCOME_REPORT: Final = N_("収入申告書")


def name_of(kind: DutyKind) -> str:
    """What a form is called, in Japanese."""
    return FORMS[kind].name if kind in FORMS else INCOME_REPORT


def is_monthly(kind: DutyKind) -> bool:
    """Whether it is about a month, which then stands in its name."""
    return kind not in FORMS or FORMS[kind].monthly


def title_of(kind: DutyKind, month: date) -> str:
    """The whole name on paper: 収入申告書　令和8年10月分."""
    return f"{name_of(kind)}　{japanese_month(month)}分" if is_monthly(kind) else name_of(kind)
