"""One office with a real portal process in front of it, and people who hold a phone by its bare wire."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import shutil
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from flask import session as cookie
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.office.children import Crew
from config.office.services import LOOPBACK, free_port, web
from config.settings import MEBIBYTE, Settings
from portal import create_app
from shared import drafts
from shared.model import StoredFile, Submission, UploadPart
from shared.session import engine_for, sessions
from shared.sign_in import Recipient
from tests import factories
from tests.portal.phone import MULTIPART, Sent, multipart
from uploads.storage import MARKER, storage_from

PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + os.urandom(5 * MEBIBYTE // 2)
BODY = "application/offset+octet-stream"
PATIENCE = 30.0  # seconds until something that must happen has not


def until(what: Callable[[], Any]) -> Any:
    """Wait until ``what`` gives something."""
    end = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class House:
    """A database, a storage, and the settings of the portal in front of them."""

    root: Path
    database_url: str
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MADOGUCHI_")},
            "MADOGUCHI_DATABASE_URL": self.database_url,
            "MADOGUCHI_REDIS_URL": "redis://127.0.0.1:1",  # nobody listens: no answer may need it
            "MADOGUCHI_STORAGE_URL": f"folder:{self.root / 'files'}",
            "MADOGUCHI_INCOMING": str(self.root / "incoming"),
            "MADOGUCHI_SECRET_KEY": "for tests only, long enough to be accepted",
            "MADOGUCHI_INSECURE_COOKIES": "yes",
        }
        settings = Settings.from_environ(self.environ)
        storage_from(settings).prepare()
        self.app = create_app(settings)  # never asked: it only signs cookies
        self.engine = engine_for(self.database_url)
        self.sessions = sessions(self.engine)

    def close(self) -> None:
        self.engine.dispose()
        self.app.extensions["madoguchi"].engine.dispose()

    def person(self) -> Person:
        """Somebody with a report being written, signed in."""
        with self.sessions.begin() as session:
            who = factories.recipient(session)
            report = factories.draft(session, who).id
            token = factories.signed_in_token(session, who)
        with self.app.test_request_context():
            cookie["_user_id"] = token
            csrf = generate_csrf()
            signer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
            signed = f"{self.app.config['SESSION_COOKIE_NAME']}={signer.dumps(dict(cookie))}"
        return Person(self, who, report, signed, csrf)

    def stored(self, kind: str) -> set[str]:
        """The keys of one kind that hold bytes."""
        found = (self.root / "files" / kind).glob("*")
        return {f"{kind}/{path.name}" for path in found if path.name != MARKER}

    def lying_about(self) -> list[Path]:
        return list((self.root / "incoming").glob("*"))

    @contextmanager
    def served(self) -> Iterator[None]:
        """The portal on its real server, as at the desk."""
        (self.root / "log").mkdir(exist_ok=True)
        with Crew(self.root / "log", print) as crew:
            crew.start(web("portal", self.port, self.environ))
            yield

    def kill(self) -> None:
        """Let the machine lose its power, as far as the portal is concerned."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"\0--port\0{self.port}\0".encode() in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)


@dataclass
class Person:
    """Somebody, her report, and what her phone says with each request."""

    house: House
    who: Recipient
    report: UUID
    cookie: str
    token: str
    attempt: UUID = field(default_factory=uuid4)

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie, "X-CSRFToken": self.token, "Tus-Resumable": "1.0.0"}

    def announced(self, content: bytes) -> dict[str, str]:
        pairs = {
            "filename": "明細.jpg",
            "attempt": str(self.attempt),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        said = ",".join(f"{word} {base64.b64encode(text.encode()).decode()}" for word, text in pairs.items())
        return {"Upload-Length": str(len(content)), "Upload-Metadata": said}

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """:raises OSError, http.client.HTTPException: if the answer does not come."""
        line = http.client.HTTPConnection(LOOPBACK, self.house.port, timeout=PATIENCE)
        try:
            line.request(method, path, body or None, {**self.headers, **(headers or {})})
            answer = line.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            line.close()

    def create(self, content: bytes, body: bytes = b"") -> Answer:
        kind = {"Content-Type": BODY} if body else {}
        return self.ask("POST", f"/uploads/to/{self.report}", {**self.announced(content), **kind}, body)

    def patch(self, url: str, offset: int, body: bytes) -> Answer:
        return self.ask("PATCH", url, {"Content-Type": BODY, "Upload-Offset": str(offset)}, body)

    def offset(self, url: str) -> int:
        return int(self.ask("HEAD", url).headers["upload-offset"])

    def form(self, content: bytes) -> Answer:
        """The plain form, as a browser without scripts sends it."""
        fields = {"csrf_token": self.token, "attempt": str(self.attempt)}
        body = multipart(fields, [Sent("明細.jpg", content)])
        return self.ask("POST", f"/forms/{self.report}/files", {"Content-Type": MULTIPART}, body)

    def begin(self, method: str, path: str, headers: Mapping[str, str], length: int) -> socket.socket:
        """Begin a request whose body is still to come."""
        line = socket.create_connection((LOOPBACK, self.house.port), timeout=PATIENCE)
        said = {**self.headers, **headers, "Host": LOOPBACK, "Content-Length": str(length)}
        rows = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
        line.sendall(("\r\n".join(rows) + "\r\n\r\n").encode())
        return line

    def begin_patch(self, url: str, offset: int, length: int, **headers: str) -> socket.socket:
        return self.begin("PATCH", url, {"Content-Type": BODY, "Upload-Offset": str(offset), **headers}, length)

    def files(self, session: Session) -> list[StoredFile]:
        row = session.get_one(Submission, (self.who.office_id, self.report))
        return drafts.files_of(session, drafts.latest_version(session, row))

    def arrived(self, content: bytes = PHOTO) -> bool:
        """Whether her report holds the file, once; whatever it holds is whole."""
        with self.house.sessions() as session:
            files = self.files(session)
            for file in files:
                stored = (self.house.root / "files" / file.key).read_bytes()
                assert file.sha256 == hashlib.sha256(stored).hexdigest()
                assert stored == content
            assert len(files) <= 1
            return bool(files)

    def parts(self, url: str) -> int:
        """Bytes of an upload that rows speak of, each stretch of which is really there."""
        upload_id = UUID(url.rpartition("/")[2])
        with self.house.sessions() as session:
            rows = session.scalars(select(UploadPart).where(UploadPart.upload_id == upload_id)).all()
            for row in rows:
                stored = (self.house.root / "files" / row.key).read_bytes()
                assert stored == PHOTO[row.start : row.start + row.size]
            return sum(row.size for row in rows)


def reset(line: socket.socket) -> None:
    """Break a connection off, as a network does that has forgotten it."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def sqlite_house(root: Path, template: Path) -> House:
    shutil.copy(template, root / "office.db")
    return House(root, f"sqlite:///{root / 'office.db'}")
