"""Our tus module, in a real browser, against the reference server @tus/server."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.journeys.conftest import PHONE
from tests.journeys.line import Line
from tests.peers import Peers

STATIC = Path(__file__).parents[2] / "portal" / "static"
SIZE = 2_500_000


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


class Reference:
    """The reference server as a process that can be killed and started again on the same port."""

    def __init__(self, peers: Peers, folder: Path) -> None:
        self.peers, self.folder, self.port = peers, folder, 0
        self.start()

    def start(self) -> None:
        command = [str(self.peers.node), "tus-server.mjs", str(self.folder), str(self.port)]
        self.process = subprocess.Popen(command, cwd=self.peers.folder, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("listening "), said
        self.port = int(said.split()[1])

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/files"

    def files(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.folder.iterdir()) if path.suffix != ".json"]

    def name(self) -> str:
        """What the one upload was called."""
        (about,) = self.folder.glob("*.json")
        return str(json.loads(about.read_text())["metadata"]["filename"])


@pytest.fixture
def reference(peers: Peers, tmp_path: Path) -> Iterator[Reference]:
    folder = tmp_path / "files"
    folder.mkdir()
    server = Reference(peers, folder)
    yield server
    server.kill()


@pytest.fixture
def page(open_page: Callable[..., Page], tmp_path: Path) -> Iterator[Page]:
    """A blank page from which the module can be imported, with ``bytes`` as the file to send."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("<!doctype html><title>blank</title>")
    (tmp_path / "web" / "tus.js").write_bytes((STATIC / "tus.js").read_bytes())
    handler = functools.partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = open_page(PHONE)
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.evaluate(
            """async (size) => {
                window.tus = await import("/tus.js");
                const bytes = new Uint8Array(size);
                for (let at = 0; at < size; at += 1) bytes[at] = (at * 31 + (at >> 8) * 7) & 255;
                window.blob = new Blob([bytes]);
                window.heard = [];
                window.begin = (to, more = {}) => {
                    window.stop = new AbortController();
                    window.url = more.url;
                    window.end = tus.send(more.blob ?? blob, {
                        to, url: more.url, signal: stop.signal, headers: {},
                        metadata: () => ({ filename: "給与明細 😀.jpg" }),
                        created: (url) => { window.url = url; heard.push("created"); },
                        lost: () => heard.push("lost"),
                        waiting: () => heard.push("waiting"),
                        progress: (bytes) => heard.push(bytes),
                    }).then(() => "whole", (error) => error.name + error.message);
                };
            }""",
            SIZE,
        )
        yield page
        server.shutdown()


def made(size: int = SIZE) -> bytes:
    return bytes((at * 31 + (at >> 8) * 7) & 255 for at in range(size))


def begin(page: Page, to: str, more: str = "{}") -> None:
    page.evaluate(f"(to) => begin(to, {more})", to)


def end(page: Page) -> str:
    return str(page.evaluate("end"))


def until_under_way(page: Page) -> None:
    page.wait_for_function("heard.some((one) => one > 0 && one < blob.size)")


def test_a_file_arrives_whole_under_its_own_name(page: Page, reference: Reference) -> None:
    begin(page, reference.url)
    assert end(page) == "whole"
    assert reference.files() == [made()]
    assert reference.name() == "給与明細 😀.jpg"
    heard = page.evaluate("heard.filter((one) => typeof one === 'number')")
    assert heard == sorted(heard)
    assert heard[-1] == SIZE


def test_a_small_file_goes_with_its_creation(page: Page, reference: Reference) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    begin(page, reference.url, "{blob: blob.slice(0, 100000)}")
    assert end(page) == "whole"
    assert [method for method in asked if method != "OPTIONS"] == ["POST"]
    assert reference.files() == [made()[:100_000]]


def test_stopped_and_taken_up_again_it_goes_on_where_it_was(page: Page, reference: Reference) -> None:
    Line(page).slow()
    begin(page, reference.url)
    until_under_way(page)
    page.evaluate("stop.abort()")
    assert end(page).startswith("AbortError")
    page.evaluate("heard.length = 0")
    begin(page, reference.url, "{url}")
    assert end(page) == "whole"
    assert page.evaluate("heard[0]") > 0, "the second try begins with what the first has brought"
    assert "created" not in page.evaluate("heard")
    assert reference.files() == [made()]


def test_the_server_is_killed_in_the_middle_and_comes_back(page: Page, reference: Reference) -> None:
    Line(page).slow()
    begin(page, reference.url)
    until_under_way(page)
    reference.kill()
    page.wait_for_function("heard.includes('waiting')")
    reference.start()
    assert end(page) == "whole"
    assert page.evaluate("heard.filter((one) => one === 'created').length") == 1
    assert reference.files() == [made()]


def test_the_line_is_cut_and_online_again_it_goes_on_at_once(page: Page, reference: Reference) -> None:
    line = Line(page)
    line.slow()
    begin(page, reference.url)
    until_under_way(page)
    line.cut()
    page.wait_for_function("heard.includes('waiting')")
    line.back()
    assert end(page) == "whole"
    assert reference.files() == [made()]


def test_what_the_server_has_forgotten_is_created_anew(page: Page, reference: Reference) -> None:
    begin(page, reference.url, f"{{url: '{reference.url}/{'0' * 32}'}}")
    assert end(page) == "whole"
    assert page.evaluate("heard.filter((one) => typeof one === 'string')") == ["lost", "waiting", "created"]
    assert reference.files() == [made()]


def test_a_wrong_offset_is_put_right_by_asking(page: Page, reference: Reference) -> None:
    """Another page has sent a stretch meanwhile: the server says 409, and the module asks how far it got."""
    Line(page).slow()
    begin(page, reference.url)
    until_under_way(page)
    page.evaluate(
        """async () => {
            window.conflicts = 0;
            const plain = window.fetch;
            let once = true;
            window.fetch = async (url, how) => {
                if (how.method === "PATCH" && once) {
                    once = false;
                    await plain(url, how);  // the answer to this one is lost; the bytes are there
                }
                const answer = await plain(url, how);
                conflicts += answer.status === 409;
                return answer;
            };
        }"""
    )
    assert end(page) == "whole"
    assert page.evaluate("conflicts") == 1
    assert reference.files() == [made()]


def test_termination_leaves_nothing(page: Page, reference: Reference) -> None:
    Line(page).slow()
    begin(page, reference.url)
    until_under_way(page)
    page.evaluate("stop.abort()")
    assert end(page).startswith("AbortError")
    page.evaluate("tus.terminate(url)")
    assert reference.files() == []
    page.evaluate("tus.terminate(url)")  # gone already is as good


def test_each_piece_carries_its_checksum(page: Page, reference: Reference) -> None:
    sums: list[str | None] = []
    page.on("request", lambda one: sums.append(one.headers.get("upload-checksum")) if one.method == "PATCH" else None)
    begin(page, reference.url)
    assert end(page) == "whole"
    assert sums
    assert all(one and re.fullmatch(r"sha256 [A-Za-z0-9+/]{43}=", one) for one in sums)


def test_a_network_that_wants_a_sign_in_of_its_own_is_not_believed(page: Page, reference: Reference) -> None:
    page.evaluate(
        """() => {
            const plain = window.fetch;
            let left = 2;
            const portal = async () => new Response("<h1>Wi-Fi</h1>");
            window.fetch = (url, how) => (left-- > 0 ? portal() : plain(url, how));
        }"""
    )
    begin(page, reference.url)
    assert end(page) == "whole"
    assert reference.files() == [made()]


def test_the_module_is_small() -> None:
    assert (STATIC / "tus.js").stat().st_size < 7_000
