"""One client's market data lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice, takewhile
from typing import Final

from ibkr_sim.exchange.model import Contract, Quote, QuoteChanged
from ibkr_sim.exchange.port import Market
from ibkr_sim.history.combinations import timed_by
from ibkr_sim.history.intervals import is_trading
from ibkr_sim.reference.news import Article, articles, headline
from ibkr_sim.reference.venues import component_key
from ibkr_sim.tws.answers import marketdata as answers
from ibkr_sim.tws.answers.news import tick_news
from ibkr_sim.tws.answers.options import OptionFigures, tick_option_computation
from ibkr_sim.tws.feeds.computations import DELAYED_COMPUTATIONS, computed
from ibkr_sim.tws.feeds.generic_ticks import (
    FUNDAMENTALS,
    ONLY_GENERIC,
    TRADES,
    look,
    moving,
    news_providers,
    numbers,
    standing,
    trade,
)
from ibkr_sim.tws.feeds.ticks import HALTED, GenericTick, Tick, changes, resized, tick_frame
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.sizes import Sizes

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = range(1, 5)
_PACE: Final = timedelta(seconds=1)
"""Simulated time between two looks at generic ticks."""
_MOST_HEADLINES: Final = 20
"""That are told of a jump of the clock."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Of market data: `frozen` if the last quote before the close will do while the exchange is closed."""

    delayed: bool = False
    frozen: bool = False


@dataclass(slots=True)
class _Line:
    contract: Contract
    kind: Kind
    sizes: Sizes
    generic: frozenset[str] = frozenset()
    providers: tuple[str, ...] = ()
    """Of news."""
    shown: Quote | None = None
    halted: bool | None = None
    figures: dict[int, Tick] = field(default_factory=dict)
    """Generic ticks by kind, as they were told."""
    computed: dict[int, OptionFigures] = field(default_factory=dict)
    """Of an option: what its bid, ask, last and model price imply, as it was told."""
    due: datetime | None = None
    headline: Article | None = None
    """The latest that was told."""
    named: int = LIVE
    """The kind of market data as it was told."""
    conids: frozenset[int] = field(init=False)
    """Whose changes concern it: a combination's legs, else the contract itself."""

    def __post_init__(self) -> None:
        self.conids = frozenset(leg.conid for leg in self.contract.legs) or frozenset({self.contract.conid})

    @property
    def quotes(self) -> bool:
        """Whether quotes are told at all."""
        return ONLY_GENERIC not in self.generic


class MarketDataFeed:
    def __init__(self, market: Market, outlet: Outlet, *, fundamentals: bool = False) -> None:
        """`fundamentals`: whether companies' ratios are told to who asks."""
        self._market = market
        self._withheld = frozenset() if fundamentals else frozenset({FUNDAMENTALS})
        self._outlet = outlet
        self._lines: dict[int, _Line] = {}
        self._trades: dict[int, _Line] = {}
        """Those of them that are told every trade."""

    @property
    def request_ids(self) -> Collection[int]:
        return tuple(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._lines

    def open(self, request_id: int, contract: Contract, kind: Kind, *, generic: Sequence[str] = ()) -> None:
        """Stream a contract's quotes until `close`; the first ones leave at once.

        Delayed data have no generic ticks, nor has a combination.

        Raises Rejected (321) for a generic tick that does not exist.
        """
        asked = numbers(generic) - self._withheld
        plain = kind.delayed or contract.legs
        sizes = Sizes(self._outlet, request_id, contract)
        told = () if plain else (asked, news_providers(generic))
        line = _Line(contract, kind, sizes, *told)
        self._lines[request_id] = line
        if line.generic & TRADES.keys():
            self._trades[request_id] = line
        self._introduce(request_id, line)
        self._show(request_id, line)
        if line.generic:
            self._tell(request_id, line, standing(look(self._market, line.contract), line.generic))
        self._show_moving(request_id, line)

    def snapshot(self, request_id: int, contract: Contract, kind: Kind) -> None:
        """The quote as it stands, once."""
        line = _Line(contract, kind, Sizes(self._outlet, request_id, contract))
        self._introduce(request_id, line)
        self._show(request_id, line)
        self._outlet.send(answers.tick_snapshot_end(self._outlet.version, request_id))

    def close(self, request_id: int) -> bool:
        """False when there is no such line."""
        self._trades.pop(request_id, None)
        return self._lines.pop(request_id, None) is not None

    def forget(self) -> None:
        """Close every line."""
        self._lines.clear()
        self._trades.clear()

    def renew(self) -> None:
        """Tell every quote anew, in full."""
        for request_id, line in self._lines.items():
            line.shown = line.halted = None
            line.computed.clear()
            self._show(request_id, line)

    def push(self, conids: Collection[int]) -> None:
        """Tell what has changed in these contracts since it was last told."""
        for request_id, line in self._lines.items():
            if not line.conids.isdisjoint(conids):
                self._show(request_id, line)

    def trade(self, event: QuoteChanged) -> None:
        """Tell of a trade whoever asked for every one of them."""
        for request_id, line in self._trades.items():
            if event.traded and line.contract.conid == event.quote.conid:
                self._show_trade(request_id, line, event.quote, event.traded)

    def refresh(self, now: datetime) -> None:
        """Look for halts, and at generic ticks again, once a second of simulated time."""
        for request_id, line in self._lines.items():
            if line.quotes:
                self._show_halt(request_id, line)
            if line.kind.frozen and line.named != (named := self._kind(line)):
                line.named = named
                self._outlet.send(answers.market_data_type(self._outlet.version, request_id, named))
            if line.due is not None and line.due <= now:
                self._show_moving(request_id, line)

    def _introduce(self, request_id: int, line: _Line) -> None:
        outlet, key = self._outlet, component_key(line.contract)
        line.named = self._kind(line)
        outlet.send(answers.tick_request_parameters(outlet.version, request_id, line.contract.min_tick, key))
        outlet.send(answers.market_data_type(outlet.version, request_id, line.named))

    def _kind(self, line: _Line) -> int:
        """As it is at the present moment."""
        if not line.kind.frozen or self._is_open(line.contract):
            return DELAYED if line.kind.delayed else LIVE
        return DELAYED_FROZEN if line.kind.delayed else FROZEN

    def _is_open(self, contract: Contract) -> bool:
        """Before and after regular hours too."""
        timed = timed_by(self._market, contract)
        return is_trading(timed, self._market.now(), self._market.trading_day, outside_rth=True)

    def _show(self, request_id: int, line: _Line) -> None:
        if not line.quotes:
            return
        quote = self._market.quote(line.contract.conid)
        self._tell(request_id, line, changes(line.shown, quote))
        line.shown = quote
        if line.contract.is_option:
            self._show_option(request_id, line, quote)
        self._show_halt(request_id, line)

    def _show_option(self, request_id: int, line: _Line, quote: Quote) -> None:
        under = self._market.quote(line.contract.under_conid)
        for kind, figures in computed(line.contract, quote, under, self._market.now()):
            if line.computed.get(kind) != figures:
                line.computed[kind] = figures
                number = DELAYED_COMPUTATIONS[kind] if line.kind.delayed else kind
                frame = tick_option_computation(self._outlet.version, request_id, number, figures)
                self._outlet.send(frame)

    def _show_halt(self, request_id: int, line: _Line) -> None:
        halted = any(self._market.is_halted(conid) for conid in line.conids)
        if line.halted is not halted:
            line.halted = halted
            self._tell(request_id, line, (GenericTick(HALTED, Decimal(halted)),))

    def _show_trade(self, request_id: int, line: _Line, quote: Quote, size: Decimal) -> None:
        kinds = [kind for number, kind in TRADES.items() if number in line.generic]
        ticks = (trade(self._market, quote, kind, size, line.sizes.told) for kind in kinds)
        self._tell(request_id, line, (tick for tick in ticks if tick is not None))

    def _show_moving(self, request_id: int, line: _Line) -> None:
        if not line.generic:
            return
        present = look(self._market, line.contract)
        line.due = present.now + _PACE
        told = {tick.kind: tick for tick in moving(present, line.generic)}
        self._tell(request_id, line, (tick for kind, tick in told.items() if line.figures.get(kind) != tick))
        line.figures = told
        self._show_news(request_id, line, present.now)

    def _show_news(self, request_id: int, line: _Line, now: datetime) -> None:
        """The latest headline of before, then every one as it comes."""
        if not line.providers:
            return
        before = line.headline
        written = islice(articles(line.contract, line.providers, now), 1 if before is None else _MOST_HEADLINES)
        found = list(takewhile(lambda row: before is None or row.time > before.time, written))
        for row in reversed(found):
            text = headline(self._market, row)
            self._outlet.send(tick_news(self._outlet.version, request_id, row.time, row.provider, row.id, text))
        line.headline = found[0] if found else before

    def _tell(self, request_id: int, line: _Line, ticks: Iterable[Tick]) -> None:
        version, delayed, exact = self._outlet.version, line.kind.delayed, line.sizes.exact
        for tick in ticks:
            told = tick if exact else resized(tick, line.sizes.told)
            self._outlet.send(tick_frame(version, request_id, told, delayed=delayed))
