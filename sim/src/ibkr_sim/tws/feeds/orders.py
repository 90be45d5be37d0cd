"""What one client hears of orders and fills as they happen."""

from __future__ import annotations

from ibkr_sim.exchange.model import CommissionCharged, Executed, Execution, Order, OrderChanged, Status
from ibkr_sim.exchange.port import Market
from ibkr_sim.tws.answers import executions as execution_answers
from ibkr_sim.tws.answers import orders as answers
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.times import stamp
from ibkr_sim.tws.versions import ZONED_TIMES

CANCELLED, REJECTED = 202, 201

OrderEvent = OrderChanged | Executed | CommissionCharged


class OrderFeed:
    """Reports a client's own orders; the master client's feed reports everybody's."""

    def __init__(self, market: Market, outlet: Outlet, zone: str) -> None:
        self._market = market
        self._outlet = outlet
        self._zone = zone

    def report(self, event: OrderEvent) -> None:
        """Tell of one event. A commission comes last, behind the open order that shows it."""
        match event:
            case OrderChanged(order=order):
                self._changed(order)
            case Executed(execution=execution):
                self.execution(execution_answers.UNASKED, execution)
            case CommissionCharged(commission=commission, order=order):
                if order.status is Status.FILLED:
                    self.open_order(order)
                self._outlet.send(execution_answers.commission_report(self._outlet.version, commission))

    def open_order(self, order: Order) -> None:
        contract = self._market.contract(order.request.conid)
        if contract is not None:
            self._outlet.send(answers.open_order(self._outlet.version, contract, order))

    def status(self, order: Order) -> None:
        self._outlet.send(answers.order_status(self._outlet.version, order))

    def execution(self, request_id: int, execution: Execution) -> None:
        contract = self._market.contract(execution.conid)
        if contract is not None:
            version = self._outlet.version
            time = stamp(execution.time, contract.time_zone if version >= ZONED_TIMES else self._zone, version)
            self._outlet.send(execution_answers.execution_details(version, request_id, contract, execution, time))

    def _changed(self, order: Order) -> None:
        if order.status not in (Status.CANCELLED, Status.PENDING_CANCEL):
            self.open_order(order)
        self.status(order)
        if order.status is Status.CANCELLED:
            self._outlet.error(order.request.order_id, CANCELLED, order.reason or answers.CANCEL_TEXT)
        elif order.status is Status.INACTIVE and order.reason:
            self._outlet.error(order.request.order_id, REJECTED, order.reason)
