"""How much the market expects an underlying to move: what its option a month ahead, at the money, implies."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.listing.derivatives.values import described, smile
from ibkr_sim.exchange.listing.hours import local_date
from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.exchange.port import Market
from ibkr_sim.pricing.black_scholes import implied_volatility

_AHEAD: Final = timedelta(days=30)
_DIGITS: Final = Decimal("0.000001")
_PERCENT: Final = Decimal("0.01")


def expected(market: Market, underlying: Contract) -> Decimal | None:
    """Per year; None for what has no options, or nobody quotes."""
    found = _implied(market, underlying)
    return None if found is None else Decimal(found[0]).quantize(_DIGITS)


def steady(market: Market, underlying: Contract) -> Decimal | None:
    """As `expected` but for what the strike and rounded prices do to it: in whole percents, the same at any time."""
    found = _implied(market, underlying)
    return None if found is None else Decimal(found[0] / found[1]).quantize(_PERCENT)


def _implied(market: Market, underlying: Contract) -> tuple[float, float] | None:
    """The volatility, and by what factor it is that of its strike."""
    price = middle(market.glance(underlying.conid))
    option = None if price is None else _month_ahead(market, underlying, price)
    value = None if option is None else middle(market.glance(option.conid))
    if price is None or option is None or not value:
        return None
    volatility = implied_volatility(described(option, market.now()), float(price), float(value))
    return (volatility, smile(option, 1.0, float(price))) if volatility else None


def middle(quote: Quote) -> Decimal | None:
    """Of bid and ask; the last price of what nobody quotes."""
    return quote.last if quote.bid is None or quote.ask is None else (quote.bid + quote.ask) / 2


def _month_ahead(market: Market, underlying: Contract, price: Decimal) -> Contract | None:
    """A call of the first class that ends thirty days from now or soonest after them."""
    day = local_date(underlying, market.now()) + _AHEAD
    for listing in market.chains(underlying):
        expiry = next((expiry for expiry in sorted(listing.expiries) if expiry >= day), None)
        if expiry is None or not listing.strikes:
            continue
        strike = min(listing.strikes, key=lambda strike: abs(strike - price))
        wanted = Wanted(
            symbol=underlying.symbol,
            sec_type=listing.sec_type,
            trading_class=listing.trading_class,
            expiry=f"{expiry:%Y%m%d}",
            strike=strike,
            right="C",
        )
        return next((row for row in market.search(wanted) if row.under_conid == underlying.conid), None)
    return None
