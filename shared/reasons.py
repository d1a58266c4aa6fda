"""Why something is asked for again, as an office words it: built-in reasons, its own, and what was said with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from shared import journal
from shared.errors import NotKept, NotThere
from shared.model import Actor, CorrectionItem, CorrectionReason, Reason, ReasonWords
from shared.retention import take_turn
from shared.rules import my_number
from shared.rules.access import only_for_supervisors
from shared.rules.reasons import ALWAYS, BUILT_IN, LANGUAGES, OWN
from shared.sign_in import Staff

JAPANESE: Final = "ja"
LONGEST_LABEL: Final = 30  # characters
LONGEST: Final = 100  # of a sentence
MOST: Final = 30  # reasons of one office, the built-in ones included


@dataclass(frozen=True)
class Sentences:
    """What the person reads about a file, and about a value."""

    about_file: str
    about_value: str


@dataclass(frozen=True)
class ReasonRow:
    """One reason of an office. ``said`` is by language, and always has Japanese."""

    code: str
    label: str
    said: Mapping[str, Sentences]
    active: bool

    @property
    def is_own(self) -> bool:
        return self.code.startswith(OWN)

    @property
    def may_be_off(self) -> bool:
        return self.code not in ALWAYS

    @property
    def is_offered(self) -> bool:
        """Whether staff may choose it; that a file could not be opened, only the machine says."""
        return self.active and self.code != Reason.UNREADABLE


@dataclass(frozen=True)
class Wording:
    """What a supervisor wants of a reason: as ``ReasonRow``."""

    label: str
    said: Mapping[str, Sentences]
    active: bool = True


def of(session: Session, office_id: UUID) -> dict[str, ReasonRow]:
    """Every reason of the office by its code: the built-in ones, its own as they came, last the one for all else."""
    found = session.execute(
        select(CorrectionReason, ReasonWords)
        .join(
            ReasonWords,
            and_(ReasonWords.office_id == CorrectionReason.office_id, ReasonWords.reason_id == CorrectionReason.id),
        )
        .where(CorrectionReason.office_id == office_id)
        .order_by(CorrectionReason.id)
    ).all()
    rows = {code.value: _built_in(code) for code in Reason if code is not Reason.OTHER}
    last = {Reason.OTHER.value: _built_in(Reason.OTHER)}
    said: dict[str, dict[str, Sentences]] = {}
    for reason, words in found:
        hers = said.setdefault(reason.code, {})
        hers[words.lang] = Sentences(words.about_file, words.about_value)
        group = last if reason.code in last else rows
        group[reason.code] = ReasonRow(reason.code, reason.label, hers, reason.active)
    return rows | last


def _built_in(code: Reason) -> ReasonRow:
    words = BUILT_IN[code]
    return ReasonRow(code.value, words.label, {JAPANESE: Sentences(words.about_file, words.about_value)}, active=True)


def label_of(code: str, own: str | None) -> str:
    """What staff call a reason: in the office's own words, where it has any."""
    return own or BUILT_IN[Reason(code)].label


def say(session: Session, office_id: UUID, items: list[CorrectionItem]) -> None:
    """Write into each item what the person reads now, so that no later wording changes what she was told.

    :raises ValueError: for a reason the office does not have.
    """
    known = of(session, office_id)
    for item in items:
        if item.reason not in known:
            raise ValueError("a reason the office does not have")
        said = {
            lang: one.about_value if item.file_id is None else one.about_file
            for lang, one in known[item.reason].said.items()
        }
        item.said, item.said_in = said.pop(JAPANESE), said


def change(session: Session, who: Staff, code: str, wanted: Wording) -> None:
    """Word a reason anew, or switch it off or on. What has been asked keeps its words.

    :raises NotThere: for whoever is no supervisor, or a code the office does not have.
    :raises NotKept: for the label of another one.
    :raises ValueError: for words that cannot be kept, or switching off what must stay.
    """
    only_for_supervisors(who.role)
    take_turn(session, who.office_id)
    known = of(session, who.office_id)
    if code not in known:
        raise NotThere
    if not (wanted.active or known[code].may_be_off):
        raise ValueError("this reason must stay")
    _check(known, wanted, code)
    if known[code] == ReasonRow(code, wanted.label, wanted.said, wanted.active):
        return
    row = session.scalar(
        select(CorrectionReason).where(CorrectionReason.office_id == who.office_id, CorrectionReason.code == code)
    )
    if row is None:
        row = CorrectionReason(office_id=who.office_id, code=code)
        session.add(row)
    _write(session, row, wanted)
    journal.record(
        session, who.office_id, Actor.staff(who.staff_id), "reason.changed", row.id, code=code, active=wanted.active
    )


def add(session: Session, who: Staff, wanted: Wording) -> str:
    """Add a reason of the office's own, and return its code. The same again is the same one.

    :raises NotThere: for whoever is no supervisor.
    :raises NotKept: for the label of another one, or one too many.
    :raises ValueError: for words that cannot be kept.
    """
    only_for_supervisors(who.role)
    take_turn(session, who.office_id)
    known = of(session, who.office_id)
    same = [one for one in known.values() if one == ReasonRow(one.code, wanted.label, wanted.said, wanted.active)]
    if same:
        return same[0].code
    _check(known, wanted, None)
    if len(known) >= MOST:
        raise NotKept("too_many")
    code = f"{OWN}{1 + sum(one.is_own for one in known.values())}"
    row = CorrectionReason(office_id=who.office_id, code=code)
    session.add(row)
    _write(session, row, wanted)
    journal.record(session, who.office_id, Actor.staff(who.staff_id), "reason.added", row.id, code=code)
    return code


def _write(session: Session, row: CorrectionReason, wanted: Wording) -> None:
    row.label, row.active = wanted.label, wanted.active
    session.flush()
    for old in session.scalars(
        select(ReasonWords).where(ReasonWords.office_id == row.office_id, ReasonWords.reason_id == row.id)
    ):
        session.delete(old)
    session.flush()
    for lang, said in wanted.said.items():
        facts = {"lang": lang, "about_file": said.about_file, "about_value": said.about_value}
        session.add(ReasonWords(office_id=row.office_id, reason_id=row.id, **facts))
    session.flush()


def _check(known: Mapping[str, ReasonRow], wanted: Wording, code: str | None) -> None:
    texts = [text for one in wanted.said.values() for text in (one.about_file, one.about_value)]
    kept = all(text == text.strip() and 1 <= len(text) <= LONGEST for text in texts)
    label = wanted.label
    if not kept or label != label.strip() or not 1 <= len(label) <= LONGEST_LABEL or JAPANESE not in wanted.said:
        raise ValueError("a reason has a short label and a sentence of one line each, in Japanese at least")
    if wanted.said.keys() - LANGUAGES.keys() - {JAPANESE} or any(my_number.is_in(text) for text in (label, *texts)):
        raise ValueError("an unknown language, or a number that nobody may keep")
    if any(one.label == label for one in known.values() if one.code != code):
        raise NotKept("same_label")
