"""Faults of IBKR's data farms: away, asleep until somebody needs them, or about to be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final

from ibkr_sim.faults.fault import SYSTEM, TWS, Fault, Stage
from ibkr_sim.faults.moments import Request
from ibkr_sim.faults.ports import Client, Door, Kind, Message


class Farm(StrEnum):
    """A data farm, by its name in the notices."""

    MARKET = "usfarm"
    HISTORY = "ushmds"
    CONTRACTS = "secdefnj"


_TITLES: Final = {
    Farm.MARKET: "Market data farm",
    Farm.HISTORY: "HMDS data farm",
    Farm.CONTRACTS: "Sec-def data farm",
}
_OK: Final = {Farm.MARKET: 2104, Farm.HISTORY: 2106, Farm.CONTRACTS: 2158}
FARMS_OK: Final = tuple(_OK.values())
"""The codes of their return."""
_CONNECTING: Final = 2119
_NEEDED_BY: Final = {
    Farm.MARKET: frozenset({1, 10, 50, 97}),
    Farm.HISTORY: frozenset({20, 87, 88, 96}),
    Farm.CONTRACTS: frozenset({9, 78, 81}),
}
"""Numbers of the messages that a farm answers."""


def renew_quotes(stage: Stage) -> None:
    for client in stage.clients:
        client.renew_quotes()


@dataclass(eq=False)
class FarmAway(Fault):
    """A farm is not there as it should be, which everybody is told, also who comes meanwhile."""

    everybody: ClassVar[bool] = True
    doors: ClassVar[frozenset[Door]] = TWS
    codes: ClassVar[Mapping[Farm, int]]
    words: ClassVar[str]
    """Between the farm's title and its name."""
    withholds: ClassVar[bool] = True
    """Whether quotes stop with the market's."""
    farm: Farm = Farm.MARKET
    seconds: Decimal = Decimal(0)

    def begin(self, client: Client | None) -> None:
        self._tell_all(self.codes[self.farm], self.words)
        if self.seconds:
            self.stage.after(self.seconds, lambda: self.stage.finish(self))

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if message.code == _OK[self.farm]:
            notice = client.notice(SYSTEM, self.codes[self.farm], self._text(self.words))
            return () if notice is None else (notice,)
        return () if self.withholds and message.kind is Kind.QUOTE and self.farm is Farm.MARKET else (message,)

    def end(self) -> None:
        self._tell_all(_OK[self.farm], " connection is OK:")
        if self.withholds and self.farm is Farm.MARKET:
            renew_quotes(self.stage)

    def _tell_all(self, code: int, words: str) -> None:
        for one in self.stage.clients:
            self.stage.say(one, SYSTEM, code, self._text(words))

    def _text(self, words: str) -> str:
        return f"{_TITLES[self.farm]}{words}{self.farm}"


@dataclass(eq=False)
class FarmDown(FarmAway):
    """2103 (2105, 2157): a data farm is away; while it is the market's, no price moves, and no error says so.

    A blip of 3 seconds has left strategies without bars for 8 hours (nautilus_trader#3968).
    """

    codes: ClassVar[Mapping[Farm, int]] = MappingProxyType(
        {Farm.MARKET: 2103, Farm.HISTORY: 2105, Farm.CONTRACTS: 2157}
    )
    words: ClassVar[str] = " connection is broken:"


@dataclass(eq=False)
class FarmConnecting(FarmAway):
    """2119: a data farm is about to be there; while it is the market's, no price moves. 2104 (2106, 2158) ends it."""

    codes: ClassVar[Mapping[Farm, int]] = MappingProxyType(dict.fromkeys(Farm, _CONNECTING))
    words: ClassVar[str] = " is connecting:"


@dataclass(eq=False)
class FarmInactive(FarmAway):
    """2108 (2107, 2159): a data farm sleeps; the first request that needs it wakes it, which 2119 and 2104 tell.

    Nothing stops, and nothing is to be done: clients that take the notice for a failure are wrong.
    """

    codes: ClassVar[Mapping[Farm, int]] = MappingProxyType(
        {Farm.MARKET: 2108, Farm.HISTORY: 2107, Farm.CONTRACTS: 2159}
    )
    words: ClassVar[str] = " connection is inactive but should be available upon demand."
    withholds: ClassVar[bool] = False

    def asked(self, request: Request) -> bool:
        if request.number in _NEEDED_BY[self.farm]:
            if self.farm is Farm.MARKET:
                self._tell_all(_CONNECTING, FarmConnecting.words)
            self.stage.finish(self)
        return True


@dataclass(eq=False)
class FarmUp(Fault):
    """2104 (2106, 2158): the data farm is back, and prices with it."""

    everybody: ClassVar[bool] = True
    doors: ClassVar[frozenset[Door]] = TWS
    farm: Farm = Farm.MARKET

    def begin(self, client: Client | None) -> None:
        for fault in self.stage.others(FarmAway):
            if fault.farm is self.farm:
                self.stage.finish(fault)
