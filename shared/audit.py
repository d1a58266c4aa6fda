"""Whether anybody has touched an office's journal, and where: entry by entry, in memory that does not grow with it.

Four witnesses are compared. The chain: each entry holds the hash of the one before it. The tree: each entry's leaf was
kept when it was young. The heads: what the office has signed, and what it has posted elsewhere. The rows: what the
journal speaks of must still say the same. Who changes one must change all, and nobody can change what was posted.

Ask in one snapshot (``REPEATABLE READ``): an office at work goes on writing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import audit_rows, journal, log_tree
from shared.audit_rows import Damage, Kind
from shared.model import LogEntry, LogNode, TreeHead, WelfareOffice
from shared.rules import merkle
from shared.rules.merkle import Tree
from shared.rules.tree_head import SignedHead

MOST: Final = 1_000  # stretches of damage that are told one by one: a journal that was rewritten as a whole says enough
_PAGE: Final = 500
_IN_STRETCHES: Final = (Kind.REMOVED, Kind.REWRITTEN)


@dataclass(frozen=True)
class Witness:
    """A head to compare the journal with, and whose it is."""

    size: int
    root: str
    source: str


@dataclass
class Audit:
    """One look at an office's journal; the counts are right once ``damage`` has ended.

    ``signed`` says whether a head bears the office's signature, or None where nobody here can say.
    """

    session: Session
    office: WelfareOffice
    signed: Callable[[TreeHead], bool | None]
    posted: Sequence[Witness] = ()
    entries: int = 0
    heads: int = 0
    unsigned: int = 0  # heads whose signature nobody here could check
    older: int = 0  # steps from before every step was an entry

    def damage(self) -> Iterator[Damage]:
        """Everything that is wrong."""
        own = yield from self._own_heads()
        witnesses = sorted([*own, *self.posted], key=lambda head: head.size)
        self.heads = len(witnesses)
        session, office_id = self.session, self.office.id
        walk = _Walk(session, office_id, deque(witnesses))
        for page in _pages(walk.lines()):
            yield from audit_rows.of_entries(session, office_id, page)
        yield from walk.told()
        self.entries = walk.there.size
        yield from _inner_nodes(session, office_id)
        steps = audit_rows.Steps(session, office_id)
        yield from steps.without_an_entry()
        self.older = steps.older
        yield from audit_rows.receipts_without_an_entry(session, office_id)

    def _own_heads(self) -> Generator[Damage, None, list[Witness]]:
        """The heads that can be believed; one that cannot is damage itself."""
        found = []
        heads = select(TreeHead).where(TreeHead.office_id == self.office.id).order_by(TreeHead.day)
        for row in self.session.scalars(heads):
            valid = self.signed(row)
            self.unsigned += valid is None
            said = SignedHead(self.office.code, row.day, row.size, row.root, row.at).text()
            if valid is False or said != row.said:
                what = f"the head of {row.day.isoformat()} is not what the office signed"
                yield Damage(Kind.HEAD_FORGED, None, None, what)
            else:
                found.append(Witness(row.size, row.root, f"the head of {row.day.isoformat()}"))
        return found


@dataclass
class _Walk:
    """Along the entries and their leaves, with two trees: one over what is there, one over what was kept."""

    session: Session
    office_id: UUID
    witnesses: deque[Witness]
    there: Tree = field(default_factory=Tree)
    kept: Tree = field(default_factory=Tree)
    found: list[Damage] = field(default_factory=list)
    undecided: int = 0  # from here on in ``found``, no head has said who is at fault
    believed: int = 0  # up to this entry a head has agreed
    moves: list[tuple[int, int, int]] = field(default_factory=list)  # first and last place, and by how far it moved
    shift: int = 0
    lost_trust: bool = False

    def lines(self) -> Iterator[Any]:
        """Go along, and give the entries."""
        given = journal.length(self.session, self.office_id)
        leaves = _Numbered(_leaves(self.session, self.office_id))
        entries = _Numbered((row.seq, row) for row in journal.entries(self.session, self.office_id))
        yield from self._before_the_first()
        seq, before, whole = 0, journal.FIRST, True
        while True:
            self._meet(seq)
            seq += 1
            entry, leaf = entries.at(seq), leaves.at(seq)
            if entry is None and leaf is None and seq > given and not (entries.more() or leaves.more()):
                break
            fault = self._fault(seq, entry, leaf, before if whole else None, given)
            real = None if entry is None else log_tree.leaf_of(journal.hash_of(journal.said(entry)))
            self.there.add(real or leaf or merkle.EMPTY)
            self.kept.add(leaf or real or merkle.EMPTY)
            if fault is not None:
                self._note(fault)
            if entry is not None:
                yield entry
                before = entry.hash
            whole = fault is None
        for head in self.witnesses:
            what = f"{head.source} knows {head.size} entries; the journal ends with {seq - 1}"
            self.found.append(Damage(Kind.CUT_OFF, seq, None, what, head.size))

    def _before_the_first(self) -> Iterator[Any]:
        nowhere = select(LogEntry.__table__).where(LogEntry.office_id == self.office_id, LogEntry.seq < 1)
        for entry in self.session.execute(nowhere.limit(MOST)):
            self.found.append(Damage(Kind.INSERTED, entry.seq, entry.event, "no such number was ever given"))
            yield entry

    def _fault(self, seq: int, entry: Any, leaf: bytes | None, before: str | None, given: int) -> Damage | None:
        """What is wrong with one number; ``before`` is None where the one before it is wrong already."""
        if entry is None:
            return Damage(Kind.REMOVED, seq, None, "it is gone")
        if entry.hash != journal.hash_of(journal.said(entry)):
            if was := self._came_from(entry):
                self.shift = was - seq
                return Damage(Kind.MOVED, seq, entry.event, f"it was entry {was} when it was written")
            return Damage(Kind.CHANGED, seq, entry.event, "it is not what its hash says")
        if seq > given:
            return Damage(Kind.INSERTED, seq, entry.event, "no such number was ever given")
        if leaf is not None and leaf != log_tree.leaf_of(entry.hash):
            return Damage(Kind.REWRITTEN, seq, entry.event, "it is not what the tree has kept")
        if before is not None and entry.before != before:
            return Damage(Kind.UNLINKED, seq, entry.event, "it does not follow the entry before it")
        return None

    def _came_from(self, entry: Any) -> int | None:
        """The number an entry had when its hash was made, if that is all that was changed."""
        places: list[int] = [entry.seq + self.shift] if self.shift else []
        if len(self.found) < MOST:
            kept = select(LogNode.position + 1).where(
                LogNode.office_id == self.office_id,
                LogNode.level == 0,
                LogNode.hash == log_tree.leaf_of(entry.hash),
            )
            places += [*self.session.scalars(kept.limit(1)), entry.seq - 1, entry.seq + 1]
        for place in places:
            if journal.hash_of(journal.said(_Renumbered(entry, place))) == entry.hash:
                return place
        return None

    def _note(self, fault: Damage) -> None:
        goes_on = self._moves_on(fault.seq or 0) if fault.kind is Kind.MOVED else fault.kind in _IN_STRETCHES
        last = self.found[-1] if len(self.found) > self.undecided else None
        if goes_on and last and last.kind is fault.kind and (last.last or last.seq) == (fault.seq or 0) - 1:
            self.found[-1] = replace(last, last=fault.seq)
        elif len(self.found) < MOST:
            self.found.append(fault)

    def _moves_on(self, seq: int) -> bool:
        """Note a move; whether the one before it has moved by as much."""
        if self.moves and self.moves[-1][1:] == (seq - 1, self.shift):
            self.moves[-1] = (self.moves[-1][0], seq, self.shift)
            return True
        if len(self.moves) < MOST:
            self.moves.append((seq, seq, self.shift))
        return False

    def _meet(self, size: int) -> None:
        """Ask the heads of this size who is at fault: whoever contradicts them."""
        while self.witnesses and self.witnesses[0].size <= size:
            head = self.witnesses.popleft()
            there, kept = (tree.root().hex() == head.root for tree in (self.there, self.kept))
            open_ones = self.found[self.undecided :]
            if there:
                self.found[self.undecided :] = [_of_the_tree(one) for one in open_ones]
            elif not kept and not open_ones and not self.lost_trust:
                first, self.lost_trust = self.believed + 1, True
                what = f"the tree was rewritten with them, but {head.source} says otherwise"
                self.found.append(Damage(Kind.REWRITTEN, first, None, what, max(first, head.size)))
            self.undecided = len(self.found)
            if there or kept:
                self.believed = head.size

    def told(self) -> Iterator[Damage]:
        """What was found; where entries have changed places, with what went out or came in."""
        for one in self.found:
            if one.kind in (Kind.REWRITTEN, Kind.CHANGED, Kind.UNLINKED) and self._is_claimed(one.seq):
                yield replace(one, kind=Kind.INSERTED, what="it was put between others")
            elif one.kind is Kind.REMOVED and self._is_claimed(one.seq):
                continue  # it is there, in another place
            elif one.kind is Kind.MOVED and not self._is_claimed(one.seq):
                yield Damage(Kind.REMOVED, one.seq, None, "it is gone, and others have taken its place")
                yield one
            else:
                yield one

    def _is_claimed(self, seq: int | None) -> bool:
        """Whether the entry that had this number is there under another one."""
        return seq is not None and any(first + by <= seq <= last + by for first, last, by in self.moves)


class _Renumbered:
    """An entry as it would be under another number."""

    def __init__(self, entry: Any, seq: int) -> None:
        self._entry, self.seq = entry, seq

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)


class _Numbered:
    """Rows in the order of their numbers, asked for one number after the other."""

    def __init__(self, rows: Iterable[tuple[int, Any]]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def at(self, number: int) -> Any:
        """The row with this number, or None."""
        if self._next is None or self._next[0] != number:
            return None
        row, self._next = self._next[1], next(self._rows, None)
        return row

    def more(self) -> bool:
        """Whether a higher number is to come."""
        return self._next is not None


def _of_the_tree(one: Damage) -> Damage:
    """The entry agrees with a head, so what was kept of it does not."""
    if one.kind is not Kind.REWRITTEN:
        return one
    return replace(one, kind=Kind.TREE_CHANGED, what="the entry is what was signed; what the tree has kept is not")


def _leaves(session: Session, office_id: UUID) -> Iterator[tuple[int, bytes]]:
    for position, leaf in _level(session, office_id, 0):
        yield position + 1, leaf


def _level(session: Session, office_id: UUID, level: int) -> Iterator[tuple[int, bytes]]:
    nodes = select(LogNode.position, LogNode.hash).where(LogNode.office_id == office_id, LogNode.level == level)
    with closing(session.execute(nodes.order_by(LogNode.position).execution_options(yield_per=_PAGE))) as rows:
        yield from rows


def _inner_nodes(session: Session, office_id: UUID) -> Iterator[Damage]:
    """Subtrees that are not what lies below them."""
    level, is_more = 1, True
    while is_more:
        below, kept = _level(session, office_id, level - 1), _Numbered(_level(session, office_id, level))
        is_more = kept.more()
        for (at, left), (beside, right) in zip(below, below, strict=False):
            is_more, position = True, at >> 1
            if at % 2 or beside != at + 1 or kept.at(position) != merkle.node_hash(left, right):
                first = (position << level) + 1
                what = f"the tree's node over it at level {level} is not what lies below"
                yield Damage(Kind.TREE_CHANGED, first, None, what, first + (1 << level) - 1)
                break
        else:
            if kept.more():
                yield Damage(Kind.TREE_CHANGED, None, None, f"the tree has nodes at level {level} over nothing")
        level += 1


def _pages(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while page := list(islice(rows, _PAGE)):
        yield page
