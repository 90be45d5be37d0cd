"""From an order as a client wrote it to an order the exchange understands."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.model import Contract, OrderRequest, Rejected, Side
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.orders import PlaceOrder
from ibkr_sim.tws.resolution import routed

REJECTED, NO_ACCOUNT = 201, 435
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL}
_FEATURE_FIELDS: Final = {
    "ocaGroup": "one-cancels-all group",
    "goodAfterTime": "good after time",
    "parentId": "parent order",
    "allOrNone": "all or none",
    "minQty": "minimum quantity",
    "cashQty": "cash quantity",
    "volatility": "volatility",
    "trailingPercent": "trailing percent",
    "discretionaryAmt": "discretionary amount",
}
"""Fields that change when or how an order trades, which an exchange that ignored them would get wrong."""


def order_request(order: PlaceOrder, contract: Contract, client_id: int, accounts: Sequence[str]) -> OrderRequest:
    """Raises Rejected: 201 for what this exchange cannot do, 321 and 435 for what IBKR would not read."""
    _refuse_features(order)
    side = _SIDES.get(order.fields["action"].upper())
    if side is None:
        raise Rejected(*invalid("Please enter a valid action"))
    return OrderRequest(
        account=_account(order.fields["account"], accounts),
        conid=contract.conid,
        side=side,
        quantity=order.amount("totalQuantity") or Decimal(0),
        order_type=order.fields["orderType"].upper(),
        tif=order.fields["tif"].upper() or "DAY",
        limit_price=order.amount("lmtPrice"),
        stop_price=order.amount("auxPrice"),
        outside_rth=order.flag("outsideRth"),
        order_ref=order.fields["orderRef"],
        client_id=client_id,
        order_id=order.order_id,
        exchange=routed(contract, order.contract.exchange),
        wire=order.fields,
    )


def _refuse_features(order: PlaceOrder) -> None:
    used = set(order.features)
    used |= {words for name, words in _FEATURE_FIELDS.items() if order.fields[name] not in ("", "0")}
    if used:
        names = ", ".join(sorted(used))
        raise Rejected(REJECTED, f"Order rejected - reason:Not supported by this simulator: {names}.")


def _account(named: str, accounts: Sequence[str]) -> str:
    if not named and len(accounts) > 1:
        raise Rejected(NO_ACCOUNT, "You must specify an account.")
    account = named or accounts[0]
    if account not in accounts:
        raise Rejected(*invalid("Invalid account code"))
    return account
