"""Rows of a CSV or Parquet file; Parquet needs pyarrow, which is loaded only then."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

Row = Mapping[str, object]
_PARQUET: Final = (".parquet", ".pq")


def rows(path: Path) -> Iterator[Row]:
    """Column names in lower case. Raises OSError, and ValueError for a file that cannot be read."""
    found = _parquet(path) if path.suffix.lower() in _PARQUET else _csv(path)
    for row in found:
        yield {str(name).strip().lower(): value for name, value in row.items() if name}


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _parquet(path: Path) -> Iterator[Row]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise ValueError(f"{path}: Parquet needs pyarrow (pip install pyarrow); CSV needs nothing") from error
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        for batch in parquet.ParquetFile(path).iter_batches():
            yield from batch.to_pylist()
    except import_module("pyarrow").ArrowException as error:
        raise ValueError(f"{path}: {error}") from error
