"""Orders as callers of the Web API write them, read into commands (Web API v1.0, "Place Order")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.numbers import read
from ibkr_bridge.api.rest.orders.bodies import CLIENT_ORDER_ID
from ibkr_bridge.domain.contract import COMBO, ContractQuery, LegQuery
from ibkr_bridge.domain.errors import NotSupported
from ibkr_bridge.domain.order import PlaceOrder
from ibkr_bridge.domain.terms import Algo, OrderType, Side, Terms, TimeInForce

_TYPES: Final[Mapping[str, OrderType]] = {
    **dict.fromkeys(("LMT", "LIMIT"), OrderType.LIMIT),
    **dict.fromkeys(("MKT", "MARKET"), OrderType.MARKET),
    **dict.fromkeys(("STP", "STOP"), OrderType.STOP),
    **dict.fromkeys(("STOP_LIMIT", "STOPLIMIT", "STOP LIMIT", "STP LMT", "STP_LMT", "STPLMT"), OrderType.STOP_LIMIT),
    "TRAIL": OrderType.TRAIL,
    **dict.fromkeys(("TRAILLMT", "TRAIL LIMIT", "TRAIL_LIMIT"), OrderType.TRAIL_LIMIT),
    "MIT": OrderType.MARKET_IF_TOUCHED,
    "LIT": OrderType.LIMIT_IF_TOUCHED,
    "MOC": OrderType.MARKET_ON_CLOSE,
    "LOC": OrderType.LIMIT_ON_CLOSE,
    "MIDPRICE": OrderType.MIDPRICE,
    "REL": OrderType.RELATIVE,
}
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "acct_id": "acctId",
    "account_id": "acctId",
    "sec_type": "secType",
    "coid": "cOID",
    "client_order_id": "cOID",
    "parent_id": "parentId",
    "order_type": "orderType",
    "listing_exchange": "listingExchange",
    "is_single_group": "isSingleGroup",
    "outside_rth": "outsideRTH",
    "all_or_none": "allOrNone",
    "aux_price": "auxPrice",
    "trailing_amt": "trailingAmt",
    "trailing_type": "trailingType",
    "cash_qty": "cashQty",
    "fx_qty": "fxQty",
    "is_ccy_conv": "isCcyConv",
    "use_adaptive": "useAdaptive",
    "allocation_method": "allocationMethod",
    "strategy_parameters": "strategyParameters",
}
_READ: Final = frozenset(
    {
        *("acctId", "conid", "conidex", "secType", "cOID", "orderType", "listingExchange"),
        *("outsideRTH", "price", "auxPrice", "side", "tif", "quantity", "parentId", "isSingleGroup"),
        *("trailingAmt", "trailingType", "allOrNone", "strategy", "strategyParameters"),
    }
)
_IGNORED: Final = frozenset({"ticker", "referrer"})
"""For people; they change nothing."""
_NOT_YET: Final = frozenset(
    {
        *("cashQty", "fxQty", "isCcyConv", "useAdaptive", "allocationMethod", "manualOrderTime", "deactivated"),
        *("customerAccount", "isProCustomer", "manualIndicator", "extOperator", "taxOptimizerId", "jsonPayload"),
        "isClose",
    }
)
"""What would change the order, and this service cannot carry: never left out silently."""
_CONID: Final = re.compile(r"(\d{1,10})(?:[@:](\w+))?")
_LEG: Final = re.compile(r"(\d{1,10})/(-?[1-9]\d{0,3})")
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Ticket:
    """`parent` is another ticket's cOID; those that are `grouped` cancel one another."""

    command: PlaceOrder
    parent: str | None = None
    grouped: bool = False


def read_tickets(body: object, account: str) -> list[Ticket]:
    """`{"orders": [...]}`, or one order bare; children are in their parent's command. Raises Refusal, NotSupported."""
    found = body.get("orders") if isinstance(body, dict) and "orders" in body else [body] if body else None
    if not isinstance(found, list) or not found:
        raise Refusal(400, "Bad Request: orders are missing")
    if len(found) > _MOST:
        raise Refusal(400, f"Bad Request: at most {_MOST} orders at once")
    return _families([read_ticket(order, account) for order in found])


def _families(tickets: list[Ticket]) -> list[Ticket]:
    """Each parent with the children that name it (Web API v1.0, "Bracket Orders")."""
    names = {ticket.command.client_order_id for ticket in tickets if ticket.parent is None}
    for ticket in tickets:
        if ticket.parent is not None and ticket.parent not in names:
            text = f"Order couldn't be submitted: Parent order ID={ticket.parent[:64]} isn't recognized."
            raise Refusal(400, text, advice="Send an order and its children in one request.")
    return [_with_children(ticket, tickets) for ticket in tickets if ticket.parent is None]


def _with_children(parent: Ticket, tickets: list[Ticket]) -> Ticket:
    name = parent.command.client_order_id
    children = tuple(ticket.command for ticket in tickets if name is not None and ticket.parent == name)
    return replace(parent, command=replace(parent.command, children=children))


def read_ticket(body: object, account: str) -> Ticket:
    """Raises Refusal for what IBKR would refuse, NotSupported for what this service cannot carry."""
    if not isinstance(body, dict):
        raise Refusal(400, "Bad Request: an order must be an object")
    fields = {_OTHER_NAMES.get(name, name): value for name, value in body.items() if value is not None}
    _check(fields)
    if str(fields.get("acctId", account)) != account:
        raise Refusal(400, f"Bad Request: accountId is not valid: {str(fields['acctId'])[:32]}", code="account.unknown")
    query = _contract(fields)
    parent = None if fields.get("parentId") is None else str(fields["parentId"])
    return Ticket(
        PlaceOrder(query, _terms(fields), account, _reference(fields)), parent, _flag(fields, "isSingleGroup")
    )


def _check(fields: Mapping[str, Any]) -> None:
    for name in sorted(fields.keys() - _READ - _IGNORED):
        if name not in _NOT_YET:
            raise Refusal(400, f"Bad Request: there is no field {str(name)[:32]}", advice=f"Leave {name[:32]!r} out.")
        if fields[name]:
            raise NotSupported(f"{name} is not carried by this service yet.", advice=f"Leave `{name}` out.")
    venue = str(fields.get("listingExchange") or "SMART").upper()
    if venue != "SMART":
        raise NotSupported(f"Orders of these paths go by SMART, not to {venue[:16]}.", advice="Use POST /orders.")


def _contract(fields: Mapping[str, Any]) -> ContractQuery:
    """A conid, or the legs of a combo: `28812380;;;265598/1,272093/-1` (Web API v1.0, "Combo Orders")."""
    text = str(fields.get("conidex") or "")
    if ";;;" not in text or "conid" in fields:
        return ContractQuery(conid=_conid(fields), sec_type="", exchange="", currency="")
    spread, _separator, ratios = text.partition(";;;")
    found = [_LEG.fullmatch(leg) for leg in ratios.split(",")]
    legs = tuple(_leg(int(match[1]), int(match[2])) for match in found if match is not None)
    if len(legs) < len(found):
        raise Refusal(400, "Bad Request: conidex is no combo: spread;;;conid/ratio,conid/ratio")
    return ContractQuery(sec_type=COMBO, exchange=spread.partition("@")[2] or "SMART", currency="", legs=legs)


def _leg(conid: int, ratio: int) -> LegQuery:
    query = ContractQuery(conid=conid, sec_type="", exchange="", currency="")
    return LegQuery(query, Side.BUY if ratio > 0 else Side.SELL, abs(ratio))


def _conid(fields: Mapping[str, Any]) -> int:
    conid = fields.get("conid")
    if isinstance(conid, int | str) and not isinstance(conid, bool) and re.fullmatch(r"\d{1,10}", str(conid)):
        return int(conid)
    text = str(fields.get("conidex") or fields.get("secType") or "")
    match = _CONID.fullmatch(text)
    if conid is not None or match is None:
        raise Refusal(400, "Bad Request: conid is missing or no number")
    if "conidex" in fields and (match[2] or "SMART").upper() != "SMART":
        raise NotSupported(f"Orders of these paths go by SMART, not to {match[2]}.", advice="Use POST /orders.")
    return int(match[1])


def _terms(fields: Mapping[str, Any]) -> Terms:
    word = str(fields.get("orderType", "")).upper()
    kind = _TYPES.get(word)
    if not word:
        raise Refusal(400, "Bad Request: orderType is missing")
    if kind is None:
        raise NotSupported(f"Orders of type {word[:16]} are not carried by this service yet.")
    price, auxiliary, quantity = (_number(fields, name) for name in ("price", "auxPrice", "quantity"))
    if quantity is None:
        raise Refusal(400, "Bad Request: quantity is missing")
    return Terms(
        side=_side(fields),
        qty=quantity,
        type=kind,
        tif=_time(fields),
        outside_rth=_flag(fields, "outsideRTH"),
        all_or_none=_flag(fields, "allOrNone"),
        algo=_algo(fields),
        **_prices(fields, kind, _side(fields), price, auxiliary),
    )


def _prices(
    fields: Mapping[str, Any], kind: OrderType, side: Side, price: Decimal | None, auxiliary: Decimal | None
) -> dict[str, Any]:
    """What awakes an order stands in `price` where it has no limit, and in `auxPrice` beside one."""
    match kind:
        case OrderType.MARKET | OrderType.MARKET_ON_CLOSE:
            return {}
        case OrderType.STOP | OrderType.MARKET_IF_TOUCHED:
            return {"stop": price or auxiliary}
        case OrderType.TRAIL:
            return {"stop": price, **_trail(fields)}
        case OrderType.TRAIL_LIMIT:
            return {"stop": auxiliary, "limit_offset": _beside(side, price, auxiliary), **_trail(fields)}
        case OrderType.RELATIVE:
            return {"limit": price, "offset": auxiliary}
        case _:
            return {"limit": price, "stop": auxiliary if kind.needs_stop else None}


def _trail(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Refusal where the distance or its unit is missing."""
    amount, unit = _number(fields, "trailingAmt"), str(fields.get("trailingType", ""))
    if amount is None or unit not in ("amt", "%"):
        raise Refusal(400, "Bad Request: trailingAmt and trailingType (amt or %) are needed")
    return {"trail": amount} if unit == "amt" else {"trail_percent": amount}


def _beside(side: Side, limit: Decimal | None, stop: Decimal | None) -> Decimal | None:
    if limit is None or stop is None:
        return None
    return limit - stop if side is Side.BUY else stop - limit


def _algo(fields: Mapping[str, Any]) -> Algo | None:
    if not fields.get("strategy"):
        return None
    params = fields.get("strategyParameters") or {}
    if not isinstance(params, dict):
        raise Refusal(400, "Bad Request: strategyParameters must be an object")
    return Algo(str(fields["strategy"]), tuple((str(name), str(value)) for name, value in params.items()))


def _side(fields: Mapping[str, Any]) -> Side:
    try:
        return Side(str(fields.get("side", "")).upper())
    except ValueError:
        raise Refusal(400, "Bad Request: side must be BUY or SELL") from None


def _time(fields: Mapping[str, Any]) -> TimeInForce:
    word = str(fields.get("tif", "DAY")).upper()
    if word not in TimeInForce.__members__:
        raise NotSupported(f"The time in force {word[:16]} is not carried by this service yet.")
    return TimeInForce[word]


def _reference(fields: Mapping[str, Any]) -> str | None:
    if "cOID" not in fields:
        return None
    text = str(fields["cOID"])
    if not re.fullmatch(CLIENT_ORDER_ID, text):
        raise Refusal(400, "Bad Request: cOID must have 1 to 64 printable characters")
    return text


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise Refusal(400, f"Bad Request: {name} must be true or false")
    return value


def _number(fields: Mapping[str, Any], name: str) -> Decimal | None:
    """IBKR takes no text for a number, and says it in the words of its own program."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool | str) or not isinstance(value, int | Decimal):
        kind = "Boolean" if isinstance(value, bool) else "String"
        raise Refusal(400, f"java.lang.{kind} cannot be cast to java.lang.Number", advice=f"Send {name} as a number.")
    try:
        return read(value)
    except ValueError as problem:
        raise Refusal(400, f"Bad Request: {name}: {problem}") from None
