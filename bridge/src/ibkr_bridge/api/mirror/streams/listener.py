"""What one socket hears and says: the greeting, the heartbeat, and the topics that it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.callers import Caller
from ibkr_bridge.api.mirror.shapes.numbers import milliseconds
from ibkr_bridge.api.mirror.shapes.session import greeting, stream_status
from ibkr_bridge.api.mirror.streams.grammar import Request, names_a_session, parse
from ibkr_bridge.api.mirror.streams.orders import Orders, Trades
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.api.mirror.streams.prices import Prices
from ibkr_bridge.api.mirror.streams.profits import Profits
from ibkr_bridge.config.settings import ApiSettings
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.topics import SESSION
from ibkr_bridge.hub.hub import Hub

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life (Web API v1.0, "WebSockets")."""
TOPICS: Final[Mapping[str, str]] = {
    "smd": "Prices of a contract, from a live line: every field at first, then what has changed, twice a second.",
    "umd": "Ends it.",
    "sor": "Orders: those that live at first, then each change, always as a whole row; also those placed elsewhere.",
    "uor": "Ends it.",
    "str": "Trades: those of the day, then each as it happens, and again with its commission.",
    "utr": "Ends it.",
    "spl": "Profit and loss of every account, once a second at most.",
    "upl": "Ends it.",
    "tic": "Answered once.",
    "ech": "`ech+hb` is answered.",
}
ELSEWHERE: Final[Mapping[str, str]] = {
    "smh": "Ask GET /iserver/marketdata/history.",
    "ssd": "Ask GET /portfolio/{account}/summary.",
    "sld": "Ask GET /portfolio/{account}/ledger.",
    "sbd": "Market depth is not served.",
    "shs": "Options cannot be exercised through this service.",
    "inp": "Options cannot be exercised through this service.",
}
"""IBKR's topics that are not served."""
Act = Callable[[Request], Awaitable[None]]


class Listener:
    """Topics never end by themselves; what this socket holds is given back by `close`."""

    def __init__(self, engine: Engine, hub: Hub, outlet: Outlet, settings: ApiSettings, caller: Caller) -> None:
        self._engine = engine
        self._outlet = outlet
        self._caller = caller
        self._longest = settings.max_body_bytes
        self._leave = hub.tap(SESSION, self._session_changed)
        self._prices = Prices(engine, hub, outlet, settings.ws_subscriptions)
        self._orders, self._trades = Orders(engine, hub, outlet), Trades(engine, hub, outlet)
        self._profits = Profits(engine, hub, outlet)
        self._acts: Mapping[str, Act] = {
            "smd": self._prices.subscribe,
            "umd": self._prices.unsubscribe,
            "sor": self._orders.subscribe,
            "uor": self._orders.unsubscribe,
            "str": self._trades.subscribe,
            "utr": self._trades.unsubscribe,
            "spl": self._profits.subscribe,
            "upl": self._profits.unsubscribe,
            "tic": self._tic,
            "ech": self._echo,
        }

    def begin(self) -> None:
        for frame in greeting(self._engine.health.view(), self._caller.token, self._caller.selected):
            self._outlet.tell(frame)

    async def hear(self, text: str | bytes) -> None:
        """Obey, or say why not; one request after the other."""
        words = text if isinstance(text, str) else text.decode("utf-8", "replace")
        request = parse(words) if len(text) <= self._longest else None
        if request is None or request.topic not in self._acts:
            if not names_a_session(words):
                self._unknown(words, request)
            return
        try:
            await self._acts[request.topic](request)
        except (BridgeError, Refusal) as problem:
            self._outlet.refuse("+".join(filter(None, (request.topic, request.target))), problem)

    async def run(self) -> None:
        """Heartbeat and beats of the topics, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._prices.run(), name="prices of a socket")
            tasks.create_task(self._orders.run(), name="orders of a socket")
            tasks.create_task(self._trades.run(), name="trades of a socket")
            tasks.create_task(self._profits.run(), name="profits of a socket")
            while True:
                await asyncio.sleep(HEARTBEAT)
                self._outlet.tell({"topic": "system", "hb": self._now()})

    async def close(self) -> None:
        self._leave()
        for topic in (self._prices, self._orders, self._trades, self._profits):
            await topic.close()

    def _session_changed(self, message: object) -> None:
        if isinstance(message, Session):
            self._outlet.tell({"topic": "sts", "args": stream_status(message)})

    async def _tic(self, _request: Request) -> None:
        self._outlet.tell({"topic": "tic", "alive": True, "id": self._caller.token, "lastAccessed": self._now()})

    async def _echo(self, _request: Request) -> None:
        self._outlet.tell({"topic": "ech+hb"})

    def _unknown(self, words: str, request: Request | None) -> None:
        told: dict[str, Any] = {"error": f"Topic unknown {words[:60]}", "code": 1}
        advice = ELSEWHERE.get(request.topic) if request is not None else None
        self._outlet.tell(told if advice is None else {**told, "detail": "This topic is not served.", "advice": advice})

    def _now(self) -> int:
        return milliseconds(self._engine.health.view().at)
