"""What a contract is worth that follows another one, given the other's price and the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import exp, log, sqrt
from typing import Final, Protocol

from ibkr_sim.exchange.model import Contract
from ibkr_sim.pricing import black_scholes
from ibkr_sim.pricing.black_scholes import Option, undiscounted

_YEAR: Final = 365 * 86_400
_LEAST: Final = 1e-7
"""Years: no formula stands the last moment."""
_SMILE, _TILT = 0.35, 0.12
"""How volatility rises away from the money, and towards low strikes."""


class Value(Protocol):
    """What a contract is worth when the other one is at `price`."""

    def __call__(self, price: float, now: datetime) -> float: ...

    def between(self, low: float, high: float, start: datetime, end: datetime) -> tuple[float, float]:
        """No less and no more than this while the other one stays within `low` and `high` from `start` to `end`."""


@dataclass(frozen=True, slots=True)
class Multiple:
    """Of an index that follows a fund, or a contract for difference."""

    factor: float

    def __call__(self, price: float, now: datetime) -> float:
        del now
        return price * self.factor

    def between(self, low: float, high: float, start: datetime, end: datetime) -> tuple[float, float]:
        del start, end
        return low * self.factor, high * self.factor


@dataclass(frozen=True, slots=True)
class FutureValue:
    contract: Contract
    carry: float

    def __call__(self, price: float, now: datetime) -> float:
        return price * exp(self.carry * years(self.contract, now))

    def between(self, low: float, high: float, start: datetime, end: datetime) -> tuple[float, float]:
        ends = [self(price, now) for price in (low, high) for now in (start, end)]
        return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class OptionValue:
    contract: Contract
    volatility: float

    def __call__(self, price: float, now: datetime) -> float:
        return black_scholes.price(described(self.contract, now), price, smile(self.contract, self.volatility, price))

    def between(self, low: float, high: float, start: datetime, end: datetime) -> tuple[float, float]:
        """Each of what the formula rises or falls with at its worst and at its best."""
        first, last = described(self.contract, start), described(self.contract, end)
        strikes = [one.strike * exp(-one.rate * one.years) for one in (first, last)]
        flat, steep = self._volatilities(low, high)
        deviations = flat * sqrt(last.years), steep * sqrt(first.years)
        worst, best = (low, high) if first.call else (high, low)
        dear, cheap = (max(strikes), min(strikes)) if first.call else (min(strikes), max(strikes))
        return (
            undiscounted(call=first.call, underlying=worst, strike=dear, deviation=deviations[0]),
            undiscounted(call=first.call, underlying=best, strike=cheap, deviation=deviations[1]),
        )

    def _volatilities(self, low: float, high: float) -> tuple[float, float]:
        """The least and the greatest of the strike; the smile has one lowest point."""
        ends = [smile(self.contract, self.volatility, price) for price in (low, high)]
        lowest = float(self.contract.strike or 1) / exp(_TILT / (2 * _SMILE))
        if low < lowest < high:
            ends.append(smile(self.contract, self.volatility, lowest))
        return min(ends), max(ends)


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
