"""No step of a submission, and no look of staff, passes the journal by: what the code itself must keep to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("shared", "uploads", "portal", "staff", "config")


def moves(tree: ast.AST) -> Iterator[tuple[ast.Call, bool]]:
    """Each step that is taken, and whether anybody keeps the row."""
    dropped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "move":
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Attribute) and isinstance(first.value, ast.Name) and first.value.id == "State":
                yield node, id(node) not in dropped


def test_whoever_takes_a_step_of_a_submission_keeps_its_row_for_the_journal() -> None:
    found = 0
    forgotten = []
    for room in ROOMS:
        for path in (PROJECT / room).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            for call, kept in moves(ast.parse(source)):
                found += 1
                if not kept or "journal.record_step(" not in source:
                    forgotten.append(f"{path.relative_to(PROJECT)}:{call.lineno}")
    assert found >= 10
    assert forgotten == [], "journal.record_step takes what move returns"
