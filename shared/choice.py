"""Which lines of the queue are wanted, as words: in an address, in a form, in a list somebody has saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared import queue
from shared.model import DutyKind
from shared.queue import Checked, Scope, Tab, Wanted


def wanted(given: Mapping[str, str]) -> Wanted:
    """What the words ask for; a word that nobody knows (any more) is the usual choice."""
    scope = given.get("scope", "")
    return Wanted(
        scope=Scope(scope) if scope in set(Scope) else Scope.MINE,
        tab=Tab(given["tab"]) if given.get("tab") in set(Tab) else Tab.ALL,
        kind=DutyKind(given["kind"]) if given.get("kind") in set(DutyKind) else None,
        household_id=_id(given.get("household", "")),
        check=Checked(given["check"]) if given.get("check") in set(Checked) else None,
        colleague_id=_id(scope),
        district=given.get("district", "")[: queue.LONGEST],
        sought=given.get("q", "").strip()[: queue.LONGEST],
    )


def words(wanted: Wanted) -> dict[str, Any]:
    """The same choice as words, without those that say the usual."""
    chosen = {
        "scope": str(wanted.colleague_id or wanted.scope.value),
        "tab": wanted.tab.value,
        "kind": wanted.kind.value if wanted.kind else "",
        "household": str(wanted.household_id or ""),
        "district": wanted.district,
        "check": wanted.check.value if wanted.check else "",
        "q": wanted.sought,
    }
    usual = {"scope": Scope.MINE.value, "tab": Tab.ALL.value}
    return {name: value for name, value in chosen.items() if value and value != usual.get(name)}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
