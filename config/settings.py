"""What an installation may choose. The only reader of the environment.

Every process gets one frozen ``Settings``. A value that would be unsafe to forget in production has no
default: the start fails and names the variable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

MEBIBYTE = 1024 * 1024


class MissingSetting(Exception):
    """A required variable is not set, or one is not usable. The text says which and what to write."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The choices of one process. Sizes are bytes, durations are seconds."""

    database_url: str = field(repr=False)  # sqlite:////abs/path.db or postgresql+psycopg://…
    redis_url: str = field(repr=False)  # redis://… or unix:///path?db=0
    storage_url: str  # folder:/abs/path, or s3://bucket (endpoint and keys beside it)
    secret_key: str = field(repr=False)  # one an app: portal and staff never share it
    incoming: Path  # where bytes land while they stream in; for a folder storage the same disk

    s3_endpoint: str | None = None  # None: the region's own
    s3_region: str = "ap-northeast-1"
    s3_access_key: str | None = field(default=None, repr=False)  # None: the machine's own role
    s3_secret_key: str | None = field(default=None, repr=False)

    secure_cookies: bool = True  # False only where people come by plain http: loopback, tests
    portal_url: str | None = (
        None  # https://madoguchi.example: where people reach the portal; what is printed leads there
    )
    exit_url: str = "https://www.jma.go.jp/bosai/"  # where 「すぐ閉じる」 leads: the weather says nothing about anybody
    demo: bool = False  # says on every page that people and figures are made up

    file_limit: int = 20_000_000  # one file; people read it as 20 MB
    files_limit: int = 20  # files in one submission
    request_limit: int = 120_000_000  # one request, several files
    day_limit: int = 300_000_000  # what one household may send in a day

    clamd: str | None = None  # unix:/path/of/clamd.ctl or tcp://host:3310; None: not scanned, and that is said
    room_required: bool = False  # True: no file is opened where the kernel gives less than the whole locked room

    seals: Path | None = None  # the folder of the offices' keys, for the worker only; None: no certificate is made
    seals_passphrase: str | None = field(default=None, repr=False)  # of the key files in it
    pkcs11_module: str | None = None  # the library of the token that holds a key
    pkcs11_pin: str | None = field(default=None, repr=False)
    tsa_url: str | None = None  # https://… of a time stamping authority (RFC 3161)
    tsa_trust: Path | None = None  # PEM: what its certificates and lists of revoked ones are checked by
    tsa_archive: bool = False  # a second stamp over all that is embedded

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read ``MADOGUCHI_…`` variables.

        :raises MissingSetting: naming the first variable that is missing or unusable.
        """

        def need(name: str) -> str:
            value = environ.get(f"MADOGUCHI_{name}", "").strip()
            if not value:
                raise MissingSetting(f"MADOGUCHI_{name} is not set. See docs/config.md for what it means.")
            return value

        def may(name: str) -> str | None:
            return environ.get(f"MADOGUCHI_{name}", "").strip() or None

        def number(name: str, default: int) -> int:
            text = may(name)
            try:
                value = default if text is None else int(text)
            except ValueError:
                value = 0
            if value <= 0:
                raise MissingSetting(f"MADOGUCHI_{name} must be a whole number above 0.")
            return value

        secret = need("SECRET_KEY")
        if len(secret) < 32:
            raise MissingSetting("MADOGUCHI_SECRET_KEY must have at least 32 characters.")
        return cls(
            database_url=need("DATABASE_URL"),
            redis_url=need("REDIS_URL"),
            storage_url=need("STORAGE_URL"),
            secret_key=secret,
            incoming=Path(need("INCOMING")),
            s3_endpoint=may("S3_ENDPOINT"),
            s3_region=may("S3_REGION") or cls.s3_region,
            s3_access_key=may("S3_ACCESS_KEY"),
            s3_secret_key=may("S3_SECRET_KEY"),
            secure_cookies=may("INSECURE_COOKIES") != "yes",
            portal_url=_address(may("PORTAL_URL"), "PORTAL_URL"),
            exit_url=may("EXIT_URL") or cls.exit_url,
            demo=may("DEMO") == "yes",
            file_limit=number("FILE_LIMIT", cls.file_limit),
            files_limit=number("FILES_LIMIT", cls.files_limit),
            request_limit=number("REQUEST_LIMIT", cls.request_limit),
            day_limit=number("DAY_LIMIT", cls.day_limit),
            clamd=may("CLAMD"),
            room_required=may("ROOM_REQUIRED") == "yes",
            seals=_path(may("SEALS")),
            seals_passphrase=may("SEALS_PASSPHRASE"),
            pkcs11_module=may("PKCS11_MODULE"),
            pkcs11_pin=may("PKCS11_PIN"),
            tsa_url=_address(may("TSA"), "TSA"),
            tsa_trust=_path(may("TSA_TRUST")),
            tsa_archive=may("TSA_ARCHIVE") == "yes",
        )


def _address(url: str | None, name: str) -> str | None:
    """An address that paths are put behind, without the slash at its end."""
    if url is not None and not url.startswith(("https://", "http://")):
        raise MissingSetting(f"MADOGUCHI_{name} must begin with https://.")
    return url.rstrip("/") if url else None


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
