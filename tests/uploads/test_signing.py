"""A signed certificate as others see it, and the ways in which a seal, a token or an authority can be away."""

from __future__ import annotations

import asyncio
import io
import os
import random
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.ades import (
    AdESLTAValidationResult,
    ades_lta_validation,
    simulate_future_ades_lta_validation,
)
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec, SignatureValidationSpec
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from shared import clock
from tests import tsa
from tests.readers import mutool_likes, need, openssl_likes, pdfsig, pdfsig_likes, run, succeeds
from tests.uploads.test_receipt_pdf import receipt
from uploads import time_stamps
from uploads.receipt_pdf import Issue, draw_receipt
from uploads.seal_keys import SealMissing, TimeStampMissing
from uploads.signing import Seal, Seals, _asn1
from uploads.time_stamps import Authority

TITLE = "架空県ひばり野市福祉事務所長"
SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
ISSUE = Issue(
    at=datetime(2026, 11, 24, 0, 20, tzinfo=UTC),
    check_code="K7P49MWX",
    portal_url="https://madoguchi.example",
    token="0123456789abcdef" * 2,
    said='{"number":"HB8-20417-6"}',
    proof='{"format":"madoguchi-receipt-1"}',
)


@pytest.fixture(scope="module")
def paper() -> bytes:
    """A certificate that nobody has signed yet."""
    return draw_receipt(receipt(), {}, ISSUE)


@pytest.fixture
def keys(tmp_path: Path) -> Seals:
    return Seals(tmp_path / "keys")


@dataclass(frozen=True)
class Signed:
    """A signed certificate on the desk of somebody who has nothing else but the office's CA."""

    pdf: Path
    ca: Path
    seal: Seal

    def liked_by(self) -> dict[str, bool]:
        return {
            "pdfsig": pdfsig_likes(self.pdf, self.ca),
            "mutool": mutool_likes(self.pdf),
            "openssl": openssl_likes(self.pdf, self.ca, self.pdf.parent),
        }

    def changed(self, content: bytes) -> Signed:
        path = self.pdf.with_name("changed.pdf")
        path.write_bytes(content)
        return replace(self, pdf=path)


def signed(seal: Seal, paper: bytes, folder: Path) -> Signed:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "signed.pdf").write_bytes(seal.sign_pdf(paper, reason="受領証の発行"))
    root = run("openssl", "x509", "-in", str(seal.folder.parents[1] / "ca" / "certificate.pem"))
    (folder / "ca.pem").write_text(root)
    return Signed(folder / "signed.pdf", folder / "ca.pem", seal)


@pytest.fixture(scope="module")
def one(paper: bytes, tmp_path_factory: pytest.TempPathFactory) -> Signed:
    folder = tmp_path_factory.mktemp("one")
    return signed(Seals(folder / "keys").make("HB", TITLE), paper, folder)


ALL = {"pdfsig": True, "mutool": True, "openssl": True}
NONE = {"pdfsig": False, "mutool": False, "openssl": False}


def test_three_programs_of_others_call_it_valid_and_whole(one: Signed) -> None:
    assert one.liked_by() == ALL
    said = pdfsig(one.pdf, one.ca)
    assert f"Signer Certificate Common Name: {TITLE}" in said
    assert "ETSI.CAdES.detached" in said


def test_who_does_not_know_the_office_is_told_that_the_certificate_is_unknown(one: Signed, tmp_path: Path) -> None:
    stranger = Seals(tmp_path / "other").make("HB", TITLE)
    (tmp_path / "ca.pem").write_text(stranger.pem.partition("-----END CERTIFICATE-----\n")[2])
    said = pdfsig(one.pdf, tmp_path / "ca.pem")
    assert "Signature is Valid." in said, "the bytes are as they were"
    assert "Certificate is Trusted." not in said
    assert not openssl_likes(one.pdf, tmp_path / "ca.pem", tmp_path)


def where(place: str, content: bytes, seal: Seal) -> int:
    """A byte that must matter: of the page, an attachment, the signature, the places between."""
    kind, _, number = place.partition(" ")
    contents = content.index(b"/Contents <")
    return {
        "header": 5,
        "attachment": content.index(b"/EmbeddedFile") + 40,
        "signature": contents + 300,
        "certificate": content.lower().index(point(seal)) + 40,
        "range": content.index(b"/ByteRange") + 14,
        "revision": content.rindex(b"/Root"),
        "end": len(content) - 3,
        "somewhere": random.Random(number).randrange(20, contents - 200),
    }[kind]


def point(seal: Seal) -> bytes:
    """The public key, as it stands in the signature."""
    key = seal.certificate.public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex().encode()


@pytest.mark.parametrize(
    "place",
    ["header", "attachment", "signature", "certificate", "range", "revision", "end"]
    + [f"somewhere {number}" for number in range(8)],
)
def test_one_bit_that_is_turned_makes_all_of_them_refuse_it(one: Signed, place: str) -> None:
    content = bytearray(one.pdf.read_bytes())
    content[where(place, bytes(content), one.seal)] ^= 1
    assert one.changed(bytes(content)).liked_by() == NONE


def test_what_is_added_behind_is_seen(one: Signed) -> None:
    with pikepdf.open(one.pdf) as pdf:
        behind = pdf.docinfo["/Title"]
    more = f"\n1 0 obj\n({behind})\nendobj\n".encode()
    assert not any(one.changed(one.pdf.read_bytes() + more).liked_by()[who] for who in ("pdfsig", "openssl"))


def test_it_says_of_itself_what_the_writer_claims(one: Signed) -> None:
    """The claims, read back from the signed file; that they hold is the writer's word (docs/receipts.md)."""
    with pikepdf.open(one.pdf) as pdf:
        meta = pdf.open_metadata()
        assert meta.pdfa_status == "3A"
        assert meta["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
        assert "{http://www.aiim.org/pdfa/ns/extension/}schemas" in meta
        assert (str(pdf.Root.Lang), bool(pdf.Root.MarkInfo.Marked)) == ("ja-JP", True)
        assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
        assert str(pdf.docinfo["/Title"]) == "受領証 HB8-20417-6"
        assert meta["dc:title"] == "受領証 HB8-20417-6"
        assert [str(intent.S) for intent in pdf.Root.OutputIntents] == ["/GTS_PDFA1"]
        assert all(page.obj.Tabs == "/S" for page in pdf.pages)
        assert alt_texts(pdf) == {"確認のページを開くQRコード。https://madoguchi.example/r/" + "0123456789abcdef" * 2}
        assert {name: bytes(pdf.attachments[name].get_file().read_bytes()) for name in pdf.attachments} == {
            "content.json": ISSUE.said.encode(),
            "proof.json": ISSUE.proof.encode(),
        }
    assert "受領証" in run("pdftotext", str(one.pdf), "-").replace(" ", "")
    fonts = run("pdffonts", str(one.pdf)).splitlines()[2:]
    assert fonts
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts), "embedded, subset, with Unicode"


def test_a_signature_changes_nothing_that_the_paper_says_of_itself(one: Signed, paper: bytes) -> None:
    def said(stream: Any) -> tuple[bytes, dict[str, str]]:
        with pikepdf.open(stream) as pdf:
            return pdf.Root.Metadata.read_bytes(), {key: str(value) for key, value in pdf.docinfo.items()}

    assert said(one.pdf) == said(io.BytesIO(paper))


def alt_texts(pdf: pikepdf.Pdf) -> set[str]:
    return {str(one["/Alt"]) for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and "/Alt" in one}


def test_bytes_are_signed_so_that_openssl_can_tell(one: Signed, tmp_path: Path) -> None:
    (tmp_path / "head").write_bytes(b"root")
    (tmp_path / "head.p7s").write_bytes(one.seal.sign_bytes(b"root"))
    ask = ("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / "head.p7s"))
    by = ("-CAfile", str(one.ca), "-out", "/dev/null", "-content")
    assert succeeds(*ask, *by, str(tmp_path / "head"))
    (tmp_path / "head").write_bytes(b"rood")
    assert not succeeds(*ask, *by, str(tmp_path / "head"))


# Rollover


def test_a_new_seal_takes_over_and_what_the_old_one_signed_stays_valid(
    keys: Seals, paper: bytes, tmp_path: Path
) -> None:
    with clock.at(clock.now() - timedelta(days=400)):
        first = keys.make("HB", TITLE)
    before = signed(keys.of("HB"), paper, tmp_path / "before")
    second = keys.make("HB", TITLE)
    assert keys.of("HB") == second
    after = signed(keys.of("HB"), paper, tmp_path / "after")
    retired = keys.retire("HB", first.name)
    assert [one.name for one in keys.listed("HB")] == [first.name, second.name]
    assert retired.retired_at
    assert before.seal.fingerprint != after.seal.fingerprint
    assert before.liked_by() == after.liked_by() == ALL
    assert [one.retired_at is None for one in keys.published()["HB"]] == [False, True]


def test_where_the_last_seal_is_retired_or_expired_nothing_is_signed(keys: Seals) -> None:
    seal = keys.make("HB", TITLE)
    with pytest.raises(SealMissing), clock.at(seal.not_after):
        keys.of("HB")
    assert keys.of("HB") == seal
    keys.retire("HB", seal.name)
    for code in ("HB", "KK", "../etc"):
        with pytest.raises(SealMissing):
            keys.of(code)
    with pytest.raises(SealMissing):
        keys.retire("HB", "another")


def test_a_revoked_seal_is_on_the_list_of_our_ca(keys: Seals, tmp_path: Path) -> None:
    seal, other = keys.make("HB", TITLE), keys.make("KK", TITLE)
    ca = keys.root / "ca"
    assert list(x509.load_der_x509_crl(revoked_by(keys))) == []
    keys.retire("HB", seal.name)
    assert list(x509.load_der_x509_crl(revoked_by(keys))) == [], "out of use is not revoked"
    keys.retire("HB", seal.name, revoked=True)
    (only,) = x509.load_der_x509_crl(revoked_by(keys))
    assert only.serial_number == seal.certificate.serial_number
    (tmp_path / "list.pem").write_bytes(
        run("openssl", "crl", "-inform", "DER", "-in", str(ca / "revoked.crl")).encode()
    )
    ask = ("openssl", "verify", "-CAfile", str(ca / "certificate.pem"), "-crl_check")
    by = ("-CRLfile", str(tmp_path / "list.pem"))
    assert succeeds(*ask, *by, str(other.folder / "certificate.pem"))
    assert not succeeds(*ask, *by, str(seal.folder / "certificate.pem"))


def revoked_by(keys: Seals) -> bytes:
    from uploads.seal_keys import revocations

    return revocations(keys.root / "ca", keys.passphrase)


# Keys


def test_keys_lie_where_nobody_else_can_read_them(keys: Seals, paper: bytes) -> None:
    seal = keys.make("HB", TITLE)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (keys.root, seal.folder, seal.folder / "key.pem")}
    assert set(modes.values()) == {0o700, 0o600}
    (seal.folder / "key.pem").chmod(0o640)
    with pytest.raises(SealMissing, match="can be read by others"):
        Seals(keys.root).of("HB").sign_pdf(paper)


def test_a_key_with_a_passphrase_opens_with_no_other(tmp_path: Path, paper: bytes) -> None:
    locked = Seals(tmp_path / "keys", "correct horse")
    seal = locked.make("HB", TITLE)
    assert b"ENCRYPTED" in (seal.folder / "key.pem").read_bytes()
    assert openssl_likes(signed(seal, paper, tmp_path).pdf, tmp_path / "ca.pem", tmp_path)
    for wrong in (None, "battery staple"):
        with pytest.raises(SealMissing):
            Seals(tmp_path / "keys", wrong).of("HB").sign_pdf(paper)
    assert "horse" not in repr(locked) + repr(seal)


def test_an_office_brings_its_own_certificate(keys: Seals, tmp_path: Path, paper: bytes) -> None:
    made = keys.make("HB", TITLE)
    chain, key = (made.folder / "certificate.pem").read_bytes(), (made.folder / "key.pem").read_bytes()
    theirs = Seals(tmp_path / "theirs")
    with pytest.raises(ValueError, match="not that of the key"):
        theirs.take("HB", (keys.make("KK", TITLE).folder / "certificate.pem").read_bytes(), key)
    seal = theirs.take("HB", chain, key)
    assert seal.ca is None, "no list of ours is embedded for another's certificate"
    assert seal.fingerprint == made.fingerprint
    (tmp_path / "signed.pdf").write_bytes(seal.sign_pdf(paper))
    assert openssl_likes(tmp_path / "signed.pdf", keys.root / "ca" / "certificate.pem", tmp_path)


@pytest.mark.parametrize("kind", ["EC:prime256v1", "rsa:2048"])
def test_a_key_may_stay_in_a_token(kind: str, tmp_path: Path, paper: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    need("softhsm2-util", "pkcs11-tool")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    script = """
import sys
from pathlib import Path
from uploads.signing import Seals, Token
from uploads.seal_keys import SealMissing
keys, paper, into = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
with_token = Seals(keys, token=Token(sys.argv[4], "1234"))
try:
    with_token.take_token("HB", "title", "office", "another")
except SealMissing as missing:
    print(missing)
seal = with_token.take_token("HB", "架空県ひばり野市福祉事務所長", "office", "seal")
into.write_bytes(seal.sign_pdf(paper.read_bytes()))
into.with_suffix(".p7s").write_bytes(seal.sign_bytes(b"root"))
into.write_bytes(seal.sign_pdf(paper.read_bytes()))
for other in (Seals(keys), Seals(keys, token=Token(sys.argv[4], "9999"))):
    try:
        other.of("HB").sign_pdf(paper.read_bytes())
    except SealMissing as missing:
        print(missing)
"""
    environ = {**os.environ, "SOFTHSM2_CONF": str(tmp_path / "softhsm.conf")}
    monkeypatch.setenv("SOFTHSM2_CONF", environ["SOFTHSM2_CONF"])
    run("softhsm2-util", "--init-token", "--free", "--label", "office", "--pin", "1234", "--so-pin", "5678")
    tool = ("pkcs11-tool", "--module", str(SOFTHSM), "--token-label", "office", "--login", "--pin", "1234")
    run(*tool, "--keypairgen", "--key-type", kind, "--label", "seal", "--id", "01")
    (tmp_path / "paper.pdf").write_bytes(paper)
    # In a process of its own: a token's library reads its settings once.
    done = subprocess.run(
        [
            *(sys.executable, "-c", script, str(tmp_path / "keys"), str(tmp_path / "paper.pdf")),
            *(str(tmp_path / "signed.pdf"), str(SOFTHSM)),
        ],
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    no_key, no_module, no_pin = done.stdout.splitlines()
    assert "has no public key another" in no_key
    assert "MADOGUCHI_PKCS11_MODULE" in no_module
    assert "cannot be opened" in no_pin
    ca = tmp_path / "keys" / "ca" / "certificate.pem"
    assert pdfsig_likes(tmp_path / "signed.pdf", ca)
    assert openssl_likes(tmp_path / "signed.pdf", ca, tmp_path)
    assert not list((tmp_path / "keys" / "HB").glob("*/key.pem")), "there is no file with the key"


# Time stamps


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tsa.Tsa]:
    with tsa.served(tmp_path_factory.mktemp("tsa") / "it") as found:
        yield found


@pytest.fixture
def stamps(authority: tsa.Tsa) -> Iterator[tsa.Tsa]:
    authority.mood = "well"
    yield authority
    authority.mood = "well"


def stamped(seals: Seals, stamps: tsa.Tsa, *, archive: bool = False) -> Seals:
    return replace(seals, authority=Authority(stamps.url, stamps.trust, archive))


def roots(seal: Seal, stamps: tsa.Tsa) -> list[asn1_x509.Certificate]:
    return [_asn1(seal.chain[-1]), *Authority("", stamps.trust).trusted()[0]]


def test_a_stamped_certificate_is_b_lt_in_one_piece(keys: Seals, stamps: tsa.Tsa, paper: bytes, tmp_path: Path) -> None:
    keys.make("HB", TITLE)
    seal = stamped(keys, stamps).of("HB")
    made = signed(seal, paper, tmp_path)
    assert made.liked_by() == ALL
    with pikepdf.open(made.pdf) as pdf:
        assert len(pdf.Root.DSS.Certs) == 4, "office, its CA, the authority, its CA"
        assert len(pdf.Root.DSS.CRLs) == 2
    found = PdfFileReader(io.BytesIO(made.pdf.read_bytes())).embedded_signatures[0]
    status = validate_pdf_signature(found, ValidationContext(trust_roots=roots(seal, stamps)))
    assert status.timestamp_validity
    assert (status.timestamp_validity.valid, status.timestamp_validity.intact) == (True, True)
    said = pdfsig(made.pdf, made.ca)
    assert "Total document signed" in said


@pytest.mark.parametrize("archive", [False, True])
def test_long_after_the_certificate_has_expired_it_is_still_valid(
    archive: bool, keys: Seals, stamps: tsa.Tsa, paper: bytes
) -> None:
    """By what lies in the file alone: nothing is fetched."""
    keys.make("HB", TITLE)
    seal = stamped(keys, stamps, archive=archive).of("HB")
    found = PdfFileReader(io.BytesIO(seal.sign_pdf(paper)))
    assert len(found.embedded_signatures) == (2 if archive else 1)
    late = seal.not_after + timedelta(days=900)
    context = ValidationContext(trust_roots=roots(seal, stamps), moment=late)
    assert not validate_pdf_signature(found.embedded_signatures[0], context).trusted, "the plain way it is expired"
    assert passed(simulate_future_ades_lta_validation(found.embedded_signatures[0], spec(seal, stamps), late))
    if archive:
        timing = ValidationTimingInfo(late, late, point_in_time_validation=True)
        assert passed(ades_lta_validation(found.embedded_signatures[0], spec(seal, stamps), timing))


def test_without_a_stamp_it_does_not_outlive_its_certificate(keys: Seals, stamps: tsa.Tsa, paper: bytes) -> None:
    seal = keys.make("HB", TITLE)
    found = PdfFileReader(io.BytesIO(seal.sign_pdf(paper)))
    late = seal.not_after + timedelta(days=900)
    timing = ValidationTimingInfo(late, late, point_in_time_validation=True)
    assert not passed(ades_lta_validation(found.embedded_signatures[0], spec(seal, stamps), timing))


def spec(seal: Seal, stamps: tsa.Tsa) -> PdfSignatureValidationSpec:
    rules = CertRevTrustPolicy(RevocationCheckingPolicy.from_legacy("require"))
    policy = CertValidationPolicySpec(SimpleTrustManager.build(trust_roots=roots(seal, stamps)), rules)
    return PdfSignatureValidationSpec(SignatureValidationSpec(policy))


def passed(asked: Coroutine[Any, Any, AdESLTAValidationResult]) -> bool:
    return bool(asyncio.run(asked).ades_subindic == AdESPassed.OK)


@pytest.mark.parametrize("mood", ["slow", "garbage", "wrong", "refusing"])
def test_an_authority_that_does_not_do_its_work_is_an_outage_and_no_signature(
    mood: str, keys: Seals, stamps: tsa.Tsa, paper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_stamps, "SECONDS", 1)
    keys.make("HB", TITLE)
    stamps.mood = mood
    with pytest.raises(TimeStampMissing):
        stamped(keys, stamps).of("HB").sign_pdf(paper)
    with pytest.raises(TimeStampMissing):
        stamped(keys, stamps).of("HB").sign_bytes(b"root")
    stamps.mood = "well"
    assert stamped(keys, stamps).of("HB").sign_pdf(paper)


def test_one_that_is_away_or_a_stranger_gives_no_stamp(
    keys: Seals, stamps: tsa.Tsa, paper: bytes, tmp_path: Path
) -> None:
    keys.make("HB", TITLE)
    away = replace(keys, authority=Authority("http://127.0.0.1:1/", stamps.trust))
    unknown = replace(keys, authority=Authority(stamps.url))
    for seals in (away, unknown):
        with pytest.raises(TimeStampMissing):
            seals.of("HB").sign_pdf(paper)
