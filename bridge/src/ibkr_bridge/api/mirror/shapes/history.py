"""Bars of the past as /iserver/marketdata/history and the topic `smh` tell them (Web API v1.0)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ibkr_bridge.api.json import exact
from ibkr_bridge.api.mirror.shapes.numbers import dashed, digits, milliseconds, plain
from ibkr_bridge.domain.bars import Bar, BarSize
from ibkr_bridge.domain.contract import Contract


def history(contract: Contract, bars: Sequence[Bar], *, period: str, bar: BarSize, outside_rth: bool) -> dict[str, Any]:
    """Volumes are whole; `points` is one less than there are bars."""
    places = digits(contract)
    return {
        "symbol": contract.symbol,
        "text": contract.name,
        "priceFactor": 10**places,
        "startTime": dashed(bars[0].time) if bars else None,
        "high": _extreme(bars, places, highest=True),
        "low": _extreme(bars, places, highest=False),
        "timePeriod": period,
        "barLength": bar.seconds,
        "mdAvailability": "S",
        "mktDataDelay": 0,
        "outsideRth": outside_rth,
        "volumeFactor": 1,
        "priceDisplayRule": 1,
        "priceDisplayValue": str(places),
        "negativeCapable": False,
        "messageVersion": 2,
        "data": [row(one) for one in bars],
        "points": max(len(bars) - 1, 0),
    }


def row(bar: Bar) -> dict[str, Any]:
    """One bar; `v` is left out where there is none."""
    told = {"o": exact(bar.open), "c": exact(bar.close), "h": exact(bar.high), "l": exact(bar.low)}
    volume = {} if bar.volume is None else {"v": exact(bar.volume)}
    return {**told, **volume, "t": milliseconds(bar.time)}


def _extreme(bars: Sequence[Bar], places: int, *, highest: bool) -> str:
    """Price times its factor, volume, and minutes from the first bar."""
    if not bars:
        return ""
    bar = max(bars, key=lambda one: one.high) if highest else min(bars, key=lambda one: one.low)
    at = (bar.high if highest else bar.low).scaleb(places)
    minutes = int((bar.time - bars[0].time).total_seconds() // 60)
    return f"{at:.0f}/{plain(bar.volume or at - at)}/{minutes}"
