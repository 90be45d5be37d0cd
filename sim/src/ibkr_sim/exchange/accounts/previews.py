"""What an order would do to margin and equity, and whether the account can bear it."""

from __future__ import annotations

from decimal import Decimal

from ibkr_sim.exchange.accounts.figures import Statement
from ibkr_sim.exchange.accounts.margin import CENT
from ibkr_sim.exchange.model import Preview, Rejected
from ibkr_sim.exchange.orders.validation import REFUSED


def preview(
    before: Statement, after: Statement, commission: tuple[Decimal, str], commission_in_base: Decimal
) -> Preview:
    """Compare the account with and without the order; both valued at the order's price."""
    fee, currency = commission
    equity_change = -commission_in_base.quantize(CENT)
    return Preview(
        initial_margin_before=before.initial_margin,
        maintenance_margin_before=before.maintenance_margin,
        equity_before=before.net_liquidation,
        initial_margin_change=after.initial_margin - before.initial_margin,
        maintenance_margin_change=after.maintenance_margin - before.maintenance_margin,
        equity_change=equity_change,
        initial_margin_after=after.initial_margin,
        maintenance_margin_after=after.maintenance_margin,
        equity_after=before.net_liquidation + equity_change,
        commission=fee,
        commission_min=fee,
        commission_max=fee,
        commission_currency=currency,
    )


def check_funds(outcome: Preview, currency: str) -> None:
    """An order that binds no more margin than before always passes. Raises Rejected (201)."""
    if outcome.initial_margin_change <= 0 or outcome.equity_after >= outcome.initial_margin_after:
        return
    raise Rejected(
        201,
        f"{REFUSED}available funds are insufficient: the initial margin would be {outcome.initial_margin_after} "
        f"{currency} against an equity with loan value of {outcome.equity_after} {currency}.",
    )


def exposure_after(held: Decimal, mark: Decimal, quantity: Decimal, price: Decimal) -> Decimal:
    """Value of a position once a signed quantity has traded: what stays counts at its mark, what is new at `price`."""
    total = held + quantity
    if held * quantity >= 0:
        return held * mark + quantity * price
    return total * (mark if held * total >= 0 else price)
