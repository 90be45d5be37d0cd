"""The guards in the order in which they are asked; the first denial stands."""

from __future__ import annotations

from ibkr_bridge.guards.account_pin import account_pin
from ibkr_bridge.guards.read_only import read_only
from ibkr_bridge.guards.verdict import Denial, Guard, Intent, View
from ibkr_bridge.guards.world import world

GUARDS: tuple[Guard, ...] = (read_only, world, account_pin)


def judge(intent: Intent, view: View, guards: tuple[Guard, ...] = GUARDS) -> Denial | None:
    """The first denial, or None when every guard allows."""
    return next((denial for guard in guards if (denial := guard(intent, view)) is not None), None)
