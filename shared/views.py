"""保存した一覧: choices of the queue under a name, one person's own; and how many new ones have come into each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import choice, clock, queue
from shared.errors import NotAView, NotThere
from shared.model import SavedView, StaffMember
from shared.queue import Wanted
from shared.rules import my_number
from shared.session import in_turn
from shared.sign_in import Staff

MOST: Final = 20  # lists a person
LONGEST: Final = 40  # characters of a name
MOST_TOLD: Final = 99


@dataclass(frozen=True)
class ViewRow:
    """One list. ``new`` have come in since she last opened it."""

    id: UUID
    name: str
    chosen: dict[str, Any]  # as words
    tell_at: int | None
    count: int
    new: int

    @property
    def tells(self) -> bool:
        """Whether as many have come as she wanted to be told of."""
        return self.tell_at is not None and self.new >= self.tell_at


def rows(session: Session, who: Staff, *, telling: bool = False) -> list[ViewRow]:
    """Her lists by name, with their counts; the number of queries does not grow with them.

    :param telling: only those that are to tell of new ones.
    """
    query = _hers(who).order_by(SavedView.name, SavedView.id)
    if telling:
        query = query.where(SavedView.tell_at.is_not(None))
    found = session.scalars(query).all()
    wanted = [choice.wanted(_words(row)) for row in found]
    counted = queue.tally(session, who, [(one, row.opened_at) for one, row in zip(wanted, found, strict=True)])
    return [
        ViewRow(row.id, row.name, choice.words(one), row.tell_at, count, new)
        for row, one, (count, new) in zip(found, wanted, counted, strict=True)
    ]


def save(
    session: Session, who: Staff, name: str, wanted: Wanted, *, tell_at: int | None = None, attempt: UUID
) -> SavedView:
    """Keep a choice under a name. A second tap finds the first.

    :raises NotAView: for a name that is missing, too long, a My Number or taken, or one list too many.
    """
    in_turn(session, StaffMember, who.office_id, who.staff_id)
    twin = session.get(SavedView, (who.office_id, attempt))
    if twin is not None and twin.staff_id == who.staff_id:
        return twin
    name = _checked(session, who, name)
    if my_number.is_in(wanted.sought) or my_number.is_in(wanted.district):
        raise NotAView("my_number")
    if len(session.scalars(_hers(who)).all()) >= MOST:
        raise NotAView("too_many")
    view = SavedView(
        office_id=who.office_id,
        staff_id=who.staff_id,
        name=name,
        chosen=choice.words(wanted),
        tell_at=tell_at,
        opened_at=clock.now(),
        **({} if twin else {"id": attempt}),
    )
    session.add(view)
    session.flush()
    return view


def change(session: Session, who: Staff, view_id: UUID, name: str, *, tell_at: int | None) -> SavedView:
    """Give a list another name, and say whether and when it tells.

    :raises NotThere: for somebody else's.
    :raises NotAView: as ``save``.
    """
    in_turn(session, StaffMember, who.office_id, who.staff_id)
    view = _own(session, who, view_id)
    view.name = _checked(session, who, name, but=view_id)
    view.tell_at = tell_at
    session.flush()
    return view


def opened(session: Session, who: Staff, view_id: UUID) -> dict[str, Any]:
    """She looks at a list: what is in it now is new no more. Returns its choice as words.

    :raises NotThere: for somebody else's.
    """
    view = _own(session, who, view_id)
    view.opened_at = clock.now()
    session.flush()
    return choice.words(choice.wanted(_words(view)))


def remove(session: Session, who: Staff, view_id: UUID) -> None:
    """She needs the list no more; the lines in it stay what they are. Twice is once."""
    view = session.scalar(_hers(who).where(SavedView.id == view_id))
    if view is not None:
        session.delete(view)
        session.flush()


def _hers(who: Staff) -> Any:
    return select(SavedView).where(SavedView.office_id == who.office_id, SavedView.staff_id == who.staff_id)


def _own(session: Session, who: Staff, view_id: UUID) -> SavedView:
    view: SavedView | None = session.scalar(_hers(who).where(SavedView.id == view_id).with_for_update())
    if view is None:
        raise NotThere
    return view


def _words(view: SavedView) -> dict[str, str]:
    return {str(name): str(word) for name, word in view.chosen.items()}


def _checked(session: Session, who: Staff, name: str, *, but: UUID | None = None) -> str:
    name = " ".join(name.split())
    if not name:
        raise NotAView("missing")
    if len(name) > LONGEST:
        raise NotAView("too_long")
    if my_number.is_in(name):
        raise NotAView("my_number")
    if session.scalar(_hers(who).where(SavedView.name == name, SavedView.id != but).limit(1)):
        raise NotAView("taken")
    return name
