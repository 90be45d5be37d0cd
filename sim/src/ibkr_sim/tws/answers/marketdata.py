"""Messages that carry quotes."""

from __future__ import annotations

from decimal import Decimal

from ibkr_sim.tws.fields import FieldWriter


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
