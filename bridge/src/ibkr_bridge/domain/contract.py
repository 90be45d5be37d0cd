"""What is traded: a contract as IBKR identifies it, and the words by which a caller asks for one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Contract:
    """One tradable thing; `conid` is IBKR's number for it, unique and stable."""

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

    def __str__(self) -> str:
        if self.conid:
            return f"conid {self.conid}"
        parts = (self.symbol or self.local_symbol, self.sec_type, self.exchange, self.primary_exchange, self.currency)
        return " ".join(part for part in parts if part)
