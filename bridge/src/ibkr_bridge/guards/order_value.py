"""No single order is worth more than the limit: quantity x price x multiplier x rate, in the base currency."""

from __future__ import annotations

from ibkr_bridge.guards.verdict import Denial, Intent, Price, View

_SETTINGS = {"CHF": "MAX_ORDER_VALUE_CHF"}


def order_value(intent: Intent, view: View) -> Denial | None:
    """Denies also when the value cannot be reckoned: no price, no rate, or one that is too old."""
    limits = view.limits
    if limits.max_order_value is None:
        return None
    price, rate = view.price_of(intent), view.rate
    if price is None or price.stale or price.age > limits.max_quote_age:
        return _unknown(view, f"the last price of {intent.contract.symbol}", price, limits.max_quote_age)
    if rate is None or rate.stale or rate.age > limits.max_rate_age:
        pair = f"{intent.contract.currency} in {limits.base_currency}"
        return _unknown(view, f"the rate of {pair}", rate, limits.max_rate_age)
    value = intent.terms.qty * abs(price.value) * intent.multiplier * rate.value
    if value <= limits.max_order_value:
        return None
    return Denial(
        guard="order_value",
        detail=(
            f"The order is worth {value:.2f} {limits.base_currency};"
            f" the limit is {limits.max_order_value} {limits.base_currency}."
        ),
        advice=f"Order less, or raise {_SETTINGS.get(limits.base_currency, 'IBKR_SERVICE_MAX_ORDER_VALUE')}.",
        limit=str(limits.max_order_value),
        value=f"{value:.2f}",
    )


def _unknown(view: View, what: str, price: Price | None, oldest: float) -> Denial:
    why = "is not known" if price is None else price.stale or f"is {price.age:.0f} s old, {oldest:g} s at most"
    return Denial(
        guard="order_value",
        detail=f"The order's value cannot be reckoned: {what} {why}.",
        advice="Try again when quotes flow; GET /health shows the session.",
        limit=str(view.limits.max_order_value),
    )
