"""CFDs without quotes of their own: who asks for one's is sent to what it follows."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market

_CFD: Final = "CFD"


def rerouted(market: Market, contract: Contract, types: AbstractSet[str]) -> Contract | None:
    """The contract of one of these types that a CFD is on; None for what is quoted by itself.

    A CFD on a share goes by the share's symbol and currency; one on an index has a symbol of IBKR's own.
    """
    if contract.sec_type != _CFD:
        return None
    for sec_type in sorted(types):
        wanted = Wanted(symbol=contract.symbol, sec_type=sec_type, currency=contract.currency)
        for found in market.search(wanted):
            return found
    return None
