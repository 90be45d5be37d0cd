"""Combos: several contracts under one order, and what each leg of them comes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from ibkr_bridge.domain.contract import COMBO, Contract, Leg
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.terms import OrderType, Terms

SPREADS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "USD": 28812380,
        "AUD": 61227077,
        "CAD": 61227082,
        "CHF": 61227087,
        "CNH": 136000441,
        "GBP": 58666491,
        "HKD": 61227072,
        "INR": 136000444,
        "JPY": 61227069,
        "KRW": 136000424,
        "MXN": 136000449,
        "SEK": 136000429,
        "SGD": 426116555,
    }
)
"""The conid under which combos of a currency go (Web API v1.0, "Combo Orders"); IBKR names none for the euro."""


def combine(legs: Sequence[Leg], exchange: str) -> Contract:
    """The combo of these legs. Raises InvalidRequest where they cannot be one."""
    contracts = [leg.contract for leg in legs]
    currencies = {contract.currency for contract in contracts}
    if len(legs) < 2 or len({contract.conid for contract in contracts}) < len(legs):
        raise InvalidRequest("A combo has two legs or more, each of another contract.", field="legs")
    if len(currencies) > 1:
        raise InvalidRequest(
            f"The legs of a combo are of one currency, not {', '.join(sorted(currencies))}.", field="legs"
        )
    multipliers = {contract.multiplier for contract in contracts}
    symbols = dict.fromkeys(contract.symbol for contract in contracts)
    return Contract(
        conid=SPREADS.get(contracts[0].currency, 0),
        symbol=",".join(symbols),
        sec_type=COMBO,
        exchange=exchange,
        currency=contracts[0].currency,
        multiplier=multipliers.pop() if len(multipliers) == 1 else None,
        legs=tuple(legs),
    )


def leg_terms(terms: Terms, leg: Leg) -> Terms:
    """What an order for the combo asks of one leg: its quantity and side; a price of its own it has none."""
    side = terms.side if leg.side is terms.side.BUY else terms.side.other
    kind = OrderType.MARKET if terms.type.shape.at_any_price else OrderType.LIMIT
    return Terms(side, terms.qty * leg.ratio, kind, tif=terms.tif, outside_rth=terms.outside_rth)


def by_leg(order: Order) -> tuple[Order, ...]:
    """The order as one for each contract whose position it moves."""
    return tuple(
        replace(
            order,
            contract=leg.contract,
            terms=leg_terms(order.terms, leg),
            filled_qty=order.filled_qty * leg.ratio,
            broker=(),
            fills=(),
        )
        for leg in order.contract.legs
    ) or (order,)
