"""Files of one household that are like each other. It warns the person and tells the caseworker; it never blocks.

An earlier file counts if it stands in a version of a report: one that was taken out of a draft and chosen again is no
duplicate, and neither is one of a report that was withdrawn or voided.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from shared.model import Household, How, Likeness, SafeCopy, State, StoredFile, Submission, VersionFile
from shared.rules.likeness import SAME_PAPER, SAME_PICTURE, Page, nearest

PAGES: Final = 500  # the newest of a household that a new file is compared with
_GONE: Final = (State.WITHDRAWN, State.VOIDED)


def note_same(session: Session, file: StoredFile) -> None:
    """Note the newest earlier file of the household that has the same bytes, if there is one. Twice is once.

    The caller holds the lock of the file's submission.
    """
    if _noted(session, file, How.SAME):
        return
    twins = _others(file).where(StoredFile.sha256 == file.sha256, _came_before(file))
    earlier = session.scalar(_newest_first(twins).limit(1))
    if earlier:
        _note(session, file, earlier, How.SAME)


def note_alike(session: Session, file: StoredFile, pages: list[SafeCopy]) -> set[UUID]:
    """Compare a file's safe pages with those of the household's other files, as soon as it has them. Twice is once.

    Files may become safe in any order and several at once, so a later file learns of this one, too. The caller holds
    the lock of the file's submission.

    :returns: the submissions of the later files that have learnt of this one.
    """
    _one_at_a_time(session, file)
    note_same(session, file)  # the two may have come in the same moment, unseen by each other
    looks = [_page(page) for page in pages]
    report = session.get_one(Submission, (file.office_id, file.submission_id))
    later: list[tuple[int, StoredFile]] = []
    earlier: list[tuple[int, StoredFile]] = []
    for other, about, others in _pages_of_others(session, file):
        one_month = (about.member_id, about.month) == (report.member_id, report.month)
        within = SAME_PAPER if one_month else SAME_PICTURE
        bits = 0 if other.sha256 == file.sha256 else nearest(looks, others, within)
        if bits is not None:
            (later if _age(other) > _age(file) else earlier).append((bits, other))
    if earlier and not _noted(session, file):
        _, closest = min(earlier, key=lambda found: found[0])  # of equals the newest: they come newest first
        _note(session, file, closest, How.ALIKE)
    learnt = [other for _, other in later if not _noted(session, other)]
    for other in learnt:
        _note(session, other, file, How.SAME if other.sha256 == file.sha256 else How.ALIKE)
    return {other.submission_id for other in learnt}


def stands() -> ColumnElement[bool]:
    """Whether a ``StoredFile``, joined with its ``Submission``, stands in a report that was not taken back."""
    held = select(VersionFile.file_id).where(
        VersionFile.office_id == StoredFile.office_id, VersionFile.file_id == StoredFile.id
    )
    return and_(Submission.state.not_in(_GONE), held.exists())


def in_its_submission() -> ColumnElement[bool]:
    """What joins a ``StoredFile`` with its ``Submission``."""
    return and_(Submission.office_id == StoredFile.office_id, Submission.id == StoredFile.submission_id)


def _one_at_a_time(session: Session, file: StoredFile) -> None:
    """Two jobs of one household wait for each other here; whoever writes a report waits for neither."""
    home = and_(Household.office_id == Submission.office_id, Household.id == Submission.household_id)
    its_own = and_(Submission.office_id == file.office_id, Submission.id == file.submission_id)
    session.execute(
        select(Household.id).join(Submission, home).where(its_own).with_for_update(of=Household, key_share=True)
    )


def _others(file: StoredFile) -> Select[StoredFile]:
    """The other files that stand in a report of the file's household."""
    household_id = select(Submission.household_id).where(
        Submission.office_id == file.office_id, Submission.id == file.submission_id
    )
    return (
        select(StoredFile)
        .join(Submission, in_its_submission())
        .where(
            StoredFile.office_id == file.office_id,
            StoredFile.id != file.id,
            Submission.household_id == household_id.scalar_subquery(),
            stands(),
        )
    )


def _pages_of_others(session: Session, file: StoredFile) -> list[tuple[StoredFile, Submission, list[Page]]]:
    """The household's other files with their reports and pages, newest first, 500 pages at most."""
    with_pages = (
        _newest_first(_others(file))
        .add_columns(Submission, SafeCopy)
        .join(SafeCopy, and_(SafeCopy.office_id == StoredFile.office_id, SafeCopy.file_id == StoredFile.id))
        .where(SafeCopy.look.is_not(None))
        .limit(PAGES)
    )
    found: dict[UUID, tuple[StoredFile, Submission, list[Page]]] = {}
    for other, about, page in session.execute(with_pages).all():
        found.setdefault(other.id, (other, about, []))[2].append(_page(page))
    return list(found.values())


def _newest_first(files: Select[StoredFile]) -> Select[StoredFile]:
    return files.order_by(StoredFile.received_at.desc(), StoredFile.id.desc())


def _came_before(file: StoredFile) -> ColumnElement[bool]:
    same_moment = and_(StoredFile.received_at == file.received_at, StoredFile.id < file.id)
    return or_(StoredFile.received_at < file.received_at, same_moment)


def _age(file: StoredFile) -> tuple[datetime, UUID]:
    return file.received_at, file.id


def _page(page: SafeCopy) -> Page:
    return Page(page.look, page.text)


def _noted(session: Session, file: StoredFile, how: How | None = None) -> bool:
    query = select(Likeness.file_id).where(Likeness.office_id == file.office_id, Likeness.file_id == file.id)
    return session.scalar((query.where(Likeness.how == how) if how else query).limit(1)) is not None


def _note(session: Session, file: StoredFile, earlier: StoredFile, how: How) -> None:
    session.add(Likeness(office_id=file.office_id, file_id=file.id, earlier_id=earlier.id, how=how))
    session.flush()
