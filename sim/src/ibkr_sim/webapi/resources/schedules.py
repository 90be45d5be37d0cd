"""Trading hours, by contract and by symbol."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.listing.hours import TradingDay, local_date, trading_day
from ibkr_sim.exchange.model import Contract
from ibkr_sim.webapi.answers import refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.numbers import seconds

DAYS: Final = 6
_KINDS: Final = ("STK", "SWP", "CASH", "IND", "FUT", "CRYPTO", "CMDTY", "CFD", "FUND")
_SAMPLE_WEEK: Final = datetime(2000, 1, 1)  # noqa: DTZ001  a date without a place: IBKR writes any Saturday so


def routes() -> list[Route]:
    return [
        Route("GET", "/contract/trading-schedule", by_contract, Tier.BROKERAGE),
        Route("GET", "/trsrv/secdef/schedule", by_symbol),
    ]


def by_contract(call: Call) -> Any:
    """Six trading days from today on, in epoch seconds."""
    contract = call.contract(call.query.get("conid", ""))
    if contract is None:
        raise refusal(400, "Bad Request: conid is not valid")
    first = local_date(contract, call.market.now())
    days = (trading_day(contract, first + timedelta(days=offset)) for offset in range(2 * DAYS))
    found = [day for day in days if day is not None][:DAYS]
    schedules = {f"{day.date:%Y%m%d}": _hours(day) for day in found}
    return {"exchange_time_zone": contract.time_zone, "schedules": schedules}


def by_symbol(call: Call) -> Any:
    """A week of sample dates: 20000101 stands for any Saturday."""
    symbol, kind = call.query.get("symbol", ""), call.query.get("assetClass", "")
    if kind not in _KINDS or not symbol:
        raise refusal(400, "Bad Request: assetClass and symbol are needed")
    contracts = call.market.find_contracts(
        symbol=symbol, sec_type="CASH" if kind == "SWP" else kind, exchange=call.query.get("exchange", "")
    )
    # All months of a future share its hours.
    return [_venue(row) for row in {(row.trading_class, row.primary_exchange): row for row in contracts}.values()]


def _hours(day: TradingDay) -> dict[str, Any]:
    extended = {"cancel_daily_orders": True, "opening": seconds(day.opens), "closing": seconds(day.closes)}
    return {
        "liquid_hours": [{"opening": seconds(day.liquid_from), "closing": seconds(day.liquid_to)}],
        "extended_hours": [extended],
    }


def _venue(contract: Contract) -> dict[str, Any]:
    zone = ZoneInfo(contract.time_zone)
    rows = []
    for offset in range(7):
        date = (_SAMPLE_WEEK + timedelta(days=offset)).date()
        day = trading_day(contract, date)
        times = [] if day is None else [_times(day, zone)]
        liquid = [] if day is None else [_liquid(day, zone)]
        rows.append(
            {
                "clearingCycleEndTime": "0000",
                "tradingScheduleDate": f"{date:%Y%m%d}",
                "sessions": liquid,
                "tradingtimes": times,
            }
        )
    return {
        "id": f"p{contract.conid}",
        "tradeVenueId": f"v{contract.primary_exchange}",
        "exchange": contract.primary_exchange,
        "description": contract.long_name,
        "timezone": contract.time_zone,
        "schedules": rows,
    }


def _times(day: TradingDay, zone: ZoneInfo) -> dict[str, str]:
    return {"openingTime": _clock(day.opens, zone), "closingTime": _clock(day.closes, zone), "cancelDayOrders": "Y"}


def _liquid(day: TradingDay, zone: ZoneInfo) -> dict[str, str]:
    opening, closing = _clock(day.liquid_from, zone), _clock(day.liquid_to, zone)
    return {"openingTime": opening, "closingTime": closing, "prop": "LIQUID"}


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H%M}"
