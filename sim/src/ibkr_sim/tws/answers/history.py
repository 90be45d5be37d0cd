"""Messages about the past: bars, ticks, histograms, sessions; and bars as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.record import SpreadTick, TradeTick
from ibkr_sim.tws.fields import FieldWriter, Value
from ibkr_sim.tws.versions import HISTORY_END

_NOT_GIVEN = -1
_DONE = 1


@dataclass(frozen=True, slots=True)
class TradingSession:
    """`yyyymmdd-hh:mm:ss` in the exchange's zone, and the day it counts for."""

    start: str
    end: str
    day: str


def _traded(bar: Bar, *, traded: bool) -> tuple[Value, Value, Value]:
    """Volume, average and count; bars of quotes have none."""
    return (bar.volume, bar.average, bar.count) if traded else (_NOT_GIVEN,) * 3


def historical_data(
    version: int, request_id: int, span: tuple[str, str], rows: Sequence[tuple[str, Bar]], *, traded: bool
) -> list[bytes]:
    """Dates are written by the caller; later servers tell the span in a message of its own."""
    writer = FieldWriter(17, version).add(request_id).before(HISTORY_END, *span).add(len(rows))
    for date, bar in rows:
        writer.add(date, bar.open, bar.high, bar.low, bar.close, *_traded(bar, traded=traded))
    frames = [writer.frame()]
    if version >= HISTORY_END:
        frames.append(FieldWriter(108, version).add(request_id, *span).frame())
    return frames


def historical_data_update(version: int, request_id: int, date: str, bar: Bar, *, traded: bool) -> bytes:
    """Its order is its own: the close stands before high and low, the count first, the volume last."""
    volume, average, count = _traded(bar, traded=traded)
    writer = FieldWriter(90, version).add(request_id, count, date, bar.open, bar.close, bar.high, bar.low)
    return writer.add(average, volume).frame()


def real_time_bar(version: int, request_id: int, bar: Bar, *, traded: bool) -> bytes:
    writer = FieldWriter(50, version).add(3, request_id, int(bar.start.timestamp()))
    return writer.add(bar.open, bar.high, bar.low, bar.close, *_traded(bar, traded=traded)).frame()


def historical_schedule(
    version: int, request_id: int, span: tuple[str, str], zone: str, sessions: Sequence[TradingSession]
) -> bytes:
    writer = FieldWriter(106, version).add(request_id, *span, zone, len(sessions))
    for session in sessions:
        writer.add(session.start, session.end, session.day)
    return writer.frame()


def head_timestamp(version: int, request_id: int, time: str) -> bytes:
    return FieldWriter(88, version).add(request_id, time).frame()


def histogram_data(version: int, request_id: int, rows: Sequence[tuple[Decimal, int]]) -> bytes:
    writer = FieldWriter(89, version).add(request_id, len(rows))
    for price, size in rows:
        writer.add(price, size)
    return writer.frame()


def historical_midpoints(version: int, request_id: int, ticks: Sequence[SpreadTick]) -> bytes:
    writer = FieldWriter(96, version).add(request_id, len(ticks))
    for tick in ticks:
        writer.add(_seconds(tick.time), 0, (tick.bid + tick.ask) / 2, 0)
    return writer.add(_DONE).frame()


def historical_bid_ask(version: int, request_id: int, ticks: Sequence[SpreadTick]) -> bytes:
    writer = FieldWriter(97, version).add(request_id, len(ticks))
    for tick in ticks:
        writer.add(_seconds(tick.time), 0, tick.bid, tick.ask, tick.bid_size, tick.ask_size)
    return writer.add(_DONE).frame()


def historical_trades(version: int, request_id: int, exchange: str, ticks: Sequence[TradeTick]) -> bytes:
    writer = FieldWriter(98, version).add(request_id, len(ticks))
    for tick in ticks:
        writer.add(_seconds(tick.time), 0, tick.price, tick.size, exchange, "")
    return writer.add(_DONE).frame()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
