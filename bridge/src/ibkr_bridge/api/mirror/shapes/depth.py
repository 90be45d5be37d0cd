"""An order book as a ladder of prices (Web API v1.0, "Book Trader (Price Ladder)")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ibkr_bridge.api.mirror.shapes.numbers import grouped, price
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.ports.research import Book, Level


def ladder(contract: Contract, book: Book, quote: Quote | None) -> list[dict[str, Any]]:
    """One row a price, the highest first; the row with the last trade has the focus, and its size before the price."""
    bids, asks = _sizes(book.bids), _sizes(book.asks)
    last = None if quote is None else quote.last
    rows = []
    for number, at in enumerate(sorted({*bids, *asks}, reverse=True)):
        focus = at == last
        shown = price(at, contract)
        if focus and quote is not None and quote.last_size is not None:
            shown = f"{grouped(quote.last_size)} @ {shown}"
        sizes = {"ask": asks.get(at), "bid": bids.get(at)}
        told = {side: grouped(size) for side, size in sizes.items() if size is not None}
        rows.append({"row": number, "focus": int(focus), "price": shown, **told})
    return rows


def _sizes(levels: Iterable[Level]) -> dict[Decimal, Decimal]:
    """Of every exchange together."""
    found: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    for level in levels:
        found[level.price] += level.size
    return dict(found)
