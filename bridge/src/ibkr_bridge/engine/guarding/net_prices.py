"""What a combo would cost by the quotes of its legs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ibkr_bridge.domain.contract import Leg
from ibkr_bridge.domain.terms import Side
from ibkr_bridge.guards.verdict import Price


@dataclass(frozen=True, slots=True)
class NetPrices:
    """Per combo, in its currency, as its limit is given. `gross` is what the legs come to without their signs."""

    bid: Price | None = None
    ask: Price | None = None
    gross: Price | None = None


def net_prices(legs: Sequence[Leg], quotes: Sequence[tuple[Price | None, Price | None]]) -> NetPrices:
    """From bid and ask of each leg. Nothing where a leg has none, or multipliers differ: such a price has no unit."""
    if len({leg.contract.multiplier for leg in legs}) > 1:
        return NetPrices()
    bids, asks, gross = [], [], []
    for leg, (bid, ask) in zip(legs, quotes, strict=True):
        if bid is None or ask is None:
            return NetPrices()
        ratio, buys = Decimal(leg.ratio), leg.side is Side.BUY
        bids.append(_times(bid if buys else ask, ratio if buys else -ratio))
        asks.append(_times(ask if buys else bid, ratio if buys else -ratio))
        gross.append(_times(ask, ratio))
    return NetPrices(_sum(bids), _sum(asks), _sum(gross))


def _times(price: Price, factor: Decimal) -> Price:
    return Price(price.value * factor, price.age, price.stale)


def _sum(prices: Sequence[Price]) -> Price:
    """As old as the oldest of them, and stale as soon as one is."""
    stale = next((price.stale for price in prices if price.stale), None)
    return Price(sum((price.value for price in prices), Decimal(0)), max(price.age for price in prices), stale)
