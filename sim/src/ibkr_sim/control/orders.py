"""Orders by hand, read from JSON and shown as JSON."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ibkr_sim.control.problems import Refused
from ibkr_sim.exchange.model import Order, OrderRequest, Rejected, Side
from ibkr_sim.exchange.port import Market

_FIELDS: Final = frozenset({"account", "conid", "symbol", "side", "quantity", "type", "limit", "stop", "tif"})
_EXAMPLE: Final = 'Send {"symbol": "AAPL", "side": "BUY", "quantity": 10, "limit": 150.5}.'
_LONGEST_NUMBER: Final = 30
_LARGEST: Final = Decimal("1e12")
_PLACES: Final = 8


def place(market: Market, body: object) -> Order:
    """Read `{"symbol": "AAPL", "side": "BUY", "quantity": 10, "limit": 150.5, "tif": "GTC"}` and place it.

    Raises Refused (422), also for what the exchange rejects.
    """
    if not isinstance(body, dict) or body.keys() - _FIELDS:
        raise _invalid(_EXAMPLE)
    limit, stop = amount(body, "limit"), amount(body, "stop")
    request = OrderRequest(
        account=_text(body, "account") or market.accounts[0],
        conid=conid_of(market, body),
        side=_side(body),
        quantity=amount(body, "quantity") or Decimal(0),
        order_type=_text(body, "type").upper() or _plain_type(limit, stop),
        tif=_text(body, "tif").upper() or "DAY",
        limit_price=limit,
        stop_price=stop,
    )
    try:
        return market.place_by_hand(request)
    except Rejected as refusal:
        raise _rejected(refusal) from refusal


def cancel(market: Market, body: object) -> Order:
    """Read `{"perm_id": 1234}` and cancel that order. Raises Refused (422)."""
    perm_id = body.get("perm_id") if isinstance(body, dict) else None
    if not isinstance(perm_id, int) or isinstance(perm_id, bool):
        raise _invalid('Send {"perm_id": 1234}.')
    try:
        return market.cancel(perm_id)
    except Rejected as refusal:
        raise _rejected(refusal) from refusal


def shown(order: Order) -> dict[str, Any]:
    request = order.request
    return {
        "perm_id": order.perm_id,
        "order_id": request.order_id,
        "client_id": request.client_id,
        "account": request.account,
        "conid": request.conid,
        "side": request.side.value,
        "quantity": str(request.quantity),
        "type": request.order_type,
        "status": order.status.value,
        "filled": str(order.filled),
    }


def conid_of(market: Market, body: dict[str, Any]) -> int:
    """By itself, or by a symbol: of one stock in dollars, else of one stock, else of one contract."""
    conid = amount(body, "conid")
    if conid is not None:
        return int(conid)
    found = market.find_contracts(symbol=_text(body, "symbol")) if body.get("symbol") else ()
    stocks = [contract for contract in found if contract.sec_type == "STK"]
    chosen = [contract for contract in stocks if contract.currency == "USD"] or stocks or found
    if len(chosen) != 1:
        raise _invalid(f"{_some(len(chosen))} of that symbol: name a symbol of one contract, or a conid.")
    return chosen[0].conid


def _some(count: int) -> str:
    return "There are several contracts" if count else "There is no contract"


def _side(body: dict[str, Any]) -> Side:
    try:
        return Side(_text(body, "side").upper())
    except ValueError:
        raise _invalid("side must be BUY or SELL.") from None


def _plain_type(limit: Decimal | None, stop: Decimal | None) -> str:
    if stop is not None:
        return "STP" if limit is None else "STP LMT"
    return "MKT" if limit is None else "LMT"


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise _invalid(f"{name} must be text.")
    return value


def amount(body: dict[str, Any], name: str) -> Decimal | None:
    """A JSON number, or text that is one."""
    value = body.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > _LONGEST_NUMBER:
            raise _invalid(f"{name} must be a number.")
        number = Decimal(str(value))
    except InvalidOperation:
        raise _invalid(f"{name} must be a number.") from None
    if not number.is_finite() or abs(number) >= _LARGEST or number != round(number, _PLACES):
        raise _invalid(f"{name} must be a number.")
    return number


def _invalid(detail: str) -> Refused:
    return Refused(422, "invalid_order", detail)


def _rejected(refusal: Rejected) -> Refused:
    return Refused(422, "order_rejected", f"{refusal.code}: {refusal.text}")
