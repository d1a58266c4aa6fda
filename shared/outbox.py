"""Promising work: written in the transaction that needs it done, sent by the relay after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from shared import clock
from shared.model import Job, Task, new_id
from shared.session import Writer, insert_row


def promise(session: Session | Writer, office_id: UUID, job: Job, subject_id: UUID) -> None:
    """Write a task into the outbox: the relay finds it after the commit, whenever that is."""
    insert_row(session, Task, **_task(office_id, job, subject_id))


def promise_each(session: Session, office_id: UUID, job: Job, subjects: Sequence[UUID]) -> None:
    """``promise`` for many subjects: one statement."""
    if subjects:
        session.execute(insert(Task), [_task(office_id, job, subject_id) for subject_id in subjects])


def _task(office_id: UUID, job: Job, subject_id: UUID) -> dict[str, Any]:
    now = clock.now()
    return {
        "office_id": office_id,
        "id": new_id(),
        "created_at": now,
        "job": job,
        "subject_id": subject_id,
        "send_after": now,
        "tries": 0,
    }
