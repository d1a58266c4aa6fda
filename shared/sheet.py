"""受付票: every word of the slip that a person has at once, in Japanese and beside it in her language.

Unlike the 受領証 nobody signs it and nobody waits for it. It names neither her nor what kind of office this is: it lies
on phones that others hold, too.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, drafts
from shared.errors import NotThere
from shared.model import FileState, State, Step, Submission, SubmissionVersion, WelfareOffice
from shared.receipts import declared, readable_size
from shared.rules.forms import is_monthly
from shared.rules.forms.form import SHOTS
from shared.rules.slip_words import EASY, JAPANESE, tag, words
from shared.rules.wareki import japanese_moment, japanese_month, short_date
from shared.slips import FileRow, Slip, slip

_SAID_AS: Final = {  # what a person need not tell apart
    State.ARRIVED: "state_arrived",
    State.WAITING: "state_arrived",
    State.IN_REVIEW: "state_in_review",
    State.ON_HOLD: "state_in_review",
    State.RETURNED: "state_returned",
    State.ACCEPTED: "state_accepted",
    State.RECEIPTED: "state_receipted",
    State.WITHDRAWN: "state_withdrawn",
    State.VOIDED: "state_voided",
}
_ENDED: Final = (State.WITHDRAWN, State.VOIDED)
_NEXT: Final = {
    State.RETURNED: ("next_correct",),
    State.ACCEPTED: ("next_certificate",),
    State.RECEIPTED: ("next_nothing",),
    State.WITHDRAWN: ("stays", "next_again"),
    State.VOIDED: ("stays", "next_again"),
}
Pair = tuple[str, str]  # Japanese, and her language; empty where that is Japanese


class Words:
    """The sentences of a slip, each in Japanese with one language beside it."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._japanese, self._hers = words(JAPANESE), words(language)

    @property
    def alone(self) -> bool:
        """Whether there is nothing to stand beside the Japanese."""
        return self.language == JAPANESE

    @property
    def tag(self) -> str:
        """Her language as HTML names it."""
        return tag(self.language)

    def moment(self, moment: datetime) -> str:
        """2026-11-19 20:12:41 (UTC+09:00, Japan time)."""
        return _when(moment, self.pair("japan_time"))[1]

    @staticmethod
    def state(state: State) -> str:
        """The key of the sentence that says how something sent stands."""
        return _SAID_AS[state]

    def pair(self, key: str, japanese: str = "", hers: str = "", /) -> Pair:
        """One sentence; what is given is put where it has a {place}."""
        return self._filled(self._japanese[key], japanese), "" if self.alone else self._filled(self._hers[key], hers)

    @staticmethod
    def _filled(sentence: str, given: str) -> str:
        return sentence.replace("{no}", given).replace("{day}", given)


def sheet(session: Session, submission: Submission, version: SubmissionVersion, language: str) -> dict[str, Any]:
    """What the slip of a version says, ready to be drawn.

    :param language: a key of ``shared.rules.slip_words.LANGUAGES``.
    """
    said = slip(session, submission, version)
    office = session.get_one(WelfareOffice, submission.office_id)
    say = Words(language)
    return {
        "language": language,
        "tag": tag(language),
        "title": say.pair("title"),
        "official": ("", "") if say.alone else say.pair("official"),
        "number_label": say.pair("number"),
        "number": said.number or "",
        "facts": _facts(say, said, submission, office, _ended_at(session, submission)),
        "declared_label": say.pair("declared"),
        "as_written": ("", "") if say.alone else say.pair("as_written"),
        "declared": declared(said),
        "files_label": say.pair("files"),
        "file_name": say.pair("file_name"),
        "pages": say.pair("pages"),
        "size": say.pair("size"),
        "no_files": say.pair("no_files"),
        "files": [_file(say, file) for file in said.files],
        "next_label": say.pair("next"),
        "next": _next(say, said),
        "not_decision": say.pair("not_decision"),
        "drawn": " ".join(filter(None, (*say.pair("drawn"), _moment(clock.now())))),
        "made_up": ("", ""),
    }


def with_sample_mark(content: dict[str, Any]) -> dict[str, Any]:
    """The same, saying that everybody on it is made up."""
    return {**content, "made_up": Words(content["language"]).pair("made_up")}


def _moment(moment: datetime) -> str:
    return moment.astimezone(clock.TOKYO).strftime("%Y-%m-%d %H:%M:%S (UTC+09:00)")


def _facts(
    say: Words, said: Slip, submission: Submission, office: WelfareOffice, ended_at: datetime | None
) -> list[dict[str, Any]]:
    if said.arrived_at is None or said.sent_at is None:
        raise NotThere  # a version that was sent has arrived, so this is only for the reader of types
    zone = say.pair("japan_time")
    rows = [_fact(say, "thing", say.pair(said.kind.value))]
    if is_monthly(said.kind):
        rows.append(_fact(say, "month", (f"{japanese_month(said.month)}分", f"{said.month:%Y-%m}")))
    rows.append(_fact(say, "arrived", _when(said.arrived_at, zone), strong=True))
    if said.version_no > 1 or said.version_no < submission.version_no:
        number = str(said.version_no)
        rows.append(_fact(say, "version", say.pair("version_no", number, number)))
    if said.version_no > 1:
        rows.append(_fact(say, "version_sent", _when(said.sent_at, zone), say.pair("first_kept")))
    if said.version_no < submission.version_no:
        rows[-1] = _more(rows[-1], say.pair("older"))
    state = _fact(say, "state", say.pair(_SAID_AS[said.state]), strong=said.state in _ENDED)
    rows.append(_more(state, _when(ended_at, zone)) if ended_at else state)
    rows.append(_fact(say, "office", (f"{office.city}　{office.counter}", "")))
    rows.append(_fact(say, "phone", (f"{office.phone}　（{office.hours}）", "")))
    return rows


def _when(moment: datetime, zone: Pair) -> Pair:
    local = moment.astimezone(clock.TOKYO)
    return f"{japanese_moment(moment, seconds=True)}（{zone[0]}）", f"{local:%Y-%m-%d %H:%M:%S} (UTC+09:00, {zone[1]})"


def _fact(say: Words, label: str, value: Pair, *more: Pair, strong: bool = False) -> dict[str, Any]:
    row = {"label": say.pair(label), "lines": [value[0]], "hers": "" if say.alone else value[1], "strong": strong}
    for pair in more:
        row = _more(row, pair)
    return row


def _more(row: dict[str, Any], pair: Pair) -> dict[str, Any]:
    hers = " ".join(filter(None, (row["hers"], pair[1]))) if row["label"][1] else ""
    return {**row, "lines": [*row["lines"], pair[0]], "hers": hers}


def _file(say: Words, file: FileRow) -> dict[str, Any]:
    if file.pages:
        pages: Pair = (str(file.pages), "")
    else:
        pages = say.pair("not_opened" if file.state is FileState.REFUSED else "looked_at")
    return {
        "name": f"{SHOTS[file.shot].short}　{file.name}" if file.shot in SHOTS else file.name,
        "pages": pages,
        "size": readable_size(file.size),
        "sha256": file.sha256,
    }


def _next(say: Words, said: Slip) -> list[Pair]:
    if said.state in _NEXT:
        steps = [say.pair(key) for key in _NEXT[said.state]]
    elif said.look_by:
        steps = [
            say.pair("next_look", *_day(say, said.look_by)),
            say.pair("next_certificate"),
        ]
    else:
        steps = [say.pair("next_certificate")]
    return [*steps, say.pair("keep")]


def _day(say: Words, day: date) -> Pair:
    japanese = short_date(day)
    return japanese, japanese if say.language == EASY else day.isoformat()


def _ended_at(session: Session, submission: Submission) -> datetime | None:
    if submission.state not in _ENDED:
        return None
    return session.scalar(
        select(Step.at)
        .where(
            Step.office_id == submission.office_id,
            Step.submission_id == submission.id,
            Step.became == submission.state,
        )
        .order_by(Step.id.desc())
        .limit(1)
    )


def version_of(session: Session, submission: Submission, number: int | None) -> SubmissionVersion:
    """The version with this number that was sent; the last one without a number.

    :raises NotThere: if there is none.
    """
    sent = drafts.sent_versions(session, submission)
    found = next((one for one in sent if one.no == (number or submission.version_no)), None)
    if found is None:
        raise NotThere
    return found
