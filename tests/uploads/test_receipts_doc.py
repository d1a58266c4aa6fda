"""docs/receipts.md: the commands it gives to strangers do what it says of them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from shared.receipts import content_hash, content_json
from tests.readers import need
from tests.uploads.test_receipt_pdf import receipt
from tests.uploads.test_signing import ISSUE, TITLE
from uploads.receipt_pdf import Issue, draw_receipt
from uploads.signing import Seals

DOC = Path(__file__).parents[2] / "docs" / "receipts.md"
POPPLER, OPENSSL, HASHES = re.findall(r"```sh\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Somebody who has the PDF and the certificates, of two seals, and nothing else."""
    need("pdfsig", "pdfdetach", "certutil", "openssl", "xxd")
    seals, content = Seals(tmp_path / "keys"), receipt()
    seal = seals.make("HB", TITLE)
    proof = json.dumps({"content_sha256": content_hash(content)}, indent=1)
    issue = Issue(ISSUE.at, ISSUE.check_code, None, ISSUE.token, content_json(content), proof)
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "receipt.pdf").write_bytes(seal.sign_pdf(draw_receipt(content, {}, issue)))
    newer = seals.make("HB", TITLE)
    (desk / "seal.pem").write_text(newer.pem + seal.pem)
    return desk


def told(commands: str, desk: Path) -> tuple[int, str]:
    done = subprocess.run(["sh", "-e", "-c", commands], cwd=desk, capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def said(commands: str) -> list[str]:
    """What the document says comes out."""
    return [line.removeprefix("# ") for line in commands.splitlines() if line.startswith("# ")]


def change(desk: Path) -> None:
    content = bytearray((desk / "receipt.pdf").read_bytes())
    content[5000] ^= 1
    (desk / "receipt.pdf").write_bytes(content)


def test_pdfsig_says_what_the_document_says(desk: Path) -> None:
    _, words = told(POPPLER, desk)
    assert all(line in words for line in said(POPPLER)), words
    change(desk)
    _, words = told(POPPLER.splitlines()[-4], desk)
    assert "Signature is Valid." not in words


def test_openssl_says_what_the_document_says(desk: Path) -> None:
    status, words = told(OPENSSL, desk)
    assert (status, [line in words for line in said(OPENSSL)]) == (0, [True]), words
    change(desk)
    status, words = told(OPENSSL, desk)
    assert status != 0
    assert "successful" not in words


def test_sha256sum_says_what_the_document_says(desk: Path) -> None:
    status, words = told(HASHES, desk)
    of_content, in_proof, of_pdf = words.splitlines()[-3:]
    assert status == 0
    assert of_content.split()[0] == in_proof.split('"')[3]
    assert len(of_pdf.split()[0]) == 64


def test_what_is_sent_behind_the_signed_part_is_seen(desk: Path) -> None:
    with (desk / "receipt.pdf").open("ab") as file:
        file.write(b"% more")
    assert told(OPENSSL, desk)[0] != 0
