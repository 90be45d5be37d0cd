"""Orders in the two vocabularies of the Web API: camelCase in lists and streams, snake_case for a single one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Order, OrderRequest, Side, Status
from ibkr_sim.exchange.orders.families.kinds import KINDS
from ibkr_sim.webapi.numbers import compact, milliseconds, price, quantity
from ibkr_sim.webapi.shapes.contracts import described
from ibkr_sim.webapi.spreads import conidex, shown_conid

_NAMES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "LMT": ("Limit", "LIMIT"),
        "MKT": ("Market", "MARKET"),
        "STP": ("Stop", "STOP"),
        "STP LMT": ("Stop Limit", "STOP_LIMIT"),
        "TRAIL": ("Trailing Stop", "TRAILING_STOP"),
        "TRAIL LIMIT": ("Trailing Stop Limit", "TRAILING_STOP_LIMIT"),
        "MOC": ("MARKETONCLOSE", "MARKETONCLOSE"),
        "LOC": ("LIMITONCLOSE", "LIMITONCLOSE"),
        "REL": ("RELATIVE", "RELATIVE"),
    }
)
"""What people read, and what programs read."""
_LIST_STATES: Final[Mapping[Status, str]] = MappingProxyType({Status.PRE_SUBMITTED: "Submitted"})
_STATE_NUMBERS: Final[Mapping[Status, str]] = MappingProxyType(
    {Status.FILLED: "2", Status.CANCELLED: "4", Status.PENDING_CANCEL: "6", Status.INACTIVE: "8"}
)
_COLOURS: Final[Mapping[Status, tuple[str, str]]] = MappingProxyType(
    {
        Status.PRE_SUBMITTED: ("#FFFFFF", "#0000CC"),
        Status.SUBMITTED: ("#00F000", "#000000"),
        Status.FILLED: ("#FFFFFF", "#000000"),
        Status.CANCELLED: ("#FFFFFF", "#AA0000"),
        Status.PENDING_CANCEL: ("#FFFFFF", "#AA0000"),
        Status.INACTIVE: ("#FFFFFF", "#AA0000"),
    }
)
"""Background and foreground in lists; the single order's answer has them the other way round."""
_DESCRIPTIONS: Final[Mapping[Status, str]] = MappingProxyType(
    {
        Status.FILLED: "Order Filled",
        Status.CANCELLED: "Order Cancelled",
        Status.INACTIVE: "Order Inactive",
        Status.PENDING_CANCEL: "Order Pending Cancel",
    }
)


@dataclass(frozen=True, slots=True)
class Linked:
    order: Order
    contract: Contract


def order_type(request: OrderRequest) -> tuple[str, str]:
    return _NAMES.get(request.order_type, (request.order_type, request.order_type))


def live_order(linked: Linked, *, day_reads_close: bool = True) -> dict[str, Any]:
    """One row of /iserver/account/orders."""
    order, contract = linked.order, linked.contract
    request = order.request
    row = {
        **_identity(linked),
        "cashCcy": contract.currency,
        "sizeAndFills": _size_and_fills(order),
        "orderDesc": description(order, contract, with_symbol=True),
        "description1": contract.local_symbol,
        "ticker": contract.symbol,
        "secType": contract.sec_type,
        "listingExchange": contract.primary_exchange,
        "remainingQuantity": float(order.remaining),
        "filledQuantity": float(order.filled),
        "totalSize": float(request.quantity),
        "companyName": contract.long_name,
        **_state(order),
        "origOrderType": order_type(request)[1],
        "supportsTaxOpt": "1",
        "lastExecutionTime": compact(order.updated_at),
        "orderType": order_type(request)[0],
        "isEventTrading": "0",
        "price": shown_price(order, contract),
        "timeInForce": "CLOSE" if day_reads_close and request.tif == "DAY" else request.tif,
        "lastExecutionTime_r": milliseconds(order.updated_at),
        "side": request.side.value,
        "outsideRTH": request.outside_rth,
    }
    return row | _optional(linked)


def streamed_order(linked: Linked) -> dict[str, Any]:
    """The first frame of the topic `sor` about an order."""
    order, contract = linked.order, linked.contract
    row = {
        "acct": order.request.account,
        "conid": shown_conid(contract),
        "orderId": order.perm_id,
        "orderDesc": description(order, contract, with_symbol=True),
        "ticker": contract.symbol,
        "secType": contract.sec_type,
        "remainingQuantity": float(order.remaining),
        "filledQuantity": float(order.filled),
        "totalSize": float(order.request.quantity),
        "companyName": contract.long_name,
        "status": order.status.value,
        "orderType": order_type(order.request)[0],
        "price": shown_price(order, contract),
        "side": order.request.side.value,
    }
    return row | ({"order_ref": order.request.order_ref} if order.request.order_ref else {})


def order_status(linked: Linked, number: int) -> dict[str, Any]:
    """What /iserver/account/order/status answers; `number` counts the requests."""
    order, contract = linked.order, linked.contract
    request = order.request
    told = description(order, contract)
    row = {
        "sub_type": None,
        "request_id": str(number),
        "server_id": str(number % 1000),
        "order_id": order.perm_id,
        "conidex": conidex(contract),
        "conid": shown_conid(contract),
        "symbol": contract.symbol,
        "side": side_letter(request.side),
        "contract_description_1": contract.local_symbol,
        "listing_exchange": contract.primary_exchange,
        "option_acct": "c",
        "company_name": contract.long_name,
        "size": f"{float(order.remaining)}",
        "total_size": f"{float(request.quantity)}",
        "currency": contract.currency,
        "account": request.account,
        "order_type": order_type(request)[1],
        "cum_fill": f"{float(order.filled)}",
        "order_status": order.status.value,
        "order_ccp_status": _STATE_NUMBERS.get(order.status, "0"),
        "order_status_description": _DESCRIPTIONS.get(order.status, "Order Submitted"),
        "tif": request.tif,
        "fg_color": _COLOURS[order.status][0],
        "bg_color": _COLOURS[order.status][1],
        "order_not_editable": order.status.done,
        "editable_fields": "\u001e",
        "cannot_cancel_order": order.status.done,
        "outside_rth": request.outside_rth,
        "all_or_none": request.all_or_none,
        "deactivate_order": False,
        "use_price_mgmt_algo": False,
        "sec_type": contract.sec_type,
        "available_chart_periods": "#R|1",
        "order_description": told,
        "order_description_with_contract": description(order, contract, with_symbol=True),
        "clearing_id": "IB",
        "clearing_name": "IB",
        "alert_active": 1,
        "child_order_type": "0" if order.status.done else "3",
        "order_clearing_account": request.account,
        "size_and_fills": _size_and_fills(order),
        "exit_strategy_display_price": shown_price(order, contract),
        "exit_strategy_chart_description": told,
        "exit_strategy_tool_availability": "1",
        "allowed_duplicate_opposite": True,
        "order_time": compact(order.created_at),
    }
    return row | _status_prices(order, contract)


def state_change(order: Order) -> dict[str, Any]:
    """A delta of the topic `sor`."""
    return {"orderId": order.perm_id, **_state(order)}


def identity_frame(linked: Linked) -> dict[str, Any]:
    """The delta of the topic `sor` that names an order and nothing else."""
    row = _identity(linked)
    del row["account"]
    return row | {"isEventTrading": "0"}


def description(order: Order, contract: Contract, *, with_symbol: bool = False) -> str:
    """`Buy 1 SPY Limit 457.00, GTC`; `Bought` once it has filled, `Cancelled: Buy ...` once it is cancelled."""
    request = order.request
    done = order.status is Status.FILLED
    verb = {Side.BUY: ("Buy", "Bought"), Side.SELL: ("Sell", "Sold")}[request.side][done]
    at = shown_price(order, contract)
    parts = [verb, quantity(request.quantity)]
    parts += [contract.symbol] if with_symbol else []
    parts += [order_type(request)[0]] + ([at] if at else [])
    text = f"{' '.join(parts)}, {'Day' if request.tif == 'DAY' else request.tif}"
    return f"Cancelled: {text}" if order.status is Status.CANCELLED else text


def shown_price(order: Order, contract: Contract) -> str:
    """The limit, else where the stop stands; empty for a market order."""
    request = order.request
    at = request.limit_price if KINDS[request.order_type].names_limit else order.stop
    return "" if at is None else price(at, contract)


def side_letter(side: Side) -> str:
    return "B" if side is Side.BUY else "S"


def _identity(linked: Linked) -> dict[str, Any]:
    account, contract = linked.order.request.account, linked.contract
    return {
        "acct": account,
        "conidex": conidex(contract),
        "conid": shown_conid(contract),
        "account": account,
        "orderId": linked.order.perm_id,
    }


def _state(order: Order) -> dict[str, Any]:
    background, foreground = _COLOURS[order.status]
    return {
        "status": order.status.value,
        "order_ccp_status": _LIST_STATES.get(order.status, order.status.value),
        "bgColor": background,
        "fgColor": foreground,
    }


def _optional(linked: Linked) -> dict[str, Any]:
    """Members that are left out where they mean nothing."""
    order = linked.order
    row: dict[str, Any] = {}
    if order.filled:
        row["avgPrice"] = average(order, linked.contract)
    if order.request.order_ref:
        row["order_ref"] = order.request.order_ref
    if order.request.parent:
        row["parentId"] = order.request.parent
    if order.request.oca_group:
        row["ocaGroupId"] = order.request.oca_group
    if order.reason and order.status is Status.CANCELLED:
        row["order_cancellation_by_system_reason"] = order.reason
    if linked.contract.expiry is not None:
        row["description2"] = described(linked.contract)
    return row | _algorithm(order.request, "strategy", "strategyParameters")


def _status_prices(order: Order, contract: Contract) -> dict[str, Any]:
    row: dict[str, Any] = {}
    request = order.request
    if request.limit_price is not None:
        row["limit_price"] = price(request.limit_price, contract)
    if order.stop is not None:
        row["stop_price"] = price(order.stop, contract)
    if order.filled:
        row["average_price"] = average(order, contract)
    return row | _algorithm(request, "strategy", "strategy_parameters")


def _algorithm(request: OrderRequest, name: str, parameters: str) -> dict[str, Any]:
    """As the order gave them; how IBKR tells them was not recorded."""
    known = request.wire.get("algoStrategy")
    if not isinstance(known, tuple):
        return {}
    return {name: known[0], parameters: dict(zip(known[2::2], known[3::2], strict=True))}


def average(order: Order, contract: Contract) -> str:
    """At least to the tick, and further where an average needs it."""
    exact = order.average_price.quantize(Decimal("0.0001"))
    rounded = Decimal(price(exact, contract))
    return price(exact, contract) if rounded == exact else f"{exact.normalize():f}"


def _size_and_fills(order: Order) -> str:
    """`0/1` while some of it is open, `1` when all has filled."""
    total = quantity(order.request.quantity)
    return total if order.status is Status.FILLED else f"{quantity(order.filled)}/{total}"
