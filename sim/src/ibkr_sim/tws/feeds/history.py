"""Bars that are told as they come: historical data kept up to date, and real-time bars of five seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import is_trading
from ibkr_sim.tws.answers import history as answers
from ibkr_sim.tws.history_data import BarQuery, Row, rows_since
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.sizes import Sizes

LENGTH: Final = 5
"""Seconds of a real-time bar: no others exist."""
_MOST_AT_ONCE: Final = 60
"""Real-time bars that are told of a jump of the clock."""


@dataclass(slots=True)
class _Kept:
    query: BarQuery
    shown: Row
    sizes: Sizes


class HistoryFeed:
    """One client's queries that are kept up to date."""

    def __init__(self, market: Market, outlet: Outlet) -> None:
        self._market, self._outlet = market, outlet
        self._kept: dict[int, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._kept

    def open(self, request_id: int, query: BarQuery, shown: Row, sizes: Sizes) -> None:
        """Tell how the bar `shown` goes on, and every bar after it."""
        self._kept[request_id] = _Kept(query, shown, sizes)

    def close(self, request_id: int) -> bool:
        """False when there is no such query."""
        return self._kept.pop(request_id, None) is not None

    def forget(self) -> Sequence[int]:
        """End them all; their ids."""
        ended = tuple(self._kept)
        self._kept.clear()
        return ended

    def refresh(self) -> None:
        for request_id, kept in self._kept.items():
            for row in rows_since(self._market, kept.query, kept.shown[1].start):
                if row == kept.shown:
                    continue
                kept.shown = row
                date, bar = kept.sizes.told_bars([row], traded=kept.query.traded)[0]
                version, traded = self._outlet.version, kept.query.traded
                self._outlet.send(answers.historical_data_update(version, request_id, date, bar, traded=traded))


@dataclass(slots=True)
class _Streamed:
    contract: Contract
    source: Source
    outside_rth: bool
    next: datetime
    sizes: Sizes
    close: Decimal | None = None


class RealTimeBarFeed:
    """One client's bars of five seconds; each is told when it is complete."""

    def __init__(self, market: Market, outlet: Outlet) -> None:
        self._market, self._outlet = market, outlet
        self._streams: dict[int, _Streamed] = {}

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._streams

    def open(self, request_id: int, contract: Contract, source: Source, *, outside_rth: bool) -> None:
        sizes = Sizes(self._outlet, request_id, contract)
        self._streams[request_id] = _Streamed(contract, source, outside_rth, _floor(self._market.now()), sizes)

    def close(self, request_id: int) -> bool:
        """False when there is no such stream."""
        return self._streams.pop(request_id, None) is not None

    def forget(self) -> Sequence[int]:
        """End them all; their ids."""
        ended = tuple(self._streams)
        self._streams.clear()
        return ended

    def refresh(self, now: datetime) -> None:
        end = _floor(now)
        for request_id, stream in self._streams.items():
            if stream.next < end:
                self._tell(request_id, stream, end)

    def _tell(self, request_id: int, stream: _Streamed, end: datetime) -> None:
        length = timedelta(seconds=LENGTH)
        start = max(stream.next, end - _MOST_AT_ONCE * length)
        stream.next = end
        record, traded = self._market.record(stream.contract.conid), stream.source is Source.TRADES
        while start < end:
            if self._is_trading(stream, start):
                found = record.bars(stream.source, [(start, start + length)])
                bar = found[0] if found else self._flat(stream, start)
                stream.close = bar.close
                told = stream.sizes.told_bar(bar) if traded else bar
                self._outlet.send(answers.real_time_bar(self._outlet.version, request_id, told, traded=traded))
            start += length

    def _is_trading(self, stream: _Streamed, moment: datetime) -> bool:
        return is_trading(stream.contract, moment, self._market.trading_day, outside_rth=stream.outside_rth)

    def _flat(self, stream: _Streamed, start: datetime) -> Bar:
        """Five seconds in which nothing happened."""
        quote = self._market.glance(stream.contract.conid)
        price = stream.close or quote.last or quote.close or Decimal(0)
        return Bar(start, price, price, price, price, Decimal(0), price, 0)


def _floor(moment: datetime) -> datetime:
    return datetime.fromtimestamp(int(moment.timestamp()) // LENGTH * LENGTH, UTC)
