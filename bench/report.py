"""A table for a person, JSON for a program."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `target` is what it should be at most (or at least, where the unit is a rate)."""

    name: str
    value: float
    unit: str
    baseline: str = ""
    baseline_value: float | None = None
    target: str = ""
    met: bool | None = None
    spread: tuple[float, float] | None = None
    """The value in the best and in the worst round, where it is the middle one of several."""

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline_value if self.baseline_value else None


@dataclass(slots=True)
class Report:
    rows: list[Row] = field(default_factory=list)

    def add(self, *rows: Row) -> None:
        self.rows.extend(rows)

    def table(self) -> str:
        head = ("what", "value", "unit", "spread", "baseline", "value", "ratio", "target", "met")
        lines = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[index]) for line in lines) for index in range(len(head))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
        )

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        machine = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
        body = {
            "at": datetime.now(UTC).isoformat(),
            **machine,
            "rows": [{**asdict(row), "ratio": row.ratio} for row in self.rows],
        }
        path.write_text(json.dumps(body, indent=2) + "\n")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        _number(row.value),
        row.unit,
        " to ".join(map(_number, row.spread)) if row.spread else "-",
        row.baseline or "-",
        _number(row.baseline_value),
        _number(row.ratio),
        row.target or "-",
        {True: "yes", False: "NO", None: "-"}[row.met],
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percentile(samples: Sequence[float], share: float) -> float:
    """`share` from 0 to 100."""
    return statistics.quantiles(samples, n=1000, method="inclusive")[min(998, int(share * 10) - 1)]
