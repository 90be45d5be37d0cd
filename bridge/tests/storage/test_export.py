"""What is exported reads back as what was kept, to the last digit."""

from __future__ import annotations

import csv
import json
import sys
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ibkr_bridge.storage import codec
from ibkr_bridge.storage.database import Location
from ibkr_bridge.storage.errors import ExportRefused
from ibkr_bridge.storage.export import COLUMNS, Format, What, export
from ibkr_bridge.storage.reader import Reader

MISSING = {None, ""}


def exported(url: str, to: Path, what: What, kind: Format) -> list[dict[str, Any]]:
    reader = Reader(Location.parse(url))
    try:
        count = export(reader, to=to, what=what, format=kind)
    finally:
        reader.close()
    rows = import_module("pyarrow.parquet").read_table(to).to_pylist() if kind is Format.PARQUET else _csv(to)
    assert len(rows) == count
    assert all(tuple(row) == COLUMNS[what] for row in rows)
    return rows


def _csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", list(Format))
async def test_events_read_back_as_the_very_events(
    opened: Any, story: Any, url: str, tmp_path: Path, kind: Format
) -> None:
    journal = await opened(url)
    entries = [*story.filled("mine"), *story.filled("=cmd|' /C calc'!A0, \"quoted\"\nand more")]
    await journal.append(entries)
    rows = exported(url, tmp_path / "events", What.EVENTS, kind)
    assert [int(row["seq"]) for row in rows] == list(range(1, 9))
    assert [codec.event(row["kind"], row["event"]) for row in rows] == [entry.event for entry in entries]
    assert [codec.order(row["order"]) for row in rows] == [entry.order for entry in entries]


@pytest.mark.parametrize("kind", list(Format))
async def test_orders_read_back_with_every_digit(
    opened: Any, story: Any, url: str, tmp_path: Path, kind: Format
) -> None:
    journal = await opened(url)
    life = story.filled("mine")
    await journal.append([*life, story.received(qty="0.00000001000"), story.received(qty="1E+5")])
    large, small, whole = exported(url, tmp_path / "orders", What.ORDERS, kind)
    assert (small["qty"], large["qty"]) == ("0.00000001000", "100000")
    order = life[-1].order
    assert (whole["id"], whole["client_order_id"], whole["status"]) == (order.id, "mine", "filled")
    assert (whole["limit"], whole["avg_fill_price"], whole["commission"]) == ("150.10", "150.0100", "1.00")
    assert whole["created_at"] == codec.moment(order.created_at)
    assert [ids["perm_id"] for ids in json.loads(whole["broker"])] == [ids.perm_id for ids in order.broker]
    assert small["commission"] in MISSING


@pytest.mark.parametrize("kind", list(Format))
async def test_executions_carry_their_commission_and_what_they_correct(
    opened: Any, story: Any, url: str, tmp_path: Path, kind: Format
) -> None:
    journal = await opened(url)
    received = story.received()
    first = story.executed(received, "0000e0d5.6576fd38.01.01", "4")
    other = story.executed(first, "0000e0d5.6576fd39.01.01", "1")
    corrected = story.executed(other, "0000e0d5.6576fd38.01.02", "5")
    await journal.append([received, first, other, corrected, story.commissioned(corrected, "0000e0d5.6576fd38.01.02")])
    rows = exported(url, tmp_path / "executions", What.EXECUTIONS, kind)
    assert [row["exec_id"] for row in rows] == [entry.event.exec_id for entry in (first, other, corrected)]
    assert [row["corrects"] or None for row in rows] == [None, None, first.event.exec_id]
    assert [row["commission"] or None for row in rows] == [None, None, "1.00"]
    assert [Decimal(row["price"]) for row in rows] == [Decimal("150.01")] * 3
    kept = await journal.executions(received.order.id)
    assert [(execution.seq, execution.event) for execution in kept] == [
        (seq, entry.event) for seq, entry in enumerate((first, other, corrected), start=2)
    ]
    assert kept[2].corrects == first.event.exec_id


async def test_an_export_is_for_its_user_alone_and_whole_or_not_there(
    opened: Any, story: Any, sqlite_url: str, tmp_path: Path
) -> None:
    journal = await opened(sqlite_url)
    await journal.append(story.filled())
    to = tmp_path / "orders.csv"
    exported(sqlite_url, to, What.ORDERS, Format.CSV)
    if sys.platform != "win32":
        assert to.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ExportRefused):
        exported(sqlite_url, tmp_path / "no such folder" / "orders.csv", What.ORDERS, Format.CSV)
    assert [path.name for path in tmp_path.glob("*.csv*")] == ["orders.csv"]  # noqa: ASYNC240  nobody else waits


async def test_parquet_without_pyarrow_says_what_to_install(
    opened: Any, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(sqlite_url)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportRefused, match="pyarrow") as refused:
        exported(sqlite_url, tmp_path / "orders", What.ORDERS, Format.PARQUET)
    assert "pip install pyarrow" in refused.value.advice
