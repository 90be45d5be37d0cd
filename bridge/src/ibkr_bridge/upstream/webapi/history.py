"""Historical bars at this door. It delivers none as they come: the topic `smh` tells one frame and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ibkr_bridge.domain.bars import SIZES, Bar, BarSize, Duration, What
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerRefused, NotSupported
from ibkr_bridge.ports.history import HearBars, HistoryLimits, Piece
from ibkr_bridge.upstream.webapi import translate
from ibkr_bridge.upstream.webapi.translate import Row
from ibkr_bridge.upstream.webapi.wire import Wire

_PATH: Final = "/iserver/marketdata/history"
_SOURCES: Final[Mapping[What, str]] = MappingProxyType(
    {What.TRADES: "Last", What.MIDPOINT: "Midpoint", What.BID_ASK: "Bid_Ask"}
)
_BARS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{f"{count}m": f"{count}min" for count in (1, 2, 3, 5, 10, 15, 30)},
        **{f"{count}h": f"{count}h" for count in (1, 2, 3, 4, 8)},
        "1d": "1d",
        "1w": "1w",
        "1M": "1m",
    }
)
_LONGEST: Final = {
    **dict.fromkeys(("1m", "2m", "3m", "5m"), Duration(1, "D")),
    **dict.fromkeys(("10m", "15m", "30m"), Duration(1, "W")),
    "1h": Duration(1, "M"),
    "2h": Duration(3, "M"),
    **dict.fromkeys(("3h", "4h"), Duration(6, "M")),
    "8h": Duration(1, "Y"),
    "1d": Duration(3, "Y"),
    **dict.fromkeys(("1w", "1M"), Duration(15, "Y")),
}
LIMITS: Final = HistoryLimits(
    longest=MappingProxyType(_LONGEST),
    kinds=frozenset(_SOURCES),
    at_once=2,
    burst_count=1000,
    points=1000,
    head_above=60,
)
"""Web API v1.0, "Historical Market Data": step sizes, 1000 points, 5 at once; some are left to other programs."""
_NOTHING: Final = "no data"
_EVENING: Final = timedelta(hours=6)
_MINUTE: Final = 60
_MONTHS: Final = SIZES["1M"]
_LOOKS: Final = 4
_MARGIN: Final = timedelta(days=1)
"""A bar of a month has the date of its first session, whose evening before counts too."""


class History:
    """Fills `ports.history.HistorySource`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @property
    def limits(self) -> HistoryLimits:
        return LIMITS

    async def bars(self, piece: Piece) -> Sequence[Bar]:
        query = {
            "conid": str(piece.contract.conid),
            "period": _period(piece.duration),
            "bar": _BARS[piece.bar.name],
            "outsideRth": str(not piece.rth).lower(),
            "source": _SOURCES[piece.what],
        }
        if piece.end is not None:
            query |= {"startTime": _moment(piece.end), "direction": "-1"}
        if piece.contract.exchange:
            query["exchange"] = piece.contract.exchange
        try:
            told = translate.mapping(await self._wire.read(_PATH, query))
        except BrokerRefused as refused:
            if _NOTHING in refused.text.lower():
                return ()
            raise
        factor = translate.decimal(told.get("volumeFactor")) or Decimal(1)
        bars = (_bar(row, piece, factor) for row in translate.rows(told.get("data")))
        return [bar for bar in bars if bar is not None]

    async def head(self, contract: Contract, what: What, *, rth: bool) -> datetime | None:
        """This door does not say; bars of months, a few questions for all of time, show it."""
        first: datetime | None = None
        for _ in range(_LOOKS):
            bars = await self.bars(Piece(contract, what, rth, _MONTHS, LIMITS.longest[_MONTHS.name], first))
            earlier = min((bar.time for bar in bars), default=None)
            if earlier is None or (first is not None and earlier >= first):
                break
            first = earlier
        return None if first is None else first - _MARGIN

    async def open_bars(self, contract: Contract, what: What, hear: HearBars) -> None:  # noqa: ARG002
        raise NotSupported(f"The Web API tells no bars of {contract.symbol} as they come.")

    async def close_bars(self, conid: int) -> None:
        """None is ever open."""


def _period(duration: Duration) -> str:
    """IBKR takes up to 30 minutes and 8 hours; more of them begins a day earlier, and the surplus is left out."""
    if duration.unit != "S":
        return f"{duration.count}{duration.unit.lower()}"
    minutes = -(-duration.count // _MINUTE)
    if minutes <= 30:
        return f"{minutes}min"
    hours = -(-minutes // 60)
    return f"{hours}h" if hours <= 8 else f"{-(-hours // 24)}d"


def _moment(end: datetime) -> str:
    """In whole minutes, so that the one under way at the end is told too."""
    whole = end.replace(second=0, microsecond=0)
    return f"{(whole if whole == end else whole + timedelta(minutes=1)).astimezone(UTC):%Y%m%d-%H:%M:%S}"


def _bar(row: Row, piece: Piece, factor: Decimal) -> Bar | None:
    """Volumes come divided. What has no time or price is no bar."""
    prices = [translate.decimal(row.get(name)) for name in ("o", "h", "l", "c")]
    opened, high, low, close = prices
    milliseconds = translate.integer(row.get("t"))
    if not milliseconds or opened is None or high is None or low is None or close is None:
        return None
    volume = translate.decimal(row.get("v")) if piece.what is What.TRADES else None
    time = _time(datetime.fromtimestamp(milliseconds / 1000, UTC), piece.bar)
    return Bar(time, opened, high, low, close, volume=None if volume is None else volume * factor)


def _time(told: datetime, bar: BarSize) -> datetime:
    """A day's bar has the time at which its session opens: one that opens in the evening is the next day's."""
    if not bar.dated:
        return told
    return (told + _EVENING).replace(hour=0, minute=0, second=0, microsecond=0)
