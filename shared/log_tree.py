"""The hash tree over an office's journal (RFC 6962): grown beside it, so that a proof reads a few rows of millions.

Nothing here slows the journal down: entries are written without it, and the worker, or whoever wants a head, lets the
tree grow over what has come since. What grows was looked at: an entry that does not fit the chain stops the tree.
Node rows are locked last of all, after the journal: who has let it grow writes no entry in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared import journal
from shared.errors import LogBroken
from shared.model import LogEntry, LogNode, WelfareOffice
from shared.rules import merkle
from shared.rules.merkle import Place, Span, Tree

AT_ONCE: Final = 5_000  # entries in one growth of the worker's, a transaction each
_ROWS: Final = 1_000


@dataclass(frozen=True)
class Head:
    """What the journal is at some size: one hash over all of it."""

    size: int
    root: str


@dataclass(frozen=True)
class Inclusion:
    """That an entry is in the tree of a head, for somebody who has only the head.

    SHA-256 of ``said`` in UTF-8 is ``entry``; SHA-256 of a zero byte and the bytes of ``entry`` is the leaf ``seq - 1``
    of a tree of ``size`` leaves, and ``path`` leads from it to ``root`` (RFC 9162, 2.1.3.2).
    """

    office: str  # its code
    seq: int
    said: str
    entry: str
    size: int
    root: str
    path: list[str]

    def holds(self) -> bool:
        """Whether the path leads to the root."""
        leaf, path = leaf_of(self.entry), [bytes.fromhex(one) for one in self.path]
        return journal.hash_of(self.said) == self.entry and merkle.proves_inclusion(
            leaf, self.seq - 1, self.size, path, bytes.fromhex(self.root)
        )


@dataclass(frozen=True)
class Consistency:
    """That the journal of the second head begins with that of the first: nothing was changed, only added."""

    office: str
    first: Head
    second: Head
    path: list[str]

    def holds(self) -> bool:
        """Whether the path leads to both roots."""
        path = [bytes.fromhex(one) for one in self.path]
        roots = bytes.fromhex(self.first.root), bytes.fromhex(self.second.root)
        return merkle.proves_consistency(self.first.size, self.second.size, path, *roots)


def leaf_of(entry: str) -> bytes:
    """The leaf of an entry by its hash in the chain."""
    return merkle.leaf_hash(bytes.fromhex(entry))


def size_of(session: Session, office_id: UUID) -> int:
    """How many entries the tree has grown over."""
    newest = select(func.max(LogNode.position)).where(LogNode.office_id == office_id, LogNode.level == 0)
    last = session.scalar(newest)
    return 0 if last is None else last + 1


def grow(session: Session, office_id: UUID, most: int | None = None) -> int:
    """Let the tree grow over the entries that have come since. Two at once write the same rows once.

    :param most: how many entries at most.
    :returns: over how many it has grown; fewer than there are where an entry does not fit the one before it.
    """
    size = size_of(session, office_id)
    kept = _nodes(session, office_id, merkle.peaks((0, size)))
    tree = Tree(size, list(kept.values()))
    before, rows = journal.hash_at(session, office_id, size), []
    for entry in journal.entries(session, office_id, after=size, most=most):
        if not journal.follows(entry, tree.size + 1, before):
            break
        before = entry.hash
        rows += [
            {"office_id": office_id, "level": level, "position": position, "hash": node}
            for (level, position), node in tree.add(leaf_of(entry.hash))
        ]
        if len(rows) >= _ROWS:
            _write(session, rows)
            rows = []
    _write(session, rows)
    return tree.size - size


def head(session: Session, office_id: UUID, size: int | None = None) -> Head:
    """The head of the journal as it is now, or as it was at ``size``. Lets the tree grow first.

    :raises LogBroken: if the journal cannot be followed so far.
    """
    wanted = journal.length(session, office_id) if size is None else size  # before: what comes now is not meant
    grow(session, office_id)
    if wanted > (grown := size_of(session, office_id)):
        raise LogBroken(grown + 1)
    return Head(wanted, _spans(session, office_id, [(0, wanted)])[0].hex())


def proof_of(session: Session, office_id: UUID, seq: int, size: int) -> Inclusion:
    """That entry ``seq`` is in the tree of the first ``size`` entries.

    :raises LogBroken: if the journal cannot be followed so far.
    :raises ValueError: if there is no such entry in it.
    """
    spans = merkle.inclusion(seq - 1, size)
    whole = head(session, office_id, size)
    entry = session.scalars(select(LogEntry).where(LogEntry.office_id == office_id, LogEntry.seq == seq)).one()
    path = [one.hex() for one in _spans(session, office_id, spans)]
    code = session.get_one(WelfareOffice, office_id).code
    return Inclusion(code, seq, journal.said(entry), entry.hash, size, whole.root, path)


def consistency(session: Session, office_id: UUID, first: int, second: int) -> Consistency:
    """That the journal at ``second`` entries begins with what it was at ``first``.

    :raises LogBroken: if the journal cannot be followed so far.
    :raises ValueError: for an empty first, or a second that is smaller.
    """
    spans = merkle.consistency(first, second)
    later = head(session, office_id, second)
    path = [one.hex() for one in _spans(session, office_id, spans)]
    code = session.get_one(WelfareOffice, office_id).code
    return Consistency(code, head(session, office_id, first), later, path)


def _spans(session: Session, office_id: UUID, spans: list[Span]) -> list[bytes]:
    nodes = _nodes(session, office_id, [place for span in spans for place in merkle.peaks(span)])
    return [merkle.span_hash(span, nodes) for span in spans]


def _nodes(session: Session, office_id: UUID, places: Iterable[Place]) -> dict[Place, bytes]:
    """Kept subtrees, in one question, in the order that was asked for.

    :raises LogBroken: if one is gone, by the first entry below it.
    """
    wanted = list(places)
    if not wanted:
        return {}
    rows = session.execute(
        select(LogNode.level, LogNode.position, LogNode.hash).where(
            LogNode.office_id == office_id, tuple_(LogNode.level, LogNode.position).in_(wanted)
        )
    )
    found = {(level, position): node for level, position, node in rows}
    if gone := [position << level for level, position in wanted if (level, position) not in found]:
        raise LogBroken(min(gone) + 1)
    return {place: found[place] for place in wanted}


def _write(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        session.execute(insert(LogNode).on_conflict_do_nothing(), rows)
