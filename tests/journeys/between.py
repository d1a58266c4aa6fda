"""A network between a phone and the office that spoils what passes through it."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import urlsplit

Spoil = Callable[[str, Message, bytes], bytes]


@dataclass
class Between:
    """``url``: where the office seems to be. ``spoil`` gets each request with a body and says what goes on of it."""

    url: str
    spoil: Spoil = lambda _method, _headers, body: body
    gone: Callable[[str, str], bool] = lambda _method, _path: False  # whether nothing comes through, by method and path
    answers: list[tuple[str, int, int]] = field(default_factory=list)  # method, offset it went to, status; of uploads

    def statuses(self, *methods: str) -> list[int]:
        return [status for method, _offset, status in self.answers if method in methods]


@contextmanager
def between(office: str) -> Iterator[Between]:
    """Stand before the office until the block is left."""
    host, port = urlsplit(office).hostname or "", urlsplit(office).port

    class Hand(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if here.gone(self.command, self.path):
                self.close_connection = True
                return
            if body:
                body = here.spoil(self.command, self.headers, body)
            with closing(http.client.HTTPConnection(host, port)) as there:
                there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    there.putheader(name, value)
                there.endheaders(body)
                answer = there.getresponse()
                said = answer.read()
            if self.path.startswith("/uploads/"):
                here.answers.append((self.command, int(self.headers.get("Upload-Offset") or 0), answer.status))
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(said)))
            try:
                self.end_headers()
                self.wfile.write(said)
            except ConnectionError:  # the phone has gone on to another page, or is closed
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = pass_on  # noqa: N815  as http.server calls them

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hand) as server:
        server.daemon_threads = True
        here = Between(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield here
        server.shutdown()


def flipped(body: bytes) -> bytes:
    """One bit of it has tipped over."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
