"""The contracts on offer: tables of facts beside this file, and how they are read."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

OWN_CONIDS: Final = range(900_000_001, 900_001_000)
"""Conids of the simulator's own making: the contract is invented, or its real conid is not known for certain."""
Row = Mapping[str, str]


@cache
def table(name: str) -> Sequence[Row]:
    """`contracts`, `futures`, `chains` or `exchanges`; read once."""
    text = files(__package__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def from_file(path: Path) -> Sequence[Row]:
    """Further contracts in the columns of `contracts.csv`; what is left out is empty.

    Raises OSError, and ValueError for a file without the columns that a contract needs.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"symbol", "sec_type", "currency", "exchange", "reference"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path}: no column {', '.join(sorted(missing))}")
        known = table("contracts")[0]
        return [{**dict.fromkeys(known, ""), **{key: row[key] or "" for key in row if key}} for row in reader]
