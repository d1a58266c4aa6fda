"""How values become words on a page: filters and globals for the templates of both apps."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import uuid4

from flask_babel import get_locale, gettext, lazy_gettext
from markupsafe import Markup

from shared import clock
from shared.model import DutyKind
from shared.receipts import readable_size
from shared.rules import forms, wareki
from shared.rules.forms.form import SHOTS, name, text_of, worded
from shared.rules.income import Remark
from shared.slips import FileRow, ItemRow, SaidRow, Slip

_TEN: Final = 10  # from here on つ is no longer said
_BETWEEN_JAPANESE: Final = re.compile(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])")


def yen(amount: int | None) -> str:
    """84,500円."""
    return "—" if amount is None else gettext("%(amount)s円", amount=f"{amount:,}")


def in_fours(sha256: str) -> str:
    """A hash in groups, so that two people can compare it by voice."""
    return " ".join(sha256[start : start + 8] for start in range(0, len(sha256), 8))


def phrases(text: str) -> Markup:
    """A heading that breaks between phrases only: a space between two Japanese words becomes a place to break."""
    return Markup("<wbr>").join(_BETWEEN_JAPANESE.split(str(text)))


def pieces(count: int) -> str:
    """4つ, 12個: how many things, the way Japanese counts them."""
    counted: str = gettext("%(count)sつ", count=count) if 0 < count < _TEN else gettext("%(count)s個", count=count)
    return counted


def nth(number: int) -> str:
    """4つめ, 12番め: which of several things."""
    counted: str = gettext("%(no)sつめ", no=number) if 0 < number < _TEN else gettext("%(no)s番め", no=number)
    return counted


def weekday(day: date) -> str:
    """月曜."""
    return wareki.WEEKDAYS[day.weekday()] + "曜"


def desk_moment(moment: datetime) -> str:
    """11/19 20:12, as the desk's tables write it."""
    local = moment.astimezone(clock.TOKYO)
    return f"{local.month}/{local.day} {local.hour}:{local.minute:02}"


def desk_seconds(moment: datetime) -> str:
    """2026-11-19 20:12:41, on the clock of Tokyo: where seconds count."""
    return moment.astimezone(clock.TOKYO).strftime("%Y-%m-%d %H:%M:%S")


def thing(kind: DutyKind, month: date) -> str:
    """A form by name, with its month where it is about one: 収入申告書　10月分."""
    called: str = gettext(forms.name_of(kind))
    if not forms.is_monthly(kind):
        return called
    said: str = gettext("%(name)s　%(month)s月分", name=called, month=month.month)
    return said


def in_month(text: str, month: date) -> str:
    """A text of a form, with the months it names."""
    return worded(gettext(text), month)


def file_name(file: FileRow) -> str:
    """A file as the lists name it, with which photo it is, if it was asked for."""
    if file.shot not in SHOTS:
        return file.name
    named: str = gettext("%(shot)s　%(name)s", shot=gettext(SHOTS[file.shot].short), name=file.name)
    return named


def label(row: SaidRow) -> str:
    """What an answer of a declared form is called, with its number where there are several."""
    short = called(row)
    if row.row is None or row.of == 1:
        return short
    numbered: str = gettext("%(what)s（%(no)s）", what=short, no=nth(row.row + 1))
    return numbered


def called(row: SaidRow) -> str:
    """What an answer is called among the others of its row."""
    return name(row.question, row.month, translate=gettext)


def answer(row: SaidRow) -> str:
    """An answer of a declared form."""
    return text_of(row.question, row.answer, row.member, translate=gettext)


class Declared(NamedTuple):
    """One answer of a submission, ready to be read."""

    id: str  # what a request for correction calls it
    label: str
    text: str
    danger: bool  # one that somebody must see first


def declared(slip: Slip) -> list[Declared]:
    """What a submission says, answer by answer."""
    return [Declared(row.id, label(row), answer(row), row.danger) for row in slip.said if row.is_said]


def remark(found: Remark) -> str:
    """One thing worth a second look, in words."""
    facts = dict(found.facts)
    for key in {"taken", "gross", "was"} & facts.keys():
        facts[key] = yen(facts[key])
    for key in {"needed", "found"} & facts.keys():
        facts[key] = pieces(facts[key])
    if "months" in facts:
        facts["months"] = "、".join(wareki.japanese_month(month) for month in facts["months"])
    return str(REMARKS[found.seen]) % facts


def office_words(text: str) -> str:
    """A text of ours or of the office; a template's own gettext would take it for safe HTML and for a format."""
    return str(gettext(text))


def asked(item: ItemRow) -> str:
    """The sentence that was shown with a request for correction: in the reader's language if it was written in it."""
    return item.said_in.get(str(get_locale()).replace("_", "-")) or str(gettext(item.said))


def what_was_asked(slip: Slip, value: str) -> str:
    """What an answer is called that was asked for again; its row may have been taken out since."""
    return next((one.label for one in declared(slip) if one.id == value), gettext("前に書いたこと"))


# One sentence for each thing that can be wrong with a file; what to do instead stands in it.
FILE_REFUSALS: Final = {
    "empty": lazy_gettext("中身がありません（0バイト）。もう一度えらんでください。"),
    "too_big": lazy_gettext("大きすぎて受け取れません。写真なら、とりなおすと小さくなります。"),
    "office": lazy_gettext(
        "WordやExcelのファイルは受け取れません。そのアプリの「ファイル」から「印刷」か「エクスポート」を押して"
        "「PDF」で保存し、それを送ってください。画面を写真にとってもかまいません。"
    ),
    "archive": lazy_gettext("まとめたファイル（ZIPなど）は受け取れません。中の写真かPDFを、1つずつ送ってください。"),
    "unknown": lazy_gettext("写真かPDFではないようです。紙を写真にとって送ってください。"),
    "locked": lazy_gettext("鍵（パスワード）がかかっていて開けません。紙か画面を写真にとって送ってください。"),
    "unreadable": lazy_gettext("こわれていて開けません。もう一度えらぶか、写真にとって送ってください。"),
    "too_many_pages": lazy_gettext("ページが多すぎます。いるところだけを写真にとって送ってください。"),
    "infected": lazy_gettext(
        "安全のため、開かずにしまいました（ウイルスの疑い）。紙か画面を写真にとって送ってください。"
    ),
    "too_much_today": lazy_gettext("きょう受け取れる量をこえました。あしたまた送るか、電話で相談してください。"),
    "crashed": lazy_gettext("開けませんでした。紙か画面を写真にとって送ってください。"),
    "lost": lazy_gettext("こちらの機械の都合で、失われました。もうしわけありません。もう一度送ってください。"),
    "not_kept": lazy_gettext("いま、受け取る機械がいっぱいです。少し待って、もう一度送ってください。"),
}

# Why a paper is not there, as the person says it.
ABSENT: Final = {
    "later": lazy_gettext("あとで 送ります"),
    "lost": lazy_gettext("見つかりません"),
    "never": lazy_gettext("会社や 銀行から もらえません"),
    "not_mine": lazy_gettext("わたしには ありません"),
}

# Expected beside found, as the person and the desk read it. It is never a reproach.
REMARKS: Final = {
    "taken_off": lazy_gettext("引かれたお金（%(taken)s）が、給料（%(gross)s）より多いようです。"),
    "far": lazy_gettext("前の月は %(was)s でした。%(gross)s で よいか、けたを 見てください。"),
    "gone": lazy_gettext(
        "前の月に書いた「%(employer)s」が ありません。やめたときなどは、そのままで だいじょうぶです。"
    ),
    "unsaid": lazy_gettext("%(name)sさんのことが、まだ 書かれていません。"),
    "papers": lazy_gettext(
        "仕事は %(needed)s、写真やPDFは %(found)s です。ないときは「書類がないとき」で 教えてください。"
    ),
    "no_papers": lazy_gettext(
        "給与明細の 写真やPDFは、まだ ありません。ないときは「書類がないとき」で 教えてください。"
    ),
    "month": lazy_gettext("送ってもらった紙は、%(months)s分の ようです。"),
    "amount": lazy_gettext("送ってもらった紙の中に、%(gross)s が 見つかりませんでした。"),
}

# State, word for the recipient, tone, icon.
PORTAL_STATES: Final = {
    "arrived": (lazy_gettext("届きました"), "ok", "check"),
    "waiting": (lazy_gettext("届きました"), "ok", "check"),
    "in_review": (lazy_gettext("職員が見ています"), "ok", "eye"),
    "on_hold": (lazy_gettext("職員が見ています"), "ok", "eye"),
    "returned": (lazy_gettext("なおしてください"), "ask", "pencil"),
    "accepted": (lazy_gettext("見ました"), "ok", "eye"),
    "receipted": (lazy_gettext("受領証があります"), "info", "paper"),
    "withdrawn": (lazy_gettext("とりさげました"), "plain", "undo"),
    "voided": (lazy_gettext("とりけされました"), "plain", "undo"),
}

STAFF_STATES: Final = {
    "arrived": (lazy_gettext("写しを作成中"), "plain", "clock"),
    "waiting": (lazy_gettext("確認待ち"), "info", "clock"),
    "in_review": (lazy_gettext("対応中"), "hold", "lock"),
    "on_hold": (lazy_gettext("保留"), "hold", "pause"),
    "returned": (lazy_gettext("補正のおねがい中"), "ask", "pencil"),
    "accepted": (lazy_gettext("受理"), "ok", "check"),
    "receipted": (lazy_gettext("受領証 発行済み"), "ok", "paper"),
    "withdrawn": (lazy_gettext("取下げ"), "plain", "undo"),
    "voided": (lazy_gettext("取消し"), "plain", "undo"),
}

FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "yen": yen,
    "file_size": readable_size,
    "in_fours": in_fours,
    "weekday": weekday,
    "answer": answer,
    "remark": remark,
    "asked": asked,
    "office_words": office_words,
    "label": label,
    "called": called,
    "file_name": file_name,
    "phrases": phrases,
    "nth": nth,
    "pieces": pieces,
    "desk_moment": desk_moment,
    "desk_seconds": desk_seconds,
    "japanese_date": wareki.japanese_date,
    "japanese_month": wareki.japanese_month,
    "short_date": wareki.short_date,
    "short_moment": wareki.short_moment,
    "japanese_moment": wareki.japanese_moment,
}
GLOBALS: Final[dict[str, Any]] = {
    "FILE_REFUSALS": FILE_REFUSALS,
    "ABSENT": ABSENT,
    "PORTAL_STATES": PORTAL_STATES,
    "STAFF_STATES": STAFF_STATES,
    "declared": declared,
    "in_month": in_month,
    "thing": thing,
    "what_was_asked": what_was_asked,
    "today": clock.today,
    "now": clock.now,
    "new_attempt": uuid4,  # drawn into each form that must happen once
}
