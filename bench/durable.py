"""What it costs to keep an order on disk: beside a journal in memory, and beside one fsync of the same disk."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench import past
from bench.http import Http
from bench.processes import Subject, gateway, subject
from bench.report import Report, Row, percentile

_WARM_UP = 30
_ROUNDS = 3
"""Other programs use the same disk: of each figure the middle round counts, and the others are told as its spread."""
_BLOCK = 4096
_UNLIMITED = 100_000
_PLACES = Path(".data/bench")
"""In the checkout: the usual folder for temporary files may be no disk at all."""
_BODY = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "LIMIT", "limit": 100, "tif": "DAY"}
_CALLERS = {1: 1, 10: 3, 100: 7}
"""Callers, and how many times the orders of one they place together."""
_LONG, _SHORT = 1_000_000, 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """One caller's kept-alive connection."""

    http: Http

    async def place(self, client_order_id: str | None = None) -> tuple[float, str]:
        """Milliseconds to the acknowledgement, and the order's id."""
        body: dict[str, Any] = _BODY if client_order_id is None else {**_BODY, "client_order_id": client_order_id}
        began = time.perf_counter()
        status, order = await self.http.call("POST", "/orders", body)
        took = (time.perf_counter() - began) * 1000
        assert status == 201, order
        return took, order["id"]

    async def cycle(self, client_order_id: str | None = None) -> float:
        """Place an order and cancel it again; milliseconds to the acknowledgement of the first."""
        took, order_id = await self.place(client_order_id)
        await self.cancel(order_id)
        return took

    async def cancel(self, order_id: str) -> None:
        status, order = await self.http.call("DELETE", f"/orders/{order_id}")
        assert status in (200, 202), order


@asynccontextmanager
async def _lines(service: Subject, count: int = 1) -> AsyncIterator[list[Line]]:
    async with AsyncExitStack() as stack:
        lines = []
        for _ in range(count):
            http = Http(service.url)
            await http.connect()
            stack.push_async_callback(http.close)
            lines.append(Line(http))
        yield lines


@contextmanager
def _fsync(folder: Path) -> Iterator[Callable[[], float]]:
    """Milliseconds to append a block to a file of that folder and have it on the disk."""
    handle = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def once() -> float:
        began = time.perf_counter()
        os.write(handle, bytes(_BLOCK))
        os.fsync(handle)
        return (time.perf_counter() - began) * 1000

    try:
        yield once
    finally:
        os.close(handle)


@contextmanager
def _place() -> Iterator[Path]:
    _PLACES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=_PLACES) as folder:
        yield Path(folder).absolute()


async def acknowledgement(report: Report, count: int) -> None:
    """An order kept on disk, one kept in memory, and an fsync, in turn."""
    with _place() as folder, _fsync(folder) as fsync:
        async with (
            gateway() as (port, account),
            subject(port, account, folder, budget=_UNLIMITED) as durable,
            subject(port, account, None, client_id=43, budget=_UNLIMITED) as forgetful,
            _lines(durable) as [on_disk],
            _lines(forgetful) as [in_memory],
        ):
            rounds = await _in_rounds(count, lambda: _disk_and_memory(on_disk, in_memory, fsync))
    for share in (50, 99):
        disk, memory, synced = (
            [percentile(column, share) for column in columns] for columns in zip(*rounds, strict=True)
        )
        added = [kept - held for kept, held in zip(disk, memory, strict=True)]
        most = median(synced) + 1
        name = f"durable order to acknowledgement, p{share}"
        report.add(
            _middle(name, "ms", disk, "journal in memory", memory, "one fsync + 1 ms more", met=median(added) <= most)
        )
        name = f"the disk's part of it, p{share}"
        report.add(_middle(name, "ms", added, "one fsync", synced, "one fsync + 1 ms", met=median(added) <= most))


def _middle(
    name: str, unit: str, values: list[float], baseline: str, others: list[float], target: str, *, met: bool
) -> Row:
    """One figure of several rounds."""
    return Row(name, median(values), unit, baseline, median(others), target, met, (min(values), max(values)))


async def _in_rounds(count: int, sample: Callable[[], Awaitable[Sequence[float]]]) -> list[list[list[float]]]:
    """By round and by column."""
    for _ in range(_WARM_UP):
        await sample()
    rounds = []
    for _ in range(_ROUNDS):
        rows = [await sample() for _ in range(count)]
        rounds.append([list(column) for column in zip(*rows, strict=True)])
    return rounds


async def _disk_and_memory(on_disk: Line, in_memory: Line, fsync: Callable[[], float]) -> Sequence[float]:
    return await on_disk.cycle(), await in_memory.cycle(), fsync()


async def _few_and_many(few: Line, many: Line) -> Sequence[float]:
    return await few.cycle(os.urandom(16).hex()), await many.cycle(os.urandom(16).hex())


async def throughput(report: Report, count: int) -> None:
    """Orders from one, ten and a hundred callers at once, kept on disk and in memory."""
    with _place() as folder:
        async with (
            gateway() as (port, account),
            subject(port, account, folder, budget=_UNLIMITED) as durable,
            subject(port, account, None, client_id=43, budget=_UNLIMITED) as forgetful,
        ):
            for callers, times in _CALLERS.items():
                orders = max(1, count * times // callers)
                disk = await _rush(durable, callers, orders)
                memory = await _rush(forgetful, callers, orders)
                report.add(*_rows(callers, disk, memory))
        async with gateway() as (port, account), subject(port, account, folder) as paced:
            rush = await _rush(paced, 10, 20)
    report.add(Row("orders within IBKR's budget, 10 callers", rush.rate, "1/s", "IBKR's messages", 50, "at most 50"))


@dataclass(frozen=True, slots=True)
class Rush:
    rate: float
    samples: list[float]
    writes: float
    """Of the journal, an order."""


async def _rush(service: Subject, callers: int, orders: int) -> Rush:
    """So many orders from each caller, all callers at once."""
    async with _lines(service, callers) as lines:
        before = await service.writes()
        began = time.perf_counter()
        placed = await asyncio.gather(*(_several(line, orders) for line in lines))
        seconds = time.perf_counter() - began
        writes = await service.writes() - before
        await asyncio.gather(*(_clear_away(line, rows) for line, rows in zip(lines, placed, strict=True)))
    samples = [took for rows in placed for took, _order_id in rows]
    return Rush(len(samples) / seconds, samples, writes / len(samples))


async def _several(line: Line, count: int) -> list[tuple[float, str]]:
    return [await line.place() for _ in range(count)]


async def _clear_away(line: Line, placed: list[tuple[float, str]]) -> None:
    for _took, order_id in placed:
        await line.cancel(order_id)


def _rows(callers: int, disk: Rush, memory: Rush) -> Iterator[Row]:
    who = f"{callers} caller{'s' if callers > 1 else ''}"
    yield Row(f"orders kept, {who}", disk.rate, "1/s", "journal in memory", memory.rate)
    for share in (50, 99):
        pair = percentile(disk.samples, share), percentile(memory.samples, share)
        yield Row(f"order kept, {who}, p{share}", pair[0], "ms", "journal in memory", pair[1])
    yield Row(f"journal writes an order, {who}", disk.writes, "", "journal in memory", memory.writes)


async def long_past(report: Report, count: int, long: int = _LONG) -> None:
    """Orders on a journal that holds a thousand orders and on one that holds a million, in turn."""
    with _place() as short_one, _place() as long_one:
        async with gateway() as (port, account):
            await past.write(short_one, account, _SHORT)
            await past.write(long_one, account, long)
            async with (
                subject(port, account, short_one, budget=_UNLIMITED, key=past.KEY) as little,
                subject(port, account, long_one, client_id=43, budget=_UNLIMITED, key=past.KEY) as much,
                _lines(little) as [few],
                _lines(much) as [many],
            ):
                rounds = await _in_rounds(count // 2, lambda: _few_and_many(few, many))
    for share in (50, 99):
        short, longer = ([percentile(column, share) for column in columns] for columns in zip(*rounds, strict=True))
        name, met = f"order on a journal of {long:,}, p{share}", median(longer) <= 1.2 * median(short)
        report.add(_middle(name, "ms", longer, f"of {_SHORT:,}", short, "at most 1.2 times", met=met))
    name = f"start on a journal of {long:,}"
    report.add(Row(name, much.seconds, "s", f"of {_SHORT:,}", little.seconds))
