"""The guards in the order in which they are asked; the first denial stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ibkr_bridge.guards.account_pin import account_pin
from ibkr_bridge.guards.exposure import exposure, growth
from ibkr_bridge.guards.halt import halt, reduction
from ibkr_bridge.guards.market_hours import market_hours
from ibkr_bridge.guards.market_orders import market_orders
from ibkr_bridge.guards.open_orders import open_orders
from ibkr_bridge.guards.order_rate import order_rate
from ibkr_bridge.guards.order_value import order_value
from ibkr_bridge.guards.position import position
from ibkr_bridge.guards.price_collar import price_collar
from ibkr_bridge.guards.quantity import quantity
from ibkr_bridge.guards.read_only import read_only
from ibkr_bridge.guards.repeats import repeats
from ibkr_bridge.guards.reset_window import reset_window
from ibkr_bridge.guards.symbols import symbols
from ibkr_bridge.guards.verdict import Denial, Guard, Intent, Recent, View
from ibkr_bridge.guards.world import world

GUARDS: tuple[Guard, ...] = (
    read_only,
    world,
    account_pin,
    halt,
    reset_window,
    symbols,
    market_orders,
    market_hours,
    quantity,
    repeats,
    order_rate,
    open_orders,
    price_collar,
    order_value,
    position,
    exposure,
)
LEGS: tuple[Guard, ...] = (symbols, market_hours, quantity, open_orders, order_value, position, exposure)
"""Of a combo each leg meets these by itself; the others look at the combo as one order."""
WHOLE: tuple[Guard, ...] = tuple(guard for guard in GUARDS if guard not in LEGS or guard is order_value)
"""Of a combo as one order. Its value is judged both ways: by each leg, and by the price that it gives itself."""
REDUCING: tuple[Guard, ...] = (read_only, world, account_pin, reduction)
"""For orders that only bring a position nearer to zero, which `reduction` makes sure of: limits of size and price would
keep a position open that is to be closed."""
SWITCHES: tuple[Guard, ...] = (halt, reduction)
"""Asked once more when an order's turn has come: the kill switch may have been thrown while it waited."""


def judge(intent: Intent, view: View, guards: tuple[Guard, ...] = GUARDS) -> Denial | None:
    """The first denial, or None when every guard allows."""
    return next((denial for guard in guards if (denial := guard(intent, view)) is not None), None)


def judge_legs(legs: Sequence[tuple[Intent, View]], guards: tuple[Guard, ...] = GUARDS) -> Denial | None:
    """Of a combo's legs: each counts what those before it add to the exposure."""
    grown = Decimal(0)
    for intent, view in legs:
        seen = view if view.exposure is None else replace(view, exposure=view.exposure + grown)
        denial = judge(intent, seen, tuple(guard for guard in guards if guard in LEGS))
        if denial is not None:
            return replace(denial, detail=f"Of the leg {intent.contract.symbol}: {denial.detail}")
        grown += growth(intent, view)
    return None


def judge_all(intents: Sequence[Intent], view: View, guards: tuple[Guard, ...] = GUARDS) -> Denial | None:
    """Of an order and its children: each counts those before it, and a child meets the position its parent leaves.

    Children take one another back when one fills: they do not add up.
    """
    for intent in intents:
        if (denial := judge(intent, view, guards)) is not None:
            return denial if intent is intents[0] else replace(denial, detail=f"Of a child: {denial.detail}")
        moved = intent.signed_qty if intent is intents[0] else 0
        recent = (*view.recent, Recent(view.now, intent.conids, intent.terms))
        view = replace(view, position=view.position + moved, recent=recent)
    return None
