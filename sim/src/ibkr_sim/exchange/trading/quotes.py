"""The quote that everyone sees: the street's, bettered by the clients' resting orders."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.model import Quote, Side
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.trading.book import Book

_Sizes = tuple[Decimal, Decimal | int, Decimal, Decimal | int]
"""Bid and ask, and how much there is of each."""
Look = tuple[_Sizes | None, int | None, int, int | None, int | None, int | None, Decimal, int]
"""What a quote will say, before it is put into words: two that are equal say the same, at whatever time."""


def look(tape: Tape, book: Book) -> Look:
    """Most quotes are looked at only to see that nothing has changed."""
    sizes = None if tape.is_index else _sizes(tape, book)
    return sizes, tape.last, tape.last_size, tape.open, tape.high, tape.low, tape.close, tape.volume


def told(tape: Tape, seen: Look, time: datetime) -> Quote:
    sizes, last, last_size, opened, high, low, close, volume = seen
    bid, bid_size, ask, ask_size = sizes or (None, None, None, None)
    return Quote(
        conid=tape.contract.conid,
        time=time,
        bid=bid,
        bid_size=None if bid_size is None else Decimal(bid_size),
        ask=ask,
        ask_size=None if ask_size is None else Decimal(ask_size),
        last=_price(last, tape),
        last_size=None if last is None else Decimal(last_size),
        open=None if tape.is_untraded else _price(opened, tape),
        high=_price(high, tape),
        low=_price(low, tape),
        close=close,
        volume=Decimal(volume),
    )


def _sizes(tape: Tape, book: Book) -> _Sizes:
    """Sizes at equal prices add up; bid stays below ask. Nobody bids for an index, and nobody offers it."""
    bid, ask = tape.bid_price, tape.ask_price
    if not book:
        return bid, tape.bid_size, ask, tape.ask_size
    best_bid, bid_size = book.shown(Side.BUY, bid, ask)
    best_ask, ask_size = book.shown(Side.SELL, ask, bid)
    return (
        *(best_bid, bid_size + (tape.bid_size if best_bid == bid else 0)),
        *(best_ask, ask_size + (tape.ask_size if best_ask == ask else 0)),
    )


def _price(ticks: int | None, tape: Tape) -> Decimal | None:
    return None if ticks is None else ticks * tape.tick
