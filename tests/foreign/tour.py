"""A client on its way through the simulator: what every part of a tour needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.testing.running import RunningSimulator
from tests.foreign.dialects import Dialect
from tests.foreign.puppet import Puppet, made

AAPL = 265598
Answer = TypeVar("Answer")


def contract(**changes: object) -> dict[str, object]:
    return made("Contract", **{"symbol": "AAPL", "secType": "STK", "exchange": "SMART", "currency": "USD"} | changes)


@dataclass
class Tour:
    simulator: RunningSimulator
    app: Puppet
    says: Dialect
    version: int
    _next: int = 1000

    def ask(self, question: Callable[[Exchange], Answer]) -> Answer:
        return self.simulator.ask(question)

    def number(self) -> int:
        self._next += 1
        return self._next

    def order(self, kind: str, quantity: int, **changes: object) -> dict[str, object]:
        described = {"action": "BUY", "orderType": kind, "totalQuantity": quantity, "tif": "DAY", "transmit": True}
        return made("Order", **described | {"account": self.simulator.account} | changes)

    async def refused(self, request_id: int, code: int) -> None:
        await self.app.until(lambda: (request_id, code) in self.says.refusals(self.app), f"{code} for {request_id}")

    async def settled(self) -> None:
        """Until the door has answered what was asked so far."""
        count = len(self.app.heard["currentTime"])
        self.app.reqCurrentTime()
        await self.app.event("currentTime", count=count + 1)
