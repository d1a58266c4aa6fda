"""Lines that break, crawl or come by the hundred, at the real server: what came is kept, nobody waits for another."""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.settings import MEBIBYTE
from tests.failpoints.house import BODY, PHOTO, House, Person, reset, sqlite_house, until
from tests.portal.phone import MULTIPART, Sent, multipart

CAME = MEBIBYTE + 300_000


@pytest.fixture
def person(desk: House) -> Person:
    return desk.person()


def close(line: socket.socket) -> None:
    line.close()


def end_of_sending(line: socket.socket) -> None:
    line.shutdown(socket.SHUT_WR)
    line.recv(1000)
    line.close()


@pytest.mark.parametrize("cut", [close, reset, end_of_sending])
def test_what_came_before_the_line_broke_is_kept_and_it_goes_on_from_there(
    desk: House, person: Person, cut: Callable[[socket.socket], None]
) -> None:
    url = person.create(PHOTO).headers["location"]
    line = person.begin_patch(url, 0, len(PHOTO))
    line.sendall(PHOTO[:CAME])
    until(lambda: person.offset(url) == MEBIBYTE)
    cut(line)
    kept = until(lambda: person.offset(url) > MEBIBYTE and person.offset(url))
    assert kept <= CAME
    assert cut is reset or kept == CAME, "all that was sent has come"
    assert person.parts(url) == kept
    answer = person.patch(url, kept, PHOTO[kept:])
    assert answer.status == 204
    assert person.arrived()
    assert desk.lying_about() == []


def test_under_a_checksum_nothing_is_kept_of_what_broke_off(desk: House, person: Person) -> None:
    url = person.create(PHOTO).headers["location"]
    digest = base64.b64encode(hashlib.sha256(PHOTO[:CAME]).digest()).decode()
    line = person.begin_patch(url, 0, len(PHOTO), **{"Upload-Checksum": f"sha256 {digest}"})
    line.sendall(PHOTO[:CAME])
    until(desk.lying_about)
    line.close()
    until(lambda: not desk.lying_about())
    assert person.offset(url) == 0
    assert person.patch(url, 0, PHOTO).status == 204
    assert person.arrived()


@pytest.mark.parametrize("came", [10, 3_000, CAME])
def test_a_plain_form_that_breaks_off_leaves_nothing(desk: House, person: Person, came: int) -> None:
    body = multipart({"csrf_token": person.token, "attempt": str(person.attempt)}, [Sent("明細.jpg", PHOTO)])
    before = desk.stored("original")
    line = person.begin("POST", f"/forms/{person.report}/files", {"Content-Type": MULTIPART}, len(body))
    line.sendall(body[:came])
    end_of_sending(line)
    until(lambda: not desk.lying_about())
    assert desk.stored("original") == before
    assert not person.arrived()
    assert person.form(PHOTO).status == 303
    assert person.arrived()


def test_the_answer_that_nobody_heard_is_given_again(desk: House, person: Person) -> None:
    said = {**person.announced(PHOTO), "Content-Type": BODY}
    line = person.begin("POST", f"/uploads/to/{person.report}", said, len(PHOTO))
    line.sendall(PHOTO)
    line.close()
    until(person.arrived)
    before = desk.stored("original")
    answer = person.create(PHOTO, PHOTO)
    assert answer.status == 201
    assert answer.headers["madoguchi-file"]
    assert person.arrived()
    until(lambda: desk.stored("original") == before)
    form = multipart({"csrf_token": person.token, "attempt": str(person.attempt)}, [Sent("b.jpg", PHOTO)])
    other = desk.person()
    for _ in range(2):
        line = other.begin("POST", f"/forms/{other.report}/files", {"Content-Type": MULTIPART}, len(form))
        line.sendall(form.replace(person.token.encode(), other.token.encode()))
        line.close()
        until(other.arrived)
    until(lambda: len(desk.stored("original")) == len(before) + 1)


def test_phones_that_crawl_hold_up_nobody(desk: House, person: Person) -> None:
    with ExitStack() as lines:
        for _ in range(40):
            slow = desk.person()
            line = slow.begin_patch(slow.create(PHOTO).headers["location"], 0, len(PHOTO))
            lines.callback(line.close)
            line.sendall(PHOTO[:100])
        assert person.create(PHOTO, PHOTO).status == 201
        assert person.arrived()


def test_a_hundred_people_behind_one_address_are_all_served(desk: House) -> None:
    people = [desk.person() for _ in range(100)]
    content = PHOTO[:20_000]
    with ThreadPoolExecutor(50) as hands:
        answers = list(hands.map(lambda one: one.create(content, content).status, people))
    assert answers == [201] * 100
    assert all(one.arrived(content) for one in people)


def test_a_killed_server_loses_a_mebibyte_at_most_and_another_one_goes_on(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    house = sqlite_house(tmp_path, migrated_sqlite)
    person = house.person()
    with house.served():
        url = person.create(PHOTO).headers["location"]
        line = person.begin_patch(url, 0, len(PHOTO))
        line.sendall(PHOTO[: 2 * MEBIBYTE + 100_000])
        until(lambda: person.offset(url) == 2 * MEBIBYTE)
        house.kill()
        line.close()
    with house.served():
        assert person.offset(url) == person.parts(url) == 2 * MEBIBYTE
        assert person.patch(url, 2 * MEBIBYTE, PHOTO[2 * MEBIBYTE :]).status == 204
        assert person.arrived()
    house.close()
