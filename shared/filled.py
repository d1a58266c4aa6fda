"""A declared form being filled in: begun, written screen by screen, row by row, or begun with the last answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from shared import clock, drafts, journal
from shared.errors import NotThere, RuleOfThePast
from shared.model import (
    MACHINE,
    DutyKind,
    FilledForm,
    FormSetting,
    Member,
    Message,
    State,
    Submission,
    SubmissionVersion,
)
from shared.rules.forms import FORMS, form, own
from shared.rules.forms.form import MOST_ROWS, Answer, Form
from shared.sign_in import Recipient


def start(
    session: Session, who: Recipient, kind: DutyKind, month: date, *, message_id: UUID | None = None
) -> Submission:
    """Begin a form, or go on with the one already begun. Twice is once.

    :param month: what it is about; the current month where the form is about no month.
    :param message_id: the caseworker's question that it answers.
    :raises NotThere: for a kind that is no declared form, or a message that is not hers.
    """
    declared = form_of(kind)
    if message_id is not None:
        message = session.get(Message, (who.office_id, message_id))
        if message is None or message.member_id != who.member_id:
            raise NotThere
    submission, is_new = drafts.start(session, who, kind, month)
    if not is_new and message_id is not None:  # what she has begun to write now answers this one
        drafts.draft_of(session, who, submission.id, lock=True).filled.message_id = message_id
    if is_new:
        drafts.fill(session, drafts.bare_version(session, submission, 1), declared.version, {}, message_id)
    return submission


def form_of(kind: DutyKind) -> Form:
    """The declaration of a form.

    :raises NotThere: for a kind that has none.
    """
    if kind not in FORMS:
        raise NotThere
    return FORMS[kind]


def declared(session: Session, submission: Submission) -> Form:
    """The form as its office asked it on the day this one was begun."""
    day = submission.created_at.astimezone(clock.TOKYO).date()
    return own.laid_over(form_of(submission.kind), _wishes(session, submission.office_id, submission.kind, day))


def write(
    session: Session,
    who: Recipient,
    submission_id: UUID,
    screen: str,
    answers: dict[str, Answer | None],
    row: int | None = None,
) -> FilledForm:
    """Keep the answers of one screen, already read by ``rules.forms.form.read``; None takes an answer back.

    :param row: which one, counted from 0, on a screen with rows; one past the last adds one.
    :raises AlreadySent: if another page or phone has sent it.
    :raises NotThere: for a screen or a row that there is not.
    """
    draft = drafts.draft_of(session, who, submission_id, lock=True)
    asked = declared(session, draft.submission).screen(screen)
    if asked is None or bool(asked.rows) != (row is not None):
        raise NotThere
    unknown = set(answers) - {question.key for question in asked.questions}
    if unknown:
        raise ValueError(f"no such answers: {sorted(unknown)}")
    kept = dict(draft.filled.answers)
    if row is None:
        _put(kept, answers)
    else:
        rows = [dict(one) for one in kept.get(screen, ())]
        if not 0 <= row <= len(rows) or row >= MOST_ROWS:
            raise NotThere
        if row == len(rows):
            rows.append({})
        _put(rows[row], answers)
        kept[screen] = rows
    draft.filled.answers = kept
    session.flush()
    return draft.filled


def _put(kept: dict[str, Any], answers: dict[str, Answer | None]) -> None:
    for key, answer in answers.items():
        if answer is None:
            kept.pop(key, None)
        else:
            kept[key] = answer


def remove_row(session: Session, who: Recipient, submission_id: UUID, screen: str, row: int) -> None:
    """Take one row out again. One that is gone already is not missed."""
    draft = drafts.draft_of(session, who, submission_id, lock=True)
    kept = dict(draft.filled.answers)
    rows = list(kept.get(screen, ()))
    if 0 <= row < len(rows):
        kept[screen] = rows[:row] + rows[row + 1 :]
        draft.filled.answers = kept
        typed = (draft.filled.typed or {}).items()  # those behind it have new numbers now
        draft.filled.typed = {place: values for place, values in typed if not place.startswith(f"{screen}-")}
        session.flush()


def last_sent(session: Session, who: Recipient, kind: DutyKind, *, other_than: UUID | None = None) -> FilledForm | None:
    """What the person sent last in this form, if anything."""
    return session.scalar(
        select(FilledForm)
        .join(
            SubmissionVersion,
            (SubmissionVersion.office_id == FilledForm.office_id) & (SubmissionVersion.id == FilledForm.id),
        )
        .join(
            Submission,
            (Submission.office_id == SubmissionVersion.office_id)
            & (Submission.id == SubmissionVersion.submission_id)
            & (Submission.version_no == SubmissionVersion.no),
        )
        .where(
            Submission.office_id == who.office_id,
            Submission.member_id == who.member_id,
            Submission.kind == kind,
            Submission.id != other_than if other_than else true(),
            Submission.state.not_in((State.DRAFT, State.WITHDRAWN, State.VOIDED)),
        )
        .order_by(Submission.arrived_at.desc())
        .limit(1)
    )


@dataclass(frozen=True)
class Before:
    """What was answered the last time, as far as it is still asked."""

    month: date
    answers: dict[str, Any]


def before(session: Session, who: Recipient, submission: Submission) -> Before | None:
    """The person's last answers in this form, for 「前と同じ」; none where it is about no month, or has changed."""
    asked = declared(session, submission)
    found = last_sent(session, who, submission.kind, other_than=submission.id) if asked.monthly else None
    if found is None or found.form_version != asked.version:
        return None
    version = session.get_one(SubmissionVersion, (found.office_id, found.id))
    month = session.get_one(Submission, (found.office_id, version.submission_id)).month
    return Before(month, form.still_offered(asked, found.answers))


def as_before(session: Session, who: Recipient, submission_id: UUID) -> FilledForm:
    """Begin with the answers of the last time. What is written already stays; an older version's are not taken over.

    :raises AlreadySent: if it has been sent meanwhile.
    """
    draft = drafts.draft_of(session, who, submission_id, lock=True)
    before = last_sent(session, who, draft.submission.kind)
    if before is not None and before.form_version == draft.filled.form_version:
        asked = declared(session, draft.submission)
        draft.filled.answers = {**form.still_offered(asked, before.answers), **draft.filled.answers}
        session.flush()
    return draft.filled


def _wishes(session: Session, office_id: UUID, kind: DutyKind, day: date) -> dict[str, Any]:
    setting = session.scalar(
        select(FormSetting)
        .where(FormSetting.office_id == office_id, FormSetting.kind == kind, FormSetting.from_day <= day)
        .order_by(FormSetting.from_day.desc())
        .limit(1)
    )
    return {**setting.left_out, **(setting.own or {})} if setting else {}


def set_form(session: Session, office_id: UUID, kind: DutyKind, from_day: date, wishes: Any) -> Form:
    """Let a form be as an office wants it, from a day on. The same day again changes that wish.

    :param wishes: as ``rules.forms.own.read`` reads them; an empty table: the form as it is declared.
    :returns: the form as it will be asked.
    :raises RuleOfThePast: for today or earlier: what is begun keeps the words it was begun with.
    :raises NotASetting: for wishes that the form cannot fulfil.
    """
    if from_day <= clock.today():
        raise RuleOfThePast
    asked = form_of(kind)
    kept = own.read(asked, wishes)
    setting = session.scalar(
        select(FormSetting).where(
            FormSetting.office_id == office_id, FormSetting.kind == kind, FormSetting.from_day == from_day
        )
    )
    if setting is None:
        setting = FormSetting(office_id=office_id, kind=kind, from_day=from_day)
        session.add(setting)
    setting.left_out, setting.own = {"screens": kept.pop("screens")}, kept
    session.flush()
    facts = {"kind": kind.value, "from": from_day.isoformat(), "wishes": {**setting.left_out, **kept}}
    journal.record(session, office_id, MACHINE, "form_setting.set", setting.id, **facts)
    return own.laid_over(asked, {**setting.left_out, **kept})


def members_of(session: Session, who: Recipient) -> list[Member]:
    """The household, its head first."""
    return list(
        session.scalars(
            select(Member)
            .where(Member.office_id == who.office_id, Member.household_id == who.household_id)
            .order_by(Member.is_head.desc(), Member.id)
        )
    )
