"""What can go wrong on the way of a file and is nobody's fault: a network that spoils bytes, an office without room."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.between import Between, between, flipped
from tests.journeys.conftest import PHONE, Town
from tests.journeys.phone import Phone
from tests.journeys.test_files import big, held, put, same

__all__ = ["big"]  # a fixture
ONE_DATABASE = True  # what differs between databases is shown by the rooms below; these walks are slow


def at_the_picker(phone: Phone, code: str) -> Phone:
    phone.sign_in(code)
    phone.begin()
    phone.page.goto(re.sub(r"/[a-z]+$", "/files", phone.page.url))
    return phone


@pytest.fixture
def network(town: Town) -> Iterator[Between]:
    with between(town.portal) as here:
        yield here


@pytest.fixture
def picker(town: Town, network: Between, open_page: Callable[..., Page]) -> Phone:
    """The phone on the page for payslips, with the network between it and the office."""
    return at_the_picker(Phone(open_page(PHONE), network.url), town.code)


@pytest.mark.parametrize("stretch", [1, 2], ids=["the first stretch", "a later one"])
def test_a_spoilt_stretch_is_sent_again_from_where_it_began(
    picker: Phone, network: Between, town: Town, big: Path, stretch: int
) -> None:
    patches: list[int] = []

    def spoil(method: str, headers: Message, body: bytes) -> bytes:
        if method == "PATCH":
            assert headers["Upload-Checksum"].startswith("sha256 ")
            patches.append(int(headers["Upload-Offset"]))
        return flipped(body) if method == "PATCH" and len(patches) == stretch else body

    network.spoil = spoil
    put(picker, big)
    expect(picker.arrived()).to_contain_text("届きました")
    assert network.statuses("PATCH").count(460) == 1
    assert network.answers[0][0] == "POST"
    assert patches[stretch] == patches[stretch - 1], "from the same byte, not from the beginning"
    assert network.statuses("POST") == [201], "it is still the same upload"
    assert [same(file, big) for file in held(town)] == [True]


def test_a_file_that_came_whole_but_other_is_sent_again_from_the_beginning(
    picker: Phone, network: Between, town: Town, big: Path
) -> None:
    """Something on the way drops the checksum of a stretch and spoils it: only the hash of the whole file tells."""
    patches: list[int] = []

    def spoil(method: str, headers: Message, body: bytes) -> bytes:
        if method != "PATCH":
            return body
        patches.append(int(headers["Upload-Offset"]))
        del headers["Upload-Checksum"]
        return flipped(body) if len(patches) == 1 else body

    network.spoil = spoil
    put(picker, big)
    expect(picker.arrived()).to_contain_text("届きました")
    assert network.statuses("PATCH").count(460) == 1
    assert patches.count(0) == 2, "once more from the first byte"
    assert network.statuses("POST") == [201]
    assert [same(file, big) for file in held(town)] == [True]


def test_a_small_file_spoilt_with_its_creation_is_created_again(
    picker: Phone, network: Between, town: Town, payslip_pdf: Path
) -> None:
    spoilt: list[int] = []

    def spoil(method: str, headers: Message, body: bytes) -> bytes:
        if method == "POST" and "Upload-Length" in headers and not spoilt:
            spoilt.append(len(body))
            return flipped(body)
        return body

    network.spoil = spoil
    put(picker, payslip_pdf)
    expect(picker.arrived()).to_contain_text("届きました")
    assert spoilt == [payslip_pdf.stat().st_size]
    assert network.statuses("POST") == [460, 201]
    assert [same(file, payslip_pdf) for file in held(town)] == [True]


def test_a_network_that_spoils_everything_is_said_and_nothing_wrong_is_kept(
    picker: Phone, network: Between, town: Town, payslip_pdf: Path
) -> None:
    network.spoil = lambda _method, headers, body: flipped(body) if "Upload-Length" in headers else body
    put(picker, payslip_pdf)
    picker.wait_for_row(payslip_pdf.name, "うまく送れませんでした")
    assert held(town) == []
    network.spoil = lambda _method, _headers, body: body
    picker.press_on_row(payslip_pdf.name, "もう一度送る")
    expect(picker.arrived()).to_contain_text("届きました")
    assert [same(file, payslip_pdf) for file in held(town)] == [True]


def test_what_has_arrived_does_not_vanish_while_the_page_cannot_be_asked_for(
    picker: Phone, network: Between, town: Town, payslip_pdf: Path
) -> None:
    """The line is gone again between the last byte and the page that shows the file."""
    asked: list[str] = []

    def gone(method: str, path: str) -> bool:
        asked.append(f"{method} {path}")
        return method == "GET" and path.endswith("/files")

    network.gone = gone
    put(picker, payslip_pdf)
    picker.wait_for_row(payslip_pdf.name, "届きました")
    picker.page.wait_for_timeout(3000)
    assert len([one for one in asked if one.endswith("/files")]) > 1, "it has asked again"
    picker.wait_for_row(payslip_pdf.name, "届きました")
    expect(picker.page.locator("#next")).to_have_text("つぎへ")
    assert [same(file, payslip_pdf) for file in held(town)] == [True]
    network.gone = lambda _method, _path: False
    expect(picker.arrived()).to_contain_text(payslip_pdf.name)
    expect(picker.going()).to_have_count(0)


def room_for(town: Town, size: int) -> None:
    """Let no process of the portal write a file beyond ``size`` bytes, as on a disk that is full; -1: as before."""
    leader = town.crew.stages[-1][0]
    assert leader.service.name == "portal"
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and os.getsid(int(entry.name)) == leader.process.pid:
            _soft, hard = resource.prlimit(int(entry.name), resource.RLIMIT_FSIZE)
            resource.prlimit(int(entry.name), resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
@pytest.mark.parametrize("small", [True, False], ids=["with its creation", "in stretches"])
def test_an_office_without_room_is_said_and_the_phone_goes_on_by_itself(
    phone: Phone, town: Town, big: Path, payslip_photo: Path, small: bool
) -> None:
    phone.careful = True
    at_the_picker(phone, town.code)
    chosen = big
    if small:
        chosen = payslip_photo.with_name("明細.pdf")
        chosen.write_bytes(b"%PDF-1.7\n" + os.urandom(200_000))
    room_for(town, 50_000)
    put(phone, chosen)
    phone.wait_for_row(chosen.name, "いま、こちらで受け取れません")
    row = phone.going(chosen.name)
    expect(row).to_contain_text("電波や写真のせいではありません", use_inner_text=True)
    expect(row).not_to_contain_text("電波がもどったら", use_inner_text=True)
    phone.look("file-later")
    phone.page.locator("#next").click()
    expect(phone.page.locator("#waits")).to_contain_text(
        f"まだ届いていないものがあります：{chosen.name}", use_inner_text=True
    )
    assert held(town) == []
    said: list[str] = phone.page.evaluate(
        """async () => {
            const said = [], place = document.getElementById("said");
            new MutationObserver(() => said.push(place.textContent)).observe(place, {childList: true});
            await new Promise((done) => setTimeout(done, 6000));
            return said;
        }"""
    )
    assert said == [], "trying again says nothing to who listens, as long as nothing has changed"
    room_for(town, -1)
    phone.page.wait_for_url("**/check", timeout=60_000)
    expect(phone.arrived()).to_contain_text(chosen.name)
    assert [same(file, chosen) for file in held(town)] == [True]
    assert phone.looks == []
