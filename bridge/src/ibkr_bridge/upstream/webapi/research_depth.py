"""Order books: the topic `sbd`, row by row of a price ladder (Web API v1.0, "Book Trader (Price Ladder)")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerAway
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.research import Book, BookFailed, HearBook, Level
from ibkr_bridge.upstream.webapi import translate
from ibkr_bridge.upstream.webapi.socket import Message, Say
from ibkr_bridge.upstream.webapi.wire import Wire

TOPIC: Final = "sbd"
_SMART: Final = "SMART"
_MOST_ROWS: Final = 1000
"""A ladder is no longer than this; row numbers beyond it are nobody's."""


@dataclass(slots=True)
class _Line:
    contract: Contract
    rows: int
    hear: HearBook
    ladder: dict[int, Mapping[str, Any]] = field(default_factory=dict)


class Depth:
    def __init__(self, wire: Wire, clock: Clock, say: Say) -> None:
        self._wire = wire
        self._clock = clock
        self._say = say
        self._lines: dict[str, _Line] = {}

    async def open(self, contract: Contract, rows: int, hear: HearBook) -> None:
        if not self._wire.open:
            raise BrokerAway("There is no session with IBKR.")
        line = self._lines[_target(contract)] = _Line(contract, rows, hear)
        await self._subscribe(line)

    async def close(self, contract: Contract) -> None:
        """IBKR ends every book of an account at once: those that are still wanted are asked for again."""
        if self._lines.pop(_target(contract), None) is None:
            return
        await self._say(f"ubd+{self._account}")
        await self.resubscribe()

    async def resubscribe(self) -> None:
        for line in list(self._lines.values()):
            await self._subscribe(line)

    def stream_closed(self) -> None:
        for line in self._lines.values():
            text = "The stream of depth broke; it is being asked for again."
            line.hear(BookFailed(line.contract.conid, None, text, passing=True))

    def hear(self, message: Message) -> None:
        """A frame of `sbd+account+conid`, with rows that are new or have changed."""
        _topic, _account, target = (*str(message.get("topic", "")).split("+", maxsplit=2), "", "")[:3]
        line = self._lines.get(target)
        if line is None:
            return
        if message.get("error"):
            code = translate.integer(message.get("code")) or None
            line.hear(BookFailed(line.contract.conid, code, f"IBKR does not deliver this depth: {message['error']}"))
            return
        for row in translate.rows(message.get("data")):
            number = str(row.get("row"))
            if number.isdecimal() and int(number) < _MOST_ROWS:
                line.ladder[int(number)] = row
        line.hear(self._book(line))

    async def _subscribe(self, line: _Line) -> None:
        line.ladder.clear()
        await self._say(f"{TOPIC}+{self._account}+{_target(line.contract)}")

    def _book(self, line: _Line) -> Book:
        bids = sorted(_side(line.ladder, "bid"), key=lambda level: -level.price)
        asks = sorted(_side(line.ladder, "ask"), key=lambda level: level.price)
        return Book(line.contract.conid, tuple(bids[: line.rows]), tuple(asks[: line.rows]), self._clock.now())

    @property
    def _account(self) -> str:
        """Any will do: whose book it is makes no difference to what is in it."""
        return self._wire.settings.account or next(iter(self._wire.accounts), "")


def _target(contract: Contract) -> str:
    """Without an exchange IBKR shows all of them."""
    return str(contract.conid) if contract.exchange == _SMART else f"{contract.conid}+{contract.exchange}"


def _side(ladder: Mapping[int, Mapping[str, Any]], side: str) -> list[Level]:
    """A row with the last trade in it reads `100 @ 193.09`."""
    found = []
    for row in ladder.values():
        price = translate.decimal(str(row.get("price") or "").rpartition("@")[2])
        size = translate.decimal(row.get(side))
        if price is not None and size:
            found.append(Level(price, size))
    return found
