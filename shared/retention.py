"""保存期間と廃棄: how long what is kept, and destroying it by two people's decision.

A list is proposed by one person and approved by another; the worker then destroys item by item. A hold beats an
approval, and nothing of a case that is still open is ever due. Commands of one office take turns here, so that a hold
that was answered for is seen by every item destroyed after it.

What counts from when:

- originals, safe copies and thumbnails: from the day the submission was closed (receipt issued, or voided);
- files nobody needs: of a draft from the last file that came, of a withdrawn report from its withdrawal, taken out of
  a report from the day that report was closed. A file that stands in a version that was sent stays with it.

Partial uploads stand on no list: what was never finished has not arrived. It ends by itself (``Kept.PARTIAL_UPLOAD``).
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from shared import clock, journal
from shared.errors import ChangedMeanwhile, NotThere, RuleStands, SamePerson
from shared.model import (
    Actor,
    Disposal,
    DisposalItem,
    DisposalState,
    FileState,
    Household,
    Job,
    Kept,
    LegalHold,
    MessageFile,
    RetentionRule,
    StaffMember,
    State,
    Step,
    StoredFile,
    Submission,
    Task,
    Upload,
    VersionFile,
    WelfareOffice,
)
from shared.outbox import promise
from shared.sign_in import Staff

LISTED: Final = (Kept.ORIGINAL, Kept.SAFE_COPY, Kept.THUMBNAIL, Kept.WITHDRAWN_DRAFT)
CLOSED: Final = (State.RECEIPTED, State.VOIDED)
MOST: Final = 500  # things on one list: two people can still read it
LONGEST: Final = 36_500  # days a rule may say

STAMPS: Final = {
    Kept.ORIGINAL: (StoredFile.original_destroyed_at,),
    Kept.SAFE_COPY: (StoredFile.copies_destroyed_at,),
    Kept.THUMBNAIL: (StoredFile.thumbs_destroyed_at,),
    Kept.WITHDRAWN_DRAFT: (
        StoredFile.original_destroyed_at,
        StoredFile.copies_destroyed_at,
        StoredFile.thumbs_destroyed_at,
    ),
}


@dataclass(frozen=True)
class Due:
    """One thing that has been kept long enough. ``held``: a hold keeps it all the same."""

    file_id: UUID
    what: Kept
    since: date
    due_on: date
    sha256: str
    held: bool


# ---- rules ----


def begin(session: Session, office_id: UUID) -> None:
    """Give a new office the cautious rules of ``tables/retention.csv``, from today on. Twice is once."""
    with (Path(__file__).parent / "tables" / "retention.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            what = Kept(row["what"])
            if rule_for(session, office_id, what, clock.today()) is None:
                session.add(
                    RetentionRule(
                        office_id=office_id,
                        what=what,
                        days=int(row["days"]),
                        from_day=clock.today(),
                        source=row["source"],
                    )
                )
    session.flush()


def rule_for(session: Session, office_id: UUID, what: Kept, day: date) -> RetentionRule | None:
    """The rule that counts on ``day``: the newest that has begun. Without one the thing is kept."""
    return session.scalar(
        select(RetentionRule)
        .where(RetentionRule.office_id == office_id, RetentionRule.what == what, RetentionRule.from_day <= day)
        .order_by(RetentionRule.from_day.desc())
        .limit(1)
    )


def set_rule(session: Session, who: Staff, what: Kept, days: int, from_day: date, source: str) -> RetentionRule:
    """Let an office keep something ``days`` days from ``from_day`` on. What counted before that day is not changed.

    The same rule again is the same rule. One that has not begun yet may still be put right.

    :raises RuleStands: if another one has begun on that day.
    :raises ValueError: for a day in the past, or no whole number of days above 0.
    """
    if from_day < clock.today() or not 1 <= days <= LONGEST or not source:
        raise ValueError("a rule begins today or later, keeps at least a day, and says what it stands on")
    take_turn(session, who.office_id)
    rule = session.scalar(
        select(RetentionRule).where(
            RetentionRule.office_id == who.office_id, RetentionRule.what == what, RetentionRule.from_day == from_day
        )
    )
    if rule and (rule.days, rule.source) == (days, source):
        return rule
    if rule and from_day <= clock.today():
        raise RuleStands
    if rule is None:
        rule = RetentionRule(office_id=who.office_id, what=what, from_day=from_day)
        session.add(rule)
    rule.days, rule.source, rule.set_by = days, source, who.staff_id
    session.flush()
    _note(session, who, "retention.rule_set", rule.id, what=what.value, days=days, from_day=from_day.isoformat())
    return rule


# ---- holds ----


def held(session: Session, office_id: UUID, household_id: UUID) -> bool:
    """Whether nothing of this household may be destroyed just now."""
    standing = LegalHold.office_id == office_id, LegalHold.household_id == household_id, LegalHold.lifted_at.is_(None)
    return session.scalar(select(exists().where(*standing))) or False


def place_hold(session: Session, who: Staff, case_no: str, reason: str) -> LegalHold:
    """廃棄の停止: keep everything of a household. The same hold by the same hand again is the same hold.

    :raises NotThere: if no household of the office has this number.
    """
    take_turn(session, who.office_id)
    home = session.scalar(select(Household).where(Household.office_id == who.office_id, Household.case_no == case_no))
    if home is None:
        raise NotThere
    hold = session.scalar(
        select(LegalHold).where(
            LegalHold.office_id == who.office_id,
            LegalHold.household_id == home.id,
            LegalHold.lifted_at.is_(None),
            LegalHold.placed_by == who.staff_id,
            LegalHold.reason == reason,
        )
    )
    if hold:
        return hold
    hold = LegalHold(office_id=who.office_id, household_id=home.id, reason=reason, placed_by=who.staff_id)
    session.add(hold)
    session.flush()
    _note(session, who, "hold.placed", hold.id, household=home.id)
    return hold


def lift_hold(session: Session, who: Staff, hold_id: UUID) -> LegalHold:
    """End a hold. Twice is once.

    :raises NotThere: for another office's.
    """
    take_turn(session, who.office_id)
    hold = session.get(LegalHold, (who.office_id, hold_id), with_for_update=True)
    if hold is None:
        raise NotThere
    if hold.lifted_at is None:
        hold.lifted_at, hold.lifted_by = clock.now(), who.staff_id
        session.flush()
        _note(session, who, "hold.lifted", hold.id, household=hold.household_id)
    return hold


# ---- what is due ----


def due(session: Session, office_id: UUID, day: date, *, most: int | None = None) -> list[Due]:
    """What has been kept long enough on ``day``, the longest kept first; on no open list yet, held things marked."""
    found: list[Due] = []
    for what in LISTED:
        rule = rule_for(session, office_id, what, day)
        if rule is None:
            continue
        query = kept_long_enough(office_id, what, day - timedelta(days=rule.days)).where(~_on_a_list(what))
        for file, since, hold in session.execute(query.limit(most)):
            began = clock.day_of(since)
            found.append(Due(file.id, what, began, began + timedelta(days=rule.days), file.sha256, hold))
    return sorted(found, key=lambda one: (one.since, one.file_id, one.what))


def counts(session: Session, office_id: UUID, day: date) -> tuple[dict[Kept, int], int]:
    """How much of each kind is due on ``day`` and on no list yet, and how many more a hold keeps."""
    free: dict[Kept, int] = {}
    kept = 0
    for what in LISTED:
        rule = rule_for(session, office_id, what, day)
        if rule is None:
            continue
        found = kept_long_enough(office_id, what, day - timedelta(days=rule.days)).where(~_on_a_list(what)).subquery()
        by_hold = session.execute(select(found.c.held, func.count()).group_by(found.c.held)).all()
        for is_held, count in by_hold:
            if is_held:
                kept += count
            else:
                free[what] = count
    return free, kept


def kept_long_enough(office_id: UUID, what: Kept, last_day: date) -> Select[StoredFile, datetime, bool]:
    """Files whose days were counted from ``last_day`` or earlier, since when, and whether a hold keeps them."""
    before = datetime.combine(last_day + timedelta(days=1), time.min, clock.TOKYO)
    since = _since().label("since")
    later = aliased(Step)  # what was issued anew after a void is closed since then
    query = (
        select(StoredFile, since, _is_held().label("held"))
        .join(Submission, _of(Submission, StoredFile.submission_id))
        .outerjoin(
            Step,
            and_(
                Step.office_id == Submission.office_id,
                Step.submission_id == Submission.id,
                Step.became == Submission.state,
                Submission.state.in_((*CLOSED, State.WITHDRAWN)),
                ~exists()
                .where(
                    later.office_id == Step.office_id,
                    later.submission_id == Step.submission_id,
                    later.became == Step.became,
                    later.id > Step.id,
                )
                .correlate(Step),
            ),
        )
        .where(
            StoredFile.office_id == office_id,
            since < before,
            StoredFile.state.in_((FileState.SAFE, FileState.REFUSED)),  # nobody is drawing its pages just now
            or_(*(stamp.is_(None) for stamp in STAMPS[what])),
        )
        .order_by(since, StoredFile.id)
    )
    linked = or_(
        exists().where(VersionFile.office_id == StoredFile.office_id, VersionFile.file_id == StoredFile.id),
        exists().where(MessageFile.office_id == StoredFile.office_id, MessageFile.file_id == StoredFile.id),
    )
    if what is Kept.WITHDRAWN_DRAFT:
        on_its_way = exists().where(
            Upload.office_id == Submission.office_id, Upload.submission_id == Submission.id, Upload.created_at >= before
        )
        return query.where(
            or_(
                Submission.state == State.WITHDRAWN,
                and_(Submission.state == State.DRAFT, ~on_its_way),
                and_(Submission.state.in_(CLOSED), ~linked),
            )
        )
    query = query.where(Submission.state.in_(CLOSED), linked)
    return query if what is Kept.ORIGINAL else query.where(StoredFile.state == FileState.SAFE)


def _since() -> ColumnElement[datetime]:
    """When the submission was closed; for a draft, when its last file came."""
    other = aliased(StoredFile)
    last = (
        select(func.max(other.received_at))
        .where(other.office_id == Submission.office_id, other.submission_id == Submission.id)
        .correlate(Submission)
        .scalar_subquery()
    )
    return func.coalesce(Step.at, last)


def _is_held() -> ColumnElement[bool]:
    return exists().where(
        LegalHold.office_id == Submission.office_id,
        LegalHold.household_id == Submission.household_id,
        LegalHold.lifted_at.is_(None),
    )


def _on_a_list(what: Kept) -> ColumnElement[bool]:
    """Whether a list that is not finished holds the thing already."""
    return exists().where(
        DisposalItem.office_id == StoredFile.office_id,
        DisposalItem.file_id == StoredFile.id,
        DisposalItem.what == what,
        DisposalItem.destroyed_at.is_(None),
        DisposalItem.spared_because.is_(None),
        Disposal.office_id == DisposalItem.office_id,
        Disposal.id == DisposalItem.disposal_id,
        Disposal.state.in_((DisposalState.PROPOSED, DisposalState.APPROVED)),
    )


# ---- two people ----


def propose(session: Session, who: Staff) -> Disposal | None:
    """Put what is due today on a list, at most 500 things; the list that already waits, if there is one.

    None if nothing is due.
    """
    take_turn(session, who.office_id)
    waiting = session.scalar(
        select(Disposal).where(Disposal.office_id == who.office_id, Disposal.state == DisposalState.PROPOSED)
    )
    if waiting:
        return waiting
    things = [thing for thing in due(session, who.office_id, clock.today()) if not thing.held][:MOST]
    if not things:
        return None
    disposal = Disposal(office_id=who.office_id, state=DisposalState.PROPOSED, proposed_by=who.staff_id)
    session.add(disposal)
    session.flush()
    session.add_all(
        DisposalItem(
            office_id=who.office_id,
            disposal_id=disposal.id,
            file_id=thing.file_id,
            what=thing.what,
            since=thing.since,
            due_on=thing.due_on,
            sha256=thing.sha256,
        )
        for thing in things
    )
    session.flush()
    how_many = Counter(thing.what.value for thing in things)
    _note(session, who, "disposal.proposed", disposal.id, **how_many)
    return disposal


def approve(session: Session, who: Staff, disposal_id: UUID, *, seen: int) -> Disposal:
    """Approve a list and promise the work. A second tap does nothing more.

    :param seen: how many things her page showed.
    :raises SamePerson: for whoever proposed it.
    :raises ChangedMeanwhile: if somebody else has decided, or the page showed another list.
    """
    disposal = _locked(session, who, disposal_id)
    if disposal.state is not DisposalState.PROPOSED and disposal.decided_by == who.staff_id != disposal.proposed_by:
        return disposal
    if disposal.state is not DisposalState.PROPOSED or _size(session, disposal) != seen:
        raise _changed(session, disposal)
    if disposal.proposed_by == who.staff_id:
        raise SamePerson
    _decide(disposal, who, DisposalState.APPROVED)
    session.flush()
    promise(session, who.office_id, Job.DESTROY, disposal.id)
    _note(session, who, "disposal.approved", disposal.id, items=seen)
    return disposal


def drop(session: Session, who: Staff, disposal_id: UUID) -> Disposal:
    """Destroy nothing of a list; whoever proposed it may drop it, too. Twice is once.

    :raises ChangedMeanwhile: if it was approved.
    """
    disposal = _locked(session, who, disposal_id)
    if disposal.state is DisposalState.DROPPED:
        return disposal
    if disposal.state is not DisposalState.PROPOSED:
        raise _changed(session, disposal)
    _decide(disposal, who, DisposalState.DROPPED)
    session.flush()
    _note(session, who, "disposal.dropped", disposal.id)
    return disposal


def resume(session: Session, who: Staff, disposal_id: UUID) -> Disposal:
    """Promise the work of an approved list again after it was given up. Otherwise nothing happens."""
    disposal = _locked(session, who, disposal_id)
    task = session.scalar(
        select(Task)
        .where(Task.office_id == who.office_id, Task.job == Job.DESTROY, Task.subject_id == disposal.id)
        .with_for_update()
    )
    if disposal.state is DisposalState.APPROVED and task and task.gave_up_at:
        task.gave_up_at, task.held_until, task.tries, task.send_after = None, None, 0, clock.now()
        session.flush()
        _note(session, who, "disposal.resumed", disposal.id)
    return disposal


def _locked(session: Session, who: Staff, disposal_id: UUID) -> Disposal:
    take_turn(session, who.office_id)
    disposal = session.get(Disposal, (who.office_id, disposal_id), with_for_update=True, populate_existing=True)
    if disposal is None:
        raise NotThere
    return disposal


def _decide(disposal: Disposal, who: Staff, to: DisposalState) -> None:
    disposal.move(to)
    disposal.decided_by, disposal.decided_at = who.staff_id, clock.now()


def _size(session: Session, disposal: Disposal) -> int:
    items = DisposalItem.office_id == disposal.office_id, DisposalItem.disposal_id == disposal.id
    return session.scalar(select(func.count()).select_from(DisposalItem).where(*items)) or 0


def _changed(session: Session, disposal: Disposal) -> ChangedMeanwhile:
    decided = session.get(StaffMember, (disposal.office_id, disposal.decided_by)) if disposal.decided_by else None
    return ChangedMeanwhile(disposal.id, "", decided.name if decided else "", disposal.decided_at)


# ---- what all of them share ----


def take_turn(session: Session, office_id: UUID) -> None:
    """Commands about keeping come one after the other in an office; nobody else waits for them."""
    office = select(WelfareOffice.id).where(WelfareOffice.id == office_id)
    session.execute(office.with_for_update(key_share=True))


def _note(session: Session, who: Staff, event: str, subject_id: UUID, **facts: Any) -> None:
    journal.record(session, who.office_id, Actor.staff(who.staff_id), event, subject_id, **facts)


def _of(table: Any, column: Any) -> ColumnElement[bool]:
    """What joins a row with the row of ``table`` that its ``column`` names."""
    return and_(table.office_id == column.class_.office_id, table.id == column)
