"""Papers on a desk: submissions with files whose safe copies are real pictures."""

from __future__ import annotations

import hashlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from PIL import Image
from sqlalchemy.orm import Session

from shared import intake, receipts, review, slips
from shared.model import Receipt, Role, State, Submission
from shared.sign_in import Recipient, Staff
from tests import factories
from uploads.storage import FolderStorage


@dataclass(frozen=True)
class Scene:
    """One caseworker, one person, one report with one payslip."""

    worker: Staff
    person: Recipient
    submission_id: UUID
    file_id: UUID
    number: str

    @property
    def path(self) -> str:
        return f"/review/{self.submission_id}"


def picture(colour: str = "white", size: tuple[int, int] = (120, 160)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def keep(storage: FolderStorage, key: str, content: bytes) -> None:
    """Put bytes where the app will look for them."""
    with tempfile.NamedTemporaryFile(delete=False) as source:
        source.write(content)
    storage.put(key, Path(source.name), "application/octet-stream")


def set_out(session: Session, storage: FolderStorage, worker: Staff | None = None, *, protected: bool = False) -> Scene:
    """A report that waits in the queue, with a safe copy of two pages."""
    worker = worker or factories.staff(session)
    home = factories.household(session, worker, protected=protected)
    person = factories.recipient(session, home)
    row = factories.draft(session, person)
    file = factories.file(session, person, row)
    keep(storage, file.key, b"%PDF-1.7 what a stranger made")
    factories.make_safe(session, file, pages=2)
    for copy in slips.pages_of(session, person.office_id, file.id):
        keep(storage, copy.key, picture())
        keep(storage, copy.thumb_key, picture(size=(60, 80)))
    intake.send(session, person, row.id, attempt=uuid4())
    assert row.state is State.WAITING
    return Scene(worker, person, row.id, file.id, row.number or "")


def taken(session: Session, scene: Scene, by: Staff | None = None) -> Submission:
    """The submission in somebody's hands."""
    review.claim(session, by or scene.worker, scene.submission_id)
    return submission(session, scene)


def accepted(session: Session, scene: Scene) -> Submission:
    row = taken(session, scene)
    return review.accept(session, scene.worker, row.id, seen=row.revision, attempt=uuid4())


def clerk(session: Session) -> Staff:
    return factories.staff(session, Role.CLERK, name="品見 薫")


def issued(session: Session, scene: Scene, by: Staff) -> Receipt:
    row = accepted(session, scene)
    return receipts.issue(session, by, row.id, seen=row.revision, attempt=uuid4(), demo=True)


def drawn(receipt: Receipt, storage: FolderStorage, content: bytes) -> None:
    """What the worker does with a certificate."""
    receipt.pdf_key, receipt.pdf_sha256 = f"receipt/{receipt.id}.pdf", hashlib.sha256(content).hexdigest()
    keep(storage, receipt.pdf_key, content)


def submission(session: Session, scene: Scene) -> Submission:
    return session.get_one(Submission, (scene.person.office_id, scene.submission_id))
