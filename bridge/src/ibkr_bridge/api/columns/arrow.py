"""Bars as an Arrow stream and as Parquet; pyarrow is loaded when somebody asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib import import_module
from typing import Any, Final

from ibkr_bridge.api.columns.rows import COLUMNS
from ibkr_bridge.api.columns.writer import Facts
from ibkr_bridge.api.json import encode
from ibkr_bridge.domain.bars import Bar

_DIGITS, _PLACES = 38, 12
"""Of exact decimals; what has more places (weighted averages) is rounded to these."""
_SMALLEST: Final = Decimal(1).scaleb(-_PLACES)
_PRICES: Final = ("open", "high", "low", "close", "volume", "wap")


class _Sink:
    """A file that is sent as it is written."""

    closed = False

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._written = 0

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        self._chunks.append(chunk)
        self._written += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """What is written is taken by `take`."""

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)


class _Columns:
    """What both formats share. Raises ImportError without pyarrow."""

    streams: Final = True

    def __init__(self) -> None:
        self._arrow = import_module("pyarrow")
        self._sink = _Sink()
        self._schema: Any = None
        self._writer: Any = None

    def begin(self, head: Facts) -> bytes:
        """What was asked for travels in the schema, as JSON."""
        arrow, price = self._arrow, self._arrow.decimal128(_DIGITS, _PLACES)
        types: Mapping[str, Any] = {"time": arrow.timestamp("us", tz="UTC"), "count": arrow.int64()}
        fields = [(name, types.get(name, price)) for name in COLUMNS]
        self._schema = arrow.schema(fields, metadata={b"ibkr_bridge": encode(head)})
        self._writer = self._opened()
        return self._sink.take()

    def bars(self, bars: Sequence[Bar]) -> bytes:
        if not bars:
            return b""
        arrays = []
        for field in self._schema:
            values = (getattr(bar, field.name) for bar in bars)
            told = [_rounded(value) for value in values] if field.name in _PRICES else list(values)
            arrays.append(self._arrow.array(told, type=field.type))
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        return self._sink.take()

    def progress(self, facts: Facts) -> bytes:  # noqa: ARG002
        return b""

    def end(self, tail: Facts) -> bytes:  # noqa: ARG002
        self._writer.close()
        return self._sink.take()

    def failed(self, problem: Facts) -> bytes:  # noqa: ARG002
        return b""

    def _opened(self) -> Any:
        raise TypeError("a format of its own is needed")


class ArrowWriter(_Columns):
    """The streaming format of Arrow IPC, a batch a part."""

    media_type: Final = "application/vnd.apache.arrow.stream"

    def _opened(self) -> Any:
        return import_module("pyarrow.ipc").new_stream(self._sink, self._schema)


class ParquetWriter(_Columns):
    """A row group a part, and what a reader needs first at the end: a torn file does not open."""

    media_type: Final = "application/vnd.apache.parquet"

    def _opened(self) -> Any:
        return import_module("pyarrow.parquet").ParquetWriter(self._sink, self._schema)


def _rounded(value: Decimal | None) -> Decimal | None:
    exponent = None if value is None else value.as_tuple().exponent
    if value is None or not isinstance(exponent, int) or exponent >= -_PLACES:
        return value
    return value.quantize(_SMALLEST)
