"""A simulator for the judges: clients that others wrote, unmodified, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

ACCOUNT = "DU9912345"
AAPL = 265598


class Judged:
    """The simulator under trial, and what its books say."""

    account, conid = ACCOUNT, AAPL

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.port = simulator.tws_port

    @property
    def holding(self) -> tuple[Decimal, Decimal]:
        """Quantity and average cost of AAPL."""
        held = self.simulator.exchange.position(ACCOUNT, AAPL)
        assert held is not None
        return held.quantity, held.average_cost

    @property
    def commissions(self) -> Decimal:
        return sum((charge.amount for _, charge in self.simulator.exchange.executions()), Decimal(0))

    def value(self, key: str) -> Decimal:
        """An amount of the account in its base currency."""
        rows = self.simulator.exchange.account_values(ACCOUNT)
        return Decimal(next(row.value for row in rows if (row.key, row.currency) == (key, "USD")))

    def ask(self) -> float:
        price = self.simulator.exchange.quote(AAPL).ask
        assert price is not None
        return float(price)


@pytest.fixture
async def judged() -> AsyncIterator[Judged]:
    """Time stands still, so that what a client was told is still what the books say."""
    opening = SimulatorSettings(
        tws=TwsSettings(port=0, beat=0.02), control_port=None, start=datetime(2026, 3, 2, 15, 0, tzinfo=UTC), speed=0
    )
    async with Simulator(opening) as simulator:
        yield Judged(simulator)
