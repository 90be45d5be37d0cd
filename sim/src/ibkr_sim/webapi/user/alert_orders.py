"""Reads what a client wants an alert to be (Web API: "Create or Modify Alert")."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ibkr_sim.webapi.user.alerts import Alert, Bind, Condition, Kind, Operator, moment

REQUIRED = ("alertName", "alertMessage", "alertRepeatable", "outsideRth", "tif", "conditions")


class InvalidAlert(Exception):
    """A body that IBKR cannot process."""


def parse_alert(body: Mapping[str, Any], alert_id: int, account: str, now: datetime) -> Alert:
    """Raises InvalidAlert."""
    missing = [name for name in REQUIRED if name not in body]
    conditions = body.get("conditions")
    if missing or not isinstance(conditions, list) or not conditions or len(conditions) > 50:
        raise InvalidAlert(f"{', '.join(missing) or 'conditions'} missing")
    if body["tif"] not in ("GTC", "GTD"):
        raise InvalidAlert("tif is not valid")
    return Alert(
        id=alert_id,
        account=account,
        name=_text(body, "alertName"),
        message=_text(body, "alertMessage"),
        conditions=tuple(map(_condition, conditions)),
        created=now,
        tif=body["tif"],
        expires=_text(body, "expireTime"),
        repeatable=_flag(body, "alertRepeatable"),
        outside_rth=_flag(body, "outsideRth"),
        email=_text(body, "email"),
        sends_message=_flag(body, "sendMessage"),
        pops_up=_flag(body, "showPopup"),
        orders_only=_flag(body, "iTWSOrdersOnly"),
    )


def _condition(row: Any) -> Condition:
    if not isinstance(row, dict):
        raise InvalidAlert("a condition is not an object")
    conid, _at, exchange = str(row.get("conidex", "")).partition("@")
    try:
        condition = Condition(
            kind=Kind(int(row.get("type", 0))),
            conid=int(conid or 0),
            exchange=exchange,
            operator=Operator(row.get("operator", "")),
            value=str(row.get("value", "")),
            bind=Bind(row.get("logicBind", "n")),
            trigger_method=str(row.get("triggerMethod", "0")),
            time_zone=str(row.get("timeZone", "")),
        )
        _check_value(condition)
    except (ValueError, TypeError, InvalidOperation) as error:
        raise InvalidAlert(f"a condition is not valid: {error}") from error
    return condition


def _check_value(condition: Condition) -> None:
    """Raises ValueError or InvalidOperation."""
    if condition.kind is Kind.TIME:
        moment(condition.value)
    elif condition.kind in (Kind.PRICE, Kind.VOLUME) and not Decimal(condition.value).is_finite():
        raise ValueError(condition.value)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidAlert(f"{name} is not a text")
    return (value or "")[:1000]


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, 0)
    if value not in (0, 1):
        raise InvalidAlert(f"{name} must be 0 or 1")
    return bool(value)
