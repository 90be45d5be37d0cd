"""Quote lines: topics of the stream, asked for again before they end, and the snapshot where they are silent."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BridgeError, BrokerAway
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Listener, QuoteChanged, QuoteFailed
from ibkr_bridge.upstream.webapi import translate
from ibkr_bridge.upstream.webapi.socket import Message, Say
from ibkr_bridge.upstream.webapi.translate import Row
from ibkr_bridge.upstream.webapi.wire import Wire

log = structlog.get_logger()
_SNAPSHOT: Final = "/iserver/marketdata/snapshot"
_CODES: Final = (*translate.FIELDS, translate.AVAILABILITY)
_TOPIC: Final = json.dumps({"fields": list(_CODES)}, separators=(",", ":"))
_MOST_AT_ONCE: Final = 100
_NOT_SUBSCRIBED: Final = 354
"""IBKR's message code of the same meaning at its other door."""
_BEAT: Final = 0.25


@dataclass(slots=True)
class _Line:
    contract: Contract
    quote: Quote
    renewed: float
    """When its topic was last asked for, in monotonic seconds."""
    ask_at: float | None
    """When the snapshot is asked; None while the stream serves it."""
    asked: bool = False
    """Whether the snapshot has opened a line of its own at IBKR."""


class MarketData:
    def __init__(self, wire: Wire, clock: Clock, emit: Listener, say: Say) -> None:
        self._wire = wire
        self._clock = clock
        self._emit = emit
        self._say = say
        self._lines: dict[int, _Line] = {}
        self._primed: set[int] = set()

    async def open(self, contract: Contract) -> None:
        if not self._wire.open:
            raise BrokerAway("There is no session with IBKR.")
        if contract.conid not in self._lines:
            now = self._clock.monotonic()
            line = _Line(contract, Quote(contract.conid), now, now + self._wire.settings.first_price)
            self._lines[contract.conid] = line
            await self._subscribe(line)

    async def close(self, conid: int) -> None:
        line = self._lines.pop(conid, None)
        if line is None:
            return
        await self._say(f"umd+{conid}+{{}}")
        if line.asked and self._wire.open:
            try:
                await self._wire.write("POST", "/iserver/marketdata/unsubscribe", {"conid": conid}, order=False)
            except BridgeError as problem:
                log.debug("a quote line could not be closed", conid=conid, detail=problem.detail)

    async def resubscribe(self) -> None:
        """On a new stream: IBKR remembers none of the topics."""
        for line in list(self._lines.values()):
            await self._subscribe(line)

    async def prime(self, conid: int) -> None:
        """IBKR previews an order only after it was asked for the contract's prices."""
        if conid in self._primed:
            return
        await self._wire.read(_SNAPSHOT, {"conids": str(conid), "fields": "31"})
        self._primed.add(conid)

    def forget(self) -> None:
        """A new session: IBKR remembers no line."""
        self._primed.clear()
        for line in self._lines.values():
            line.asked = False

    def stream_closed(self) -> None:
        """Until the stream is back prices come by snapshot, and until then they are in doubt."""
        now = self._clock.monotonic()
        for conid, line in self._lines.items():
            line.ask_at = now
            self._emit(QuoteFailed(conid, 0, "The stream of prices broke; they are being asked for.", passing=True))

    async def run(self) -> None:
        """Renew topics, and ask for what the stream does not deliver; until cancelled."""
        while True:
            await self._clock.sleep(_BEAT)
            if self._wire.open:
                now = self._clock.monotonic()
                for line in list(self._lines.values()):
                    if now - line.renewed >= self._wire.settings.topic_renewal:
                        await self._subscribe(line)
                late = [line for line in self._lines.values() if line.ask_at is not None and line.ask_at <= now]
                if late:
                    await self._ask(late[:_MOST_AT_ONCE])

    def hear(self, message: Message) -> None:
        """A frame of a topic `smd+conid`: at first all fields, then what has changed."""
        conid = translate.integer(str(message.get("topic", "")).removeprefix("smd+").partition("@")[0])
        line = self._lines.get(conid)
        if line is None:
            return
        if message.get("error"):
            self._emit(QuoteFailed(conid, translate.integer(message.get("code")), str(message["error"])))
            return
        if self._take(line, message):
            line.ask_at = None

    async def _subscribe(self, line: _Line) -> None:
        line.renewed = self._clock.monotonic()
        await self._say(f"smd+{line.contract.conid}+{_TOPIC}")

    async def _ask(self, lines: list[_Line]) -> None:
        """The first answer about a contract names it, and the next one has its prices."""
        now, settings = self._clock.monotonic(), self._wire.settings
        for line in lines:
            thin = not line.asked or not line.quote.priced
            line.ask_at = now + (settings.step if thin else settings.snapshot_interval)
            line.asked = True
        conids = ",".join(str(line.contract.conid) for line in lines)
        try:
            told = translate.rows(await self._wire.read(_SNAPSHOT, {"conids": conids, "fields": ",".join(_CODES)}))
        except BridgeError as problem:
            log.info("no snapshot of prices", code=problem.code, detail=problem.detail)
            return
        for row in told:
            line_of = self._lines.get(translate.integer(row.get("conid")))
            if line_of is not None:
                self._take(line_of, row)

    def _take(self, line: _Line, row: Row) -> bool:
        """Whether the row had news of prices."""
        changes: dict[str, Any] = dict(translate.quote_changes(row))
        availability = str(row.get(translate.AVAILABILITY) or "")
        if availability.startswith("N"):
            self._emit(QuoteFailed(line.contract.conid, _NOT_SUBSCRIBED, "This market data is not subscribed."))
            return False
        if availability:
            changes["data_type"] = translate.DATA_TYPES.get(availability[0], line.quote.data_type)
        if not changes:
            return False
        line.quote = replace(line.quote, updated_at=self._clock.now(), **changes)
        if line.quote.priced:
            self._emit(QuoteChanged(line.quote))
        return True
