"""Between ib_async's objects and our words. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import ib_async

from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.events import Commissioned, Executed, Reported
from ibkr_bridge.domain.order import BrokerIds, OrderStatus, OrderType, Preview, Side, Terms, TimeInForce
from ibkr_bridge.domain.quote import DataType

_UNSET: Final = 1.7e308
"""IBKR writes "no value" as the largest double (TWS API: `Double.MAX_VALUE`)."""

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
TYPES: Final[Mapping[OrderType, str]] = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
}
_TYPES_BACK: Final = {word: order_type for order_type, word in TYPES.items()}
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
SIDES: Final[Mapping[str, Side]] = {"BUY": Side.BUY, "SELL": Side.SELL, "BOT": Side.BUY, "SLD": Side.SELL}
DATA_TYPES: Final[Mapping[int, DataType]] = {
    1: DataType.LIVE,
    2: DataType.FROZEN,
    3: DataType.DELAYED,
    4: DataType.DELAYED_FROZEN,
}


def decimal(value: object) -> Decimal | None:
    """The number as it was written; None for empty, unset and not a number."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))  # a float's text is the shortest that means it: what stood on the wire
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= _UNSET:
        return None
    whole = number.to_integral_value()
    return whole.quantize(ONE) if number == whole else number


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
    )


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
    """A conid and a route say it all; the rest is for whoever reads the gateway's log."""
    return ib_async.Contract(
        conId=ours.conid,
        symbol=ours.symbol,
        secType=ours.sec_type,
        exchange=ours.exchange,
        currency=ours.currency,
        primaryExchange=ours.primary_exchange,
    )


def order_sent(
    account: str, terms: Terms, reference: str, *, what_if: bool = False, parent: int = 0, transmit: bool = True
) -> ib_async.Order:
    """`parent` is the order id of the one that must fill first; what is not to be transmitted waits for what is.

    The time in force is always written: a preset of the gateway must not decide it (message 10349)."""
    # Numbers go as text, so that none passes through a float on its way to the wire.
    numbers: dict[str, Any] = {
        "totalQuantity": format(terms.qty, "f"),
        "lmtPrice": "" if terms.limit is None else format(terms.limit, "f"),
        "auxPrice": "" if terms.stop is None else format(terms.stop, "f"),
    }
    return ib_async.Order(
        action=str(terms.side),
        orderType=TYPES[terms.type],
        tif=str(terms.tif),
        account=account,
        orderRef=reference,
        outsideRth=terms.outside_rth,
        whatIf=what_if,
        transmit=transmit,
        parentId=parent,
        **numbers,
    )


def terms(theirs: ib_async.Order) -> Terms | None:
    """None for an order that our words cannot say."""
    side, order_type = SIDES.get(theirs.action), _TYPES_BACK.get(theirs.orderType)
    qty = decimal(theirs.totalQuantity)
    if side is None or order_type is None or qty is None or theirs.tif not in TimeInForce.__members__:
        return None
    return Terms(
        side=side,
        qty=qty,
        type=order_type,
        limit=decimal(theirs.lmtPrice) if order_type.needs_limit else None,
        stop=decimal(theirs.auxPrice) if order_type.needs_stop else None,
        tif=TimeInForce(theirs.tif),
        outside_rth=theirs.outsideRth,
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
