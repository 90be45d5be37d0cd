"""What one socket hears and says: the greeting, the heartbeat, and the topics that it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.callers import Caller
from ibkr_bridge.api.mirror.shapes.numbers import milliseconds
from ibkr_bridge.api.mirror.shapes.session import greeting, stream_status
from ibkr_bridge.api.mirror.streams.depth import Depth
from ibkr_bridge.api.mirror.streams.grammar import Request, names_a_session, parse
from ibkr_bridge.api.mirror.streams.histories import Histories
from ibkr_bridge.api.mirror.streams.orders import Orders, Trades
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.api.mirror.streams.prices import Prices
from ibkr_bridge.api.mirror.streams.profits import Profits
from ibkr_bridge.api.mirror.streams.statements import Statements, ledger_rows, summary_rows
from ibkr_bridge.config.settings import ApiSettings
from ibkr_bridge.domain.errors import BridgeError, NotSupported
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
    "ssd": "Summary of an account: IBKR's own rows at the Web API, the engine's figures at TWS.",
    "usd": "Ends it.",
    "sld": "Ledger of an account, as above; at TWS of the base currency alone.",
    "uld": "Ends it.",
    "smh": "Bars of a contract, at first all, then what has changed: one run at IBKR; at TWS from the engine.",
    "umh": "Ends the run with that serverId, which is the socket's own.",
    "sbd": "Depth of the book as a ladder of prices, whole each time it has changed, twice a second.",
    "ubd": "Ends every book of the account.",
    "tic": "Answered once.",
    "ech": "`ech+hb` is answered.",
}
ELSEWHERE: Final[Mapping[str, str]] = {
    "shs": "Exercising an option makes a position that no guard has judged; do it in TWS or on IBKR's pages.",
    "inp": "As above.",
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
        self._summaries = Statements(engine, outlet, "ssd", "summary", summary_rows)
        self._ledgers = Statements(engine, outlet, "sld", "ledger", ledger_rows)
        self._histories, self._depth = Histories(engine, outlet), Depth(engine, hub, outlet)
        self._acts: Mapping[str, Act] = {
            "smd": self._prices.subscribe,
            "umd": self._prices.unsubscribe,
            "sor": self._orders.subscribe,
            "uor": self._orders.unsubscribe,
            "str": self._trades.subscribe,
            "utr": self._trades.unsubscribe,
            "spl": self._profits.subscribe,
            "upl": self._profits.unsubscribe,
            "ssd": self._summaries.subscribe,
            "usd": self._summaries.unsubscribe,
            "sld": self._ledgers.subscribe,
            "uld": self._ledgers.unsubscribe,
            "smh": self._histories.subscribe,
            "umh": self._histories.unsubscribe,
            "sbd": self._depth.subscribe,
            "ubd": self._depth.unsubscribe,
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
            tasks.create_task(self._summaries.run(), name="summaries of a socket")
            tasks.create_task(self._ledgers.run(), name="ledgers of a socket")
            tasks.create_task(self._histories.run(), name="bars of a socket")
            tasks.create_task(self._depth.run(), name="books of a socket")
            while True:
                await asyncio.sleep(HEARTBEAT)
                self._outlet.tell({"topic": "system", "hb": self._now()})

    async def close(self) -> None:
        self._leave()
        for topic in (
            *(self._prices, self._orders, self._trades, self._profits),
            *(self._summaries, self._ledgers, self._histories, self._depth),
        ):
            await topic.close()

    def _session_changed(self, message: object) -> None:
        if isinstance(message, Session):
            self._outlet.tell({"topic": "sts", "args": stream_status(message)})

    async def _tic(self, _request: Request) -> None:
        self._outlet.tell({"topic": "tic", "alive": True, "id": self._caller.token, "lastAccessed": self._now()})

    async def _echo(self, _request: Request) -> None:
        self._outlet.tell({"topic": "ech+hb"})

    def _unknown(self, words: str, request: Request | None) -> None:
        advice = ELSEWHERE.get(request.topic) if request is not None else None
        if request is None or advice is None:
            self._outlet.tell({"error": f"Topic unknown {words[:60]}", "code": 1})
        else:
            refusal = Refusal(500, "unable to subscribe", code=NotSupported.code, advice=advice)
            self._outlet.refuse("+".join(filter(None, (request.topic, request.target))), refusal)

    def _now(self) -> int:
        return milliseconds(self._engine.health.view().at)
