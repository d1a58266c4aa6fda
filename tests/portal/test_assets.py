"""Styles and scripts are kept for a year under their version, packed, and never mixed; pages are packed with care."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from config.assets import Assets
from tests.portal.phone import Phone, Somebody

FOLDERS = {"static": Path("portal/static"), "shared": Path("shared/static")}
PROJECT = Path(__file__).parents[2]
GZIP = {"Accept-Encoding": "gzip, deflate, br"}
OWN = {**GZIP, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def wanted(hanako: Somebody, begun: UUID) -> list[str]:
    """What the page of the picker wants, and what that imports, as addresses."""
    found = hanako.phone.open(hanako.path(begun, "files")).assets
    for address in found:
        source = hanako.phone.open(address).html if address.endswith(".js") else ""
        for module in re.findall(r'^import .* from "(.+)";$', source, re.MULTILINE):
            assert module.startswith("./"), "a module of the same version"
            imported = address.rpartition("/")[0] + module[1:]
            found += [imported] if imported not in found else []
    return found


def test_every_address_says_its_version_and_is_kept_for_a_year(phone: Phone, wanted: list[str]) -> None:
    assert {address.rpartition("/")[2] for address in wanted} >= {
        "icon.svg",
        "base.css",
        "files.js",
        "keep.js",
        "tus.js",
    }
    for address in wanted:
        said = re.fullmatch(r"/(static|shared)/[0-9a-f]{12}/([a-z]+\.(?:js|css|svg))", address)
        assert said, address
        page = phone.open(address)
        assert page.status == 200
        assert page.headers["Cache-Control"] == "immutable, max-age=31536000"
        assert page.body == (PROJECT / FOLDERS[said[1]] / said[2]).read_bytes()


def test_another_version_gets_what_there_is_and_is_asked_for_anew(phone: Phone, wanted: list[str]) -> None:
    for address in wanted:
        for other in (re.sub("[0-9a-f]{12}", "0" * 12, address), re.sub("/[0-9a-f]{12}", "", address)):
            page = phone.open(other)
            assert page.status == 200
            assert page.body == phone.open(address).body
            assert page.headers["Cache-Control"] == "no-cache"
            assert page.headers["ETag"], "asking anew costs nothing where nothing has changed"
    for nowhere in (
        "/static/none.js",
        "/static/0/none.js",
        "/static/a/b/phone.js",
        "/static/",
        "/static/0/../phone.js",
    ):
        assert phone.open(nowhere).status == 404, nowhere


def test_a_version_is_drawn_from_every_file_of_the_folder(tmp_path: Path) -> None:
    versions = []
    for name, text in (("a.js", "1"), ("a.js", "2"), ("b.js", ""), ("b.js", "2")):
        (tmp_path / name).write_text(text)
        versions.append(Assets(tmp_path).version)
        assert Assets(tmp_path).version == versions[-1]
    assert len(set(versions)) == 4


def test_what_is_served_is_the_folder_of_the_start_as_a_whole(tmp_path: Path, app: Flask) -> None:
    (tmp_path / "a.js").write_text("old")
    assets = Assets(tmp_path)
    (tmp_path / "a.js").write_text("of an update")
    with app.test_request_context():
        assert assets.answer(f"{assets.version}/a.js").data == b"old"


def test_texts_are_packed_for_who_takes_it_and_each_kind_has_its_own_tag(phone: Phone, wanted: list[str]) -> None:
    for address in wanted:
        plain = phone.client.get(address)
        packed = phone.client.get(address, headers=GZIP)
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert len(packed.data) == packed.content_length < len(plain.data)
        assert gzip.decompress(packed.data) == plain.data
        assert packed.mimetype == plain.mimetype
        assert "Accept-Encoding" in packed.vary
        assert "Accept-Encoding" in plain.vary
        tags = [answer.headers["ETag"] for answer in (plain, packed)]
        assert tags[0] != tags[1]
        for tag in tags:
            for headers, own in (({}, tags[0]), (GZIP, tags[1])):
                again = phone.client.get(address, headers={**headers, "If-None-Match": tag})
                assert again.status_code == (304 if tag == own else 200)
                assert again.headers["Cache-Control"] == plain.headers["Cache-Control"]
        for refused in ("gzip;q=0", "gzip;q=0, *", "br", "identity"):
            assert "Content-Encoding" not in phone.client.get(address, headers={"Accept-Encoding": refused}).headers


def test_a_page_is_packed_only_where_a_page_of_ours_has_asked(hanako: Somebody, begun: UUID) -> None:
    client, path = hanako.phone.client, hanako.path(begun, "files")
    plain = client.get(path)
    packed = client.get(path, headers=OWN)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) == packed.content_length < len(plain.data) / 3
    assert packed.headers["Cache-Control"] == "no-store"
    assert "給与明細".encode() in gzip.decompress(packed.data)
    for headers in (
        GZIP,
        {"Sec-Fetch-Site": "same-origin"},
        *({**GZIP, "Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "none", "")),
    ):
        answer = client.get(path, headers=headers)
        assert "Content-Encoding" not in answer.headers, headers
        assert {"Accept-Encoding", "Sec-Fetch-Site"} <= set(answer.vary)
    guessing = client.get(f"{path}?guess=csrf_token", headers=OWN)
    assert "Content-Encoding" not in guessing.headers, "an address with room for a guess"
    assert client.get(path, headers=OWN, method="HEAD").status_code == 200
    assert "Content-Encoding" not in client.get("/healthz", headers=OWN).headers
