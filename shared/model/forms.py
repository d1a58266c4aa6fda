"""What a declared form adds to a submission: its answers, the papers that are not there, an office's own choice."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice, of_office
from shared.model.people import DutyKind


class FilledForm(Base):
    """The answers of one version; its id is the version's. What they may be says ``shared.rules.forms``."""

    __tablename__ = "filled_form"
    __table_args__ = (
        belongs_to("id", "submission_version"),
        belongs_to("message_id", "message"),
        CheckConstraint("form_version >= 1", name="form_version"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    form_version: Mapped[int]
    answers: Mapped[dict[str, Any]]
    typed: Mapped[dict[str, Any] | None] = mapped_column(default=dict)  # see shared.typed; None: of an old release
    message_id: Mapped[UUID | None]  # the caseworker's question it answers


class WhyAbsent(StrEnum):
    """Why a paper that belongs to a report is not with it. Each is fine, and each is seen by staff."""

    LATER = "later"  # she will send it; it stays on her list
    LOST = "lost"  # it cannot be found
    NEVER = "never"  # the employer or the bank gives none
    NOT_MINE = "not_mine"  # there is no such paper


class AbsentPaper(Base):
    """「書類がないとき」: said of one version, instead of files or beside them."""

    __tablename__ = "absent_paper"
    __table_args__ = (belongs_to("version_id", "submission_version"),)
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    version_id: Mapped[UUID] = mapped_column(primary_key=True)
    why: Mapped[WhyAbsent] = mapped_column(choice(WhyAbsent, "why"))
    done_at: Mapped[datetime | None]  # when she said that what she would send later is done


class FormSetting(OfOffice, Base):
    """What an office makes of a form, from a day on. Reports begun before keep their questions and words."""

    __tablename__ = "form_setting"
    __table_args__ = (of_office(), UniqueConstraint("office_id", "kind", "from_day"))
    kind: Mapped[DutyKind] = mapped_column(choice(DutyKind, "kind"))
    from_day: Mapped[date]
    left_out: Mapped[dict[str, Any]]  # {"screens": [keys]}
    own: Mapped[dict[str, Any] | None]  # its words and questions, as ``shared.rules.forms.own`` reads them
