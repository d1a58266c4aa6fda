"""What an income report adds to a submission: lines of income, in whole yen."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice

MOST_YEN = 9_999_999  # more than this in one month is a slip of the finger, here and in the database


def _yen(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN 0 AND {MOST_YEN}", name=column)


class IncomeKind(StrEnum):
    """Which section of the 収入申告書 a line belongs to."""

    WAGE = "wage"


class IncomeReport(Base):
    """収入申告書 of one version; its id is the version's."""

    __tablename__ = "income_report"
    __table_args__ = (belongs_to("id", "submission_version"),)
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)


class IncomeLine(OfOffice, Base):
    """One payment from one employer. Empty while the person is still writing; whole yen, days of the month."""

    __tablename__ = "income_line"
    __table_args__ = (
        belongs_to("report_id", "income_report"),
        belongs_to("earner_id", "member"),
        UniqueConstraint("office_id", "report_id", "position"),
        CheckConstraint("work_days BETWEEN 0 AND 31", name="work_days"),
        CheckConstraint("length(employer) BETWEEN 1 AND 100", name="employer"),
        _yen("gross_yen"),
        _yen("social_insurance_yen"),
        _yen("income_tax_yen"),
        _yen("commuting_yen"),
    )
    report_id: Mapped[UUID]
    position: Mapped[int]
    kind: Mapped[IncomeKind] = mapped_column(choice(IncomeKind, "kind"))
    earner_id: Mapped[UUID | None]
    employer: Mapped[str | None]
    work_days: Mapped[int | None]
    gross_yen: Mapped[int | None]
    social_insurance_yen: Mapped[int | None]
    income_tax_yen: Mapped[int | None]
    commuting_yen: Mapped[int | None]
