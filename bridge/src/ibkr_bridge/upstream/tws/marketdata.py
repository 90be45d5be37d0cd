"""Quote lines: ticks gathered into one quote a line, told once a network packet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from ib_async.client import Client

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.ports.upstream import Listener, QuoteChanged, QuoteFailed
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.codes import Code, Effect
from ibkr_bridge.upstream.tws.lines import Line, Lines
from ibkr_bridge.upstream.tws.numbers import decimal
from ibkr_bridge.upstream.tws.wire import Wire

PRICES: Final[Mapping[int, tuple[str, str | None]]] = {
    1: ("bid", "bid_size"),
    2: ("ask", "ask_size"),
    4: ("last", "last_size"),
    6: ("high", None),
    7: ("low", None),
    9: ("close", None),
    14: ("open", None),
    66: ("bid", "bid_size"),
    67: ("ask", "ask_size"),
    68: ("last", "last_size"),
    72: ("high", None),
    73: ("low", None),
    75: ("close", None),
    76: ("open", None),
}
"""TWS API, "Available Tick Types": 66 to 76 are the delayed ones."""
SIZES: Final[Mapping[int, str]] = {
    0: "bid_size",
    3: "ask_size",
    5: "last_size",
    8: "volume",
    69: "bid_size",
    70: "ask_size",
    71: "last_size",
    74: "volume",
}

NO_QUOTE: Final = -1.0
"""IBKR writes "no quote" as the price -1 (TWS API, "Tick Types")."""


@dataclass(slots=True)
class _Line(Line):
    quote: Quote
    refused: bool = field(default=False, init=False)
    """Since its last tick: what farm is up says nothing of it."""


class MarketData:
    def __init__(self, wire: Wire, now: Callable[[], datetime], emit: Listener) -> None:
        self._wire = wire
        self._now = now
        self._emit = emit
        self._lines = Lines(wire, _ask, _end)
        self.reroute = self._lines.reroute
        self.run = self._lines.run
        self._broken: dict[str, QuoteFailed] = {}
        """Farms that are down, by name."""
        self._news: defaultdict[int, dict[str, float | None]] = defaultdict(dict)

    async def open(self, contract: Contract) -> None:
        """One line a contract: two share their ticks in IBKR's eyes, and the second would never end."""
        if contract.conid not in self._lines:
            await self._lines.open(contract.conid, _Line(contract, Quote(contract.conid)))

    async def close(self, conid: int) -> None:
        await self._lines.close(conid)

    def begin(self) -> None:
        """A new connection: the gateway tells anew which farms are down."""
        self._broken.clear()

    def farm(self, code: Code, text: str) -> None:
        """Which farm has a contract's prices is not said: while one is down, every line is in doubt until it ticks."""
        name = text.rpartition(":")[2].strip()
        if code.effect is Effect.FARM_DOWN:
            self._broken[name] = QuoteFailed(0, code.number, text)
        else:
            self._broken.pop(name, None)
        for line in self._lines:
            if self._broken:
                text = next(iter(self._broken.values())).text
                self._emit(QuoteFailed(line.contract.conid, code.number, text, passing=True))
            elif line.quote.priced and not line.refused:
                self._emit(QuoteChanged(line.quote))

    async def restore(self) -> None:
        self._news.clear()
        (await self._wire.turn(Lane.SESSION, patient=True)).reqMarketDataType(self._wire.settings.market_data_type)
        await self._lines.restore()

    def price(self, number: int, tick: int, price: float, size: float) -> None:
        fields = PRICES.get(tick)
        if fields is not None:
            news = self._news[number]
            news[fields[0]] = price
            if fields[1] is not None:
                news[fields[1]] = None if price == NO_QUOTE else size

    def size(self, number: int, tick: int, size: float) -> None:
        field = SIZES.get(tick)
        if field is not None:
            self._news[number][field] = size

    def data_type(self, number: int, kind: int) -> None:
        line = self._lines.get(number)
        if line is not None:
            line.quote = replace(line.quote, data_type=translate.DATA_TYPES.get(kind))

    def flush(self) -> None:
        """A packet has been read to its end: what it left standing becomes exact, and each quote is told once."""
        if not self._news:
            return
        news, self._news = self._news, defaultdict(dict)
        at = self._now()
        for number, changes in news.items():
            line = self._lines.get(number)
            if line is not None:
                exact = {name: _exact(value) for name, value in changes.items()}
                line.quote = replace(line.quote, updated_at=at, **exact)
                line.refused = False
                self._emit(QuoteChanged(line.quote))

    def message(self, number: int, code: Code, text: str) -> bool:
        line = self._lines.get(number)
        if line is None:
            return False
        if code.effect is Effect.REFUSED:
            line.refused = True
            self._emit(QuoteFailed(line.contract.conid, code.number, text))
        return True


def _ask(client: Client, line: _Line) -> None:
    client.reqMktData(
        line.number,
        line.asked,
        genericTickList="",
        snapshot=False,
        regulatorySnapshot=False,
        mktDataOptions=[],
    )


def _end(client: Client, line: _Line) -> None:
    client.cancelMktData(line.number)


def _exact(value: float | None) -> Any:
    """Any, because the names of the changes decide which field of the quote takes it."""
    return None if value is None or value == NO_QUOTE else decimal(value)
