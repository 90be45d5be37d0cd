"""Topics of IBKR's own stream: one at IBKR, however many sockets listen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.ports.research import Frame, HearFrame, Research, Topic


@dataclass(slots=True)
class _Line:
    listeners: list[HearFrame] = field(default_factory=list)
    known: Frame | None = None
    """What one who comes later must be told."""


class StreamedTopics:
    def __init__(self, port: Research) -> None:
        self._port = port
        self._lines: dict[Topic, _Line] = {}
        self._turn = asyncio.Lock()

    async def acquire(self, topic: Topic, hear: HearFrame) -> None:
        """`hear` is told each frame, the last known one at once. Pair with `release`.

        Raises NotSupported at a door without IBKR's stream, and BrokerAway.
        """
        async with self._turn:
            line = self._lines.get(topic)
            if line is None:
                line = self._lines[topic] = _Line([hear])
                try:
                    await self._port.open_topic(topic, lambda frame: self._told(topic, frame))
                except (BridgeError, asyncio.CancelledError):
                    self._lines.pop(topic, None)
                    raise
                return
            line.listeners.append(hear)
            if line.known is not None:
                hear(line.known)

    async def release(self, topic: Topic, hear: HearFrame) -> None:
        """The last one who leaves ends it at IBKR."""
        async with self._turn:
            line = self._lines.get(topic)
            if line is None or hear not in line.listeners:
                return
            line.listeners.remove(hear)
            if not line.listeners:
                del self._lines[topic]
                await self._port.close_topic(topic)

    def _told(self, topic: Topic, frame: Frame) -> None:
        """A refusal ends the line: who asks again asks IBKR again."""
        line = self._lines.get(topic)
        if line is None:
            return
        listeners = tuple(line.listeners)
        if "error" in frame:
            del self._lines[topic]
        else:
            line.known = _grown(line.known, frame)
        for hear in listeners:
            hear(frame)


def _grown(known: Frame | None, news: Frame) -> Frame:
    """Bars that are told later join those of the first frame; of anything else the last frame says it all."""
    bars = news.get("data")
    if known is None or not isinstance(bars, list) or not isinstance(known.get("data"), list):
        return news
    by_time = {bar["t"]: bar for bar in (*known["data"], *bars) if isinstance(bar, dict) and "t" in bar}
    return {**known, "data": [by_time[time] for time in sorted(by_time)]}
