"""Asks the broker about orders whose fate is unknown, until it speaks or the evidence of its silence is enough."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.events import Established
from ibkr_bridge.domain.identity import order_of
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.orders.reports import Reports
from ibkr_bridge.engine.orders.window import in_window
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.ports.upstream import BrokerState, Upstream

log = structlog.get_logger()
ENOUGH_LOOKS = 3
_FILLS_MAY_COME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Absence:
    """An order that complete looks at the broker did not show."""

    first: datetime
    last: datetime
    fresh: bool
    """Seen on a connection that was made after the order was sent: a gateway that has lost an order's answers may
    leave it out of that connection's lists as well."""
    looks: int = 1

    @property
    def lasted(self) -> timedelta:
        return self.last - self.first


class Inquiries:
    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        settings: EngineSettings,
        *,
        book: OrderBook,
        recorder: Recorder,
        reports: Reports,
        journal: Journal,
        sessions: Sessions,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._settings = settings
        self._book = book
        self._recorder = recorder
        self._reports = reports
        self._journal = journal
        self._sessions = sessions
        self._absences: dict[str, Absence] = {}
        self._due = asyncio.Event()

    def look(self) -> None:
        """Find out at once what is so at the broker: on a new session, and after a fork."""
        self._due.set()

    async def run(self) -> None:
        """Look on every new session, and again and again while an order is unknown; until cancelled."""
        while True:
            if not await self._called() and not self._unsettled() and not self._owing():
                continue
            if not self._sessions.current.ready:
                continue
            try:
                state = await self._upstream.broker_state()
                await self._recall(state)
            except (BridgeError, OSError) as problem:
                log.warning("orders could not be compared", problem=str(problem))
                await self._clock.sleep(self._settings.inquiry_interval)
                self._due.set()
                continue
            self._weigh(self._reports.compare(state), state)

    async def _called(self) -> bool:
        """True for a new session, False when it is merely time to look again."""
        try:
            async with asyncio.timeout(self._settings.inquiry_interval):
                await self._due.wait()
        except TimeoutError:
            return False
        self._due.clear()
        return True

    def _unsettled(self) -> list[Order]:
        """Of unknown fate, or cancelled without an answer."""
        return [order for order in self._book.unfinished() if self._questionable(order)]

    def _questionable(self, order: Order) -> bool:
        waited = self._clock.now() - order.updated_at > timedelta(seconds=self._settings.first_word_timeout)
        return order.status is OrderStatus.UNKNOWN or (order.status is OrderStatus.PENDING_CANCEL and waited)

    def _owing(self) -> list[Order]:
        """Fills that were told in a total and never shown are asked for, for as long as they may still come."""
        now = self._clock.now()
        return [order for order in self._book.owing() if now - order.updated_at < _FILLS_MAY_COME]

    async def _recall(self, state: BrokerState) -> None:
        """Orders that had ended in an earlier life may still have fills that nobody was told of.

        Raises OSError: without them their fills would count as somebody else's.
        """
        reports = (reported.report.broker for reported in (*state.open, *state.completed))
        told = (*(executed.broker for executed in state.executions), *reports)
        for order_id in {order_of(broker.reference) for broker in told}:
            if order_id is not None and self._book.get(order_id) is None:
                order = await self._journal.order(order_id)
                if order is not None:
                    self._book.put(order)

    def _weigh(self, absent: list[Order], state: BrokerState) -> None:
        """Several complete looks over a stated time, inside the window in which it would show: it never arrived."""
        self._absences = {
            order.id: self._seen_again(order, state.asked_at) for order in absent if order.status is OrderStatus.UNKNOWN
        }
        for order in absent:
            absence = self._absences.get(order.id)
            if absence is not None and self._enough(order, absence):
                text = f"{absence.looks} complete looks over {absence.lasted.total_seconds():.0f} s did not show it"
                verdict = Established(OrderStatus.NEVER_ARRIVED, text, self._clock.now())
                self._recorder.record(order.id, verdict)
        if any(absence.looks >= ENOUGH_LOOKS and not absence.fresh for absence in self._absences.values()):
            log.warning("an order is looked for on a new connection")
            self._upstream.renew("An order whose answer was lost is looked for on a new connection.")

    def _seen_again(self, order: Order, at: datetime) -> Absence:
        known = self._absences.get(order.id)
        opened = self._sessions.current.opened_at
        lost = order.evidence[0].at if order.evidence else order.created_at
        fresh = opened is not None and opened > lost  # on an older connection its bytes may still be on their way
        if known is None or known.fresh is not fresh:
            return Absence(at, at, fresh)
        return replace(known, last=at, looks=known.looks + 1)

    def _enough(self, order: Order, absence: Absence) -> bool:
        return (
            absence.looks >= ENOUGH_LOOKS
            and absence.lasted.total_seconds() >= self._settings.never_arrived_after
            and absence.fresh
            and in_window(order.created_at, absence.last, self._settings.broker_time_zone)
        )
