"""The declared forms, by kind. A new form is one file here and one line below."""

from __future__ import annotations

from datetime import date
from typing import Final

from shared.model import DutyKind
from shared.rules.forms.asset_report import ASSET_REPORT
from shared.rules.forms.change_notice import CHANGE_NOTICE
from shared.rules.forms.check_in import CHECK_IN
from shared.rules.forms.form import Form
from shared.rules.forms.illness_notice import ILLNESS_NOTICE
from shared.rules.forms.income_report import INCOME_REPORT
from shared.rules.forms.job_search_report import JOB_SEARCH_REPORT
from shared.rules.forms.message import MESSAGE
from shared.rules.forms.proofs import PROOFS
from shared.rules.forms.room_photos import ROOM_PHOTOS
from shared.rules.wareki import japanese_month

# In the order of the portal's list: what is sent most often first.
_ALL: Final = (
    INCOME_REPORT,
    CHECK_IN,
    PROOFS,
    CHANGE_NOTICE,
    ILLNESS_NOTICE,
    ROOM_PHOTOS,
    JOB_SEARCH_REPORT,
    ASSET_REPORT,
    MESSAGE,
)
FORMS: Final[dict[DutyKind, Form]] = {form.kind: form for form in _ALL}


def name_of(kind: DutyKind) -> str:
    """What a form is called, in Japanese."""
    return FORMS[kind].name


def is_monthly(kind: DutyKind) -> bool:
    """Whether it is about a month, which then stands in its name."""
    return FORMS[kind].monthly


def title_of(kind: DutyKind, month: date) -> str:
    """The whole name on paper: 収入申告書　令和8年10月分."""
    return f"{name_of(kind)}　{japanese_month(month)}分" if is_monthly(kind) else name_of(kind)
