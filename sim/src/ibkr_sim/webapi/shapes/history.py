"""Historical bars as /iserver/marketdata/history and the topic `smh` tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.webapi.numbers import dashed, decimals, milliseconds

VOLUME_FACTOR: Final = 1
"""By which volumes are divided."""
_DAY_MINUTES: Final = {"US/Eastern": 390, "MET": 510, "America/Mexico_City": 390}


def told_history(
    contract: Contract, bars: Sequence[Bar], period: str, bar_seconds: int, *, outside_rth: bool
) -> dict[str, Any]:
    """`points` is one less than there are bars; `high` and `low` are price, volume and minutes from the start."""
    digits = decimals(contract)
    factor = 10**digits
    told = {
        "serverId": str(contract.conid % 1_000_000),
        "symbol": contract.symbol,
        "text": contract.long_name,
        "priceFactor": factor,
        "startTime": dashed(bars[0].start) if bars else "",
        "high": _extreme(bars, factor, highest=True),
        "low": _extreme(bars, factor, highest=False),
        "timePeriod": period,
        "barLength": bar_seconds,
        "mdAvailability": "S",
        "mktDataDelay": 0,
        "outsideRth": outside_rth,
        "tradingDayDuration": _DAY_MINUTES.get(contract.time_zone, 390),
        "volumeFactor": VOLUME_FACTOR,
        "priceDisplayRule": 1,
        "priceDisplayValue": str(digits),
        "chartPanStartTime": dashed(bars[0].start) if bars else "",
        "direction": -1,
        "negativeCapable": False,
        "messageVersion": 2,
        "data": [_row(bar) for bar in bars],
        "points": max(len(bars) - 1, 0),
        "travelTime": 3,
    }
    return told if bars else told | {"startTime": None}


def _row(bar: Bar) -> dict[str, Any]:
    return {
        "o": bar.open,
        "c": bar.close,
        "h": bar.high,
        "l": bar.low,
        "v": bar.volume / VOLUME_FACTOR,
        "t": milliseconds(bar.start),
    }


def _extreme(bars: Sequence[Bar], factor: int, *, highest: bool) -> str:
    if not bars:
        return ""
    bar = max(bars, key=lambda row: row.high) if highest else min(bars, key=lambda row: row.low)
    price = (bar.high if highest else bar.low) * factor
    minutes = int((bar.start - bars[0].start).total_seconds() // 60)
    return f"{price:.0f}/{bar.volume}/{minutes}"
