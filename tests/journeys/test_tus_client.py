"""Our tus server, spoken to by the real tus-js-client: what it sends arrives byte for byte, whatever is cut off."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from shared.model import StoredFile, Upload, UploadPart, UploadState
from shared.session import sessions
from tests.journeys.conftest import Town
from tests.journeys.phone import Phone
from tests.peers import Peers

ONE_DATABASE = True
PIECE = 128 * 1024


class Client:
    """The client of a person who is signed in, with a file in her hand."""

    def __init__(self, peers: Peers, town: Town, phone: Phone, folder: Path) -> None:
        phone.sign_in(town.code)
        phone.begin()
        phone.page.goto(re.sub(r"/[a-z]+$", "/files", phone.page.url))
        submission = phone.page.url.split("/")[-2]
        self.peers, self.town = peers, town
        self.endpoint = f"{town.portal.rstrip('/')}/uploads/to/{submission}"
        cookies = "; ".join(f"{one['name']}={one['value']}" for one in phone.page.context.cookies())
        token = phone.page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        self.headers = {"Cookie": cookies, "X-CSRFToken": token}
        self.path = folder / "給与明細 10月.pdf"
        self.path.write_bytes(b"%PDF-1.7\n" + os.urandom(900_000))

    def start(self, **asked: Any) -> subprocess.Popen[str]:
        whole = {"endpoint": self.endpoint, "file": str(self.path), "headers": self.headers, **asked}
        command = [str(self.peers.node), "tus-client.mjs", json.dumps(whole)]
        return subprocess.Popen(command, cwd=self.peers.folder, stdout=subprocess.PIPE, text=True)

    def send(self, **asked: Any) -> list[dict[str, Any]]:
        """Send to the end, or to where it stops. What the client said."""
        with self.start(**asked) as running:
            said, _ = running.communicate(timeout=60)
        return [json.loads(line) for line in said.splitlines()]

    def files(self) -> list[StoredFile]:
        with sessions(self.town.engine)() as session:
            return list(session.scalars(select(StoredFile)))

    def upload(self) -> Upload:
        with sessions(self.town.engine)() as session:
            return session.scalars(select(Upload)).one()

    def parts(self) -> int:
        with sessions(self.town.engine)() as session:
            return len(session.scalars(select(UploadPart)).all())

    def has_arrived(self) -> bool:
        """Once, with the same bytes and under its own name, and nothing else lies about."""
        (file,) = self.files()
        return (
            file.sha256 == hashlib.sha256(self.path.read_bytes()).hexdigest()
            and file.name == self.path.name
            and self.upload().state is UploadState.WHOLE
            and self.parts() == 0
        )


@pytest.fixture
def client(peers: Peers, town: Town, phone: Phone, tmp_path: Path) -> Client:
    return Client(peers, town, phone, tmp_path)


def facts(said: list[dict[str, Any]], name: str) -> list[Any]:
    return [line[name] for line in said if name in line]


@pytest.mark.parametrize("asked", [{}, {"chunkSize": PIECE}, {"withCreation": True}], ids=["one", "pieces", "creation"])
def test_a_whole_file_arrives(client: Client, asked: dict[str, Any]) -> None:
    said = client.send(**asked)
    assert said[-1].get("done"), said
    assert client.has_arrived()


def test_aborted_in_the_middle_it_goes_on_where_it_was(client: Client) -> None:
    said = client.send(chunkSize=PIECE, abortAt=3 * PIECE)
    (url,) = facts(said, "url")
    assert client.files() == []
    assert client.upload().kept == 3 * PIECE
    again = client.send(uploadUrl=url, chunkSize=PIECE)
    assert min(facts(again, "sent")) == 4 * PIECE, "it began at the offset that HEAD had told"
    assert client.has_arrived()


def test_killed_in_the_middle_the_server_comes_back_and_the_client_goes_on(client: Client) -> None:
    with client.start(chunkSize=PIECE, retryDelays=[200] * 100) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if json.loads(line).get("sent", 0) >= 2 * PIECE:
                break
        client.town.kill("portal")
        client.town.start_again("portal")
        rest = [json.loads(line) for line in running.stdout]
    assert rest[-1].get("done"), rest
    assert client.has_arrived()


def test_an_upload_that_is_taken_back_leaves_nothing(client: Client) -> None:
    client.send(chunkSize=PIECE, abortAt=2 * PIECE, terminate=True)
    assert client.upload().state is UploadState.ENDED
    assert (client.files(), client.parts()) == ([], 0)


def test_the_same_attempt_from_another_page_is_the_same_upload(client: Client) -> None:
    attempt = {"attempt": str(uuid4())}
    first = client.send(chunkSize=PIECE, abortAt=2 * PIECE, metadata=attempt)
    # It believes that what it creates is empty, is told otherwise, asks, and goes on.
    second = client.send(chunkSize=PIECE, metadata=attempt, retryDelays=[0, 0, 0])
    assert facts(first, "url") == facts(second, "url")[:1]
    assert client.has_arrived()


def test_a_refusal_is_a_status_and_a_sentence(client: Client) -> None:
    client.path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200_000))
    (refused,) = [line for line in client.send(chunkSize=PIECE) if "failed" in line]
    assert refused["failed"] == 415
    assert "PDF" in json.loads(refused["body"])["sentence"]
    assert (client.files(), client.parts()) == ([], 0)
