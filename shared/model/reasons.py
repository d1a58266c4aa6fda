"""The office's own words for why something is asked for again, and reasons of its own."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, of_office


class CorrectionReason(OfOffice, Base):
    """What an office makes of a reason, or one it has added; a reason without a row is used as it was built in.

    Rows are never deleted: what was asked for years ago still finds the label of its reason.
    """

    __tablename__ = "correction_reason"
    __table_args__ = (
        of_office(),
        UniqueConstraint("office_id", "code"),
        CheckConstraint("length(code) BETWEEN 1 AND 20", name="code"),
        CheckConstraint("length(label) BETWEEN 1 AND 30", name="label"),
    )
    code: Mapped[str]  # of a built-in one the word of ``Reason``; own_1, own_2 … of the others
    label: Mapped[str]  # what staff choose
    active: Mapped[bool]  # whether it is offered


class ReasonWords(Base):
    """What the person reads for one reason, in one language. Japanese is there wherever another is."""

    __tablename__ = "reason_words"
    __table_args__ = (
        belongs_to("reason_id", "correction_reason"),
        CheckConstraint("length(about_file) BETWEEN 1 AND 100", name="about_file"),
        CheckConstraint("length(about_value) BETWEEN 1 AND 100", name="about_value"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    reason_id: Mapped[UUID] = mapped_column(primary_key=True)
    lang: Mapped[str] = mapped_column(primary_key=True)  # BCP 47, as <html lang> says it
    about_file: Mapped[str]
    about_value: Mapped[str]
