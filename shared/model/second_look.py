"""The supervisor's second look at some of what was accepted, and how many of them an office wants."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice, of_office

_OPEN = "looked_at IS NULL AND dropped_at IS NULL"
_UNREAD = "finding = 'talk' AND read_at IS NULL AND dropped_at IS NULL"


class Finding(StrEnum):
    """What a second look found. Neither changes anything for the person whose paper it is."""

    FINE = "fine"
    TALK = "talk"  # the two talk about it


class SecondLookRule(OfOffice, Base):
    """From a day on, so many of a hundred acceptances are looked at again. The newest that has begun counts."""

    __tablename__ = "second_look_rule"
    __table_args__ = (
        of_office(),
        belongs_to("set_by", "staff_member"),
        UniqueConstraint("office_id", "from_day"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
    )
    percent: Mapped[int]
    from_day: Mapped[date]
    secret: Mapped[str]  # the draw cannot be reckoned without it; no page and no log shows it
    set_by: Mapped[UUID | None]  # None: from the terminal


class SecondLook(OfOffice, Base):
    """One acceptance that was drawn. What was taken back drops out and stays on record."""

    __tablename__ = "second_look"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        belongs_to("decided_by", "staff_member"),
        belongs_to("looked_by", "staff_member"),
        CheckConstraint("(finding IS NULL) = (looked_at IS NULL)", name="found_when_looked"),
        CheckConstraint("(looked_by IS NULL) = (looked_at IS NULL)", name="looked_by_somebody"),
        CheckConstraint("finding IS NULL OR finding <> 'talk' OR length(note) >= 1", name="talk_about_what"),
        Index("ix_second_look_drawn", "office_id", "created_at"),
        Index(
            "uq_second_look_standing",
            "office_id",
            "submission_id",
            "version_no",
            unique=True,
            postgresql_where=text("dropped_at IS NULL"),
            sqlite_where=text("dropped_at IS NULL"),
        ),
        Index(
            "ix_second_look_open",
            "office_id",
            "created_at",
            "id",
            postgresql_where=text(_OPEN),
            sqlite_where=text(_OPEN),
        ),
        Index(
            "ix_second_look_unread",
            "office_id",
            "decided_by",
            "looked_at",
            postgresql_where=text(_UNREAD),
            sqlite_where=text(_UNREAD),
        ),
    )
    submission_id: Mapped[UUID]
    version_no: Mapped[int]  # what was accepted
    decided_by: Mapped[UUID]
    dropped_at: Mapped[datetime | None]  # the acceptance was taken back
    looked_by: Mapped[UUID | None]
    looked_at: Mapped[datetime | None]
    finding: Mapped[Finding | None] = mapped_column(choice(Finding, "finding"))
    note: Mapped[str]  # between the two; the person never sees it
    attempt: Mapped[UUID | None]  # drawn into the form: a double tap is one look
    read_at: Mapped[datetime | None]  # whoever had decided has put it away
