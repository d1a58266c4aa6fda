"""pyHanko's signer with what is the same in every signature made once, and its writer without what we do not want said.

asn1crypto encodes an object that was just put together anew each time it is asked for it, and so does everything
around it: with the depth of a signature that grows to most of the time it takes. What has been read from bytes is not
encoded again. So the inner parts are handed on as read from their own bytes; they are pyHanko's, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from asn1crypto import cms, keys, tsp, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.attributes import CMSAttributeProvider, SigningCertificateV2Provider
from pyhanko.sign.general import as_signing_certificate_v2
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.signers.pdf_cms import CAdESSignedAttributeProviderSpec, PdfCMSSignedAttributes
from pyhanko_certvalidator.registry import SimpleCertificateStore


class Revision(IncrementalPdfFileWriter):
    """A revision that adds a signature and nothing else: what a paper says of itself was written when it was drawn.

    pyHanko would write the moment of signing into the description of the document, too. It stands in the signature, and
    to read and write that description takes a third of the time that a signature takes.
    """

    def _update_meta(self) -> None:
        pass


class KeySigner(SimpleSigner):
    """Signs with a key of ours, for one document; ``KeyOfSeal`` makes it."""

    def signer_info(self, digest_algorithm: str, signed_attrs: cms.CMSAttributes, signature: bytes) -> cms.SignerInfo:
        """As pyHanko makes it."""
        return cms.SignerInfo.load(super().signer_info(digest_algorithm, signed_attrs, signature).dump())


class KeyOfSeal:
    """A key and its chain in memory."""

    def __init__(self, own: x509.Certificate, others: Sequence[x509.Certificate], key: Any) -> None:
        self._own, self._others = own.dump(), [one.dump() for one in others]
        self._key = keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
        self._named = as_signing_certificate_v2(own).dump()

    def signer(self, *, roots: bool) -> KeySigner:
        """One for a document: the objects of another would be encoded again.

        :param roots: put the root in, too. Who checks has it from elsewhere; what is to last keeps all together.
        """
        own, store = x509.Certificate.load(self._own), SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple([x509.Certificate.load(one) for one in self._others])
        return KeySigner(own, self._key, store, embed_roots=roots)

    def pades_signer(self, *, roots: bool) -> KeySigner:
        """The same, for a PDF."""
        signer = self.signer(roots=roots)
        signer.signed_attr_prov_spec = _Attributes(signer.signing_cert, self._named)
        return signer


class _Attributes(CAdESSignedAttributeProviderSpec):
    """Those of PAdES; which certificate signs is known."""

    def __init__(self, own: x509.Certificate, named: bytes) -> None:
        super().__init__(PdfCMSSignedAttributes(), own, is_pades=True, timestamper=None)
        self._named = named

    def signed_attr_providers(self, data_digest: bytes, digest_algorithm: str) -> Iterable[CMSAttributeProvider]:
        for one in super().signed_attr_providers(data_digest, digest_algorithm):
            yield _Named(one.signing_cert, self._named) if isinstance(one, SigningCertificateV2Provider) else one


class _Named(SigningCertificateV2Provider):
    def __init__(self, own: x509.Certificate, named: bytes) -> None:
        super().__init__(own)
        self._named = named

    async def build_attr_value(self, dry_run: bool = False) -> tsp.SigningCertificateV2:  # noqa: ARG002
        return tsp.SigningCertificateV2.load(self._named)
