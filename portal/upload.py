"""How the portal takes bytes: written once while they come in, judged by content, durable before the row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, cast
from uuid import UUID, uuid4, uuid5

from flask import request
from werkzeug.datastructures import FileStorage

from config.log import log
from config.web import PlainRequest, reading, settings, storable, storage, transaction
from portal.access import me
from shared import drafts
from shared.errors import DomainError, TooManyFiles
from shared.model import StoredFile
from uploads.checks import NotAccepted, what_is
from uploads.receiving import Incoming
from uploads.storage import StorageError

LONGEST_NAME = 300


class UploadRequest(PlainRequest):
    """Each file of a form goes straight to our own disk, under our own name, and is gone unless it is kept."""

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002  Werkzeug's interface
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> IO[bytes]:
        return cast("IO[bytes]", Incoming(settings().incoming, settings().file_limit))


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and the code of the reason."""

    name: str
    reason: str


def take(submission_id: UUID, attempt: UUID, *, instead_of: int = 0) -> tuple[list[StoredFile], list[Refusal]]:
    """Take every file of the form into the person's draft.

    Each file stands for itself: one that cannot be taken does not hold up the others.

    :param instead_of: files the caller will take out afterwards, so that a full report can be mended too.
    :raises NotThere: for a submission that is not hers.
    :raises AlreadySent: if it has been sent meanwhile.
    """
    taken: list[StoredFile] = []
    refused: list[Refusal] = []
    limit = settings().files_limit + instead_of
    for part, sent in enumerate(file for file in request.files.getlist("file") if file.filename):
        name = _name(sent)
        try:
            taken.append(_take_one(submission_id, attempt, part, name, cast("Incoming", sent.stream), limit))
        except NotAccepted as not_accepted:
            refused.append(Refusal(name, not_accepted.reason))
        except _NotTaken as not_taken:
            refused.append(Refusal(name, str(not_taken)))
        except TooManyFiles:
            refused.append(Refusal(name, "too_many"))
    for refusal in refused:
        log("file.refused", submission=submission_id, reason=refusal.reason)
    return taken, refused


class _NotTaken(Exception):
    """Too big, or no room for it; the text is the reason's code."""


def _take_one(submission_id: UUID, attempt: UUID, part: int, name: str, incoming: Incoming, limit: int) -> StoredFile:
    if incoming.too_big:
        raise _NotTaken("too_big")
    if incoming.failed:
        raise _NotTaken("not_kept")
    kind = what_is(incoming.head, incoming.size)
    attempt = uuid5(attempt, incoming.sha256)  # the back button shows an old form: with other bytes it is no second tap
    with reading() as session:  # before the bytes move: is there a place for them at all?
        draft = drafts.draft_of(session, me(), submission_id)
        earlier = drafts.file_of_attempt(session, draft.submission, attempt, part)
        held = drafts.files_of(session, draft.version)  # read after it: what came meanwhile is in both or in this one
        if earlier and earlier.id in {file.id for file in held}:
            return earlier
        if len(held) >= limit:
            raise TooManyFiles
    if earlier:  # it was taken out again, and is wanted after all
        attempt = uuid4()
    key = f"original/{uuid4()}"
    arrived = drafts.Arrived(key, name, kind.value, incoming.size, incoming.sha256, attempt, part)
    try:
        incoming.keep(storage(), key, kind.media_type)
    except StorageError as failed:
        raise _NotTaken("not_kept") from failed
    try:
        with transaction() as session:
            file = drafts.attach(session, me(), submission_id, arrived, limit=limit)
    except DomainError:  # nothing else: a database that breaks off may have kept the row, and the row needs its bytes
        storage().delete(key)
        raise
    if file.key != key:  # the other tap was quicker
        storage().delete(key)
    else:
        log("file.received", file=file.id, submission=submission_id, size=file.size, kind=file.kind)
    return file


def _name(sent: FileStorage) -> str:
    """What the person called it, as far as a database can keep it."""
    return storable(sent.filename or "")[:LONGEST_NAME] or "—"


def attempt_of_form() -> UUID:
    """The id drawn into the form. A form without a readable one counts as a new attempt."""
    try:
        return UUID(request.form.get("attempt", ""))
    except ValueError:
        return uuid4()
