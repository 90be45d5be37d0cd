"""What an option's prices imply: volatility and greeks, for its bid, its ask, its last trade and its model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.listing.derivatives.values import described
from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.pricing.black_scholes import implied_volatility, worth
from ibkr_sim.tws.answers.options import OptionFigures

BID, ASK, LAST, MODEL = 10, 11, 12, 13
DELAYED_COMPUTATIONS: Final[Mapping[int, int]] = MappingProxyType({BID: 80, ASK: 81, LAST: 82, MODEL: 83})
_DIGITS: Final = Decimal("0.000001")


def computed(contract: Contract, quote: Quote, underlying: Quote, now: datetime) -> Iterator[tuple[int, OptionFigures]]:
    """Tick types with their figures; a price that no volatility gives has none."""
    price = _middle(underlying)
    if price is None:
        return
    middle = _middle(quote)
    for kind, value in ((BID, quote.bid), (ASK, quote.ask), (LAST, quote.last), (MODEL, middle)):
        figures = None if value is None else _figures(contract, value, price, now)
        if figures is not None:
            yield kind, figures


def _figures(contract: Contract, price: Decimal, underlying: Decimal, now: datetime) -> OptionFigures | None:
    option = described(contract, now)
    volatility = implied_volatility(option, float(underlying), float(price))
    if volatility is None:
        return None
    found = worth(option, float(underlying), volatility)
    return OptionFigures(
        volatility=_rounded(volatility),
        delta=_rounded(found.delta),
        price=price,
        gamma=_rounded(found.gamma),
        vega=_rounded(found.vega),
        theta=_rounded(found.theta),
        underlying=underlying,
    )


def _middle(quote: Quote) -> Decimal | None:
    """The last price of what nobody quotes."""
    return quote.last if quote.bid is None or quote.ask is None else (quote.bid + quote.ask) / 2


def _rounded(value: float) -> Decimal:
    return Decimal(value).quantize(_DIGITS)
