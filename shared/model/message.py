"""What the office writes to a person. What she writes back arrives as a submission, numbered like everything."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to


class Message(OfOffice, Base):
    """A message from a member of staff, perhaps about a submission. Never changed, never deleted."""

    __tablename__ = "message"
    __table_args__ = (
        belongs_to("household_id", "household"),
        belongs_to("member_id", "member"),
        belongs_to("staff_id", "staff_member"),
        belongs_to("submission_id", "submission"),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("length(text) BETWEEN 1 AND 2000", name="text"),
        Index("ix_message_member", "office_id", "member_id", "sent_at"),
    )
    household_id: Mapped[UUID]
    member_id: Mapped[UUID]  # who it is for
    staff_id: Mapped[UUID]
    submission_id: Mapped[UUID | None]  # what it is about
    text: Mapped[str]
    attempt: Mapped[UUID]
    sent_at: Mapped[datetime]
    read_at: Mapped[datetime | None]  # when the person first opened it


class MessageFile(Base):
    """A paper the office sends with a message. It goes the way of every file: drawn anew before anybody opens it."""

    __tablename__ = "message_file"
    __table_args__ = (
        belongs_to("message_id", "message"),
        belongs_to("file_id", "stored_file"),
        Index("ix_message_file_file", "office_id", "file_id"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
