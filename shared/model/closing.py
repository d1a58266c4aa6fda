"""締め: the end of an office's day, its sheet, and the time at which the office usually does it."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, Time, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice, of_office
from shared.model.people import DutyKind


class DayClosing(OfOffice, Base):
    """A day of the office that is closed. Triggers refuse every UPDATE and DELETE: what comes later is of a later day.

    ``content`` is what the sheet says, word for word; ``digest`` is its hash.
    """

    __tablename__ = "day_closing"
    __table_args__ = (
        of_office(),
        belongs_to("closed_by", "staff_member"),
        UniqueConstraint("office_id", "day"),
        CheckConstraint("0 <= after_seq AND after_seq <= until_seq AND until_seq <= log_size", name="stretch"),
        CheckConstraint(
            "arrivals >= 0 AND withdrawn >= 0 AND receipts >= 0 AND voids >= 0 AND ready_left >= 0 "
            "AND second_looks_left >= 0",
            name="counts",
        ),
        CheckConstraint(
            "(arrivals = 0) = (number_from IS NULL) AND (arrivals = 0) = (number_to IS NULL)", name="numbers"
        ),
        CheckConstraint(
            "(receipts = 0) = (document_from IS NULL) AND (receipts = 0) = (document_to IS NULL)", name="documents"
        ),
        CheckConstraint("length(root) = 64 AND length(digest) = 64", name="hashes"),
    )
    day: Mapped[date]  # on the office's wall; what it holds is said by the stretch of the journal
    closed_at: Mapped[datetime]
    closed_by: Mapped[UUID]
    after_seq: Mapped[int]  # the day is the journal behind this entry,
    until_seq: Mapped[int]  # up to this one
    arrivals: Mapped[int]
    number_from: Mapped[str | None]  # 受付番号
    number_to: Mapped[str | None]
    withdrawn: Mapped[int]  # of the arrivals, until the closing
    receipts: Mapped[int]
    document_from: Mapped[str | None]  # 文書番号
    document_to: Mapped[str | None]
    voids: Mapped[int]
    ready_left: Mapped[int]  # accepted, and no certificate yet
    second_looks_left: Mapped[int]
    log_size: Mapped[int]  # of the whole journal at the closing
    root: Mapped[str]  # of the tree over it
    content: Mapped[dict[str, Any]]
    digest: Mapped[str]


class ClosingKind(Base):
    """How many arrivals of a closed day were of one kind."""

    __tablename__ = "closing_kind"
    __table_args__ = (belongs_to("closing_id", "day_closing"), CheckConstraint("arrivals >= 1", name="arrivals"))
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    closing_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[DutyKind] = mapped_column(choice(DutyKind, "kind"), primary_key=True)
    arrivals: Mapped[int]


class ClosingSignature(Base):
    """The office's signature of a sheet, detached, as the worker made it after the closing."""

    __tablename__ = "closing_signature"
    __table_args__ = (belongs_to("closing_id", "day_closing"), CheckConstraint("length(cms) >= 1", name="cms"))
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    closing_id: Mapped[UUID] = mapped_column(primary_key=True)
    signed_at: Mapped[datetime]
    cms: Mapped[bytes] = mapped_column(LargeBinary())  # DER; over the bytes of the sheet as JSON


class ClosingTime(OfOffice, Base):
    """From a day on, when the office usually closes its day: a word on the clerk's desk, never a lock."""

    __tablename__ = "closing_time"
    __table_args__ = (
        of_office(),
        belongs_to("set_by", "staff_member"),
        UniqueConstraint("office_id", "from_day"),
    )
    from_day: Mapped[date]
    at: Mapped[time] = mapped_column(Time())
    set_by: Mapped[UUID]
