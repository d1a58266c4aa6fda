"""How the people of the office work beside each other: presence, wishes, notes, and lists of one's own."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice


class Presence(Base):
    """Somebody looks at a submission just now. A row older than a minute says nothing any more, and is swept."""

    __tablename__ = "presence"
    __table_args__ = (belongs_to("submission_id", "submission"), belongs_to("staff_id", "staff_member"))
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class ClaimWish(Base):
    """A colleague would like to have what somebody holds. It ends with the lease, whichever way that ends."""

    __tablename__ = "claim_wish"
    __table_args__ = (
        ForeignKeyConstraint(
            ["office_id", "submission_id"], ["claim.office_id", "claim.submission_id"], ondelete="CASCADE"
        ),
        belongs_to("staff_id", "staff_member"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]
    kept_at: Mapped[datetime | None]  # when the holder said that she still needs it


class Note(OfOffice, Base):
    """What one member of staff wrote for her colleagues about a submission. The person never sees it."""

    __tablename__ = "note"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        belongs_to("household_id", "household"),
        belongs_to("staff_id", "staff_member"),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("length(text) BETWEEN 1 AND 2000", name="text"),
        Index("ix_note_submission", "office_id", "submission_id"),
        Index("ix_note_household", "office_id", "household_id", "created_at"),
    )
    submission_id: Mapped[UUID]
    household_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    text: Mapped[str]
    attempt: Mapped[UUID]


class Told(StrEnum):
    """What a member of staff is told about. The sentences live in the pages."""

    MENTION = "mention"  # a colleague's note names her
    WISH = "wish"  # a colleague would like to have what she holds
    KEPT = "kept"  # the holder still needs what she asked for
    HANDED = "handed"  # it was given into her hands
    TAKEN_OVER = "taken_over"  # it was taken out of her hands


class StaffNotice(OfOffice, Base):
    """One thing a member of staff is told, until she has read it."""

    __tablename__ = "staff_notice"
    __table_args__ = (
        belongs_to("staff_id", "staff_member"),
        belongs_to("by_id", "staff_member"),
        belongs_to("submission_id", "submission"),
        belongs_to("note_id", "note"),
        CheckConstraint("(what = 'mention') = (note_id IS NOT NULL)", name="note_of_a_mention"),
        Index("ix_staff_notice_staff", "office_id", "staff_id", "read_at"),
    )
    staff_id: Mapped[UUID]  # who is told
    by_id: Mapped[UUID]
    submission_id: Mapped[UUID]
    what: Mapped[Told] = mapped_column(choice(Told, "what"))
    note_id: Mapped[UUID | None]
    text: Mapped[str]  # what the colleague added; of a mention it stands in the note
    read_at: Mapped[datetime | None]


class SavedView(OfOffice, Base):
    """A choice of the queue under a name: one person's own."""

    __tablename__ = "saved_view"
    __table_args__ = (
        belongs_to("staff_id", "staff_member"),
        UniqueConstraint("office_id", "staff_id", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 40", name="name"),
        CheckConstraint("tell_at BETWEEN 1 AND 99", name="tell_at"),
    )
    staff_id: Mapped[UUID]
    name: Mapped[str]
    chosen: Mapped[dict[str, Any]]  # the words of ``shared.choice``; one that nobody knows any more is the usual choice
    tell_at: Mapped[int | None]  # say so once as many new ones have come; None: never
    opened_at: Mapped[datetime]
