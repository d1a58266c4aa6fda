"""Who else is at a submission: who looks at it, who has it, who would like to have it, and what was done meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from shared import handing, presence, review
from shared.errors import ChangedMeanwhile
from shared.handing import WishRow
from shared.model import Role, State, Submission
from shared.sign_in import Staff
from staff.opened import LeaseRow, lease_of


@dataclass(frozen=True)
class Beside:
    """What the pages about one submission say of colleagues."""

    id: UUID
    looking: list[str]
    lease: LeaseRow | None
    asked: list[WishRow]  # for the holder: who would like to have it, and has had no answer
    wish: WishRow | None  # for who is not: her own wish
    may_take_over: bool
    moved: ChangedMeanwhile | None  # the last step, if it was taken after the page was made

    @property
    def held_by_another(self) -> bool:
        return bool(self.lease and self.lease.runs and not self.lease.mine)


def beside(rows: Session, who: Staff, submission: Submission, seen: int | None = None) -> Beside:
    """How things stand with colleagues.

    :param seen: the revision her page shows; None on a page that is just being made.
    """
    in_review = submission.state is State.IN_REVIEW
    lease = lease_of(rows, who, submission) if in_review else None
    wishes = handing.wishes(rows, who.office_id, submission.id) if lease else []
    mine = bool(lease and lease.mine)
    return Beside(
        id=submission.id,
        looking=presence.looking(rows, who, [submission.id]).get(submission.id, []),
        lease=lease,
        asked=[wish for wish in wishes if mine and not wish.kept],
        wish=next((wish for wish in wishes if wish.staff_id == who.staff_id), None),
        may_take_over=who.role is Role.SUPERVISOR,
        moved=review.changed_meanwhile(rows, submission) if seen not in (None, submission.revision) else None,
    )
