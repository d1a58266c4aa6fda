"""One thing a recipient sent in, its versions, its history, and who has it just now."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint, and_, false, text
from sqlalchemy.orm import Mapped, mapped_column, object_session
from sqlalchemy.orm.attributes import flag_modified

from shared import clock
from shared.model.actor import Actor, ActorKind
from shared.model.base import Base, OfOffice, belongs_to, choice, of_office
from shared.model.people import DutyKind
from shared.model.states import NEXT, State, check_step


class Submission(OfOffice, Base):
    """One number, one arrival, one or more versions. Only ``move`` writes ``state``."""

    __tablename__ = "submission"
    __table_args__ = (
        of_office(),
        belongs_to("household_id", "household"),
        belongs_to("member_id", "member"),
        belongs_to("duty_id", "duty"),
        UniqueConstraint("office_id", "number"),
        CheckConstraint("(state = 'draft') = (number IS NULL)", name="number_after_draft"),
        CheckConstraint("(number IS NULL) = (arrived_at IS NULL)", name="arrival_with_number"),
        CheckConstraint("(version_no = 0) = (arrived_at IS NULL)", name="version_with_arrival"),
        CheckConstraint("(state = 'returned') = (answer_by IS NOT NULL)", name="answer_by_while_returned"),
        Index(
            "uq_submission_one_draft",
            "office_id",
            "member_id",
            "kind",
            "month",
            unique=True,
            postgresql_where=text("state = 'draft'"),
            sqlite_where=text("state = 'draft'"),
        ),
        Index(
            "ix_submission_open",
            "office_id",
            "arrived_at",
            postgresql_where=text("state IN ('waiting', 'in_review', 'on_hold')"),
            sqlite_where=text("state IN ('waiting', 'in_review', 'on_hold')"),
        ),
        Index(
            "ix_submission_to_receipt",
            "office_id",
            "arrived_at",
            postgresql_where=text("state = 'accepted'"),
            sqlite_where=text("state = 'accepted'"),
        ),
        Index("ix_submission_member", "office_id", "member_id", "arrived_at"),
        Index("ix_submission_arrived", "office_id", "arrived_at"),
    )
    household_id: Mapped[UUID]
    member_id: Mapped[UUID]  # who sends it
    duty_id: Mapped[UUID | None]
    kind: Mapped[DutyKind] = mapped_column(choice(DutyKind, "kind"))
    month: Mapped[date]  # what it is about: the first day of that month
    state: Mapped[State] = mapped_column(choice(State, "state"))
    number: Mapped[str | None]  # 受付番号
    arrived_at: Mapped[datetime | None]  # stamped once, at the first commit; nothing later removes it
    version_no: Mapped[int]  # the version that was last sent; 0 while a draft
    urgent: Mapped[bool] = mapped_column(default=False, server_default=false())  # an answer somebody must see first
    wants_call: Mapped[bool] = mapped_column(default=False, server_default=false())  # she asked for a telephone call
    look_by: Mapped[date | None]  # the day by which staff promise a look
    answer_by: Mapped[date | None]  # the day by which a correction is hoped for
    revision: Mapped[int] = mapped_column()  # SQLAlchemy counts it up; a second writer fails

    __mapper_args__ = {"version_id_col": revision}

    def move(
        self,
        to: State,
        by: Actor,
        *,
        note: str = "",
        until: date | None = None,
        attempt: UUID | None = None,
        handed_to: UUID | None = None,
    ) -> Step:
        """Take one step and write it into the history. Who takes it writes it into the journal, too.

        :param note: a code or a sentence for colleagues; never shown to the recipient.
        :param until: the day on which what is put aside comes back by itself.
        :param attempt: the id drawn into the form, so that a second tap finds the first.
        :param handed_to: in whose hands it is from now on, where it goes from one to another.
        :raises IllegalMove: if ``NEXT`` has no such step.
        """
        check_step(NEXT, self.state, to)
        session = object_session(self)
        if session is None:
            raise ValueError("a submission moves inside a session")
        step = Step(
            office_id=self.office_id,
            submission_id=self.id,
            was=self.state,
            became=to,
            actor_kind=by.kind,
            actor_id=by.id,
            at=clock.now(),
            note=note,
            until=until,
            attempt=attempt,
            handed_to=handed_to,
        )
        session.add(step)
        self.state = to
        flag_modified(self, "state")  # also from one pair of hands to another: the revision says that a step was taken
        if to is not State.RETURNED:
            self.answer_by = None
        return step


class Step(OfOffice, Base):
    """One step in the life of a submission: who, when, from where to where. The journal has an entry of each."""

    __tablename__ = "step"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        UniqueConstraint("office_id", "submission_id", "attempt"),
        Index("ix_step_submission", "office_id", "submission_id"),
    )
    submission_id: Mapped[UUID]
    was: Mapped[State] = mapped_column(choice(State, "was"))
    became: Mapped[State] = mapped_column(choice(State, "became"))
    actor_kind: Mapped[ActorKind] = mapped_column(choice(ActorKind, "actor_kind"))
    actor_id: Mapped[UUID | None]
    at: Mapped[datetime]
    note: Mapped[str]
    until: Mapped[date | None]  # of a step to on_hold: the day on which it comes back
    attempt: Mapped[UUID | None]
    handed_to: Mapped[UUID | None]  # of a step from one pair of hands to another: the member of staff who has it now


class SubmissionVersion(OfOffice, Base):
    """What was written the first, second, … time. A sent version is never changed again."""

    __tablename__ = "submission_version"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        UniqueConstraint("office_id", "submission_id", "no"),
        UniqueConstraint("office_id", "submission_id", "attempt"),
        CheckConstraint("no >= 1", name="no"),
        CheckConstraint("(sent_at IS NULL) = (attempt IS NULL)", name="sent_with_attempt"),
    )
    submission_id: Mapped[UUID]
    no: Mapped[int]
    attempt: Mapped[UUID | None]  # drawn into the form: a double tap is one row
    sent_at: Mapped[datetime | None]
    danger_words: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Words somebody must see first, found at sending: {place of the answer: [words of the table]}."""


LAST_SENT: Final = and_(
    SubmissionVersion.office_id == Submission.office_id,
    SubmissionVersion.submission_id == Submission.id,
    SubmissionVersion.no == Submission.version_no,
)
"""Joins a submission with the version that was sent last."""


class Claim(Base):
    """The lease on one submission: one caseworker, until a moment, renewed while she works."""

    __tablename__ = "claim"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        belongs_to("staff_id", "staff_member"),
        belongs_to("handed_by", "staff_member"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID]
    taken_at: Mapped[datetime]
    until: Mapped[datetime]
    handed_by: Mapped[UUID | None]  # the colleague who gave it to her, until she takes it up herself


class Reason(StrEnum):
    """The built-in reasons to ask for something again. Their words: ``shared.rules.reasons``."""

    DARK = "dark"
    CUT_OFF = "cut_off"
    WRONG_MONTH = "wrong_month"
    MISSING_PAGE = "missing_page"
    NO_NAME = "no_name"
    DIFFERS = "differs"  # the value and the paper do not say the same
    UNREADABLE = "unreadable"  # found by the machine
    OTHER = "other"


class Correction(OfOffice, Base):
    """補正依頼: a request about one version. It is a request; the arrival stands."""

    __tablename__ = "correction"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        belongs_to("version_id", "submission_version"),
        belongs_to("asked_by", "staff_member"),
        Index("ix_correction_asked", "office_id", "asked_at"),
        Index(
            "uq_correction_standing",
            "office_id",
            "version_id",
            unique=True,
            postgresql_where=text("taken_back_at IS NULL"),
            sqlite_where=text("taken_back_at IS NULL"),
        ),
    )
    submission_id: Mapped[UUID]
    version_id: Mapped[UUID]
    asked_by: Mapped[UUID | None]  # None: the machine, for a file that could not be opened
    asked_at: Mapped[datetime]
    memo: Mapped[str]  # for colleagues; the recipient never sees it
    taken_back_at: Mapped[datetime | None]  # asked by mistake: on record, and nobody is asked for it any more


class CorrectionItem(OfOffice, Base):
    """One file or one value to look at again, and why."""

    __tablename__ = "correction_item"
    __table_args__ = (
        belongs_to("correction_id", "correction"),
        belongs_to("file_id", "stored_file"),
        CheckConstraint("(file_id IS NULL) <> (value IS NULL)", name="file_or_value"),
        CheckConstraint(
            "substr(reason, 1, 4) = 'own_' OR reason IN "
            "('dark', 'cut_off', 'wrong_month', 'missing_page', 'no_name', 'differs', 'unreadable', 'other')",
            name="reason",
        ),
        CheckConstraint("length(said) >= 1", name="said"),
        Index("ix_correction_item_correction", "office_id", "correction_id"),
    )
    correction_id: Mapped[UUID]
    file_id: Mapped[UUID | None]
    value: Mapped[str | None]  # the field's name: employer, work_days, gross_yen …
    reason: Mapped[str] = mapped_column(String(20))  # a code: a word of ``Reason``, or one of the office's own
    said: Mapped[str]  # the sentence the person was shown, in Japanese; no later wording changes it
    said_in: Mapped[dict[str, Any]]  # the same in the other languages the office had written it in, by language
    detail: Mapped[str]  # what exactly, in the caseworker's words; the recipient reads it
