"""Two clients that have played the same worlds, beside each other."""

from __future__ import annotations

from collections.abc import Mapping

from faults.books import Wrong
from faults.verdict import Tally

_ROWS = (
    ("orders doubled", (Wrong.DOUBLED,)),
    ("orders lost", (Wrong.LOST,)),
    ("false states and answers", (Wrong.FALSE,)),
    ("fills lost", (Wrong.FILL_LOST,)),
    ("fills doubled", (Wrong.FILL_DOUBLED,)),
    ("unresolved", (Wrong.UNRESOLVED,)),
    ("without consent", (Wrong.CONSENT,)),
    ("stream, journal, world", (Wrong.STREAM, Wrong.JOURNAL, Wrong.LIMITS, Wrong.BROKEN)),
)


def table(tallies: Mapping[str, Tally]) -> str:
    """As text; each column a client."""
    rows = [
        ("", list(tallies)),
        ("seeds", [str(one.seeds) for one in tallies.values()]),
        ("orders asked", [str(one.asked) for one in tallies.values()]),
        *((name, [str(sum(one.wrong[kind] for kind in kinds)) for one in tallies.values()]) for name, kinds in _ROWS),
        ("seeds without fault", [str(one.seeds - one.bad) for one in tallies.values()]),
    ]
    left = max(len(name) for name, _cells in rows)
    right = max(len(cell) for _name, cells in rows for cell in cells)
    return "\n".join(f"{name:<{left}}  {'  '.join(f'{cell:>{right}}' for cell in cells)}" for name, cells in rows)
