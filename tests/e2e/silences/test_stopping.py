"""The service is stopped while it connects: it stops, whatever the gateway is doing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.upstream.tws.adapter import TwsUpstream
from ibkr_bridge.upstream.tws.wire import TwsSettings

MOMENTS = 160
"""At which it is stopped, one after the other: a connection has many steps, and a stop may come between any two."""


async def admit(_accounts: tuple[str, ...], _end: tuple[str, int]) -> None:
    return


@pytest.fixture
async def relay() -> AsyncIterator[int]:
    """A port whose owner ends every connection at once, as a relay does while the gateway behind it is away."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield port


async def test_a_stop_at_any_moment_of_an_attempt_to_connect_is_heeded(relay: int) -> None:
    settings = TwsSettings(port=relay, retry_first=0.001, retry_most=0.001, connect_timeout=0.5)
    for moment in range(MOMENTS):
        running = asyncio.create_task(TwsUpstream(settings, SystemClock(), admit).run(lambda _event: None))
        for _step in range(moment % 40):
            await asyncio.sleep(0)
        await asyncio.sleep(moment / MOMENTS / 100)
        running.cancel()
        done, _running = await asyncio.wait({running}, timeout=5)
        assert done, f"stopped at moment {moment}, it goes on"
