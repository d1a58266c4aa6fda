"""One figure of ours beside its bare limit, and the table of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "var" / "bench"


@dataclass(frozen=True)
class Figure:
    """``ours`` and ``beside`` in the unit the name says; ``goal`` is read as "ratio at least" or "ratio at most"."""

    name: str
    ours: float
    beside: float
    goal: str  # ">= 0.7", "<= 1.3", or "" where there is none

    @property
    def ratio(self) -> float:
        return self.ours / self.beside if self.beside else 0.0

    @property
    def holds(self) -> bool | None:
        if not self.goal:
            return None
        sign, bound = self.goal.split()
        return self.ratio >= float(bound) if sign == ">=" else self.ratio <= float(bound)


def show(name: str, figures: Sequence[Figure]) -> None:
    """Print the table and write it to ``var/bench/NAME.json``."""
    width = max(len(figure.name) for figure in figures)
    print(f"{'':{width}}  {'ours':>10}  {'beside':>10}  {'ratio':>6}  goal")
    for figure in figures:
        said = {None: "", True: "holds", False: "MISSED"}[figure.holds]
        print(
            f"{figure.name:{width}}  {figure.ours:10.2f}  {figure.beside:10.2f}  {figure.ratio:6.2f}"
            f"  {figure.goal:8}{said}"
        )
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(figure), "ratio": round(figure.ratio, 3), "holds": figure.holds} for figure in figures]
    (FOLDER / f"{name}.json").write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
