"""A simulator for the judges: clients that others wrote, unmodified, over a real socket."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.oauth.registration import Registration, ready_consumer
from ibkr_sim.webapi.settings import WebApiSettings
from tests.coverage.recorder import missing, recorded, write
from tests.foreign.ibind_judge import CONSUMER, OAUTH, WAYS, Judge

TOURS = sorted(path.stem for path in Path(__file__).parent.glob("tour*.py"))
pytest.register_assert_rewrite(*(f"tests.foreign.{name}" for name in ("puppet", *TOURS)))
ACCOUNT = "DU9912345"
AAPL = 265598
CLIENTS = {
    **dict.fromkeys(("test_ib_async_tour", "test_data_ib_async_tour", "test_order_types_ib_async"), "ib_async"),
    **dict.fromkeys(("test_order_types_by_hand", "test_world_ib_async", "test_ib_async_calls"), "ib_async"),
    **dict.fromkeys(("test_ib_insync_tour", "test_data_ib_insync_tour", "test_ib_insync_calls"), "ib_insync"),
    "test_ibapi_calls": "ibapi",
    "test_nautilus_ibapi_tour": "nautilus-ibapi",
    "test_stoqey_tour": "@stoqey/ib",
}
"""Whose tour a file is, of those who come to the TWS door."""


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


@pytest.fixture(autouse=True)
def crossings(request: pytest.FixtureRequest) -> Iterator[None]:
    """What crosses the TWS door in a tour is noted, or compared with what the coverage page claims of the tour."""
    client = CLIENTS.get(request.path.stem)
    if client is None:
        yield
        return
    failed = request.session.testsfailed
    with recorded() as seen:
        yield
    test = request.node.nodeid
    if folder := os.environ.get("IBKR_SIM_CROSSINGS"):
        write(Path(folder), test, client, seen)
    elif request.session.testsfailed == failed:
        assert not missing(test, seen), "docs/reference/simulator-coverage.md claims more than this tour has done"


@pytest.fixture
async def judged() -> AsyncIterator[Judged]:
    """Time stands still, so that what a client was told is still what the books say."""
    opening = SimulatorSettings(
        tws=TwsSettings(port=0, beat=0.02, fundamentals=True),
        control_port=None,
        start=datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
        speed=0,
    )
    async with Simulator(opening) as simulator:
        yield Judged(simulator)


@pytest.fixture(scope="session")
def ibind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """It reads its settings from the environment when it is imported, and writes logs unless told otherwise."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IBIND_LOG_TO_FILE", "false")
        environment.setenv("IBIND_LOG_TO_CONSOLE", "false")
        environment.setenv("IBIND_LOGS_DIR", str(tmp_path_factory.mktemp("ibind")))
        environment.setenv("IBIND_ENV_FILE", str(tmp_path_factory.mktemp("none") / "none.env"))
        yield importlib.import_module("ibind")


@pytest.fixture(scope="session")
def registration() -> Registration:
    return ready_consumer(CONSUMER)


@pytest.fixture
async def open_judge(ibind: Any, registration: Registration) -> AsyncIterator[Callable[[str], Awaitable[Judge]]]:
    settings = SimulatorSettings(
        tws=TwsSettings(port=0),
        webapi=WebApiSettings(
            port=0, auto_login=True, pacing=False, consumers=(registration.consumer,), cadence=0.02, heartbeat=0.2
        ),
        control_port=None,
        start=datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
        speed=0,
    )
    async with Simulator(settings) as simulator:
        opened: list[Judge] = []

        async def open_one(way: str) -> Judge:
            config = None
            if way == OAUTH:
                assert simulator.webapi is not None
                config = importlib.import_module("ibind.oauth.oauth1a").OAuth1aConfig(
                    oauth_rest_url=f"{simulator.webapi.url}/",
                    access_token=registration.access_token,
                    access_token_secret=registration.access_token_secret,
                    consumer_key=CONSUMER,
                    dh_prime=registration.prime,
                    encryption_key=registration.encryption_key,
                    signature_key=registration.signature_key,
                    maintain_oauth=False,
                    shutdown_oauth=False,
                )
            judge = Judge(simulator, way, ibind, config)
            await judge.connect()
            opened.append(judge)
            return judge

        yield open_one
        for judge in opened:
            await asyncio.to_thread(judge.rest.close)


@pytest.fixture(params=WAYS)
async def judge(request: pytest.FixtureRequest, open_judge: Callable[[str], Awaitable[Judge]]) -> Judge:
    return await open_judge(request.param)
