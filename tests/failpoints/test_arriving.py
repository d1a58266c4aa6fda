"""kill -9 between any two steps: what was acknowledged is there, the rest is whole or gone, and sending again works.

The portal is a real process on its real server; the killer waits inside it (``door``). Redis is never asked.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from config.office.services import LOOPBACK, free_port, healthy
from config.settings import Settings
from portal import create_app
from shared.model import Job, StoredFile, Task, Upload, UploadPart
from shared.session import engine_for, reading_sessions, sessions
from tests import factories
from tests.portal.phone import MULTIPART, Phone, Sent, multipart
from uploads.relay import queue_at
from uploads.storage import Storage, storage_from
from uploads.sweep import House, Kind, sweep

PROJECT = Path(__file__).parents[2]
CONTENT = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + os.urandom(300_000)
PIECE = 100_000
BODY = "application/offset+octet-stream"


class Portal:
    """The portal's process. It is killed by itself, and started again."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.settings, self.log, self.port = settings, log, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, fail_at: str = "") -> None:
        said = {
            "MADOGUCHI_DATABASE_URL": self.settings.database_url,
            "MADOGUCHI_REDIS_URL": self.settings.redis_url,
            "MADOGUCHI_STORAGE_URL": self.settings.storage_url,
            "MADOGUCHI_SECRET_KEY": self.settings.secret_key,
            "MADOGUCHI_INCOMING": str(self.settings.incoming),
            "MADOGUCHI_INSECURE_COOKIES": "yes",
            "PYTHONPATH": str(PROJECT),
            "FAIL_AT": fail_at,
        }
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "1"]
        command += ["--blocking-threads", "8", "--host", LOOPBACK, "--port", str(self.port), "--factory"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "tests.failpoints.door:portal"],
                env={**os.environ, **said},
                cwd=PROJECT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        is_up = healthy(self.port)
        while not is_up():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def has_been_killed(self) -> bool:
        """Whether it ended by the killer's hand; it waits for that."""
        assert self.process
        try:
            return self.process.wait(timeout=20) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Hand:
    """A person's phone with one file, which it sends until it has its answer; it remembers what was acknowledged."""

    port: int
    report: UUID
    cookie: str
    token: str
    attempt: UUID
    acknowledged: int = 0  # bytes
    whole: bool = False

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse | None:
        """One request. None: the line broke before its answer was there."""
        line = http.client.HTTPConnection(LOOPBACK, self.port, timeout=20)
        usual = {"Cookie": self.cookie, "X-CSRFToken": self.token, "Origin": f"http://{LOOPBACK}:{self.port}"}
        try:
            line.request(method, path, body, {**usual, **headers})
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            line.close()
        return answer

    def by_form(self) -> None:
        """The plain form, as a browser without scripts sends it."""
        body = multipart({"csrf_token": self.token, "attempt": str(self.attempt)}, [Sent("明細.jpg", CONTENT)])
        answer = self.ask("POST", f"/forms/{self.report}/files", body, **{"Content-Type": MULTIPART})
        self.whole = answer is not None and answer.status == 303

    def in_one_go(self) -> None:
        """tus, creation with everything in it."""
        answer = self._create(CONTENT)
        self.whole = answer is not None and answer.status == 201

    def in_pieces(self) -> None:
        """tus, one stretch a request, going on where the server says."""
        answer = self._create()
        if answer is None:
            return
        assert answer.status == 201, answer.headers.items()
        place, offset = answer.headers["Location"], int(answer.headers["Upload-Offset"])
        assert offset >= self.acknowledged, "what was acknowledged has survived"
        while offset < len(CONTENT):
            piece = CONTENT[offset : offset + PIECE]
            said = {"Tus-Resumable": "1.0.0", "Content-Type": BODY, "Upload-Offset": str(offset)}
            answer = self.ask("PATCH", place.removeprefix(f"http://{LOOPBACK}:{self.port}"), piece, **said)
            if answer is None:
                return
            assert answer.status == 204
            self.acknowledged = offset = int(answer.headers["Upload-Offset"])
        self.whole = True

    def _create(self, body: bytes = b"") -> http.client.HTTPResponse | None:
        words = {"filename": "明細.jpg", "attempt": str(self.attempt), "sha256": hashlib.sha256(CONTENT).hexdigest()}
        said = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(CONTENT)),
            "Upload-Metadata": ",".join(
                f"{word} {base64.b64encode(text.encode()).decode()}" for word, text in words.items()
            ),
        }
        if body:
            said["Content-Type"] = BODY
        return self.ask("POST", f"/uploads/to/{self.report}", body, **said)


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return storage_from(settings)


@pytest.fixture
def portal(settings: Settings, tmp_path: Path) -> Iterator[Portal]:
    door = Portal(replace(settings, demo=False), tmp_path / "portal.log")
    yield door
    door.stop()


@pytest.fixture
def hand(portal: Portal, make_session: sessionmaker[Session]) -> Hand:
    with make_session.begin() as session:
        who = factories.recipient(session)
        report = factories.draft(session, who).id
        code = factories.letter(session, who)
    app = create_app(portal.settings)
    phone = Phone(app)
    assert phone.come_in(code).place == "/home"
    token = phone.open("/display").form().fields["csrf_token"]
    app.extensions["madoguchi"].engine.dispose()
    return Hand(portal.port, report, f"{app.config['SESSION_COOKIE_NAME']}={phone.cookie}", token, uuid4())


STEPS = ("file.written", "file.fsynced", "file.linked", "row.written", "row.committed")
CASES: list[tuple[Callable[[Hand], None], str]] = [
    *((Hand.by_form, f"{point}:1") for point in STEPS),
    *((Hand.in_one_go, f"{point}:1") for point in (*STEPS, "answer.ready")),
    # The second stretch, and the last one, which makes the file whole.
    *((Hand.in_pieces, f"{point}:2") for point in ("part.written", *STEPS)),
    *((Hand.in_pieces, f"{point}:3") for point in ("part.written", *STEPS)),
    (Hand.in_pieces, "answer.ready:1"),
    (Hand.in_pieces, "answer.ready:3"),
    (Hand.in_pieces, "answer.ready:4"),
]


@pytest.mark.parametrize(("send", "point"), CASES, ids=[f"{send.__name__}-{point}" for send, point in CASES])
def test_killed_there_nothing_acknowledged_is_lost_nothing_is_doubled_and_sending_again_works(
    send: Callable[[Hand], None],
    point: str,
    portal: Portal,
    hand: Hand,
    storage: Storage,
    settings: Settings,
    make_session: sessionmaker[Session],
) -> None:
    portal.start(fail_at=point)
    send(hand)
    assert portal.has_been_killed(), "the point was never passed"
    assert not hand.whole
    assert bytes_of_rows(storage, make_session) <= {hashlib.sha256(CONTENT).hexdigest()}, "a row never lacks its bytes"

    portal.start()
    send(hand)
    assert hand.whole
    with make_session() as session:
        (file,) = session.scalars(select(StoredFile))
        (task,) = session.scalars(select(Task).where(Task.job == Job.MAKE_SAFE_COPY))
        assert session.scalars(select(UploadPart)).all() == []
        assert len(session.scalars(select(Upload)).all()) == (0 if send is Hand.by_form else 1)
    assert (file.name, file.size, task.subject_id) == ("明細.jpg", len(CONTENT), file.id)
    assert bytes_of_rows(storage, make_session) == {hashlib.sha256(CONTENT).hexdigest()}

    found = leftovers(settings, fix=True)
    assert set(found) <= {Kind.BYTES_WITHOUT_ROW, Kind.HALF_WRITTEN}, "bytes may be left over, never a row"
    assert leftovers(settings, fix=False) == Counter()


def bytes_of_rows(storage: Storage, make_session: sessionmaker[Session]) -> set[str]:
    """The hashes of the bytes that rows speak of; each as its row says."""
    hashes = set()
    with make_session() as session:
        for file in session.scalars(select(StoredFile)):
            with storage.open(file.key) as stream:
                content = stream.read()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
            hashes.add(file.sha256)
        for part in session.scalars(select(UploadPart)):
            with storage.open(part.key) as stream:
                assert stream.read() == CONTENT[part.start : part.start + part.size]
    return hashes


def leftovers(settings: Settings, *, fix: bool) -> Counter[Kind]:
    """What the sweep finds, however young."""
    engine = engine_for(settings.database_url)
    queue = queue_at(settings.redis_url)  # nobody listens there: lost tasks are not looked for
    house = House(reading_sessions(engine), sessions(engine), storage_from(settings), settings.incoming, queue)
    report = sweep(house, lambda _finding, _well: None, fix=fix, young=timedelta(seconds=-5))
    engine.dispose()
    assert not report.queue_asked
    return report.found
