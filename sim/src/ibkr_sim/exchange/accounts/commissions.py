"""What an order costs: near IBKR Pro's fixed schedule (IBKR "Commissions", fixed pricing)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ibkr_sim.exchange.model import Contract

EXACTNESS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Tariff:
    """`per_share` and `of_value` add up; `minimum` holds per order; `ceiling` is a share of the order's value."""

    currency: str
    minimum: Decimal
    per_share: Decimal = Decimal(0)
    of_value: Decimal = Decimal(0)
    ceiling: Decimal | None = None

    def total(self, quantity: Decimal, value: Decimal) -> Decimal:
        """For all that an order has filled; `value` in the tariff's currency."""
        fee = max(self.per_share * quantity + self.of_value * value, self.minimum)
        if self.ceiling is not None:
            fee = min(fee, self.ceiling * value)
        return fee.quantize(EXACTNESS)


CURRENCY_PAIRS = Tariff("USD", Decimal(2), of_value=Decimal("0.00002"))
STOCKS = {
    "EUR": Tariff("EUR", Decimal(3), of_value=Decimal("0.0005")),
    "GBP": Tariff("GBP", Decimal(3), of_value=Decimal("0.0005")),
    "CAD": Tariff("CAD", Decimal(1), per_share=Decimal("0.01"), ceiling=Decimal("0.005")),
    "JPY": Tariff("JPY", Decimal(80), of_value=Decimal("0.0005")),
    "HKD": Tariff("HKD", Decimal(18), of_value=Decimal("0.0008")),
    "AUD": Tariff("AUD", Decimal(5), of_value=Decimal("0.0008")),
    "USD": Tariff("USD", Decimal(1), per_share=Decimal("0.005"), ceiling=Decimal("0.01")),
    "CHF": Tariff("CHF", Decimal(5), of_value=Decimal("0.0005")),
    "MXN": Tariff("MXN", Decimal(60), of_value=Decimal("0.001")),
}


_ELSEWHERE = Tariff("USD", Decimal(5), of_value=Decimal("0.001"))
OTHERS = {
    "CASH": CURRENCY_PAIRS,
    "CMDTY": Tariff("USD", Decimal(2), of_value=Decimal("0.000015")),
    "OPT": Tariff("USD", Decimal(1), per_share=Decimal("0.65")),
    "FOP": Tariff("USD", Decimal(0), per_share=Decimal("2.25")),
    "FUT": Tariff("USD", Decimal(0), per_share=Decimal("2.25")),
    "CRYPTO": Tariff("USD", Decimal("1.75"), of_value=Decimal("0.0018")),
    "BOND": Tariff("USD", Decimal(1), of_value=Decimal("0.001")),
    "FUND": Tariff("USD", Decimal("14.95")),
    "WAR": Tariff("EUR", Decimal(4), of_value=Decimal("0.001")),
}
MICRO = Tariff("USD", Decimal(0), per_share=Decimal("0.62"))
"""Of the small futures on indices, as one was seen to cost."""


def tariff(contract: Contract) -> Tariff:
    """What has no tariff of its own costs as a stock of its currency."""
    if contract.sec_type == "FUT" and contract.symbol in ("MES", "MNQ"):
        return MICRO
    return OTHERS.get(contract.sec_type) or STOCKS.get(contract.currency, _ELSEWHERE)


def commission(
    contract: Contract, quantity: Decimal, value: Decimal, rate: Callable[[str, str], Decimal]
) -> tuple[Decimal, str]:
    """Commission and its currency for `quantity` filled at a total of prices times sizes of `value`."""
    schedule = tariff(contract)
    paid = value * contract.factor * rate(contract.currency, schedule.currency)
    return schedule.total(quantity, paid), schedule.currency
