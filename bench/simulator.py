"""The simulator: quotes to one client and to 32, orders through matching, what orders weigh, how soon it is there."""

from __future__ import annotations

import argparse
import asyncio
import gc
import heapq
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.processes import resident_megabytes
from bench.report import Report, Row
from ibkr_sim.clock import Clock
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import OrderRequest, Side
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

_OPENING = datetime(2026, 3, 2, 15, tzinfo=UTC)
_ACCOUNT, _AAPL = "DU9912345", 265598
_STEP = timedelta(milliseconds=250)
_SECONDS = 2.0
"""Of each pouring."""
_CONTRACTS = 20
_CROWD = 32
_HEAP = 100_000
_MATCHED = 10_000
_ROUNDS = 5
_STARTS = 7
_PATIENCE = 60.0
_TICK = b"\x00\x00\x00\x19" + b"1\x006\x001\x002\x00270.01\x00300\x001\x00".ljust(25, b"\x00")
"""As long as a tickPrice."""

Pour = Callable[[float], Awaitable[None]]


async def measure(report: Report, orders: int = _HEAP) -> None:
    for clients in (1, _CROWD):
        async with _simulated() as (port, conids, pour):
            told = await _rate(port, clients, conids, pour)
        async with _raw() as (port, pour):
            bare = await _rate(port, clients, (), pour)
        crowd = "one client" if clients == 1 else f"{clients} clients"
        report.add(Row(f"simulator: quote messages to {crowd}", told, "per s", "raw socket writes", bare))
    told, bare = (statistics.median(one() for _ in range(_ROUNDS)) for one in (_matching, _heap))
    report.add(Row("simulator: orders through matching", told, "per s", "a heap of prices alone", bare))
    await _memory(report, orders)
    await _starts(report)


# --- quotes


@asynccontextmanager
async def _simulated() -> AsyncIterator[tuple[int, Sequence[int], Pour]]:
    """Time is moved as fast as the exchange can follow it."""
    settings = TwsSettings(port=0, most_messages=0, beat=60)
    async with Simulator(SimulatorSettings(tws=settings, control_port=None, start=_OPENING, speed=0)) as simulator:
        stocks = simulator.exchange.find_contracts(sec_type="STK", currency="USD")[:_CONTRACTS]

        async def pour(seconds: float) -> None:
            guests, end = len(simulator.door.guests), time.perf_counter() + seconds
            while time.perf_counter() < end:
                simulator.clock.advance(_STEP)
                simulator.exchange.advance()
                await asyncio.sleep(0)
            assert len(simulator.door.guests) == guests, "a client was too slow and is gone"

        yield simulator.tws_port, [contract.conid for contract in stocks], pour


@asynccontextmanager
async def _raw() -> AsyncIterator[tuple[int, Pour]]:
    """Just enough of a gateway to be taken for one, and then nothing but writes."""
    writers: list[asyncio.StreamWriter] = []

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4 + 4 + len("v157..178"))
        writer.write(b"\x00\x00\x00\x08178\x00now\x00")
        writers.append(writer)

    async def pour(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for writer in writers:
                for _ in range(100):
                    writer.write(_TICK)
                await writer.drain()

    server = await asyncio.start_server(admit, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], pour
    finally:
        for writer in writers:
            writer.close()
        server.close()


async def _rate(port: int, clients: int, conids: Sequence[int], pour: Pour) -> float:
    """Messages a second that have arrived in a process of their own, all clients together."""
    async with _crowd(port, clients, conids) as count:
        await pour(0.2)
        before, began = await count(), time.perf_counter()
        await pour(_SECONDS)
        arrived, latest = 0, -1
        while latest != arrived:
            latest, arrived = arrived, await count() - before
            took = time.perf_counter() - began
            await asyncio.sleep(0.02)
        return arrived / took


@asynccontextmanager
async def _crowd(port: int, clients: int, conids: Sequence[int]) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    arguments = ("-m", "bench.crowd", str(port), str(clients), *map(str, conids))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    told = process.stdout

    async def count() -> int:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        async with asyncio.timeout(_PATIENCE):
            return int(await told.readline())

    try:
        async with asyncio.timeout(_PATIENCE):
            assert await told.readline() == b"ready\n"
        yield count
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()


# --- orders


def _exchange() -> Exchange:
    exchange = Exchange(ExchangeSettings(), Clock(_OPENING, 0))
    exchange.quote(_AAPL)
    return exchange


def _matching() -> float:
    """Pairs that meet each other inside the spread: one is booked, the next one trades with it."""
    exchange = _exchange()
    price = exchange.quote(_AAPL).bid
    sell = OrderRequest(_ACCOUNT, _AAPL, Side.SELL, Decimal(1), "LMT", limit_price=price)
    buy = replace(sell, side=Side.BUY)
    began = time.perf_counter()
    for _ in range(_MATCHED // 2):
        exchange.place(buy)
        exchange.place(sell)
    took = time.perf_counter() - began
    assert len(exchange.executions()) >= _MATCHED // 2
    return _MATCHED / took


def _heap() -> float:
    book: list[tuple[Decimal, int]] = []
    prices = [Decimal(10_000 + number % 500) / 100 for number in range(_MATCHED)]
    began = time.perf_counter()
    for number, price in enumerate(prices):
        heapq.heappush(book, (price, number))
    while book:
        heapq.heappop(book)
    return _MATCHED / (time.perf_counter() - began)


async def _memory(report: Report, orders: int) -> None:
    """In a process of its own, which has no other past."""
    command = (sys.executable, "-m", "bench.simulator", str(orders))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), 10 * _PATIENCE)
    told = json.loads(output)
    if told["exchange"] is not None:
        name = f"simulator: memory of {orders:,} working orders"
        report.add(Row(name, told["exchange"], "MB", "the requests alone", told["requests"]))
    report.add(Row(f"simulator: orders placed, up to {orders:,} working", told["rate"], "per s"))


def _weigh(orders: int) -> None:
    exchange, empty = _exchange(), resident_megabytes(os.getpid())
    requests = [
        OrderRequest(
            *(_ACCOUNT, _AAPL, Side.BUY, Decimal(1), "LMT"),
            limit_price=Decimal(10_000 + number % 500) / 100,
            client_id=1,
            order_id=number + 1,
        )
        for number in range(orders)
    ]
    gc.collect()
    bare = resident_megabytes(os.getpid())
    began = time.perf_counter()
    for request in requests:
        exchange.place(request)
    took = time.perf_counter() - began
    full = resident_megabytes(os.getpid())
    assert len(exchange.open_orders()) == orders
    row = {"exchange": _more(full, empty), "requests": _more(bare, empty), "rate": orders / took}
    sys.stdout.write(f"{json.dumps(row)}\n")


def _more(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


# --- start


async def _starts(report: Report) -> None:
    """From the command until somebody is served; beside it an interpreter that has nothing to do."""
    closed, opened = ("--no-webapi",), ("--webapi-port=0",)
    for what, doors, served, goal in (
        ("TWS client served", closed, _tws_serves, 0.5),
        ("TWS client served, both doors", opened, _tws_serves, 0.5),
        ("Web API answers", opened, _webapi_answers, None),
    ):
        seconds = [await _until_served(doors, served) for _ in range(_STARTS)]
        python = [await _until_empty() for _ in range(_STARTS)]
        middle = statistics.median(seconds)
        report.add(
            Row(
                *(f"simulator: start, {what}", middle, "s", "python -c pass", statistics.median(python)),
                target="" if goal is None else f"below {goal} s",
                met=None if goal is None else middle < goal,
                spread=(min(seconds), max(seconds)),
            )
        )


async def _until_served(doors: Sequence[str], served: Callable[[dict[str, int]], Awaitable[None]]) -> float:
    options = ("--tws-port=0", "--control-port=0", *doors, "--ready-json", "--exit-with-parent")
    began, pipe = time.perf_counter(), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ibkr_sim", "serve", *options), stdin=pipe, stdout=pipe, cwd=Path(__file__).parents[1]
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE):
        await served(json.loads(await process.stdout.readline()))
        took = time.perf_counter() - began
        process.stdin.close()
        await process.wait()
    return took


async def _tws_serves(ready: dict[str, int]) -> None:
    """The accounts are told to a client that has begun its session."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ready["tws_port"])
    writer.write(b"API\0" + _framed(b"v157..178") + _framed(b"71\x002\x001\x00\x00"))
    await reader.readuntil(_ACCOUNT.encode())
    writer.close()


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


async def _webapi_answers(ready: dict[str, int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ready["webapi_port"])
    writer.write(b"GET /v1/api/iserver/auth/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"HTTP/1.1 200 OK\r\n")
    writer.close()


async def _until_empty() -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
    await asyncio.wait_for(process.wait(), _PATIENCE)
    return time.perf_counter() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What working orders weigh, as JSON.")
    parser.add_argument("orders", type=int)
    _weigh(parser.parse_args().orders)
