"""One client's market data lines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.exchange.port import Market
from ibkr_sim.tws.answers import marketdata as answers
from ibkr_sim.tws.feeds.ticks import changes, tick_frame
from ibkr_sim.tws.outlet import Outlet

LIVE, DELAYED = 1, 3
_BBO_EXCHANGE = "9c0001"
"""The key of a map of exchanges, which smart components would name."""


@dataclass(slots=True)
class _Line:
    conid: int
    delayed: bool
    shown: Quote | None = None


class MarketDataFeed:
    def __init__(self, market: Market, outlet: Outlet) -> None:
        self._market = market
        self._outlet = outlet
        self._lines: dict[int, _Line] = {}

    @property
    def request_ids(self) -> Collection[int]:
        return tuple(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._lines

    def open(self, request_id: int, contract: Contract, *, delayed: bool) -> None:
        """Stream a contract's quotes until `close`; the first ones leave at once."""
        line = _Line(contract.conid, delayed)
        self._lines[request_id] = line
        self._introduce(request_id, contract, delayed=delayed)
        self._show(request_id, line)

    def snapshot(self, request_id: int, contract: Contract, *, delayed: bool) -> None:
        """The quote as it stands, once."""
        self._introduce(request_id, contract, delayed=delayed)
        self._show(request_id, _Line(contract.conid, delayed))
        self._outlet.send(answers.tick_snapshot_end(self._outlet.version, request_id))

    def close(self, request_id: int) -> bool:
        """False when there is no such line."""
        return self._lines.pop(request_id, None) is not None

    def forget(self) -> None:
        """Close every line."""
        self._lines.clear()

    def renew(self) -> None:
        """Tell every quote anew, in full."""
        for request_id, line in self._lines.items():
            line.shown = None
            self._show(request_id, line)

    def push(self, conids: Collection[int]) -> None:
        """Tell what has changed in these contracts since it was last told."""
        for request_id, line in self._lines.items():
            if line.conid in conids:
                self._show(request_id, line)

    def _introduce(self, request_id: int, contract: Contract, *, delayed: bool) -> None:
        outlet = self._outlet
        outlet.send(answers.tick_request_parameters(outlet.version, request_id, contract.min_tick, _BBO_EXCHANGE))
        outlet.send(answers.market_data_type(outlet.version, request_id, DELAYED if delayed else LIVE))

    def _show(self, request_id: int, line: _Line) -> None:
        quote = self._market.quote(line.conid)
        for tick in changes(line.shown, quote):
            self._outlet.send(tick_frame(self._outlet.version, request_id, tick, delayed=line.delayed))
        line.shown = quote
