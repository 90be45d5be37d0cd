"""Alerts as the Web API lists and details them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ibkr_sim.exchange.model import Contract
from ibkr_sim.webapi.numbers import dashed
from ibkr_sim.webapi.user.alerts import Alert, Condition

Describe = Callable[[int], Contract | None]


def listed(alert: Alert) -> dict[str, Any]:
    return {
        "order_id": alert.id,
        "account": alert.account,
        "alert_name": alert.name,
        "alert_active": int(alert.active),
        "order_time": dashed(alert.created),
        "alert_triggered": alert.triggered,
        "alert_repeatable": int(alert.repeatable),
    }


def detailed(alert: Alert, contract: Describe, *, assistant: bool) -> dict[str, Any]:
    """`assistant` marks the alert of the mobile trading assistant, which alone has defaults and a tool id."""
    return {
        "account": alert.account,
        "order_id": alert.id,
        "alert_name": alert.name,
        "tif": alert.tif,
        "expire_time": alert.expires or None,
        "alert_active": int(alert.active),
        "alert_repeatable": int(alert.repeatable),
        "alert_email": alert.email or None,
        "alert_send_message": int(alert.sends_message),
        "alert_message": alert.message or None,
        "alert_show_popup": int(alert.pops_up),
        "alert_play_audio": None,
        "order_status": "Submitted" if alert.active else "Inactive",
        "alert_triggered": alert.triggered,
        "fg_color": "#FFFFFF",
        "bg_color": "#0000CC",
        "order_not_editable": False,
        "itws_orders_only": int(alert.orders_only),
        "alert_mta_currency": "USD" if assistant else None,
        "alert_mta_defaults": "9:STATE=0,MIN=-10000,MAX=10000,STEP=500,DEF_MIN=-1000,DEF_MAX=1000"
        if assistant
        else None,
        "tool_id": alert.id if assistant else None,
        "time_zone": next((row.time_zone for row in alert.conditions if row.time_zone), None),
        "alert_default_type": None,
        "condition_size": len(alert.conditions),
        "condition_outside_rth": int(alert.outside_rth),
        "conditions": [_condition(row, contract) for row in alert.conditions],
    }


def acknowledged(alert_id: int, text: str) -> dict[str, Any]:
    """Of an activation or a deletion."""
    return {"request_id": None, "order_id": alert_id, "success": True, "text": text, "failure_list": None}


def created(alert: Alert) -> dict[str, Any]:
    return {
        "request_id": None,
        "order_id": alert.id,
        "success": True,
        "text": "Submitted",
        "order_status": None,
        "warning_message": None,
    }


def _condition(row: Condition, contract: Describe) -> dict[str, Any]:
    described = contract(row.conid)
    return {
        "condition_type": int(row.kind),
        "conidex": f"{row.conid}@{row.exchange}" if row.exchange else str(row.conid),
        "contract_description_1": described.local_symbol if described else "",
        "condition_operator": row.operator.value,
        "condition_trigger_method": row.trigger_method,
        "condition_value": row.value,
        "condition_logic_bind": row.bind.value,
        "condition_time_zone": row.time_zone or None,
    }
