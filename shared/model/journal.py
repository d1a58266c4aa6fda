"""Who did what to whom: append-only, each entry holding the hash of the one before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.actor import ActorKind
from shared.model.base import Base, OfOffice, choice, of_office


class LogEntry(OfOffice, Base):
    """One line of the office's journal. A trigger refuses every UPDATE and DELETE."""

    __tablename__ = "log_entry"
    __table_args__ = (
        of_office(),
        UniqueConstraint("office_id", "seq"),
        CheckConstraint("length(hash) = 64 AND length(before) = 64", name="hashes"),
        Index("ix_log_entry_subject", "office_id", "subject_id", "seq"),
        Index("ix_log_entry_at", "office_id", "at"),
    )
    seq: Mapped[int]  # 1, 2, 3 … within the office
    at: Mapped[datetime]
    actor_kind: Mapped[ActorKind] = mapped_column(choice(ActorKind, "actor_kind"))
    actor_id: Mapped[UUID | None]
    event: Mapped[str]
    subject_id: Mapped[UUID | None]
    facts: Mapped[dict[str, Any]]  # ids, states, counts; never a name or an amount
    before: Mapped[str]  # hash of entry seq - 1; 64 zeros before the first
    hash: Mapped[str]
