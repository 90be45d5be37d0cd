"""The market's levels: the street's, and between and behind them the clients' resting orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ibkr_sim.exchange.model import Side
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.trading.book import Book, is_worse


@dataclass(frozen=True, slots=True)
class Level:
    """`exchange` is where a client sent its order; empty for the street's own."""

    price: Decimal
    size: Decimal
    exchange: str = ""


@dataclass(frozen=True, slots=True)
class Depth:
    """Best price first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


def depth(tape: Tape, book: Book, most: int) -> Depth:
    """`most` levels of each side; an order that takes them all trades at these prices."""
    return Depth(_side(tape, book, Side.BUY, most), _side(tape, book, Side.SELL, most))


def _side(tape: Tape, book: Book, side: Side, most: int) -> tuple[Level, ...]:
    """The levels of those who are on `side`."""
    other = Side.SELL if side is Side.BUY else Side.BUY
    street = [Level(price, Decimal(size)) for price, size in tape.levels(other, most)]
    limit, _size = tape.shown(side)
    rows = [*_merged(_clients(book, side, limit)), *street]
    rows.sort(key=lambda row: -row.price if side is Side.BUY else row.price)
    return tuple(rows[:most])


def _clients(book: Book, side: Side, limit: Decimal) -> Iterator[Level]:
    """What orders short of `limit`, the other side's best price, show of themselves."""
    for ticket in book.side(side):
        if ticket.limit is not None and ticket.displayed and is_worse(side, limit, ticket.limit):
            yield Level(ticket.limit, ticket.displayed, ticket.request.exchange)


def _merged(levels: Iterator[Level]) -> Sequence[Level]:
    """Sizes at one price and exchange add up."""
    sizes: dict[tuple[Decimal, str], Decimal] = {}
    for level in levels:
        key = (level.price, level.exchange)
        sizes[key] = sizes.get(key, Decimal(0)) + level.size
    return [Level(price, size, exchange) for (price, exchange), size in sizes.items()]
