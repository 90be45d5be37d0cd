"""An order as a caller writes it, read into what the exchange takes (Web API: "Place Order")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypedDict

from ibkr_sim.exchange.model import OrderRequest, Side, WireValue
from ibkr_sim.webapi.answers import Refused, plain_refusal, refusal
from ibkr_sim.webapi.spreads import Spread, parse_spread

TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("LMT", "LIMIT"), "LMT"),
        **dict.fromkeys(("MKT", "MARKET"), "MKT"),
        **dict.fromkeys(("STP", "STOP"), "STP"),
        **dict.fromkeys(("STOP_LIMIT", "STOPLIMIT", "STOP LIMIT", "STP LMT", "STPLMT"), "STP LMT"),
        **dict.fromkeys(("TRAIL", "TRAILING_STOP"), "TRAIL"),
        **dict.fromkeys(("TRAILLMT", "TRAIL LIMIT", "TRAIL_LIMIT", "TRAILING_STOP_LIMIT"), "TRAIL LIMIT"),
        **dict.fromkeys(("MOC", "MARKETONCLOSE"), "MOC"),
        **dict.fromkeys(("LOC", "LIMITONCLOSE"), "LOC"),
        **dict.fromkeys(("REL", "RELATIVE"), "REL"),
    }
)
"""What callers write, and what the exchange reads; any other type goes to it as it is."""
LONGEST_REFERENCE: Final = 64
_CONID: Final = re.compile(r"(\d{1,10})(?:[@:](\w+))?")
_ALGORITHM: Final = "algoStrategy"
"""Under what name every door finds an order's algorithm and its parameters."""


class Prices(TypedDict, total=False):
    """Those of an order request."""

    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_stop: Decimal | None
    trailing_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order of a request; `reference` is its cOID, `parent` the cOID or order id it depends on.

    One of a `spread` names no contract until the exchange has made one of its legs.
    """

    request: OrderRequest
    reference: str = ""
    parent: str = ""
    single_group: bool = False
    spread: Spread | None = None
    by_hand: bool | None = None
    """Whether a person gave it, where that is said: exchanges want to know it of orders for futures."""


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
    spread = parse_spread(_text(body, "conidex")) if body.get("conid") is None else None
    conid, exchange = (0, spread.exchange) if spread else _contract(body)
    kind = _text(body, "orderType").upper()
    order_type = TYPES.get(kind, kind)
    request = OrderRequest(
        account=_text(body, "acctId") or account,
        conid=conid,
        side=_side(body),
        quantity=_number(body, "quantity") or Decimal(0),
        order_type=order_type,
        tif=_text(body, "tif").upper() or "DAY",
        outside_rth=body.get("outsideRTH") is True,
        order_ref=_text(body, "cOID"),
        exchange=exchange,
        all_or_none=body.get("allOrNone") is True,
        good_till=_good_till(body),
        wire=_algorithm(body),
        **_prices(body, order_type),
    )
    if len(request.order_ref) > LONGEST_REFERENCE:
        raise refusal(400, "Bad Request: cOID is longer than 64 characters")
    return Ticket(
        request,
        request.order_ref,
        _text(body, "parentId"),
        body.get("isSingleGroup") is True,
        spread,
        _flag(body, "manualIndicator"),
    )


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


def _prices(body: Mapping[str, Any], order_type: str) -> Prices:
    """`price` is the stop of an order without a limit; `auxPrice` is the stop beside one, or a relative offset."""
    price, auxiliary = _number(body, "price"), _number(body, "auxPrice")
    either = auxiliary if price is None else price
    match order_type:
        case "LMT" | "LOC" | "MIDPRICE":
            return {"limit_price": price}
        case "STP" | "MIT":
            return {"stop_price": either}
        case "STP LMT" | "LIT" | "REL":
            return {"limit_price": price, "stop_price": auxiliary}
        case "TRAIL":
            return {"trail_stop": either, **_trailing(body)}
        case "TRAIL LIMIT":
            return {"limit_price": price, "trail_stop": auxiliary, **_trailing(body)}
        case _:
            return {}


def _trailing(body: Mapping[str, Any]) -> Prices:
    """An amount unless it says percent. Raises Refused."""
    amount, unit = _number(body, "trailingAmt"), _text(body, "trailingType") or "amt"
    if unit not in ("amt", "%"):
        raise refusal(400, "Bad Request: trailingType must be amt or %")
    return {"trailing_percent": amount} if unit == "%" else {"stop_price": amount}


def _good_till(body: Mapping[str, Any]) -> datetime | None:
    """`goodTillDate`, in UTC; no member for it is documented. Raises Refused."""
    text = _text(body, "goodTillDate")
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise refusal(400, "Bad Request: goodTillDate must be YYYYMMDD-HH:MM:SS") from None


def _algorithm(body: Mapping[str, Any]) -> dict[str, WireValue]:
    """Name, number of parameters, then their names and values; the exchange works the order as a plain one."""
    name, parameters = _text(body, "strategy"), body.get("strategyParameters") or {}
    if not isinstance(parameters, dict):
        raise refusal(400, "Bad Request: strategyParameters must be an object")
    if not name:
        return {}
    flat = (text for key, value in parameters.items() for text in (str(key), str(value)))
    return {_ALGORITHM: (name, str(len(parameters)), *flat)}


def _flag(body: Mapping[str, Any], name: str) -> bool | None:
    value = body.get(name)
    return value if isinstance(value, bool) else None


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
