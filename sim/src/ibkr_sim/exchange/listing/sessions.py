"""When orders may trade: regular hours, extended hours, halts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ibkr_sim.exchange.listing.hours import TradingDay, local_date, trading_day
from ibkr_sim.exchange.model import Contract

_LONGEST_BREAK = 10
"""Days; no exchange is closed for longer."""


class Sessions:
    """`always_open` knows no hours; halts concern it all the same."""

    def __init__(self, contract: Callable[[int], Contract], *, always_open: bool) -> None:
        self._contract, self.always_open = contract, always_open
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
