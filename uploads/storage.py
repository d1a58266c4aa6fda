"""Where bytes live: a folder or an S3 bucket, behind one protocol.

Keys are ours (``kind/uuid``), never a sender's file name. What is stored is never written over.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, cast
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from config.settings import MEBIBYTE, MissingSetting, Settings

_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}(/[a-z0-9][a-z0-9_-]{0,63}){1,3}(\.[a-z0-9]{1,8})?")
_NOTHING_THERE: Final = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class StorageError(Exception):
    """What a storage can answer instead of doing as asked."""


class NotStored(StorageError):
    """Nothing is stored under this key."""


class KeyTaken(StorageError):
    """Something is stored under this key already, and stays."""


class StorageUnavailable(StorageError):
    """The disk or the server failed: full, gone, too slow, refusing. Trying later may help."""


class Storage(Protocol):
    """Every method raises ValueError for a key that is not ours, StorageUnavailable when the place fails."""

    def put(self, key: str, source: Path, media_type: str) -> None:
        """Move the file at ``source`` in. When this returns the bytes survive a power cut and ``source`` is gone.

        :raises KeyTaken: and leaves ``source`` where it is, as every failure does.
        """

    def open(self, key: str) -> BinaryIO:
        """Return the bytes, readable and seekable. The caller closes it.

        :raises NotStored:
        """

    def size(self, key: str) -> int:
        """Return the number of bytes.

        :raises NotStored:
        """

    def delete(self, key: str) -> None:
        """Forget the bytes. A key that holds nothing is fine."""


def storage_from(settings: Settings) -> Storage:
    """Return the storage that ``settings.storage_url`` names.

    :raises MissingSetting: for any other address than ``folder:/absolute/path`` and ``s3://bucket``.
    """
    scheme, _, place = settings.storage_url.partition(":")
    if scheme == "folder" and place.startswith("/"):
        return FolderStorage(Path(place))
    bucket = place.removeprefix("//")
    if scheme == "s3" and place.startswith("//") and _BUCKET.fullmatch(bucket):
        return S3Storage(_s3_client(settings), bucket)
    raise MissingSetting("MADOGUCHI_STORAGE_URL must be folder:/absolute/path or s3://bucket.")


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a key of ours")
    return key


@dataclass(frozen=True)
class FolderStorage:
    """Files below one folder, on a filesystem with hard links. Folders are 0700, files 0600."""

    root: Path
    _settled: set[Path] = field(default_factory=set, repr=False, compare=False)  # folders known to survive a power cut

    def put(self, key: str, source: Path, media_type: str) -> None:  # noqa: ARG002  (a folder keeps no media type)
        target = self.root / _checked(key)
        with source.open("rb") as stream, _disk():
            os.fchmod(stream.fileno(), 0o600)
            os.fsync(stream.fileno())
            self._make(target.parent)
            try:
                # A link fails when the name is taken; a rename would write over it.
                os.link(source, target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copy(stream, target)
            _fsync_folder(target.parent)
            source.unlink()

    def open(self, key: str) -> BinaryIO:
        with _disk():
            return (self.root / _checked(key)).open("rb")

    def size(self, key: str) -> int:
        with self.open(key) as stream:
            return os.fstat(stream.fileno()).st_size

    def delete(self, key: str) -> None:
        target = self.root / _checked(key)
        with _disk(), contextlib.suppress(*_NOTHING_THERE):
            target.unlink()
            _fsync_folder(target.parent)

    def _copy(self, stream: BinaryIO, target: Path) -> None:
        """Bring bytes over from another filesystem. The name on the way starts with a dot, as no key does."""
        beside = target.parent / f".{uuid4()}.new"
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
                shutil.copyfileobj(stream, copy, MEBIBYTE)
                copy.flush()
                os.fsync(copy.fileno())
            os.link(beside, target)
        finally:
            beside.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        """Make ``folder`` and what is missing above it. Another process may be at it too: fsync, whoever made it."""
        if folder in self._settled and folder.is_dir():
            return
        if folder != self.root:
            self._make(folder.parent)
        folder.mkdir(mode=0o700, parents=folder == self.root, exist_ok=True)
        _fsync_folder(folder.parent)
        self._settled.add(folder)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise KeyTaken from error
    except _NOTHING_THERE as error:
        raise NotStored from error
    except OSError as error:
        raise StorageUnavailable(str(error)) from error


@dataclass(frozen=True)
class S3Storage:
    """Objects in one private bucket, encrypted by the server. The bucket's own rules deny strangers."""

    client: Any  # a boto3 S3 client; boto3 ships no types
    bucket: str

    def put(self, key: str, source: Path, media_type: str) -> None:
        place = {"Bucket": self.bucket, "Key": _checked(key)}
        attempt = str(uuid4())
        with source.open("rb") as stream, _server():
            checksum = base64.b64encode(hashlib.file_digest(stream, "sha256").digest()).decode()
            stream.seek(0)
            try:
                self.client.put_object(
                    **place,
                    Body=stream,
                    ContentType=media_type,
                    ChecksumSHA256=checksum,
                    IfNoneMatch="*",
                    Metadata={"attempt": attempt},
                    ServerSideEncryption="AES256",
                )
            except ClientError as error:
                if _status(error) != 412:
                    raise
                # When an answer is lost boto3 sends again and meets our own object: that is no clash.
                if self.client.head_object(**place)["Metadata"].get("attempt") != attempt:
                    raise KeyTaken from error
        source.unlink()

    def open(self, key: str) -> BinaryIO:
        # Read to the end here: a connection that breaks later would fail in the caller's hands, half-way.
        with _server(), contextlib.ExitStack() as undo:
            answer = self.client.get_object(Bucket=self.bucket, Key=_checked(key), ChecksumMode="ENABLED")
            body = undo.enter_context(contextlib.closing(answer["Body"]))
            spool = tempfile.SpooledTemporaryFile(max_size=MEBIBYTE)  # noqa: SIM115  (the caller closes it)
            undo.callback(spool.close)
            shutil.copyfileobj(body, spool, MEBIBYTE)
            spool.seek(0)
            undo.pop_all()
            body.close()
            return cast(BinaryIO, spool)

    def size(self, key: str) -> int:
        with _server():
            return int(self.client.head_object(Bucket=self.bucket, Key=_checked(key))["ContentLength"])

    def delete(self, key: str) -> None:
        with _server():
            self.client.delete_object(Bucket=self.bucket, Key=_checked(key))


@contextlib.contextmanager
def _server() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _status(error) == 404 and error.response["Error"].get("Code") != "NoSuchBucket":
            raise NotStored from error
        raise StorageUnavailable(str(error)) from error
    except (BotoCoreError, OSError) as error:
        raise StorageUnavailable(str(error)) from error


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def _s3_client(settings: Settings) -> Any:
    """Return a client that gives up within seconds: a person is waiting, and the job will be tried again."""
    return boto3.Session().client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
        config=Config(
            connect_timeout=3,
            read_timeout=15,
            retries={"mode": "standard", "total_max_attempts": 2},
            s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
        ),
    )
