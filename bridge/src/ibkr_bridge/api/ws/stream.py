"""/ws/stream: quotes, bars as they end, and depth of the contracts that a socket subscribes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

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
_WAITING: Final = 200
"""Contracts of one socket under way; with more of them it is not read on."""
_AT_ONCE: Final = 10
"""Of these, how many are asked for: the others wait where no deadline runs."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What has been done of a request so far."""

    request: StreamRequest
    asked: Sequence[Words]
    done: dict[Words, Contract | None] = field(default_factory=dict)


@asynccontextmanager
async def streaming(engine: Engine, mailbox: Subscriber, settings: ApiSettings) -> AsyncIterator[Stream]:
    """What one socket listens to; at the end every line is given back."""
    async with asyncio.TaskGroup() as tasks:
        stream = Stream(engine, mailbox, settings, tasks)
        try:
            yield stream
        finally:
            await stream.close()


class Stream:
    """Reads on while subscriptions are under way; what concerns one contract is done in the order of arrival."""

    def __init__(self, engine: Engine, mailbox: Subscriber, settings: ApiSettings, tasks: asyncio.TaskGroup) -> None:
        self._engine = engine
        self._tasks = tasks
        self._doing: dict[asyncio.Task[None], str] = {}
        """By what they do."""
        self._mailbox = mailbox
        self._longest = settings.max_body_bytes
        lines: dict[str, Lines] = {
            "quotes": QuoteLines(engine.marketdata),
            "bars": BarLines(engine.bars),
            "depth": DepthLines(engine.research.books),
        }
        turns, most = asyncio.Semaphore(_AT_ONCE), settings.ws_subscriptions
        self._channels = {name: Channel(of, mailbox, most, turns) for name, of in lines.items()}

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
        """What gives lines back is not cut short."""
        for task, action in self._doing.items():
            if action == "subscribe":
                task.cancel()
        if self._doing:
            await asyncio.wait(self._doing)
        for channel in self._channels.values():
            await channel.close()

    async def _obey(self, request: StreamRequest) -> None:
        """Begin what is asked; wait only while too much is under way."""
        while len(self._doing) >= _WAITING:
            await asyncio.wait(self._doing, return_when=asyncio.FIRST_COMPLETED)
        channel = self._channels[request.channel]
        act = channel.subscribe if request.action == "subscribe" else channel.unsubscribe
        asked = request.contracts()
        answer = _Answer(request, asked)
        for words in asked:
            task = self._tasks.create_task(self._do(act, words, answer))
            self._doing[task] = request.action
            task.add_done_callback(self._doing.pop)

    async def _do(self, act: Act, words: Words, answer: _Answer) -> None:
        """The last one of a request answers it, before anybody who waits for it goes on."""
        request = answer.request
        answer.done[words] = await self._try(act, words, request)
        if len(answer.done) == len(answer.asked) and request.id is not None:
            done = [contract for words in answer.asked if (contract := answer.done[words]) is not None]
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
