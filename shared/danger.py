"""An office's list of danger words, and what of it stands in something that is sent."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import journal
from shared.model import MACHINE, DangerWord
from shared.rules import danger
from shared.rules.danger import NotAWord, OwnWord, Word, checked, fold


def words_of(session: Session, office_id: UUID) -> tuple[Word, ...]:
    """The list that holds at an office."""
    return danger.in_force(OwnWord(row.word, row.about, row.added) for row in _own(session, office_id))


def set_words(
    session: Session, office_id: UUID, *, add: Sequence[str] = (), about: str = "", remove: Sequence[str] = ()
) -> tuple[Word, ...]:
    """Let an office's list have words more or less, from the next thing that is sent. Twice is once.

    :returns: the list as it holds then.
    :raises NotAWord: for what cannot be a word, or is taken out and was never in the list.
    """
    changed = [_add(session, office_id, checked(word), about.strip()) for word in add]
    changed += [_remove(session, office_id, word) for word in remove]
    session.flush()
    if any(changed):
        facts = {"added": list(add), "removed": list(remove)}
        journal.record(session, office_id, MACHINE, "danger_words.set", office_id, **facts)
    return words_of(session, office_id)


def _add(session: Session, office_id: UUID, word: str, about: str) -> bool:
    row = _row(session, office_id, word)
    if row is None and not _in_table(word):
        session.add(DangerWord(office_id=office_id, word=word, about=about, added=True))
        session.flush()
        return True
    if row is None or row.added:
        return False
    session.delete(row)
    session.flush()
    return True


def _remove(session: Session, office_id: UUID, word: str) -> bool:
    row = _row(session, office_id, word)
    if row is not None and row.added:
        session.delete(row)
        session.flush()
        return True
    if row is None and not _in_table(word):
        raise NotAWord("unknown")
    if row is None:
        session.add(DangerWord(office_id=office_id, word=checked(word), about="", added=False))
        session.flush()
        return True
    return False


def _own(session: Session, office_id: UUID) -> Sequence[DangerWord]:
    return session.scalars(select(DangerWord).where(DangerWord.office_id == office_id).order_by(DangerWord.id)).all()


def _row(session: Session, office_id: UUID, word: str) -> DangerWord | None:
    return next((row for row in _own(session, office_id) if fold(row.word) == fold(word)), None)


def _in_table(word: str) -> bool:
    return any(fold(word) == fold(one.word) for one in danger.WORDS)
