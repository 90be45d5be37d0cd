"""What is traded: a contract as IBKR identifies it, and the words by which a caller asks for one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ibkr_bridge.domain.terms import Side

COMBO: Final = "BAG"
"""IBKR's security type for contracts that are traded together."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One tradable thing; `conid` is IBKR's number for it, unique and stable.

    All combos of one currency share a conid: they are told apart by their legs.
    """

    conid: int
    symbol: str
    sec_type: str
    exchange: str
    currency: str
    primary_exchange: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    name: str = ""
    multiplier: Decimal | None = None
    min_tick: Decimal | None = None
    time_zone: str = ""
    legs: tuple[Leg, ...] = ()

    @property
    def parts(self) -> tuple[Contract, ...]:
        """The contracts whose positions it moves: a combo's are its legs'."""
        return tuple(leg.contract for leg in self.legs) or (self,)


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of a combo: so many of this contract, on this side, for each one of the combo that is bought."""

    contract: Contract
    side: Side
    ratio: int

    @property
    def signed_ratio(self) -> int:
        return self.ratio if self.side is Side.BUY else -self.ratio


@dataclass(frozen=True, slots=True)
class LegQuery:
    contract: ContractQuery
    side: Side
    ratio: int


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """A caller's words for a contract; hashable, so that answers are kept under it.

    A `conid` alone is enough. An empty exchange or currency means that the caller does not care.
    """

    symbol: str = ""
    conid: int = 0
    sec_type: str = "STK"
    exchange: str = "SMART"
    currency: str = "USD"
    primary_exchange: str = ""
    local_symbol: str = ""
    legs: tuple[LegQuery, ...] = ()
    """With them a combo is meant, of the exchange and currency named here."""

    def __str__(self) -> str:
        if self.legs:
            return " ".join(f"{leg.side} {leg.ratio} {leg.contract}" for leg in self.legs)
        if self.conid:
            return f"conid {self.conid}"
        parts = (self.symbol or self.local_symbol, self.sec_type, self.exchange, self.primary_exchange, self.currency)
        return " ".join(part for part in parts if part)
