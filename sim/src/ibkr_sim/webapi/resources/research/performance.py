"""Performance of accounts: their value and their return day by day, with today as it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import DayEnd
from ibkr_sim.webapi.answers import plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Route
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.resources.accounts import figures
from ibkr_sim.webapi.shapes import performance as shapes
from ibkr_sim.webapi.track import PERIODS, SHOWN, Track, track


def routes() -> list[Route]:
    return [
        Route("POST", "/pa/performance", performance, limit=Limit("/pa/performance", 1, 900)),
        Route("POST", "/pa/allperiods", all_periods),
        Route("POST", "/pa/summary", summary, limit=Limit("/pa/summary", 1, 900)),
    ]


def performance(call: Call) -> Any:
    period = str(call.member("period"))
    if period not in PERIODS:
        raise refusal(400, "Bad Request: period is not valid")
    return shapes.performance([_track(call, account, period) for account in named_accounts(call)])


def all_periods(call: Call) -> Any:
    tracks = {account: {period: _track(call, account, period) for period in SHOWN} for account in named_accounts(call)}
    return shapes.all_periods(tracks, local_now(call))


def summary(call: Call) -> Any:
    """Of a month; only an older documentation has it, and no answer was recorded."""
    tracks = [_track(call, account, "1M") for account in named_accounts(call)]
    return shapes.summary(tracks, call.house.settings.username, local_now(call))


def named_accounts(call: Call) -> list[str]:
    """Raises Refused: 400 for none, 500 for one that is not the user's."""
    accounts = call.member("acctIds")
    if not isinstance(accounts, list) or not accounts:
        raise refusal(400, "Bad Request: acctIds are missing")
    if not all(account in call.market.accounts for account in accounts):
        raise plain_refusal(500, "Account is not valid")
    return accounts


def local_now(call: Call) -> datetime:
    return call.market.now().astimezone(ZoneInfo(call.house.settings.time_zone))


def _track(call: Call, account: str, period: str) -> Track:
    today = DayEnd(local_now(call).date(), call.market.net_liquidation(account))
    earlier = [day for day in call.market.day_ends(account) if day.date < today.date]
    return track(account, figures(call.market, account).base, [*earlier, today], period)
