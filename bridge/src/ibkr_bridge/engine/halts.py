"""The kill switch: stop what is new, cancel what is ours, bring positions to zero; each only when asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import structlog

from ibkr_bridge.domain.account import Position
from ibkr_bridge.domain.contract import ContractQuery
from ibkr_bridge.domain.errors import BridgeError, BrokerAway, NotHeardOf
from ibkr_bridge.domain.order import Order, OrderStatus, PlaceOrder
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.guarding.outlook import Outlook
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.orders.commands import Orders
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.guards.chain import REDUCING
from ibkr_bridge.guards.verdict import TradingState
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.ports.upstream import Upstream

log = structlog.get_logger()
_SWITCH = "trading"
_MOST_QUESTIONS = 5
"""That one order may be asked about, one after the other."""
_RETRY = 0.2
_AGAIN = 2.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that was to be stopped and was not: an order, or a position by its symbol."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class HaltReport:
    state: TradingState
    cancelled: tuple[str, ...] = ()
    """What the broker has cancelled; an order that filled first, or never left the house, is not among them."""
    remaining: tuple[Failure, ...] = ()
    """Whatever may live at the broker."""
    flattening: tuple[str, ...] = ()
    """The orders that bring positions to zero."""
    not_flattened: tuple[Failure, ...] = ()


class Halts:
    def __init__(
        self,
        upstream: Upstream,
        settings: EngineSettings,
        *,
        book: OrderBook,
        orders: Orders,
        accounts: Accounts,
        marketdata: MarketData,
        outlook: Outlook,
        journal: Journal,
        look: Callable[[], None],
    ) -> None:
        """`look` asks for everything the broker shows."""
        self._upstream = upstream
        self._settings = settings
        self._book = book
        self._orders = orders
        self._accounts = accounts
        self._marketdata = marketdata
        self._outlook = outlook
        self._journal = journal
        self._look = look
        self._busy = asyncio.Lock()
        self._keeping = asyncio.Lock()

    @property
    def state(self) -> TradingState:
        return self._outlook.state

    async def halt(self, *, cancel: bool = False, flatten: bool = False, foreign: bool = False) -> HaltReport:
        """Stop new orders from this instant; then cancel ours; then, once cancels have settled, flatten.

        With `foreign` the broker is asked to cancel every order of the user, whoever placed it.
        Safe to run twice: what is already on its way to zero is not ordered again. What was begun is finished, also
        where trading is resumed meanwhile.
        """
        log.warning("trading halted", cancel=cancel, flatten=flatten, foreign=foreign)
        self._outlook.state = TradingState.HALTED
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep(), name="the halt on record")
            stopping = tasks.create_task(self._stop(cancel=cancel, flatten=flatten, foreign=foreign), name="halt")
        return stopping.result()

    async def reduce(self) -> HaltReport:
        """From now on only what brings a position nearer to zero."""
        log.warning("trading reduces only")
        self._outlook.state = TradingState.REDUCING
        await self._keep()
        return HaltReport(self.state)

    async def resume(self) -> HaltReport:
        log.warning("trading resumed")
        self._outlook.state = TradingState.ACTIVE
        await self._keep()
        return HaltReport(self.state)

    async def remembered(self) -> None:
        """A halt outlives the process that was halted."""
        state = await self._journal.recall(_SWITCH)
        if state is not None:
            self._outlook.state = TradingState(state)

    async def _keep(self) -> None:
        """The state is in force already; what a restart finds is the last one, whoever was faster."""
        async with self._keeping:
            try:
                await self._journal.remember(_SWITCH, self.state.value)
            except OSError as problem:
                log.warning("the state of trading is in force, but a restart would forget it", problem=str(problem))

    async def _stop(self, *, cancel: bool, flatten: bool, foreign: bool) -> HaltReport:
        if not (cancel or flatten or foreign):
            return HaltReport(self.state)
        async with self._busy:
            cancelled, remaining = await self._cancel_all() if cancel or flatten else ((), ())
            if foreign:
                remaining = (*remaining, *await self._cancel_foreign())
            flattening, not_flattened = await self._flatten() if flatten else ((), ())
        return HaltReport(self.state, cancelled, remaining, flattening, not_flattened)

    async def _cancel_all(self) -> tuple[tuple[str, ...], tuple[Failure, ...]]:
        """Every order of ours that may still fill, one by one and side by side; what is on its way is waited for."""
        targets = [order for order in self._book.unfinished() if self._accounts.visible(order.account)]
        outcomes = await asyncio.gather(*(self._cancel(order) for order in targets))
        latest = [self._book.get(order.id) for order in targets]
        cancelled = (order.id for order in latest if order and order.status is OrderStatus.CANCELLED)
        return tuple(cancelled), tuple(failure for failure in outcomes if failure is not None)

    async def _cancel_foreign(self) -> tuple[Failure, ...]:
        """The broker cancels all at once; what it still shows when the time is up remains."""
        try:
            async with asyncio.timeout(self._settings.cancel_all_timeout):
                await self._upstream.cancel_everything()
                while self._orders.foreign():
                    self._look()  # their ends are told to those who placed them
                    await asyncio.sleep(_RETRY)
        except BridgeError as problem:
            return tuple(Failure(order.id, problem.detail) for order in self._orders.foreign())
        except TimeoutError:
            return tuple(Failure(order.id, f"still {order.status}") for order in self._orders.foreign())
        return ()

    async def _cancel(self, order: Order) -> Failure | None:
        """Ask again and again until it has ended: a cancel may be said twice."""
        try:
            async with asyncio.timeout(self._settings.cancel_all_timeout):
                while not (await self._sent(order)).status.terminal and not await self._ended(order):
                    log.info("a cancel is said again", order=order.id)
        except TimeoutError:
            return self._left(order)
        except BridgeError as problem:
            return self._left(order, problem.detail)
        return None

    def _left(self, order: Order, why: str = "") -> Failure | None:
        """None: it has ended, or its intent was never kept, so that nothing was sent."""
        latest = self._book.get(order.id)
        if latest is None or latest.status.terminal:
            return None
        return Failure(order.id, why or f"still {latest.status}")

    async def _ended(self, order: Order) -> bool:
        """Whether it ends within a moment."""
        try:
            async with asyncio.timeout(_AGAIN):
                while not (self._book.get(order.id) or order).status.terminal:
                    await self._book.next(order.id)
        except TimeoutError:
            return False
        return True

    async def _sent(self, order: Order) -> Order:
        """What could not be sent now, for want of a session, a number or IBKR's budget, is sent once it can be."""
        while True:
            try:
                return await self._orders.cancel(order.id)
            except NotHeardOf:
                self._look()
                await asyncio.sleep(_RETRY)
            except BrokerAway:
                await asyncio.sleep(_RETRY)

    async def _flatten(self) -> tuple[tuple[str, ...], tuple[Failure, ...]]:
        """By orders that pass for what they are, whatever the state of trading: they only ever reduce."""
        try:
            await self._upstream.refresh_positions()
            positions = (await self._accounts.positions(None)).value
            outcomes = await asyncio.gather(*(self._close(position) for position in positions))
        except BridgeError as problem:
            return (), (Failure("positions", problem.detail),)
        placed = tuple(outcome for outcome in outcomes if isinstance(outcome, str))
        return placed, tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))

    async def _close(self, position: Position) -> str | Failure:
        """A limit order just beyond the market: it fills like a market order, and never at any price."""
        symbol = position.contract.symbol
        side = Side.SELL if position.qty > 0 else Side.BUY
        try:
            limit = await self._limit(position, side)
            placement = await self._orders.place(
                PlaceOrder(
                    contract=ContractQuery(conid=position.contract.conid),
                    terms=Terms(side, abs(position.qty), OrderType.LIMIT, limit),
                    account=position.account,
                ),
                REDUCING,
            )
            order = await self._confirmed(placement.order)
        except BridgeError as problem:
            return Failure(symbol, problem.detail)
        if order.status is OrderStatus.AWAITING_ANSWER:
            return Failure(symbol, f"IBKR still asks: {' '.join(question.text for question in order.questions)}")
        if order.status.terminal and order.status is not OrderStatus.FILLED:
            return Failure(symbol, order.reason or str(order.status))
        return order.id

    async def _confirmed(self, order: Order) -> Order:
        """Who has a position closed has said yes to whatever the broker asks about it; what policy refuses, it does."""
        for _question in range(_MOST_QUESTIONS):
            if order.status is not OrderStatus.AWAITING_ANSWER:
                break
            log.warning("confirmed by the kill switch", order=order.id, questions=[one.text for one in order.questions])
            order = await self._orders.answer(order.id, confirm=True, guards=REDUCING)
        return order

    async def _limit(self, position: Position, side: Side) -> Decimal:
        contract, seen = await self._marketdata.quote(ContractQuery(conid=position.contract.conid))
        quote = seen.value
        market = (quote.bid if side is Side.SELL else quote.ask) or quote.last or quote.close
        if market is None:
            raise BridgeError(f"{contract.symbol} has no price to close it at.")
        slip = market * self._settings.flatten_slip_percent / 100
        return _on_grid(market - slip if side is Side.SELL else market + slip, contract.min_tick or Decimal("0.01"))


def _on_grid(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value() * tick
