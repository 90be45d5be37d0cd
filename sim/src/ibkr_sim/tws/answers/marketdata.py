"""Messages that carry quotes, their levels, and single ticks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.trading.depth import Level
from ibkr_sim.tws.fields import FieldWriter

ASKS, BIDS = 0, 1
INSERT, UPDATE, DELETE = range(3)


def tick_price(version: int, request_id: int, kind: int, price: Decimal, size: Decimal | None, mask: int) -> bytes:
    """`mask`: bit 0 can be executed automatically, bit 1 past the limit, bit 2 before the open."""
    return FieldWriter(1, version).add(6, request_id, kind, price, size or 0, mask).frame()


def tick_size(version: int, request_id: int, kind: int, size: Decimal) -> bytes:
    return FieldWriter(2, version).add(6, request_id, kind, size).frame()


def tick_generic(version: int, request_id: int, kind: int, value: Decimal) -> bytes:
    return FieldWriter(45, version).add(6, request_id, kind, value).frame()


def tick_string(version: int, request_id: int, kind: int, value: str) -> bytes:
    return FieldWriter(46, version).add(6, request_id, kind, value).frame()


def tick_snapshot_end(version: int, request_id: int) -> bytes:
    return FieldWriter(57, version).add(1, request_id).frame()


def market_data_type(version: int, request_id: int, kind: int) -> bytes:
    return FieldWriter(58, version).add(1, request_id, kind).frame()


def tick_request_parameters(version: int, request_id: int, min_tick: Decimal, bbo_exchange: str) -> bytes:
    """The last field, snapshot permissions, is 3 for a subscriber of the whole quote."""
    return FieldWriter(81, version).add(request_id, min_tick, bbo_exchange, 3).frame()


def reroute_market_data(version: int, request_id: int, conid: int, exchange: str) -> bytes:
    """Instead of quotes: where they are to be asked for."""
    return FieldWriter(91, version).add(request_id, conid, exchange).frame()


def reroute_market_depth(version: int, request_id: int, conid: int, exchange: str) -> bytes:
    """Instead of a book: where it is to be asked for."""
    return FieldWriter(92, version).add(request_id, conid, exchange).frame()


def depth_row(version: int, request_id: int, position: int, operation: int, side: int, level: Level) -> bytes:
    """A level of one exchange's book."""
    writer = FieldWriter(12, version).add(1, request_id, position, operation, side)
    return writer.add(level.price, level.size).frame()


def smart_depth_row(version: int, request_id: int, position: int, operation: int, side: int, level: Level) -> bytes:
    """A level of the whole market's book, with the exchange that it is at."""
    writer = FieldWriter(13, version).add(1, request_id, position, level.exchange, operation, side)
    return writer.add(level.price, level.size, 1).frame()


def tick_last(
    version: int, request_id: int, kind: int, time: datetime, price: Decimal, size: Decimal, exchange: str
) -> bytes:
    """`kind` 1 leaves out what is not reported to the tape, 2 leaves out nothing."""
    writer = FieldWriter(99, version).add(request_id, kind, int(time.timestamp()))
    return writer.add(price, size, 0, exchange, "").frame()


def tick_bid_ask(
    version: int, request_id: int, time: datetime, bid: Decimal, ask: Decimal, bid_size: Decimal, ask_size: Decimal
) -> bytes:
    return FieldWriter(99, version).add(request_id, 3, int(time.timestamp()), bid, ask, bid_size, ask_size, 0).frame()


def tick_midpoint(version: int, request_id: int, time: datetime, price: Decimal) -> bytes:
    return FieldWriter(99, version).add(request_id, 4, int(time.timestamp()), price).frame()
