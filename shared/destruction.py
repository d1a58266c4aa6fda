"""Destroying the things of an approved list, one after the other, as the worker does it; the log outlives them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.model import (
    MACHINE,
    Disposal,
    DisposalItem,
    DisposalState,
    Kept,
    SafeCopy,
    State,
    StoredFile,
    Submission,
    VersionFile,
)
from shared.retention import STAMPS, kept_long_enough, rule_for, take_turn


def approved_items(session: Session, office_id: UUID, disposal_id: UUID) -> list[UUID]:
    """The things of an approved list that have not met their end yet; none of a list in any other state."""
    return list(
        session.scalars(
            select(DisposalItem.id)
            .join(Disposal, and_(Disposal.office_id == DisposalItem.office_id, Disposal.id == DisposalItem.disposal_id))
            .where(
                Disposal.office_id == office_id,
                Disposal.id == disposal_id,
                Disposal.state == DisposalState.APPROVED,
                DisposalItem.destroyed_at.is_(None),
                DisposalItem.spared_because.is_(None),
            )
            .order_by(DisposalItem.id)
        )
    )


def condemn(session: Session, office_id: UUID, item_id: UUID) -> list[str]:
    """Look once more whether a thing may go, and say so in its row before its bytes are touched.

    After this commits no page shows the thing any more, and a hold comes too late for it. Returns the keys to delete;
    none if the thing is spared, which the log then says, or has met its end before.
    """
    take_turn(session, office_id)
    item = session.get_one(DisposalItem, (office_id, item_id), with_for_update=True, populate_existing=True)
    disposal = session.get_one(Disposal, (office_id, item.disposal_id))
    if item.destroyed_at or item.spared_because or disposal.decided_at is None:
        return []
    submission_id = session.get_one(StoredFile, (office_id, item.file_id)).submission_id
    session.get_one(Submission, (office_id, submission_id), with_for_update=True, populate_existing=True)
    file = session.get_one(StoredFile, (office_id, item.file_id), with_for_update=True, populate_existing=True)
    stamps = [stamp for stamp in STAMPS[item.what] if getattr(file, stamp.key)]
    if len(stamps) == len(STAMPS[item.what]):
        if all(getattr(file, stamp.key) < disposal.decided_at for stamp in stamps):
            item.spared_because = "gone"
            session.flush()
            return []
        return _keys(session, file, item.what)  # a worker was killed half-way: go on
    item.spared_because = _spared(session, file, item)
    if item.spared_because is None:
        _stamp(session, file, item.what)
    session.flush()
    return [] if item.spared_because else _keys(session, file, item.what)


def destroyed(session: Session, office_id: UUID, item_id: UUID) -> None:
    """The bytes of a condemned thing are gone: the log says when."""
    item = session.get_one(DisposalItem, (office_id, item_id), with_for_update=True, populate_existing=True)
    if item.destroyed_at is None and item.spared_because is None:
        item.destroyed_at = clock.now()
        session.flush()


def finish(session: Session, office_id: UUID, disposal_id: UUID) -> Counter[str] | None:
    """Close a list whose things have all met their end, and write the counts into the journal; None if it is not so."""
    take_turn(session, office_id)
    disposal = session.get_one(Disposal, (office_id, disposal_id), with_for_update=True, populate_existing=True)
    if disposal.state is not DisposalState.APPROVED or approved_items(session, office_id, disposal_id):
        return None
    rows = session.execute(
        select(DisposalItem.spared_because, DisposalItem.what, func.count())
        .where(DisposalItem.office_id == office_id, DisposalItem.disposal_id == disposal_id)
        .group_by(DisposalItem.spared_because, DisposalItem.what)
    ).all()
    ends: Counter[str] = Counter()
    for spared, what, count in rows:
        ends[f"spared_{spared}" if spared else f"destroyed_{what.value}"] += count
    disposal.move(DisposalState.DONE)
    disposal.done_at = clock.now()
    session.flush()
    journal.record(session, office_id, MACHINE, "disposal.done", disposal_id, **ends)
    return ends


def _spared(session: Session, file: StoredFile, item: DisposalItem) -> str | None:
    rule = rule_for(session, item.office_id, item.what, clock.today())
    if rule is None:
        return "rule"
    last_day = clock.today() - timedelta(days=rule.days)
    query = kept_long_enough(item.office_id, item.what, last_day).where(StoredFile.id == file.id)
    found = session.execute(query).one_or_none()
    if found is None:
        return "rule"
    return "hold" if found.held else None


def _stamp(session: Session, file: StoredFile, what: Kept) -> None:
    now = clock.now()
    for stamp in STAMPS[what]:
        if getattr(file, stamp.key) is None:
            setattr(file, stamp.key, now)
    pages = SafeCopy.office_id == file.office_id, SafeCopy.file_id == file.id
    if what in (Kept.SAFE_COPY, Kept.WITHDRAWN_DRAFT):
        session.execute(update(SafeCopy).where(*pages).values(text=None, look=None, lines=None))
    if what is Kept.WITHDRAWN_DRAFT:
        # What somebody goes on writing must not be sent with a file that is gone. A withdrawn version keeps its list.
        draft = select(Submission.id).where(
            Submission.office_id == file.office_id, Submission.id == file.submission_id, Submission.state == State.DRAFT
        )
        links = VersionFile.office_id == file.office_id, VersionFile.file_id == file.id, draft.exists()
        session.execute(delete(VersionFile).where(*links))


def _keys(session: Session, file: StoredFile, what: Kept) -> list[str]:
    pages = session.scalars(
        select(SafeCopy)
        .where(SafeCopy.office_id == file.office_id, SafeCopy.file_id == file.id)
        .order_by(SafeCopy.page)
    ).all()
    keys: list[str] = []
    if what in (Kept.ORIGINAL, Kept.WITHDRAWN_DRAFT):
        keys.append(file.key)
    if what in (Kept.SAFE_COPY, Kept.WITHDRAWN_DRAFT):
        keys += [file.copy_key] if file.copy_key else []
        keys += [page.key for page in pages]
    if what in (Kept.THUMBNAIL, Kept.WITHDRAWN_DRAFT):
        keys += [page.thumb_key for page in pages]
    return keys
