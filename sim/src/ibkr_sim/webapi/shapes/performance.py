"""Performance as the Web API tells it (Web API: "Portfolio Analyst")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.model import DayEnd
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
