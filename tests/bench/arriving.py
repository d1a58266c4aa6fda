"""A payslip of 1 MiB arrives: the real portal beside a bare Flask app that takes the same bytes as durably.

Both run on the server, with the threads and settings, of ``config.office.services``; the bare one knows no people, no
database and no protocol: it streams, hashes, fsyncs and renames, and makes the folder durable, too. Clients are raw
sockets that are kept open, so that they cost little on the machine that is measured.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import math
import os
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

from flask import Flask, request

from config.office.children import Crew, Service
from config.office.folder import Folder
from config.office.services import LOOPBACK, environ, free_port, healthy, web
from config.settings import MEBIBYTE, Settings
from portal import create_app
from shared.session import engine_for, migrate, sessions
from tests import factories
from tests.bench.figures import FOLDER, Figure, show
from tests.portal.phone import Phone
from uploads.storage import storage_from

HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
REST = os.urandom(MEBIBYTE - len(HEAD) - 16)
PEOPLE = 60
CLIENTS = {1: 60, 4: 160, 8: 240}  # clients at once: requests in a round
ROUNDS = 5


def bare_app() -> Flask:
    """Take bytes durably, and nothing else."""
    app = Flask("bare")
    folder = Path(os.environ["BARE_FOLDER"])

    @app.post("/")
    def take() -> tuple[str, int]:
        digest, beside = hashlib.sha256(), folder / f"{uuid4()}.part"
        read = request.environ["wsgi.input"].read
        with beside.open("xb", buffering=0) as file:
            while data := read(256 * 1024):
                digest.update(data)
                file.write(data)
            os.fsync(file.fileno())
        beside.rename(folder / str(uuid4()))
        here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(here)
        os.close(here)
        return digest.hexdigest(), 201

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    return app


@dataclass(frozen=True, eq=False)
class Door:
    """A server that takes files: where, and what each request says before its bytes."""

    port: int
    heads: Iterator[bytes]


@dataclass
class Seen:
    """What one round has shown."""

    seconds: float
    took: list[float]
    errors: int


def _round(door: Door, clients: int, requests: int) -> Seen:
    left = iter(range(requests))
    took: list[float] = []
    errors: list[bytes] = []

    def client() -> None:
        with socket.create_connection((LOOPBACK, door.port)) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in left:
                head = next(door.heads)
                began = time.perf_counter()
                line.sendall(head + HEAD + os.urandom(16))
                line.sendall(REST)
                answer = _answer(line)
                took.append(time.perf_counter() - began)
                if not answer.startswith(b"HTTP/1.1 201"):
                    errors.append(answer)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        print(errors[0][:300], file=sys.stderr)
    return Seen(time.perf_counter() - began, took, requests - len(took) + len(errors))


def _answer(line: socket.socket) -> bytes:
    said = b""
    while b"\r\n\r\n" not in said:
        more = line.recv(65536)
        if not more:
            return said
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    lengths = [int(row.split(b":")[1]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")]
    while lengths and len(body) < lengths[0]:
        body += line.recv(65536)
    return said


def _head(path: str, **headers: str) -> bytes:
    usual = {"Host": LOOPBACK, "Content-Length": str(MEBIBYTE), "Content-Type": "application/offset+octet-stream"}
    rows = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**usual, **headers}.items())]
    return ("\r\n".join(rows) + "\r\n\r\n").encode()


def _people(settings: Settings) -> Iterator[bytes]:
    """What the phones of many people say, each signed in, each with four reports being written."""
    engine = engine_for(settings.database_url)
    app = create_app(settings)
    with sessions(engine).begin() as session:
        worker = factories.staff(session)
        made = []
        for _ in range(PEOPLE):
            who = factories.recipient(session, factories.household(session, worker))
            reports = [factories.draft(session, who, date(2026, month, 1)).id for month in range(1, 5)]
            made.append((factories.letter(session, who), reports))
    lines: list[tuple[str, str, str]] = []
    for code, reports in made:
        phone = Phone(app)
        phone.come_in(code)
        token = phone.open("/display").form().fields["csrf_token"]
        cookie = f"{app.config['SESSION_COOKIE_NAME']}={phone.cookie}"
        lines += [(f"/uploads/to/{report}", cookie, token) for report in reports]
    app.extensions["madoguchi"].engine.dispose()
    engine.dispose()
    heads = [_ours(*line) for line in lines * 18]  # 18 files a report; people take turns
    return iter(heads)  # several threads may ask a list's iterator


def _ours(path: str, cookie: str, token: str) -> bytes:
    attempt = base64.b64encode(str(uuid4()).encode()).decode()
    return _head(
        path,
        **{
            "Cookie": cookie,
            "X-CSRFToken": token,
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(MEBIBYTE),
            "Upload-Metadata": f"filename 44Oh44Oi, attempt {attempt}",
        },
    )


def _quickest(root: Path, count: int) -> list[Path]:
    """Folders in which a new file costs the least.

    ext4 passes over places whose file was deleted in the last minutes, one by one. After thousands of them (a round of
    the tests, the run before this one) one door's folder may lie beside them and the other's not.
    """
    costs = {}
    for _ in range(32):
        folder = Path(tempfile.mkdtemp(dir=root))
        began = time.perf_counter()
        for number in range(50):
            (folder / f"{number}.new").touch()
        costs[folder] = time.perf_counter() - began
    return sorted(costs, key=lambda folder: costs[folder])[:count]


@contextmanager
def _doors(root: Path) -> Iterator[tuple[Door, Door]]:
    """Ours and the bare one, side by side; only one of them is asked at a time."""
    folder = Folder(root)
    for place in (folder.data / "files", folder.run, folder.log):
        place.mkdir(parents=True)
    incoming, bare_folder = _quickest(root, 2)
    variables = {
        **environ(folder, "portal", "redis://127.0.0.1:1"),
        "MADOGUCHI_DAY_LIMIT": str(1000 * MEBIBYTE),
        "MADOGUCHI_INCOMING": str(incoming),
        "BARE_FOLDER": str(bare_folder),
    }
    migrate(variables["MADOGUCHI_DATABASE_URL"])
    settings = Settings.from_environ(variables)
    storage_from(settings).prepare()
    ports = free_port(), free_port()
    ours, bare = (web("portal", port, variables) for port in ports)
    command = [*bare.command[:-1], "tests.bench.arriving:bare_app"]
    with Crew(folder.log, print) as crew:
        crew.start(ours, Service(name="bare", command=command, environ=bare.environ, ready=healthy(ports[1])))
        yield Door(ports[0], _people(settings)), Door(ports[1], itertools.repeat(_head("/")))


def _peak(port: int) -> float:
    """MiB of memory that the server on ``port`` has ever had at once."""
    peaks = [0]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"\0--port\0{port}\0".encode() in (process / "cmdline").read_bytes():
                said = (process / "status").read_text()
                peaks.append(int(said.partition("VmHWM:")[2].split()[0]))
    return max(peaks) / 1024


def figures() -> list[Figure]:
    """Ratios of ours to the bare one, in rounds that take turns."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="arriving-", dir=FOLDER))
    try:
        with _doors(root) as (ours, bare):
            for door in (ours, bare):
                _round(door, 8, 40)  # every thread has its connection to the database, every page is in memory
            seen: dict[tuple[Door, int], list[Seen]] = {}
            for _ in range(ROUNDS):
                for clients, requests in CLIENTS.items():
                    for door in (ours, bare):
                        seen.setdefault((door, clients), []).append(_round(door, clients, requests))
            peaks = Figure("arriving: peak memory, MiB", _peak(ours.port), _peak(bare.port), "")
        rows = []
        for clients in CLIENTS:
            mine, its = seen[ours, clients], seen[bare, clients]
            at = f"arriving 1 MiB, {clients} at once"
            rows += [
                Figure(f"{at}: requests/s", _pace(mine), _pace(its), ">= 0.7"),
                Figure(f"{at}: 95th percentile, ms", _slow(mine), _slow(its), "<= 1.5"),
            ]
        lost = sum(one.errors for (door, _), rounds in seen.items() if door is ours for one in rounds)
        return [*rows, Figure("arriving: requests that failed", lost, 1, "<= 0"), peaks]
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _pace(rounds: list[Seen]) -> float:
    """Requests in a second, in the middle one of the rounds."""
    return statistics.median(len(one.took) / one.seconds for one in rounds)


def _slow(rounds: list[Seen]) -> float:
    """Milliseconds that 95 of 100 requests do not reach."""
    took = sorted(took for one in rounds for took in one.took)
    return took[math.ceil(0.95 * len(took)) - 1] * 1000


if __name__ == "__main__":
    show("arriving", figures())
