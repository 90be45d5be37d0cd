"""Which format an Accept header asks for (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ibkr_bridge.api.columns.arrow import ArrowWriter, ParquetWriter
from ibkr_bridge.api.columns.text import CsvWriter, JsonWriter, LinesWriter
from ibkr_bridge.api.columns.writer import Writer
from ibkr_bridge.api.errors import problem

FORMATS: Final[Mapping[str, Callable[[], Writer]]] = MappingProxyType(
    {
        "application/json": JsonWriter,
        "application/x-ndjson": LinesWriter,
        "text/csv": CsvWriter,
        "application/vnd.apache.parquet": ParquetWriter,
        "application/vnd.apache.arrow.stream": ArrowWriter,
    }
)
"""The first is told to who has no preference."""


def writer(accept: str) -> Writer | dict[str, object]:
    """The format, or the problem: none that we have is acceptable, or its library is not installed."""
    chosen = _chosen(accept)
    if chosen is None:
        known = ", ".join(FORMATS)
        return problem(406, "format.unknown", f"There are no bars as {accept[:100]}.", advice=f"Accept one of {known}.")
    try:
        return FORMATS[chosen]()
    except ImportError:
        return problem(
            406,
            "format.not_installed",
            f"Bars as {chosen} need the library pyarrow, which this service does not have.",
            advice="Install pyarrow into the environment of the service, or accept text/csv.",
        )


def _chosen(accept: str) -> str | None:
    """The best of ours by the caller's weights; of equal ones the one that he names first."""
    best, name = 0.0, None
    for part in (accept or "*/*").split(","):
        words = [word.strip() for word in part.split(";")]
        weight = _weight(words[1:])
        found = next((known for known in FORMATS if _fits(words[0].lower(), known)), None)
        if found is not None and weight > best:
            best, name = weight, found
    return name


def _fits(wanted: str, known: str) -> bool:
    return wanted in (known, "*/*", f"{known.partition('/')[0]}/*")


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
