"""The hash tree over an office's journal, and what the office has signed of it. Append-only by trigger, too."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, of_office


class LogNode(Base):
    """The hash of one complete subtree. Level 0 are the entries: entry ``seq`` is at position ``seq - 1``."""

    __tablename__ = "log_node"
    __table_args__ = (
        of_office(),
        CheckConstraint("level >= 0 AND position >= 0", name="place"),
        CheckConstraint("length(hash) = 32", name="hash"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[bytes]


class TreeHead(OfOffice, Base):
    """What the journal was on one day, signed with the office's key. A copy of it elsewhere binds the office."""

    __tablename__ = "tree_head"
    __table_args__ = (
        of_office(),
        UniqueConstraint("office_id", "day"),
        CheckConstraint("size >= 0", name="size"),
        CheckConstraint("length(root) = 64", name="root"),
    )
    day: Mapped[date]  # on which it was signed, in Tokyo
    size: Mapped[int]  # entries 1 to ``size`` are in it
    root: Mapped[str]
    at: Mapped[datetime]
    said: Mapped[str]  # the text that was signed, byte for byte: ``shared.rules.tree_head``
    signature: Mapped[bytes]  # detached CMS, DER
    key_id: Mapped[str]  # which key of the office signed
