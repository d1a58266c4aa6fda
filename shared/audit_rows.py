"""Whether the rows that the journal speaks of still say what it says: steps, certificates, files, heads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, exists, literal, select, tuple_
from sqlalchemy.orm import Session

from shared import journal
from shared.model import LogEntry, Receipt, ReceiptState, Step, StoredFile, TreeHead
from shared.receipts import content_hash

_PAGE: Final = 500


class Kind(StrEnum):
    """What kind of damage."""

    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    INSERTED = "inserted"
    REWRITTEN = "rewritten"  # with its hash, and perhaps those that follow
    UNLINKED = "unlinked"
    CUT_OFF = "cut_off"
    TREE_CHANGED = "tree_changed"
    HEAD_FORGED = "head_forged"
    HEAD_GONE = "head_gone"
    STEP_GONE = "step_gone"
    STEP_CHANGED = "step_changed"
    STEP_WITHOUT_ENTRY = "step_without_entry"
    RECEIPT_GONE = "receipt_gone"
    RECEIPT_CHANGED = "receipt_changed"
    RECEIPT_WITHOUT_ENTRY = "receipt_without_entry"
    FILE_CHANGED = "file_changed"


@dataclass(frozen=True)
class Damage:
    """One thing that is wrong. ``seq`` to ``last`` are the entries it is about."""

    kind: Kind
    seq: int | None
    event: str | None
    what: str
    last: int | None = None

    @property
    def where(self) -> str:
        """The numbers, as people read them."""
        if self.seq is None:
            return "-"
        return str(self.seq) if self.last in (None, self.seq) else f"{self.seq}-{self.last}"


def of_entries(session: Session, office_id: UUID, entries: Sequence[Any]) -> Iterator[Damage]:
    """What some entries speak of, in a question a table."""
    yield from _steps(session, office_id, entries)
    yield from _receipts(session, office_id, entries)
    yield from _files(session, office_id, entries)
    yield from _heads(session, office_id, entries)


def _steps(session: Session, office_id: UUID, entries: Sequence[Any]) -> Iterator[Damage]:
    speaking = [entry for entry in entries if "step" in entry.facts]
    steps = _by_id(session, Step, office_id, (entry.facts["step"] for entry in speaking))
    for entry in speaking:
        step = steps.get(entry.facts["step"])
        if step is None:
            yield Damage(Kind.STEP_GONE, entry.seq, entry.event, f"the step {entry.facts['step']} is gone")
        elif (step.actor_kind, step.actor_id) != (entry.actor_kind, entry.actor_id) or any(
            entry.facts.get(name) != said for name, said in journal.step_facts(step).items() if name != "step"
        ):
            yield Damage(Kind.STEP_CHANGED, entry.seq, entry.event, f"the step {step.id} says something else")


def _receipts(session: Session, office_id: UUID, entries: Sequence[Any]) -> Iterator[Damage]:
    speaking = [entry for entry in entries if entry.event in ("receipt.issued", "receipt.voided")]
    receipts = _by_id(session, Receipt, office_id, (entry.subject_id for entry in speaking))
    for entry in speaking:
        receipt = receipts.get(str(entry.subject_id))
        if receipt is None:
            yield Damage(Kind.RECEIPT_GONE, entry.seq, entry.event, f"the certificate {entry.subject_id} is gone")
        elif entry.event == "receipt.voided" and receipt.state is not ReceiptState.VOIDED:
            yield Damage(Kind.RECEIPT_CHANGED, entry.seq, entry.event, f"{receipt.document_no} is no longer voided")
        elif (said := entry.facts.get("content_sha256")) and said != content_hash(receipt.content):
            yield Damage(Kind.RECEIPT_CHANGED, entry.seq, entry.event, f"{receipt.document_no} says something else")


def _files(session: Session, office_id: UUID, entries: Sequence[Any]) -> Iterator[Damage]:
    checked = [entry for entry in entries if entry.event == "file.checked"]
    files = _by_id(session, StoredFile, office_id, (entry.subject_id for entry in checked))
    for entry in checked:
        file = files.get(str(entry.subject_id))
        if file is None or file.sha256 != entry.facts["sha256"]:
            yield Damage(Kind.FILE_CHANGED, entry.seq, entry.event, f"the file {entry.subject_id} has another hash")
    arrived = [entry for entry in entries if entry.event == "submission.arrived"]
    kept: dict[UUID, set[str]] = {}
    its = StoredFile.submission_id.in_({entry.subject_id for entry in arrived})
    for submission_id, sha256 in session.execute(
        select(StoredFile.submission_id, StoredFile.sha256).where(StoredFile.office_id == office_id, its)
    ):
        kept.setdefault(submission_id, set()).add(sha256)
    for entry in arrived:
        if set(entry.facts["files"]) - kept.get(entry.subject_id, set()):
            what = f"a file that came with the submission {entry.subject_id} has another hash"
            yield Damage(Kind.FILE_CHANGED, entry.seq, entry.event, what)


def _heads(session: Session, office_id: UUID, entries: Sequence[Any]) -> Iterator[Damage]:
    signed = [entry for entry in entries if entry.event == "head.signed"]
    heads = _by_id(session, TreeHead, office_id, (entry.subject_id for entry in signed))
    for entry in signed:
        row = heads.get(str(entry.subject_id))
        if row is None or (row.size, row.root) != (entry.facts["size"], entry.facts["root"]):
            what = f"the head of {entry.facts['day']} is gone, or says something else"
            yield Damage(Kind.HEAD_GONE, entry.seq, entry.event, what)


@dataclass
class Steps:
    """The steps of an office, and those that no entry speaks of."""

    session: Session
    office_id: UUID
    older: int = 0  # from before every step was an entry

    def without_an_entry(self) -> Iterator[Damage]:
        """Steps that somebody wrote beside the journal."""
        since = self._since()
        for page in _step_pages(self.session, self.office_id):
            known = self._known({step.submission_id for step in page})
            for step in page:
                if str(step.id) in known:
                    continue
                if since is None or step.at < since:
                    self.older += 1
                elif not self._is_spoken_of(step):
                    what = f"the step {step.id} of the submission {step.submission_id} to {step.became.value}"
                    yield Damage(Kind.STEP_WITHOUT_ENTRY, None, None, f"{what} has no entry")

    def _is_spoken_of(self, step: Any) -> bool:
        """Whether an entry about a certificate that is gone speaks of it. Looks through all of them."""
        entry = select(LogEntry.seq).where(
            LogEntry.office_id == self.office_id,
            LogEntry.event.in_(("receipt.issued", "receipt.voided")),
            LogEntry.facts["step"].as_string() == str(step.id),
        )
        return self.session.scalar(entry.limit(1)) is not None

    def _since(self) -> datetime | None:
        """When the journal began to speak of steps."""
        arrived = LogEntry.event == "submission.arrived"
        first = select(LogEntry.facts).where(LogEntry.office_id == self.office_id, arrived).order_by(LogEntry.seq)
        for facts in self.session.scalars(first.execution_options(yield_per=_PAGE)):
            if "step" in facts:
                return datetime.fromisoformat(facts["at"])
        return None

    def _known(self, submissions: set[UUID]) -> set[str]:
        """The steps that entries about these submissions, and about their certificates, speak of."""
        its_receipt = select(Receipt.id).where(
            Receipt.office_id == self.office_id, Receipt.submission_id.in_(submissions)
        )
        about = LogEntry.subject_id.in_(submissions) | LogEntry.subject_id.in_(its_receipt)
        facts = self.session.scalars(select(LogEntry.facts).where(LogEntry.office_id == self.office_id, about))
        return {one["step"] for one in facts if "step" in one}


def receipts_without_an_entry(session: Session, office_id: UUID) -> Iterator[Damage]:
    """Certificates that were issued, or voided, beside the journal."""
    issued = exists().where(
        LogEntry.office_id == Receipt.office_id,
        LogEntry.subject_id == Receipt.id,
        LogEntry.id == Receipt.entry_id,
        LogEntry.event == "receipt.issued",
    )
    voided = exists().where(
        LogEntry.office_id == Receipt.office_id,
        LogEntry.subject_id == Receipt.id,
        LogEntry.event == "receipt.voided",
    )
    forgotten = (Receipt.entry_id.is_not(None) & ~issued) | ((Receipt.state == ReceiptState.VOIDED) & ~voided)
    rows = select(Receipt.document_no).where(Receipt.office_id == office_id, forgotten).order_by(Receipt.document_no)
    for document_no in session.scalars(rows.execution_options(yield_per=_PAGE)):
        yield Damage(Kind.RECEIPT_WITHOUT_ENTRY, None, None, f"the journal knows nothing of {document_no}")


def _by_id(session: Session, table: Any, office_id: UUID, ids: Iterable[Any]) -> dict[str, Any]:
    wanted = {UUID(str(one)) for one in ids}
    if not wanted:
        return {}
    rows = session.execute(select(table.__table__).where(table.office_id == office_id, table.id.in_(wanted)))
    return {str(row.id): row for row in rows}


def _step_pages(session: Session, office_id: UUID) -> Iterator[Sequence[Any]]:
    """All steps, those of one submission together."""
    order = (Step.submission_id, Step.id)
    page = select(Step.__table__).where(Step.office_id == office_id).order_by(*order).limit(_PAGE)
    after: ColumnElement[bool] | None = None
    while True:
        rows = session.execute(page if after is None else page.where(after)).all()
        if rows:
            yield rows
        if len(rows) < _PAGE:
            return
        last = (literal(rows[-1].submission_id, Uuid()), literal(rows[-1].id, Uuid()))
        after = tuple_(*order) > tuple_(*last)
