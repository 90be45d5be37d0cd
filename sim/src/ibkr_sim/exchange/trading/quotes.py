"""The quote that everyone sees: the street's, bettered by the clients' resting orders."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.model import Quote, Side
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.trading.book import Book


def quote(tape: Tape, book: Book, time: datetime) -> Quote:
    """Sizes at equal prices add up; bid stays below ask."""
    if tape.is_index:
        return _index(tape, time)
    bid, ask = tape.bid_price, tape.ask_price
    bid_size, ask_size = Decimal(tape.bid_size), Decimal(tape.ask_size)
    if book:
        street_bid, street_ask = bid, ask
        bid, size = book.shown(Side.BUY, street_bid, street_ask)
        bid_size = size + (bid_size if bid == street_bid else 0)
        ask, size = book.shown(Side.SELL, street_ask, street_bid)
        ask_size = size + (ask_size if ask == street_ask else 0)
    return Quote(
        conid=tape.contract.conid,
        time=time,
        bid=bid,
        bid_size=bid_size,
        ask=ask,
        ask_size=ask_size,
        last=_price(tape.last, tape),
        last_size=None if tape.last is None else Decimal(tape.last_size),
        open=None if tape.is_untraded else _price(tape.open, tape),
        high=_price(tape.high, tape),
        low=_price(tape.low, tape),
        close=tape.close,
        volume=Decimal(tape.volume),
    )


def _index(tape: Tape, time: datetime) -> Quote:
    """Nobody bids for an index, and nobody offers it."""
    return Quote(
        conid=tape.contract.conid,
        time=time,
        bid=None,
        bid_size=None,
        ask=None,
        ask_size=None,
        last=_price(tape.last, tape),
        last_size=None,
        open=_price(tape.open, tape),
        high=_price(tape.high, tape),
        low=_price(tape.low, tape),
        close=tape.close,
        volume=Decimal(0),
    )


def _price(ticks: int | None, tape: Tape) -> Decimal | None:
    return None if ticks is None else ticks * tape.tick
