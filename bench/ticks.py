"""Ticks decoded a second, from a socket to a quote, beside ib_async's own wrapper on the same bytes."""

from __future__ import annotations

import asyncio
import struct
import time
from contextlib import suppress

import ib_async

from bench.report import Report, Row
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.ports.upstream import QuoteChanged, UpstreamEvent
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.upstream.tws.adapter import TwsUpstream
from ibkr_bridge.upstream.tws.wire import TwsSettings

_LAST = 9999.0
_AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD")


def _frame(*fields: object) -> bytes:
    payload = "".join(f"{text}\0" for text in fields).encode()
    return struct.pack(">I", len(payload)) + payload


class _Source:
    """Just enough of a gateway to greet a client and then pour ticks into it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._serving: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readexactly(4)
            await self._read(reader)
            writer.write(_frame(178, "20260302 15:00:00 UTC"))
            while fields := await self._read(reader):
                if fields[0] == "71":
                    writer.write(_frame(15, 1, "DU9912345") + _frame(9, 1, 1))
                elif fields[0] == "1":
                    await self._pour(writer, fields[2])
        writer.close()

    async def close(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> list[str]:
        (size,) = struct.unpack(">I", await reader.readexactly(4))
        return (await reader.readexactly(size)).decode().split("\0")

    async def _pour(self, writer: asyncio.StreamWriter, number: str) -> None:
        for index in range(0, self._count, 100):
            ticks = (_frame(1, 6, number, 1 + index // 100 % 2, 100 + step / 100, 100, 1) for step in range(100))
            writer.write(b"".join(ticks))
            await writer.drain()
        writer.write(_frame(1, 6, number, 4, _LAST, 100, 0))


async def _ours(port: int) -> float:
    finished = asyncio.Event()
    began = 0.0

    def hear(event: UpstreamEvent) -> None:
        if isinstance(event, QuoteChanged) and event.quote.last is not None and float(event.quote.last) == _LAST:
            finished.set()

    async def admit(_accounts: tuple[str, ...], _our_end: tuple[str, int]) -> None:
        return None

    upstream = TwsUpstream(TwsSettings(port=port), SystemClock(), admit)
    running = asyncio.create_task(upstream.run(hear))
    try:
        async with asyncio.timeout(60):
            while not upstream.session.ready:  # noqa: ASYNC110  a state to look at is all the port offers
                await asyncio.sleep(0.005)
            began = time.perf_counter()
            await upstream.open_quote(_AAPL)
            await finished.wait()
        return time.perf_counter() - began
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _theirs(port: int) -> float:
    ib = ib_async.IB()
    await ib.connectAsync("127.0.0.1", port, clientId=7, timeout=0.5, fetchFields=ib_async.StartupFetchNONE)
    try:
        began = time.perf_counter()
        contract = ib_async.Contract(conId=265598, symbol="AAPL", secType="STK", exchange="SMART", currency="USD")
        ticker = ib.reqMktData(contract)
        async with asyncio.timeout(60):
            while ticker.last != _LAST:
                await ticker.updateEvent
        return time.perf_counter() - began
    finally:
        ib.disconnect()


async def measure(report: Report, count: int) -> None:
    source = _Source(count)
    server = await asyncio.start_server(source.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        ours, theirs = await _ours(port), await _theirs(port)
    finally:
        server.close()
        await source.close()
    report.add(Row("ticks decoded", count / ours, "1/s", "ib_async's wrapper", count / theirs))
