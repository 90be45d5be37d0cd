"""How many options and futures are held: invented, the same at every door, and new with each trading day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from ibkr_sim.exchange.listing.contracts import Listing
from ibkr_sim.exchange.listing.hours import local_date
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market

FUTURE: Final = "FUT"
_DRAWS: Final = 64
"""Bytes that are drawn for one class and day of expiry; strikes take them in turn."""
_ROUND: Final = ((50, 8), (10, 4), (5, 2))
"""Strikes that are whole multiples of the first are held by more, by the second."""
_LONGEST: Final = 400
"""Days before its end from which on an option is held by few."""
_FRONT, _FURTHEST = 400_000, 12
"""Of the future that ends next, and after how many months almost nobody holds one."""


def open_interest(contract: Contract, now: datetime) -> Decimal | None:
    """Contracts open at the last close; None for what is neither an option nor a future."""
    if contract.expiry is None or not (contract.is_option or contract.sec_type == FUTURE):
        return None
    today = local_date(contract, now)
    draws = _draws(contract.trading_class, contract.expiry, today)
    if contract.strike is not None:
        return Decimal(_held(draws, *_place(contract.strike, contract.right == "P"), (contract.expiry - today).days))
    months = max((contract.expiry - today).days // 30, 0)
    return Decimal(_FRONT * (200 + draws[0]) // 256 // (1 + months * months) if months < _FURTHEST else draws[0])


def on_underlying(market: Market, contract: Contract) -> tuple[Decimal, Decimal] | None:
    """Calls and puts open on it in all, at the last close; None for what has no options."""
    listings = market.chains(contract)
    if not listings:
        return None
    today = local_date(contract, market.now())
    calls, puts = (sum(_sum(listing, today, put=put) for listing in listings) for put in (False, True))
    return Decimal(calls), Decimal(puts)


def _sum(listing: Listing, today: date, *, put: bool) -> int:
    places, total = [_place(strike, put) for strike in listing.strikes], 0
    for expiry in listing.expiries:
        draws, days = _draws(listing.trading_class, expiry, today), (expiry - today).days
        total += sum(_held(draws, draw, weight, days) for draw, weight in places)
    return total


def _draws(trading_class: str, expiry: date, today: date) -> Sequence[int]:
    """By the week, and a little anew each day: holders do not change at once."""
    week = blake2b(f"{trading_class}/{expiry}/{today.isocalendar()[:2]}".encode(), digest_size=_DRAWS).digest()
    day = blake2b(f"{trading_class}/{expiry}/{today}".encode(), digest_size=_DRAWS).digest()
    return [mostly + little // 16 for mostly, little in zip(week, day, strict=True)]


def _place(strike: Decimal, put: bool) -> tuple[int, int]:  # noqa: FBT001  of a private sum
    """Which draw is a strike's, and by how much more it is held than others."""
    weight = next((factor for whole, factor in _ROUND if strike % whole == 0), 1)
    return (int(strike * 2) * 2 + put) % _DRAWS, weight


def _held(draws: Sequence[int], draw: int, weight: int, days: int) -> int:
    return (draws[draw] + 1) * weight * max(_LONGEST - days, 20) // 100
