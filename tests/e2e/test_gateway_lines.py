"""Lines at the gateway while the message budget is used up: who gives up, or is closed, leaves none behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from ib_async.client import Client
from ib_async.wrapper import Wrapper

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.upstream.pacing import Pacer
from ibkr_bridge.upstream.tws.lines import Line, Lines
from ibkr_bridge.upstream.tws.wire import TwsSettings, Wire
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings

CONTRACT = Contract(265598, "AAPL", "STK", "SMART", "USD")


class Told:
    """What was asked for and ended at the gateway, and the lines it was asked for."""

    def __init__(self, wire: Wire, pacer: Pacer) -> None:
        self.asked: list[int] = []
        self.ended: list[int] = []
        self.pacer = pacer
        self.wire = wire
        self.lines: Lines[Line] = Lines(
            wire, lambda _, line: self.asked.append(line.number), lambda _, line: self.ended.append(line.number)
        )


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    settings = SimulatorSettings(tws=DoorSettings(port=0), control_port=None)
    async with Simulator(settings) as simulator:
        pacer = Pacer(window=0.2)
        wire = Wire(TwsSettings(port=simulator.tws_port), pacer)
        client = Client(Wrapper(ib=None))  # type: ignore[arg-type]
        await client.connectAsync("127.0.0.1", simulator.tws_port, clientId=1, timeout=5)
        wire.attach(client)
        yield Told(wire, pacer)
        pacer.close()
        client.disconnect()


async def test_one_who_gives_up_leaves_no_line_that_was_never_asked_for(told: Told) -> None:
    told.pacer.fill()
    opening = asyncio.create_task(told.lines.open(1, Line(CONTRACT)))
    await asyncio.sleep(0.01)
    opening.cancel()
    await asyncio.wait([opening])
    assert 1 not in told.lines
    await told.lines.open(1, Line(CONTRACT))
    assert len(told.asked) == 1


async def test_a_line_that_is_closed_while_it_waits_is_not_asked_for(told: Told) -> None:
    told.pacer.fill()
    opening = asyncio.create_task(told.lines.open(1, Line(CONTRACT)))
    await asyncio.sleep(0.01)
    await told.lines.close(1)
    await opening
    assert (told.asked, told.ended) == ([], [])


async def test_on_a_new_connection_every_line_is_asked_for_under_a_new_number(told: Told) -> None:
    line = Line(CONTRACT)
    await told.lines.open(1, line)
    first = line.number
    told.wire.attach(told.wire.client)
    await told.lines.restore()
    assert told.asked == [first, line.number]
    assert (told.lines.get(first), told.lines.get(line.number)) == (None, line)
