"""From a client's description of a contract to the one contract it means."""

from __future__ import annotations

from collections.abc import Sequence

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.tws.fields import number
from ibkr_sim.tws.requests.contracts import ContractQuery

NOT_FOUND = 200
_BY_CLASS = ("FUT", "OPT", "FOP", "WAR")
"""Of which expiry, strike, right, multiplier and class are looked at."""


def matches(market: Market, query: ContractQuery) -> Sequence[Contract]:
    """A conid alone decides; without it every criterion given does. A combination is known by its legs alone."""
    if query.conid:
        contract = market.contract(query.conid)
        return () if contract is None or contract.legs else (contract,)
    derived = query.sec_type in _BY_CLASS
    if not (query.symbol or query.local_symbol or (derived and query.trading_class)):
        return ()
    return market.search(
        Wanted(
            symbol=query.symbol,
            sec_type=query.sec_type,
            exchange=query.exchange,
            primary_exchange=query.primary_exchange,
            currency=query.currency,
            local_symbol=query.local_symbol,
            trading_class=query.trading_class if derived else "",
            expiry=query.expiry if derived else "",
            strike=query.strike or None if derived else None,
            right=query.right[:1].upper() if derived else "",
            multiplier=_plain_number(query.multiplier) if derived else "",
        )
    )


def _plain_number(text: str) -> str:
    """Empty for what is no number."""
    value = number(text)
    return "" if value is None else f"{value:f}"


def resolve(market: Market, query: ContractQuery) -> Contract:
    """Raises Rejected with code 200 when the description fits no contract, or more than one."""
    found = matches(market, query)
    if not found:
        raise Rejected(NOT_FOUND, "No security definition has been found for the request")
    if len(found) > 1:
        name = query.symbol or query.local_symbol
        raise Rejected(NOT_FOUND, f"The contract description specified for {name} is ambiguous.")
    return found[0]


def routed(contract: Contract, asked: str) -> str:
    """The exchange a contract is shown under: the one asked for, else SMART where it routes there."""
    if asked in contract.valid_exchanges:
        return asked
    return "SMART" if "SMART" in contract.valid_exchanges else contract.primary_exchange
