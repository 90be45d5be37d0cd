"""Bars as JSON, as lines of JSON, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from ibkr_bridge.api.columns.rows import COLUMNS, bar_answer
from ibkr_bridge.api.columns.writer import Facts
from ibkr_bridge.api.json import encode
from ibkr_bridge.domain.bars import Bar


class JsonWriter:
    """One object; `bars` stands between what is known before and after them."""

    media_type: Final = "application/json"
    streams: Final = False

    def __init__(self) -> None:
        self._empty = True

    def begin(self, head: Facts) -> bytes:
        return encode(head)[:-1] + b',"bars":['

    def bars(self, bars: Sequence[Bar]) -> bytes:
        if not bars:
            return b""
        comma, self._empty = b"" if self._empty else b",", False
        return comma + encode([bar_answer(bar) for bar in bars])[1:-1]

    def progress(self, facts: Facts) -> bytes:  # noqa: ARG002
        return b""

    def end(self, tail: Facts) -> bytes:
        return b"]," + encode(tail)[1:]

    def failed(self, problem: Facts) -> bytes:  # noqa: ARG002
        return b""


class LinesWriter:
    """NDJSON: a bar is an object with `time`; every other line has one member, which says what it is."""

    media_type: Final = "application/x-ndjson"
    streams: Final = True

    def begin(self, head: Facts) -> bytes:
        return encode({"request": head}) + b"\n"

    def bars(self, bars: Sequence[Bar]) -> bytes:
        return b"".join(encode(bar_answer(bar)) + b"\n" for bar in bars)

    def progress(self, facts: Facts) -> bytes:
        return encode({"progress": facts}) + b"\n"

    def end(self, tail: Facts) -> bytes:
        return encode({"end": tail}) + b"\n"

    def failed(self, problem: Facts) -> bytes:
        return encode({"error": problem}) + b"\n"


class CsvWriter:
    """RFC 4180 with a line of names; what is missing is empty."""

    media_type: Final = "text/csv; charset=utf-8; header=present"
    streams: Final = True

    def begin(self, head: Facts) -> bytes:  # noqa: ARG002
        return ",".join(COLUMNS).encode() + b"\r\n"

    def bars(self, bars: Sequence[Bar]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([_cell(getattr(bar, name)) for name in COLUMNS] for bar in bars)
        return text.getvalue().encode()

    def progress(self, facts: Facts) -> bytes:  # noqa: ARG002
        return b""

    def end(self, tail: Facts) -> bytes:  # noqa: ARG002
        return b""

    def failed(self, problem: Facts) -> bytes:  # noqa: ARG002
        return b""


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)
