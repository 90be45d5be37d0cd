"""Messages about orders: open, status, completed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Contract, Order, OrderRequest, Preview, Status, WireValue
from ibkr_sim.tws.answers.contracts import contract_fields
from ibkr_sim.tws.fields import UNSET, UNSET_DOUBLE, UNSET_INTEGER, FieldWriter, Value
from ibkr_sim.tws.layout import Field, layout

Answer = Value | tuple[str, ...]

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
    maintMarginAfter equityWithLoanAfter commission minCommission maxCommission commissionCurrency
    marginCurrency>=195 initMarginBeforeOutsideRth>=195 maintMarginBeforeOutsideRth>=195
    equityWithLoanBeforeOutsideRth>=195 initMarginChangeOutsideRth>=195 maintMarginChangeOutsideRth>=195
    equityWithLoanChangeOutsideRth>=195 initMarginAfterOutsideRth>=195 maintMarginAfterOutsideRth>=195
    equityWithLoanAfterOutsideRth>=195 suggestedSize>=195 rejectReason>=195 allocations>=195 warningText
    randomizeSize randomizePrice pegBenchmark conditions adjustedOrderType triggerPrice trailStopPrice lmtPriceOffset
    adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit softDollarTierName
    softDollarTierValue softDollarTierDisplayName cashQty dontUseAutoPriceForHedge isOmsContainer
    discretionaryUpToLimitPrice usePriceMgmtAlgo duration>=158 postToAts>=160 autoCancelParent>=162 minTradeQty>=170
    minCompeteSize>=170 competeAgainstBestOffset>=170 midOffsetAtWhole>=170 midOffsetAtHalf>=170 customerAccount>=183
    professionalCustomer>=184 bondAccruedInterest>=185 includeOvernight>=189 extOperator>=193
    manualOrderIndicator>=193 submitter>=198 imbalanceOnly>=199
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
    algoStrategy solicited status randomizeSize randomizePrice pegBenchmark conditions trailStopPrice lmtPriceOffset
    cashQty dontUseAutoPriceForHedge isOmsContainer autoCancelDate filledQuantity refFuturesConId autoCancelParent
    shareholder imbalanceOnly routeMarketableToBbo parentPermId completedTime completedStatus minTradeQty>=170
    minCompeteSize>=170 competeAgainstBestOffset>=170 midOffsetAtWhole>=170 midOffsetAtHalf>=170 customerAccount>=183
    professionalCustomer>=184 submitter>=198
""")

CANCEL_TEXT: Final = "Order Canceled - reason:"
_NO_PARENT: Final = "9223372036854775807"
_ZERO: Final = """
    lmtPrice auxPrice origin outsideRth hidden discretionaryAmt shortSaleSlot blockOrder sweepToFill allOrNone
    eTradeOnly firmQuoteOnly parentId triggerMethod volatilityType deltaNeutralConId deltaNeutralShortSale
    deltaNeutralShortSaleSlot continuousUpdate referencePriceType comboLegs orderComboLegs smartComboRoutingParams
    optOutSmartRouting notHeld deltaNeutralContract solicited whatIf randomizeSize randomizePrice conditions cashQty
    isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo postToAts autoCancelParent imbalanceOnly
    routeMarketableToBbo allocations professionalCustomer includeOvernight
"""
_DOUBLE: Final = """
    initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange equityWithLoanChange
    initMarginAfter maintMarginAfter equityWithLoanAfter trailStopPrice lmtPriceOffset triggerPrice adjustedStopPrice
    adjustedStopLimitPrice adjustedTrailingAmount initMarginBeforeOutsideRth maintMarginBeforeOutsideRth
    equityWithLoanBeforeOutsideRth initMarginChangeOutsideRth maintMarginChangeOutsideRth
    equityWithLoanChangeOutsideRth initMarginAfterOutsideRth maintMarginAfterOutsideRth equityWithLoanAfterOutsideRth
"""
_INTEGER: Final = (
    "displaySize minQty refFuturesConId scaleInitLevelSize scaleSubsLevelSize duration manualOrderIndicator"
)
_UNSET: Final[Mapping[str, WireValue]] = MappingProxyType(
    dict[str, WireValue]()
    | dict.fromkeys(_ZERO.split(), "0")
    | dict.fromkeys(_DOUBLE.split(), UNSET_DOUBLE)
    | dict.fromkeys(_INTEGER.split(), UNSET_INTEGER)
    | {
        "exemptCode": "-1",
        "ocaType": "3",
        "dontUseAutoPriceForHedge": "1",
        # A live server names no delta neutral order with this word, and the eight fields behind it are there.
        "deltaNeutralOrderType": "None",
        "deltaNeutralOpenClose": "?",
        "adjustedOrderType": "None",
        "adjustableTrailingUnit": "0",
        "clearingIntent": "IB",
        "pegBenchmark": (),
        "suggestedSize": "-9223372036854775808",
        "shareholder": "Not an insider or substantial shareholder",
    }
)
"""What TWS sends for a field that the client left unset; what is not named here is sent empty."""
_NEVER_ZERO: Final = frozenset({"displaySize", "dontUseAutoPriceForHedge", "ocaType", "refFuturesConId"})
"""Clients that have nothing to say of them send 0."""


def open_order(version: int, contract: Contract, order: Order) -> bytes:
    values = _values(order.request, order.stop) | {
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
    values = (
        _values(order.request, order.stop)
        | _legs(contract)
        | {
            "permId": order.perm_id,
            "status": order.status.value,
            "autoCancelDate": "",
            "parentPermId": order.request.parent or _NO_PARENT,
            "filledQuantity": order.filled,
            "completedTime": completed_time,
            "completedStatus": _completed_status(order),
        }
    )
    fields = contract_fields(contract, order.request.exchange, right="?")
    return _written(FieldWriter(101, version).add(*fields), _COMPLETED, values).frame()


def completed_orders_end(version: int) -> bytes:
    return FieldWriter(102, version).frame()


def order_bound(version: int, perm_id: int, client_id: int, order_id: int) -> bytes:
    """An order that was given by hand has an order id from now on."""
    return FieldWriter(100, version).add(perm_id, client_id, order_id).frame()


def open_order_end(version: int) -> bytes:
    return FieldWriter(53, version).add(1).frame()


def order_status(version: int, order: Order) -> bytes:
    request, parent = order.request, order.request.wire.get("parentId")
    writer = FieldWriter(3, version).add(request.order_id, order.status.value, order.filled, order.remaining)
    writer.add(order.average_price, order.perm_id, parent if isinstance(parent, str) and parent else 0)
    return writer.add(order.last_price, request.client_id, order.why_held, 0).frame()


def refused_status(version: int, request: OrderRequest) -> bytes:
    """The status of an order that the broker turned down: inactive, without a permanent id."""
    return _stillborn(version, request, Status.INACTIVE)


def withdrawn_status(version: int, request: OrderRequest) -> bytes:
    """The status of an order that was cancelled before it was ever transmitted."""
    return _stillborn(version, request, Status.CANCELLED)


def _stillborn(version: int, request: OrderRequest, status: Status) -> bytes:
    writer = FieldWriter(3, version).add(request.order_id, status.value, 0, request.quantity)
    return writer.add(0, 0, 0, 0, request.client_id, "", 0).frame()


def _open(version: int, contract: Contract, request: OrderRequest, values: Mapping[str, Answer]) -> bytes:
    writer = FieldWriter(5, version).add(request.order_id, *contract_fields(contract, request.exchange, right="?"))
    return _written(writer, _OPEN, {**values, **_legs(contract)}).frame()


def _written(writer: FieldWriter, fields: Iterable[Field], values: Mapping[str, Answer]) -> FieldWriter:
    """The fields of a layout that this version has; a list or block takes as many as it holds."""
    for field in fields:
        if field.present(writer.version):
            value = values.get(field.name)
            writer.add(*value) if isinstance(value, tuple) else writer.add(value)
    return writer


def _legs(contract: Contract) -> dict[str, Answer]:
    """A combination in short: `265598|1,272093|-1`."""
    return {"comboLegsDescrip": ",".join(f"{leg.conid}|{leg.signed_ratio}" for leg in contract.legs)}


def _values(request: OrderRequest, stop: Decimal | None = None) -> dict[str, Answer]:
    """The client's own fields, in the server's words for unset, under the exchange's."""
    echoed = {name: value for name, value in request.wire.items() if value not in UNSET}
    echoed = {name: value for name, value in echoed.items() if value != "0" or name not in _NEVER_ZERO}
    known = {
        "action": request.side.value,
        "totalQuantity": request.quantity,
        "orderType": request.order_type,
        "lmtPrice": request.limit_price or 0,
        "auxPrice": request.stop_price or 0,
        "tif": request.tif,
        "account": request.account,
        "orderRef": request.order_ref,
        "outsideRth": request.outside_rth,
        "allOrNone": request.all_or_none,
    }
    if request.trailing_percent is not None:
        known["trailingPercent"] = request.trailing_percent
    if request.oca_group:
        known |= {"ocaGroup": request.oca_group, "ocaType": request.oca_type}
    if stop is not None and request.order_type.startswith("TRAIL"):
        known["trailStopPrice"] = stop
    return {**_UNSET, **echoed, **known}


def _completed_status(order: Order) -> str:
    if order.status is Status.FILLED:
        return f"Filled Size: {order.filled:f}"
    if order.withdrawn:
        return "Cancelled by Trader"
    return f"Cancelled by System:\n{order.reason.removeprefix(CANCEL_TEXT)}"
