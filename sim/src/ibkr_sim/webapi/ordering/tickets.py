"""An order as a caller writes it, read into what the exchange takes (Web API: "Place Order")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from ibkr_sim.exchange.model import OrderRequest, Side
from ibkr_sim.webapi.answers import Refused, plain_refusal, refusal

TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("LMT", "LIMIT"), "LMT"),
        **dict.fromkeys(("MKT", "MARKET"), "MKT"),
        **dict.fromkeys(("STP", "STOP"), "STP"),
        **dict.fromkeys(("STOP_LIMIT", "STOPLIMIT", "STOP LIMIT", "STP LMT", "STPLMT"), "STP LMT"),
    }
)
"""What callers write, and what the exchange reads; any other type goes to it as it is, to be refused there."""
LONGEST_REFERENCE: Final = 64
_CONID: Final = re.compile(r"(\d{1,10})(?:[@:](\w+))?")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order of a request; `reference` is its cOID, `parent` the cOID or order id it depends on."""

    request: OrderRequest
    reference: str = ""
    parent: str = ""
    single_group: bool = False


def parse_tickets(body: object, account: str) -> list[Ticket]:
    """`{"orders": [...]}`. Raises Refused."""
    orders = body.get("orders") if isinstance(body, dict) else None
    if not isinstance(orders, list) or not orders:
        raise refusal(400, "Bad Request: orders are missing")
    return [parse_ticket(order, account) for order in orders]


def parse_ticket(body: object, account: str) -> Ticket:
    """Raises Refused for what cannot be read; what can be read but not traded is left to the exchange."""
    if not isinstance(body, dict):
        raise refusal(400, "Bad Request: an order must be an object")
    conid, exchange = _contract(body)
    kind = _text(body, "orderType").upper()
    order_type = TYPES.get(kind, kind)
    price, auxiliary = _number(body, "price"), _number(body, "auxPrice")
    limit, stop = _prices(order_type, price, auxiliary)
    request = OrderRequest(
        account=_text(body, "acctId") or account,
        conid=conid,
        side=_side(body),
        quantity=_number(body, "quantity") or Decimal(0),
        order_type=order_type,
        tif=_text(body, "tif").upper() or "DAY",
        limit_price=limit,
        stop_price=stop,
        outside_rth=body.get("outsideRTH") is True,
        order_ref=_text(body, "cOID"),
        exchange=exchange,
    )
    if len(request.order_ref) > LONGEST_REFERENCE:
        raise refusal(400, "Bad Request: cOID is longer than 64 characters")
    return Ticket(request, request.order_ref, _text(body, "parentId"), body.get("isSingleGroup") is True)


def _contract(body: Mapping[str, Any]) -> tuple[int, str]:
    """The conid, and the exchange where one is named; a conid beside a conidex sends the order to SMART."""
    if body.get("conid") is not None:
        return _whole(body["conid"]), _text(body, "listingExchange") or "SMART"
    text = _text(body, "conidex") or _text(body, "secType")
    match = _CONID.fullmatch(text)
    if match is None:
        raise refusal(400, "Bad Request: conid is missing")
    venue = match[2] if "conidex" in body and match[2] else "SMART"
    return int(match[1]), venue


def _whole(value: object) -> int:
    if isinstance(value, int | float | str) and not isinstance(value, bool) and str(value).isdecimal():
        return int(value)
    raise refusal(400, "Bad Request: conid must be a number")


def _side(body: Mapping[str, Any]) -> Side:
    try:
        return Side(_text(body, "side").upper())
    except ValueError:
        raise refusal(400, "Bad Request: side must be BUY or SELL") from None


def _prices(order_type: str, price: Decimal | None, auxiliary: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """Limit and stop: `price` is the stop of a stop order, and the limit of every other."""
    match order_type:
        case "LMT":
            return price, None
        case "STP":
            return None, auxiliary if price is None else price
        case "STP LMT":
            return price, auxiliary
        case _:
            return None, None


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return "" if value is None else str(value)


def _number(body: Mapping[str, Any], name: str) -> Decimal | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _mistyped(value)
    return Decimal(str(value))


def _mistyped(value: object) -> Refused:
    kind = "Boolean" if isinstance(value, bool) else "String"
    return plain_refusal(400, f"java.lang.{kind} cannot be cast to java.lang.Number")
