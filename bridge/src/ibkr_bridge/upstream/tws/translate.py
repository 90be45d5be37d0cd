"""Between ib_async's objects and our words. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import ib_async

from ibkr_bridge.domain.contract import Contract, ContractQuery, Leg
from ibkr_bridge.domain.events import Commissioned, Executed, Reported
from ibkr_bridge.domain.order import BrokerIds, OrderStatus, Preview
from ibkr_bridge.domain.quote import DataType
from ibkr_bridge.domain.terms import Side, Terms
from ibkr_bridge.upstream.tws.numbers import decimal
from ibkr_bridge.upstream.tws.terms import SIDES, sent

ZERO: Final = Decimal(0)
STATUSES: Final[Mapping[str, OrderStatus]] = {
    "ApiPending": OrderStatus.SENT,
    "PendingSubmit": OrderStatus.SENT,
    "PreSubmitted": OrderStatus.WORKING,
    "Submitted": OrderStatus.WORKING,
    "PendingCancel": OrderStatus.PENDING_CANCEL,
    "ApiCancelled": OrderStatus.CANCELLED,
    "Cancelled": OrderStatus.CANCELLED,
    "Filled": OrderStatus.FILLED,
    "Inactive": OrderStatus.REJECTED,
}
"""TWS API, "Order Status". Inactive is an order that IBKR refused or took out."""
DATA_TYPES: Final[Mapping[int, DataType]] = {
    1: DataType.LIVE,
    2: DataType.FROZEN,
    3: DataType.DELAYED,
    4: DataType.DELAYED_FROZEN,
}


def contract(theirs: ib_async.Contract, details: ib_async.ContractDetails | None = None) -> Contract:
    return Contract(
        conid=theirs.conId,
        symbol=theirs.symbol,
        sec_type=theirs.secType,
        exchange=theirs.exchange or theirs.primaryExchange,
        currency=theirs.currency,
        primary_exchange=theirs.primaryExchange,
        local_symbol=theirs.localSymbol,
        trading_class=theirs.tradingClass,
        name=details.longName if details else "",
        multiplier=decimal(theirs.multiplier),
        min_tick=decimal(details.minTick) if details else None,
        time_zone=details.timeZoneId if details else "",
        legs=tuple(_leg(leg, theirs.currency) for leg in theirs.comboLegs),
    )


def _leg(theirs: ib_async.ComboLeg, currency: str) -> Leg:
    """Of a leg the wire names the conid alone."""
    traded = Contract(theirs.conId, "", "", theirs.exchange, currency)
    return Leg(traded, SIDES.get(theirs.action, Side.BUY), theirs.ratio)


def contract_query(query: ContractQuery) -> ib_async.Contract:
    if query.conid:
        return ib_async.Contract(conId=query.conid, exchange=query.exchange)
    return ib_async.Contract(
        symbol=query.symbol,
        secType=query.sec_type,
        exchange=query.exchange,
        currency=query.currency,
        primaryExchange=query.primary_exchange,
        localSymbol=query.local_symbol,
    )


def contract_sent(ours: Contract) -> ib_async.Contract:
    """A conid and a route say it all; the rest is for whoever reads the gateway's log. A combo goes by its legs."""
    return ib_async.Contract(
        conId=0 if ours.legs else ours.conid,
        symbol=ours.symbol,
        secType=ours.sec_type,
        exchange=ours.exchange or ours.primary_exchange or "SMART",
        currency=ours.currency,
        primaryExchange=ours.primary_exchange,
        comboLegs=[
            ib_async.ComboLeg(leg.contract.conid, leg.ratio, str(leg.side), ours.exchange or leg.contract.exchange)
            for leg in ours.legs
        ],
    )


def order_sent(
    account: str, terms: Terms, reference: str, *, what_if: bool = False, parent: int = 0, transmit: bool = True
) -> ib_async.Order:
    """`parent` is the order id of the one that must fill first; what is not to be transmitted waits for what is."""
    return ib_async.Order(
        account=account, orderRef=reference, whatIf=what_if, transmit=transmit, parentId=parent, **sent(terms)
    )


def ids(theirs: ib_async.Order) -> BrokerIds:
    return BrokerIds(theirs.orderId, theirs.permId, theirs.clientId, theirs.orderRef)


def open_order(theirs: ib_async.Order, state: ib_async.OrderState, at: datetime) -> Reported | None:
    """The status inside an openOrder message; it knows no fills."""
    status = STATUSES.get(state.status)
    return None if status is None else Reported(status, ids(theirs), Decimal(0), None, at)


def completed_order(theirs: ib_async.Order, state: ib_async.OrderState, at: datetime) -> Reported | None:
    status = STATUSES.get(state.status)
    if status is None:
        return None
    reason = state.completedStatus.strip() or None
    return Reported(status, ids(theirs), decimal(theirs.filledQuantity) or Decimal(0), None, at, reason)


def executed(theirs: ib_async.Contract, execution: ib_async.Execution) -> Executed | None:
    side, qty, paid = SIDES.get(execution.side), decimal(execution.shares), decimal(execution.price)
    if side is None or qty is None or paid is None:
        return None
    return Executed(
        exec_id=execution.execId,
        broker=BrokerIds(execution.orderId, execution.permId, execution.clientId, execution.orderRef),
        account=execution.acctNumber,
        contract=contract(theirs),
        side=side,
        qty=qty,
        price=paid,
        cum_qty=decimal(execution.cumQty) or qty,
        avg_price=decimal(execution.avgPrice) or paid,
        exchange=execution.exchange,
        at=execution.time.astimezone(UTC),
    )


def commissioned(report: ib_async.CommissionReport, at: datetime) -> Commissioned:
    return Commissioned(
        exec_id=report.execId,
        amount=decimal(report.commission) or Decimal(0),
        currency=report.currency,
        realized_pnl=decimal(report.realizedPNL),
        at=at,
    )


def preview(state: ib_async.OrderState) -> Preview:
    return Preview(
        initial_margin_before=decimal(state.initMarginBefore),
        initial_margin_change=decimal(state.initMarginChange),
        initial_margin_after=decimal(state.initMarginAfter),
        maintenance_margin_before=decimal(state.maintMarginBefore),
        maintenance_margin_change=decimal(state.maintMarginChange),
        maintenance_margin_after=decimal(state.maintMarginAfter),
        equity_before=decimal(state.equityWithLoanBefore),
        equity_change=decimal(state.equityWithLoanChange),
        equity_after=decimal(state.equityWithLoanAfter),
        commission=decimal(state.commission),
        commission_min=decimal(state.minCommission),
        commission_max=decimal(state.maxCommission),
        commission_currency=state.commissionCurrency or None,
        warning=state.warningText or None,
    )
