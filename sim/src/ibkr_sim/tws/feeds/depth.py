"""One client's books, level by level."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.trading.depth import Level
from ibkr_sim.reference.venues import spread_out
from ibkr_sim.tws.answers import marketdata as answers
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.sizes import Sizes

HALTED: Final = (316, "Market depth data has been HALTED. Please re-subscribe.")
RESET: Final = (
    317,
    "Market depth data has been RESET. Please empty deep book contents before applying any new entries.",
)


@dataclass(slots=True)
class _Book:
    contract: Contract
    rows: int
    smart: bool
    sizes: Sizes
    halted: bool
    shown: dict[int, list[Level]] = field(default_factory=lambda: {answers.ASKS: [], answers.BIDS: []})


class DepthFeed:
    def __init__(self, market: Market, outlet: Outlet) -> None:
        self._market, self._outlet = market, outlet
        self._books: dict[int, _Book] = {}

    def __len__(self) -> int:
        return len(self._books)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._books

    def open(self, request_id: int, contract: Contract, rows: int, *, smart: bool) -> None:
        """Tell the best `rows` of either side, then what changes; of all exchanges if `smart`, else of one book."""
        self._market.quote(contract.conid)
        sizes, halted = Sizes(self._outlet, request_id, contract), self._market.is_halted(contract.conid)
        book = self._books[request_id] = _Book(contract, rows, smart, sizes, halted)
        self._show(request_id, book)

    def close(self, request_id: int) -> bool:
        """False when there is no such book."""
        return self._books.pop(request_id, None) is not None

    def forget(self) -> None:
        self._books.clear()

    def renew(self) -> None:
        """Have every book emptied, and tell it anew."""
        for request_id, book in self._books.items():
            self._outlet.error(request_id, *RESET)
            for rows in book.shown.values():
                rows.clear()
            self._show(request_id, book)

    def refresh(self) -> None:
        """End the books of contracts that have been halted; one that is asked for while they are stays."""
        for request_id, book in tuple(self._books.items()):
            before, book.halted = book.halted, self._market.is_halted(book.contract.conid)
            if book.halted and not before:
                del self._books[request_id]
                self._outlet.error(request_id, *HALTED)

    def push(self, conids: Collection[int]) -> None:
        for request_id, book in self._books.items():
            if book.contract.conid in conids:
                self._show(request_id, book)

    def _show(self, request_id: int, book: _Book) -> None:
        found = self._market.depth(book.contract.conid, book.rows)
        for side, levels in ((answers.ASKS, found.asks), (answers.BIDS, found.bids)):
            rows = spread_out(book.contract, levels, book.rows) if book.smart else _whole(levels)
            rows = book.sizes.told_levels(rows)
            self._tell(request_id, book, side, rows)
            book.shown[side] = rows

    def _tell(self, request_id: int, book: _Book, side: int, rows: Sequence[Level]) -> None:
        """Row by row: what differs is updated, what is more inserted, what is less deleted from the end."""
        shown, version = book.shown[side], self._outlet.version
        write = answers.smart_depth_row if book.smart else answers.depth_row
        for place, level in enumerate(rows):
            operation = answers.UPDATE if place < len(shown) else answers.INSERT
            if operation == answers.INSERT or shown[place] != level:
                self._outlet.send(write(version, request_id, place, operation, side, level))
        for place in range(len(shown) - 1, len(rows) - 1, -1):
            self._outlet.send(write(version, request_id, place, answers.DELETE, side, shown[place]))


def _whole(levels: Sequence[Level]) -> list[Level]:
    """One level a price, wherever its size lies."""
    found: list[Level] = []
    for level in levels:
        if found and found[-1].price == level.price:
            found[-1] = Level(level.price, found[-1].size + level.size)
        else:
            found.append(Level(level.price, level.size))
    return found
