"""Bytes coming in, through the real parser of multipart forms."""

from __future__ import annotations

import errno
import gc
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import pytest
from structlog.testing import capture_logs
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ClientDisconnected
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from uploads.receiving import HEAD, Incoming
from uploads.storage import FolderStorage, KeyTaken

LIMIT = 200_000
BYTES = os.urandom(LIMIT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "incoming"


def left_in(folder: Path) -> list[Path]:
    gc.collect()
    return list(folder.iterdir()) if folder.exists() else []


def request(folder: Path, *contents: bytes, cut_at: int | None = None) -> Request:
    class Form(Request):
        def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
            return cast(IO[bytes], Incoming(folder, LIMIT))

    files = [FileStorage(io.BytesIO(content), filename=f"{at}.jpg") for at, content in enumerate(contents)]
    builder = EnvironBuilder(method="POST", data={"note": "x", "files": files})
    environ = builder.get_environ()
    with environ["wsgi.input"] as spooled:
        environ["wsgi.input"] = io.BytesIO(spooled.read()[:cut_at])
    builder.close()
    return Form(environ)


def sent(form: Request) -> Iterator[Incoming]:
    return (cast(Incoming, file.stream) for file in form.files.getlist("files"))


def test_every_part_is_on_disk_once_counted_and_hashed(folder: Path) -> None:
    contents = [BYTES, BYTES[:HEAD], b"x"]
    with request(folder, *contents) as form:
        for content, incoming in zip(contents, sent(form), strict=True):
            assert incoming.path.read_bytes() == content
            assert incoming.path.stat().st_mode & 0o777 == 0o600
            assert incoming.size == len(content)
            assert incoming.sha256 == hashlib.sha256(content).hexdigest()
            assert incoming.head == content[:HEAD]
            assert not incoming.too_big
            assert not incoming.failed
            assert incoming.read() == content
        assert len(left_in(folder)) == 3
    assert left_in(folder) == []
    assert form.form["note"] == "x"


def test_one_byte_above_the_limit_is_swallowed_and_the_next_file_still_arrives(folder: Path) -> None:
    with request(folder, BYTES + b"x", BYTES * 20, b"small") as form:
        over, far_over, small = sent(form)
        assert over.too_big
        assert far_over.too_big
        assert far_over.size == 20 * LIMIT
        assert left_in(folder) == [small.path]
        assert small.size == 5


def test_a_field_left_empty_and_a_file_of_0_bytes_make_no_file(folder: Path) -> None:
    with request(folder, b"") as form:
        (incoming,) = sent(form)
        assert (incoming.size, incoming.head, incoming.failed) == (0, b"", False)
        assert left_in(folder) == []
        with pytest.raises(ValueError, match="no whole file"):
            incoming.keep(FolderStorage(folder), "files/x", "image/jpeg")


def test_what_is_kept_outlives_the_request_and_the_rest_does_not(folder: Path, tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "files")
    storage.prepare()
    with request(folder, BYTES, b"not kept", b"taken") as form:
        kept, _, taken = sent(form)
        kept.keep(storage, "files/x", "image/jpeg")
        with pytest.raises(KeyTaken):
            taken.keep(storage, "files/x", "image/jpeg")
    assert left_in(folder) == []
    with storage.open("files/x") as stream:
        assert stream.read() == BYTES


def test_a_file_thrown_away_is_gone_at_once_and_cannot_be_kept(folder: Path) -> None:
    with request(folder, BYTES) as form:
        (incoming,) = sent(form)
        incoming.discard()
        assert left_in(folder) == []
        with pytest.raises(ValueError, match="no whole file"):
            incoming.keep(FolderStorage(folder), "files/x", "image/jpeg")


def test_a_connection_cut_in_the_middle_of_a_file_leaves_nothing(folder: Path) -> None:
    form = request(folder, b"whole", BYTES, cut_at=150_000)
    with pytest.raises(ClientDisconnected):
        _ = form.files
    form.close()
    del form
    assert left_in(folder) == []


def test_a_full_disk_is_noted_and_the_request_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(io.FileIO):
        def write(self, data: Any, /) -> int:
            if self.tell() > 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data[:1000])

    monkeypatch.setattr(io, "FileIO", FullDisk)
    with capture_logs() as lines, request(folder, BYTES, BYTES) as form:
        for incoming in sent(form):
            assert incoming.failed
            assert incoming.size == LIMIT
        assert left_in(folder) == []
    assert [(line["event"], line["error"]) for line in lines] == [("file.refused", "No space left on device")] * 2


def test_a_place_that_cannot_be_written_to_is_noted_too(tmp_path: Path) -> None:
    (tmp_path / "incoming").write_text("a file where the folder should be")
    with capture_logs(), request(tmp_path / "incoming", BYTES) as form:
        (incoming,) = sent(form)
        assert incoming.failed
        assert not incoming.too_big


@pytest.mark.parametrize("known", [True, False])
def test_a_disk_that_cannot_begin_early_keeps_the_bytes_as_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    def refused(*_: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    if known:
        monkeypatch.setattr(os, "posix_fadvise", refused)
    else:
        monkeypatch.delattr(os, "posix_fadvise")
    with Incoming(folder, LIMIT) as incoming:
        for start in range(0, LIMIT, 50_000):
            incoming.write(BYTES[start : start + 50_000])
        assert not incoming.failed
        assert incoming.path.read_bytes() == BYTES
        assert incoming.sha256 == hashlib.sha256(BYTES).hexdigest()
