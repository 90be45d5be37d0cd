"""What to say of options that are not listed: which ones near them are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeVar

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import UnknownContract
from ibkr_bridge.ports.research import OptionSeries, OptionWish

T = TypeVar("T", date, Decimal)
_TOLD: Final = 6


def not_listed(underlying: Contract, wish: OptionWish, series: Sequence[OptionSeries]) -> UnknownContract:
    """With `expiries` or `strikes`, those next to what was wished, as facts."""
    days = {day for one in series for day in one.expiries}
    if not days:
        return UnknownContract(f"IBKR lists no options on {underlying.symbol}.", advice="Check the contract.")
    if wish.expiry not in days:
        near = _nearest(days, lambda day: abs((day - wish.expiry).days))
        return UnknownContract(
            f"No option on {underlying.symbol} expires on {wish.expiry}.",
            advice=f"The nearest expiries are {', '.join(map(str, near))}.",
            facts={"expiries": near},
        )
    listed = {strike for one in series if wish.expiry in one.expiries for strike in one.strikes}
    middle = wish.strikes[len(wish.strikes) // 2] if wish.strikes else Decimal(0)
    close = _nearest(listed - {*wish.strikes}, lambda strike: abs(strike - middle))
    asked = _written(wish.strikes[:_TOLD]) or "near its price"
    return UnknownContract(
        f"No option on {underlying.symbol} of {wish.expiry} has the strike {asked}.",
        advice=f"The nearest strikes are {_written(close)}; not each is listed at every expiry.",
        facts={"strikes": close},
    )


def _written(strikes: Sequence[Decimal]) -> str:
    return ", ".join(format(strike, "f") for strike in strikes)


def _nearest(found: set[T], distance: Callable[[T], Any]) -> list[T]:
    return sorted(sorted(found, key=distance)[:_TOLD])
