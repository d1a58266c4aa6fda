"""RFC 6962: its own example, the vectors of the certificate transparency project, and what must hold for any tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.merkle import (
    EMPTY,
    Place,
    Tree,
    consistency,
    inclusion,
    leaf_hash,
    node_hash,
    peaks,
    proves_consistency,
    proves_inclusion,
    span_hash,
)

# google/certificate-transparency: eight leaves, the root after each, paths and proofs.
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATHS = [
    (0, 1, []),
    (
        *(0, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        *(5, 8),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        *(1, 5),
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
PROOFS = [
    (1, 1, []),
    (
        *(1, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        *(6, 8),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        *(2, 5),
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
SIZES = st.integers(1, 200)


def grown(leaves: list[bytes]) -> tuple[Tree, dict[Place, bytes]]:
    tree = Tree()
    nodes: dict[Place, bytes] = {}
    for leaf in leaves:
        nodes.update(tree.add(leaf))
    return tree, nodes


def some(size: int) -> dict[Place, bytes]:
    return grown([leaf_hash(str(at).encode()) for at in range(size)])[1]


@pytest.mark.parametrize("size", range(9))
def test_the_root_of_the_published_leaves_is_the_published_one(size: int) -> None:
    tree, nodes = grown([leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]])
    assert tree.root().hex() == span_hash((0, size), nodes).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_the_published_paths_are_ours(index: int, size: int, path: list[str]) -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
    ours = [span_hash(span, grown(leaves)[1]) for span in inclusion(index, size)]
    assert [one.hex() for one in ours] == path
    assert proves_inclusion(leaves[index], index, size, ours, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second", "path"), PROOFS)
def test_the_published_proofs_of_consistency_are_ours(first: int, second: int, path: list[str]) -> None:
    nodes = grown([leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES])[1]
    ours = [span_hash(span, nodes) for span in consistency(first, second)]
    assert [one.hex() for one in ours] == path
    assert proves_consistency(first, second, ours, bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second]))


def test_the_example_of_the_rfc() -> None:
    """Section 2.1.3: seven leaves, drawn as a to l."""
    a, b, c, d, e, f, j = ((at, at + 1) for at in range(7))
    g, h, i, k, l = (0, 2), (2, 4), (4, 6), (0, 4), (4, 7)  # noqa: E741  (the RFC's letters)
    assert inclusion(0, 7) == [b, h, l]
    assert inclusion(3, 7) == [c, g, l]
    assert inclusion(4, 7) == [f, j, k]
    assert inclusion(6, 7) == [i, k]
    assert consistency(3, 7) == [c, d, g, l]
    assert consistency(4, 7) == [l]
    assert consistency(6, 7) == [i, j, k]
    assert a == (0, 1)
    assert e == (4, 5)


@given(SIZES, st.data())
def test_every_leaf_is_proven_and_no_other_one(size: int, data: st.DataObject) -> None:
    index, nodes = data.draw(st.integers(0, size - 1)), some(size)
    path, root, leaf = [span_hash(span, nodes) for span in inclusion(index, size)], nodes_root(size), nodes[0, index]
    assert proves_inclusion(leaf, index, size, path, root)
    assert len(path) <= max(1, size - 1).bit_length()
    assert not proves_inclusion(leaf_hash(b"another"), index, size, path, root)
    assert not proves_inclusion(leaf, index, size, [*path, root], root)
    assert not proves_inclusion(leaf, index, size, path, leaf_hash(b"another"))
    for other in range(size):
        assert proves_inclusion(leaf, other, size, path, root) == (other == index)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not proves_inclusion(leaf, index, size, [*path[:at], EMPTY, *path[at + 1 :]], root)
        assert not proves_inclusion(leaf, index, size, path[:-1], root)


@given(SIZES, SIZES, st.data())
def test_every_later_tree_is_proven_to_begin_with_every_earlier_one(one: int, other: int, data: st.DataObject) -> None:
    first, second = sorted((one, other))
    nodes = some(second)
    path = [span_hash(span, nodes) for span in consistency(first, second)]
    root, later = nodes_root(first), nodes_root(second)
    assert proves_consistency(first, second, path, root, later)
    assert not proves_consistency(first, second, path, EMPTY, later)
    assert not proves_consistency(first, second, path, root, EMPTY)
    assert not proves_consistency(first, second, [*path, later], root, later)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not proves_consistency(first, second, [*path[:at], EMPTY, *path[at + 1 :]], root, later)
        assert not proves_consistency(first, second, path[:-1], root, later)


@given(SIZES)
def test_what_a_proof_reads_are_few_complete_subtrees(size: int) -> None:
    wanted = [
        place for span in (*inclusion(size // 2, size), *consistency((size + 1) // 2, size)) for place in peaks(span)
    ]
    assert set(wanted) <= set(some(size))
    assert len(wanted) <= 4 * (size.bit_length() + 1)


def test_a_node_is_never_taken_for_a_leaf() -> None:
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (4, 4)])
def test_nothing_is_proven_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in that tree"):
        inclusion(index, size)
    assert not proves_inclusion(EMPTY, index, size, [], EMPTY)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (2, 1), (-1, 4)])
def test_nothing_is_proven_of_a_tree_that_came_later(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="the first tree"):
        consistency(first, second)
    assert not proves_consistency(first, second, [], EMPTY, EMPTY)


def nodes_root(size: int) -> bytes:
    return span_hash((0, size), some(size))
