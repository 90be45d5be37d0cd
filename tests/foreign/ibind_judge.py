"""ibind's client as a judge of the Web API's door: its calls, and the books that its answers are compared with."""

from __future__ import annotations

import asyncio
import importlib
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.port import Market
from ibkr_sim.server import Simulator

ACCOUNT, SECOND = "DU9912345", "DU9967890"
AAPL, SPY = 265598, 756733
PATIENCE = 20.0
CONSUMER = "TESTCONS"
GATEWAY, OAUTH = "gateway", "oauth"
WAYS = (GATEWAY, OAUTH)


class Judge:
    """ibind's client, and the books that its answers are compared with. Its calls run in a thread of their own."""

    def __init__(self, simulator: Simulator, way: str, ibind: Any, config: Any) -> None:
        self.simulator, self.way, self.ibind = simulator, way, ibind
        assert simulator.webapi is not None
        self.url = simulator.webapi.url
        self._config = config
        self.rest: Any = None

    @property
    def market(self) -> Market:
        return self.simulator.exchange

    async def connect(self) -> None:
        self.rest = await asyncio.to_thread(self._client)

    async def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        """The data of a call of the client's method of that name."""
        async with asyncio.timeout(PATIENCE):
            result = await asyncio.to_thread(getattr(self.rest, method), *arguments, **options)
        return result.data if hasattr(result, "data") else result

    async def twice(self, method: str, *arguments: Any, **options: Any) -> Any:
        """The second answer: the first is thin."""
        await self.ask(method, *arguments, **options)
        return await self.ask(method, *arguments, **options)

    async def place(self, **changes: Any) -> Any:
        """Every question that ibind knows is answered with yes."""
        definitions = importlib.import_module("ibind.client.ibkr_utils")
        answers = dict.fromkeys(definitions.QuestionType, True)
        fields = {"conid": AAPL, "side": "BUY", "quantity": 10, "order_type": "MKT", "acct_id": ACCOUNT, "tif": "DAY"}
        return await self.ask("place_order", definitions.OrderRequest(**(fields | changes)), answers)

    async def return_tomorrow(self) -> None:
        """A day later every session has ended."""
        self.simulator.clock.advance(timedelta(days=1))
        self.simulator.exchange.advance()
        if self.way == OAUTH:
            await self.ask("oauth_init", maintain_oauth=False, init_brokerage_session=True)
        elif self.simulator.webapi is not None:
            self.simulator.webapi.house.sessions.log_in()

    def order(self, **changes: Any) -> Any:
        definitions = importlib.import_module("ibind.client.ibkr_utils")
        fields = {"conid": AAPL, "side": "BUY", "quantity": 10, "order_type": "MKT", "acct_id": ACCOUNT, "tif": "DAY"}
        return definitions.OrderRequest(**(fields | changes))

    def value(self, key: str, currency: str = "USD") -> float:
        rows = self.market.account_values(ACCOUNT)
        return float(next(row.value for row in rows if (row.key, row.currency) == (key, currency)))

    def price(self, factor: str) -> float:
        ask = self.market.quote(AAPL).ask
        assert ask is not None
        return float((ask * Decimal(factor)).quantize(Decimal("0.01")))

    def _client(self) -> Any:
        oauth = {"use_oauth": True, "oauth_config": self._config} if self._config else {"url": f"{self.url}/"}
        return self.ibind.IbkrClient(account_id=ACCOUNT, auto_register_shutdown=False, **oauth)

    def error(self) -> type[Exception]:
        """What the client raises for an answer with an error."""
        kind: type[Exception] = importlib.import_module("ibind.support.errors").ExternalBrokerError
        return kind


class Sink:
    """Keeps what the WebSocket client hands out, by kind."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._arrived = threading.Condition()

    def emit(self, event: Any) -> None:
        with self._arrived:
            self.events.append(event)
            self._arrived.notify_all()

    def wait(self, kind: str, count: int = 1) -> list[Any]:
        """The events of a kind once there are so many."""

        def found() -> list[Any]:
            return [event for event in self.events if type(event).__name__ == kind]

        with self._arrived:
            assert self._arrived.wait_for(lambda: len(found()) >= count, PATIENCE), kind
            return found()


def keys(text: str) -> set[str]:
    return set(text.split())


def keys_of(value: Any) -> set[str]:
    assert isinstance(value, dict), value
    return set(value)
