"""The difference between two quotes, as IBKR's ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Quote
from ibkr_sim.tws.answers import marketdata as answers

BID_SIZE, BID, ASK, ASK_SIZE, LAST, LAST_SIZE = range(6)
HIGH, LOW, VOLUME, CLOSE, OPEN = 6, 7, 8, 9, 14
LAST_TIMESTAMP, HALTED = 45, 49
AVERAGE_VOLUME, SHORT_TERM_VOLUMES = 21, (63, 64, 65)
TRADED_SIZES: Final = frozenset({BID_SIZE, ASK_SIZE, LAST_SIZE, VOLUME, AVERAGE_VOLUME, *SHORT_TERM_VOLUMES})

DELAYED: Final[Mapping[int, int]] = MappingProxyType(
    {
        BID: 66,
        ASK: 67,
        LAST: 68,
        BID_SIZE: 69,
        ASK_SIZE: 70,
        LAST_SIZE: 71,
        HIGH: 72,
        LOW: 73,
        VOLUME: 74,
        CLOSE: 75,
        OPEN: 76,
        LAST_TIMESTAMP: 88,
        HALTED: 90,
    }
)
_NO_QUOTE: Final = Decimal(-1)
_EXECUTABLE: Final = 1

Side = tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class PriceTick:
    kind: int
    price: Decimal
    size: Decimal | None = None
    mask: int = 0


@dataclass(frozen=True, slots=True)
class SizeTick:
    kind: int
    size: Decimal


@dataclass(frozen=True, slots=True)
class TextTick:
    kind: int
    text: str


@dataclass(frozen=True, slots=True)
class GenericTick:
    kind: int
    value: Decimal


Tick = PriceTick | SizeTick | TextTick | GenericTick


def changes(before: Quote | None, now: Quote) -> Iterator[Tick]:
    """What a client that was shown `before` must be told; everything known when it was shown nothing."""
    old = before or Quote(now.conid, now.time, *(None,) * 10, volume=_NO_QUOTE)
    yield from _side(BID, BID_SIZE, (old.bid, old.bid_size), (now.bid, now.bid_size))
    yield from _side(ASK, ASK_SIZE, (old.ask, old.ask_size), (now.ask, now.ask_size))
    yield from _side(LAST, LAST_SIZE, (old.last, old.last_size), (now.last, now.last_size))
    if now.last is not None and (old.last, old.last_size, old.volume) != (now.last, now.last_size, now.volume):
        yield TextTick(LAST_TIMESTAMP, str(int(now.time.timestamp())))
    if old.volume != now.volume:
        yield SizeTick(VOLUME, now.volume)
    yield from _day(old, now)


def _side(kind: int, size_kind: int, old: Side, now: Side) -> Iterator[Tick]:
    price, size = now
    if price is None:
        if old[0] is not None:
            yield PriceTick(kind, _NO_QUOTE, Decimal(0))
    elif price != old[0]:
        yield PriceTick(kind, price, size, 0 if kind == LAST else _EXECUTABLE)
    elif size is not None and size != old[1]:
        yield SizeTick(size_kind, size)


def _day(old: Quote, now: Quote) -> Iterator[Tick]:
    figures = (
        (HIGH, old.high, now.high),
        (LOW, old.low, now.low),
        (CLOSE, old.close, now.close),
        (OPEN, old.open, now.open),
    )
    for kind, was, price in figures:
        if price is not None and price != was:
            yield PriceTick(kind, price)


def resized(tick: Tick, size: Callable[[Decimal], Decimal]) -> Tick:
    """With the sizes of what is traded as a client reads them; interest and shares to borrow are no such sizes."""
    match tick:
        case PriceTick(size=Decimal() as shown) if (told := size(shown)) != shown:
            return replace(tick, size=told)
        case SizeTick(kind=kind, size=shown) if kind in TRADED_SIZES and (told := size(shown)) != shown:
            return replace(tick, size=told)
        case _:
            return tick


def tick_frame(version: int, request_id: int, tick: Tick, *, delayed: bool) -> bytes:
    kind = DELAYED[tick.kind] if delayed else tick.kind
    match tick:
        case PriceTick(price=price, size=size, mask=mask):
            return answers.tick_price(version, request_id, kind, price, size, mask)
        case SizeTick(size=size):
            return answers.tick_size(version, request_id, kind, size)
        case TextTick(text=text):
            return answers.tick_string(version, request_id, kind, text)
        case GenericTick(value=value):
            return answers.tick_generic(version, request_id, kind, value)
