"""Asks a time stamping authority (RFC 3161) when something was signed, and believes no stamp that does not hold."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asn1crypto import cms, pem, tsp, x509
from asn1crypto.crl import CertificateList
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext

SECONDS: Final = 10
MOST: Final = 65_536  # bytes of an answer


@dataclass(frozen=True)
class Authority:
    """Where stamps come from, what they are checked by, and how much of their proof goes into a PDF."""

    url: str
    trust: Path | None = None  # PEM: certificates, and their lists of what was revoked
    archive: bool = False  # another stamp over everything that is embedded (B-LTA)

    def trusted(self) -> tuple[list[x509.Certificate], list[CertificateList]]:
        """What is in the file of trust."""
        certificates, lists = [], []
        for kind, der in self._blocks():
            if kind == "X509 CRL":
                lists.append(CertificateList.load(der))
            else:
                certificates.append(x509.Certificate.load(der))
        return certificates, lists

    def _blocks(self) -> Iterator[tuple[str, bytes]]:
        if self.trust:
            for kind, _headers, der in pem.unarmor(self.trust.read_bytes(), multiple=True):
                yield kind, der


class Stamper(TimeStamper):
    """pyHanko's, with one more rule: a stamp that cannot be checked is none."""

    def __init__(self, authority: Authority) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = authority.url
        self.trust, self.lists = authority.trusted()

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """:raises TimestampRequestError: if there is no answer in time, or none that can be read."""
        try:
            async with asyncio.timeout(SECONDS):
                return tsp.TimeStampResp.load(await asyncio.to_thread(self._post, req.dump()))
        except (OSError, ValueError, TimeoutError) as error:
            raise TimestampRequestError(f"no answer that can be read ({type(error).__name__})") from error

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """:raises TimestampRequestError: if the stamp is not for this digest, or not by one who is trusted."""
        try:
            stamp = await super().async_timestamp(message_digest, md_algorithm)
            context = ValidationContext(trust_roots=self.trust, crls=self.lists, revocation_mode="soft-fail")
            said = await validate_tst_signed_data(stamp["content"], context, lambda _algorithm: message_digest)
        except TimestampRequestError:
            raise
        except Exception as error:  # whatever a stranger's bytes do to a parser
            raise TimestampRequestError(f"not a time stamp ({type(error).__name__})") from error
        if not (said["intact"] and said["valid"] and said.get("trust_problem_indic") is None):
            raise TimestampRequestError("the time stamp does not hold")
        return stamp

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        request = urllib.request.Request(self.url, body, headers)  # noqa: S310  (settings take http and https only)
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return bytes(answer.read(MOST))
