"""One contract for both storages, and what each promises beside it."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from config.settings import MissingSetting
from tests.s3 import BUCKET, settings
from uploads.storage import FolderStorage, KeyTaken, NotStored, S3Storage, Storage, StorageUnavailable, storage_from


def new_key() -> str:
    return f"files/{uuid4()}"


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return storage_from(settings(tmp_path, f"folder:{tmp_path / 'files'}"))
    return storage_from(settings(tmp_path, f"s3://{BUCKET}", request.getfixturevalue("s3_endpoint")))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "one.part"
    path.write_bytes(b"payslip" * 300_000)
    return path


class TestEveryStorage:
    def test_gives_back_what_was_put_and_takes_the_source_away(self, storage: Storage, source: Path) -> None:
        key = new_key()
        storage.put(key, source, "application/pdf")
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
        for ask in (storage.open, storage.size, storage.delete):
            with pytest.raises(ValueError, match="not a key"):
                ask(key)
        with pytest.raises(ValueError, match="not a key"):
            storage.put(key, source, "application/pdf")
        assert source.exists()

    def test_does_not_hide_that_the_source_is_missing(self, storage: Storage, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            storage.put(new_key(), tmp_path / "gone.part", "application/pdf")


class TestFolder:
    def test_shows_nothing_to_other_users_of_the_machine(self, source: Path, tmp_path: Path) -> None:
        source.chmod(0o644)
        FolderStorage(tmp_path / "files").put("files/x", source, "application/pdf")
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

        def noting_link(was: Path, to: Path) -> None:
            seen.append("link")
            link(was, to)

        monkeypatch.setattr(os, "fsync", noting_sync)
        monkeypatch.setattr(os, "link", noting_link)
        FolderStorage(tmp_path / "root").put("files/x", source, "application/pdf")
        assert seen == ["one.part", tmp_path.name, "root", "link", "files"]

    def test_brings_bytes_over_from_another_disk(self, tmp_path: Path) -> None:
        with_memory = Path("/dev/shm")  # noqa: S108  (another filesystem than the temporary folder)
        if not with_memory.is_dir() or with_memory.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("this machine has no second filesystem to write to")
        source = with_memory / f"{uuid4()}.part"
        source.write_bytes(b"payslip")
        storage = FolderStorage(tmp_path / "files")
        storage.put("files/x", source, "application/pdf")
        assert (tmp_path / "files/files/x").read_bytes() == b"payslip"
        assert [path.name for path in (tmp_path / "files/files").iterdir()] == ["x"]
        assert not source.exists()

    def test_full_disk_leaves_nothing_behind_and_can_be_tried_again(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(was: Path, to: Path) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        storage = FolderStorage(tmp_path / "files")
        with monkeypatch.context() as broken:
            broken.setattr(os, "link", full)
            with pytest.raises(StorageUnavailable, match="No space"):
                storage.put("files/x", source, "application/pdf")
        with pytest.raises(NotStored):
            storage.size("files/x")
        storage.put("files/x", source, "application/pdf")
        assert storage.size("files/x") == 2_100_000

    def test_finds_its_folders_again_after_somebody_removed_them(self, tmp_path: Path) -> None:
        storage = FolderStorage(tmp_path / "files")
        for number in range(2):
            source = tmp_path / "next.part"
            source.write_bytes(b"x")
            storage.put(f"files/{number}", source, "application/pdf")
            storage.delete(f"files/{number}")
            (tmp_path / "files/files").rmdir()
        assert list((tmp_path / "files").iterdir()) == []


class TestS3:
    def test_encrypts_and_remembers_type_and_checksum(self, s3_endpoint: str, source: Path, tmp_path: Path) -> None:
        storage = storage_from(settings(tmp_path, f"s3://{BUCKET}", s3_endpoint))
        assert isinstance(storage, S3Storage)
        key = new_key()
        checksum = base64.b64encode(hashlib.sha256(source.read_bytes()).digest()).decode()
        storage.put(key, source, "application/pdf")
        facts = storage.client.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
        assert facts["ServerSideEncryption"] == "AES256"
        assert facts["ContentType"] == "application/pdf"
        assert facts["ChecksumSHA256"] == checksum

    def test_a_lost_answer_is_not_taken_for_a_clash(self, s3_endpoint: str, source: Path, tmp_path: Path) -> None:
        storage = storage_from(settings(tmp_path, f"s3://{BUCKET}", s3_endpoint))
        assert isinstance(storage, S3Storage)
        answers: list[int] = []

        def lose_the_first(response_dict: dict[str, Any], **_: Any) -> None:
            answers.append(response_dict["status_code"])
            if len(answers) == 1:
                response_dict["status_code"] = 503

        storage.client.meta.events.register("before-parse.s3.PutObject", lose_the_first)
        key = new_key()
        storage.put(key, source, "application/pdf")
        assert answers == [200, 412]
        assert storage.size(key) == 2_100_000

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
