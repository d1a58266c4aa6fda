"""Files on their way in: begun, kept part by part, and whole — or ended. Bytes are durable before a row speaks of them.

One file the phone was given is one ``attempt``. Asked for again it is the same upload for as long as that lives; after
its end (expired, taken back, or its file was taken out again) the same attempt begins anew under an id drawn from it.

Locks are taken in the house's order: submission, upload, file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared import clock, drafts, retention
from shared.errors import NotThere, UploadOver, WrongOffset
from shared.model import Kept, Submission, Upload, UploadPart, UploadState, VersionFile, new_id
from shared.session import Writer, insert_row
from shared.sign_in import Recipient

LIFE: Final = timedelta(days=7)  # where the office has no rule of its own


@dataclass(frozen=True)
class Announced:
    """A file as the phone announces it."""

    attempt: UUID
    name: str  # as ``rules.names.kept`` keeps it
    size: int  # bytes
    sha256: str | None = None  # hex; None from a browser that cannot compute it
    replaces: UUID | None = None  # a file of the draft that goes out when this one is whole
    shot: str | None = None  # which guided photo it is


@dataclass(frozen=True)
class Limits:
    """What an installation takes: files in a submission, bytes of a household in a day."""

    files: int
    day: int


@dataclass(frozen=True)
class Bytes:
    """A whole file that is durable in the storage, with what was found out about it."""

    key: str
    kind: str
    size: int
    sha256: str


def begin(session: Session, who: Recipient, submission_id: UUID, announced: Announced, limits: Limits) -> Upload:
    """The upload of this attempt: the one already known, or a new one with nothing kept.

    :raises NotThere: for a submission that is not hers.
    :raises AlreadySent: if it is neither a draft nor returned.
    :raises TooManyFiles: if it is full already.
    :raises TooMuchToday: if the household has sent too much today.
    """
    upload = _place(session, who, submission_id, announced)
    if upload in session:
        return upload
    seen = drafts.room(session, who, submission_id)
    replaced = announced.replaces and session.get(VersionFile, (who.office_id, seen.version_id, announced.replaces))
    seen.need_place(limits.files + bool(replaced))
    seen.need_today(announced.size, limits.day)
    upload.expires_at = clock.now() + _life(session, who.office_id)
    session.add(upload)
    session.flush()
    return upload


def arrive(
    session: Session, who: Recipient, submission_id: UUID, announced: Announced, arrived: Bytes, limits: Limits
) -> tuple[Upload, list[str]]:
    """Take a file that came whole in one go. Returns its upload, and keys to delete after the commit.

    The key of ``arrived`` is among them if an earlier request was quicker.

    :raises NotThere, AlreadySent, TooManyFiles, TooMuchToday: as ``begin`` does.
    """
    drafts.hold(session, who, submission_id)
    seen = drafts.room(session, who, submission_id, arrived.sha256, announced.attempt)
    if seen.attempt_known:
        upload = _place(session, who, submission_id, announced)
        if upload.state is UploadState.WHOLE:
            return upload, [arrived.key]
    else:
        upload = _new(who, submission_id, announced, announced.attempt)
    known = upload in session
    keys = _drop_parts(session, upload) if known else []
    _become(session, who, upload, seen, arrived, limits.files, None if known else limits.day)
    return upload, keys


@dataclass(frozen=True)
class Whole:
    """An upload that came whole in one go, as far as anybody asks; the names are those of ``Upload``."""

    id: UUID
    submission_id: UUID
    kept: int
    file_id: UUID
    expires_at: datetime


def arrive_at_once(
    writer: Writer, who: Recipient, submission_id: UUID, announced: Announced, arrived: Bytes, limits: Limits
) -> Whole | None:
    """``arrive`` for what comes most: the first try of a file that nobody has sent before and that replaces none.

    Returns None, and has written nothing, for every other one.

    :raises NotThere, AlreadySent, TooManyFiles, TooMuchToday: as ``begin`` does.
    """
    if announced.replaces:
        return None
    seen = drafts.room(writer, who, submission_id, arrived.sha256, announced.attempt)
    if seen.attempt_known or seen.same_bytes or seen.is_sent:
        return None
    drafts.need_open(seen.state, is_sent=seen.is_sent)
    seen.need_today(arrived.size, limits.day)
    seen.need_place(limits.files)
    file = drafts.Arrived(
        arrived.key,
        announced.name,
        arrived.kind,
        arrived.size,
        arrived.sha256,
        announced.attempt,
        0,
        announced.shot,
    )
    file_id = drafts.put(writer, who, submission_id, seen.version_id, file, seen.last + 1)
    now = clock.now()
    whole = Whole(new_id(), submission_id, announced.size, file_id, now + LIFE)
    insert_row(
        writer,
        Upload,
        office_id=who.office_id,
        id=whole.id,
        created_at=now,
        submission_id=submission_id,
        attempt=announced.attempt,
        name=announced.name,
        size=announced.size,
        sha256=announced.sha256,
        shot=announced.shot,
        kept=whole.kept,
        state=UploadState.WHOLE,
        expires_at=whole.expires_at,
        file_id=file_id,
    )
    return whole


def of(session: Session, who: Recipient, upload_id: UUID, *, lock: bool = False) -> Upload:
    """The person's own upload, open or whole.

    :raises NotThere: also for one that is somebody else's.
    :raises UploadOver: if it has ended, or its time is over.
    """
    query = (
        select(Upload)
        .join(Submission, (Submission.office_id == Upload.office_id) & (Submission.id == Upload.submission_id))
        .where(Upload.office_id == who.office_id, Upload.id == upload_id, Submission.member_id == who.member_id)
    )
    upload = session.scalar(query.with_for_update(of=Upload) if lock else query)
    if upload is None:
        raise NotThere
    if upload.ended_because is not None:
        raise UploadOver(upload.ended_because)
    if _has_expired(upload):
        raise UploadOver("expired")
    return upload


def keep_part(session: Session, who: Recipient, upload_id: UUID, *, start: int, size: int, key: str) -> Upload:
    """Add a stretch whose bytes are durable under ``key``.

    :raises WrongOffset: if it does not begin where the kept bytes end; another hand was quicker, or there is a gap.
    :raises UploadOver: if the upload has ended.
    """
    upload = of(session, who, upload_id, lock=True)
    if upload.state is UploadState.WHOLE or upload.kept != start or start + size > upload.size:
        raise WrongOffset(upload.kept)
    session.add(UploadPart(office_id=upload.office_id, upload_id=upload.id, start=start, size=size, key=key))
    upload.kept += size
    session.flush()
    return upload


def parts_of(session: Session, upload: Upload) -> Sequence[UploadPart]:
    """What is kept of an open upload, in order."""
    return session.scalars(
        select(UploadPart)
        .where(UploadPart.office_id == upload.office_id, UploadPart.upload_id == upload.id)
        .order_by(UploadPart.start)
    ).all()


def finish(
    session: Session, who: Recipient, upload_id: UUID, arrived: Bytes, *, start: int, limits: Limits
) -> tuple[Upload, list[str]]:
    """Make the whole file of an open upload out of the kept bytes up to ``start`` and the last stretch.

    Returns the upload, and keys to delete after the commit: the key of ``arrived`` is among them if another request
    was quicker.

    :raises WrongOffset: if meanwhile other bytes are kept.
    :raises NotThere, AlreadySent, TooManyFiles, UploadOver:
    """
    submission_id = of(session, who, upload_id).submission_id
    drafts.own(session, who, submission_id, lock=True)
    upload = of(session, who, upload_id, lock=True)
    if upload.state is UploadState.WHOLE:
        return upload, [arrived.key]
    if upload.kept != start:
        raise WrongOffset(upload.kept)
    seen = drafts.room(session, who, submission_id, arrived.sha256)
    keys = _drop_parts(session, upload)
    _become(session, who, upload, seen, arrived, limits.files, None)
    return upload, keys


def start_again(session: Session, who: Recipient, upload_id: UUID) -> list[str]:
    """Keep nothing of an open upload: what came together is not what was announced. Returns keys to delete."""
    upload = of(session, who, upload_id, lock=True)
    return _drop_parts(session, upload) if upload.state is UploadState.OPEN else []


def end(session: Session, who: Recipient, upload_id: UUID, because: str) -> list[str]:
    """End an upload, and take its file out of what is being written if it has become one. Twice is once.

    Returns keys to delete after the commit.

    :raises AlreadySent: if its file has been sent meanwhile.
    """
    try:
        upload = of(session, who, upload_id)
    except UploadOver:
        return []
    drafts.own(session, who, upload.submission_id, lock=True)
    try:
        upload = of(session, who, upload_id, lock=True)
    except UploadOver:
        return []
    if upload.file_id is not None:
        drafts.remove(session, who, upload.submission_id, upload.file_id)
        return []
    return _end(session, upload, because)


def expired(session: Session, now: datetime, limit: int) -> list[str]:
    """End open uploads whose time is over, at most ``limit``. Returns keys to delete after the commit."""
    late = select(Upload).where(Upload.state == UploadState.OPEN, Upload.expires_at <= now).order_by(Upload.expires_at)
    uploads = session.scalars(late.limit(limit).with_for_update(skip_locked=True)).all()
    return [key for upload in uploads for key in _end(session, upload, "expired")]


def _place(session: Session, who: Recipient, submission_id: UUID, announced: Announced) -> Upload:
    """The living upload of this attempt, or a new one that is not yet added. Locks the submission."""
    submission = drafts.own(session, who, submission_id, lock=True)
    attempt = announced.attempt
    while upload := _tried(session, submission, attempt):
        if _is_the_same(upload, announced) and _lives(session, submission, upload):
            return upload
        attempt = uuid5(attempt, str(upload.id))
    drafts.need_open(submission.state, is_sent=drafts.latest_version(session, submission).sent_at is not None)
    return _new(who, submission_id, announced, attempt)


def _new(who: Recipient, submission_id: UUID, announced: Announced, attempt: UUID) -> Upload:
    return Upload(
        office_id=who.office_id,
        submission_id=submission_id,
        attempt=attempt,
        name=announced.name,
        size=announced.size,
        sha256=announced.sha256,
        replaces=announced.replaces,
        shot=announced.shot,
        kept=0,
        state=UploadState.OPEN,
        expires_at=clock.now() + LIFE,
    )


def _tried(session: Session, submission: Submission, attempt: UUID) -> Upload | None:
    return session.scalar(
        select(Upload).where(
            Upload.office_id == submission.office_id,
            Upload.submission_id == submission.id,
            Upload.attempt == attempt,
        )
    )


def _is_the_same(upload: Upload, announced: Announced) -> bool:
    """Whether it can be the same file: an attempt belongs to one, but who says that every page keeps to it?"""
    differs = upload.sha256 and announced.sha256 and upload.sha256 != announced.sha256
    return upload.size == announced.size and not differs


def _lives(session: Session, submission: Submission, upload: Upload) -> bool:
    if upload.state is UploadState.WHOLE:
        version = drafts.latest_version(session, submission)
        return session.get(VersionFile, (upload.office_id, version.id, upload.file_id)) is not None
    return upload.state is UploadState.OPEN and not _has_expired(upload)


def _has_expired(upload: Upload) -> bool:
    return upload.state is UploadState.OPEN and upload.expires_at <= clock.now()


def _become(
    session: Session,
    who: Recipient,
    upload: Upload,
    seen: drafts.Room,
    arrived: Bytes,
    files_limit: int,
    day_limit: int | None,
) -> None:
    file_id = drafts.add(
        session,
        who,
        upload.submission_id,
        seen,
        drafts.Arrived(
            arrived.key, upload.name, arrived.kind, arrived.size, arrived.sha256, upload.attempt, 0, upload.shot
        ),
        limit=files_limit,
        day_limit=day_limit,
        replaces=upload.replaces,
    )
    upload.kept = upload.size
    upload.file_id = file_id
    upload.move(UploadState.WHOLE)
    if upload not in session:
        insert_row(session, Upload, **{column.key: getattr(upload, column.key) for column in Upload.__table__.columns})


def _end(session: Session, upload: Upload, because: str) -> list[str]:
    keys = _drop_parts(session, upload)
    upload.move(UploadState.ENDED, because=because)
    session.flush()
    return keys


def _drop_parts(session: Session, upload: Upload) -> list[str]:
    keys = [part.key for part in parts_of(session, upload)]
    if keys:
        session.execute(
            delete(UploadPart).where(UploadPart.office_id == upload.office_id, UploadPart.upload_id == upload.id)
        )
    upload.kept = 0
    return keys


def _life(session: Session, office_id: UUID) -> timedelta:
    rule = retention.rule_for(session, office_id, Kept.PARTIAL_UPLOAD, clock.today())
    return timedelta(days=rule.days) if rule else LIFE
