"""Between IBKR's rows and our words. Pure: values in, values out.

IBKR's types waver: a conid is a number or text, an amount has commas, a suffix or a currency, a flag is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import Commissioned, Executed, Reported
from ibkr_bridge.domain.order import BrokerIds, OrderStatus, Preview
from ibkr_bridge.domain.quote import DataType
from ibkr_bridge.domain.terms import OrderType, Side, Terms, TimeInForce
from ibkr_bridge.ports.upstream import OrderReported

Row = Mapping[str, Any]
ZERO: Final = Decimal(0)
_TYPES_BACK: Final = {
    "MKT": OrderType.MARKET,
    "MARKET": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "LIMIT": OrderType.LIMIT,
    "STP": OrderType.STOP,
    "STOP": OrderType.STOP,
    "STPLMT": OrderType.STOP_LIMIT,
    "STOPLIMIT": OrderType.STOP_LIMIT,
    "MOC": OrderType.MARKET_ON_CLOSE,
    "MARKETONCLOSE": OrderType.MARKET_ON_CLOSE,
    "LOC": OrderType.LIMIT_ON_CLOSE,
    "LIMITONCLOSE": OrderType.LIMIT_ON_CLOSE,
    "MIT": OrderType.MARKET_IF_TOUCHED,
}
STATUSES: Final[Mapping[str, OrderStatus]] = {
    "PendingSubmit": OrderStatus.SENT,
    "PreSubmitted": OrderStatus.WORKING,
    "Submitted": OrderStatus.WORKING,
    "Filled": OrderStatus.FILLED,
    "PendingCancel": OrderStatus.PENDING_CANCEL,
    "PreCancelled": OrderStatus.PENDING_CANCEL,
    "Cancelled": OrderStatus.CANCELLED,
    "WarnState": OrderStatus.SENT,
}
"""Web API v1.0, "Order Status Value". Inactive is missing: a new order passes through it."""
INACTIVE: Final = "Inactive"
SIDES: Final[Mapping[str, Side]] = {
    "BUY": Side.BUY,
    "B": Side.BUY,
    "BOT": Side.BUY,
    "SELL": Side.SELL,
    "S": Side.SELL,
    "SLD": Side.SELL,
}
_TIMES: Final[Mapping[str, TimeInForce]] = {
    "DAY": TimeInForce.DAY,
    "CLOSE": TimeInForce.DAY,
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "OPG": TimeInForce.OPG,
}
"""Orders for the day read CLOSE in IBKR's list."""
DATA_TYPES: Final[Mapping[str, DataType]] = {
    "R": DataType.LIVE,
    "D": DataType.DELAYED,
    "Z": DataType.FROZEN,
    "Y": DataType.DELAYED_FROZEN,
}
"""Web API v1.0, "Market Data Availability", first letter."""
FIELDS: Final[Mapping[str, str]] = {
    "31": "last",
    "84": "bid",
    "86": "ask",
    "88": "bid_size",
    "85": "ask_size",
    "7059": "last_size",
    "7295": "open",
    "70": "high",
    "71": "low",
    "7741": "close",
    "7762": "volume",
}
"""Web API v1.0, "Market Data Fields". The close is the day's before (7296 is today's, and moves); volume is exact."""
AVAILABILITY: Final = "6509"
MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MULTIPLES: Final = {"K": 10**3, "M": 10**6, "B": 10**9}
_NUMBER: Final = re.compile(r"[A-Z]?\s*(-?[\d,]*\.?\d+(?:E[+-]?\d+)?)\s*([KMB])?(?![\d.])", re.IGNORECASE)
_CURRENCY: Final = re.compile(r"\b([A-Z]{3})\b")
_PLAIN_STATUS: Final = re.compile(r"[^A-Za-z]")


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def decimal(value: object) -> Decimal | None:
    """The number in it, whatever stands around it: "C193.18", "1,300", "24.2M", "0.54%", "1 USD"."""
    if isinstance(value, Decimal):
        return _trimmed(value)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return Decimal(value)
    found = _NUMBER.match(str(value).strip())
    if found is None:
        return None
    try:
        number = Decimal(found[1].replace(",", ""))
    except InvalidOperation:
        return None
    return _trimmed(number * _MULTIPLES[found[2].upper()] if found[2] else number)


def integer(value: object) -> int:
    """0 for what is none."""
    try:
        return int(value) if isinstance(value, Decimal) else int(str(value))
    except ValueError:
        return 0


def status_word(value: object) -> str:
    return _PLAIN_STATUS.sub("", str(value or ""))


def order_id(row: Row) -> int:
    return integer(row.get("orderId") or row.get("order_id"))


def ids(number: int, reference: str) -> BrokerIds:
    """IBKR's order id is permanent at this door."""
    return BrokerIds(number, number, 0, reference)


def listed(row: Row, reference: str, at: datetime, status: OrderStatus) -> OrderReported:
    """A row of the live orders or of their stream."""
    filled = decimal(row.get("filledQuantity")) or ZERO
    report = Reported(
        status,
        ids(order_id(row), reference),
        filled,
        decimal(row.get("avgPrice")) if filled else None,
        at,
        str(row["order_cancellation_by_system_reason"]) if row.get("order_cancellation_by_system_reason") else None,
    )
    return OrderReported(report, str(row.get("acct") or row.get("account") or ""), listed_contract(row), terms(row))


def single(row: Row, reference: str, at: datetime, status: OrderStatus) -> OrderReported:
    """The answer to a question about one order, which has a vocabulary of its own."""
    filled = decimal(row.get("cum_fill")) or ZERO
    average = decimal(row.get("average_price")) if filled else None
    report = Reported(status, ids(order_id(row), reference), filled, average, at)
    return OrderReported(report, str(row.get("account") or ""), None, None)


def terms(row: Row) -> Terms | None:
    """None for an order that our words, or IBKR's row, cannot say: a stop-limit's row has one price of two."""
    word = status_word(row.get("origOrderType") or row.get("orderType")).upper()
    kind, side = _TYPES_BACK.get(word), SIDES.get(str(row.get("side", "")).upper())
    tif = _TIMES.get(str(row.get("timeInForce", "")).upper())
    qty, price = decimal(row.get("totalSize")), decimal(row.get("price"))
    if kind is None or side is None or tif is None or qty is None or kind is OrderType.STOP_LIMIT:
        return None
    if kind.shape.needs and price is None:
        return None
    return Terms(
        side=side,
        qty=qty,
        type=kind,
        limit=price if kind.needs_limit else None,
        stop=price if kind.needs_stop else None,
        tif=tif,
        outside_rth=bool(row.get("outsideRTH")),
    )


def listed_contract(row: Row) -> Contract | None:
    if not integer(row.get("conid")):
        return None
    return Contract(
        conid=integer(row.get("conid")),
        symbol=str(row.get("ticker") or row.get("symbol") or ""),
        sec_type=str(row.get("secType") or row.get("sec_type") or ""),
        exchange="SMART",
        currency=str(row.get("cashCcy") or ""),
        primary_exchange=str(row.get("listingExchange") or row.get("listing_exchange") or ""),
        local_symbol=str(row.get("description1") or row.get("contract_description_1") or ""),
        name=str(row.get("companyName") or row.get("company_name") or ""),
    )


def executed(row: Row, contract: Contract | None, reference: str, heard: datetime) -> Executed | None:
    """A trade. It tells no running total of its order; `heard` stands in for a time that cannot be read."""
    side, qty, paid = SIDES.get(str(row.get("side", "")).upper()), decimal(row.get("size")), decimal(row.get("price"))
    traded = contract or listed_contract(row)
    if side is None or qty is None or paid is None or traded is None or not row.get("execution_id"):
        return None
    return Executed(
        exec_id=str(row["execution_id"]),
        broker=ids(order_id(row), reference),
        account=str(row.get("account") or row.get("accountCode") or ""),
        contract=traded,
        side=side,
        qty=qty,
        price=paid,
        cum_qty=qty,
        avg_price=paid,
        exchange=str(row.get("exchange") or ""),
        at=moment(row.get("trade_time_r")) or _dashed(row.get("trade_time")) or heard,
    )


def commissioned(row: Row, currency: str, at: datetime) -> Commissioned | None:
    """None while IBKR has not reckoned it."""
    amount = decimal(row.get("commission"))
    if amount is None:
        return None
    return Commissioned(str(row.get("execution_id")), amount, currency, None, at)


def preview(row: Row) -> Preview:
    margins = {name: mapping(row.get(name)) for name in ("initial", "maintenance", "equity")}
    figures = {
        f"{ours}_{when}": decimal(margins[name].get(theirs))
        for name, ours in (("initial", "initial_margin"), ("maintenance", "maintenance_margin"), ("equity", "equity"))
        for theirs, when in (("current", "before"), ("change", "change"), ("after", "after"))
    }
    told = str(mapping(row.get("amount")).get("commission") or "")
    first, _to, last = told.partition("...") if "..." in told else told.partition(" - ")
    commission = decimal(first)
    currency = _CURRENCY.search(told)
    return Preview(
        **figures,
        commission=commission,
        commission_min=commission,
        commission_max=decimal(last) or commission,
        commission_currency=currency[1] if currency else None,
        warning=str(row["warn"]) if row.get("warn") else None,
    )


def quote_changes(row: Row) -> dict[str, Decimal | None]:
    """What a frame or a snapshot says anew; a field that is missing has not changed, one that is empty is gone."""
    return {name: decimal(row[code]) for code, name in FIELDS.items() if code in row}


def moment(value: object) -> datetime | None:
    """Of milliseconds since 1970, or of seconds."""
    number = integer(value)
    if not number:
        return None
    return datetime.fromtimestamp(number / 1000 if number > 10**11 else number, UTC)


def day(value: object) -> date | None:
    """`20261218`, as text or as a number."""
    try:
        return datetime.strptime(str(value or ""), "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _dashed(value: object) -> datetime | None:
    """`20260709-17:28:31`, in UTC."""
    try:
        return datetime.strptime(str(value), "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _trimmed(value: Decimal) -> Decimal | None:
    """Without the zero that JSON writes after whole numbers."""
    if not value.is_finite():
        return None
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if value == whole else value
