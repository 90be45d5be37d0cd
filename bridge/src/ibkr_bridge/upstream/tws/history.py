"""Historical bars, where they begin, and bars of five seconds as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import ib_async
from ib_async.client import Client

from ibkr_bridge.domain.bars import Bar, BarSize, Duration, What
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerAway, BrokerRefused, BrokerSilent
from ibkr_bridge.ports.history import BarArrived, BarsFailed, HearBars, HistoryLimits, PacedOut, Piece
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.codes import Code, Effect
from ibkr_bridge.upstream.tws.lines import Line, Lines
from ibkr_bridge.upstream.tws.numbers import decimal
from ibkr_bridge.upstream.tws.wire import Wire

_LONGEST: Final = (
    (1, Duration(1_800, "S")),
    (5, Duration(3_600, "S")),
    (15, Duration(14_400, "S")),
    (30, Duration(28_800, "S")),
    (60, Duration(1, "D")),
    (120, Duration(2, "D")),
    (1_200, Duration(1, "W")),
    (28_800, Duration(1, "M")),
    (86_400, Duration(1, "Y")),
)
"""Bars up to so many seconds: the longest duration (TWS API, "Historical Bars: Step Sizes")."""
_NAMES: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        **{f"{count}s": (count, f"{count} secs") for count in (1, 5, 10, 15, 30)},
        "1m": (60, "1 min"),
        **{f"{count}m": (count * 60, f"{count} mins") for count in (2, 3, 5, 10, 15, 20, 30)},
        "1h": (3_600, "1 hour"),
        **{f"{count}h": (count * 3_600, f"{count} hours") for count in (2, 3, 4, 8)},
        "1d": (86_400, "1 day"),
        "1w": (7 * 86_400, "1W"),
        "1M": (30 * 86_400, "1M"),
    }
)
_DECADES: Final = Duration(20, "Y")
"""Of weeks and months: in one piece, because a week that is cut in two would be told twice, and never whole."""
LIMITS: Final = HistoryLimits(
    longest=MappingProxyType(
        {
            name: next((most for size, most in _LONGEST if length <= size), _DECADES)
            for name, (length, _) in _NAMES.items()
        }
    ),
    kinds=frozenset(What),
    at_once=10,
    small=30,
    live=True,
)
"""TWS API, "Historical Data Limitations". Of the 50 questions that may be open, most are left to the user's charts."""
_PATIENCE: Final = 6
"""A piece may take so many times as long as another question: IBKR slows history down before it refuses it."""
_FAILED: Final = 162
_PACED: Final = "pacing violation"
_NOTHING: Final = "no data"
_SECONDS: Final = 2
"""The form of times: seconds since 1970; days and longer are dates all the same."""
_LIVE_BAR: Final = 5
_NONE: Final = -1.0


@dataclass(slots=True)
class _Line(Line):
    what: What
    hear: HearBars


class History:
    """Fills `ports.history.HistorySource`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lines = Lines(wire, _ask, _end)

    @property
    def limits(self) -> HistoryLimits:
        return LIMITS

    async def bars(self, piece: Piece) -> Sequence[Bar]:
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        with self._wire.requests.open(number, f"{piece.bar} bars of {piece.contract.symbol}") as request:
            client.reqHistoricalData(
                number,
                translate.contract_sent(piece.contract),
                _moment(piece.end),
                str(piece.duration),
                _NAMES[piece.bar.name][1],
                _named(piece.contract, piece.what),
                int(piece.rth),
                _SECONDS,
                False,  # noqa: FBT003  keepUpToDate; ib_async names no argument
                [],
            )
            try:
                rows = await request.all(self._wire.settings.request_timeout * _PATIENCE)
            except BrokerRefused as refused:
                if refused.ibkr_code == _FAILED:
                    return _nothing(refused)
                raise
            except (BrokerSilent, asyncio.CancelledError):
                await self._drop(Client.cancelHistoricalData, number)
                raise
        return [_bar(row, piece.bar) for row in rows]

    async def head(self, contract: Contract, what: What, *, rth: bool) -> datetime | None:
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        with self._wire.requests.open(number, f"the beginning of the data of {contract.symbol}") as request:
            asked, kind = translate.contract_sent(contract), _named(contract, what)
            client.reqHeadTimeStamp(number, asked, kind, int(rth), _SECONDS)
            try:
                found = await request.all(self._wire.settings.request_timeout)
            except (BrokerSilent, asyncio.CancelledError):
                await self._drop(Client.cancelHeadTimeStamp, number)
                raise
        return _read(str(found[0])) if found else None

    async def open_bars(self, contract: Contract, what: What, hear: HearBars) -> None:
        if contract.conid not in self._lines:
            await self._lines.open(contract.conid, _Line(contract, what, hear))

    async def close_bars(self, conid: int) -> None:
        await self._lines.close(conid)

    async def restore(self) -> None:
        await self._lines.restore()

    def row(self, number: int, bar: ib_async.BarData) -> None:
        self._wire.requests.add(number, bar)

    def complete(self, number: int, _start: str, _end: str) -> None:
        self._wire.requests.finish(number)

    def begins(self, number: int, text: str) -> None:
        self._wire.requests.add(number, text)
        self._wire.requests.finish(number)

    def live(
        self,
        number: int,
        time: int,
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        wap: float,
        count: int,
    ) -> None:
        line = self._lines.get(number)
        if line is not None:
            told = ib_async.BarData(
                open=open_, high=high, low=low, close=close, volume=volume, average=wap, barCount=count
            )
            line.hear(BarArrived(line.contract.conid, _made(datetime.fromtimestamp(time, UTC), told)))

    def message(self, number: int, code: Code, text: str) -> bool:
        line = self._lines.get(number)
        if line is None:
            return False
        if code.effect is Effect.REFUSED:
            line.hear(BarsFailed(line.contract.conid, code.number, text))
        return True

    async def _drop(self, cancel: Callable[[Client, int], None], number: int) -> None:
        """IBKR counts a question until it is answered, or ended."""
        try:
            cancel(await self._wire.turn(Lane.DATA), number)
        except BrokerAway:
            return  # the question went with the connection


def _ask(client: Client, line: _Line) -> None:
    client.reqRealTimeBars(line.number, line.asked, _LIVE_BAR, line.what.value, 0, [])


def _end(client: Client, line: _Line) -> None:
    client.cancelRealTimeBars(line.number)


def _nothing(refused: BrokerRefused) -> Sequence[Bar]:
    """162 is three things that only its text tells apart; it is IBKR's servers' own, in English at every gateway."""
    text = refused.text.lower()
    if _NOTHING in text:
        return ()
    if _PACED in text:
        raise PacedOut(_FAILED, refused.text)
    raise refused


def _named(contract: Contract, what: What) -> str:
    """IBKR keeps the trades of cryptocurrencies under a name of their own, and refuses the other one (10299)."""
    return (What.AGGTRADES if (contract.sec_type, what) == ("CRYPTO", What.TRADES) else what).value


def _moment(end: datetime | None) -> str:
    """A time with a dash is in UTC, whatever the gateway's own zone is."""
    return "" if end is None else f"{end.astimezone(UTC):%Y%m%d-%H:%M:%S}"


def _read(text: str) -> datetime | None:
    """Seconds since 1970, a date, or a date and time in UTC."""
    try:
        if len(text) == len("20260302"):
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
        if text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _bar(row: ib_async.BarData, size: BarSize) -> Bar:
    """Raises BrokerRefused for a time that cannot be read: a bar without its time is worth nothing."""
    time = _read(str(row.date))
    if time is None:
        raise BrokerRefused(None, f"IBKR told a bar of {size} at {row.date!r}, which is no time.")
    return _made(time, row)


def _made(time: datetime, row: ib_async.BarData) -> Bar:
    """Of quotes there is no volume: IBKR writes -1."""
    return Bar(
        time=time,
        open=_price(row.open),
        high=_price(row.high),
        low=_price(row.low),
        close=_price(row.close),
        volume=None if row.volume == _NONE else decimal(row.volume),
        wap=None if row.average == _NONE else decimal(row.average),
        count=None if row.barCount < 0 else row.barCount,
    )


def _price(value: float) -> Decimal:
    """Spreads and futures have traded at less than nothing, so no price means that there is none."""
    return decimal(value) or Decimal(0)
