"""Why an order is refused: IBKR's codes and texts ("Error Codes" in the TWS API documentation)."""

from __future__ import annotations

from decimal import Decimal

from ibkr_sim.exchange.model import Contract, Order, OrderRequest, Rejected, Status

ORDER_TYPES = ("MKT", "LMT", "STP", "STP LMT")
TIMES_IN_FORCE = ("DAY", "GTC", "IOC")
REFUSED = "Order rejected - reason:"


def check_order(request: OrderRequest, contract: Contract | None, *, account_known: bool) -> Contract:
    """The contract of an order that is well formed. Raises Rejected (435, 200, 387, 10052, 434, 10243, 201, 110)."""
    if not account_known:
        raise Rejected(435, "You must specify an account.")
    if contract is None:
        raise Rejected(200, "No security definition has been found for the request")
    if request.order_type not in ORDER_TYPES:
        raise Rejected(387, "Unsupported order type for this exchange and security type.")
    if request.tif not in TIMES_IN_FORCE:
        raise Rejected(10052, f"Invalid time in force:{request.tif}")
    _check_quantity(request.quantity, contract)
    _check_price("limit", request.limit_price, contract, needed=request.order_type in ("LMT", "STP LMT"))
    _check_price("stop", request.stop_price, contract, needed=request.order_type in ("STP", "STP LMT"))
    return contract


def _check_quantity(quantity: Decimal, contract: Contract) -> None:
    if not quantity.is_finite() or quantity <= 0:
        raise Rejected(434, "The order size cannot be zero")
    if quantity % contract.size_increment:
        raise Rejected(10243, f"{REFUSED}the size is no multiple of {contract.size_increment}.")


def _check_price(kind: str, price: Decimal | None, contract: Contract, *, needed: bool) -> None:
    if not needed:
        return
    if price is None:
        raise Rejected(201, f"{REFUSED}the order type needs a {kind} price.")
    if not price.is_finite() or price <= 0 or price % contract.min_tick:
        raise Rejected(110, "The price does not conform to the minimum price variation for this contract.")


def check_change(order: Order | None, request: OrderRequest) -> None:
    """Raises Rejected (135 unknown, 104 filled, 10148 ended, 105 another order, 201 less than has filled)."""
    if order is None:
        raise Rejected(135, "Can't find order with id =")
    if order.status is Status.FILLED:
        raise Rejected(104, "Cannot modify a filled order.")
    if order.status.done:
        raise Rejected(10148, f"The order cannot be changed, state: {order.status}.")
    before = order.request
    if (before.account, before.conid, before.side) != (request.account, request.conid, request.side):
        raise Rejected(105, "Order being modified does not match original order.")
    if 0 < request.quantity <= order.filled:
        raise Rejected(201, f"{REFUSED}the new size must exceed the {order.filled} that have filled.")


def check_cancel(order: Order | None, perm_id: int) -> None:
    """Raises Rejected (135 unknown, 10148 ended)."""
    if order is None:
        raise Rejected(135, f"Can't find order with id ={perm_id}")
    if order.status.done:
        identity = order.request.order_id or perm_id
        raise Rejected(
            10148, f"OrderId {identity} that needs to be cancelled can not be cancelled, state: {order.status}."
        )
