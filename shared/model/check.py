"""What a machine has compared in one version of a report, and what staff have said to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice


class Rule(StrEnum):
    """What is compared. The words for it live in the pages."""

    MONTH = "month"  # once for each month, and the month before is not missing
    SAME_FILE = "same_file"  # nothing that the household has sent before
    SUM = "sum"  # amounts and days that can be


class Result(StrEnum):
    """What came of it. It tells staff and stops nobody."""

    PASS = "pass"  # noqa: S105  (no password)
    FAIL = "fail"
    CANT_TELL = "cant_tell"


class Check(OfOffice, Base):
    """One rule about one version. ``expected`` and ``found`` hold ``{"findings": [{"code": …, facts}]}``, side by side.

    Codes, numbers, days and ids only: the sentences are the desk's. A row that is looked at again keeps what staff said
    to it for as long as it says the same.
    """

    __tablename__ = "check_result"
    __table_args__ = (
        belongs_to("version_id", "submission_version"),
        belongs_to("overridden_by", "staff_member"),
        UniqueConstraint("office_id", "version_id", "rule"),
        CheckConstraint("(overridden_by IS NULL) = (overridden_at IS NULL)", name="overridden_at"),
        CheckConstraint("(overridden_by IS NULL) = (note IS NULL)", name="overridden_with_note"),
        CheckConstraint("overridden_by IS NULL OR result <> 'pass'", name="nothing_to_override"),
    )
    version_id: Mapped[UUID]
    rule: Mapped[Rule] = mapped_column(choice(Rule, "rule"))
    result: Mapped[Result] = mapped_column(choice(Result, "result"))
    expected: Mapped[dict[str, Any]]
    found: Mapped[dict[str, Any]]
    overridden_by: Mapped[UUID | None]
    overridden_at: Mapped[datetime | None]
    note: Mapped[str | None]  # why it is all right all the same; the recipient never sees it
    attempt: Mapped[UUID | None]  # of the form that overrode it last: a double tap is one act
