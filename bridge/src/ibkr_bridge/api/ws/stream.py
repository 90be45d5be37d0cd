"""/ws/stream: quotes, bars as they end, and depth of the contracts that a socket subscribes to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.json import encode
from ibkr_bridge.api.ws.bars import BarLines
from ibkr_bridge.api.ws.channel import Channel, Lines
from ibkr_bridge.api.ws.depth import DepthLines
from ibkr_bridge.api.ws.quotes import QuoteLines
from ibkr_bridge.api.ws.refusals import SocketRefusal
from ibkr_bridge.api.ws.requests import Ping, StreamRequest, checked, opened
from ibkr_bridge.config.settings import ApiSettings
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.hub.subscriber import Subscriber

Act = Callable[[ContractQuery], Awaitable[Contract]]


class Stream:
    """What one socket listens to. Every line it holds is given back by `close`."""

    def __init__(self, engine: Engine, mailbox: Subscriber, settings: ApiSettings) -> None:
        self._engine = engine
        self._mailbox = mailbox
        self._longest = settings.max_body_bytes
        lines: dict[str, Lines] = {
            "quotes": QuoteLines(engine.marketdata),
            "bars": BarLines(engine.bars),
            "depth": DepthLines(engine.research.books),
        }
        self._channels = {name: Channel(of, mailbox, settings.ws_subscriptions) for name, of in lines.items()}

    async def hear(self, text: str | bytes) -> None:
        """Obey a message, or say on the socket why not."""
        found: dict[str, Any] = {}
        try:
            found = opened(text, self._longest)
            if "action" not in found and "type" in found:
                self._pong(checked(Ping, found))
            else:
                await self._obey(checked(StreamRequest, found))
        except BridgeError as error:
            self._complain(error, found.get("symbol"), found.get("id"))

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def _obey(self, request: StreamRequest) -> None:
        channel = self._channels[request.channel]
        act = channel.subscribe if request.action == "subscribe" else channel.unsubscribe
        async with asyncio.TaskGroup() as tasks:
            doing = [tasks.create_task(self._try(act, words, request)) for words in request.contracts()]
        if request.id is not None:
            done = [contract for task in doing if (contract := task.result()) is not None]
            self._say(
                type="ack",
                id=request.id,
                action=request.action,
                contracts=[{"symbol": contract.symbol, "conid": contract.conid} for contract in done],
            )

    async def _try(self, act: Act, words: Words, request: StreamRequest) -> Contract | None:
        try:
            return await act(words.query())
        except (BridgeError, SocketRefusal) as error:
            self._complain(error, words.symbol or words.local_symbol, request.id)
            return None

    def _pong(self, ping: Ping) -> None:
        self._say(type="pong", id=ping.id, timestamp=self._engine.health.view().at)

    def _complain(self, error: BridgeError | SocketRefusal, symbol: object, request_id: object) -> None:
        self._say(
            type="error",
            code=error.code,
            detail=error.detail,
            advice=error.advice,
            retryable=error.retryable,
            symbol=symbol if isinstance(symbol, str) else None,
            id=request_id if isinstance(request_id, str | int) else None,
        )

    def _say(self, **members: object) -> None:
        """An `id` that was not given is not answered."""
        self._mailbox.push(
            encode({name: value for name, value in members.items() if name != "id" or value is not None})
        )
