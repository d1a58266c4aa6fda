"""定型文: what an office says often, with places to be filled in."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from shared.model.base import Base, OfOffice, of_office


class FixedText(OfOffice, Base):
    """One text for messages to a person. What was sent with it keeps its own words."""

    __tablename__ = "fixed_text"
    __table_args__ = (
        of_office(),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("length(title) BETWEEN 1 AND 40", name="title"),
        CheckConstraint("length(text) BETWEEN 1 AND 1000", name="text"),
        Index("ix_fixed_text_position", "office_id", "position"),
    )
    position: Mapped[int]  # from 1; the order in which they are offered
    title: Mapped[str]
    text: Mapped[str]
    active: Mapped[bool]  # whether it is offered
    attempt: Mapped[UUID]  # drawn into the form: a double tap is one text
