"""Performance as the Web API tells it (Web API: "Portfolio Analyst")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.model import DayEnd
from ibkr_sim.webapi.numbers import milliseconds
from ibkr_sim.webapi.track import Track

MEASURE = "TWR"


def performance(tracks: Sequence[Track]) -> dict[str, Any]:
    """A row for each account; all have the same days."""
    days = [_day(row.date) for row in tracks[0].days]
    months = list(tracks[0].monthly)
    return {
        "currencyType": "base",
        "rc": 0,
        "pm": MEASURE,
        "nd": tracks[0].length,
        "id": "getPerformanceData",
        "included": [track.account for track in tracks],
        "nav": _part("D", days, [_values(track) for track in tracks]),
        "cps": _part("D", days, [_row(track) | {"returns": track.returns} for track in tracks]),
        "tpps": _part("M", months, [_row(track) | {"returns": list(track.monthly.values())} for track in tracks]),
    }


def all_periods(tracks: Mapping[str, Mapping[str, Track]], now: datetime) -> dict[str, Any]:
    """By account, then by period."""
    longest = [max(of.values(), key=lambda track: track.length) for of in tracks.values()]
    told: dict[str, Any] = {
        "pm": MEASURE,
        "nd": longest[0].length,
        "id": "getPerformanceAllPeriods",
        "currencyType": "base",
        "rc": 0,
        "view": list(tracks),
        "included": list(tracks),
    }
    for whole, (account, of) in zip(longest, tracks.items(), strict=True):
        told[account] = {period: _period(track) for period, track in of.items()} | {
            "baseCurrency": whole.base,
            "start": _day(whole.start),
            "end": _day(whole.end),
            "periods": list(of),
            "lastSuccessfulUpdate": f"{now:%Y-%m-%d %H:%M:%S}",
        }
    return told


def summary(tracks: Sequence[Track], username: str, now: datetime) -> dict[str, Any]:
    """All accounts as one, in texts; those of another currency than the first are left out and named."""
    counted = [track for track in tracks if track.base == tracks[0].base]
    dates = [row.date for row in counted[0].days]
    worths = [sum(row, Decimal(0)) for row in zip(*(_worths(track) for track in counted), strict=True)]
    total = _change(sum((track.first.net_liquidation for track in counted), Decimal(0)), worths[-1])
    kind = {"accountTypeCode": "IB", "accountTypeName": "SIMULATOR", "hasAccounts": "true"}
    series = {"id": "total", "groupId": "IB", "name": "SIMULATOR"}
    return {
        "rc": 0,
        "pm": MEASURE,
        "userId": username,
        "view": ",".join(track.account for track in counted),
        "currency": counted[0].base,
        "startDate": f"{dates[0]:%Y-%m-%d}",
        "endDate": f"{dates[-1]:%Y-%m-%d}",
        "lastSuccessfulUpdate": f"{now:%Y-%m-%d %H:%M:%S}",
        "hasExternalAccounts": False,
        "excludedAccounts": [{"id": track.account} for track in tracks if track not in counted],
        "total": total | {"incompleteData": False},
        "accountSummaries": [kind | total],
        "balanceByDate": {"series": [series | {"date": list(map(_point, dates, worths))}]},
    }


def _change(start: Decimal, end: Decimal) -> dict[str, str]:
    gain = (end / start - 1) * 100 if start else Decimal(0)
    return {"startVal": f"{start:.2f}", "endVal": f"{end:.2f}", "chg": f"{end - start:.2f}", "rtn": f"{gain:.2f}%"}


def _point(day: date, worth: Decimal) -> list[Any]:
    return [milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC)), worth]


def _period(track: Track) -> dict[str, Any]:
    return {
        "freq": "D",
        "startNAV": _start(track.first),
        "dates": [_day(row.date) for row in track.days],
        "nav": _worths(track),
        "cps": track.returns,
    }


def _part(frequency: str, dates: list[str], rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"freq": frequency, "dates": dates, "data": rows}


def _values(track: Track) -> dict[str, Any]:
    return _row(track) | {"startNAV": _start(track.first), "navs": _worths(track)}


def _row(track: Track) -> dict[str, Any]:
    return {
        "id": track.account,
        "idType": "acctid",
        "start": _day(track.start),
        "end": _day(track.end),
        "baseCurrency": track.base,
    }


def _start(day: DayEnd) -> dict[str, Any]:
    return {"date": _day(day.date), "val": day.net_liquidation}


def _worths(track: Track) -> list[Decimal]:
    return [row.net_liquidation for row in track.days]


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"
