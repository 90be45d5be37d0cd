"""Orders for the opening and closing auction: MOC, LOC, and whatever is good for the opening (OPG)."""

from __future__ import annotations

from datetime import datetime, timedelta

from ibkr_sim.exchange.listing.hours import local_date, trading_day
from ibkr_sim.exchange.model import Contract, OrderRequest
from ibkr_sim.exchange.orders.families.kinds import KINDS

_LONGEST_BREAK = 10
"""Days; no exchange is closed for longer."""


def auction_time(request: OrderRequest, contract: Contract, now: datetime) -> datetime | None:
    """The coming auction that an order is meant for; None when it is meant for none."""
    if request.tif != "OPG" and not KINDS[request.order_type].at_close:
        return None
    today = local_date(contract, now)
    for day in range(_LONGEST_BREAK):
        hours = trading_day(contract, today + timedelta(days=day))
        if hours is not None:
            moment = hours.liquid_from if request.tif == "OPG" else hours.liquid_to
            if moment > now:
                return moment
    return None
