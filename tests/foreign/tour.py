"""A client on its way through the simulator: what every part of a tour needs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.settings import default_accounts
from ibkr_sim.server import SimulatorSettings
from ibkr_sim.testing.choices import choose
from ibkr_sim.testing.running import RunningSimulator
from tests.foreign.dialects import Dialect
from tests.foreign.puppet import Puppet, agree, made

AAPL, MSFT = 265598, 272093
BEAT = 0.005
"""Real seconds between two looks of the door at the clock, which tours move often."""
VOLUME = 8
"""The kind of a tick of the day's volume."""
Answer = TypeVar("Answer")


def everything(version: int) -> SimulatorSettings:
    """A simulator of all that a trader can ask for at this server version."""
    return quick(choose(version_cap=version, webapi=False, pacing=False, fundamentals=True))


def advisory(version: int) -> SimulatorSettings:
    """A simulator for an advisor with several clients, who has subscribed to no market data."""
    clients = [account.id for account in default_accounts()]
    chosen = choose(version_cap=version, webapi=False, pacing=False, entitled=False, advisor=True, accounts=clients)
    return quick(chosen)


def quick(chosen: SimulatorSettings) -> SimulatorSettings:
    return replace(chosen, tws=replace(chosen.tws, beat=BEAT))


def contract(**changes: object) -> dict[str, object]:
    return made("Contract", **{"symbol": "AAPL", "secType": "STK", "exchange": "SMART", "currency": "USD"} | changes)


def names(known: Contract) -> dict[str, object]:
    """By what every message that names a contract names it."""
    return {
        "conId": known.conid,
        "symbol": known.symbol,
        "secType": known.sec_type,
        "currency": known.currency,
        "localSymbol": known.local_symbol,
        "tradingClass": known.trading_class,
        "strike": known.strike or 0,
    }


def describes(told: Mapping[str, Any], known: Contract) -> None:
    """A contract, as orders, executions and positions name it, is that of the catalogue."""
    agree(told, **names(known))
    assert float(str(told.get("multiplier") or 0)) == float(known.multiplier or 0)
    assert (told.get("right") or "?") == (known.right or "?")
    day = "" if known.expiry is None else f"{known.expiry:%Y%m%d}"
    assert (told.get("lastTradeDateOrContractMonth") or "") == day


@dataclass
class Tour:
    simulator: RunningSimulator
    app: Puppet
    says: Dialect
    version: int
    client_id: int = 1
    witness: int = 0
    """The request of a line of quotes that stays open from the beginning to the end."""
    year: tuple[float, float] = (0.0, 0.0)
    """The lowest and the highest price of 52 weeks that it was told of Microsoft."""
    provoked: set[tuple[int, int]] = field(default_factory=set)
    """Requests and the codes that were expected for them."""
    _next: int = 1000
    _orders: int = 100

    def ask(self, question: Callable[[Exchange], Answer]) -> Answer:
        return self.simulator.ask(question)

    def number(self) -> int:
        self._next += 1
        return self._next

    def next_order(self) -> int:
        """A hundred order ids from this one on are free."""
        self._orders += 100
        return self._orders

    def order(self, kind: str, quantity: int, **changes: object) -> dict[str, object]:
        described = {"action": "BUY", "orderType": kind, "totalQuantity": quantity, "tif": "DAY", "transmit": True}
        return made("Order", **described | {"account": self.simulator.account} | changes)

    async def refused(self, request_id: int, code: int) -> None:
        self.provoked.add((request_id, code))
        await self.app.until(lambda: (request_id, code) in self.says.refusals(self.app), f"{code} for {request_id}")

    async def settled(self) -> None:
        """Until the door has answered what was asked so far."""
        count = len(self.app.heard["currentTime"])
        self.app.reqCurrentTime()
        await self.app.event("currentTime", count=count + 1)

    def describes(self, told: Mapping[str, Any], conid: int) -> None:
        known = self.ask(lambda exchange: exchange.contract(conid))
        assert known is not None
        describes(told, known)

    async def pass_time(self, seconds: float) -> None:
        """Until the client has heard of everything that happened meanwhile."""
        self.simulator.advance(seconds)
        volume = float(self.ask(lambda exchange: exchange.quote(AAPL).volume))
        await self.app.becomes(lambda: self.app.ticks[self.witness].get(VOLUME), volume)
        await asyncio.sleep(2 * BEAT)
        await self.settled()

    async def silent(self, *ids: int) -> None:
        """What was cancelled says nothing more while the market moves, of which another line tells."""
        await self.settled()
        before = self._said_of(ids)
        await self.pass_time(6)
        assert self._said_of(ids) == before

    def _said_of(self, ids: tuple[int, ...]) -> dict[str, int]:
        """How many events about these requests there were, by name."""
        wanted = set(map(str, ids))
        rows = ((name, row) for name, rows in self.app.heard.items() if name not in ("error", "info") for row in rows)
        return Counter(name for name, row in rows if row and str(row[0]) in wanted)


Enter = Callable[[int, int], AbstractAsyncContextManager[Puppet]]
"""Starts a client that connects to a port with a client id."""


@asynccontextmanager
async def travelling(settings: SimulatorSettings, says: Dialect, enter: Enter, client_id: int) -> AsyncIterator[Tour]:
    """A client at a simulator of its own."""
    with RunningSimulator(settings) as simulator:
        async with enter(simulator.port, client_id) as app:
            yield Tour(simulator, app, says, settings.tws.version_cap, client_id)
