"""What a European option is worth by Black and Scholes, its sensitivities, and the volatility a price implies."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt
from typing import Final

_LOWEST, _HIGHEST = 1e-4, 10.0
"""Volatilities between which an implied one is looked for, per year."""
_HALVINGS: Final = 48
_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Option:
    """`years` until it expires; `rate` per year, continuously compounded."""

    call: bool
    strike: float
    years: float
    rate: float = 0.04


@dataclass(frozen=True, slots=True)
class Worth:
    """`vega` for one percent of volatility, `theta` for a day, as IBKR gives them."""

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float


def price(option: Option, underlying: float, volatility: float) -> float:
    """As `worth`, without the sensitivities."""
    sign = 1 if option.call else -1
    spread = volatility * sqrt(option.years)
    first = (log(underlying / option.strike) + option.rate * option.years) / spread + spread / 2
    paid = option.strike * exp(-option.rate * option.years) * _normal(sign * (first - spread))
    return sign * (underlying * _normal(sign * first) - paid)


def undiscounted(*, call: bool, underlying: float, strike: float, deviation: float) -> float:
    """What is paid at `strike`, discounted already; `deviation` is that of the price until the end.

    A call is worth more the higher the underlying, the lower the strike and the greater the deviation; a put the
    other way round, but for the deviation.
    """
    sign = 1 if call else -1
    first = log(underlying / strike) / deviation + deviation / 2
    return sign * (underlying * _normal(sign * first) - strike * _normal(sign * (first - deviation)))


def worth(option: Option, underlying: float, volatility: float) -> Worth:
    """At a price of the underlying and a volatility per year, both above 0."""
    sign = 1 if option.call else -1
    discount = exp(-option.rate * option.years)
    spread = volatility * sqrt(option.years)
    first = (log(underlying / option.strike) + option.rate * option.years) / spread + spread / 2
    second = first - spread
    density = exp(-first * first / 2) / sqrt(2 * pi)
    paid = option.strike * discount * _normal(sign * second)
    decay = underlying * density * volatility / (2 * sqrt(option.years)) + sign * option.rate * paid
    return Worth(
        price=sign * (underlying * _normal(sign * first) - paid),
        delta=sign * _normal(sign * first),
        gamma=density / (underlying * spread),
        vega=underlying * density * sqrt(option.years) / 100,
        theta=-decay / _DAYS,
    )


def implied_volatility(option: Option, underlying: float, price: float) -> float | None:
    """None for a price that no volatility gives."""
    low, high = _LOWEST, _HIGHEST
    if not worth(option, underlying, low).price <= price <= worth(option, underlying, high).price:
        return None
    for _halving in range(_HALVINGS):
        middle = (low + high) / 2
        if worth(option, underlying, middle).price < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _normal(value: float) -> float:
    return (1 + erf(value / sqrt(2))) / 2
