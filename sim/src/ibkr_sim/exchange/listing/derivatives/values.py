"""What a contract is worth that follows another one, given the other's price and the hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import exp, log
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.pricing.black_scholes import Option, worth

_YEAR: Final = 365 * 86_400
_LEAST: Final = 1e-7
"""Years: no formula stands the last moment."""
_SMILE, _TILT = 0.35, 0.12
"""How volatility rises away from the money, and towards low strikes."""
Value = Callable[[float, datetime], float]


def multiple(factor: float) -> Value:
    """Of an index that follows a fund, or a contract for difference."""
    return lambda price, _now: price * factor


def future(contract: Contract, carry: float) -> Value:
    return lambda price, now: price * exp(carry * years(contract, now))


def option(contract: Contract, volatility: float) -> Value:
    def value(price: float, now: datetime) -> float:
        return worth(described(contract, now), price, smile(contract, volatility, price)).price

    return value


def described(contract: Contract, now: datetime) -> Option:
    """An option as the formula takes it; one on a future bears no interest."""
    rate = 0.0 if contract.under_sec_type == "FUT" else 0.04
    return Option(contract.right == "C", float(contract.strike or 0), years(contract, now), rate)


def smile(contract: Contract, volatility: float, price: float) -> float:
    """The volatility of a strike; `volatility` is that at the money."""
    distance = log(float(contract.strike or 1) / price)
    return max(volatility * (1 + _SMILE * distance * distance) - _TILT * distance * volatility, volatility / 2)


def intrinsic(contract: Contract, price: float) -> float:
    """What an option brings that is exercised now."""
    gain = price - float(contract.strike or 0)
    return max(gain if contract.right == "C" else -gain, 0.0)


def years(contract: Contract, now: datetime) -> float:
    """Until it ends."""
    if contract.last_trade is None:
        return _LEAST
    return max((contract.last_trade - now).total_seconds() / _YEAR, _LEAST)
