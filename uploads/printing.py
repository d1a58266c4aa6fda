"""Draws, signs and keeps 受領証: the one that is owed, and with it others of its office, side by side.

Drawing leaves the interpreter to others, signing does not: one hand more than processors keeps all of them busy. Who is
killed in the middle leaves bytes without a row, for the sweep, and tasks whose hold runs out. A certificate that is not
signed is not kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from config import points
from config.log import log
from shared import clock, journal, log_tree
from shared.errors import LogBroken
from shared.model import MACHINE, Job, LogEntry, Receipt, Task, WelfareOffice
from shared.receipts import content_hash, content_json
from uploads.receipt_pdf import Issue, draw_receipt, pictures_of
from uploads.seal_keys import SealMissing
from uploads.signing import Seal
from uploads.storage import StorageError

if TYPE_CHECKING:
    from uploads.jobs import Bench

AT_ONCE: Final = 40
HANDS: Final = min(4, (os.cpu_count() or 1) + 1)
HOLD: Final = timedelta(seconds=60)  # nobody says again that these are held: so many are drawn in a few seconds
REASON: Final = "受領証の発行"


@dataclass(frozen=True)
class _Paper:
    """One certificate to be made."""

    id: UUID
    content: Mapping[str, Any]
    issue: Issue


@dataclass(frozen=True)
class _Made:
    id: UUID
    key: str
    sha256: str


def print_receipt(bench: Bench, office_id: UUID, receipt_id: UUID) -> None:
    """Make the PDF of one certificate, and of others that are owed and that nobody is at.

    :raises SealMissing: if the office has no seal here. Nothing is made.
    :raises TimeStampMissing: if its time stamps cannot be had.
    """
    with bench.sessions.begin() as session:
        if session.get_one(Receipt, (office_id, receipt_id)).pdf_key:
            return
        code = session.get_one(WelfareOffice, office_id).code
    if bench.seals is None:
        raise SealMissing("MADOGUCHI_SEALS is not set: there is no seal to sign with")
    seal = bench.seals.of(code)
    until = clock.now() + HOLD
    with bench.sessions.begin() as session:
        beside = _take(session, office_id, receipt_id, until)
        papers = list(_papers(session, office_id, code, [receipt_id, *beside], bench.portal_url))
    points.passed("receipt.held")
    if not papers:
        return
    made: list[_Made] = []
    try:
        _make_all(bench, seal, papers, made)
    finally:
        if made:
            _settle(bench, office_id, seal, made, until)
        points.passed("receipt.settled")
        if len(made) < len(papers):
            _let_go(bench, office_id, beside, until)


def _take(session: Session, office_id: UUID, receipt_id: UUID, until: datetime) -> list[UUID]:
    """Hold tasks that nobody has begun."""
    now = clock.now()
    free = (
        select(Task)
        .where(
            Task.office_id == office_id,
            Task.job == Job.DRAW_RECEIPT,
            Task.subject_id != receipt_id,
            Task.done_at.is_(None),
            Task.gave_up_at.is_(None),
            Task.tries == 0,  # one that has failed is tried alone
            Task.send_after <= now,
            or_(Task.held_until.is_(None), Task.held_until < now),
        )
        .order_by(Task.id)
        .limit(AT_ONCE - 1)
        .with_for_update(skip_locked=True)
    )
    tasks = session.scalars(free).all()
    for task in tasks:
        task.held_until = until
    return [task.subject_id for task in tasks]


def _papers(session: Session, office_id: UUID, code: str, ids: list[UUID], portal_url: str | None) -> Iterator[_Paper]:
    rows = session.execute(
        select(Receipt, LogEntry.seq)
        .outerjoin(LogEntry, (LogEntry.office_id == Receipt.office_id) & (LogEntry.id == Receipt.entry_id))
        .where(Receipt.office_id == office_id, Receipt.id.in_(ids), Receipt.pdf_key.is_(None))
    ).all()
    proofs = _proofs(session, office_id, [seq for _receipt, seq in rows if seq])
    for receipt, seq in sorted(rows, key=lambda row: ids.index(row[0].id)):
        proof = {
            "format": "madoguchi-receipt-1",
            "office": code,
            "document_no": receipt.document_no,
            "content_sha256": content_hash(receipt.content),
            "entry": asdict(proofs[seq]) if seq in proofs else None,
        }
        yield _Paper(
            receipt.id,
            receipt.content,
            Issue(
                at=receipt.issued_at,
                check_code=receipt.check_code,
                portal_url=portal_url,
                token=receipt.token,
                said=content_json(receipt.content),
                proof=json.dumps(proof, ensure_ascii=False, indent=1),
            ),
        )


def _proofs(session: Session, office_id: UUID, seqs: list[int]) -> Mapping[int, log_tree.Inclusion]:
    """The proofs that can be had: a journal that is broken proves nothing, and people need their certificates."""
    try:
        return log_tree.proofs_of(session, office_id, seqs) if seqs else {}
    except LogBroken as broken:
        log("journal.broken", level="error", entry=broken.seq)
        return {}


def _make_all(bench: Bench, seal: Seal, papers: list[_Paper], made: list[_Made]) -> None:
    """Fill ``made`` with what is in the storage. A failure of the first is raised; others are let go, to come alone."""
    bench.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        tempfile.TemporaryDirectory(dir=bench.scratch, prefix="job-") as folder,
        ThreadPoolExecutor(HANDS, thread_name_prefix="press") as hands,
    ):
        first, *others = [hands.submit(_make, bench, seal, paper, Path(folder)) for paper in papers]
        try:
            made.append(first.result())
        except Exception:
            for one in others:
                one.cancel()
            raise
        finally:
            for one in others:
                if not one.cancelled():
                    with suppress(Exception):
                        made.append(one.result())


def _make(bench: Bench, seal: Seal, paper: _Paper, folder: Path) -> _Made:
    pdf = draw_receipt(paper.content, pictures_of(bench.storage, paper.content), paper.issue)
    points.passed("receipt.drawn")
    signed = seal.sign_pdf(pdf, reason=REASON)
    points.passed("receipt.signed")
    key, path = f"receipt/{uuid4()}", folder / str(paper.id)
    path.write_bytes(signed)
    bench.storage.put(key, path, "application/pdf")
    points.passed("receipt.stored")
    return _Made(paper.id, key, hashlib.sha256(signed).hexdigest())


def _settle(bench: Bench, office_id: UUID, seal: Seal, made: list[_Made], until: datetime) -> None:
    """Write the rows, all in one commit. What another run has made before is left as it is."""
    kept: list[_Made] = []
    dropped: list[str] = []
    with bench.sessions.begin() as session:
        query = select(Receipt).where(Receipt.office_id == office_id, Receipt.id.in_([one.id for one in made]))
        rows = {row.id: row for row in session.scalars(query.order_by(Receipt.id).with_for_update())}
        for one in made:
            row = rows[one.id]
            if row.pdf_key is None:
                row.pdf_key, row.pdf_sha256 = one.key, one.sha256
                kept.append(one)
            else:
                dropped.append(one.key)
        session.execute(
            update(Task)
            .where(
                Task.office_id == office_id,
                Task.job == Job.DRAW_RECEIPT,
                Task.subject_id.in_([one.id for one in made]),
                Task.held_until == until,
            )
            .values(done_at=clock.now(), held_until=None)
        )
        # One that is made anew has another signature: the journal knows every one that was ever handed out.
        facts = [(one.id, {"pdf_sha256": one.sha256, "seal": seal.fingerprint}) for one in kept]
        journal.record_all(session, office_id, MACHINE, "receipt.signed", facts)
    for one in kept:
        log("receipt.drawn", receipt=one.id)
    for key in dropped:
        with suppress(StorageError):  # then it is the sweep's
            bench.storage.delete(key)


def _let_go(bench: Bench, office_id: UUID, beside: list[UUID], until: datetime) -> None:
    """Those that were not made come by themselves."""
    with bench.sessions.begin() as session:
        session.execute(
            update(Task)
            .where(
                Task.office_id == office_id,
                Task.job == Job.DRAW_RECEIPT,
                Task.subject_id.in_(beside),
                Task.held_until == until,
            )
            .values(held_until=None)
        )
