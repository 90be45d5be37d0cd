"""Generic ticks by number: which may be asked for, and what the exchange knows of each (TWS API: "Tick Types")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.listing.hours import local_date, trading_day
from ibkr_sim.exchange.model import Contract, Quote, Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.record import Record
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import DAY, SESSIONS, Stretch, intervals
from ibkr_sim.history.volatility import realised
from ibkr_sim.reference.company_reports import ratios_text
from ibkr_sim.reference.fundamentals import fundamentals
from ibkr_sim.reference.news import PROVIDERS
from ibkr_sim.reference.open_interest import FUTURE, on_underlying, open_interest
from ibkr_sim.reference.option_volatility import expected
from ibkr_sim.tws.feeds.ticks import (
    AVERAGE_VOLUME,
    SHORT_TERM_VOLUMES,
    GenericTick,
    PriceTick,
    SizeTick,
    TextTick,
    Tick,
)
from ibkr_sim.tws.refusals import invalid

ONLY_GENERIC: Final = "mdoff"
"""In place of a number: no quotes beside the generic ticks."""
NEWS: Final = "292"
FUNDAMENTALS: Final = "258"
TRADES: Final[Mapping[str, int]] = MappingProxyType({"233": 48, "375": 77})
"""Told with every trade."""
LEGAL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "100": "Option Volume",
        "101": "Option Open Interest",
        "104": "Historical Volatility",
        "105": "Average Opt Volume",
        "106": "impvolat",
        "162": "Index Future Premium",
        "165": "Misc. Stats",
        "221": "Creditman Mark Price",
        "225": "Auction",
        "232": "Pl Price",
        "233": "RTVolume",
        "236": "inventory",
        "258": "Fundamentals",
        "292": "News",
        "293": "TradeCount",
        "294": "TradeRate",
        "295": "VolumeRate",
        "318": "LastRTHTrade",
        "375": "RTTrdVolume",
        "411": "rthistvol",
        "456": "IBDividends",
        "460": "Bond Factor Multiplier",
        "576": "EtfNavBidAsk(navbidask)",
        "577": "EtfNavLast(navlast)",
        "578": "EtfNavClose(navclose)",
        "586": "IPOHLMPRC",
        "587": "Pl Price Delayed",
        "588": "Futures Open Interest",
        "595": "Short-Term Volume X Mins",
        "614": "EtfNavMisc(high/low)",
        "619": "Creditman Slow Mark Price",
        "623": "EtfFrozenNavLast(fznavlast)",
    }
)
_OTHER_NUMBERS: Final = {"220": "221", "47": "258", "59": "456"}
_FUNDAMENTAL_RATIOS: Final = 47
_MARK, _SHORTABLE, _SHORTABLE_SHARES = 37, 46, 89
_TRADE_COUNT, _TRADE_RATE, _VOLUME_RATE, _LAST_RTH, _RT_VOLATILITY = 54, 55, 56, 57, 58
_HISTORICAL_VOLATILITY, _OPTION_VOLATILITY = 23, 24
_CALL_INTEREST, _PUT_INTEREST, _FUTURES_INTEREST = 27, 28, 86
_EASY, _HARD, _NONE = Decimal(3), Decimal(2), Decimal(1)
"""Above 2.5 at least a thousand shares are there to be sold short, above 1.5 they must be looked for."""
_EASY_FROM, _PLENTY = Decimal(1_000), Decimal(10_000_000)
"""Shares; the latter of a contract that can be sold short without end."""
_EXTREMES: Final = ((13, 15), (26, 17), (52, 19))
"""Weeks, and the kind of tick of their low; that of their high is one more."""
_SHORT_TERMS: Final = tuple(zip((3, 5, 10), SHORT_TERM_VOLUMES, strict=True))
"""Minutes, and the kind of tick of their volume."""
_THIRTY_DAYS: Final = 30
_MINUTES_A_YEAR: Final = SESSIONS["Y"] * 390


@dataclass(frozen=True, slots=True)
class Look:
    """What a generic tick is taken from, all of the same moment."""

    market: Market
    contract: Contract
    record: Record
    quote: Quote
    now: datetime

    def days(self, count: int) -> list[Bar]:
        """Trading days, today among them, in their liquid hours."""
        spans = intervals(self.contract, Stretch(DAY, sessions=count), self.now)
        return self.record.bars(Source.TRADES, spans)

    def minutes(self, count: int) -> list[Bar]:
        """The last ones, of the clock."""
        end = self.now.replace(microsecond=0) + timedelta(seconds=1)
        spans = [(end - timedelta(minutes=back), end - timedelta(minutes=back - 1)) for back in range(count, 0, -1)]
        return self.record.bars(Source.TRADES, spans)


def look(market: Market, contract: Contract) -> Look:
    """At the present moment."""
    record = market.record(contract.conid)  # first of all: it brings the exchange up to its clock
    return Look(market, contract, record, market.quote(contract.conid), market.now())


def numbers(asked: Iterable[str]) -> frozenset[str]:
    """The ticks asked for, by their numbers. Raises Rejected (321) for one that does not exist."""
    found = set()
    for name in asked:
        number, _colon, _providers = name.partition(":")
        number = _OTHER_NUMBERS.get(number, number)
        if number not in LEGAL and name != ONLY_GENERIC:
            legal = ",".join(f"{key}({title})" for key, title in LEGAL.items())
            cause = f"Incorrect generic tick list of {','.join(asked)}.  Legal ones for (STK) are: {legal}"
            raise Rejected(*invalid(cause))
        found.add(number)
    return frozenset(found)


def news_providers(asked: Iterable[str]) -> tuple[str, ...]:
    """Whose news are asked for: those behind `292:`, all of them for the number alone, none without it."""
    for name in asked:
        number, colon, providers = name.partition(":")
        if number == NEWS:
            return tuple(providers.split("+")) if colon else tuple(PROVIDERS)
    return ()


def standing(at: Look, asked: frozenset[str]) -> Iterator[Tick]:
    """What is told once, at the beginning."""
    known = {**_STANDING, **_OF_STOCKS} if at.contract.sec_type == "STK" else _STANDING
    for number, figures in known.items():
        if number in asked:
            yield from figures(at)


def moving(at: Look, asked: frozenset[str]) -> Iterator[Tick]:
    """What is told again when it has changed."""
    for number, figures in _MOVING.items():
        if number in asked:
            yield from figures(at)


def trade(
    market: Market, quote: Quote, kind: int, size: Decimal, told: Callable[[Decimal], Decimal]
) -> TextTick | None:
    """`price;size;time;volume;average;single` of the trade that a quote shows last; `told` is a size as it is read."""
    if quote.last is None:
        return None
    _count, turnover = market.day_trades(quote.conid)
    average = turnover / quote.volume if quote.volume else quote.last
    time = int(quote.time.timestamp() * 1000)
    return TextTick(kind, f"{quote.last};{told(size):f};{time};{told(quote.volume):f};{average:.8f};true")


def _option_interest(at: Look) -> Iterator[Tick]:
    """Of an option, whose other right has none; of an underlying, over all its options."""
    if at.contract.is_option:
        held = open_interest(at.contract, at.now) or Decimal(0)
        calls, puts = (held, Decimal(0)) if at.contract.right == "C" else (Decimal(0), held)
    elif (both := on_underlying(at.market, at.contract)) is not None:
        calls, puts = both
    else:
        return
    yield SizeTick(_CALL_INTEREST, calls)
    yield SizeTick(_PUT_INTEREST, puts)


def _futures_interest(at: Look) -> Iterator[Tick]:
    held = open_interest(at.contract, at.now)
    if held is not None and at.contract.sec_type == FUTURE:
        yield SizeTick(_FUTURES_INTEREST, held)


def _volatility(at: Look) -> Iterator[Tick]:
    value = realised([bar.close for bar in at.days(_THIRTY_DAYS + 1)])
    if value is not None:
        yield GenericTick(_HISTORICAL_VOLATILITY, value)


def _expected_volatility(at: Look) -> Iterator[Tick]:
    value = expected(at.market, at.contract)
    if value is not None:
        yield GenericTick(_OPTION_VOLATILITY, value)


def _statistics(at: Look) -> Iterator[Tick]:
    days = at.days(SESSIONS["Y"])
    for weeks, kind in _EXTREMES:
        recent = days[-weeks * SESSIONS["W"] :]
        yield PriceTick(kind, min(bar.low for bar in recent))
        yield PriceTick(kind + 1, max(bar.high for bar in recent))
    quarter = days[-SESSIONS["Y"] // 4 :]
    volume = sum((bar.volume for bar in quarter), Decimal(0)) / len(quarter)
    yield SizeTick(AVERAGE_VOLUME, volume.quantize(Decimal(1)))


def _inventory(at: Look) -> Iterator[Tick]:
    """How easily a stock is sold short, and how many shares there are for that."""
    if at.contract.sec_type != "STK":
        return
    shares = at.market.shortable(at.contract.conid)
    if shares is None:
        shares = _PLENTY
    yield GenericTick(_SHORTABLE, _EASY if shares >= _EASY_FROM else _HARD if shares else _NONE)
    yield SizeTick(_SHORTABLE_SHARES, shares)


def _ratios(at: Look) -> Iterator[Tick]:
    known = fundamentals(at.market, at.contract)
    if known is not None:
        yield TextTick(_FUNDAMENTAL_RATIOS, ratios_text(known))


def _mark(at: Look) -> Iterator[Tick]:
    quote = at.quote
    middle = None if quote.bid is None or quote.ask is None else (quote.bid + quote.ask) / 2
    mark = middle if quote.last is None else quote.last
    if mark is not None:
        yield PriceTick(_MARK, mark)


def _trade_count(at: Look) -> Iterator[Tick]:
    count, _turnover = at.market.day_trades(at.contract.conid)
    yield GenericTick(_TRADE_COUNT, Decimal(count))


def _trade_rate(at: Look) -> Iterator[Tick]:
    yield GenericTick(_TRADE_RATE, Decimal(sum(bar.count for bar in at.minutes(1))))


def _volume_rate(at: Look) -> Iterator[Tick]:
    yield GenericTick(_VOLUME_RATE, sum((bar.volume for bar in at.minutes(1)), Decimal(0)))


def _last_regular(at: Look) -> Iterator[Tick]:
    """The last trade, if it was in regular hours."""
    day = trading_day(at.contract, local_date(at.contract, at.quote.time))
    if at.quote.last is not None and day is not None and day.liquid_from <= at.quote.time < day.liquid_to:
        yield PriceTick(_LAST_RTH, at.quote.last)


def _current_volatility(at: Look) -> Iterator[Tick]:
    """Of the last half hour's minutes."""
    value = realised([bar.close for bar in at.minutes(_THIRTY_DAYS)], _MINUTES_A_YEAR)
    if value is not None:
        yield GenericTick(_RT_VOLATILITY, value)


def _short_term(at: Look) -> Iterator[Tick]:
    bars = {bar.start: bar.volume for bar in at.minutes(_SHORT_TERMS[-1][0])}
    for minutes, kind in _SHORT_TERMS:
        since = at.now - timedelta(minutes=minutes)
        yield SizeTick(kind, sum((volume for start, volume in bars.items() if start >= since), Decimal(0)))


Figures = Callable[[Look], Iterator[Tick]]
_STANDING: Final[Mapping[str, Figures]] = MappingProxyType({"101": _option_interest, "588": _futures_interest})
_OF_STOCKS: Final[Mapping[str, Figures]] = MappingProxyType(
    {"104": _volatility, "165": _statistics, FUNDAMENTALS: _ratios}
)
_MOVING: Final[Mapping[str, Figures]] = MappingProxyType(
    {
        "106": _expected_volatility,
        "221": _mark,
        "232": _mark,
        "236": _inventory,
        "293": _trade_count,
        "294": _trade_rate,
        "295": _volume_rate,
        "318": _last_regular,
        "411": _current_volatility,
        "595": _short_term,
        "619": lambda at: (PriceTick(79, tick.price) for tick in _mark(at) if isinstance(tick, PriceTick)),
    }
)
