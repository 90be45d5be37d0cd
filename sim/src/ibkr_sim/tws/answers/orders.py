"""Messages about orders: open, status, completed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Contract, Order, OrderRequest, Preview, Status
from ibkr_sim.tws.answers.contracts import contract_fields
from ibkr_sim.tws.fields import UNSET, UNSET_DOUBLE, UNSET_INTEGER, FieldWriter, Value
from ibkr_sim.tws.layout import layout

_OPEN = layout("""
    action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef clientId permId
    outsideRth hidden discretionaryAmt goodAfterTime sharesAllocation faGroup faMethod faPercentage faProfile<177
    modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode
    auctionStrategy startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize blockOrder
    sweepToFill allOrNone minQty ocaType eTradeOnly firmQuoteOnly nbboPriceCap parentId triggerMethod volatility
    volatilityType deltaNeutralOrderType deltaNeutralAuxPrice deltaNeutralConId deltaNeutralSettlingFirm
    deltaNeutralClearingAccount deltaNeutralClearingIntent deltaNeutralOpenClose deltaNeutralShortSale
    deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation continuousUpdate referencePriceType trailStopPrice
    trailingPercent basisPoints basisPointsType comboLegsDescrip comboLegs orderComboLegs smartComboRoutingParams
    scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement hedgeType optOutSmartRouting clearingAccount
    clearingIntent notHeld deltaNeutralContract algoStrategy solicited whatIf status initMarginBefore
    maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange equityWithLoanChange initMarginAfter
    maintMarginAfter equityWithLoanAfter commission minCommission maxCommission commissionCurrency warningText
    randomizeSize randomizePrice conditions adjustedOrderType triggerPrice trailStopPrice lmtPriceOffset
    adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit softDollarTierName
    softDollarTierValue softDollarTierDisplayName cashQty dontUseAutoPriceForHedge isOmsContainer
    discretionaryUpToLimitPrice usePriceMgmtAlgo duration>=158 postToAts>=160 autoCancelParent>=162 minTradeQty>=170
    minCompeteSize>=170 competeAgainstBestOffset>=170 midOffsetAtWhole>=170 midOffsetAtHalf>=170
""")

_COMPLETED = layout("""
    action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef permId outsideRth
    hidden discretionaryAmt goodAfterTime faGroup faMethod faPercentage faProfile<177 modelCode goodTillDate rule80A
    percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode startingPrice stockRefPrice delta
    stockRangeLower stockRangeUpper displaySize sweepToFill allOrNone minQty ocaType triggerMethod volatility
    volatilityType deltaNeutralOrderType deltaNeutralAuxPrice deltaNeutralConId deltaNeutralShortSale
    deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation continuousUpdate referencePriceType trailStopPrice
    trailingPercent comboLegsDescrip comboLegs orderComboLegs smartComboRoutingParams scaleInitLevelSize
    scaleSubsLevelSize scalePriceIncrement hedgeType clearingAccount clearingIntent notHeld deltaNeutralContract
    algoStrategy solicited status randomizeSize randomizePrice conditions trailStopPrice lmtPriceOffset cashQty
    dontUseAutoPriceForHedge isOmsContainer autoCancelDate filledQuantity refFuturesConId autoCancelParent
    shareholder imbalanceOnly routeMarketableToBbo parentPermId completedTime completedStatus minTradeQty>=170
    minCompeteSize>=170 competeAgainstBestOffset>=170 midOffsetAtWhole>=170 midOffsetAtHalf>=170
""")

_ZERO: Final = """
    lmtPrice auxPrice origin outsideRth hidden discretionaryAmt shortSaleSlot blockOrder sweepToFill allOrNone
    eTradeOnly firmQuoteOnly parentId triggerMethod volatilityType deltaNeutralConId deltaNeutralShortSale
    deltaNeutralShortSaleSlot continuousUpdate referencePriceType comboLegs orderComboLegs smartComboRoutingParams
    optOutSmartRouting notHeld deltaNeutralContract solicited whatIf randomizeSize randomizePrice conditions cashQty
    dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo postToAts autoCancelParent
    refFuturesConId imbalanceOnly routeMarketableToBbo
"""
_DOUBLE: Final = """
    initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange equityWithLoanChange
    initMarginAfter maintMarginAfter equityWithLoanAfter trailStopPrice lmtPriceOffset triggerPrice adjustedStopPrice
    adjustedStopLimitPrice adjustedTrailingAmount
"""
_INTEGER: Final = "minQty scaleInitLevelSize scaleSubsLevelSize duration"
_UNSET: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(_ZERO.split(), "0")
    | dict.fromkeys(_DOUBLE.split(), UNSET_DOUBLE)
    | dict.fromkeys(_INTEGER.split(), UNSET_INTEGER)
    | {
        "exemptCode": "-1",
        "ocaType": "3",
        # A live server names no delta neutral order with this word, and the eight fields behind it are there.
        "deltaNeutralOrderType": "None",
        "deltaNeutralOpenClose": "?",
        "adjustedOrderType": "None",
        "adjustableTrailingUnit": "0",
        "clearingIntent": "IB",
        "shareholder": "Not an insider or substantial shareholder",
        "parentPermId": "9223372036854775807",
    }
)
"""What TWS sends for a field that the client left unset; what is not named here is sent empty."""


def open_order(version: int, contract: Contract, order: Order) -> bytes:
    values = _values(order.request) | {
        "clientId": order.request.client_id,
        "permId": order.perm_id,
        "status": order.status.value,
        "sharesAllocation": f"{order.perm_id}.0/{order.request.account}/100",
    }
    if order.commission is not None:
        values |= {"commission": order.commission, "commissionCurrency": contract.currency}
    return _open(version, contract, order.request, values)


def previewed_order(version: int, contract: Contract, request: OrderRequest, preview: Preview) -> bytes:
    """The answer to a whatIf order: an open order that exists nowhere, with margin and commission."""
    values = _values(request) | {
        "clientId": request.client_id,
        "permId": 0,
        "status": Status.PRE_SUBMITTED.value,
        "whatIf": True,
        "initMarginBefore": preview.initial_margin_before,
        "maintMarginBefore": preview.maintenance_margin_before,
        "equityWithLoanBefore": preview.equity_before,
        "initMarginChange": preview.initial_margin_change,
        "maintMarginChange": preview.maintenance_margin_change,
        "equityWithLoanChange": preview.equity_change,
        "initMarginAfter": preview.initial_margin_after,
        "maintMarginAfter": preview.maintenance_margin_after,
        "equityWithLoanAfter": preview.equity_after,
        "commission": preview.commission,
        "minCommission": preview.commission_min,
        "maxCommission": preview.commission_max,
        "commissionCurrency": preview.commission_currency,
        "warningText": preview.warning,
    }
    return _open(version, contract, request, values)


def completed_order(version: int, contract: Contract, order: Order, completed_time: str) -> bytes:
    values = _values(order.request) | {
        "permId": order.perm_id,
        "status": order.status.value,
        "autoCancelDate": "",
        "filledQuantity": order.filled,
        "completedTime": completed_time,
        "completedStatus": _completed_status(order),
    }
    fields = contract_fields(contract, order.request.exchange, right="?")
    return FieldWriter(101, version).add(*fields).named(_COMPLETED, values).frame()


def completed_orders_end(version: int) -> bytes:
    return FieldWriter(102, version).frame()


def open_order_end(version: int) -> bytes:
    return FieldWriter(53, version).add(1).frame()


def order_status(version: int, order: Order) -> bytes:
    writer = FieldWriter(3, version).add(order.request.order_id, order.status.value, order.filled, order.remaining)
    writer.add(order.average_price, order.perm_id, 0, order.last_price, order.request.client_id, "", 0)
    return writer.frame()


def refused_status(version: int, request: OrderRequest) -> bytes:
    """The status of an order that the broker turned down: inactive, without a permanent id."""
    return _stillborn(version, request, Status.INACTIVE)


def withdrawn_status(version: int, request: OrderRequest) -> bytes:
    """The status of an order that was cancelled before it was ever transmitted."""
    return _stillborn(version, request, Status.CANCELLED)


def _stillborn(version: int, request: OrderRequest, status: Status) -> bytes:
    writer = FieldWriter(3, version).add(request.order_id, status.value, 0, request.quantity)
    return writer.add(0, 0, 0, 0, request.client_id, "", 0).frame()


def _open(version: int, contract: Contract, request: OrderRequest, values: Mapping[str, Value]) -> bytes:
    writer = FieldWriter(5, version).add(request.order_id, *contract_fields(contract, request.exchange, right="?"))
    return writer.named(_OPEN, values).frame()


def _values(request: OrderRequest) -> dict[str, Value]:
    """The client's own fields, in the server's words for unset, under the exchange's."""
    echoed = {name: value for name, value in request.wire.items() if value not in UNSET}
    return {
        **_UNSET,
        **echoed,
        "action": request.side.value,
        "totalQuantity": request.quantity,
        "orderType": request.order_type,
        "lmtPrice": request.limit_price or 0,
        "auxPrice": request.stop_price or 0,
        "tif": request.tif,
        "account": request.account,
        "orderRef": request.order_ref,
        "outsideRth": request.outside_rth,
    }


def _completed_status(order: Order) -> str:
    if order.status is Status.FILLED:
        return f"Filled Size: {order.filled:f}"
    return order.reason or "Cancelled by Trader"
