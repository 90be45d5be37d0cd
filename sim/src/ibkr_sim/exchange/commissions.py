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
    "USD": Tariff("USD", Decimal(1), per_share=Decimal("0.005"), ceiling=Decimal("0.01")),
    "CHF": Tariff("CHF", Decimal(5), of_value=Decimal("0.0005")),
    "MXN": Tariff("MXN", Decimal(60), of_value=Decimal("0.001")),
}


def tariff(contract: Contract) -> Tariff:
    return CURRENCY_PAIRS if contract.sec_type == "CASH" else STOCKS[contract.currency]


def commission(
    contract: Contract, quantity: Decimal, value: Decimal, rate: Callable[[str, str], Decimal]
) -> tuple[Decimal, str]:
    """Commission and its currency for `quantity` filled at a total `value` in the contract's currency."""
    schedule = tariff(contract)
    return schedule.total(quantity, value * rate(contract.currency, schedule.currency)), schedule.currency
