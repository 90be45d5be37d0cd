"""Between our terms of an order and ib_async's orders. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import ib_async

from ibkr_bridge.domain.terms import (
    Adjustment,
    Algo,
    Condition,
    Conditions,
    ConditionType,
    Oca,
    OcaType,
    OrderType,
    Side,
    Terms,
    TimeInForce,
)
from ibkr_bridge.upstream.tws.numbers import decimal

TYPES: Final[Mapping[OrderType, str]] = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TRAIL: "TRAIL",
    OrderType.TRAIL_LIMIT: "TRAIL LIMIT",
    OrderType.MARKET_IF_TOUCHED: "MIT",
    OrderType.LIMIT_IF_TOUCHED: "LIT",
    OrderType.MARKET_ON_CLOSE: "MOC",
    OrderType.LIMIT_ON_CLOSE: "LOC",
    OrderType.MIDPRICE: "MIDPRICE",
    OrderType.RELATIVE: "REL",
    OrderType.PEG_MID: "PEG MID",
}
_TYPES_BACK: Final = {word: order_type for order_type, word in TYPES.items()}
SIDES: Final[Mapping[str, Side]] = {"BUY": Side.BUY, "SELL": Side.SELL, "BOT": Side.BUY, "SLD": Side.SELL}
_OCA: Final[Mapping[OcaType, int]] = {OcaType.CANCEL: 1, OcaType.REDUCE: 2, OcaType.REDUCE_OPEN: 3}
_OCA_BACK: Final = {number: kind for kind, number in _OCA.items()}
_AND, _OR = "a", "o"
_PERCENT: Final = 100
"""The unit of an adjusted trail; 0 is an amount (TWS API, "Adjustable Stops")."""


def sent(terms: Terms) -> dict[str, Any]:
    """The fields of an order. Numbers go as text, so that none passes through a float on its way to the wire.

    The time in force is always written: a preset of the gateway must not decide it (message 10349)."""
    return {
        "action": str(terms.side),
        "orderType": TYPES[terms.type],
        "totalQuantity": format(terms.qty, "f"),
        "tif": str(terms.tif),
        "outsideRth": terms.outside_rth,
        **_prices(terms),
        **_handling(terms),
        **_oca(terms.oca),
        **_conditions(terms.conditions),
        **_algo(terms.algo),
        **_adjusted(terms.adjust),
    }


def told(theirs: ib_async.Order) -> Terms | None:
    """None for an order that our words cannot say; conditions, algorithms and adjustments are left out."""
    side, order_type = SIDES.get(theirs.action), _TYPES_BACK.get(theirs.orderType)
    qty = decimal(theirs.totalQuantity)
    if side is None or order_type is None or qty is None or theirs.tif not in TimeInForce.__members__:
        return None
    return Terms(
        side=side,
        qty=qty,
        type=order_type,
        tif=TimeInForce(theirs.tif),
        outside_rth=theirs.outsideRth,
        good_till=moment(theirs.goodTillDate),
        good_after=moment(theirs.goodAfterTime),
        display_qty=_some(theirs.displaySize),
        all_or_none=theirs.allOrNone,
        hidden=theirs.hidden,
        oca=Oca(theirs.ocaGroup, _OCA_BACK.get(theirs.ocaType, OcaType.REDUCE_OPEN)) if theirs.ocaGroup else None,
        **_prices_told(theirs, order_type),
    )


def _prices(terms: Terms) -> dict[str, Any]:
    """One field of the wire holds a trigger, a trailing amount or an offset, by the type of the order."""
    trails = terms.type.shape.trails
    auxiliary = terms.trail if trails else terms.offset if terms.offset is not None else terms.stop
    told = {"lmtPrice": _text(terms.limit), "auxPrice": _text(auxiliary)}
    if not trails:
        return told
    named = {"trailStopPrice": terms.stop, "trailingPercent": terms.trail_percent, "lmtPriceOffset": terms.limit_offset}
    return told | {name: _text(value) for name, value in named.items() if value is not None}


def _prices_told(theirs: ib_async.Order, order_type: OrderType) -> dict[str, Any]:
    shape = order_type.shape
    auxiliary = "trail" if shape.trails else "offset" if "offset" in shape.allowed else "stop"
    values = {
        "limit": theirs.lmtPrice,
        "stop": theirs.trailStopPrice,
        "trail_percent": theirs.trailingPercent,
        "limit_offset": theirs.lmtPriceOffset,
        auxiliary: theirs.auxPrice,
    }
    needed = {name: decimal(value) for name, value in values.items() if name in shape.needs}
    optional = {name: _some(value) for name, value in values.items() if name in shape.allowed - set(shape.needs)}
    return needed | optional


def _handling(terms: Terms) -> dict[str, Any]:
    named = {
        "goodTillDate": None if terms.good_till is None else written(terms.good_till),
        "goodAfterTime": None if terms.good_after is None else written(terms.good_after),
        "displaySize": None if terms.display_qty is None else _text(terms.display_qty),
        "minQty": None if terms.min_qty is None else _text(terms.min_qty),
        "allOrNone": terms.all_or_none or None,
        "hidden": terms.hidden or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _oca(oca: Oca | None) -> dict[str, Any]:
    return {} if oca is None else {"ocaGroup": oca.group, "ocaType": _OCA[oca.type]}


def _algo(algo: Algo | None) -> dict[str, Any]:
    if algo is None:
        return {}
    return {"algoStrategy": algo.strategy, "algoParams": [ib_async.TagValue(*pair) for pair in algo.params]}


def _adjusted(adjust: Adjustment | None) -> dict[str, Any]:
    if adjust is None:
        return {}
    trail = adjust.trail if adjust.trail_percent is None else adjust.trail_percent
    named = {
        "triggerPrice": adjust.trigger,
        "adjustedStopPrice": adjust.stop,
        "adjustedStopLimitPrice": adjust.limit,
        "adjustedTrailingAmount": trail,
    }
    return {
        "adjustedOrderType": TYPES[adjust.type],
        "adjustableTrailingUnit": 0 if adjust.trail_percent is None else _PERCENT,
        **{name: _text(value) for name, value in named.items() if value is not None},
    }


def _conditions(conditions: Conditions | None) -> dict[str, Any]:
    if conditions is None:
        return {}
    return {
        "conditions": _written(conditions.items),
        "conditionsIgnoreRth": conditions.outside_rth,
        "conditionsCancelOrder": conditions.cancels,
    }


def _written(items: Sequence[Condition]) -> list[ib_async.OrderCondition]:
    return [_condition(item, _OR if item.either else _AND) for item in items]


def _condition(item: Condition, joined: str) -> ib_async.OrderCondition:
    """TWS API, "Order Conditioning". Numbers as text, as above."""
    value: Any = _text(item.value)
    of: dict[str, Any] = {"conId": item.conid, "exch": item.exchange}
    bound: dict[str, Any] = {"conjunction": joined, "isMore": item.above}
    match item.type:
        case ConditionType.PRICE:
            return ib_async.PriceCondition(price=value, **bound, **of)
        case ConditionType.TIME:
            return ib_async.TimeCondition(time=written(item.at) if item.at else "", **bound)
        case ConditionType.MARGIN:
            return ib_async.MarginCondition(percent=value, **bound)
        case ConditionType.VOLUME:
            return ib_async.VolumeCondition(volume=value, **bound, **of)
        case ConditionType.PERCENT_CHANGE:
            return ib_async.PercentChangeCondition(changePercent=value, **bound, **of)
        case ConditionType.EXECUTION:
            return ib_async.ExecutionCondition(
                conjunction=joined, secType=item.sec_type, exch=item.exchange, symbol=item.symbol
            )


def written(at: datetime) -> str:
    """In UTC, as TWS takes it since 10.18: `20260320-14:30:00`."""
    return at.astimezone(UTC).strftime("%Y%m%d-%H:%M:%S")


def moment(text: str) -> datetime | None:
    """None for a time in another form, which names a zone that a person has chosen."""
    try:
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _text(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")


def _some(value: object) -> Decimal | None:
    """Where nothing was said, the wire says zero."""
    return decimal(value) or None
