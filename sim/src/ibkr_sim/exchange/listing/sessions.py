"""When orders may trade: regular hours, extended hours, halts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

from ibkr_sim.exchange.listing.hours import TradingDay, local_date, trading_day
from ibkr_sim.exchange.model import Contract

_LONGEST_BREAK = 10
"""Days; no exchange is closed for longer."""


class Sessions:
    """`always_open` knows no hours; halts concern it all the same."""

    def __init__(self, contract: Callable[[int], Contract], opened: datetime, *, always_open: bool) -> None:
        """`opened`: since when there is somebody to trade with."""
        self._contract, self._opened, self.always_open = contract, opened, always_open
        self._days: dict[int, TradingDay] = {}
        self.halted: set[int] = set()

    def is_open(self, conid: int, now: datetime, *, outside_rth: bool) -> bool:
        """Within hours. A contract that is halted is open, and trades with nobody."""
        if self.always_open:
            return True
        day = self._day(conid, now)
        if outside_rth:
            return day.opens <= now < day.closes
        return day.liquid_from <= now < day.liquid_to

    def may_trade(self, conid: int, now: datetime, *, outside_rth: bool) -> bool:
        return conid not in self.halted and self.is_open(conid, now, outside_rth=outside_rth)

    def next_opening(self, conid: int, now: datetime, *, outside_rth: bool) -> datetime:
        day = self._day(conid, now)
        opening = day.opens if outside_rth else day.liquid_from
        if opening > now:
            return opening
        following = self._coming(self._contract(conid), day.closes)
        return following.opens if outside_rth else following.liquid_from

    def trading_day(self, contract: Contract, day: date) -> TradingDay | None:
        """What the calendar says; where it is always open, a day that lasts into our time ends when the next begins."""
        found = trading_day(contract, day)
        if found is None or not self.always_open or found.closes + timedelta(days=_LONGEST_BREAK) < self._opened:
            return found
        following = self._coming(contract, found.closes)
        if following.liquid_from > self._opened:
            found = replace(found, liquid_to=following.liquid_from)
        if following.opens > self._opened:
            found = replace(found, closes=following.opens)
        return found

    def _day(self, conid: int, now: datetime) -> TradingDay:
        """The trading day that is on, or the coming one."""
        known = self._days.get(conid)
        if known is None or now >= known.closes:
            known = self._days[conid] = self._coming(self._contract(conid), now)
        return known

    def _coming(self, contract: Contract, after: datetime) -> TradingDay:
        """The first that closes later."""
        first = local_date(contract, after)
        for count in range(_LONGEST_BREAK):
            day = trading_day(contract, first + timedelta(days=count))
            if day is not None and day.closes > after:
                return day
        raise ValueError(f"{contract.symbol} does not trade within {_LONGEST_BREAK} days of {after}")
