"""How the portal takes bytes: written once while they come in, judged by content, durable before the row."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Final, cast
from uuid import UUID, uuid4, uuid5

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage, Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from config import points
from config.log import log
from config.web import PlainRequest, reading, settings, storage, transaction
from config.words import FILE_REFUSALS, pieces
from portal.access import me
from shared import drafts
from shared.errors import DomainError, TooManyFiles, TooMuchToday
from shared.model import StoredFile
from shared.rules import names
from shared.rules.forms.form import SHOTS
from shared.upload import Limits
from uploads.checks import NotAccepted, what_is
from uploads.receiving import Incoming
from uploads.storage import StorageError

_AT_ONCE: Final = 128 * 1024  # bytes of a form read at a time
_CONTINUED: Final = re.compile(rb"(?:\r\n|\n|\r)[ \t]")  # a header that goes on in the next line
_BACKSLASH: Final = re.compile(r'\\(?!")')


class _Decoder(MultipartDecoder):
    """Reads the names of files as they were written: also Shift_JIS, line breaks and backslashes."""

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        lines = (line.partition(b":") for line in _CONTINUED.sub(b" ", bytes(data)).splitlines())
        return Headers([(names.read(word).strip(), _as_written(value)) for word, _colon, value in lines if word])


def _as_written(value: bytes) -> str:
    """The value of a header. A backslash stands there as it is."""
    return _BACKSLASH.sub(r"\\\\", names.read(value).strip(" \t"))


class _FormParser(FormDataParser):
    """Werkzeug's reader of forms, with the decoder above and our own way for files."""

    def _parse_multipart(
        self,
        stream: IO[bytes],
        mimetype: str,  # noqa: ARG002  Werkzeug's interface
        content_length: int | None,  # noqa: ARG002
        options: dict[str, str],
    ) -> Any:
        boundary = options.get("boundary", "").encode("ascii")
        most = self.max_form_memory_size
        decoder = _Decoder(boundary, most, max_parts=self.max_form_parts)
        fields: list[tuple[str, str]] = []
        files: list[tuple[str, FileStorage]] = []
        part: Field | File = Field(name="", headers=Headers())
        into: IO[bytes] = io.BytesIO()
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, NeedData):
                decoder.receive_data(stream.read(_AT_ONCE) or None)
            elif isinstance(event, File):
                part, into = event, cast("IO[bytes]", Incoming(settings().incoming, settings().file_limit))
            elif isinstance(event, Field):
                part, into = event, io.BytesIO()
            elif isinstance(event, Data):
                into.write(event.data)
                if isinstance(part, Field) and most is not None and into.tell() > most:
                    raise RequestEntityTooLarge
                if not event.more_data:
                    into.seek(0)
                    if isinstance(part, File):
                        name = part.filename.replace("%0D", "\r").replace("%0A", "\n")  # as browsers write them
                        files.append((part.name, FileStorage(into, name, part.name, headers=part.headers)))
                    else:
                        fields.append((part.name, into.read().decode("utf-8", "replace")))
        return stream, self.cls(fields), self.cls(files)


class UploadRequest(PlainRequest):
    """Each file of a form goes straight to our own disk, under our own name, and is gone unless it is kept."""

    form_data_parser_class = _FormParser


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and the code of the reason."""

    name: str
    reason: str


def limits() -> Limits:
    """What this installation takes."""
    return Limits(files=settings().files_limit, day=settings().day_limit)


def sentence(reason: str) -> str:
    """What a person reads about a file that was not taken, and what to do instead."""
    match reason:
        case "too_many":
            said: str = _(
                "一度に出せるのは%(count)sまでです。いらないものをとりのぞくか、電話で相談してください。",
                count=pieces(settings().files_limit),
            )
            return said
        case "already_sent":
            return str(_("これは、もう出してあります。足すものがあるときは、電話で相談してください。"))
        case _:
            return str(FILE_REFUSALS[reason])


def forget(keys: Iterable[str]) -> None:
    """Delete bytes that no row needs. What cannot be deleted now the sweep finds."""
    for key in keys:
        with suppress(StorageError):
            storage().delete(key)


def take(submission_id: UUID, attempt: UUID, *, replaces: UUID | None = None) -> tuple[list[StoredFile], list[Refusal]]:
    """Take every file of the form into the person's draft.

    Each file stands for itself: one that cannot be taken does not hold up the others.

    :param replaces: a file of the draft whose place the first one takes.
    :raises NotThere: for a submission that is not hers.
    :raises AlreadySent: if it has been sent meanwhile.
    """
    taken: list[StoredFile] = []
    refused: list[Refusal] = []
    for part, sent in enumerate(file for file in request.files.getlist("file") if file.filename):
        name = names.kept(sent.filename or "")
        try:
            incoming = cast("Incoming", sent.stream)
            taken.append(_take_one(submission_id, attempt, part, name, incoming, None if taken else replaces))
        except NotAccepted as not_accepted:
            refused.append(Refusal(names.shown(name), not_accepted.reason))
        except _NotTaken as not_taken:
            refused.append(Refusal(names.shown(name), str(not_taken)))
        except TooManyFiles:
            refused.append(Refusal(names.shown(name), "too_many"))
        except TooMuchToday:
            refused.append(Refusal(names.shown(name), "too_much_today"))
    for refusal in refused:
        log("file.refused", submission=submission_id, reason=refusal.reason)
    points.passed("answer.ready")
    return taken, refused


def shot_of(text: str) -> str | None:
    """Which guided photo a file says it is; None for any other word."""
    return text if text in SHOTS else None


class _NotTaken(Exception):
    """Too big, or no room for it; the text is the reason's code."""


def _take_one(
    submission_id: UUID, attempt: UUID, part: int, name: str, incoming: Incoming, replaces: UUID | None
) -> StoredFile:
    if incoming.too_big:
        raise _NotTaken("too_big")
    if incoming.failed:
        raise _NotTaken("not_kept")
    kind = what_is(incoming.head, incoming.size)
    attempt = uuid5(attempt, incoming.sha256)  # the back button shows an old form: with other bytes it is no second tap
    with reading() as session:  # before the bytes move: is there a place for them at all?
        draft = drafts.draft_of(session, me(), submission_id)
        earlier = drafts.file_of_attempt(session, draft.submission, attempt, part)
        held = {
            file.id for file in drafts.files_of(session, draft.version)
        }  # read after it: what came meanwhile is in both or in this one
        if earlier and earlier.id in held:
            return earlier
        if len(held) >= limits().files + (replaces in held):
            raise TooManyFiles
    if earlier:  # it was taken out again, and is wanted after all
        attempt = uuid4()
    key = f"original/{uuid4()}"
    shot = shot_of(request.form.get("shot", ""))
    arrived = drafts.Arrived(key, name, kind.value, incoming.size, incoming.sha256, attempt, part, shot)
    try:
        incoming.keep(storage(), key, kind.media_type)
    except StorageError as failed:
        raise _NotTaken("not_kept") from failed
    try:
        with transaction() as session:
            file = drafts.attach(
                session,
                me(),
                submission_id,
                arrived,
                limit=limits().files,
                day_limit=limits().day,
                replaces=replaces,
            )
            points.passed("row.written")
    except DomainError:  # nothing else: a database that breaks off may have kept the row, and the row needs its bytes
        forget([key])
        raise
    points.passed("row.committed")
    if file.key != key:  # the other tap was quicker
        forget([key])
    else:
        log("file.received", file=file.id, submission=submission_id, size=file.size, kind=file.kind)
    return file


def attempt_of_form() -> UUID:
    """The id drawn into the form. A form without a readable one counts as a new attempt."""
    try:
        return UUID(request.form.get("attempt", ""))
    except ValueError:
        return uuid4()
