"""Where an office's keys lie, and the small CA that certifies them where nobody else does.

A key is a file of ours alone (0600 in 0700), locked by a passphrase where there is one. Nothing here signs a document.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared import clock

CA_YEARS: Final = 30
SEAL_YEARS: Final = 10
CRL_DAYS: Final = 7
_DAY: Final = timedelta(days=1)


class SealMissing(Exception):
    """The office has no seal that can be used here. An outage of ours: what was to be signed waits."""


class TimeStampMissing(Exception):
    """The time stamping authority gave no stamp that holds. An outage: it is asked again later."""


def certified(ca: Path, passphrase: str | None, public: Any, title: str) -> tuple[x509.Certificate, ...]:
    """A certificate of our CA for a key of an office, and the CA's own."""
    key, root = _ca(ca, passphrase)
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(title))
        .issuer_name(root.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(min(now + timedelta(days=365 * SEAL_YEARS), root.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature", "content_commitment"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_issuer_key(root), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made, root


def _ca(folder: Path, passphrase: str | None) -> tuple[Any, x509.Certificate]:
    """Our CA, made the first time."""
    if not folder.exists():
        _make_ca(folder, passphrase)
    return private_key(folder / "key.pem", passphrase), certificate_in(folder)


def _make_ca(folder: Path, passphrase: str | None) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    name = _name(f"Madoguchi seals CA {secrets.token_hex(4)}")  # a second one of another folder is not taken for it
    root = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    put_folder(folder, {"key.pem": key_pem(key, passphrase), "certificate.pem": pem_of((root,)).encode()})


def revocations(ca: Path, passphrase: str | None) -> bytes:
    """The list of what our CA has revoked, DER. Made anew once a day, and when there is more to say."""
    kept, now, revoked = ca / "revoked.crl", clock.now(), dict(_revoked(ca.parent))
    if kept.exists():
        old = kept.read_bytes()
        said = x509.load_der_x509_crl(old)
        is_young = timedelta() <= now - said.last_update_utc < _DAY
        if is_young and {one.serial_number for one in said} == set(revoked):
            return old
    root = certificate_in(ca)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now)
        .next_update(now + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(_issuer_key(root), critical=False)
    )
    for serial, at in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    made = builder.sign(private_key(ca / "key.pem", passphrase), hashes.SHA256())
    der = made.public_bytes(serialization.Encoding.DER)
    write(kept, der)
    return der


def _revoked(root: Path) -> Iterator[tuple[int, datetime]]:
    for path in root.glob("*/*/retired.json"):
        at, revoked = retired(path.parent)
        if at and revoked:
            yield certificate_in(path.parent).serial_number, at


def retire(folder: Path, *, revoked: bool) -> None:
    """Write down that a seal is used no more. The first word stands, unless the later one is that it is revoked."""
    at, was_revoked = retired(folder)
    if at is None or (revoked and not was_revoked):
        write(folder / "retired.json", json.dumps({"at": clock.now().isoformat(), "revoked": revoked}).encode())
        os.utime(folder.parent)  # a worker that keeps a seal in mind looks again


def retired(folder: Path) -> tuple[datetime | None, bool]:
    """Since when a seal is out of use, and whether it was revoked."""
    try:
        said = json.loads((folder / "retired.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, False
    return datetime.fromisoformat(said["at"]).astimezone(UTC), bool(said["revoked"])


def private_key(path: Path, passphrase: str | None) -> Any:
    """:raises SealMissing: if it is not there, is open to others, or the passphrase is not its own."""
    try:
        content = path.read_bytes()
        if not is_locked(content) and path.stat().st_mode & 0o077:
            raise SealMissing(f"{path} can be read by others: it is not secret any more")
        return load_key(content, passphrase)
    except (OSError, ValueError, TypeError) as error:
        raise SealMissing(f"{path} cannot be opened ({type(error).__name__})") from error


def load_key(content: bytes, passphrase: str | None) -> Any:
    """A key from PEM, locked or not."""
    return serialization.load_pem_private_key(
        content, passphrase.encode() if passphrase and is_locked(content) else None
    )


def load_public(der: bytes) -> Any:
    """A public key from DER."""
    return serialization.load_der_public_key(der)


def is_locked(key: bytes) -> bool:
    """Whether a key in PEM wants a passphrase."""
    return b"ENCRYPTED" in key


def key_pem(key: Any, passphrase: str | None) -> bytes:
    """A key as PEM, locked by the passphrase if there is one."""
    lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    written: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    return written


def put_folder(folder: Path, files: dict[str, bytes]) -> None:
    """A folder of ours alone with these files, whole or not at all."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # of one that was killed
    new.mkdir(mode=0o700)
    for name, content in files.items():
        write(new / name, content)
    new.rename(folder)


def write(path: Path, content: bytes) -> None:
    """A file that nobody else may read, whole or not at all."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def certificate_in(folder: Path) -> x509.Certificate:
    """The first certificate of a folder."""
    return x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())


def pem_of(chain: Sequence[x509.Certificate]) -> str:
    """Certificates as PEM."""
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in chain)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"), x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*wanted: str) -> x509.KeyUsage:
    uses = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
        " encipher_only decipher_only"
    )
    return x509.KeyUsage(**{use: use in wanted for use in uses.split()})


def _issuer_key(root: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    key = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key)
