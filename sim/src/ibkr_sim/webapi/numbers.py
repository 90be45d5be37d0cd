"""Numbers as the Web API writes them: thousands with commas, volumes with K and M, prices to the tick."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.model import Contract

_THOUSAND: Final = Decimal(1_000)
_MILLION: Final = Decimal(1_000_000)


def decimals(contract: Contract) -> int:
    """Digits after the point in which prices of the contract are written; two at least."""
    exponent = contract.min_tick.normalize().as_tuple().exponent
    return max(2, -exponent) if isinstance(exponent, int) else 2


def price(value: Decimal, contract: Contract) -> str:
    return f"{value:.{decimals(contract)}f}"


def quantity(value: Decimal) -> str:
    """As short as it goes: `1`, `0.5`."""
    return f"{value.normalize():f}"


def grouped(value: Decimal) -> str:
    """A whole number with commas: `1,300`."""
    return f"{value:,.0f}"


def abbreviated(value: Decimal) -> str:
    """`24.2M`, `163K`, `900`."""
    if value >= _MILLION:
        return f"{value / _MILLION:.1f}M"
    if value >= _THOUSAND:
        return f"{value / _THOUSAND:.0f}K" if value >= 10 * _THOUSAND else f"{value / _THOUSAND:.2f}K"
    return f"{value:.0f}"


def money(value: Decimal, currency: str) -> str:
    """`1,005,254 USD`."""
    return f"{grouped(value)} {currency}"


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def compact(moment: datetime) -> str:
    """`240103201041`, in UTC."""
    return f"{moment.astimezone(UTC):%y%m%d%H%M%S}"


def dashed(moment: datetime) -> str:
    """`20260709-17:28:31`, in UTC."""
    return f"{moment.astimezone(UTC):%Y%m%d-%H:%M:%S}"
