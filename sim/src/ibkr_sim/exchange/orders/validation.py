"""Why an order is refused: IBKR's codes and texts ("Error Codes" in the TWS API documentation)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.model import COMBO, Contract, Order, OrderRequest, Rejected, Status
from ibkr_sim.exchange.orders.families.kinds import KINDS, Trigger

TIMES_IN_FORCE = ("DAY", "GTC", "IOC", "GTD", "FOK", "OPG")
REFUSED = "Order rejected - reason:"
NO_SUCH_TYPE = 387
_NO_SUCH_TYPE = "Unsupported order type for this exchange and security type."
_SHARES_ONLY = ("MOC", "LOC", "MIDPRICE", "PEG MID")
_ADJUSTED_TYPES = ("STP", "STP LMT", "TRAIL", "TRAIL LIMIT")


def check_order(request: OrderRequest, contract: Contract | None, *, account_known: bool) -> Contract:
    """The contract of an order that is well formed. Raises Rejected (435, 200, 387, 10052, 434, 10243, 201, 110)."""
    if not account_known:
        raise Rejected(435, "You must specify an account.")
    if contract is None:
        raise Rejected(200, "No security definition has been found for the request")
    if contract.sec_type == "IND":
        raise Rejected(201, f"{REFUSED}an index cannot be traded.")
    if request.order_type not in KINDS:
        raise Rejected(NO_SUCH_TYPE, _NO_SUCH_TYPE)
    if request.tif not in TIMES_IN_FORCE:
        raise Rejected(10052, f"Invalid time in force:{request.tif}")
    kind = KINDS[request.order_type]
    _check_quantity(request.quantity, contract)
    if contract.sec_type == COMBO:
        _check_combination(request, contract)
    else:
        _check_price("limit", request.limit_price, contract, needed=kind.limit)
        _check_price("stop", request.stop_price, contract, needed=kind.auxiliary)
    return contract


def check_terms(request: OrderRequest, contract: Contract, now: datetime) -> None:
    """What does not go together. Raises Rejected (387, 114, 111, 113, 391, 403, 201, 10020)."""
    kind = KINDS[request.order_type]
    if contract.last_trade is not None and contract.last_trade <= now:
        raise Rejected(201, f"{REFUSED}the contract has expired.")
    if contract.sec_type == "CASH" and (request.order_type in _SHARES_ONLY or request.tif == "OPG"):
        raise Rejected(NO_SUCH_TYPE, _NO_SUCH_TYPE)
    if contract.sec_type != "STK" and request.order_type == "REL":
        raise Rejected(114, "Relative orders are valid for stocks only.")
    _check_time(request, now)
    if kind.trigger is Trigger.TRAIL:
        _check_trailing(request, contract)
    if kind.peg is not None and request.limit_price:
        _check_price("limit", request.limit_price, contract, needed=True)
    if request.adjustment is not None:
        _check_adjustment(request)
    if request.display_size is not None and request.display_size >= request.quantity:
        raise Rejected(10020, "Display size should be smaller than order size.")
    if (request.hidden or request.display_size is not None) and not (kind.limit or kind.peg):
        raise Rejected(201, f"{REFUSED}only an order with a limit can hide its size.")


def check_links(request: OrderRequest, contract: Callable[[int], Contract | None], *, parent_known: bool) -> None:
    """What an order refers to. Raises Rejected (10006 no such parent, 398 no such contract, 201)."""
    if request.parent and not parent_known:
        raise Rejected(10006, "Missing parent order.")
    if request.oca_group and request.oca_type not in (1, 2, 3):
        raise Rejected(201, f"{REFUSED}OCA type {request.oca_type} is none of 1, 2 and 3.")
    for conid in sorted(request.conditions.conids) if request.conditions else ():
        watched = contract(conid)
        if watched is None or watched.legs:
            raise Rejected(398, f"{conid} cannot be used as a condition trigger.")


def _check_time(request: OrderRequest, now: datetime) -> None:
    kind = KINDS[request.order_type]
    if kind.at_close and request.tif != "DAY":
        raise Rejected(113, "The Tif option should be set to DAY for MOC and LOC orders.")
    late = kind.trigger is not None or kind.peg is not None or kind.at_close
    if late and request.tif in ("OPG", "FOK"):
        raise Rejected(111, "The TIF (Tif type) and the order type are incompatible.")
    if request.tif == "GTD" and (request.good_till is None or request.good_till <= now):
        raise Rejected(391, "Invalid date for GTD.")


def _check_trailing(request: OrderRequest, contract: Contract) -> None:
    amount, percent = request.stop_price, request.trailing_percent
    if (amount is None) is (percent is None):
        raise Rejected(201, f"{REFUSED}the order type needs a trailing amount or a trailing percentage.")
    if (amount if amount is not None else percent or Decimal(0)) <= 0 or (percent or 0) >= 100:
        raise Rejected(403, "Invalid stop price.")
    if request.trail_stop is not None:
        _check_price("stop", request.trail_stop, contract, needed=True)
    if request.order_type == "TRAIL LIMIT":
        if (request.limit_offset is None) is (not request.limit_price):
            raise Rejected(201, f"{REFUSED}the order type needs a limit price or a limit offset.")
        if request.limit_offset is None and request.trail_stop is None:
            raise Rejected(201, f"{REFUSED}a limit price needs the stop price that it belongs to.")


def _check_adjustment(request: OrderRequest) -> None:
    terms = request.adjustment
    if terms is None:
        return
    if request.order_type not in _ADJUSTED_TYPES or terms.order_type not in _ADJUSTED_TYPES:
        raise Rejected(NO_SUCH_TYPE, _NO_SUCH_TYPE)
    trails = terms.order_type.startswith("TRAIL")
    if (terms.trailing if trails else terms.stop) is None:
        raise Rejected(201, f"{REFUSED}the adjusted order needs a {'trailing amount' if trails else 'stop price'}.")
    if terms.order_type == "STP LMT" and terms.limit is None:
        raise Rejected(201, f"{REFUSED}the adjusted order needs a limit price.")
    if terms.order_type == "TRAIL LIMIT" and request.limit_offset is None:
        raise Rejected(201, f"{REFUSED}the adjusted order needs a limit offset.")


def _check_combination(request: OrderRequest, contract: Contract) -> None:
    """A combination's price may be negative: it is what the legs cost less what they bring."""
    if request.order_type not in ("MKT", "LMT") or request.tif == "OPG":
        raise Rejected(NO_SUCH_TYPE, _NO_SUCH_TYPE)
    price = request.limit_price
    if request.order_type == "LMT" and (price is None or not price.is_finite() or price % contract.min_tick):
        raise Rejected(110, "The price does not conform to the minimum price variation for this contract.")


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


def check_change(order: Order | None, request: OrderRequest) -> Order:
    """The order that is to be changed.

    Raises Rejected (135 unknown, 104 filled, 10148 ended, 105 another order, 201 less than has filled).
    """
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
    return order


def check_cancel(order: Order | None, perm_id: int) -> None:
    """Raises Rejected (135 unknown, 10148 ended)."""
    if order is None:
        raise Rejected(135, f"Can't find order with id ={perm_id}")
    if order.status.done:
        identity = order.request.order_id or perm_id
        raise Rejected(
            10148, f"OrderId {identity} that needs to be cancelled can not be cancelled, state: {order.status}."
        )
