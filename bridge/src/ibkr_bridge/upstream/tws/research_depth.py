"""Order books: levels inserted, updated and deleted by their place, told as whole books once a network packet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ib_async.client import Client

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.ports.research import Book, BookFailed, HearBook, Level
from ibkr_bridge.upstream.tws.codes import Code, Effect
from ibkr_bridge.upstream.tws.lines import Line, Lines
from ibkr_bridge.upstream.tws.numbers import decimal
from ibkr_bridge.upstream.tws.wire import Wire

_INSERT, _UPDATE, _DELETE = 0, 1, 2
_ASK: Final = 0
_RESET: Final = 317
"""TWS API, "Message Codes": the book begins anew, and what was told of it is void."""
_HALTED: Final = 316
"""The book has ended, and is to be asked for again."""
_SMART: Final = "SMART"


@dataclass(slots=True)
class _Line(Line):
    rows: int
    hear: HearBook
    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)


class Depth:
    def __init__(self, wire: Wire, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lines = Lines(wire, _ask, _end)
        self.reroute = self._lines.reroute
        self.run = self._lines.run
        self._stirred: set[int] = set()

    async def open(self, contract: Contract, rows: int, hear: HearBook) -> None:
        await self._lines.open(_key(contract), _Line(contract, rows, hear))

    async def close(self, contract: Contract) -> None:
        await self._lines.close(_key(contract))

    async def restore(self) -> None:
        self._stirred.clear()
        await self._lines.restore()

    def level(self, number: int, place: int, operation: int, side: int, price: float, size: float) -> None:
        self.level_of(number, place, "", operation, side, price, size)

    def level_of(
        self,
        number: int,
        place: int,
        maker: str,
        operation: int,
        side: int,
        price: float,
        size: float,
        _smart_depth: bool = False,  # noqa: FBT001, FBT002  as the decoder calls it
    ) -> None:
        """`maker` is the exchange or market maker whose level it is."""
        line = self._lines.get(number)
        at, amount = decimal(price), decimal(size)
        if line is None or at is None or amount is None:
            return
        levels = line.asks if side == _ASK else line.bids
        if operation == _DELETE:
            del levels[place : place + 1]
        elif operation == _INSERT or place >= len(levels):
            levels.insert(place, Level(at, amount, maker))
        else:
            levels[place] = Level(at, amount, maker)
        self._stirred.add(number)

    def flush(self) -> None:
        """A packet has been read to its end."""
        if not self._stirred:
            return
        stirred, self._stirred = self._stirred, set()
        for number in stirred:
            line = self._lines.get(number)
            if line is not None:
                line.hear(Book(line.contract.conid, _best(line.bids, line), _best(line.asks, line), self._now()))

    def message(self, number: int, code: Code, text: str) -> bool:
        line = self._lines.get(number)
        if line is None:
            return False
        if code.number == _RESET:
            line.bids, line.asks = [], []
            self._stirred.add(number)
        elif code.number == _HALTED:
            self._stirred.discard(number)
            line.hear(Book(line.contract.conid, at=self._now()))
            line.hear(BookFailed(line.contract.conid, code.number, text))
        elif code.effect is Effect.REFUSED:
            line.hear(BookFailed(line.contract.conid, code.number, text))
        return True


def _ask(client: Client, line: _Line) -> None:
    line.bids, line.asks = [], []
    client.reqMktDepth(line.number, line.asked, line.rows, _smart(line.contract), [])


def _end(client: Client, line: _Line) -> None:
    client.cancelMktDepth(line.number, _smart(line.contract))


def _key(contract: Contract) -> tuple[int, str]:
    return contract.conid, contract.exchange


def _smart(contract: Contract) -> bool:
    """Whether the books of all exchanges are meant, which is another request than that for one exchange's."""
    return contract.exchange == _SMART


def _best(levels: Sequence[Level], line: _Line) -> tuple[Level, ...]:
    return tuple(levels[: line.rows])
