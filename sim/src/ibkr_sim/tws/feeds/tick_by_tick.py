"""One client's streams of single ticks: every trade, or every change of the quote."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ibkr_sim.exchange.model import Contract, Quote, QuoteChanged
from ibkr_sim.exchange.prices.tape import INDEX
from ibkr_sim.tws.answers import marketdata as answers
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.sizes import Sizes

KINDS = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}
_QUOTES = (3, 4)
Spread = tuple[Decimal | None, ...]


@dataclass(slots=True)
class _Stream:
    contract: Contract
    kind: int
    ignore_size: bool
    sizes: Sizes
    shown: Spread = ()


class TickByTickFeed:
    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._streams: dict[int, _Stream] = {}

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._streams

    def open(self, request_id: int, contract: Contract, kind: int, quote: Quote, *, ignore_size: bool) -> None:
        """Streams of quotes begin with the present one."""
        stream = _Stream(contract, kind, ignore_size, Sizes(self._outlet, request_id, contract))
        self._streams[request_id] = stream
        if kind in _QUOTES:
            self._show(request_id, stream, quote)

    def close(self, request_id: int) -> bool:
        """False when there is no such stream."""
        return self._streams.pop(request_id, None) is not None

    def forget(self) -> None:
        self._streams.clear()

    def note(self, event: QuoteChanged) -> None:
        for request_id, stream in self._streams.items():
            if stream.contract.conid != event.quote.conid:
                continue
            if stream.kind in _QUOTES:
                self._show(request_id, stream, event.quote)
            elif event.traded or stream.contract.sec_type == INDEX:
                self._show_last(request_id, stream, event)

    def _show_last(self, request_id: int, stream: _Stream, event: QuoteChanged) -> None:
        """A trade; of an index, which nobody trades, that it stands elsewhere."""
        time, price, size = event.quote.time, event.quote.last, event.traded or Decimal(0)
        if price is None or (not size and stream.shown == (price,)):
            return
        stream.shown = (price,)
        version, venue, told = self._outlet.version, stream.contract.primary_exchange, stream.sizes.told(size)
        self._outlet.send(answers.tick_last(version, request_id, stream.kind, time, price, told, venue))

    def _show(self, request_id: int, stream: _Stream, quote: Quote) -> None:
        if quote.bid is None or quote.ask is None:
            return
        prices = (quote.bid, quote.ask)
        told = stream.sizes.told
        sizes = (told(quote.bid_size or Decimal(0)), told(quote.ask_size or Decimal(0)))
        spread: Spread = prices if stream.ignore_size else prices + sizes
        version = self._outlet.version
        if stream.kind == KINDS["MidPoint"]:
            middle = (quote.bid + quote.ask) / 2
            spread = (middle,)
            frame = answers.tick_midpoint(version, request_id, quote.time, middle)
        else:
            frame = answers.tick_bid_ask(version, request_id, quote.time, *prices, *sizes)
        if spread != stream.shown:
            stream.shown = spread
            self._outlet.send(frame)
