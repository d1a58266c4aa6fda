"""Promising work: written in the transaction that needs it done, sent by the relay after the commit."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from shared import clock
from shared.model import Job, Task, new_id
from shared.session import Writer, insert_row


def promise(session: Session | Writer, office_id: UUID, job: Job, subject_id: UUID) -> None:
    """Write a task into the outbox: the relay finds it after the commit, whenever that is."""
    now = clock.now()
    insert_row(
        session,
        Task,
        office_id=office_id,
        id=new_id(),
        created_at=now,
        job=job,
        subject_id=subject_id,
        send_after=now,
        tries=0,
    )
