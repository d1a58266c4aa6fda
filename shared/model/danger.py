"""An office's own words with which waiting could hurt, beside the table that everybody begins with."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from shared.model.base import Base, OfOffice, of_office


class DangerWord(OfOffice, Base):
    """A word that one office adds to the table, or takes out of it."""

    __tablename__ = "danger_word"
    __table_args__ = (
        of_office(),
        UniqueConstraint("office_id", "word"),
        CheckConstraint("length(word) >= 2", name="word"),
    )
    word: Mapped[str]  # as people write it; see rules.danger for how it is looked for
    about: Mapped[str]
    added: Mapped[bool]  # False: what the table says of this word does not hold here
