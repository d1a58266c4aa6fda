"""Where bytes live: a folder or an S3 bucket, behind one protocol.

Keys are ours (``kind/uuid``), never a sender's file name. What is stored is never written over. Nobody outside ever
gets an address of the bytes: our apps read them and answer, so that every look passes a guard.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, Self, cast
from uuid import uuid4

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from config import points
from config.settings import MEBIBYTE, MissingSetting, Settings

MARKER: Final = ".madoguchi"  # lies in a folder that is ours; the bare place where a disk is mounted holds none
ASIDE: Final = "aside/"
_ON_THE_WAY: Final = ".new"  # ends the name of a file that is being brought over from another disk
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


class NotPrivate(StorageError):
    """Anybody on the network may read what lies there. The text says what to do."""


@dataclass(frozen=True)
class Listed:
    """One stored thing."""

    key: str
    size: int  # bytes
    modified: datetime  # aware, UTC: when it came under this key


class Storage(Protocol):
    """Every method raises ValueError for a key that is not ours, StorageUnavailable when the place fails."""

    def prepare(self, *, used: bool = False) -> None:
        """Make the place ready, and check it. Twice is once.

        :param used: rows speak of bytes in it, so an empty folder is not the one we know.
        :raises NotPrivate:
        """

    def check(self) -> None:
        """Look whether the place is there and ours alone.

        :raises NotPrivate:
        """

    def put(self, key: str, source: Path, media_type: str, *, own: FileIO | None = None) -> None:
        """Move the file at ``source`` in. When this returns the bytes survive a power cut and ``source`` is gone.

        :param own: ``source``, open in the caller's hands and readable by no other user: it need not be opened again.
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

    def set_aside(self, key: str) -> None:
        """Move the bytes to ``aside/<key>``: out of the way, and not lost. Twice is once.

        :raises NotStored:
        """

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Everything under a key of ours that begins with ``prefix``, such as ``original/``; in no order."""

    def unfinished(self, before: datetime) -> Iterator[Callable[[], None]]:
        """What killed writers left half-way before then, each as the deed that drops it."""


def storage_from(settings: Settings) -> Storage:
    """Return the storage that ``settings.storage_url`` names.

    :raises MissingSetting: for any other address than ``folder:/absolute/path`` and ``s3://bucket``.
    """
    scheme, _, place = settings.storage_url.partition(":")
    if scheme == "folder" and place.startswith("/"):
        return FolderStorage(Path(place))
    bucket = place.removeprefix("//")
    if scheme == "s3" and place.startswith("//") and _BUCKET.fullmatch(bucket):
        return S3Storage.at(settings, bucket)
    raise MissingSetting("MADOGUCHI_STORAGE_URL must be folder:/absolute/path or s3://bucket.")


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a key of ours")
    return key


@dataclass(frozen=True)
class FolderStorage:
    """Files below one folder, on a filesystem with hard links. Folders are 0700, files 0600.

    Every name is looked up in the folder above it, so that no symbolic link inside leads anywhere.
    """

    root: Path
    _settled: set[str] = field(default_factory=set, repr=False, compare=False)  # folders known to survive a power cut
    _places: dict[str, _Place] = field(default_factory=dict, repr=False, compare=False)  # by name, right below the root

    def prepare(self, *, used: bool = False) -> None:
        with _disk():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if used and not any(self.root.iterdir()):
                raise StorageUnavailable(f"{self.root} is empty, but files should be in it. Is its disk mounted?")
            (self.root / MARKER).touch(mode=0o600)
            for path in (self.root, self.root.parent):
                with _folder(path) as here:
                    os.fsync(here)

    def check(self) -> None:
        with _disk(), self._inside():
            pass

    def put(self, key: str, source: Path, media_type: str, *, own: FileIO | None = None) -> None:  # noqa: ARG002  (a folder keeps no media type)
        with (
            FileIO(source) if own is None else contextlib.nullcontext(own) as stream,
            _disk(missing=StorageUnavailable),
        ):
            if own is None:
                os.fchmod(stream.fileno(), 0o600)
            os.fsync(stream.fileno())
            points.passed("file.fsynced")
            *folders, name = _checked(key).split("/")
            place = self._place(folders)
            try:
                # A link fails when the name is taken; a rename would write over it.
                os.link(source, name, dst_dir_fd=place.descriptor)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                stream.seek(0)
                _copy(stream, place.descriptor, name)
            os.fsync(place.descriptor)
            points.passed("file.linked")
            source.unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        with _disk(), self._beside(key) as (here, name):
            return open(name, "rb", opener=partial(_opened, dir_fd=here))

    def size(self, key: str) -> int:
        with _disk(), self._beside(key) as (here, name):
            facts = os.stat(name, dir_fd=here, follow_symlinks=False)
            if not stat.S_ISREG(facts.st_mode):
                raise NotStored
            return facts.st_size

    def delete(self, key: str) -> None:
        with contextlib.suppress(NotStored), _disk(), self._beside(key) as (here, name):
            os.unlink(name, dir_fd=here)
            os.fsync(here)

    def set_aside(self, key: str) -> None:
        try:
            self.size(key)
        except NotStored:
            self.size(ASIDE + key)
            return
        with _disk(), self._beside(key) as (here, name), self._beside(ASIDE + key, make=True) as (there, _):
            try:
                os.link(name, name, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
            except FileExistsError:
                if not os.path.samestat(*(os.stat(name, dir_fd=one, follow_symlinks=False) for one in (here, there))):
                    raise  # not our own move that was cut short: both stay
            os.fsync(there)
            os.unlink(name, dir_fd=here)
            os.fsync(here)

    def listed(self, prefix: str) -> Iterator[Listed]:
        for key, _, facts in self._files(prefix):
            if _KEY.fullmatch(key):
                yield Listed(key, facts.st_size, _since(facts))

    def unfinished(self, before: datetime) -> Iterator[Callable[[], None]]:
        for key, here, facts in self._files(""):
            name = key.rpartition("/")[2]
            if name.startswith(".") and name.endswith(_ON_THE_WAY) and _since(facts) < before:
                yield partial(os.unlink, name, dir_fd=here)

    def _files(self, prefix: str) -> Iterator[tuple[str, int, os.stat_result]]:
        above, _, begin = prefix.rpartition("/")
        folders = above.split("/") if above else []
        with contextlib.suppress(NotStored), _disk(), self._inside(*folders) as here:
            yield from _walked(here, f"{above}/" if above else "", begin)

    @contextlib.contextmanager
    def _beside(self, key: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The folder a key's file lies in, open, and the file's name in it."""
        *folders, name = _checked(key).split("/")
        with self._inside(*folders, make=make) as here:
            yield here, name

    @contextlib.contextmanager
    def _inside(self, *folders: str, make: bool = False) -> Iterator[int]:
        """A folder below the root, open. ``make``: and what is missing above it is made."""
        with contextlib.ExitStack() as held:
            try:
                here = held.enter_context(_folder(self.root))
                os.stat(MARKER, dir_fd=here, follow_symlinks=False)
            except _NOTHING_THERE as error:
                raise StorageUnavailable(
                    f"{self.root} is no storage of ours. Is its disk mounted? A new one wants: madoguchi migrate"
                ) from error
            for depth, name in enumerate(folders, start=1):
                if make:
                    self._make(here, name, "/".join(folders[:depth]))
                here = held.enter_context(_folder(name, dir_fd=here))
            yield here

    def _place(self, folders: Sequence[str]) -> _Place:
        """The folder that something is put into. One right below the root stays open for the next: each upload comes
        there, and so one question suffices instead of the way down from the root.
        """
        kept = self._places.get(folders[0])
        if kept and len(folders) == 1 and kept.is_there():
            return kept
        with self._inside(*folders, make=True) as here:
            place = _Place(os.dup(here), str(self.root.joinpath(*folders)))
        if len(folders) == 1:
            self._places[folders[0]] = place
        return place

    def _make(self, above: int, name: str, place: str) -> None:
        """Make a folder. Another process may be at it too: fsync, whoever made it."""
        try:
            os.mkdir(name, 0o700, dir_fd=above)
        except FileExistsError:
            if place in self._settled:
                return
        os.fsync(above)
        self._settled.add(place)


class _Place:
    """A folder, open for as long as anybody holds this."""

    def __init__(self, descriptor: int, path: str) -> None:
        self.descriptor, self._path = descriptor, path  # no Path: it would be asked for its text each time
        self._facts = os.fstat(descriptor)

    def __del__(self) -> None:
        os.close(self.descriptor)

    def is_there(self) -> bool:
        """Whether it is still what its path leads to: no more if its disk is gone, or another folder came there."""
        try:
            return os.path.samestat(os.lstat(self._path), self._facts)
        except OSError:
            return False


def _copy(stream: BinaryIO | FileIO, here: int, name: str) -> None:
    """Bring bytes over from another filesystem. The name on the way starts with a dot, as no key does."""
    beside = f".{uuid4()}{_ON_THE_WAY}"
    try:
        with open(beside, "xb", opener=partial(_opened, dir_fd=here)) as copy:
            shutil.copyfileobj(stream, copy, MEBIBYTE)
            copy.flush()
            os.fsync(copy.fileno())
        os.link(beside, name, src_dir_fd=here, dst_dir_fd=here)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=here)


def _walked(folder: int, above: str, begin: str = "") -> Iterator[tuple[str, int, os.stat_result]]:
    """Each file below an open folder: its path, the open folder it lies in, what the disk says of it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(begin):
                continue
            with contextlib.suppress(*_NOTHING_THERE):  # it went meanwhile
                facts = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode):
                    yield above + entry.name, folder, facts
                elif stat.S_ISDIR(facts.st_mode):
                    with _folder(entry.name, dir_fd=folder) as below:
                        yield from _walked(below, f"{above}{entry.name}/")


def _since(facts: os.stat_result) -> datetime:
    """When bytes came under their name: that changes the file's status, and leaves alone when it was written."""
    return datetime.fromtimestamp(max(facts.st_mtime, facts.st_ctime), UTC)


@contextlib.contextmanager
def _folder(path: str | Path, *, dir_fd: int | None = None) -> Iterator[int]:
    follow = 0 if dir_fd is None else os.O_NOFOLLOW  # only the root may be a link: its keeper made it
    here = os.open(path, os.O_RDONLY | os.O_DIRECTORY | follow, dir_fd=dir_fd)
    try:
        yield here
    finally:
        os.close(here)


def _opened(name: str, flags: int, *, dir_fd: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, 0o600, dir_fd=dir_fd)


@contextlib.contextmanager
def _disk(missing: type[StorageError] = NotStored) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise KeyTaken from error
    except _NOTHING_THERE as error:
        raise missing from error
    except OSError as error:
        raise (missing if error.errno == errno.ELOOP else StorageUnavailable)(str(error)) from error


@dataclass(frozen=True)
class S3Storage:
    """Objects in one private bucket, encrypted by the server. No signed address of one is ever made."""

    client: Any  # a boto3 S3 client; boto3 ships no types
    bucket: str
    part: int = 8 * MEBIBYTE  # what is larger goes in parts of so many bytes: a broken line costs one

    @classmethod
    def at(cls, settings: Settings, bucket: str, *, connect_timeout: float = 3, read_timeout: float = 15) -> Self:
        """Gives up within seconds: a person is waiting, and the job will be tried again."""
        client = boto3.Session().client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key,
            aws_secret_access_key=settings.s3_secret_key,
            config=Config(
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
                retries={"mode": "standard", "total_max_attempts": 2},
                s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
            ),
        )
        return cls(client, bucket)

    def prepare(self, *, used: bool = False) -> None:
        with _server(missing=StorageUnavailable):
            if used and not self.client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)["KeyCount"]:
                raise StorageUnavailable(f"the bucket {self.bucket} is empty, but files should be in it")
            # A server that knows no such block says so, or we may not ask for it. What counts is looked at next.
            with contextlib.suppress(ClientError):
                self.client.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=_NO_STRANGERS)
        self.check()

    def check(self) -> None:
        stranger = boto3.Session().client(
            "s3",
            endpoint_url=self.client.meta.endpoint_url,
            region_name=self.client.meta.region_name,
            config=self.client.meta.config.merge(Config(signature_version=UNSIGNED)),
        )
        probe = {"Bucket": self.bucket, "Key": f"original/{uuid4()}"}
        self._need_bucket()
        with _server(missing=StorageUnavailable), contextlib.ExitStack() as afterwards:
            self.client.put_object(**probe, Body=b"", **_ENCRYPTED)
            afterwards.callback(self.client.delete_object, **probe)
            looks = (partial(stranger.get_object, **probe), partial(stranger.list_objects_v2, Bucket=self.bucket))
            if any(_answered(look) for look in looks):
                raise NotPrivate(
                    f"Anybody may read the bucket {self.bucket}: take the public policy and ACL away, then try again."
                )

    def put(self, key: str, source: Path, media_type: str, *, own: FileIO | None = None) -> None:  # noqa: ARG002  (read anew)
        place = {"Bucket": self.bucket, "Key": _checked(key)}
        attempt = str(uuid4())
        about = {"ContentType": media_type, "Metadata": {"attempt": attempt}, **_ENCRYPTED}
        with source.open("rb") as stream, _server(missing=StorageUnavailable):
            try:
                if os.fstat(stream.fileno()).st_size > self.part:
                    self._put_parts(place, about, stream)
                else:
                    self._put_whole(place, about, stream)
            except ClientError as error:
                if _status(error) not in (404, 409, 412):
                    raise
                # When an answer is lost boto3 sends again and meets our own object: that is no clash.
                if self.client.head_object(**place)["Metadata"].get("attempt") != attempt:
                    raise KeyTaken from error
        source.unlink()

    def _put_whole(self, place: dict[str, str], about: dict[str, Any], stream: BufferedReader) -> None:
        checksum = base64.b64encode(hashlib.file_digest(stream, "sha256").digest()).decode()
        stream.seek(0)
        self.client.put_object(**place, **about, Body=stream, ChecksumSHA256=checksum, IfNoneMatch="*")

    def _put_parts(self, place: dict[str, str], about: dict[str, Any], stream: BinaryIO) -> None:
        begun = self.client.create_multipart_upload(**place, **about, ChecksumAlgorithm="SHA256")
        place = {**place, "UploadId": begun["UploadId"]}
        parts: list[dict[str, Any]] = []
        try:
            while block := stream.read(self.part):
                part = {
                    "PartNumber": len(parts) + 1,
                    "ChecksumSHA256": base64.b64encode(hashlib.sha256(block).digest()).decode(),
                }
                parts.append({**part, "ETag": self.client.upload_part(**place, **part, Body=block)["ETag"]})
            self.client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except BaseException:
            with contextlib.suppress(ClientError, BotoCoreError, OSError):  # then it is ``unfinished``
                self.client.abort_multipart_upload(**place)
            raise

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
        try:
            with _server():
                return int(self.client.head_object(Bucket=self.bucket, Key=_checked(key))["ContentLength"])
        except NotStored:  # an answer without words: the bucket itself may be missing
            self._need_bucket()
            raise

    def delete(self, key: str) -> None:
        with _server():
            self.client.delete_object(Bucket=self.bucket, Key=_checked(key))

    def set_aside(self, key: str) -> None:
        place, aside = ({"Bucket": self.bucket, "Key": _checked(one)} for one in (key, ASIDE + key))
        try:
            size = self.size(key)
        except NotStored:
            self.size(ASIDE + key)
            return
        with _server():
            try:
                self.client.copy_object(**aside, CopySource=place, IfNoneMatch="*", **_ENCRYPTED)
            except ClientError as error:
                if _status(error) != 412:
                    raise
                if self.size(ASIDE + key) != size:  # not our own move that was cut short: both stay
                    raise KeyTaken from error
            self.client.delete_object(**place)

    def listed(self, prefix: str) -> Iterator[Listed]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        with _server(missing=StorageUnavailable):
            for page in pages:
                for one in page.get("Contents", ()):
                    if _KEY.fullmatch(one["Key"]):
                        yield Listed(one["Key"], int(one["Size"]), one["LastModified"].astimezone(UTC))

    def unfinished(self, before: datetime) -> Iterator[Callable[[], None]]:
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket)
        with _server(missing=StorageUnavailable):
            for page in pages:
                for one in page.get("Uploads", ()):
                    if _KEY.fullmatch(one["Key"]) and one["Initiated"] < before:
                        yield partial(self._abort, one["Key"], one["UploadId"])

    def _abort(self, key: str, upload_id: str) -> None:
        with contextlib.suppress(NotStored), _server():
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)

    def _need_bucket(self) -> None:
        with _server(missing=StorageUnavailable):
            self.client.head_bucket(Bucket=self.bucket)


_ENCRYPTED: Final = {"ServerSideEncryption": "AES256"}
_NO_STRANGERS: Final = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


@contextlib.contextmanager
def _server(missing: type[StorageError] = NotStored) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _status(error) == 404 and error.response["Error"].get("Code") != "NoSuchBucket":
            raise missing(str(error)) from error
        raise StorageUnavailable(str(error)) from error
    except (BotoCoreError, OSError) as error:
        raise StorageUnavailable(str(error)) from error


def _answered(look: Callable[[], object]) -> bool:
    """Whether somebody without a key gets an answer."""
    try:
        look()
    except ClientError as error:
        if _status(error) >= 500:
            raise
        return False
    return True


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
