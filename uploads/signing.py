"""The office's seal: what its key signs. Only the worker reads a key; portal and staff never do.

A folder (``MADOGUCHI_SEALS``) holds one folder an office, named after its code, and in it one folder a seal: the
certificate with its chain, and the key as a file or as the name of a key in a PKCS#11 token. The newest seal that is
neither retired nor expired signs; the older ones stay, because what they have signed is still checked. Where an office
brings no certificate of its own, ``ca/`` of the same folder makes one.

Without a seal nothing is signed and nothing goes out unsigned: whoever asks is told ``SealMissing``, and comes again.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from asn1crypto import x509 as asn1_x509
from asn1crypto.crl import CertificateList
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, SigDSSPlacementPreference
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator import ValidationContext

from config.settings import Settings
from shared import clock
from shared.seals import Certificate
from uploads import seal_keys
from uploads.seal_keys import SealMissing, TimeStampMissing
from uploads.signer import KeyOfSeal, Revision
from uploads.time_stamps import Authority, Stamper

_ROOM: Final = 6_000  # hexadecimal signs that are enough for a signature with our own short chain
_CODE: Final = re.compile(r"[A-Z0-9]{2,4}")
_CA: Final = "ca"


@dataclass(frozen=True)
class Token:
    """The library of a PKCS#11 token and what opens it."""

    module: str
    pin: str | None = field(default=None, repr=False)

    def session(self, label: str) -> Any:
        """The token of this name, opened.

        :raises SealMissing: if it cannot be.
        """
        from pyhanko.config.pkcs11 import TokenCriteria  # where there is no token, its library need not load
        from pyhanko.sign.pkcs11 import open_pkcs11_session

        try:
            return open_pkcs11_session(self.module, token_criteria=TokenCriteria(label=label), user_pin=self.pin)
        except Exception as error:  # every maker's library fails in its own way
            raise SealMissing(f"the token {label} cannot be opened ({type(error).__name__})") from error

    def public_key(self, label: str, key: str) -> Any:
        """:raises SealMissing: if the token has no public key of this name."""
        from pkcs11 import Attribute, KeyType, ObjectClass
        from pkcs11.util.ec import encode_ec_public_key
        from pkcs11.util.rsa import encode_rsa_public_key

        with self.session(label) as session:
            wanted = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.LABEL: key}
            for found in session.get_objects(wanted):
                encode = encode_ec_public_key if found.key_type == KeyType.EC else encode_rsa_public_key
                return seal_keys.load_public(encode(found))
        raise SealMissing(f"the token {label} has no public key {key}")


@dataclass(frozen=True)
class Seal:
    """One key of an office with its certificate. ``folder`` is where both lie."""

    folder: Path
    chain: tuple[x509.Certificate, ...]  # the seal's own first; with the root at the end where it is known
    passphrase: str | None = field(default=None, repr=False)
    token: Token | None = None
    authority: Authority | None = None
    ca: Path | None = None  # the folder of our CA, where that has certified it
    retired_at: datetime | None = None
    revoked: bool = False  # the key got into other hands: not only out of use

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def not_before(self) -> datetime:
        return self.certificate.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        return self.certificate.not_valid_after_utc

    @property
    def in_token(self) -> bool:
        return (self.folder / "token.json").exists()

    @property
    def pem(self) -> str:
        """The chain as PEM: public."""
        return seal_keys.pem_of(self.chain)

    @property
    def public(self) -> Certificate:
        """What everybody may know of it."""
        return Certificate(self.fingerprint, self.pem, self.not_before, self.not_after, self.retired_at, self.revoked)

    def usable(self, now: datetime) -> bool:
        """Whether it may sign."""
        return self.retired_at is None and self.not_before <= now < self.not_after

    def sign_pdf(self, pdf: bytes, *, reason: str | None = None) -> bytes:
        """Sign a whole PDF by PAdES: B-B; with a time stamping authority B-LT, or B-LTA where that is wanted.

        :raises SealMissing: if the key cannot be had.
        :raises TimeStampMissing: if the authority gives no stamp that holds.
        """
        return asyncio.run(self._sign_pdf(pdf, reason))

    def sign_bytes(self, data: bytes) -> bytes:
        """A detached CMS signature of any bytes, DER: ``openssl cms -verify -inform DER -content FILE`` takes it.

        :raises SealMissing: if the key cannot be had.
        :raises TimeStampMissing: if the authority gives no stamp that holds.
        """
        stamper = Stamper(self.authority) if self.authority else None
        work = self._signer(pdf=False).async_sign_general_data(data, "sha256", detached=True, timestamper=stamper)
        signed = asyncio.run(self._in_our_words(work))
        return bytes(signed.dump())

    async def _sign_pdf(self, pdf: bytes, reason: str | None) -> bytes:
        stamper = Stamper(self.authority) if self.authority else None
        meta = PdfSignatureMetadata(
            field_name="Seal",
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            reason=reason,
            name=_common_name(self.certificate),
            **(self._lasting(self.authority) if self.authority else {}),
        )
        signer = PdfSigner(meta, self._signer(pdf=True), timestamper=stamper)
        out = Revision(io.BytesIO(pdf))
        work = signer.async_sign_pdf(out, in_place=True, bytes_reserved=None if stamper else self._room)
        signed = await self._in_our_words(work)
        return bytes(signed.getbuffer())

    async def _in_our_words(self, work: Any) -> Any:
        try:
            return await work
        except TimestampRequestError as error:
            raise TimeStampMissing(str(error)) from error
        except Exception as error:
            if self.in_token:  # every maker's library fails in its own way
                raise SealMissing(f"the token does not sign ({type(error).__name__})") from error
            raise

    def _lasting(self, authority: Authority) -> dict[str, Any]:
        """What lets a signature outlive its certificate: chains and lists of what was revoked, in the same revision."""
        trust, lists = authority.trusted()
        if self.ca:
            lists.append(CertificateList.load(seal_keys.revocations(self.ca, self.passphrase)))
        return {
            "embed_validation_info": True,
            "use_pades_lta": authority.archive,
            "dss_settings": DSSContentSettings(
                include_vri=False, placement=SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE
            ),
            "validation_context": ValidationContext(
                trust_roots=[_asn1(self.chain[-1]), *trust],
                other_certs=self._others,
                crls=lists,
                allow_fetching=self.ca is None,  # another's CA says in its certificates where its lists are
                revocation_mode="soft-fail",
            ),
        }

    @cached_property
    def _others(self) -> list[asn1_x509.Certificate]:
        return [_asn1(one) for one in self.chain[1:]]

    @cached_property
    def _room(self) -> int:
        """Signs to keep free for a signature without a stamp: for what is in it, twice, and as much around it."""
        return max(_ROOM, 2 * sum(len(one.public_bytes(Encoding.DER)) for one in self.chain) + 4_000)

    def _signer(self, *, pdf: bool) -> Signer:
        if self.in_token:
            return self._signer_of_token
        roots = self.authority is not None
        return self._key.pades_signer(roots=roots) if pdf else self._key.signer(roots=roots)

    @cached_property
    def _key(self) -> KeyOfSeal:
        key = seal_keys.private_key(self.folder / "key.pem", self.passphrase)
        return KeyOfSeal(_asn1(self.certificate), self._others, key)

    @cached_property
    def _signer_of_token(self) -> Signer:
        from pyhanko.sign.pkcs11 import PKCS11Signer

        if self.token is None:
            raise SealMissing("the key lies in a token; MADOGUCHI_PKCS11_MODULE names its library")
        said = json.loads((self.folder / "token.json").read_text(encoding="utf-8"))
        session = self.token.session(said["token"])
        return PKCS11Signer(
            session,
            signing_cert=_asn1(self.certificate),
            ca_chain=self._others,
            embed_roots=self.authority is not None,
            key_label=said["key"],
            # Every token signs a hash by an elliptic curve, but not every one makes the hash itself.
            use_raw_mechanism=isinstance(self.certificate.public_key(), ec.EllipticCurvePublicKey),
        )


@dataclass(frozen=True)
class Seals:
    """The folder of all offices' seals."""

    root: Path
    passphrase: str | None = field(default=None, repr=False)  # of key files; without one their mode is their lock
    token: Token | None = None
    authority: Authority | None = None
    _kept: dict[str, tuple[int, Seal]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, code: str) -> Seal:
        """The seal that signs for an office now. The same object for as long as nothing changes in its folder.

        :raises SealMissing: if there is none.
        """
        changed = _changed(self._office(code))
        kept = self._kept.get(code)
        if kept and kept[0] == changed and kept[1].usable(clock.now()):
            return kept[1]
        usable = [seal for seal in self.listed(code) if seal.usable(clock.now())]
        if not usable:
            raise SealMissing(f"{code} has no seal")
        self._kept[code] = changed, usable[-1]
        return usable[-1]

    def listed(self, code: str) -> list[Seal]:
        """Every seal of an office, the oldest first."""
        found = [self._read(one) for one in self._office(code).glob("*") if not one.name.endswith(".new")]
        return sorted(found, key=lambda seal: (seal.not_before, seal.name))

    def offices(self) -> list[str]:
        """The codes of the offices that have a folder here."""
        return sorted(path.name for path in self.root.glob("*") if _CODE.fullmatch(path.name))

    def published(self) -> dict[str, list[Certificate]]:
        """What everybody may know of every seal here, by the code of its office."""
        return {code: [seal.public for seal in self.listed(code)] for code in self.offices()}

    def make(self, code: str, title: str) -> Seal:
        """A new key in a file, certified by the CA of this folder, which is made when it is missing."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._keep(code, self._certified(key.public_key(), title), key)

    def take(self, code: str, chain: bytes, key: bytes) -> Seal:
        """A key and a certificate made elsewhere, both PEM; the chain begins with the office's own certificate.

        :raises ValueError: if they do not belong together.
        """
        loaded = seal_keys.load_key(key, self.passphrase)
        certificates = tuple(x509.load_pem_x509_certificates(chain))
        if not isinstance(loaded, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
            raise ValueError("only keys on elliptic curves and RSA keys sign a PDF")  # noqa: TRY004  (a file's fault)
        return self._keep(code, certificates, loaded)

    def take_token(self, code: str, title: str, token: str, key: str, chain: bytes | None = None) -> Seal:
        """A key that stays in its token, by the names of both; certified by our CA if it has no certificate yet.

        :raises SealMissing: if there is no such key.
        :raises ValueError: if the certificate is another key's.
        """
        if self.token is None:
            raise SealMissing("MADOGUCHI_PKCS11_MODULE is not set: it names the token's library")
        public = self.token.public_key(token, key)
        certificates = tuple(x509.load_pem_x509_certificates(chain)) if chain else self._certified(public, title)
        return self._keep(code, certificates, public, {"token": token, "key": key})

    def retire(self, code: str, name: str, *, revoked: bool = False) -> Seal:
        """Take a seal out of use for good. What it has signed stays valid, unless it is ``revoked`` from now on.

        :raises SealMissing: if the office has no seal of this name.
        """
        for seal in self.listed(code):
            if seal.name == name:
                seal_keys.retire(seal.folder, revoked=revoked)
                return self._read(seal.folder)
        raise SealMissing(f"{code} has no seal {name}")

    def _read(self, folder: Path) -> Seal:
        chain = tuple(x509.load_pem_x509_certificates((folder / "certificate.pem").read_bytes()))
        retired_at, revoked = seal_keys.retired(folder)
        ca = self.root / _CA
        ours = (ca / "certificate.pem").exists() and chain[-1] == seal_keys.certificate_in(ca)
        known = self.passphrase, self.token, self.authority
        return Seal(folder, chain, *known, ca if ours else None, retired_at, revoked)

    def _keep(
        self, code: str, chain: tuple[x509.Certificate, ...], key: Any, token: dict[str, str] | None = None
    ) -> Seal:
        public = key if token else key.public_key()
        if _spki(public) != _spki(chain[0].public_key()):
            raise ValueError("the certificate is not that of the key")
        how = (
            {"token.json": json.dumps(token).encode()}
            if token
            else {"key.pem": seal_keys.key_pem(key, self.passphrase)}
        )
        name = f"{chain[0].not_valid_before_utc:%Y%m%d}-{chain[0].fingerprint(hashes.SHA256()).hex()[:8]}"
        folder = self._office(code) / name
        seal_keys.put_folder(folder, {**how, "certificate.pem": seal_keys.pem_of(chain).encode()})
        return self._read(folder)

    def _certified(self, public: Any, title: str) -> tuple[x509.Certificate, ...]:
        return seal_keys.certified(self.root / _CA, self.passphrase, public, title)

    def _office(self, code: str) -> Path:
        if not _CODE.fullmatch(code):
            raise SealMissing(f"{code!r} is no code of an office")
        return self.root / code


def seals_from(settings: Settings) -> Seals | None:
    """The seals of this installation; None where no folder of them is named."""
    if settings.seals is None:
        return None
    token = Token(settings.pkcs11_module, settings.pkcs11_pin) if settings.pkcs11_module else None
    authority = Authority(settings.tsa_url, settings.tsa_trust, settings.tsa_archive) if settings.tsa_url else None
    return Seals(settings.seals, settings.seals_passphrase, token, authority)


def _changed(folder: Path) -> int:
    """Another number whenever a seal comes or is retired."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _common_name(certificate: x509.Certificate) -> str | None:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


def _spki(key: Any) -> bytes:
    written: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return written


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
