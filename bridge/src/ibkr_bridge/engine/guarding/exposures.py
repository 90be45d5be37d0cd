"""What everything else that an account holds, or may come to hold, is worth: asked for first, then reckoned at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ibkr_bridge.domain.account import Position
from ibkr_bridge.domain.combos import by_leg
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.order import Order
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.guarding.rates import Rates
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.guards.exposure import waiting, worth

_PATIENCE = 3.0
"""How long the price of one contract may take, in seconds."""


@dataclass(frozen=True, slots=True)
class Worth:
    """A contract's price at the market, and what makes money of the base currency out of a price: multiplier x rate."""

    price: Decimal | None = None
    factor: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """In the base currency; None where the value of a contract is not known, which is then named."""

    value: Decimal | None = Decimal(0)
    unvalued: str | None = None


class Exposures:
    def __init__(self, book: OrderBook, accounts: Accounts, marketdata: MarketData, rates: Rates, base: str) -> None:
        self._book = book
        self._accounts = accounts
        self._marketdata = marketdata
        self._rates = rates
        self._base = base
        self._latest: dict[int, Worth] = {}

    async def ask(self, account: str, contract: Contract) -> Mapping[int, Worth]:
        """Of each contract that the account holds or has an order for, and of this one, by conid."""
        orders = [order for order in self._book.unfinished() if order.account == account]
        traded = {contract.conid: Position(account, contract, Decimal(0), Decimal(0))}
        for part in (part for order in orders for part in by_leg(order)):
            traded[part.contract.conid] = Position(account, part.contract, Decimal(0), Decimal(0))
        traded |= {position.contract.conid: position for position in self._accounts.traded(account)}
        found = await asyncio.gather(*(self._worth(position) for position in traded.values()))
        self._latest |= dict(zip(traded, found, strict=True))
        return {conid: self._latest[conid] for conid in traded}

    def of_others(self, account: str, conid: int, working: Sequence[Order], asked: Mapping[int, Worth]) -> Exposure:
        """Of every contract but one, if all that works of it on the worse side fills. Without an await.

        What an order has brought in since its contract was asked about is valued as when that order was judged.
        """
        held = {position.contract.conid: position for position in self._accounts.traded(account)}
        ordered = {order.contract.conid: order.contract for order in working}
        total = Decimal(0)
        for other in {*held, *ordered} - {conid}:
            seen = asked.get(other) or self._latest.get(other, Worth())
            orders = [waiting(order, seen.price) for order in working if order.contract.conid == other]
            qty = held[other].qty if other in held else Decimal(0)
            value = worth(qty, self._accounts.fresh(account, other), orders, seen.price)
            if value and seen.factor is not None:
                total += value * seen.factor
            elif value != 0:
                return Exposure(None, (ordered.get(other) or held[other].contract).symbol)
        return Exposure(total)

    async def _worth(self, position: Position) -> Worth:
        price, contract = _told(position), position.contract
        if price is None:
            price, contract = await self._quoted(contract)
        rate = await self._rate(contract.currency)
        return Worth(price, None if rate is None else (contract.multiplier or 1) * rate)

    async def _quoted(self, contract: Contract) -> tuple[Decimal | None, Contract]:
        """At the highest of what is bid, asked and paid."""
        try:
            async with asyncio.timeout(_PATIENCE):
                named, seen = await self._marketdata.quote(ContractQuery(conid=contract.conid))
        except (BridgeError, TimeoutError):
            return None, contract
        quote = seen.value
        return max((price for price in (quote.bid, quote.ask, quote.last) if price is not None), default=None), named

    async def _rate(self, currency: str) -> Decimal | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                rate = await self._rates.rate(currency, self._base)
        except TimeoutError:
            return None
        return rate.value if rate else None


def _told(position: Position) -> Decimal | None:
    """By the value that the broker gives the position itself."""
    if not position.qty or position.market_value is None:
        return None
    return abs(position.market_value / position.qty) / (position.contract.multiplier or 1)
