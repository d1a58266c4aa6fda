"""The hash tree of RFC 6962, section 2: what a root says, and the two proofs that need nobody's trust.

A *place* is a complete subtree by its level and its position there: (0, 5) is the sixth leaf, (1, 2) the node over the
leaves 4 and 5. What is complete never changes, so it can be kept; everything else is put together from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Place: TypeAlias = tuple[int, int]
Span: TypeAlias = tuple[int, int]  # the leaves from the first number up to, and without, the second

EMPTY: Final = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of what lies over two subtrees. Its first byte keeps a node from being taken for a leaf."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Tree:
    """A tree that grows leaf by leaf and remembers only the roots of its complete subtrees, the largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> list[tuple[Place, bytes]]:
        """Add a leaf's hash, and return the subtrees that are complete by it, the leaf first."""
        level, position = 0, self.size
        made = [((level, position), leaf)]
        while position % 2:
            leaf = node_hash(self.peaks.pop(), leaf)
            level, position = level + 1, position // 2
            made.append(((level, position), leaf))
        self.peaks.append(leaf)
        self.size += 1
        return made

    def root(self) -> bytes:
        """The hash over all leaves."""
        return _over(self.peaks)


def peaks(span: Span) -> list[Place]:
    """The complete subtrees of a span, the largest first. It begins where a subtree of its size can."""
    begin, end = span
    places = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        places.append((level, begin >> level))
        begin += 1 << level
    return places


def span_hash(span: Span, nodes: Mapping[Place, bytes]) -> bytes:
    """The hash over a span, from its ``peaks`` among ``nodes``."""
    return _over([nodes[place] for place in peaks(span)])


def inclusion(index: int, size: int) -> list[Span]:
    """The spans whose hashes prove that a leaf is in the tree of the first ``size`` leaves, from the leaf upwards.

    :raises ValueError: if that tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("that leaf is not in that tree")
    begin, end, path = 0, size, []
    while end - begin > 1:
        middle = begin + _left_of(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency(first: int, second: int) -> list[Span]:
    """The spans whose hashes prove that the tree of ``second`` leaves only adds to the one of ``first``.

    :raises ValueError: if the first is empty, or larger than the second.
    """
    if not 0 < first <= second:
        raise ValueError("the first tree has a leaf or more, and no more than the second")
    begin, end, path = 0, second, []
    while first != end:
        middle = begin + _left_of(end - begin)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return ([(begin, end)] if begin else []) + path[::-1]


def proves_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` leads from a leaf's hash to the root of a tree of ``size`` leaves (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, reached = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if here % 2 or here == last:
            reached = node_hash(beside, reached)
            here, last = _up_to_a_right_child(here, last)
        else:
            reached = node_hash(reached, beside)
        here, last = here // 2, last // 2
    return last == 0 and reached == root


def proves_consistency(first: int, second: int, path: Sequence[bytes], root: bytes, later_root: bytes) -> bool:
    """Whether ``path`` shows the tree of ``second`` leaves to begin with that of ``first`` (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and root == later_root
    if first & (first - 1) == 0:  # the first tree is complete: the path spares its root
        path = [root, *path]
    if not path:
        return False
    here, last = first - 1, second - 1
    while here % 2:
        here, last = here // 2, last // 2
    reached = later = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if here % 2 or here == last:
            reached, later = node_hash(beside, reached), node_hash(beside, later)
            here, last = _up_to_a_right_child(here, last)
        else:
            later = node_hash(later, beside)
        here, last = here // 2, last // 2
    return last == 0 and reached == root and later == later_root


def _over(hashes: Sequence[bytes]) -> bytes:
    *before, last = hashes or [EMPTY]
    for left in reversed(before):
        last = node_hash(left, last)
    return last


def _left_of(count: int) -> int:
    """How many of ``count`` leaves lie on the left: the largest power of two that leaves something on the right."""
    return 1 << (count - 1).bit_length() - 1


def _up_to_a_right_child(here: int, last: int) -> Place:
    while here and not here % 2:
        here, last = here // 2, last // 2
    return here, last
