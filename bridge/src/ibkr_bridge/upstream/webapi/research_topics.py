"""Topics of IBKR's stream that are passed on as they come: bars, summaries and ledgers of accounts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from ibkr_bridge.domain.errors import BrokerAway
from ibkr_bridge.ports.research import HearFrame, Topic
from ibkr_bridge.upstream.webapi.socket import Message, Say
from ibkr_bridge.upstream.webapi.wire import Wire

log = structlog.get_logger()
HISTORY: Final = "smh"
_ENDS: Final = {HISTORY: "umh", "ssd": "usd", "sld": "uld"}


@dataclass(slots=True)
class _Line:
    hear: HearFrame
    server_id: str | None = None
    """IBKR's name for this run of bars: two of one contract are told apart by nothing else."""


class Topics:
    """Bars are asked for one after the other, since an answer names the contract alone."""

    def __init__(self, wire: Wire, say: Say) -> None:
        self._wire = wire
        self._say = say
        self._lines: dict[Topic, _Line] = {}
        self._wanted: asyncio.Queue[Topic] = asyncio.Queue()
        self._asked: Topic | None = None
        self._answered = asyncio.Event()
        self._answer: str | None = None
        """The server id in the answer to what was asked last."""

    async def open(self, topic: Topic, hear: HearFrame) -> None:
        if not self._wire.open:
            raise BrokerAway("There is no session with IBKR.")
        self._lines[topic] = _Line(hear)
        await self._ask(topic)

    async def close(self, topic: Topic) -> None:
        line = self._lines.pop(topic, None)
        if line is None:
            return
        if topic.name != HISTORY:
            await self._say(f"{_ENDS[topic.name]}+{topic.target}+{{}}")
        elif line.server_id is not None:
            await self._say(f"{_ENDS[HISTORY]}+{line.server_id}")

    async def resubscribe(self) -> None:
        """On a new stream: IBKR remembers none of the topics."""
        self._answered.set()
        for topic, line in list(self._lines.items()):
            line.server_id = None
            await self._ask(topic)

    async def run(self) -> None:
        """Ask for bars as they are wanted, until cancelled."""
        while True:
            topic = await self._wanted.get()
            line = self._lines.get(topic)
            if line is None or line.server_id is not None:
                continue
            await self._bars(topic)

    async def _bars(self, topic: Topic) -> None:
        self._asked, self._answer = topic, None
        self._answered.clear()
        try:
            await self._say(f"{topic}+{topic.arguments}")
            async with asyncio.timeout(self._wire.settings.request_timeout):
                await self._answered.wait()
        except TimeoutError:
            self._refused(topic, {"error": "IBKR did not answer.", "code": 504, "topic": str(topic)})
        finally:
            self._asked = None
        if topic not in self._lines:
            await self._give_up()

    async def _give_up(self) -> None:
        """Whoever wanted what was asked last has gone before the answer came."""
        if self._answer is not None:
            await self._say(f"{_ENDS[HISTORY]}+{self._answer}")

    def hear(self, message: Message) -> None:
        """A frame or a refusal, in IBKR's form."""
        name = str(message.get("topic", ""))
        topic = self._bars_of(name, message) if name.startswith(HISTORY) else self._named(name)
        if topic is None:
            log.debug("a frame for nobody", topic=name)
        elif message.get("error"):
            self._refused(topic, message)
        elif (line := self._lines.get(topic)) is not None:
            line.hear(message)

    async def _ask(self, topic: Topic) -> None:
        if topic.name == HISTORY:
            self._wanted.put_nowait(topic)
        else:
            await self._say(f"{topic}+{topic.arguments}")

    def _named(self, name: str) -> Topic | None:
        return next((topic for topic in self._lines if str(topic) == name), None)

    def _bars_of(self, name: str, message: Message) -> Topic | None:
        """By the server id, which the first answer gives."""
        server_id = str(message.get("serverId", ""))
        known = next((topic for topic, line in self._lines.items() if line.server_id == server_id), None)
        asked = self._asked
        if known is not None or asked is None or str(asked) != name:
            return known
        if not message.get("error"):
            self._answer = server_id
            if (line := self._lines.get(asked)) is not None:
                line.server_id = server_id
        self._answered.set()
        return asked

    def _refused(self, topic: Topic, message: Message) -> None:
        line = self._lines.pop(topic, None)
        if line is not None:
            line.hear(message)
