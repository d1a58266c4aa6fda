"""Households, their members, and the people of the office."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice, of_office


class Role(StrEnum):
    """What a member of staff does; decides which pages open."""

    CASEWORKER = "caseworker"
    CLERK = "clerk"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


class StaffMember(OfOffice, Base):
    """Somebody of the office. ``login`` is unique over all offices of an installation."""

    __tablename__ = "staff_member"
    __table_args__ = (of_office(),)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(choice(Role, "role"))
    active: Mapped[bool]


class Household(OfOffice, Base):
    """被保護世帯. ``protected`` narrows who may open it: violence at home is real."""

    __tablename__ = "household"
    __table_args__ = (
        of_office(),
        belongs_to("caseworker_id", "staff_member"),
        UniqueConstraint("office_id", "case_no"),
        Index("ix_household_caseworker", "office_id", "caseworker_id"),
    )
    case_no: Mapped[str]  # the office's own number; never a login, never shown to the recipient
    caseworker_id: Mapped[UUID]
    protected: Mapped[bool]


class Member(OfOffice, Base):
    """世帯員. The name keeps every character; kana has its own column and is never guessed."""

    __tablename__ = "member"
    __table_args__ = (
        belongs_to("household_id", "household"),
        Index("ix_member_household", "office_id", "household_id"),
        Index(
            "uq_member_one_head",
            "office_id",
            "household_id",
            unique=True,
            postgresql_where=text("is_head"),
            sqlite_where=text("is_head"),
        ),
    )
    household_id: Mapped[UUID]
    name: Mapped[str]
    kana: Mapped[str]
    is_head: Mapped[bool]
    born_on: Mapped[date | None]


class DutyKind(StrEnum):
    """What can be due. One word a form."""

    INCOME_REPORT = "income_report"


class Duty(OfOffice, Base):
    """What is due, from whom, for which month. ``due_on`` is a wish, never a lock."""

    __tablename__ = "duty"
    __table_args__ = (
        belongs_to("household_id", "household"),
        belongs_to("member_id", "member"),
        UniqueConstraint("office_id", "member_id", "kind", "month"),
        CheckConstraint("due_on > month", name="due_after_month"),
    )
    household_id: Mapped[UUID]
    member_id: Mapped[UUID]
    kind: Mapped[DutyKind] = mapped_column(choice(DutyKind, "kind"))
    month: Mapped[date]  # its first day
    due_on: Mapped[date]
