"""Orders for faults, read from JSON."""

from __future__ import annotations

from typing import Any, Final

from ibkr_sim.faults.injection import FaultOrder
from ibkr_sim.faults.trigger import InvalidFault

_FIELDS: Final = frozenset({"name", "trigger", "options", "times", "seed", "client"})


def fault_order(body: object) -> FaultOrder:
    """Read `{"name": "cut", "trigger": "order:2", "options": {"bytes": 40}, "times": 1, "seed": 7, "client": 1}`.

    Raises InvalidFault.
    """
    if not isinstance(body, dict) or not isinstance(body.get("name"), str) or body.keys() - _FIELDS:
        raise InvalidFault(
            'send {"name": "cut", "trigger": "order:2", "options": {}, "times": 1, "seed": 1, "client": 1}'
        )
    options = body.get("options", {})
    if not isinstance(options, dict):
        raise InvalidFault("options must be an object")
    trigger = body.get("trigger", "now")
    if not isinstance(trigger, str):
        raise InvalidFault("trigger must be text")
    times = None if body.get("times") is None else _whole(body, "times", 0)
    return FaultOrder(body["name"], trigger, options, times, _whole(body, "seed", 1), _client(body.get("client")))


def fault_orders(body: object) -> tuple[FaultOrder, ...]:
    """A list of orders, as a file holds it. Raises InvalidFault."""
    if not isinstance(body, list):
        raise InvalidFault("a file of faults is a list")
    return tuple(map(fault_order, body))


def cleared_name(body: object) -> str | None:
    """Read `{"name": "link_lost"}`, or `{}` for all. Raises InvalidFault."""
    if not isinstance(body, dict) or body.keys() - {"name"} or not isinstance(body.get("name", ""), str):
        raise InvalidFault('send {"name": "link_lost"}, or {} to clear all')
    return body.get("name")


def _whole(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 1 << 62:
        raise InvalidFault(f"{name} must be a whole number")
    return value


def _client(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidFault("client must be a client id")
    return str(value)
