"""The worker lets the tree over each office's journal grow, and signs its head once a day with the office's key."""

from __future__ import annotations

from uuid import UUID

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pyhanko.sign.validation.generic_cms import validate_sig_integrity
from sqlalchemy.orm import Session, sessionmaker

from config.log import log
from shared import clock, log_tree
from shared.errors import LogBroken
from uploads.seal_keys import SealMissing, TimeStampMissing
from uploads.signing import Seals


def tend(make_session: sessionmaker[Session], seals: Seals | None) -> int:
    """Let every tree grow, and sign today's head of each office that has none yet. Returns how many were signed.

    Several workers may do so at once: rows are written once, and the second signature is thrown away.
    """
    with make_session() as session:
        behind = log_tree.behind(session)
        unsigned = log_tree.without_head(session, clock.today()) if seals else []
    for office_id in behind:
        while _grow(make_session, office_id) == log_tree.AT_ONCE:
            pass
    return sum(_sign(make_session, seals, *office) for office in unsigned) if seals else 0


def _grow(make_session: sessionmaker[Session], office_id: UUID) -> int:
    with make_session.begin() as session:
        return log_tree.grow(session, office_id, log_tree.AT_ONCE)


def _sign(make_session: sessionmaker[Session], seals: Seals, office_id: UUID, code: str) -> bool:
    try:
        seal = seals.of(code)
        with make_session.begin() as session:
            head = log_tree.to_sign(session, office_id)
        signature = seal.sign_bytes(head.text().encode())
    except LogBroken as broken:
        log("log.broken", level="error", office=code, seq=broken.seq)
        return False
    except (SealMissing, TimeStampMissing) as error:
        log("head.not_signed", level="warning", office=code, reason=type(error).__name__)
        return False
    with make_session.begin() as session:
        return log_tree.keep(session, office_id, head, signature, seal.fingerprint)


def is_signed(pem: str, said: str, signature: bytes) -> bool | None:
    """Whether a text bears a signature by one of these certificates; None if there is none.

    :param pem: the certificates of an office, perhaps with their chains.
    """
    certificates = x509.load_pem_x509_certificates(pem.encode()) if pem.strip() else []
    if not certificates:
        return None
    return any(_holds(said.encode(), signature, one) for one in certificates)


def _holds(said: bytes, signature: bytes, certificate: x509.Certificate) -> bool:
    """Whether a detached CMS signature over these bytes is intact, and made with the certificate's key."""
    try:
        signed = cms.ContentInfo.load(signature)["content"]
        own = next(one.chosen for one in signed["certificates"] if _is(one.chosen.dump(), certificate))
        digest = hashes.Hash(hashes.SHA256())
        digest.update(said)
        intact, valid = validate_sig_integrity(
            signed["signer_infos"][0], own, expected_content_type="data", actual_digest=digest.finalize()
        )
    except (ValueError, TypeError, KeyError, IndexError, StopIteration):
        return False
    return bool(intact and valid)


def _is(der: bytes, certificate: x509.Certificate) -> bool:
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256()) == certificate.fingerprint(hashes.SHA256())
