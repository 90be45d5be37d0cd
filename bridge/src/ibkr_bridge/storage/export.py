"""The journal as a file for other programs: CSV, or Parquet where pyarrow is installed.

Numbers are written as the text of their exact decimal in both: a fixed precision would lose or invent digits.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import mkstemp

import msgspec

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.storage import codec
from ibkr_bridge.storage.errors import ExportRefused, JournalError
from ibkr_bridge.storage.reader import Reader

_AT_ONCE = 1000

Record = Mapping[str, str | int | None]
Write = Callable[[Sequence[Record]], None]


class Format(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"


class What(StrEnum):
    ORDERS = "orders"
    EVENTS = "events"
    EXECUTIONS = "executions"


_INTEGERS = frozenset({"seq", "conid", "reason_code"})
_CONTRACT = ("conid", "symbol", "sec_type", "exchange", "currency")
COLUMNS: Mapping[What, tuple[str, ...]] = {
    What.ORDERS: (
        *("id", "client_order_id", "status", "account", *_CONTRACT),
        *("side", "qty", "type", "limit", "stop", "tif", "outside_rth", "filled_qty", "remaining_qty"),
        *("avg_fill_price", "commission", "commission_currency", "created_at", "updated_at"),
        *("reason", "reason_code", "broker", "evidence", "terms", "legs"),
    ),
    What.EVENTS: ("seq", "at", "kind", "order_id", "account", "client_order_id", "event", "order"),
    What.EXECUTIONS: (
        *("seq", "exec_id", "corrects", "order_id", "account", *_CONTRACT),
        *("side", "qty", "price", "cum_qty", "avg_price", "at", "commission", "commission_currency", "realized_pnl"),
    ),
}
"""An order has the names it has in every answer; the last four of orders, `event` and `order` hold JSON."""


def export(
    reader: Reader,
    *,
    to: Path,
    what: What = What.ORDERS,
    format: Format = Format.CSV,  # noqa: A002  the word that callers know
) -> int:
    """Write the file, readable for this user alone, and return how many rows it has. Raises JournalError.

    It appears under its name once it is whole. Orders come newest first, events and executions in their order.
    """
    writing = _parquet if format is Format.PARQUET else _csv
    records = _RECORDS[what](reader)
    count = 0
    try:
        with _replacing(to) as path, writing(path, COLUMNS[what]) as write:
            while batch := list(islice(records, _AT_ONCE)):
                write(batch)
                count += len(batch)
    except JournalError:
        raise
    except OSError as problem:
        raise ExportRefused(f"{to} cannot be written: {problem}.", advice="Choose another place.") from problem
    return count


@contextmanager
def _replacing(to: Path) -> Iterator[Path]:
    handle, name = mkstemp(dir=to.absolute().parent, prefix=f".{to.name}.")
    os.close(handle)
    try:
        yield Path(name)
        Path(name).replace(to)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _csv(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    """RFC 4180: comma, quotes where needed, CRLF; what is missing is empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        yield writer.writerows


@contextmanager
def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    """Raises ExportRefused without pyarrow."""
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as problem:
        raise ExportRefused("Parquet needs pyarrow.", advice="Run `pip install pyarrow`, or export CSV.") from problem
    schema = arrow.schema([(name, arrow.int64() if name in _INTEGERS else arrow.string()) for name in columns])
    with parquet.ParquetWriter(str(path), schema) as writer:
        yield lambda records: writer.write_table(arrow.Table.from_pylist(records, schema=schema))


def _orders(reader: Reader) -> Iterator[Record]:
    cursor = None
    while True:
        page = reader.page(None, None, cursor, _AT_ONCE)
        for order in page.orders:
            yield _contract(order.contract) | {
                "id": order.id,
                "client_order_id": order.client_order_id,
                "status": order.status.value,
                "account": order.account,
                "side": order.terms.side.value,
                "qty": _exact(order.terms.qty),
                "type": order.terms.type.value,
                "limit": _exact(order.terms.limit),
                "stop": _exact(order.terms.stop),
                "tif": order.terms.tif.value,
                "outside_rth": "true" if order.terms.outside_rth else "false",
                "filled_qty": _exact(order.filled_qty),
                "remaining_qty": _exact(order.remaining_qty),
                "avg_fill_price": _exact(order.avg_fill_price),
                "commission": _exact(order.commission),
                "commission_currency": order.commission_currency,
                "created_at": codec.moment(order.created_at),
                "updated_at": codec.moment(order.updated_at),
                "reason": order.reason,
                "reason_code": order.reason_code,
                "broker": msgspec.json.encode(order.broker).decode(),
                "evidence": msgspec.json.encode(order.evidence).decode(),
                "terms": msgspec.json.encode(order.terms).decode(),
                "legs": msgspec.json.encode(order.contract.legs).decode(),
            }
        if (cursor := page.next_cursor) is None:
            return


def _events(reader: Reader) -> Iterator[Record]:
    after = 0
    while updates := reader.events(after, _AT_ONCE):
        for update in updates:
            yield {
                "seq": update.seq,
                "at": codec.moment(update.event.at),
                "kind": codec.kind_of(update.event),
                "order_id": update.order.id,
                "account": update.order.account,
                "client_order_id": update.order.client_order_id,
                "event": codec.encode(update.event),
                "order": codec.encode(update.order),
            }
        after = updates[-1].seq


def _executions(reader: Reader) -> Iterator[Record]:
    after = 0
    while found := reader.all_executions(after, _AT_ONCE):
        for execution in found:
            event, commission = execution.event, execution.commission
            yield _contract(event.contract) | {
                "seq": execution.seq,
                "exec_id": event.exec_id,
                "corrects": execution.corrects,
                "order_id": execution.order_id,
                "account": event.account,
                "exchange": event.exchange,
                "side": event.side.value,
                "qty": _exact(event.qty),
                "price": _exact(event.price),
                "cum_qty": _exact(event.cum_qty),
                "avg_price": _exact(event.avg_price),
                "at": codec.moment(event.at),
                "commission": _exact(commission.amount) if commission else None,
                "commission_currency": commission.currency if commission else None,
                "realized_pnl": _exact(commission.realized_pnl) if commission else None,
            }
        after = found[-1].seq


_RECORDS: Mapping[What, Callable[[Reader], Iterator[Record]]] = {
    What.ORDERS: _orders,
    What.EVENTS: _events,
    What.EXECUTIONS: _executions,
}


def _contract(contract: Contract) -> dict[str, str | int | None]:
    return {
        "conid": contract.conid,
        "symbol": contract.symbol,
        "sec_type": contract.sec_type,
        "exchange": contract.exchange,
        "currency": contract.currency,
    }


def _exact(number: Decimal | None) -> str | None:
    """Every digit that was there, and never an exponent."""
    return None if number is None else f"{number:f}"
