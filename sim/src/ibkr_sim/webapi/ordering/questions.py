"""Which warnings an order meets before it is taken (Web API: "Suppressible Message IDs"); pure rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.accounts.office import own_price
from ibkr_sim.exchange.model import Contract, OrderRequest, Quote, Side
from ibkr_sim.exchange.orders.families.kinds import Trigger, kind_of
from ibkr_sim.webapi.numbers import grouped, price, quantity
from ibkr_sim.webapi.settings import WebApiSettings

MOST_SUPPRESSED: Final = 51
LONGEST_CHAIN: Final = 4


@dataclass(frozen=True, slots=True)
class Question:
    """`id` names the kind of warning; the text is for people, and some clients match it."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a warning may depend on. `subscribed` says whether the session receives the contract's market data."""

    request: OrderRequest
    contract: Contract
    quote: Quote
    subscribed: bool
    settings: WebApiSettings

    @property
    def last(self) -> Decimal | None:
        """The price that others are compared with: the last trade, else the middle of the quote."""
        if self.quote.last is not None:
            return self.quote.last
        if self.quote.bid is None or self.quote.ask is None:
            return self.quote.close
        return (self.quote.bid + self.quote.ask) / 2

    @property
    def title(self) -> str:
        """`BUY 5 AAPL NASDAQ @ 150.00`."""
        request, contract = self.request, self.contract
        at = own_price(request)
        shown = "" if at is None else f" @ {price(at, contract)}"
        size = quantity(request.quantity)
        return f"{request.side.value} {size} {contract.local_symbol} {contract.primary_exchange}{shown}"


def questions(circumstances: Circumstances) -> list[Question]:
    """In the order in which they are asked."""
    asked = circumstances.settings.questions
    found = (Question(id_, text) for id_, rule in RULES if id_ in asked for text in rule(circumstances))
    return list(found)[:LONGEST_CHAIN]


def _price_percentage(case: Circumstances) -> Iterable[str]:
    limit, last, allowed = case.request.limit_price, case.last, case.settings.percentage_limit
    if limit is not None and last and abs(limit - last) * 100 > allowed * abs(last):
        yield (
            f'The following order "{case.title}" price exceeds \nthe Percentage constraint of {allowed}%.\n'
            "Are you sure you want to submit this order?"
        )


def _no_market_data(case: Circumstances) -> Iterable[str]:
    if not case.subscribed:
        yield (
            "You are submitting an order without market data. We strongly recommend against this as it may result in "
            "erroneous and unexpected trades.\nAre you sure you want to submit this order?"
        )


def _size(case: Circumstances) -> Iterable[str]:
    if case.request.quantity > case.settings.size_limit:
        yield (
            f'The following order "{case.title}" size exceeds the Size Limit of {quantity(case.settings.size_limit)}.\n'
            "Are you sure you want to submit this order?"
        )


def _value(case: Circumstances) -> Iterable[str]:
    at = own_price(case.request) or case.last or Decimal(0)
    value, allowed = at * case.request.quantity * case.contract.factor, case.settings.value_limit
    if value > allowed:
        currency = case.contract.currency
        yield (
            f'The following order "{case.title}" value estimate of {grouped(value)} {currency} exceeds the Total '
            f"Value Limit of {grouped(allowed)} {currency}.\nAre you sure you want to submit this order?"
        )


def _market_order(case: Circumstances) -> Iterable[str]:
    if case.request.order_type == "MKT":
        yield (
            "<h4>Market Order Confirmation</h4>A Market Order is an instruction to trade your order at any available "
            "price. The price you get may differ from the one that was shown.\nSubmit the order?"
        )


def _cap_price(case: Circumstances) -> Iterable[str]:
    if case.request.order_type == "MKT":
        yield (
            "<h4>Confirm Mandatory Cap Price</h4>To avoid trading at a price that is not consistent with a fair and "
            "orderly market, IB may set a cap (for a buy order) or a floor (for a sell order). THIS MAY CAUSE AN "
            "ORDER THAT WOULD OTHERWISE BE MARKETABLE TO NOT BE TRADED."
        )


def _stop_order(case: Circumstances) -> Iterable[str]:
    if kind_of(case.request.order_type).trigger in (Trigger.STOP, Trigger.TRAIL):
        yield (
            "You are about to submit a stop order. Please be aware of the various stop order types available and the "
            "risks associated with each one.\nAre you sure you want to submit this order?"
        )


def _triggers_at_once(case: Circumstances) -> Iterable[str]:
    stop, last = case.request.stop_price, case.last
    if stop is None or last is None or kind_of(case.request.order_type).trigger is not Trigger.STOP:
        return
    if last >= stop if case.request.side is Side.BUY else last <= stop:
        yield (
            f'The following order "{case.title}": This order will most likely trigger and fill immediately.\n'
            "Are you sure you want to submit this order?"
        )


RULES: Final[tuple[tuple[str, Callable[[Circumstances], Iterable[str]]], ...]] = (
    ("o163", _price_percentage),
    ("o354", _no_market_data),
    ("o383", _size),
    ("o451", _value),
    ("o403", _triggers_at_once),
    ("o10151", _market_order),
    ("o10153", _cap_price),
    ("o10331", _stop_order),
)
