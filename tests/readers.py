"""Programs of others that read a signed PDF: what each says of it. None of them is ours, or pyHanko's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

INSTALL: Final = "sudo apt install poppler-utils mupdf-tools libnss3-tools softhsm2 opensc openssl xxd"


def pdfsig(pdf: Path, ca: Path) -> str:
    """What poppler's ``pdfsig`` says, with our CA in the database it trusts."""
    database = ca.with_name(f"{ca.stem}.nss")
    if not database.exists():
        database.mkdir()
        run("certutil", "-N", "-d", str(database), "--empty-password")
        run("certutil", "-A", "-d", str(database), "-n", "office", "-t", "C,C,C", "-i", str(ca))
    return run("pdfsig", "-nssdir", str(database), str(pdf), check=False)


def pdfsig_likes(pdf: Path, ca: Path) -> bool:
    said = pdfsig(pdf, ca)
    wanted = ("Signature is Valid.", "Certificate is Trusted.", "Total document signed")
    return all(words in said for words in wanted) and "Not total" not in said


def mutool_likes(pdf: Path) -> bool:
    """What MuPDF says of the bytes. Whom it trusts is built into it, and an office is not among them."""
    said = run("mutool", "sign", "-v", str(pdf), check=False)
    return "The document is unchanged since signing." in said and "Signature verify error" not in said


def openssl_likes(pdf: Path, ca: Path, folder: Path) -> bool:
    """What openssl says of the signature over the bytes that its range names, which must be all but itself."""
    content = pdf.read_bytes()
    ranges = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", content)
    if len(ranges) != 1:
        return False
    start, length, again, rest = (int(part) for part in ranges[0])
    if start != 0 or again + rest != len(content):
        return False
    try:
        held = content[length + 1 : again - 1]
        signature = bytes.fromhex(held.decode())
    except ValueError:
        return False
    (folder / "said").write_bytes(content[:length] + content[again:])
    (folder / "signature").write_bytes(signature)
    return succeeds(
        *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(folder / "signature")),
        *("-content", str(folder / "said"), "-CAfile", str(ca), "-out", "/dev/null"),
    )


def need(*programs: str) -> None:
    """Wait for programs that a machine may not have; CI has them."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"not in CI: {', '.join(missing)}")
    if missing:
        pytest.skip(f"waits for {', '.join(missing)}: {INSTALL}")


def run(*command: str, check: bool = True) -> str:
    need(command[0])
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert not check or done.returncode == 0, said
    return said


def succeeds(*command: str) -> bool:
    need(command[0])
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
