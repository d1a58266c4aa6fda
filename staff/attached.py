"""Papers that staff send with a message. These are strangers' bytes, too: counted, judged, durable, drawn anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final
from uuid import UUID, uuid4

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from config.log import log
from config.web import settings, storage
from config.words import FILE_REFUSALS, pieces
from shared.drafts import Arrived
from shared.errors import DomainError
from shared.rules import names
from uploads.checks import NotAccepted, what_is
from uploads.receiving import Incoming, receive
from uploads.storage import StorageError

MOST: Final = 3  # files of one message


class NotAttached(Exception):
    """A file that was not taken, with what its sender reads. Nothing of the message was kept."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(name)
        self.sentence = f"{names.shown(name)}：{sentence}" if name else sentence


@contextmanager
def papers(attempt: UUID, *, wanted: bool = True) -> Iterator[list[Arrived]]:
    """The files of the form, durable; none if they are not wanted. If the message cannot be sent they are gone again.

    :raises NotAttached: for the first one that cannot be taken.
    """
    kept: list[Arrived] = []
    try:
        given = [file for file in request.files.getlist("file") if file.filename and wanted]
        if len(given) > MOST:
            raise NotAttached(
                "", _("つけられるファイルは%(count)sまでです。減らして、もう一度えらんでください", count=pieces(MOST))
            )
        for part, file in enumerate(given):
            kept.append(_durable(file, attempt, part))
        yield kept
    except (DomainError, NotAttached):  # nothing else: a database that breaks off may have kept the rows
        for paper in kept:
            with suppress(StorageError):
                storage().delete(paper.key)
        raise


def _durable(file: FileStorage, attempt: UUID, part: int) -> Arrived:
    name, limit = names.kept(file.filename or ""), settings().file_limit
    with closing(Incoming(settings().incoming, limit)) as incoming:
        receive(incoming, file.stream.read, limit + 1)
        if incoming.too_big:
            raise NotAttached(name, str(FILE_REFUSALS["too_big"]))
        try:
            if incoming.failed:
                raise StorageError
            kind = what_is(incoming.head, incoming.size)
            key = f"original/{uuid4()}"
            incoming.keep(storage(), key, kind.media_type)
        except NotAccepted as refused:
            log("file.refused", reason=refused.reason)
            raise NotAttached(name, str(FILE_REFUSALS[refused.reason])) from refused
        except StorageError as failed:
            raise NotAttached(name, str(FILE_REFUSALS["not_kept"])) from failed
        return Arrived(key, name, kind.value, incoming.size, incoming.sha256, attempt, part)
