"""Orders on the wire: sent once under our reference, followed on the stream, and asked for where it is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BridgeError, BrokerRefused, BrokerSilent, NotHeardOf
from ibkr_bridge.domain.events import Executed, Reported, Warned
from ibkr_bridge.domain.order import BrokerIds, BrokerOrder, Order, OrderStatus, Preview
from ibkr_bridge.domain.questions import Decide
from ibkr_bridge.domain.terms import Terms
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import BrokerState, Listener, MessageKind, OrderMessage, OrderReported, Permit, Word
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.webapi import errors, translate
from ibkr_bridge.upstream.webapi.contracts import Contracts
from ibkr_bridge.upstream.webapi.questions import Rounds
from ibkr_bridge.upstream.webapi.socket import Message, Say
from ibkr_bridge.upstream.webapi.tickets import ticket
from ibkr_bridge.upstream.webapi.trades import Trades
from ibkr_bridge.upstream.webapi.translate import Row
from ibkr_bridge.upstream.webapi.wire import Wire

log = structlog.get_logger()
_ORDERS: Final = "/iserver/account/orders"
_LOOKS: Final = 3
_MOST_LISTED: Final = 1000
_SLOWEST: Final = 10.0
"""Seconds between two questions about one order while the stream is silent."""
_TRUSTED: Final = 60.0
"""The same, while the stream speaks of it."""
_REFUSED: Final = 30.0
"""Seconds until a refused stream is asked for again."""
_LAGGING: Final = 5.0
"""Seconds in which IBKR's list may still have the terms from before a change."""
_AT_A_TIME: Final = 3


@dataclass(slots=True)
class _Watch:
    """When an order is asked about next, in monotonic seconds."""

    due: float
    wait: float


class Orders:
    def __init__(self, wire: Wire, clock: Clock, emit: Listener, say: Say, contracts: Contracts) -> None:
        self._wire = wire
        self._clock = clock
        self._emit = emit
        self._say = say
        self._contracts = contracts
        self._rounds = Rounds(wire)
        self._references: dict[int, str] = {}
        """By IBKR's order id: not every row carries it."""
        self.trades = Trades(wire, clock, emit, contracts, self._references)
        self._looking = asyncio.Lock()
        self._latest: BrokerState | None = None
        self._rows: dict[int, dict[str, Any]] = {}
        self._watched: dict[int, _Watch] = {}
        self._inactive: dict[int, float] = {}
        self._agreed: dict[int, tuple[float, Terms]] = {}
        """Terms of ours that IBKR took, and when."""
        self._resubscribe_at: float | None = None

    async def place(self, order: Order, reference: str, decide: Decide, permit: Permit) -> BrokerIds:
        self._contracts.learn(order.contract)
        body = ticket(order.contract, order.account, order.terms, reference)
        path = f"/iserver/account/{order.account}/orders"
        row = await self._rounds.submit(path, {"orders": [body]}, decide, permit)
        return self._accepted(row, order, order.terms, reference)

    async def place_all(
        self, orders: Sequence[Order], references: Sequence[str], decide: Decide, permit: Permit
    ) -> list[Word]:
        """Children name their parent by its reference (Web API, "Bracket Orders"); IBKR may take a part of them."""
        for order in orders:
            self._contracts.learn(order.contract)
        tickets = [
            ticket(order.contract, order.account, order.terms, reference)
            for order, reference in zip(orders, references, strict=True)
        ]
        for order, sent in zip(orders, tickets, strict=True):
            if order.parent_id is not None:
                sent["parentId"] = references[0]
            elif order.terms.oca is not None:
                sent["isSingleGroup"] = True
        path = f"/iserver/account/{orders[0].account}/orders"
        rows = await self._rounds.submit_all(path, {"orders": tickets}, references, decide, permit)
        return [
            row if isinstance(row, BridgeError) else self._accepted(row, order, order.terms, reference)
            for row, order, reference in zip(rows, orders, references, strict=True)
        ]

    async def modify(self, order: Order, terms: Terms, decide: Decide, permit: Permit) -> None:
        """The body is one ticket, not a list; what IBKR answers with success it has taken."""
        theirs = _newest(order)
        body = ticket(order.contract, order.account, terms, "")
        path = f"/iserver/account/{order.account}/order/{theirs.order_id}"
        row = await self._rounds.submit(path, body, decide, permit)
        self._accepted(row, order, terms, theirs.reference)

    async def cancel(self, order: Order, theirs: BrokerOrder | None) -> None:
        """The answer says that the request was taken; what becomes of the order is told by its status."""
        target = theirs if theirs is not None and theirs.order_id else _newest(order)
        path = f"/iserver/account/{order.account}/order/{target.order_id}"
        self._watch(target.order_id)
        try:
            await self._wire.write("DELETE", path)
        except BrokerRefused as refused:
            broker = translate.ids(target.order_id, target.reference)
            message = Warned(refused.ibkr_code or 0, refused.text, self._clock.now())
            self._emit(OrderMessage(broker, MessageKind.CANCEL_REFUSED, message))

    async def preview(self, account: str, contract: Contract, terms: Terms) -> Preview:
        """IBKR wants to have been asked for the contract's prices before."""
        body = ticket(contract, account, terms, "")
        path = f"/iserver/account/{account}/orders/whatif"
        told = translate.mapping(await self._wire.write("POST", path, {"orders": [body]}, order=False))
        if told.get("error"):
            raise BrokerRefused(None, str(told["error"]))
        return translate.preview(told)

    async def state(self) -> BrokerState:
        """Orders and trades of the day; a part that is not answered, or thin, leaves it incomplete."""
        called = self._clock.now()
        async with self._looking:
            if self._latest is None or self._latest.asked_at < called:
                self._latest = await self._look()
            return self._latest

    def forget(self) -> None:
        """A new session tells everything anew."""
        self._rows.clear()
        self._resubscribe_at = None
        self.trades.forget()
        for watch in self._watched.values():
            watch.due = self._clock.monotonic()

    async def subscribe(self) -> None:
        await self._say("sor+{}")
        await self._say('str+{"realtimeUpdatesOnly":false,"days":1}')

    async def run(self) -> None:
        """Ask for orders of which the stream says nothing, until cancelled."""
        while True:
            await self._clock.sleep(self._wire.settings.order_word / 2)
            if self._wire.open:
                now = self._clock.monotonic()
                if self._resubscribe_at is not None and self._resubscribe_at <= now:
                    self._resubscribe_at = None
                    await self._say("sor+{}")
                due = [number for number, watch in self._watched.items() if watch.due <= now]
                for number in due[:_AT_A_TIME]:
                    await self._ask(number)

    def hear(self, message: Message) -> None:
        """A frame of the topic `sor`: whole rows at first, then what has changed."""
        if message.get("error"):
            log.warning("IBKR refuses the order stream; orders are asked for instead", text=str(message["error"]))
            self._resubscribe_at = self._clock.monotonic() + _REFUSED
            return
        told = message.get("args")
        for row in translate.rows(told if isinstance(told, list) else [told]):
            number = translate.order_id(row)
            if number:
                merged = self._rows.setdefault(number, {})
                merged |= row
                self._watch(number, _TRUSTED)
                if "status" in row or "filledQuantity" in row:
                    self._report(merged, translate.terms(row))

    def notified(self, message: Message) -> None:
        """A frame of the topics `ntf` and `blt`: for people, and at times about an order."""
        told = message.get("args")
        for row in translate.rows(told if isinstance(told, list) else [told]):
            text, number = errors.plain(str(row.get("text") or row.get("message") or "")), translate.order_id(row)
            log.info("IBKR notifies", title=row.get("title"), text=text, order_id=number or None)
            if number:
                broker = translate.ids(number, self._references.get(number, ""))
                self._emit(OrderMessage(broker, MessageKind.NOTE, Warned(0, text, self._clock.now())))

    def _report(self, row: Row, terms: Terms | None) -> None:
        """Terms are told by a frame that has all of them; those gathered from several may be old."""
        event = self._listed(row)
        if event is not None:
            self._tell(replace(event, terms=terms))

    def _tell(self, event: OrderReported) -> None:
        if event.report.status.terminal:
            self._watched.pop(event.report.broker.order_id, None)
        self._emit(event)

    def _listed(self, row: Row) -> OrderReported | None:
        number, status = translate.order_id(row), self._status(row, row.get("status"))
        reference = str(row.get("order_ref") or self._references.get(number, ""))
        if reference:
            self._references[number] = reference
        if not number or status is None:
            return None
        event = translate.listed(row, reference, self._clock.now(), status)
        at, agreed = self._agreed.get(number, (0.0, None))
        lags = agreed is not None and self._clock.monotonic() - at < _LAGGING
        return replace(event, terms=agreed) if lags else event

    def _status(self, row: Row, word: object) -> OrderStatus | None:
        """A new order is inactive for some milliseconds; one that stays so was refused."""
        number, now = translate.order_id(row), self._clock.monotonic()
        if translate.status_word(word) != translate.INACTIVE:
            self._inactive.pop(number, None)
            return translate.STATUSES.get(translate.status_word(word))
        since = self._inactive.setdefault(number, now)
        return OrderStatus.REJECTED if now - since >= self._wire.settings.inactive_after else OrderStatus.SENT

    def _accepted(self, row: Row, order: Order, terms: Terms, reference: str) -> BrokerIds:
        number = translate.order_id(row)
        self._references[number] = reference
        self._agreed[number] = self._clock.monotonic(), terms
        broker = translate.ids(number, reference)
        status = self._status(row, row.get("order_status")) or OrderStatus.WORKING
        self._watch(number)
        if status is not OrderStatus.SENT:
            filled = terms.qty if status is OrderStatus.FILLED else translate.ZERO
            report = Reported(status, broker, filled, None, self._clock.now())
            self._tell(OrderReported(report, order.account, order.contract, terms))
        return broker

    def _watch(self, number: int, wait: float | None = None) -> None:
        wait = wait or self._wire.settings.order_word
        self._watched[number] = _Watch(self._clock.monotonic() + wait, wait)

    async def _ask(self, number: int) -> None:
        watch = self._watched.get(number)
        if watch is None:
            return  # it ended while another one was asked about
        watch.wait = min(watch.wait * 2, max(_SLOWEST, float(len(self._watched))))
        watch.due = self._clock.monotonic() + watch.wait
        try:
            row = translate.mapping(await self._wire.read(f"/iserver/account/order/status/{number}"))
        except BridgeError as problem:
            log.debug("an order could not be asked about", order_id=number, detail=problem.detail)
            return
        status = self._status(row, row.get("order_status"))
        if status is not None and translate.order_id(row):
            self._tell(translate.single(row, self._references.get(number, ""), self._clock.now(), status))

    async def _look(self) -> BrokerState:
        asked_at = self._clock.now()
        reports: list[OrderReported] = []
        executions: list[Executed] = []
        whole = True
        for scope in self._wire.scopes:
            listed, executed, all_told = await self._look_at(scope)
            reports += listed
            executions += executed
            whole = whole and all_told
        for report in reports:
            if not report.report.status.terminal and report.report.broker.order_id not in self._watched:
                self._watch(report.report.broker.order_id, _TRUSTED)
        return BrokerState(
            asked_at,
            [report for report in reports if not report.report.status.terminal],
            [report for report in reports if report.report.status.terminal],
            executions,
            whole,
        )

    async def _look_at(self, scope: str) -> tuple[list[OrderReported], list[Executed], bool]:
        """Orders, trades, and whether that is all; side by side, because each kind may be asked once in 5 s."""
        try:
            async with asyncio.TaskGroup() as looks:
                listing = looks.create_task(self._list(scope))
                trading = looks.create_task(self.trades.today(_scoped(scope)))
        except ExceptionGroup as problems:
            raise problems.exceptions[0] from problems
        (listed, listed_whole), (executed, executed_whole) = listing.result(), trading.result()
        if not executed and any(report.report.filled_qty for report in listed):  # too thin to be true
            executed, executed_whole = await self.trades.today(_scoped(scope))
        return listed, executed, listed_whole and executed_whole

    async def _list(self, scope: str) -> tuple[list[OrderReported], bool]:
        """An empty list that is no snapshot says nothing."""
        told: dict[str, Any] = {}
        for _look in range(_LOOKS):
            try:
                told = translate.mapping(await self._wire.read(_ORDERS, _scoped(scope), Lane.ORDERS))
            except (BrokerSilent, BrokerRefused) as problem:
                log.info("orders were not listed", code=problem.code, detail=problem.detail)
                return [], False
            if told.get("snapshot") is not False:
                break
            await self._clock.sleep(self._wire.settings.step)
        rows = translate.rows(told.get("orders"))
        found = [event for event in map(self._listed, rows) if event is not None]
        return found, told.get("snapshot") is not False and "orders" in told and len(rows) < _MOST_LISTED


def _scoped(account: str) -> dict[str, str]:
    return {"accountId": account} if account else {}


def _newest(order: Order) -> BrokerOrder:
    """Raises NotHeardOf for an order that IBKR has given no number."""
    for theirs in reversed(order.broker):
        if theirs.order_id:
            return theirs
    raise NotHeardOf(order.id, order.status)
