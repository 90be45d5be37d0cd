"""Delta-neutral requests for quotes: which shares hedge an option, how many of them, and at which price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.reference.option_volatility import middle
from ibkr_sim.tws.feeds.computations import MODEL, computed
from ibkr_sim.tws.fields import decimal_text, number
from ibkr_sim.tws.requests.order_blocks import Block

REQUEST_FOR_QUOTE = "QUOTE"
"""The order type of a request for quotes."""
REJECTED = 201


@dataclass(frozen=True, slots=True)
class Hedge:
    """`delta` of the underlying for one option, or for one of the combination; `price` is the underlying's."""

    conid: int
    delta: Decimal
    price: Decimal

    def block(self) -> Block:
        """As an order carries it."""
        return "1", str(self.conid), decimal_text(self.delta), decimal_text(self.price)


def hedge_of(block: Block) -> Hedge:
    """What an order carries; 0 for what it leaves open."""
    _present, conid, delta, price = block
    return Hedge(int(conid or 0), number(delta) or Decimal(0), number(price) or Decimal(0))


def confirmed(market: Market, contract: Contract, asked: Hedge) -> Hedge:
    """What is open is filled in as the model and the market have it now.

    Raises Rejected (201) for what is no option, for options on several underlyings, and for a wrong underlying.
    """
    options = _options(market, contract)
    (conid, *others) = {option.under_conid for option, _ratio in options}
    if others or asked.conid not in (0, conid):
        raise _refusal("it must name the underlying of the options")
    price = middle(market.quote(conid))
    if price is None:
        raise _refusal("nobody quotes the underlying")
    delta = sum((ratio * _delta(market, option) for option, ratio in options), Decimal(0))
    return Hedge(conid, asked.delta or delta, asked.price or price)


def _options(market: Market, contract: Contract) -> Sequence[tuple[Contract, int]]:
    """With how many of each. Raises Rejected."""
    legs = [(market.contract(leg.conid), leg.signed_ratio) for leg in contract.legs] or [(contract, 1)]
    options = [(option, ratio) for option, ratio in legs if option is not None and option.is_option]
    if len(options) != len(legs):
        raise _refusal("it hedges options")
    return options


def _delta(market: Market, option: Contract) -> Decimal:
    """Raises Rejected."""
    quote, underlying = market.quote(option.conid), market.quote(option.under_conid)
    for kind, figures in computed(option, quote, underlying, market.now()):
        if kind == MODEL:
            return figures.delta
    raise _refusal("the option has no delta")


def _refusal(cause: str) -> Rejected:
    return Rejected(REJECTED, f"Order rejected - reason:Invalid delta neutral contract: {cause}.")
