"""What the guards are shown: the market first, which may have to be asked for, then everything else at one instant."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ibkr_bridge.domain.account import Seen, T
from ibkr_bridge.domain.combos import by_leg, leg_terms
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.interruptions import Interruption, next_one
from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.guarding.exposures import Exposure, Exposures, Worth
from ibkr_bridge.engine.guarding.net_prices import NetPrices, net_prices
from ibkr_bridge.engine.guarding.rates import Rates
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.guards.chain import GUARDS, LEGS, WHOLE, judge_all, judge_legs
from ibkr_bridge.guards.verdict import Denial, Guard, Intent, Price, Recent, TradingState, View
from ibkr_bridge.ports.calendar import Calendar, MarketHours
from ibkr_bridge.ports.clock import Clock

_PATIENCE = 3.0
"""How long the market may be asked for the guards, in seconds; what is then missing is missing."""
_CALENDAR = 10.0
"""As long for the calendar, which nobody far away is asked for, but which takes its time to load once."""
_REMEMBERED = timedelta(minutes=1)
_UNPRICED = tuple(guard for guard in WHOLE if guard not in LEGS)


@dataclass(frozen=True, slots=True)
class Market:
    """What had to be asked for. None: not needed, or not to be had."""

    quote: Seen[Quote] | None = None
    rate: Price | None = None
    hours: MarketHours | None = None
    hours_late: bool = False
    worths: Mapping[int, Worth] = field(default_factory=dict)
    """Of every contract that the account holds or has an order for, by conid."""
    legs: tuple[Market, ...] = ()
    """Of a combo, the market of each leg; of the combo itself nothing is known."""


class Outlook:
    def __init__(
        self,
        clock: Clock,
        settings: EngineSettings,
        calendar: Calendar,
        *,
        book: OrderBook,
        sessions: Sessions,
        accounts: Accounts,
        marketdata: MarketData,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._calendar = calendar
        self._book = book
        self._sessions = sessions
        self._accounts = accounts
        self._marketdata = marketdata
        self._rates = Rates(marketdata, clock)
        self._exposures = Exposures(book, accounts, marketdata, self._rates, settings.limits.base_currency)
        self._recent: deque[Recent] = deque()
        self.state = TradingState.ACTIVE

    @property
    def interruption(self) -> Interruption | None:
        """The next one that is known in advance."""
        return next_one(self._settings.interruptions, self._clock.now())

    async def market(self, account: str, contract: Contract) -> Market:
        """Ask only for what a guard that is switched on will look at."""
        if contract.legs:
            legs = await asyncio.gather(*(self.market(account, leg.contract) for leg in contract.legs))
            return Market(legs=tuple(legs))
        limits = self._settings.limits
        exposed = limits.max_exposure is not None
        valued = limits.max_order_value is not None or exposed
        quoted = valued or limits.price_collar_percent is not None
        placed = limits.max_position is not None or exposed or self.state is TradingState.REDUCING
        await _in_time(self._accounts.settle(account, needed=placed))
        quote, rate, (hours, late), worths = await asyncio.gather(
            _in_time(self._quote(contract)) if quoted else _nothing(),
            _in_time(self._rates.rate(contract.currency, limits.base_currency)) if valued else _nothing(),
            self._hours(contract) if limits.market_hours else _no_hours(),
            self._exposures.ask(account, contract) if exposed else _nothing(),
        )
        return Market(quote, rate, hours, late, worths or {})

    def denial(
        self,
        intents: Sequence[Intent],
        market: Market,
        guards: tuple[Guard, ...] = GUARDS,
        *,
        ahead: Sequence[Order] = (),
    ) -> Denial | None:
        """Of an order and its children, and of its legs if it is a combo. Without an await, as `view`."""
        first = intents[0]
        view = self.view(first, market, ahead)
        if not first.contract.legs:
            return judge_all(intents, view, guards)
        whole = tuple(guard for guard in guards if guard in (WHOLE if _has_unit(first.contract) else _UNPRICED))
        legs = [(leg, self.view(leg, seen, ahead)) for leg, seen in zip(_legs(first), market.legs, strict=True)]
        return judge_all(intents, view, whole) or judge_legs(legs, guards)

    def view(self, intent: Intent, market: Market, ahead: Sequence[Order] = ()) -> View:
        """Without an await: what is judged is what is then bound. `ahead` are orders that go with it, and count."""
        now = self._clock.now()
        replaced = intent.replaces.id if intent.replaces else None
        legs = intent.contract.legs
        quotes = [(_price(one.quote, "bid", now), _price(one.quote, "ask", now)) for one in market.legs]
        net = net_prices(legs, quotes) if legs else NetPrices()
        working = tuple(part for order in (*self._working(intent.account, replaced), *ahead) for part in by_leg(order))
        others = self._others(intent, market, working)
        return View(
            read_only=self._settings.read_only,
            expected_world=self._settings.world,
            allow_live=self._settings.allow_live,
            pinned_account=self._settings.account,
            session_accounts=self._sessions.held,
            now=now,
            state=self.state,
            limits=self._settings.limits,
            bid=net.bid or _price(market.quote, "bid", now),
            ask=net.ask or _price(market.quote, "ask", now),
            gross=net.gross,
            last=_price(market.quote, "last", now),
            rate=market.legs[0].rate if market.legs else market.rate,
            market_open=market.hours.open if market.hours else None,
            next_open=market.hours.next_open if market.hours else None,
            hours_late=market.hours_late,
            told=self._accounts.current,
            position=self._accounts.held(intent.account, intent.contract.conid),
            fresh=self._accounts.fresh(intent.account, intent.contract.conid),
            exposure=others.value,
            unvalued=others.unvalued,
            working=working,
            recent=(*self._recent, *(Recent(now, order.conids, order.terms) for order in ahead)),
            interruption=self.interruption,
        )

    def passed(self, intent: Intent) -> None:
        """Remember an order that was let through."""
        now = self._clock.now()
        self._recent.append(Recent(now, intent.conids, intent.terms))
        while now - self._recent[0].at > _REMEMBERED:
            self._recent.popleft()

    def _working(self, account: str, replaced: str | None) -> list[Order]:
        return [order for order in self._book.unfinished() if order.account == account and order.id != replaced]

    async def _quote(self, contract: Contract) -> Seen[Quote] | None:
        try:
            _contract, seen = await self._marketdata.quote(ContractQuery(conid=contract.conid))
        except BridgeError:
            return None
        return seen

    async def _hours(self, contract: Contract) -> tuple[MarketHours | None, bool]:
        """By the listing's calendar: SMART is a route, not a place. And whether the answer has not come in time."""
        try:
            async with asyncio.timeout(_CALENDAR):
                exchange = contract.primary_exchange or contract.exchange
                return await self._calendar.hours(exchange, self._clock.now()), False
        except BridgeError:
            return None, False
        except TimeoutError:
            return None, True

    def _others(self, intent: Intent, market: Market, working: Sequence[Order]) -> Exposure:
        """A combo is judged by its legs."""
        if self._settings.limits.max_exposure is None or intent.contract.legs:
            return Exposure()
        return self._exposures.of_others(intent.account, intent.contract.conid, working, market.worths)


def _has_unit(combo: Contract) -> bool:
    """Whether one price says what a combo is worth: not where shares are mixed with options."""
    return len({leg.contract.multiplier for leg in combo.legs}) == 1


def _legs(intent: Intent) -> list[Intent]:
    """What an order for a combo asks of each leg."""
    replaced = by_leg(intent.replaces) if intent.replaces else (None,) * len(intent.contract.legs)
    return [
        Intent(intent.account, leg.contract, leg_terms(intent.terms, leg), before)
        for leg, before in zip(intent.contract.legs, replaced, strict=True)
    ]


async def _in_time(question: Awaitable[T]) -> T | None:
    """Each question has its own time: what has come is kept when another answer is late."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await question
    except TimeoutError:
        return None


async def _nothing() -> None:
    return None


async def _no_hours() -> tuple[None, bool]:
    return None, False


def _price(seen: Seen[Quote] | None, side: str, now: datetime) -> Price | None:
    value = getattr(seen.value, side) if seen else None
    if seen is None or value is None:
        return None
    return Price(value, (now - seen.as_of).total_seconds(), seen.stale)
