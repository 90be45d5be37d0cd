"""Exchange rates from live quotes, each with its age; never a rate that nobody quotes."""

from __future__ import annotations

from decimal import Decimal

from ibkr_bridge.domain.contract import ContractQuery
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.guards.verdict import Price
from ibkr_bridge.ports.clock import Clock

_CROSS = "USD"
"""Pairs that are not quoted themselves are reckoned through it."""


class Rates:
    def __init__(self, marketdata: MarketData, clock: Clock) -> None:
        self._marketdata = marketdata
        self._clock = clock

    async def rate(self, currency: str, base: str) -> Price | None:
        """Units of `base` for one of `currency`; None where no quote leads from one to the other."""
        if currency == base:
            return Price(Decimal(1), 0.0)
        direct = await self._either_way(currency, base)
        if direct is not None or _CROSS in (currency, base):
            return direct
        first, second = await self._either_way(currency, _CROSS), await self._either_way(_CROSS, base)
        if first is None or second is None:
            return None
        return Price(first.value * second.value, max(first.age, second.age), first.stale or second.stale)

    async def _either_way(self, currency: str, base: str) -> Price | None:
        quoted = await self._middle(currency, base)
        if quoted is not None:
            return quoted
        inverse = await self._middle(base, currency)
        return None if inverse is None else Price(1 / inverse.value, inverse.age, inverse.stale)

    async def _middle(self, symbol: str, currency: str) -> Price | None:
        """The middle of bid and ask of a currency pair (IBKR lists them as CASH on IDEALPRO)."""
        try:
            _contract, seen = await self._marketdata.quote(
                ContractQuery(symbol=symbol, sec_type="CASH", exchange="IDEALPRO", currency=currency)
            )
        except BridgeError:
            return None
        quote = seen.value
        if quote.bid is None or quote.ask is None or quote.bid <= 0:
            return None
        age = (self._clock.now() - seen.as_of).total_seconds()
        return Price((quote.bid + quote.ask) / 2, age, seen.stale)
