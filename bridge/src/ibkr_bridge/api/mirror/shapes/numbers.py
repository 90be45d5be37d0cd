"""Numbers and times as IBKR's Web API writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from ibkr_bridge.domain.contract import Contract

_THOUSAND: Final = Decimal(1_000)
_MILLION: Final = Decimal(1_000_000)


def digits(contract: Contract) -> int:
    """After the point, in prices of the contract; two at least."""
    if contract.min_tick is None:
        return 2
    exponent = contract.min_tick.normalize().as_tuple().exponent
    return max(2, -exponent) if isinstance(exponent, int) else 2


def price(value: Decimal, contract: Contract) -> str:
    """To the tick, and further where the price needs it."""
    shown = f"{value:.{digits(contract)}f}"
    return shown if Decimal(shown) == value else plain(value)


def plain(value: Decimal) -> str:
    """As short as it goes, never with an exponent."""
    return format(value.normalize(), "f")


def grouped(value: Decimal) -> str:
    """A whole number with commas."""
    return f"{value:,.0f}"


def abbreviated(value: Decimal) -> str:
    """`24.2M`, `163K`, `900`."""
    if value >= _MILLION:
        return f"{value / _MILLION:.1f}M"
    if value >= 10 * _THOUSAND:
        return f"{value / _THOUSAND:.0f}K"
    return f"{value / _THOUSAND:.2f}K" if value >= _THOUSAND else f"{value:.0f}"


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
