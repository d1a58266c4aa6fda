"""One contract for both storages, and what each promises beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import FileIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError

from config import points
from config.settings import MEBIBYTE, MissingSetting
from tests.s3 import BUCKET, settings
from uploads.storage import (
    MARKER,
    FolderStorage,
    KeyTaken,
    NotPrivate,
    NotStored,
    S3Storage,
    Storage,
    StorageUnavailable,
    storage_from,
)

LATER = datetime.now(UTC) + timedelta(days=1)
LARGE = 9 * MEBIBYTE  # goes to S3 in two parts


def is_below(descriptor: Path, folder: Path) -> bool:
    """Whether an open descriptor, as ``/proc`` lists it, is of something below a folder."""
    with suppress(FileNotFoundError):  # the one that listed them
        return descriptor.readlink().is_relative_to(folder)
    return False


def new_key() -> str:
    return f"files/{uuid4()}"


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        storage = storage_from(settings(tmp_path, f"folder:{tmp_path / 'files'}"))
    else:
        storage = storage_from(settings(tmp_path, f"s3://{BUCKET}", request.getfixturevalue("s3_endpoint")))
    storage.prepare()
    return storage


@pytest.fixture
def folder(tmp_path: Path) -> FolderStorage:
    storage = FolderStorage(tmp_path / "files")
    storage.prepare()
    return storage


@pytest.fixture
def bucket(s3_endpoint: str, tmp_path: Path) -> S3Storage:
    return S3Storage.at(settings(tmp_path, f"s3://{BUCKET}", s3_endpoint), BUCKET)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "one.part"
    path.write_bytes(b"payslip" * 300_000)
    return path


class Trouble(BaseHTTPRequestHandler):
    """A server in trouble, as seen through a proxy."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


class TestEveryStorage:
    @pytest.mark.parametrize("open_already", [False, True])
    def test_gives_back_what_was_put_and_takes_the_source_away(
        self, storage: Storage, source: Path, open_already: bool
    ) -> None:
        key = new_key()
        with FileIO(source) as mine:
            mine.seek(0, os.SEEK_END)  # as after writing
            storage.put(key, source, "application/pdf", own=mine if open_already else None)
            assert not mine.closed
        with storage.open(key) as stream:
            assert stream.read() == b"payslip" * 300_000
            stream.seek(7)
            assert stream.read(7) == b"payslip"
        assert storage.size(key) == 2_100_000
        assert not source.exists()

    def test_keeps_an_empty_file_and_pages_below_a_key(self, storage: Storage, source: Path) -> None:
        key = f"copies/{uuid4()}/page-001.jpg"
        source.write_bytes(b"")
        storage.put(key, source, "image/jpeg")
        with storage.open(key) as stream:
            assert stream.read() == b""
        assert storage.size(key) == 0

    def test_never_writes_over_what_is_stored(self, storage: Storage, source: Path, tmp_path: Path) -> None:
        key = new_key()
        storage.put(key, source, "application/pdf")
        second = tmp_path / "two.part"
        second.write_bytes(b"other")
        with pytest.raises(KeyTaken):
            storage.put(key, second, "application/pdf")
        assert storage.size(key) == 2_100_000
        assert second.read_bytes() == b"other"

    def test_lets_one_of_many_writers_win(self, storage: Storage, tmp_path: Path) -> None:
        key, start = new_key(), threading.Barrier(6)

        def write(number: int) -> int | None:
            mine = tmp_path / f"{number}.part"
            mine.write_bytes(bytes([number]) * 1000)
            start.wait()
            try:
                storage.put(key, mine, "application/pdf")
            except KeyTaken:
                return None
            return number

        with ThreadPoolExecutor(6) as pool:
            winners = [number for number in pool.map(write, range(6)) if number is not None]
        assert len(winners) == 1
        with storage.open(key) as stream:
            assert stream.read() == bytes(winners) * 1000

    def test_says_that_nothing_is_stored(self, storage: Storage, source: Path) -> None:
        for key in (new_key(), f"nothing/{uuid4()}"):
            with pytest.raises(NotStored):
                storage.open(key)
            with pytest.raises(NotStored):
                storage.size(key)
        key = new_key()
        storage.put(key, source, "application/pdf")
        with pytest.raises(NotStored):
            storage.size(f"{key}/page-001.jpg")

    def test_forgets_and_may_be_asked_to_twice(self, storage: Storage, source: Path) -> None:
        key = new_key()
        storage.put(key, source, "application/pdf")
        storage.delete(key)
        storage.delete(key)
        with pytest.raises(NotStored):
            storage.open(key)

    def test_keeps_a_large_file_whole(self, storage: Storage, source: Path) -> None:
        content = random.Random(1).randbytes(17 * MEBIBYTE + 1)
        source.write_bytes(content)
        key = new_key()
        storage.put(key, source, "application/pdf")
        with storage.open(key) as stream:
            assert stream.read() == content
        source.write_bytes(content)
        with pytest.raises(KeyTaken):
            storage.put(key, source, "application/pdf")
        assert source.read_bytes() == content
        assert list(storage.unfinished(LATER)) == []

    def test_lists_what_lies_below_a_prefix_with_size_and_time(self, storage: Storage, tmp_path: Path) -> None:
        before = datetime.now(UTC) - timedelta(seconds=2)  # S3 counts whole seconds
        place = f"list{uuid4().hex[:8]}"
        keys = {f"{place}/{number}": number for number in range(5)} | {f"{place}/deep/er": 7}
        for key, size in keys.items():
            source = tmp_path / "next.part"
            source.write_bytes(b"x" * size)
            storage.put(key, source, "application/pdf")
        found = list(storage.listed(f"{place}/"))
        assert {one.key: one.size for one in found} == keys
        assert all(before < one.modified <= datetime.now(UTC) + timedelta(seconds=2) for one in found)
        assert [one.key for one in storage.listed(f"{place}/3")] == [f"{place}/3"]
        assert list(storage.listed(f"nothing{uuid4().hex[:8]}/")) == []

    def test_a_long_time_of_writing_does_not_make_bytes_old(self, storage: Storage, source: Path) -> None:
        os.utime(source, (0, 0))
        key = new_key()
        storage.put(key, source, "application/pdf")
        (found,) = storage.listed(key)
        assert datetime.now(UTC) - found.modified < timedelta(minutes=5)

    def test_sets_aside_without_losing_a_byte_and_twice_is_once(self, storage: Storage, source: Path) -> None:
        key = new_key()
        storage.put(key, source, "application/pdf")
        for _ in range(2):
            storage.set_aside(key)
            with pytest.raises(NotStored):
                storage.size(key)
            with storage.open(f"aside/{key}") as stream:
                assert stream.read() == b"payslip" * 300_000
        with pytest.raises(NotStored):
            storage.set_aside(new_key())

    def test_other_bytes_are_never_set_over_what_stands_aside(self, storage: Storage, tmp_path: Path) -> None:
        key = new_key()
        for size in (1, 2):
            source = tmp_path / "next.part"
            source.write_bytes(b"x" * size)
            storage.put(key, source, "application/pdf")
            if size == 1:
                storage.set_aside(key)
        with pytest.raises(KeyTaken):
            storage.set_aside(key)
        assert (storage.size(key), storage.size(f"aside/{key}")) == (2, 1)

    def test_is_prepared_twice_and_adopts_what_is_there(self, storage: Storage, source: Path) -> None:
        key = new_key()
        storage.put(key, source, "application/pdf")
        storage.prepare(used=True)
        storage.check()
        assert storage.size(key) == 2_100_000

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "files",
            "files/",
            "/etc/passwd",
            "files/../../etc/passwd",
            "files/..",
            "files/./x",
            "files//x",
            "../x/y",
            "files/a b",
            "files/給与",
            "Files/x",
            "files/x\n",
            "files/x\0",
            "files/.hidden",
            "files\\x",
            "a/b/c/d/e",
            "files/" + "x" * 65,
        ],
    )
    def test_takes_no_key_that_is_not_ours(self, storage: Storage, source: Path, key: str) -> None:
        for ask in (storage.open, storage.size, storage.delete, storage.set_aside):
            with pytest.raises(ValueError, match="not a key"):
                ask(key)
        with pytest.raises(ValueError, match="not a key"):
            storage.put(key, source, "application/pdf")
        assert source.exists()

    def test_does_not_hide_that_the_source_is_missing(self, storage: Storage, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            storage.put(new_key(), tmp_path / "gone.part", "application/pdf")


class TestFolder:
    def test_shows_nothing_to_other_users_of_the_machine(
        self, folder: FolderStorage, source: Path, tmp_path: Path
    ) -> None:
        source.chmod(0o644)
        folder.put("files/x", source, "application/pdf")
        assert (tmp_path / "files").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "files/files").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "files/files/x").stat().st_mode & 0o777 == 0o600

    def test_syncs_the_bytes_before_the_name_and_the_name_before_it_returns(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        sync, link = os.fsync, os.link

        def noting_sync(descriptor: int) -> None:
            seen.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
            sync(descriptor)

        def noting_link(was: Path, to: str, **where: Any) -> None:
            seen.append("link")
            link(was, to, **where)

        storage = FolderStorage(tmp_path / "root")
        storage.prepare()
        monkeypatch.setattr(os, "fsync", noting_sync)
        monkeypatch.setattr(os, "link", noting_link)
        monkeypatch.setattr(points, "waiting", seen.append)
        for number in range(2):
            source.write_bytes(b"payslip")
            storage.put(f"files/{number}", source, "application/pdf")
        steps = ["one.part", "file.fsynced", "link", "files", "file.linked"]
        assert seen == [*steps[:2], "root", *steps[2:], *steps]

    @pytest.mark.parametrize("open_already", [False, True])
    def test_brings_bytes_over_from_another_disk(self, tmp_path: Path, open_already: bool) -> None:
        with_memory = Path("/dev/shm")  # noqa: S108  (another filesystem than the temporary folder)
        if not with_memory.is_dir() or with_memory.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("this machine has no second filesystem to write to")
        source = with_memory / f"{uuid4()}.part"
        storage = FolderStorage(tmp_path / "files")
        storage.prepare()
        with FileIO(source, "x+") as mine:
            mine.write(b"payslip")
            storage.put("files/x", source, "application/pdf", own=mine if open_already else None)
        assert (tmp_path / "files/files/x").read_bytes() == b"payslip"
        assert [path.name for path in (tmp_path / "files/files").iterdir()] == ["x"]
        assert not source.exists()

    @pytest.mark.parametrize("beside", [True, False])
    def test_full_disk_leaves_nothing_behind_and_can_be_tried_again(
        self, small_disk: Callable[[Path], AbstractContextManager[None]], beside: bool, tmp_path: Path
    ) -> None:
        """The bytes come from the same small disk, or from another."""
        root = tmp_path / "small" / "files"
        root.parent.mkdir()
        with small_disk(root.parent):
            storage = FolderStorage(root)
            storage.prepare()
            source = (root.parent if beside else tmp_path) / "one.part"
            source.write_bytes(b"x" * 400_000)
            filler = root.parent / "filler"
            with filler.open("wb", buffering=0) as stream, suppress(OSError):
                while stream.write(b"x" * 4096):
                    pass
            if beside:  # a name needs no room for its bytes, only for itself
                storage.put("files/x", source, "application/pdf")
            else:
                with pytest.raises(StorageUnavailable, match="No space"):
                    storage.put("files/x", source, "application/pdf")
                assert [path.name for path in root.rglob("*") if path.is_file()] == [MARKER]
                filler.unlink()
                storage.put("files/x", source, "application/pdf")
            assert storage.size("files/x") == 400_000
            assert not source.exists()

    def test_finds_its_folders_again_after_somebody_removed_them(self, folder: FolderStorage, tmp_path: Path) -> None:
        for number in range(2):
            source = tmp_path / "next.part"
            source.write_bytes(b"x")
            folder.put(f"files/{number}", source, "application/pdf")
            folder.delete(f"files/{number}")
            (tmp_path / "files/files").rmdir()
        assert [path.name for path in (tmp_path / "files").iterdir()] == [MARKER]

    def test_writes_into_the_folder_that_is_there_now(self, folder: FolderStorage, tmp_path: Path) -> None:
        for number in range(3):
            source = tmp_path / "next.part"
            source.write_bytes(b"x")
            folder.put(f"files/{number}", source, "application/pdf")
            if number == 1:  # another disk comes to this place, with a copy of what lay there
                (tmp_path / "files").rename(tmp_path / "before")
                shutil.copytree(tmp_path / "before", tmp_path / "files")
        assert sorted(path.name for path in (tmp_path / "files/files").iterdir()) == ["0", "1", "2"]
        assert sorted(path.name for path in (tmp_path / "before/files").iterdir()) == ["0", "1"]

    def test_holds_no_more_folders_open_than_it_has_kinds_of_keys(self, folder: FolderStorage, tmp_path: Path) -> None:
        held = []
        for number in range(6):
            source = tmp_path / "next.part"
            source.write_bytes(b"x")
            folder.put(f"files/{number}", source, "application/pdf")
            source.write_bytes(b"x")
            folder.put(f"copies/{uuid4()}/page-001.jpg", source, "image/jpeg")
            held.append([path for path in Path("/proc/self/fd").iterdir() if is_below(path, tmp_path)])
        assert [len(descriptors) for descriptors in held] == [1] * 6
        del folder.__dict__["_places"]["files"]
        assert not [path for path in Path("/proc/self/fd").iterdir() if is_below(path, tmp_path)]

    def test_a_disk_that_is_not_mounted_does_not_look_like_missing_files(
        self, folder: FolderStorage, source: Path, tmp_path: Path
    ) -> None:
        folder.put("files/x", source, "application/pdf")
        away = tmp_path / "away"
        (tmp_path / "files").rename(away)
        source.write_bytes(b"x")
        for bare in (False, True):
            if bare:
                (tmp_path / "files").mkdir()
            for ask in (
                lambda: folder.open("files/x"),
                lambda: folder.size("files/x"),
                lambda: folder.delete("files/x"),
                lambda: folder.set_aside("files/x"),
                lambda: list(folder.listed("files/")),
                lambda: folder.put("files/y", source, "application/pdf"),
                folder.check,
            ):
                with pytest.raises(StorageUnavailable, match="mounted"):
                    ask()
        with pytest.raises(StorageUnavailable, match="mounted"):
            folder.prepare(used=True)
        assert list((tmp_path / "files").iterdir()) == []
        assert source.exists()
        (tmp_path / "files").rmdir()
        away.rename(tmp_path / "files")
        assert folder.size("files/x") == 2_100_000

    def test_adopts_the_folder_of_an_office_that_knew_no_marker(
        self, folder: FolderStorage, source: Path, tmp_path: Path
    ) -> None:
        folder.put("files/x", source, "application/pdf")
        (tmp_path / "files" / MARKER).unlink()
        folder.prepare(used=True)
        assert folder.size("files/x") == 2_100_000

    def test_follows_no_link_inside(self, folder: FolderStorage, source: Path, tmp_path: Path) -> None:
        secret = tmp_path / "elsewhere"
        secret.mkdir()
        (secret / "x").write_bytes(b"secret")
        (tmp_path / "files/other").mkdir()
        (tmp_path / "files/other/x").symlink_to(secret / "x")
        (tmp_path / "files/files").symlink_to(secret)
        for key in ("files/x", "other/x"):
            for ask in (folder.open, folder.size):
                with pytest.raises(NotStored):
                    ask(key)
        with pytest.raises(StorageUnavailable):
            folder.put("files/y", source, "application/pdf")
        folder.delete("files/x")
        assert [*folder.listed("files/"), *folder.listed("other/"), *folder.listed("")] == []
        assert [path.name for path in secret.iterdir()] == ["x"]

    def test_shows_what_a_killed_writer_left_of_a_file_from_another_disk(
        self, folder: FolderStorage, tmp_path: Path
    ) -> None:
        (tmp_path / "files/files").mkdir()
        (tmp_path / f"files/files/.{uuid4()}.new").write_bytes(b"half")
        assert list(folder.listed("")) == []
        assert list(folder.unfinished(datetime.now(UTC) - timedelta(hours=1))) == []
        for drop in folder.unfinished(LATER):
            drop()
        assert list((tmp_path / "files/files").iterdir()) == []


class TestS3:
    @pytest.mark.parametrize("size", [2_100_000, LARGE])
    def test_encrypts_and_remembers_type_and_checksum(self, bucket: S3Storage, source: Path, size: int) -> None:
        storage, part = bucket, bucket.part
        source.write_bytes(bytes(size))
        key = new_key()
        content = source.read_bytes()
        parts = [hashlib.sha256(content[start : start + part]).digest() for start in range(0, len(content), part)]
        whole = parts[0] if len(parts) == 1 else hashlib.sha256(b"".join(parts)).digest()
        checksum = base64.b64encode(whole).decode() + (f"-{len(parts)}" if len(parts) > 1 else "")
        storage.put(key, source, "application/pdf")
        facts = storage.client.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
        assert facts["ServerSideEncryption"] == "AES256"
        assert facts["ContentType"] == "application/pdf"
        assert facts["ChecksumSHA256"] == checksum

    @pytest.mark.parametrize("deed", ["PutObject", "CompleteMultipartUpload"])
    def test_a_lost_answer_is_not_taken_for_a_clash(self, bucket: S3Storage, source: Path, deed: str) -> None:
        storage, size = bucket, 2_100_000 if deed == "PutObject" else LARGE
        source.write_bytes(bytes(size))
        answers: list[int] = []

        def lose_the_first(response_dict: dict[str, Any], **_: Any) -> None:
            answers.append(response_dict["status_code"])
            if len(answers) == 1:
                response_dict["status_code"] = 503

        storage.client.meta.events.register(f"before-parse.s3.{deed}", lose_the_first)
        key = new_key()
        storage.put(key, source, "application/pdf")
        assert answers == [200, 412]
        assert storage.size(key) == size

    def test_an_error_of_the_server_is_tried_again(self, bucket: S3Storage, source: Path) -> None:
        went: list[str] = []

        def lead_astray(request: AWSPreparedRequest, **_: Any) -> None:
            if not went:
                request.url = trouble
            went.append(request.url)

        bucket.client.meta.events.register("before-send.s3.PutObject", lead_astray)
        with ThreadingHTTPServer(("127.0.0.1", 0), Trouble) as server:
            trouble = f"http://127.0.0.1:{server.server_port}/"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            key = new_key()
            bucket.put(key, source, "application/pdf")
            server.shutdown()
        assert len(went) == 2
        assert bucket.size(key) == 2_100_000

    def test_a_line_that_breaks_in_a_large_file_leaves_nothing_half(self, bucket: S3Storage, source: Path) -> None:
        source.write_bytes(bytes(LARGE))
        sent: list[int] = []

        def break_at_the_second(**_: Any) -> None:
            sent.append(1)
            if len(sent) >= 2:
                raise EndpointConnectionError(endpoint_url="s3")

        bucket.client.meta.events.register("before-send.s3.UploadPart", break_at_the_second)
        key = new_key()
        with pytest.raises(StorageUnavailable):
            bucket.put(key, source, "application/pdf")
        assert source.exists()
        assert list(bucket.unfinished(LATER)) == []
        with pytest.raises(NotStored):
            bucket.size(key)
        bucket.client.meta.events.unregister("before-send.s3.UploadPart", break_at_the_second)
        bucket.put(key, source, "application/pdf")
        assert bucket.size(key) == LARGE

    def test_shows_what_a_killed_writer_left_half_way(self, bucket: S3Storage) -> None:
        place = {"Bucket": BUCKET, "Key": new_key()}
        begun = bucket.client.create_multipart_upload(**place)["UploadId"]
        bucket.client.upload_part(**place, UploadId=begun, PartNumber=1, Body=b"half")
        assert list(bucket.unfinished(datetime.now(UTC) - timedelta(hours=1))) == []
        (drop,) = bucket.unfinished(LATER)
        drop()
        drop()
        assert list(bucket.unfinished(LATER)) == []

    def test_lists_page_by_page(self, bucket: S3Storage) -> None:
        place = f"many{uuid4().hex[:8]}"
        keys = {f"{place}/{number:04}" for number in range(1_050)}  # a page holds 1,000

        def put(key: str) -> None:
            bucket.client.put_object(Bucket=BUCKET, Key=key, Body=b"")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, keys))
        assert {one.key for one in bucket.listed(f"{place}/")} == keys

    @pytest.mark.parametrize("opened", ["list", "read", "acl"])
    def test_a_bucket_that_strangers_can_read_is_refused(self, bucket: S3Storage, opened: str) -> None:
        mine = replace(bucket, bucket=f"open-{uuid4().hex[:8]}")
        mine.client.create_bucket(Bucket=mine.bucket)
        mine.prepare()
        if opened == "acl":
            mine.client.put_bucket_acl(Bucket=mine.bucket, ACL="public-read")
        else:
            allowed = {
                "list": {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{mine.bucket}"},
                "read": {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{mine.bucket}/*"},
            }[opened]
            policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", **allowed}]}
            mine.client.put_bucket_policy(Bucket=mine.bucket, Policy=json.dumps(policy))
        for look in (mine.prepare, mine.check):
            with pytest.raises(NotPrivate, match=f"Anybody may read the bucket {mine.bucket}"):
                look()
        assert list(mine.listed("")) == []  # nothing of the trial stays
        mine.client.delete_bucket(Bucket=mine.bucket)

    def test_a_missing_bucket_does_not_look_like_missing_files(self, bucket: S3Storage) -> None:
        gone = replace(bucket, bucket="not-there")
        for ask in (
            lambda: gone.open("files/x"),
            lambda: gone.size("files/x"),
            lambda: gone.set_aside("files/x"),
            lambda: list(gone.listed("files/")),
            gone.check,
            gone.prepare,
        ):
            with pytest.raises(StorageUnavailable):
                ask()

    def test_an_empty_bucket_is_not_the_one_that_rows_speak_of(self, bucket: S3Storage) -> None:
        mine = replace(bucket, bucket=f"empty-{uuid4().hex[:8]}")
        mine.client.create_bucket(Bucket=mine.bucket)
        with pytest.raises(StorageUnavailable, match="empty"):
            mine.prepare(used=True)
        mine.prepare()
        mine.client.delete_bucket(Bucket=mine.bucket)

    def test_a_server_that_takes_and_never_answers_is_unavailable(self, source: Path, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}"
            given = settings(tmp_path, f"s3://{BUCKET}", address)
            storage = S3Storage.at(given, BUCKET, connect_timeout=0.2, read_timeout=0.2)
            large = replace(storage, part=1_000_000)
            for ask in (
                lambda: storage.put(new_key(), source, "application/pdf"),
                lambda: large.put(new_key(), source, "application/pdf"),
                lambda: storage.open(new_key()),
                lambda: storage.size(new_key()),
                lambda: storage.delete(new_key()),
                lambda: list(storage.listed("files/")),
                storage.check,
            ):
                with pytest.raises(StorageUnavailable, match=r"(?i)time"):
                    ask()
        assert source.exists()

    def test_a_server_that_is_gone_or_refuses_is_unavailable_within_seconds(
        self, s3_endpoint: str, source: Path, tmp_path: Path
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as held:
            gone = f"http://127.0.0.1:{held.getsockname()[1]}"
        for storage in (
            storage_from(settings(tmp_path, f"s3://{BUCKET}", gone)),
            storage_from(replace(settings(tmp_path, f"s3://{BUCKET}", s3_endpoint), s3_secret_key="wrong")),
        ):
            with pytest.raises(StorageUnavailable):
                storage.put(new_key(), source, "application/pdf")
            with pytest.raises(StorageUnavailable):
                storage.open(new_key())
        assert source.exists()


@pytest.mark.parametrize("address", ["folder:var/files", "folder:", "s3:bucket", "s3://", "s3://a/b", "file:///x", ""])
def test_an_address_that_names_no_storage_is_refused_at_the_start(address: str, tmp_path: Path) -> None:
    with pytest.raises(MissingSetting, match="STORAGE_URL"):
        storage_from(settings(tmp_path, address))


@pytest.fixture
def small_disk() -> Callable[[Path], AbstractContextManager[None]]:
    """Mounts a disk of 1 MiB somewhere, for as long as the block lasts."""

    @contextmanager
    def mounted(place: Path) -> Iterator[None]:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False).returncode:
            pytest.skip("only root may mount a small disk")
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)

    return mounted


def test_no_code_of_ours_makes_an_address_that_opens_without_signing_in() -> None:
    code = [
        path for folder in ("config", "shared", "uploads", "portal", "staff") for path in Path(folder).rglob("*.py")
    ]
    assert len(code) > 50
    assert [path for path in code if re.search(r"presign|generate_url|X-Amz-Signature", path.read_text())] == []
