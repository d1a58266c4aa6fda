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
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID, uuid4

from flask import Flask, Request, Response, current_app
from flask.sessions import SessionMixin
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES, http_date

from config import points
from config.cookies import has_our_token
from config.log import log
from config.settings import MEBIBYTE
from config.web import always_said, arriving, reading, settings, signed_in, storage, transaction
from portal.upload import forget, limits, sentence, shot_of
from shared import errors, sign_in
from shared import upload as uploads
from shared.model import Upload, UploadState
from shared.rules import names
from shared.session import Writer
from shared.sign_in import Recipient
from shared.upload import Announced, Bytes, Limits, Whole
from uploads.checks import Kind, NotAccepted, what_is
from uploads.receiving import HEAD, Incoming, join, receive
from uploads.storage import StorageError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

VERSION: Final = "1.0.0"
STRETCH: Final = MEBIBYTE  # bytes of a long PATCH that are kept together: a killed server loses at most so many
_EXTENSIONS: Final = "creation,creation-with-upload,checksum,expiration,termination"
_CHECKSUMS: Final[dict[str, Callable[[], Any]]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_BODY: Final = "application/offset+octet-stream"
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_MISMATCH: Final = 460
Arrived = TypeVar("Arrived", Upload, Whole)
_ID: Final = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_WAY: Final = re.compile(f"/uploads/(?P<to>to/)?(?P<id>{_ID})")
_PLACES: Final = {  # name: the address as ``url_for`` makes it, and what may be asked there
    "tus.create": ("/uploads/to/<uuid:submission_id>", {"POST", "OPTIONS"}),
    "tus.one": ("/uploads/<uuid:upload_id>", {"HEAD", "PATCH", "DELETE", "POST", "OPTIONS"}),
}
_OVERRIDABLE: Final = ("PATCH", "DELETE", "HEAD")  # for a network that lets only GET and POST through


class _Problem(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, reason: str, headers: Mapping[str, str] | None = None, *, final: bool = False
    ) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers, self.final = status, reason, dict(headers or {}), final


@dataclass(frozen=True)
class _Answer:
    """What a phone hears. No ``Response``: making one and reading it out again took a twelfth of an upload's Python."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Tus:
    """What is asked below ``/uploads``: an app of its own in front of Flask's, which takes all the rest.

    Flask's way around a page (hooks, proxies, headers) was a fifth of what an arriving file cost the processor.
    """

    def __init__(self, app: Flask) -> None:
        self._app, self._rest = app, app.wsgi_app
        for name, (path, methods) in _PLACES.items():  # for ``url_for``, which builds addresses
            app.add_url_rule(path, name, methods=sorted(methods), provide_automatic_options=False, build_only=True)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        way = _WAY.fullmatch(environ.get("PATH_INFO", ""))
        if way is None:
            return self._rest(environ, start_response)
        with self._app.app_context():
            asked = _Asked(environ, populate_request=False)  # each would hold the other, and what is left of the bytes
            answer = _answer(asked, UUID(way["id"]), is_new=bool(way["to"]))
            heads = list(answer.headers.items())
            if asked.session is not None and asked.session.modified:
                carrier = Response()
                self._app.session_interface.save_session(self._app, asked.session, carrier)
                heads += [("Set-Cookie", cookie) for cookie in carrier.headers.getlist("Set-Cookie")]
            _listen_to_the_end(asked, answer.status)
            start_response(f"{answer.status} {HTTP_STATUS_CODES.get(answer.status, 'Other')}", heads)
            return [answer.body] if asked.method != "HEAD" else []


class _Asked(Request):
    """One question of a phone: its headers, its bytes, and who is there."""

    who: Recipient
    session: SessionMixin | None = None  # once somebody is there

    def need_somebody(self) -> None:
        session, token, who = signed_in(self)
        if session is None or who is None:
            raise _Problem(401, "sign_in")
        self.session, self.who = session, who
        if who.renewal_due:
            with transaction() as write:
                sign_in.renew(write, token)
            session.modified = True  # the cookie lives on with the row

    def need_our_page(self) -> None:
        if self.session is None or not has_our_token(self, self.session):
            raise _Problem(403, "token")


def _answer(asked: _Asked, named: UUID, *, is_new: bool) -> _Answer:
    """:param named: the submission that something new goes to, or the upload"""
    try:
        allowed = _PLACES["tus.create" if is_new else "tus.one"][1]
        if asked.method not in allowed:
            raise _Problem(405, "method", {"Allow": ", ".join(sorted(allowed))})
        asked.need_somebody()
        if asked.method == "OPTIONS":
            return _abilities()
        if asked.method != "HEAD":
            asked.need_our_page()
        if asked.headers.get("Tus-Resumable") != VERSION:
            raise _Problem(412, "tus_version", {"Tus-Version": VERSION})
        return _create(asked, named) if is_new else _one(asked, named)
    except Exception as error:  # noqa: BLE001  (each has its answer)
        return _refusal(asked, error)


def _create(asked: _Asked, submission_id: UUID) -> _Answer:
    """Begin an upload into what is being written; with a body it may be whole at once."""
    announced = _announced(asked)
    upload: Upload | Whole
    if asked.mimetype == _BODY:
        upload = _with_body(asked, submission_id, announced)
    else:
        with transaction() as session:
            upload = uploads.begin(session, asked.who, submission_id, announced, limits())
        log("upload.begun", upload=upload.id, submission=submission_id, size=upload.size)
    return _stands(upload, 201, Location=f"{asked.script_root}/uploads/{upload.id}")


def _one(asked: _Asked, upload_id: UUID) -> _Answer:
    """How far an upload has come; more of it; no more of it."""
    match _method(asked):
        case "HEAD":
            with reading() as session:
                upload = uploads.of(session, asked.who, upload_id)
            name = base64.b64encode(upload.name.encode()).decode()
            about = {"Upload-Length": str(upload.size), "Upload-Metadata": f"filename {name}"}
            return _stands(upload, 200, **about)
        case "PATCH":
            return _stands(_go_on(asked, upload_id), 204)
        case "DELETE":
            with transaction() as session:
                keys = uploads.end(session, asked.who, upload_id, "removed")
            forget(keys)
            log("upload.ended", upload=upload_id, because="removed")
            return _said(204, {})
        case _:
            raise _Problem(405, "method", {"Allow": ", ".join(sorted(_PLACES["tus.one"][1]))})


def _method(asked: _Asked) -> str:
    if asked.method != "POST":
        return asked.method
    wanted = asked.headers.get("X-HTTP-Method-Override", "").upper()
    return wanted if wanted in _OVERRIDABLE else "POST"


# ---- what comes ----


def _with_body(asked: _Asked, submission_id: UUID, announced: Announced) -> Upload | Whole:
    body = _Body(asked, 0, announced.size)
    with closing(_incoming()) as incoming:
        body.read_into(incoming, announced.size)
        if incoming.size == announced.size:
            return _take_whole(asked.who, submission_id, announced, incoming)
        with transaction() as session:
            upload = uploads.begin(session, asked.who, submission_id, announced, limits())
        log("upload.begun", upload=upload.id, submission=submission_id, size=upload.size)
        if incoming.size and upload.state is UploadState.OPEN and upload.kept == 0:
            upload = _keep_part(asked.who, upload, 0, incoming)
        return upload


def _take_whole(who: Recipient, submission_id: UUID, announced: Announced, incoming: Incoming) -> Upload | Whole:
    if announced.sha256 not in (None, incoming.sha256):
        raise _Problem(_MISMATCH, "checksum")
    arrived = _store(incoming, what_is(incoming.head, incoming.size))
    try:
        whole = arriving(partial(_at_once, who, submission_id, announced, arrived, limits()))
        if whole:
            return _arrived(whole, arrived, [])
        with transaction() as session:
            upload, keys = uploads.arrive(session, who, submission_id, announced, arrived, limits())
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


def _go_on(asked: _Asked, upload_id: UUID) -> Upload:
    """Take the stretches of a PATCH. Returns the upload as it stands then."""
    if asked.mimetype != _BODY:
        raise _Problem(415, "content_type")
    start = _number(asked, "Upload-Offset")
    with reading() as session:
        upload = uploads.of(session, asked.who, upload_id)
    if upload.kept != start:
        raise errors.WrongOffset(upload.kept)
    if upload.state is UploadState.WHOLE:
        return upload
    body = _Body(asked, start, upload.size)
    most = upload.size if body.checksum else STRETCH
    while True:
        with closing(_incoming()) as incoming:
            there_is_more = body.read_into(incoming, min(most, upload.size - upload.kept))
            points.passed("part.written")
            if upload.kept + incoming.size == upload.size:
                return _finish(asked.who, upload, incoming)
            if incoming.size:
                upload = _keep_part(asked.who, upload, upload.kept, incoming)
        if not there_is_more:
            return upload


class _Body:
    """The bytes of this request, and what was said about them."""

    def __init__(self, asked: _Asked, start: int, size: int) -> None:
        """:param start, size: of the first byte in the file, and of the file"""
        self.read = asked.environ["wsgi.input"].read
        self.length = asked.content_length  # None: nobody says where it ends
        self.came = 0
        self.end = size - start
        self.checksum = _checksum(asked)
        if self.length is not None and self.length > self.end:
            raise _Problem(400, "past_the_end")

    def read_into(self, incoming: Incoming, most: int) -> bool:
        """Write at most ``most`` bytes. Returns whether so many came.

        Under a checksum all the bytes that were meant to come must have come, and be right.
        """
        algorithm, wanted = self.checksum or ("", b"")
        digest = _CHECKSUMS[algorithm]() if algorithm else None
        full = receive(incoming, self.read, self._within(most), digest)
        self.came += incoming.size
        if incoming.failed:
            raise _Problem(503, "not_kept", {"Retry-After": "5"})
        if self.came == self.end and self.length is None and self.read(1):
            raise _Problem(400, "past_the_end")
        if digest and (digest.digest() != wanted or self.came < (self.length or 0)):
            raise _Problem(_MISMATCH, "checksum")
        return full and self.came != self.length

    def _within(self, most: int) -> int:
        return most if self.length is None else min(most, self.length - self.came)


def _incoming() -> Incoming:
    return Incoming(settings().incoming, settings().file_limit)


def _keep_part(who: Recipient, upload: Upload, start: int, incoming: Incoming) -> Upload:
    if start == 0 and incoming.size >= min(HEAD, upload.size):
        _judge(who, upload, incoming)
    key = f"partial/{uuid4()}"
    incoming.keep(storage(), key, _BODY)
    try:
        with transaction() as session:
            upload = uploads.keep_part(session, who, upload.id, start=start, size=incoming.size, key=key)
            points.passed("row.written")
    except errors.DomainError:
        forget([key])
        raise
    points.passed("row.committed")
    return upload


def _finish(who: Recipient, upload: Upload, last: Incoming) -> Upload:
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
                keys = uploads.start_again(session, who, upload.id)
            forget(keys)
            raise _Problem(_MISMATCH, "checksum", {"Upload-Offset": "0"})
        arrived = _store(whole, _judge(who, upload, whole))
    try:
        with transaction() as session:
            done, keys = uploads.finish(session, who, upload.id, arrived, start=upload.kept, limits=limits())
            points.passed("row.written")
    except errors.DomainError as refused:
        forget([arrived.key])
        if isinstance(refused, (errors.TooManyFiles, errors.AlreadySent)):
            _end(who, upload, "too_many" if isinstance(refused, errors.TooManyFiles) else "already_sent")
        raise
    return _arrived(done, arrived, keys)


def _judge(who: Recipient, upload: Upload, incoming: Incoming) -> Kind:
    try:
        return what_is(incoming.head, upload.size)
    except NotAccepted as refused:
        _end(who, upload, refused.reason)
        raise


def _end(who: Recipient, upload: Upload, because: str) -> None:
    with transaction() as session:
        keys = uploads.end(session, who, upload.id, because)
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


def _announced(asked: _Asked) -> Announced:
    size = _number(asked, "Upload-Length")
    if size > settings().file_limit:
        raise _Problem(413, "too_big", final=True)
    if size == 0:
        raise _Problem(415, "empty", final=True)
    said = _metadata(asked)
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


def _metadata(asked: _Asked) -> dict[str, bytes]:
    """``Upload-Metadata``: pairs of a word and a Base64 text, parted by commas."""
    said: dict[str, bytes] = {}
    for pair in filter(None, asked.headers.get("Upload-Metadata", "").split(",")):
        word, _, value = pair.strip().partition(" ")
        if not word or word in said:
            raise _Problem(400, "metadata")
        said[word] = _base64(value.strip(), "metadata")
    return said


def _checksum(asked: _Asked) -> tuple[str, bytes] | None:
    """``Upload-Checksum``: the algorithm and the digest."""
    said = asked.headers.get("Upload-Checksum")
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


def _number(asked: _Asked, header: str) -> int:
    text = asked.headers.get(header, "")
    if not _NUMBER.fullmatch(text):
        raise _Problem(400, header.lower().replace("-", "_"))
    return int(text)


# ---- what is answered ----


def _said(status: int, headers: Mapping[str, str], body: bytes = b"") -> _Answer:
    about = {"Content-Length": str(len(body))} if status != 204 else {}
    return _Answer(
        status, {**always_said(), **about, "Cache-Control": "no-store", "Tus-Resumable": VERSION, **headers}, body
    )


def _stands(upload: Upload | Whole, status: int, **headers: str) -> _Answer:
    about = {"Upload-Offset": str(upload.kept)}
    if upload.file_id is None:
        about["Upload-Expires"] = http_date(upload.expires_at)
    else:
        about["Madoguchi-File"] = str(upload.file_id)
    answer = _said(status, {**headers, **about})
    points.passed("answer.ready")
    return answer


def _abilities() -> _Answer:
    able = {
        "Tus-Version": VERSION,
        "Tus-Extension": _EXTENSIONS,
        "Tus-Max-Size": str(settings().file_limit),
        "Tus-Checksum-Algorithm": ",".join(_CHECKSUMS),
    }
    return _said(204, able)


def _listen_to_the_end(asked: _Asked, status: int) -> None:
    """Read bytes of hers that nobody wants: a phone still sending would find a broken connection for an answer."""
    if status >= 400 and asked.session is not None and "wsgi.input_terminated" in asked.environ:
        left = settings().file_limit
        while left > 0 and (data := asked.environ["wsgi.input"].read(STRETCH)):
            left -= len(data)


def _refused(status: int, reason: str, headers: Mapping[str, str] | None = None, *, final: bool = False) -> _Answer:
    said = {"reason": reason}
    if final:
        said["sentence"] = sentence(reason)
    body = current_app.json.dumps(said).encode()
    return _said(status, {"Content-Type": "application/json", **(headers or {})}, body)


def _refusal(asked: _Asked, error: Exception) -> _Answer:
    """What an answer that is no success says."""
    match error:
        case _Problem():
            return _refused(error.status, error.reason, error.headers, final=error.final)
        case errors.NotThere():
            return _refused(404, "not_there")
        case errors.WrongOffset():
            return _refused(409, "offset", {"Upload-Offset": str(error.kept)})
        case errors.UploadOver():
            return _refused(410, error.because, final=error.because not in ("expired", "removed"))
        case errors.AlreadySent():
            return _refused(410, "already_sent", final=True)
        case errors.TooManyFiles():
            return _refused(422, "too_many", final=True)
        case errors.TooMuchToday():
            return _refused(429, "too_much_today", final=True)
        case errors.IllegalMove() | StaleDataError():  # another hand was quicker: the phone asks where it stands
            return _refused(409, "changed")
        case NotAccepted():
            log("file.refused", reason=error.reason)
            return _refused(415, error.reason, final=True)
        case StorageError() | OperationalError() | PoolTimeout():
            log("request.failed", level="error", path=asked.path, error=type(error).__name__)
            return _refused(503, "not_kept", {"Retry-After": "5"})
        case HTTPException():  # what Werkzeug finds wrong with the question itself
            return _refused(error.code or 400, "request")
        case _:
            log("request.failed", level="error", path=asked.path, error=type(error).__name__)
            current_app.logger.error("Exception on %s [%s]", asked.path, asked.method, exc_info=error)
            return _refused(500, "request")
