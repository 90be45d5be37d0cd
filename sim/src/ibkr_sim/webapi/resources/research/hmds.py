"""The service of historical data, /hmds: bars and scanners of its own, after a first request that finds nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ibkr_sim.exchange.bars import Bar
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
_BAR: Final = re.compile(r"(\d{1,2}) ?(min|h|d|w|m)(?:s|r|rs)?")
_SOURCES: Final = ("Last", "Midpoint")


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
    """Bars with whole volumes. Raises Refused (500) for what cannot be had: bars of seconds, prices never traded."""
    contract = call.contract(call.query.get("conid", ""))
    kind = call.query.get("barType", "Last")
    if contract is None or kind not in _SOURCES:
        raise plain_refusal(500, "No data of that kind" if contract else "Invalid conid")
    try:
        query = parse_query(_translated(call.query))
    except InvalidPeriod as error:
        raise plain_refusal(500, f"Invalid period or bar: {error}") from error
    bars = past_bars(call.market, contract, query)
    return _told(bars, call.market.now())


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
    if period is None or bar is None:
        raise InvalidPeriod(f"{query.get('period', '')[:20]} {query.get('bar', '')[:20]}")
    count, unit = int(period[1]), period[2]
    told = f"{count // 60}min" if unit == "S" else f"{count}{unit}"
    names = ("conid", "startTime", "outsideRth", "direction")
    return {name: query.get(name, "") for name in names} | {"period": told, "bar": f"{bar[1]}{bar[2]}"}


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
