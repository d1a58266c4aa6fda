"""The welfare office: who it is, and what differs from office to office as data."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base


class WelfareOffice(Base):
    """One 福祉事務所. The portal shows ``city``, ``counter`` and ``phone`` only; ``name`` stands on the receipt."""

    __tablename__ = "welfare_office"
    __table_args__ = (
        CheckConstraint("due_day BETWEEN 1 AND 28", name="due_day"),
        CheckConstraint("length(code) BETWEEN 2 AND 4", name="code_length"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    code: Mapped[str] = mapped_column(unique=True)  # capital letters; begins every number people read
    name: Mapped[str]
    title: Mapped[str]  # who signs: 架空県ひばり野市福祉事務所長
    city: Mapped[str]  # ひばり野市役所
    counter: Mapped[str]  # 3番窓口
    phone: Mapped[str]
    hours: Mapped[str]
    document_prefix: Mapped[str]  # ひ福生第
    due_day: Mapped[int]  # a month's income report is due on this day of the next month; never a lock


class NumberSeries(Base):
    """A counter without gaps: taken and raised in the transaction that uses the number."""

    __tablename__ = "number_series"
    __table_args__ = (CheckConstraint("next_serial >= 1", name="next_serial"),)
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)  # submission, receipt, journal
    year: Mapped[int] = mapped_column(primary_key=True)  # fiscal year from April; 0 where a series never restarts
    next_serial: Mapped[int]
