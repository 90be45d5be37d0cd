"""The service of historical data, /hmds: bars and scanners of its own, after a first request that finds nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.history.intervals import MINUTE
from ibkr_sim.reference.scanning import Wanted, found
from ibkr_sim.webapi.answers import plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Handler, Route, Tier
from ibkr_sim.webapi.numbers import dashed, milliseconds
from ibkr_sim.webapi.resources.history import InvalidPeriod, parse_query, past_bars
from ibkr_sim.webapi.resources.research.scanners import chosen_scan
from ibkr_sim.webapi.shapes.scanners import parameters, ran_by_history

MOST: Final = 250
_BEGUN: Final = "hmds"
_PERIOD: Final = re.compile(r"(\d{1,5}) ?(S|d|w|m|y)")
_BAR: Final = re.compile(r"(\d{1,2}) ?(sec|min|h|d|w|m)(?:s|r|rs)?")
_SMALL: Final = ((60, 1), (3_600, 5), (14_400, 10), (28_800, 30))
"""Periods up to so many seconds may have bars down to so many; longer ones have bars of minutes."""
_SMALL_KEPT: Final = timedelta(days=183)
_SOURCES: Final = ("Last", "Midpoint", "Bid", "Ask", "Bid_Ask")
"""FeeRate and Inventory of stocks on loan are not kept."""


def routes() -> list[Route]:
    return [
        Route("POST", "/hmds/auth/init", initialise, Tier.BROKERAGE),
        _route("GET", "/hmds/history", history),
        _route("GET", "/hmds/scanner/params", lambda _call: parameters()),
        _route("POST", "/hmds/scanner", scan),
        _route("POST", "/hmds/scanner/run", scan),
    ]


def initialise(call: Call) -> Any:
    call.progress.asked.add(_BEGUN)
    return {"authenticated": True}


def history(call: Call) -> Any:
    """Bars with whole volumes. Raises Refused (500) for what cannot be had, such as rates of stocks on loan."""
    contract = call.contract(call.query.get("conid", ""))
    if contract is None or call.query.get("barType", "Last") not in _SOURCES:
        raise plain_refusal(500, "No data of that kind" if contract else "Invalid conid")
    try:
        query = parse_query(_translated(call.query), small=True)
    except InvalidPeriod as error:
        raise plain_refusal(500, f"Invalid period or bar: {error}") from error
    now = call.market.now()
    if query.bar_seconds < MINUTE and query.start is not None and query.start < now - _SMALL_KEPT:
        raise plain_refusal(500, "No data: bars of seconds are kept for six months")
    return _told(past_bars(call.market, contract, query), now)


def scan(call: Call) -> Any:
    """Places and filters have other names with some clients."""
    instrument, code = str(call.member("instrument") or ""), str(call.member("scanCode") or "")
    location = str(call.member("locations") or call.member("location") or "")
    wanted = chosen_scan(Wanted(instrument, location, code, _filters(call.member("filters") or call.member("filter"))))
    rows, most = found(call.market, wanted), call.member("maxItems")
    shown = rows[: min(most, MOST) if isinstance(most, int) and most > 0 else MOST]
    call.progress.scans += 1
    return ran_by_history(shown, len(rows), call.progress.scans, call.market.now())


def _route(method: str, path: str, handler: Handler) -> Route:
    def guarded(call: Call) -> Any:
        """The first request wakes the service, and is lost."""
        if call.progress.first(_BEGUN):
            raise refusal(404, "Not Found")
        return handler(call)

    return Route(method, path, guarded, Tier.BROKERAGE)


def _translated(query: Mapping[str, str]) -> dict[str, str]:
    """Its own units into those of the other history. Raises InvalidPeriod."""
    period = _PERIOD.fullmatch(query.get("period", ""))
    bar = _BAR.fullmatch(query.get("bar", ""))
    if period is None or bar is None or (bar[2] == "sec" and not _may_be_small(period, bar)):
        raise InvalidPeriod(f"{query.get('period', '')[:20]} {query.get('bar', '')[:20]}")
    names = ("conid", "startTime", "outsideRth", "direction")
    return {name: query.get(name, "") for name in names} | {
        "period": f"{period[1]}{period[2].lower()}",
        "bar": f"{bar[1]}{'s' if bar[2] == 'sec' else bar[2]}",
        "source": query.get("barType", ""),
    }


def _may_be_small(period: re.Match[str], bar: re.Match[str]) -> bool:
    least = next((least for longest, least in _SMALL if int(period[1]) <= longest), MINUTE)
    return period[2] == "S" and int(bar[1]) >= least


def _filters(rows: object) -> list[tuple[str, object]]:
    """Written as `{"priceAbove": 5}`, or with `code` and `value`."""
    known = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    plain = [(str(name), value) for row in known if "code" not in row for name, value in row.items()]
    return plain + [(str(row["code"]), row.get("value")) for row in known if "code" in row]


def _told(bars: Sequence[Bar], now: datetime) -> dict[str, Any]:
    start, end = (bars[0].start if bars else now), now.astimezone(UTC)
    return {
        "startTime": dashed(start),
        "startTimeVal": milliseconds(start),
        "endTime": dashed(end),
        "endTimeVal": milliseconds(end),
        "data": [_row(bar) for bar in bars],
        "points": len(bars),
        "mktDataDelay": 0,
    }


def _row(bar: Bar) -> dict[str, Any]:
    return {
        "t": milliseconds(bar.start),
        "o": bar.open,
        "c": bar.close,
        "h": bar.high,
        "l": bar.low,
        "v": bar.volume,
    }
