"""One file to print and one ZIP of many certificates.

The ZIP holds each certificate as it was signed, byte for byte, with an index. The file to print has their pages only:
a signature covers one file, so none of them is in it, and its title says that it is a copy for the printer.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import pikepdf

from config import points
from config.log import log
from shared import bundle, clock
from shared.bundle import Made, Paper
from shared.model import ReceiptState
from uploads.storage import Storage, StorageError

if TYPE_CHECKING:
    from uploads.jobs import Bench

INDEX: Final = "index.csv"
TITLE: Final = "受領証　印刷用の写し　{count}件"


def gather(bench: Bench, office_id: UUID, bundle_id: UUID, draw: Callable[[Bench, UUID, UUID], None]) -> None:
    """Make both files and keep them. What was not drawn yet is drawn now, by ``draw``."""
    with bench.sessions() as session:
        if bundle.is_made(session, office_id, bundle_id):
            return
        papers = bundle.papers(session, office_id, bundle_id)
    for paper in papers:
        if paper.pdf_key is None:
            draw(bench, office_id, paper.receipt_id)
    with bench.sessions() as session:
        papers = bundle.papers(session, office_id, bundle_id)
    stored: list[str] = []
    try:
        # The folder ends like those of other jobs, so that what a killed worker leaves is cleared away with theirs.
        with tempfile.TemporaryDirectory(dir=_scratch(bench), prefix="job-") as folder:
            to_print, zipped = Path(folder) / "print.pdf", Path(folder) / "all.zip"
            _make(bench.storage, papers, to_print, zipped)
            kept = [
                _keep(bench.storage, to_print, "print", "application/pdf", stored),
                _keep(bench.storage, zipped, "zip", "application/zip", stored),
            ]
    except Exception:
        _drop(bench.storage, stored)
        raise
    points.passed("bundle.stored")
    with bench.sessions.begin() as session:
        ours = bundle.made(session, office_id, bundle_id, *kept)
    if not ours:  # another run was quicker: what we made is nobody's
        _drop(bench.storage, stored)
        return
    log("bundle.made", bundle=bundle_id, count=len(papers))


def _scratch(bench: Bench) -> Path:
    bench.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    return bench.scratch


def _make(storage: Storage, papers: Sequence[Paper], to_print: Path, zipped: Path) -> None:
    standing = sum(paper.state is ReceiptState.ISSUED for paper in papers)
    with (
        ExitStack() as held,
        pikepdf.new() as printed,
        zipfile.ZipFile(zipped, "w", zipfile.ZIP_STORED) as archive,  # PDFs are packed already
    ):
        archive.writestr(_entry(INDEX, clock.now()), bundle.index(papers))
        for paper in papers:
            if paper.pdf_key is None:
                raise LookupError(f"the certificate {paper.receipt_id} was not drawn")
            stream = held.enter_context(storage.open(paper.pdf_key))
            content = stream.read()
            archive.writestr(_entry(paper.name, paper.issued_at), content)
            if paper.state is ReceiptState.ISSUED:
                stream.seek(0)
                signed = held.enter_context(pikepdf.open(stream))
                printed.add_pages_from(signed, forms="strip")  # a copy to print carries no signature
        with printed.open_metadata() as said:
            said["dc:title"] = TITLE.format(count=standing)
        printed.save(to_print)


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    local = at.astimezone(clock.TOKYO)
    entry = zipfile.ZipInfo(name, (local.year, local.month, local.day, local.hour, local.minute, local.second))
    entry.external_attr = 0o600 << 16
    return entry


def _keep(storage: Storage, path: Path, kind: str, media_type: str, stored: list[str]) -> Made:
    """Store one file; ``stored`` gets its key before its bytes are there."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    size = path.stat().st_size
    stored.append(f"{kind}/{uuid4()}")
    storage.put(stored[-1], path, media_type)
    return Made(stored[-1], size, digest.hexdigest())


def _drop(storage: Storage, keys: Sequence[str]) -> None:
    for key in keys:
        with suppress(StorageError):  # then it is the sweep's
            storage.delete(key)
