"""Fields that IBKR computes from more than one quote, volatility and greeks; and how many contracts are held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.listing.derivatives.values import described
from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.exchange.port import Market
from ibkr_sim.pricing.black_scholes import implied_volatility, worth
from ibkr_sim.reference.open_interest import FUTURE, on_underlying, open_interest
from ibkr_sim.reference.option_volatility import expected, middle
from ibkr_sim.webapi.numbers import grouped, price

_VOLATILITY, _BREAK_EVEN = "7633", "7695"
_GREEKS: Final[Mapping[str, str]] = MappingProxyType(
    {"7308": "delta", "7309": "gamma", "7310": "theta", "7311": "vega"}
)
_EXPECTED: Final = "7283"
_OPTION_INTEREST, _FUTURES_INTEREST, _PUT_CALL = "7638", "7697", "7085"
_OF_PRICES: Final = frozenset({_VOLATILITY, _BREAK_EVEN, *_GREEKS})
FIELDS: Final = _OF_PRICES | {_EXPECTED, _OPTION_INTEREST, _FUTURES_INTEREST, _PUT_CALL}
"""They come some answers after the others."""
_DIGITS: Final = Decimal("0.000001")


def computed(market: Market, contract: Contract, quote: Quote, fields: Iterable[str]) -> dict[str, str]:
    """What is known of those fields that are among FIELDS."""
    wanted = FIELDS.intersection(fields)
    found = _interest(market, contract, wanted)
    if contract.is_option and wanted & _OF_PRICES:
        found |= _of_prices(contract, quote, market.glance(contract.under_conid), market.now())
    if _EXPECTED in wanted and (volatility := expected(market, contract)) is not None:
        found[_EXPECTED] = f"{volatility * 100:.2f}%"
    return {field: value for field, value in found.items() if field in wanted}


def _of_prices(contract: Contract, quote: Quote, underlying: Quote, now: datetime) -> dict[str, str]:
    """From the middle of the option's quote; a price that no volatility gives has none of them."""
    value, under = middle(quote), middle(underlying)
    if value is None or under is None:
        return {}
    option = described(contract, now)
    volatility = implied_volatility(option, float(under), float(value))
    if volatility is None:
        return {}
    figures = worth(option, float(under), volatility)
    strike = contract.strike or Decimal(0)
    greeks = {field: _written(getattr(figures, name)) for field, name in _GREEKS.items()}
    return greeks | {
        _VOLATILITY: f"{volatility * 100:.2f}%",
        _BREAK_EVEN: price(strike + value if contract.right == "C" else strike - value, contract),
    }


def _interest(market: Market, contract: Contract, wanted: frozenset[str]) -> dict[str, str]:
    if not wanted & {_OPTION_INTEREST, _FUTURES_INTEREST, _PUT_CALL}:
        return {}
    own = open_interest(contract, market.now())
    if own is not None:
        return {_FUTURES_INTEREST if contract.sec_type == FUTURE else _OPTION_INTEREST: grouped(own)}
    both = on_underlying(market, contract)
    if both is None:
        return {}
    calls, puts = both
    return {_OPTION_INTEREST: grouped(calls + puts)} | ({_PUT_CALL: f"{puts / calls:.2f}"} if calls else {})


def _written(value: float) -> str:
    """As short as it goes; nothing has no sign."""
    return f"{(Decimal(value).quantize(_DIGITS) + 0).normalize():f}"
