"""The office's own calendar: days it is closed, which way a due day moves, when it pays."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, of_office


class ClosedDay(Base):
    """A day the office does not work, beside weekends, national holidays and the turn of the year."""

    __tablename__ = "closed_day"
    __table_args__ = (of_office(), CheckConstraint("length(why) BETWEEN 1 AND 100", name="why"))
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    why: Mapped[str]  # 市制記念日, 庁舎の点検


class CalendarRule(OfOffice, Base):
    """What holds from a month on; the newest rule that has begun holds."""

    __tablename__ = "calendar_rule"
    __table_args__ = (
        of_office(),
        UniqueConstraint("office_id", "from_month"),
        CheckConstraint("pay_day BETWEEN 1 AND 28", name="pay_day"),
    )
    from_month: Mapped[date]
    due_before: Mapped[bool]  # a due day on a closed day moves to the open day before it, else to the next one
    pay_day: Mapped[int | None]  # 支給日; on a closed day, the open day before it. None: it is not shown


class PaymentDay(Base):
    """The day on which one month is paid, where it is not the usual one: January's often in December."""

    __tablename__ = "payment_day"
    __table_args__ = (of_office(),)
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    paid_on: Mapped[date]
