"""The hash tree over an office's journal (RFC 6962): grown beside it, so that a proof reads a few rows of millions.

Nothing here slows the journal down: entries are written without it, and the worker, or whoever wants a head, lets the
tree grow over what has come since. What grows was looked at: an entry that does not fit the chain stops the tree.
Node rows are locked last of all, after the journal: who has let it grow writes no entry in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import LogBroken
from shared.model import MACHINE, LogEntry, LogNode, NumberSeries, TreeHead, WelfareOffice, new_id
from shared.rules import merkle
from shared.rules.merkle import Place, Span, Tree
from shared.rules.tree_head import SignedHead

AT_ONCE: Final = 5_000  # entries in one growth of the worker's, a transaction each
LATE: Final = timedelta(minutes=10)  # the worker lets the tree grow each minute
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


@dataclass(frozen=True)
class Standing:
    """How it stands with an office's journal."""

    entries: int
    signed_at: datetime | None  # when the newest head was signed
    broken_at: int | None  # the first entry that does not fit, of those over which no tree has grown yet


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


def proofs_of(session: Session, office_id: UUID, seqs: Sequence[int]) -> dict[int, Inclusion]:
    """``proof_of`` for several entries in the tree as it is now, in as many questions as for one.

    :raises LogBroken: if the journal cannot be followed so far.
    """
    whole = head(session, office_id)
    spans = {seq: merkle.inclusion(seq - 1, whole.size) for seq in seqs}
    places = {place for path in spans.values() for span in path for place in merkle.peaks(span)}
    nodes = _nodes(session, office_id, places)
    code = session.get_one(WelfareOffice, office_id).code
    found = session.scalars(select(LogEntry).where(LogEntry.office_id == office_id, LogEntry.seq.in_(seqs)))
    return {
        entry.seq: Inclusion(
            code,
            entry.seq,
            journal.said(entry),
            entry.hash,
            whole.size,
            whole.root,
            [merkle.span_hash(span, nodes).hex() for span in spans[entry.seq]],
        )
        for entry in found
    }


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


def standing(session: Session, office_id: UUID) -> Standing:
    """Whether the journal is whole. What the tree has grown over was looked at then; only what came since is read."""
    newest = signed_head(session, office_id)
    broken_at = journal.first_broken(session, office_id, after=size_of(session, office_id))
    return Standing(journal.length(session, office_id), newest.at if newest else None, broken_at)


def is_stuck(session: Session, office_id: UUID) -> bool:
    """Whether the tree has stopped: an entry that should be in it for long is not. One question."""
    newest = select(func.max(LogNode.position)).where(LogNode.office_id == office_id, LogNode.level == 0)
    following = func.coalesce(newest.scalar_subquery(), -1) + 2
    late = LogEntry.at < clock.now() - LATE
    entry = exists().where(LogEntry.office_id == office_id, LogEntry.seq == following, late)
    return bool(session.scalar(select(entry)))


def behind(session: Session) -> list[UUID]:
    """The offices whose journal is longer than its tree."""
    grown = (
        select(func.max(LogNode.position) + 1)
        .where(LogNode.office_id == NumberSeries.office_id, LogNode.level == 0)
        .scalar_subquery()
    )
    journals = NumberSeries.series == "journal", NumberSeries.year == 0
    longer = NumberSeries.next_serial - 1 > func.coalesce(grown, 0)
    return list(session.scalars(select(NumberSeries.office_id).where(*journals, longer)))


def without_head(session: Session, day: date) -> list[tuple[UUID, str]]:
    """The offices, with their codes, that have a journal and no signed head of a day."""
    signed = exists().where(TreeHead.office_id == WelfareOffice.id, TreeHead.day == day)
    begun = exists().where(LogEntry.office_id == WelfareOffice.id)
    rows = session.execute(select(WelfareOffice.id, WelfareOffice.code).where(~signed, begun))
    return [(office_id, code) for office_id, code in rows]


def to_sign(session: Session, office_id: UUID) -> SignedHead:
    """The head of now, as it is signed.

    :raises LogBroken: if the journal cannot be followed to its end.
    """
    now, code = head(session, office_id), session.get_one(WelfareOffice, office_id).code
    return SignedHead(code, clock.today(), now.size, now.root, clock.now().replace(microsecond=0))


def keep(session: Session, office_id: UUID, signed: SignedHead, signature: bytes, key_id: str) -> bool:
    """Keep a signed head, with an entry of the journal. One a day: a second one is thrown away.

    :returns: whether it was the first.
    """
    row = {
        "office_id": office_id,
        "id": new_id(),
        "created_at": clock.now(),
        "day": signed.day,
        "size": signed.size,
        "root": signed.root,
        "at": signed.at,
        "said": signed.text(),
        "signature": signature,
        "key_id": key_id,
    }
    kept = _insert(session)(TreeHead).values(row).on_conflict_do_nothing().returning(TreeHead.id)
    head_id: UUID | None = session.scalar(kept)
    if head_id is None:
        return False
    facts = {"day": signed.day.isoformat(), "size": signed.size, "root": signed.root}
    journal.record(session, office_id, MACHINE, "head.signed", head_id, **facts)
    return True


def signed_head(session: Session, office_id: UUID, day: date | None = None) -> TreeHead | None:
    """The head that was signed on a day, or the newest."""
    heads = select(TreeHead).where(TreeHead.office_id == office_id).order_by(TreeHead.day.desc()).limit(1)
    return session.scalar(heads if day is None else heads.where(TreeHead.day == day))


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
    levels: dict[int, list[int]] = {}
    for level, position in wanted:
        levels.setdefault(level, []).append(position)
    # The whole key in each branch: for pairs, or for the office once, SQLite looks at every row of the office.
    its = (
        and_(LogNode.office_id == office_id, LogNode.level == level, LogNode.position.in_(at))
        for level, at in levels.items()
    )
    rows = session.execute(select(LogNode.level, LogNode.position, LogNode.hash).where(or_(*its)))
    found = {(level, position): node for level, position, node in rows}
    if gone := [position << level for level, position in wanted if (level, position) not in found]:
        raise LogBroken(min(gone) + 1)
    return {place: found[place] for place in wanted}


def _write(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(_insert(session)(LogNode).on_conflict_do_nothing(), rows)


def _insert(session: Session) -> Any:
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
