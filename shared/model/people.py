"""Households, their members, and the people of the office."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text, true
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
    keys: Mapped[bool] = mapped_column(default=True, server_default=true())  # works with single keys, too


class Household(OfOffice, Base):
    """被保護世帯. ``protected`` narrows who may open it: violence at home is real."""

    __tablename__ = "household"
    __table_args__ = (
        of_office(),
        belongs_to("caseworker_id", "staff_member"),
        UniqueConstraint("office_id", "case_no"),
        Index("ix_household_caseworker", "office_id", "caseworker_id"),
        Index("ix_household_district", "office_id", "district"),
    )
    case_no: Mapped[str]  # the office's own number; never a login, never shown to the recipient
    caseworker_id: Mapped[UUID]
    protected: Mapped[bool]
    district: Mapped[str | None]  # 地区, as the office calls it


class HouseholdLook(OfOffice, Base):
    """Somebody opened the sheet of a protected household: who, which, and why in her own words."""

    __tablename__ = "household_look"
    __table_args__ = (
        belongs_to("household_id", "household"),
        belongs_to("staff_id", "staff_member"),
        CheckConstraint("length(reason) >= 1", name="reason"),
        Index("ix_household_look_household", "office_id", "household_id", "created_at"),
    )
    household_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    reason: Mapped[str]


class Situation(StrEnum):
    """What a member of a household does; decides what is due from her, and how often."""

    WORKING = "working"
    SEEKING = "seeking"  # looks for work
    OTHER = "other"  # ill, old, caring, at school


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
    situation: Mapped[Situation] = mapped_column(
        choice(Situation, "situation"), default=Situation.OTHER, server_default="other"
    )  # since the newest row of ``earlier_situation``
    left_on: Mapped[date | None]  # moved out, or died: nothing is due from a later month on


class EarlierSituation(Base):
    """What a member did until a month (its first day), so that a month opened late asks what was true in it."""

    __tablename__ = "earlier_situation"
    __table_args__ = (belongs_to("member_id", "member"),)
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    until_month: Mapped[date] = mapped_column(primary_key=True)
    situation: Mapped[Situation] = mapped_column(choice(Situation, "situation"))


class DutyKind(StrEnum):
    """What can be due. One word a form."""

    INCOME_REPORT = "income_report"  # 収入申告書
    STATUS_CHECK_IN = "status_check_in"  # 生活状況
    CHANGE_NOTICE = "change_notice"  # 世帯状況変動届
    ILLNESS_NOTICE = "illness_notice"  # 傷病届
    ASSET_REPORT = "asset_report"  # 資産申告書
    JOB_SEARCH_REPORT = "job_search_report"  # 求職活動状況報告書
    ROOM_PHOTOS = "room_photos"  # 部屋の写真
    PROOFS = "proofs"  # bank-book pages and other papers
    MESSAGE = "message"  # what she tells or answers


class Duty(OfOffice, Base):
    """What is due, from whom, for which month. ``due_on`` is a wish, never a lock.

    The paper is one per household, so the head sends it for everybody who has no portal account of her own.
    """

    __tablename__ = "duty"
    __table_args__ = (
        belongs_to("household_id", "household"),
        belongs_to("member_id", "member"),
        UniqueConstraint("office_id", "member_id", "kind", "month"),
        CheckConstraint("due_on > month", name="due_after_month"),
        Index("ix_duty_due", "office_id", "due_on", "id"),
    )
    household_id: Mapped[UUID]
    member_id: Mapped[UUID]  # who sends it
    kind: Mapped[DutyKind] = mapped_column(choice(DutyKind, "kind"))
    month: Mapped[date]  # its first day
    due_on: Mapped[date]


class DutyAbout(Base):
    """Whom a duty is about, and the rule that asked for it: what ``why`` is told from."""

    __tablename__ = "duty_about"
    __table_args__ = (
        belongs_to("duty_id", "duty"),
        belongs_to("member_id", "member"),
        belongs_to("rule_id", "duty_rule"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    duty_id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    rule_id: Mapped[UUID | None]  # None: opened by hand


class DutyRule(OfOffice, Base):
    """How often something is due, from whom, from a month on. A newer rule never touches duties already opened.

    For one kind and situation the rule with the newest ``from_month`` holds; one of a household beats the office's.
    Once something is due under a rule, it is not written again: the next one begins with a later month.
    """

    __tablename__ = "duty_rule"
    __table_args__ = (
        of_office(),
        belongs_to("household_id", "household"),
        belongs_to("set_by", "staff_member"),
        UniqueConstraint("office_id", "household_id", "kind", "situation", "from_month"),
        CheckConstraint("every_months BETWEEN 0 AND 12", name="every_months"),
        CheckConstraint("first_month BETWEEN 1 AND 12", name="first_month"),
        CheckConstraint("due_day BETWEEN 1 AND 28", name="due_day"),
    )
    household_id: Mapped[UUID | None]  # None: every household of the office
    kind: Mapped[DutyKind] = mapped_column(choice(DutyKind, "kind"))
    situation: Mapped[Situation | None] = mapped_column(choice(Situation, "situation"))  # None: the head alone
    every_months: Mapped[int]  # 0: no longer asked
    first_month: Mapped[int]  # a month of the year it is about; the others lie ``every_months`` apart
    due_day: Mapped[int]  # of the month after the one it is about
    from_month: Mapped[date]
    set_by: Mapped[UUID | None]  # None: with the office
