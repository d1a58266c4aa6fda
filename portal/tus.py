"""Resumable uploads by the tus 1.0 protocol: creation, creation-with-upload, checksum, expiration, termination.

A file comes in stretches, each durable before its answer; the stretch that makes it whole is answered once the file is
one of the draft, in the one commit that also ends the upload. So whatever is cut off, by a tunnel or by a kill, HEAD
says how many bytes are kept, and the phone goes on from there.

Answers that are no success are JSON: ``reason``, and a ``sentence`` where trying again would not help.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from config import points
from config.log import log
from config.settings import MEBIBYTE
from config.web import arriving, reading, settings, storage, transaction
from portal.access import asked_by_script, me
from portal.upload import forget, limits, sentence, shot_of
from shared import errors
from shared import upload as uploads
from shared.model import Upload, UploadState
from shared.rules import names
from shared.session import Writer
from shared.sign_in import Recipient
from shared.upload import Announced, Bytes, Limits, Whole
from uploads.checks import Kind, NotAccepted, what_is
from uploads.receiving import HEAD, Incoming, join, receive
from uploads.storage import StorageError

bp = Blueprint("tus", __name__, url_prefix="/uploads")

VERSION: Final = "1.0.0"
STRETCH: Final = MEBIBYTE  # bytes of a long PATCH that are kept together: a killed server loses at most so many
_EXTENSIONS: Final = "creation,creation-with-upload,checksum,expiration,termination"
_CHECKSUMS: Final[dict[str, Callable[[], Any]]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_BODY: Final = "application/offset+octet-stream"
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_MISMATCH: Final = 460
Arrived = TypeVar("Arrived", Upload, Whole)
_OVERRIDABLE: Final = ("PATCH", "DELETE", "HEAD")  # for a network that lets only GET and POST through


class _Problem(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, reason: str, headers: Mapping[str, str] | None = None, *, final: bool = False
    ) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers, self.final = status, reason, dict(headers or {}), final


@bp.route("/to/<uuid:submission_id>", methods=["POST", "OPTIONS"])
@asked_by_script
def create(submission_id: UUID) -> ResponseReturnValue:
    """Begin an upload into what is being written; with a body it may be whole at once."""
    if request.method == "OPTIONS":
        return _abilities()
    announced = _announced()
    upload: Upload | Whole
    if request.mimetype == _BODY:
        upload = _with_body(submission_id, announced)
    else:
        with transaction() as session:
            upload = uploads.begin(session, me(), submission_id, announced, limits())
        log("upload.begun", upload=upload.id, submission=submission_id, size=upload.size)
    return _stands(upload, 201, Location=f"{request.script_root}{bp.url_prefix}/{upload.id}")  # as url_for says, sooner


@bp.route("/<uuid:upload_id>", methods=["HEAD", "PATCH", "DELETE", "POST", "OPTIONS"])
@asked_by_script
def one(upload_id: UUID) -> ResponseReturnValue:
    """How far an upload has come; more of it; no more of it."""
    if request.method == "OPTIONS":
        return _abilities()
    match _method():
        case "HEAD":
            with reading() as session:
                upload = uploads.of(session, me(), upload_id)
            name = base64.b64encode(upload.name.encode()).decode()
            about = {"Upload-Length": str(upload.size), "Upload-Metadata": f"filename {name}"}
            return _stands(upload, 200, **about)
        case "PATCH":
            return _stands(_go_on(upload_id), 204)
        case "DELETE":
            with transaction() as session:
                keys = uploads.end(session, me(), upload_id, "removed")
            forget(keys)
            log("upload.ended", upload=upload_id, because="removed")
            return "", 204
        case _:
            raise _Problem(405, "method")


def _method() -> str:
    if request.method != "POST":
        return request.method
    wanted = request.headers.get("X-HTTP-Method-Override", "").upper()
    return wanted if wanted in _OVERRIDABLE else "POST"


# ---- what comes ----


def _with_body(submission_id: UUID, announced: Announced) -> Upload | Whole:
    body = _Body(0, announced.size)
    with closing(_incoming()) as incoming:
        body.read_into(incoming, announced.size)
        if incoming.size == announced.size:
            return _take_whole(submission_id, announced, incoming)
        with transaction() as session:
            upload = uploads.begin(session, me(), submission_id, announced, limits())
        log("upload.begun", upload=upload.id, submission=submission_id, size=upload.size)
        if incoming.size and upload.state is UploadState.OPEN and upload.kept == 0:
            upload = _keep_part(upload, 0, incoming)
        return upload


def _take_whole(submission_id: UUID, announced: Announced, incoming: Incoming) -> Upload | Whole:
    if announced.sha256 not in (None, incoming.sha256):
        raise _Problem(_MISMATCH, "checksum")
    arrived = _store(incoming, what_is(incoming.head, incoming.size))
    try:
        whole = arriving(partial(_at_once, me(), submission_id, announced, arrived, limits()))
        if whole:
            return _arrived(whole, arrived, [])
        with transaction() as session:
            upload, keys = uploads.arrive(session, me(), submission_id, announced, arrived, limits())
            points.passed("row.written")
    except errors.DomainError:  # nothing else: a database that breaks off may have kept the row
        forget([arrived.key])
        raise
    return _arrived(upload, arrived, keys)


def _at_once(
    who: Recipient, submission_id: UUID, announced: Announced, arrived: Bytes, most: Limits, writer: Writer
) -> Whole | None:
    whole = uploads.arrive_at_once(writer, who, submission_id, announced, arrived, most)
    if whole:
        points.passed("row.written")
    return whole


def _go_on(upload_id: UUID) -> Upload:
    """Take the stretches of a PATCH. Returns the upload as it stands then."""
    if request.mimetype != _BODY:
        raise _Problem(415, "content_type")
    start = _number("Upload-Offset")
    with reading() as session:
        upload = uploads.of(session, me(), upload_id)
    if upload.kept != start:
        raise errors.WrongOffset(upload.kept)
    if upload.state is UploadState.WHOLE:
        return upload
    body = _Body(start, upload.size)
    most = upload.size if body.checksum else STRETCH
    while True:
        with closing(_incoming()) as incoming:
            there_is_more = body.read_into(incoming, min(most, upload.size - upload.kept))
            points.passed("part.written")
            if upload.kept + incoming.size == upload.size:
                return _finish(upload, incoming)
            if incoming.size:
                upload = _keep_part(upload, upload.kept, incoming)
        if not there_is_more:
            return upload


class _Body:
    """The bytes of this request, and what was said about them."""

    def __init__(self, start: int, size: int) -> None:
        """:param start, size: of the first byte in the file, and of the file"""
        self.length = request.content_length  # None: nobody says where it ends
        self.came = 0
        self.end = size - start
        self.checksum = _checksum()
        if self.length is not None and self.length > self.end:
            raise _Problem(400, "past_the_end")

    def read_into(self, incoming: Incoming, most: int) -> bool:
        """Write at most ``most`` bytes. Returns whether so many came.

        Under a checksum all the bytes that were meant to come must have come, and be right.
        """
        algorithm, wanted = self.checksum or ("", b"")
        digest = _CHECKSUMS[algorithm]() if algorithm else None
        read = request.environ["wsgi.input"].read
        full = receive(incoming, read, self._within(most), digest)
        self.came += incoming.size
        if incoming.failed:
            raise _Problem(503, "not_kept", {"Retry-After": "5"})
        if self.came == self.end and self.length is None and read(1):
            raise _Problem(400, "past_the_end")
        if digest and (digest.digest() != wanted or self.came < (self.length or 0)):
            raise _Problem(_MISMATCH, "checksum")
        return full and self.came != self.length

    def _within(self, most: int) -> int:
        return most if self.length is None else min(most, self.length - self.came)


def _incoming() -> Incoming:
    return Incoming(settings().incoming, settings().file_limit)


def _keep_part(upload: Upload, start: int, incoming: Incoming) -> Upload:
    if start == 0 and incoming.size >= min(HEAD, upload.size):
        _judge(upload, incoming)
    key = f"partial/{uuid4()}"
    incoming.keep(storage(), key, _BODY)
    try:
        with transaction() as session:
            upload = uploads.keep_part(session, me(), upload.id, start=start, size=incoming.size, key=key)
            points.passed("row.written")
    except errors.DomainError:
        forget([key])
        raise
    points.passed("row.committed")
    return upload


def _finish(upload: Upload, last: Incoming) -> Upload:
    """Put the stretches together. Whole, they become a file of the draft in one commit."""
    with ExitStack() as held:
        whole = last
        if upload.kept:
            whole = held.enter_context(closing(_incoming()))
            with reading() as session:
                keys = [part.key for part in uploads.parts_of(session, upload)]
            join(whole, storage(), keys, last)
        if whole.failed or whole.size != upload.size:
            raise _Problem(503, "not_kept", {"Retry-After": "5"})
        if upload.sha256 not in (None, whole.sha256):
            with transaction() as session:
                keys = uploads.start_again(session, me(), upload.id)
            forget(keys)
            raise _Problem(_MISMATCH, "checksum", {"Upload-Offset": "0"})
        arrived = _store(whole, _judge(upload, whole))
    try:
        with transaction() as session:
            done, keys = uploads.finish(session, me(), upload.id, arrived, start=upload.kept, limits=limits())
            points.passed("row.written")
    except errors.DomainError as refused:
        forget([arrived.key])
        if isinstance(refused, (errors.TooManyFiles, errors.AlreadySent)):
            _end(upload, "too_many" if isinstance(refused, errors.TooManyFiles) else "already_sent")
        raise
    return _arrived(done, arrived, keys)


def _judge(upload: Upload, incoming: Incoming) -> Kind:
    try:
        return what_is(incoming.head, upload.size)
    except NotAccepted as refused:
        _end(upload, refused.reason)
        raise


def _end(upload: Upload, because: str) -> None:
    with transaction() as session:
        keys = uploads.end(session, me(), upload.id, because)
    forget(keys)
    log("upload.ended", upload=upload.id, because=because)


def _store(incoming: Incoming, kind: Kind) -> Bytes:
    key = f"original/{uuid4()}"
    arrived = Bytes(key, kind.value, incoming.size, incoming.sha256)
    incoming.keep(storage(), key, kind.media_type)
    return arrived


def _arrived(upload: Arrived, arrived: Bytes, keys: list[str]) -> Arrived:
    points.passed("row.committed")
    forget(keys)
    if arrived.key not in keys:
        log("file.received", file=upload.file_id, submission=upload.submission_id, size=arrived.size, kind=arrived.kind)
    return upload


# ---- what is said ----


def _announced() -> Announced:
    size = _number("Upload-Length")
    if size > settings().file_limit:
        raise _Problem(413, "too_big", final=True)
    if size == 0:
        raise _Problem(415, "empty", final=True)
    said = _metadata()
    sha256 = said.get("sha256", b"").decode("ascii", "replace").lower() or None
    if sha256 and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise _Problem(400, "metadata")
    return Announced(
        attempt=_uuid(said.get("attempt")) or uuid4(),
        name=names.kept(said.get("filename") or said.get("name") or b""),
        size=size,
        sha256=sha256,
        replaces=_uuid(said.get("replaces")),
        shot=shot_of(said.get("shot", b"").decode("ascii", "replace")),
    )


def _metadata() -> dict[str, bytes]:
    """``Upload-Metadata``: pairs of a word and a Base64 text, parted by commas."""
    said: dict[str, bytes] = {}
    for pair in filter(None, request.headers.get("Upload-Metadata", "").split(",")):
        word, _, value = pair.strip().partition(" ")
        if not word or word in said:
            raise _Problem(400, "metadata")
        said[word] = _base64(value.strip(), "metadata")
    return said


def _checksum() -> tuple[str, bytes] | None:
    """``Upload-Checksum``: the algorithm and the digest."""
    said = request.headers.get("Upload-Checksum")
    if said is None:
        return None
    algorithm, _, digest = said.strip().partition(" ")
    if algorithm not in _CHECKSUMS:
        raise _Problem(400, "checksum_algorithm")
    return algorithm, _base64(digest, "checksum_algorithm")


def _base64(text: str, reason: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as broken:
        raise _Problem(400, reason) from broken


def _uuid(text: bytes | None) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text.decode("ascii"))
    except ValueError as broken:
        raise _Problem(400, "metadata") from broken


def _number(header: str) -> int:
    text = request.headers.get(header, "")
    if not _NUMBER.fullmatch(text):
        raise _Problem(400, header.lower().replace("-", "_"))
    return int(text)


# ---- what is answered ----


def _stands(upload: Upload | Whole, status: int, **headers: str) -> ResponseReturnValue:
    answer = Response(status=status, headers=headers)
    answer.headers["Upload-Offset"] = str(upload.kept)
    if upload.file_id is None:
        answer.headers["Upload-Expires"] = http_date(upload.expires_at)
    else:
        answer.headers["Madoguchi-File"] = str(upload.file_id)
    points.passed("answer.ready")
    return answer


def _abilities() -> ResponseReturnValue:
    able = {
        "Tus-Version": VERSION,
        "Tus-Extension": _EXTENSIONS,
        "Tus-Max-Size": str(settings().file_limit),
        "Tus-Checksum-Algorithm": ",".join(_CHECKSUMS),
    }
    return "", 204, able


@bp.before_request
def _speaks_tus() -> None:
    if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
        raise _Problem(412, "tus_version", {"Tus-Version": VERSION})


@bp.after_request
def _always(answer: Response) -> Response:
    """What every answer says. Bytes of hers that nobody wants are read all the same: a phone that is still sending
    would find a broken connection in place of the answer.
    """
    answer.headers["Tus-Resumable"] = VERSION
    if answer.status_code >= 400 and current_user.is_authenticated and "wsgi.input_terminated" in request.environ:
        left = settings().file_limit
        while left > 0 and (data := request.environ["wsgi.input"].read(STRETCH)):
            left -= len(data)
    return answer


def _say(
    status: int, reason: str, headers: Mapping[str, str] | None = None, *, final: bool = False
) -> ResponseReturnValue:
    said = {"reason": reason}
    if final:
        said["sentence"] = sentence(reason)
    return said, status, dict(headers or {})


@bp.errorhandler(_Problem)
def _problem(problem: _Problem) -> ResponseReturnValue:
    return _say(problem.status, problem.reason, problem.headers, final=problem.final)


@bp.errorhandler(errors.NotThere)
def _not_there(_error: errors.NotThere) -> ResponseReturnValue:
    return _say(404, "not_there")


@bp.errorhandler(errors.WrongOffset)
def _wrong_offset(wrong: errors.WrongOffset) -> ResponseReturnValue:
    return _say(409, "offset", {"Upload-Offset": str(wrong.kept)})


@bp.errorhandler(errors.UploadOver)
def _over(over: errors.UploadOver) -> ResponseReturnValue:
    return _say(410, over.because, final=over.because not in ("expired", "removed"))


@bp.errorhandler(errors.AlreadySent)
def _already_sent(_error: errors.AlreadySent) -> ResponseReturnValue:
    return _say(410, "already_sent", final=True)


@bp.errorhandler(errors.TooManyFiles)
def _too_many(_error: errors.TooManyFiles) -> ResponseReturnValue:
    return _say(422, "too_many", final=True)


@bp.errorhandler(errors.TooMuchToday)
def _too_much_today(_error: errors.TooMuchToday) -> ResponseReturnValue:
    return _say(429, "too_much_today", final=True)


@bp.errorhandler(NotAccepted)
def _not_accepted(refused: NotAccepted) -> ResponseReturnValue:
    log("file.refused", reason=refused.reason)
    return _say(415, refused.reason, final=True)


@bp.errorhandler(CSRFError)
def _not_from_our_page(_error: CSRFError) -> ResponseReturnValue:
    return _say(403, "token")


@bp.errorhandler(StorageError)
@bp.errorhandler(OperationalError)
@bp.errorhandler(PoolTimeout)
def _unavailable(error: Exception) -> ResponseReturnValue:
    log("request.failed", level="error", path=request.path, error=type(error).__name__)
    return _say(503, "not_kept", {"Retry-After": "5"})


@bp.errorhandler(HTTPException)
def _other(error: HTTPException) -> ResponseReturnValue:
    return _say(error.code or 500, "request")
