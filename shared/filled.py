"""A declared form being filled in: begun, written screen by screen, row by row, or begun with the last answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from shared import clock, drafts, journal
from shared.errors import NotThere, RuleOfThePast
from shared.model import (
    LAST_SENT,
    MACHINE,
    NOT_STANDING,
    DutyKind,
    FilledForm,
    FormSetting,
    Member,
    Message,
    Submission,
    SubmissionVersion,
)
from shared.rules.due import school_ends
from shared.rules.forms import FORMS, own
from shared.rules.forms.form import MOST_ROWS, Answer, Form, People, Screen, begun_with, fits, still_offered
from shared.rules.months import add_months
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
        known = {}
        if "_people" in declared.known:
            known["_people"] = "one" if len(people_of(session, submission).grown) == 1 else "several"
        drafts.fill(session, drafts.bare_version(session, submission, 1), declared.version, known, message_id)
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
    return declared_of_each(session, [submission])[submission.id]


def declared_of_each(session: Session, submissions: Sequence[Submission]) -> dict[UUID, Form]:
    """``declared`` for several submissions of one office, in one question."""
    settings = _settings(session, submissions)
    asked: dict[tuple[DutyKind, UUID | None], Form] = {}
    found = {}
    for submission in submissions:
        day = clock.day_of(submission.created_at)
        newest = max(
            (one for one in settings if one.kind is submission.kind and one.from_day <= day),
            key=lambda one: one.from_day,
            default=None,
        )
        key = submission.kind, newest.id if newest else None
        if key not in asked:
            asked[key] = own.laid_over(form_of(submission.kind), _wishes(newest))
        found[submission.id] = asked[key]
    return found


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
    people = people_of(session, draft.submission)
    _check(asked, answers, people)
    answers = {**_hers(asked, people), **answers}
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


def write_whole(session: Session, who: Recipient, submission_id: UUID, answers: dict[str, Any]) -> FilledForm:
    """Keep a whole form at once, for those who have its answers already: made-up offices, tests.

    :param answers: as they are kept; what a screen with rows held before goes.
    """
    draft = drafts.draft_of(session, who, submission_id, lock=True)
    for screen in declared(session, draft.submission).screens:
        if screen.rows:
            for row in reversed(range(len(draft.filled.answers.get(screen.key, ())))):
                remove_row(session, who, submission_id, screen.key, row, of=row + 1)
            for row, given in enumerate(answers.get(screen.key, ())):
                write(session, who, submission_id, screen.key, given, row)
        else:
            given = {question.key: answers[question.key] for question in screen.questions if question.key in answers}
            write(session, who, submission_id, screen.key, given)
    return draft.filled


def _check(asked: Screen, answers: dict[str, Answer | None], people: People) -> None:
    """What is kept is typed: the pages have read it, and here nothing else comes by."""
    questions = {question.key: question for question in asked.questions}
    wrong = [
        key
        for key, answer in answers.items()
        if key not in questions or (answer is not None and not fits(questions[key], answer, people.of(questions[key])))
    ]
    if wrong:
        raise ValueError(f"no such answers: {sorted(wrong)}")


def _hers(asked: Screen, people: People) -> dict[str, Answer | None]:
    """Where only one can be meant, nobody is asked whose it is."""
    only = {question.key: people.only(question) for question in asked.questions}
    return {key: id_ for key, id_ in only.items() if id_ is not None}


def _put(kept: dict[str, Any], answers: dict[str, Answer | None]) -> None:
    for key, answer in answers.items():
        if answer is None:
            kept.pop(key, None)
        else:
            kept[key] = answer


def remove_row(session: Session, who: Recipient, submission_id: UUID, screen: str, row: int, *, of: int) -> None:
    """Take one row out again.

    :param of: how many there were where she chose it. With another number the form was sent twice, or an old page:
        a row that has moved up into the place of the one she meant stays.
    """
    draft = drafts.draft_of(session, who, submission_id, lock=True)
    kept = dict(draft.filled.answers)
    rows = list(kept.get(screen, ()))
    if 0 <= row < len(rows) == of:
        kept[screen] = rows[:row] + rows[row + 1 :]
        draft.filled.answers = kept
        typed = (draft.filled.typed or {}).items()  # those behind it have new numbers now
        draft.filled.typed = {place: values for place, values in typed if not place.startswith(f"{screen}-")}
        session.flush()


@dataclass(frozen=True)
class Before:
    """What was answered in a form the last time, as far as it is still asked, and which month that was about."""

    month: date
    form_version: int
    answers: dict[str, Any]


def earlier(
    session: Session, who: Recipient, form: Form, month: date, *, other_than: UUID | None = None
) -> Before | None:
    """What the person sent in this form the last time; of one whose month she says, for the newest earlier month."""
    found = earlier_of(session, who.office_id, who.member_id, form, month, other_than=other_than)
    return replace(found, answers=still_offered(form, found.answers)) if found else None


def earlier_of(
    session: Session, office_id: UUID, member_id: UUID, form: Form, month: date, *, other_than: UUID | None = None
) -> Before | None:
    """``earlier``, of any member, whole."""
    of_before = (Submission.month < month,) if form.months_back else ()
    found = session.execute(
        select(Submission.month, FilledForm)
        .join(SubmissionVersion, LAST_SENT)
        .join(
            FilledForm,
            (FilledForm.office_id == SubmissionVersion.office_id) & (FilledForm.id == SubmissionVersion.id),
        )
        .where(
            Submission.office_id == office_id,
            Submission.member_id == member_id,
            Submission.kind == form.kind,
            Submission.id != other_than if other_than else true(),
            Submission.state.not_in(NOT_STANDING),
            *of_before,
        )
        .order_by(*((Submission.month.desc(),) if form.months_back else ()), Submission.arrived_at.desc())
        .limit(1)
    ).one_or_none()
    return Before(found[0], found[1].form_version, found[1].answers) if found else None


def as_before(session: Session, who: Recipient, submission_id: UUID) -> FilledForm:
    """Begin with the answers of the last time. What is written already stays; an older version's are not taken over.

    :raises AlreadySent: if it has been sent meanwhile.
    """
    draft = drafts.draft_of(session, who, submission_id, lock=True)
    form = declared(session, draft.submission)
    before = earlier(session, who, form, draft.submission.month, other_than=submission_id)
    if before is not None and before.form_version == draft.filled.form_version:
        follows = add_months(before.month, 1) == draft.submission.month
        taken = begun_with(form, before.answers, follows=follows)
        draft.filled.answers = {**taken, **draft.filled.answers}
        session.flush()
    return draft.filled


def _settings(session: Session, submissions: Sequence[Submission]) -> Sequence[FormSetting]:
    if not submissions:
        return ()
    kinds = {one.kind for one in submissions}
    of_office = FormSetting.office_id == submissions[0].office_id
    return session.scalars(select(FormSetting).where(of_office, FormSetting.kind.in_(kinds))).all()


def _wishes(setting: FormSetting | None) -> dict[str, Any]:
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
    setting.left_out, setting.own = {key: kept.pop(key) for key in ("screens", "asked")}, kept
    session.flush()
    facts = {"kind": kind.value, "from": from_day.isoformat(), "wishes": {**setting.left_out, **kept}}
    journal.record(session, office_id, MACHINE, "form_setting.set", setting.id, **facts)
    return own.laid_over(asked, {**setting.left_out, **kept})


def members_of(session: Session, submission: Submission) -> list[Member]:
    """The household of a submission, its head first."""
    return list(
        session.scalars(
            select(Member)
            .where(Member.office_id == submission.office_id, Member.household_id == submission.household_id)
            .order_by(Member.is_head.desc(), Member.id)
        )
    )


def people_of(session: Session, submission: Submission) -> People:
    """The household as the form asks about it, in the month it is about."""
    members, month = members_of(session, submission), submission.month
    grown = [
        one
        for one in members
        if (one.born_on is None or school_ends(one.born_on) < month) and (one.left_on is None or one.left_on >= month)
    ]
    return People({str(one.id): one.name for one in members}, {str(one.id): one.name for one in grown or members[:1]})
