"""A question for bars in the Web API's words, answered by the engine where there is no Web API to ask."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.shapes.history import history
from ibkr_bridge.domain.bars import SIZES, Bar, BarSize, Duration, What
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BrokerSilent
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.history.history import Part
from ibkr_bridge.engine.history.wish import Wish

_PERIOD: Final = re.compile(r"(\d{1,4})(min|h|d|w|m|y)")
_MOST: Final = {"min": 30, "h": 8, "d": 1000, "w": 792, "m": 182, "y": 15}
_UNITS: Final = {"min": (60, "S"), "h": (3600, "S"), "d": (1, "D"), "w": (1, "W"), "m": (1, "M"), "y": (1, "Y")}
_USUAL: Final = {"min": "1min", "h": "1min", "d": "1min", "w": "15min", "m": "30min", "y": "1d"}
_BARS: Final[Mapping[str, BarSize]] = {
    name.replace("m", "min") if name.endswith("m") else name.lower(): size
    for name, size in SIZES.items()
    if not name.endswith("s")
}
"""`1min`, `1h`, `1d`, `1w`; of a month `1m`."""
_SOURCES: Final = {
    "": None,
    "last": None,
    "trades": None,
    "midpoint": What.MIDPOINT,
    "bid_ask": What.BID_ASK,
    "bid": What.BID,
    "ask": What.ASK,
}
_PATIENCE: Final = 30.0
"""Seconds that bars may take, with their turn in IBKR's limits."""
MOST_BARS: Final = 1000
_TIME: Final = "%Y%m%d-%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`end` None is the present."""

    conid: int
    period: str
    duration: Duration
    bar: BarSize
    what: What | None
    outside_rth: bool
    end: datetime | None = None

    def wish(self) -> Wish:
        query = ContractQuery(conid=self.conid, sec_type="", exchange="", currency="")
        return Wish(query, self.bar, self.what, not self.outside_rth, None, self.end, self.duration)


def wanted(conid: str, asked: Mapping[str, Any]) -> Wanted:
    """Raises Refusal as IBKR refuses what it cannot read."""
    if not conid.isdecimal() or not 0 < len(conid) < 11:
        raise Refusal(400, "invalid conid")
    period = str(asked.get("period") or "1w")
    match = _PERIOD.fullmatch(period)
    count, unit = (int(match[1]), match[2]) if match else (0, "d")
    bar = _BARS.get(str(asked.get("bar") or _USUAL[unit]))
    source = str(asked.get("source") or "").lower()
    if not 0 < count <= _MOST[unit] or bar is None or source not in _SOURCES:
        raise Refusal(400, "invalid period", advice="Periods read 30min, 8h, 1d, 2w, 6m, 1y; bars 1min, 1h, 1d, 1w.")
    factor, name = _UNITS[unit]
    outside = str(asked.get("outsideRth", "")).lower() == "true"
    return Wanted(
        int(conid), period, Duration(count * factor, name), bar, _SOURCES[source], outside, _end(asked.get("startTime"))
    )


async def told(engine: Engine, question: Wanted) -> dict[str, Any]:
    """IBKR's answer without its `serverId`; of more than a thousand bars the last ones.

    Raises what the engine's history raises.
    """
    try:
        async with asyncio.timeout(_PATIENCE):
            contract, bars = await _bars(engine, question)
    except TimeoutError:
        raise BrokerSilent(f"the bars of conid {question.conid}", _PATIENCE) from None
    return history(
        contract, bars[-MOST_BARS:], period=question.period, bar=question.bar, outside_rth=question.outside_rth
    )


async def _bars(engine: Engine, question: Wanted) -> tuple[Contract, list[Bar]]:
    download = await engine.history.open(question.wish())
    found: list[Bar] = []
    async for step in download.steps():
        if isinstance(step, Part):
            found += step.bars
    return download.contract, found


def _end(text: object) -> datetime | None:
    """The data end there. Raises Refusal."""
    if not text:
        return None
    try:
        return datetime.strptime(str(text), _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(400, "invalid startTime", advice="Write it as 20260302-15:00:00, in UTC.") from None
